/* SPDX-License-Identifier: Apache-2.0 */
/* Numbers, as options, states and the kernel's files have them */
#include "fuzz.h"

#include <inttypes.h>
#include <limits.h>

#include "util/number.h"

/* The text without leading zeros, which is what a number is printed as. */
static const char *without_zeros(const char *text) {
        while (text[0] == '0' && text[1] != '\0')
                text++;
        return text;
}

static void check_signed(const char *text, int r, int64_t value) {
        char printed[32];

        if (r < 0)
                return;
        (void)snprintf(printed, sizeof(printed), "%" PRId64, value < 0 ? -(value + 1) : value);
        if (text[0] != '-')
                CHECK(strcmp(without_zeros(text), printed) == 0);
        else
                CHECK(value <= 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
        _cleanup_free_ char *text = fuzz_text(data, size);
        uint64_t wide = 7;
        int64_t with_sign = 7;
        uint32_t narrow = 7;
        pid_t pid = 7;
        int r = number_parse_u64(text, &wide);
        char printed[32];

        if (r == 0) {
                (void)snprintf(printed, sizeof(printed), "%" PRIu64, wide);
                CHECK(strcmp(without_zeros(text), printed) == 0);
        } else {
                CHECK(wide == 7);
        }
        CHECK((number_parse_u32(text, &narrow) == 0) == (r == 0 && wide <= UINT32_MAX));
        CHECK(narrow == (r == 0 && wide <= UINT32_MAX ? (uint32_t)wide : 7));
        CHECK((number_parse_pid(text, &pid) == 0) == (r == 0 && wide >= 1 && wide <= INT_MAX));
        CHECK(pid == (r == 0 && wide >= 1 && wide <= INT_MAX ? (pid_t)wide : 7));
        check_signed(text, number_parse_i64(text, &with_sign), with_sign);
        CHECK(r < 0 || wide > INT64_MAX || with_sign == (int64_t)wide);
        return 0;
}
