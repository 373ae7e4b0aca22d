/* SPDX-License-Identifier: Apache-2.0 */
/* State files: what is taken is written as something that says the same, and leads nowhere else */
#include "fuzz.h"

#include "sandbox/state.h"

/* All that was written was read: nothing was cut, rounded or made up. Members that the input does not have are those
 * with a default; a list of CPUs comes out in its canonical form. */
static void check_same(const json_t *read, const json_t *written) {
        const json_t *value;
        const char *name;
        size_t i;

        if (json_is_array(written)) {
                CHECK(json_array_size(read) == json_array_size(written));
                json_array_foreach((json_t *)written, i, value) check_same(json_array_get(read, i), value);
                return;
        }
        if (!json_is_object(written)) {
                CHECK(json_equal(read, written));
                return;
        }
        json_object_foreach((json_t *)written, name, value) {
                const json_t *given = json_object_get(read, name);
                bool list = strcmp(name, "cpus") == 0 || strcmp(name, "mems") == 0;

                if (given && !list && !(json_is_null(value) && strcmp(name, "overhead") == 0))
                        check_same(given, value);
        }
}

static void check_place(const struct cgroup_path *path) {
        CHECK(cgroup_place_is_valid(path->path));
        CHECK((path->driver == DRIVER_SYSTEMD) == (path->unit && path->slice));
}

static void check_state(const struct state *state) {
        CHECK(state->owner.id && sandbox_id_is_valid(state->owner.id) && state->sandbox.path);
        CHECK(state->sandbox_cgroup_only == (state->overhead.path == NULL));
        check_place(state->sandbox.path);
        CHECK(state->owner.token[0] == '\0' || owner_token_is_valid(state->owner.token));
        if (state->overhead.path)
                check_place(state->overhead.path);
        for (size_t i = 1; i < state->configuration->container_count; i++)
                CHECK(strcmp(state->configuration->containers[i - 1].id,
                             state->configuration->containers[i].id) < 0);
        for (size_t i = 0; i < state->runtime_count; i++)
                CHECK(state->runtime[i]->pid > 0 && state->runtime[i]->former);
        CHECK((state->vmm.process == NULL) == (state->vmm.vcpus == NULL));
        for (size_t i = 0; state->vmm.vcpus && i < state->vmm.vcpus->count; i++) {
                const struct vcpu *vcpu = &state->vmm.vcpus->vcpus[i];

                CHECK(vcpu->tid > 0 && (i == 0 || vcpu[-1].index < vcpu->index));
        }
}

/* What holds has all rules of the resources, and the devices where there are rules. */
static void check_effective(const struct configuration *configuration) {
        _cleanup_(configuration_freep) struct configuration *copy = configuration_copy(configuration);
        _cleanup_(oci_resources_freep) struct oci_resources *effective = NULL;
        size_t given = configuration->resources->devices.count;
        bool rules = given > 0 || configuration->hypervisor_devices;

        CHECK(copy && configuration_equal(configuration, copy));
        CHECK(configuration_effective(configuration, &effective, NULL) == 0);
        CHECK(configuration_equal(configuration, copy));
        CHECK(effective->devices.count ==
              (rules ? (given > 0 ? given : 1) + configuration->device_count : given));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
        _cleanup_json_ json_t *json = json_loadb((const char *)data, size, JSON_REJECT_DUPLICATES, NULL);
        _cleanup_json_ json_t *written = NULL, *again = NULL;
        _cleanup_(state_freep) struct state *state = NULL, *second = NULL;
        _cleanup_error_ struct error error = ERROR_INIT;
        int r;

        if (!json)
                return 0;
        r = state_from_json(json, &state, &error);
        fuzz_check_error(r, &error);
        if (r < 0)
                return 0;
        check_state(state);
        written = state_to_json(state);
        CHECK(written);
        check_same(json, written);
        CHECK(state_from_json(written, &second, &error) == 0);
        again = state_to_json(second);
        CHECK(again && json_equal(written, again));
        check_effective(state->configuration);
        return 0;
}
