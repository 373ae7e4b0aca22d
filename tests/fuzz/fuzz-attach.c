/* SPDX-License-Identifier: Apache-2.0 */
/* What a caller of attach-vcpus says of vCPUs: QEMU's answer, INDEX:TID, and a map of pins */
#include "fuzz.h"

#include <string.h>

#include "vmm/pinning.h"
#include "vmm/vcpus.h"

static void check_vcpus(int r, struct vcpus *vcpus, const struct error *error) {
        fuzz_check_error(r, error);
        CHECK((r == 0) == (vcpus != NULL));
        for (size_t i = 0; vcpus && i < vcpus->count; i++) {
                CHECK(vcpus->vcpus[i].tid > 0);
                CHECK(i == 0 || vcpus->vcpus[i - 1].index < vcpus->vcpus[i].index);
        }
        vcpus_free(vcpus);
}

static void check_answer(const char *text, size_t size) {
        _cleanup_error_ struct error error = ERROR_INIT;
        struct vcpus *vcpus = NULL;
        int r = vcpus_parse_answer(text, size, "--vcpus", &vcpus, &error);

        check_vcpus(r, vcpus, &error);
}

static void check_pair(const char *text) {
        _cleanup_error_ struct error error = ERROR_INIT;
        struct vcpus *vcpus = NULL;
        int r = vcpus_parse_pairs(&text, 1, "--vcpu", &vcpus, &error);

        check_vcpus(r, vcpus, &error);
}

/* What is written of a map is read again as it was. */
static void check_map(const char *text) {
        _cleanup_(pinning_clear) struct pinning pinning = {0}, again = {0};
        _cleanup_error_ struct error error = ERROR_INIT;
        _cleanup_json_ json_t *map = NULL, *map_again = NULL;
        int r = pinning_parse_map(text, &pinning, &error);

        fuzz_check_error(r, &error);
        if (r < 0)
                return;
        CHECK(pinning.map_count > 0);
        map = pinning_map_to_json(&pinning);
        CHECK(map && pinning_map_from_json(map, &again) == 0);
        map_again = pinning_map_to_json(&again);
        CHECK(json_equal(map, map_again));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
        _cleanup_free_ char *text = strndup((const char *)data, size);

        CHECK(text);
        check_answer((const char *)data, size);
        check_pair(text);
        check_map(text);
        return 0;
}
