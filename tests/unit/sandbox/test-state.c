/* SPDX-License-Identifier: Apache-2.0 */
#include "../test.h"

#include <stdlib.h>
#include <string.h>

#include "sandbox/state.h"

static const char whole[] =
        "{\"version\":1,\"phase\":\"ready\",\"id\":\"sb\",\"token\":\"0123456789abcdef0123456789abcdef\","
        "\"directories\":[[27,4711]],\"createdAt\":\"2026-11-24T10:00:00.000000Z\","
        "\"bootId\":\"a-boot\","
        "\"sandboxCgroupOnly\":false,\"vcpuSubtree\":true,\"stopTimeout\":300,"
        "\"sandbox\":{\"cgroupsPath\":\"a-b.slice:p:n\",\"path\":\"a.slice/a-b.slice/p-n.scope\","
        "\"invocation\":\"00112233445566778899aabbccddeeff\"},"
        "\"overhead\":{\"cgroupsPath\":\"kata_overhead/sb\",\"path\":\"kata_overhead/sb\"},"
        "\"runtime\":[{\"pid\":70,\"startTime\":12345,\"cgroups\":\"0::/x\\n\"}],"
        "\"vmm\":{\"pid\":80,\"startTime\":99,\"threads\":true,\"pin\":false,\"vcpus\":[{\"index\":0,\"tid\":"
        "81}]},"
        "\"resources\":{\"cpu\":{\"shares\":5}},\"containers\":{\"c\":{}},"
        "\"devices\":[{\"path\":\"/dev/"
        "x\",\"allow\":true,\"type\":\"c\",\"major\":1,\"minor\":2,\"access\":\"rwm\"}],"
        "\"hypervisorDevices\":false}";

/* What is written is read again as it was. */
static void test_round_trip(void **state) {
        _cleanup_json_ json_t *json = json_loads(whole, 0, NULL), *again = NULL;
        _cleanup_(state_freep) struct state *parsed = NULL;
        _cleanup_error_ struct error error = ERROR_INIT;

        (void)state;
        assert_non_null(json);
        if (state_from_json(json, &parsed, &error) < 0)
                fail_msg("%s", error.message);
        assert_int_equal(parsed->vmm.vcpus->vcpus[0].tid, 81);
        assert_string_equal(parsed->sandbox.path->unit, "p-n.scope");
        assert_int_equal(parsed->owner.unmarked[0].inode, 4711);
        again = state_to_json(parsed);
        assert_true(json_equal(json, again));
}

/* A state of an older build, which knew no tokens, is read and written as it was. */
static void test_older_build(void **state) {
        _cleanup_json_ json_t *json = json_loads(whole, 0, NULL), *again = NULL;
        _cleanup_(state_freep) struct state *parsed = NULL;

        (void)state;
        (void)json_object_del(json, "token");
        (void)json_object_del(json, "directories");
        (void)json_object_del(json_object_get(json, "sandbox"), "invocation");
        assert_int_equal(state_from_json(json, &parsed, NULL), 0);
        assert_string_equal(parsed->owner.token, "");
        again = state_to_json(parsed);
        assert_true(json_equal(json, again));
}

/* A copy is whole, and stays as it was whatever becomes of the other. */
static void test_copy(void **state) {
        _cleanup_json_ json_t *json = json_loads(whole, 0, NULL), *again = NULL;
        _cleanup_json_ json_t *wanted = json_loads(whole, 0, NULL);
        _cleanup_(state_freep) struct state *parsed = NULL, *copy = NULL;

        (void)state;
        assert_int_equal(state_from_json(json, &parsed, NULL), 0);
        copy = state_copy(parsed);
        assert_non_null(copy);
        state_set_vmm(parsed, process_recorded(70, 12345, NULL), false, true, NULL);
        (void)json_array_clear(parsed->devices);
        parsed->sandbox.invocation[0] = '\0';
        parsed->owner.unmarked[0].inode = 1;
        again = state_to_json(copy);
        assert_true(json_equal(wanted, again));
}

/* The VMM is no runtime process, however it was placed. */
static void test_vmm_is_no_runtime_process(void **state) {
        _cleanup_json_ json_t *json = json_loads(whole, 0, NULL);
        _cleanup_(state_freep) struct state *parsed = NULL;

        (void)state;
        assert_int_equal(state_from_json(json, &parsed, NULL), 0);
        /* The same pid at another time is another process. */
        state_set_vmm(parsed, process_recorded(70, 5, NULL), false, false, NULL);
        assert_int_equal(parsed->runtime_count, 1);
        state_set_vmm(parsed, process_recorded(70, 12345, NULL), false, false, NULL);
        assert_int_equal(parsed->runtime_count, 0);
}

/* After a reboot the pids are others', whatever their start times say. */
static void test_other_boot(void **state) {
        _cleanup_json_ json_t *json = json_loads(whole, 0, NULL);
        _cleanup_(state_freep) struct state *parsed = NULL;
        _cleanup_error_ struct error error = ERROR_INIT;
        char boot_id[BOOT_ID_SIZE];

        (void)state;
        assert_int_equal(state_from_json(json, &parsed, &error), 0);
        assert_int_equal(parsed->runtime_count, 1);
        assert_int_equal(state_enter_boot(parsed, &error), 0);
        assert_int_equal(parsed->runtime_count, 0);
        assert_null(parsed->vmm.process);
        assert_true(parsed->earlier_boot);
        assert_null(parsed->vmm.vcpus);
        assert_int_equal(proc_boot_id(boot_id), 0);
        assert_string_equal(parsed->boot_id, boot_id);
        parsed->vmm.process = process_recorded(80, 99, NULL);
        assert_int_equal(state_enter_boot(parsed, &error), 0);
        assert_non_null(parsed->vmm.process);
}

/* systemd may have put the unit elsewhere; two dots in a name are none of "..". */
static void test_place(void **state) {
        _cleanup_json_ json_t *json = json_loads(whole, 0, NULL);
        _cleanup_(state_freep) struct state *parsed = NULL;

        (void)state;
        assert_int_equal(json_object_set_new(json, "sandbox",
                                             json_pack("{s:s, s:s}", "cgroupsPath", "a.slice:p:n..m", "path",
                                                       "docker/x/a.slice/p-n..m.scope")),
                         0);
        assert_int_equal(state_from_json(json, &parsed, NULL), 0);
        assert_string_equal(parsed->sandbox.path->path, "docker/x/a.slice/p-n..m.scope");
}

/* A process from a group whose name is not UTF-8 cannot be remembered: that must not go unnoticed. */
static void test_not_utf8(void **state) {
        _cleanup_json_ json_t *json = json_loads(whole, 0, NULL);
        _cleanup_(state_freep) struct state *parsed = NULL;

        (void)state;
        assert_int_equal(state_from_json(json, &parsed, NULL), 0);
        strcpy(parsed->runtime[0]->former, "\xff");
        assert_null(state_to_json(parsed));
}

/* A state of a newer version, damaged, or made by somebody else: an error, never a crash or a wrong path. */
static void test_refused(void **state) {
        static const struct {
                const char *member, *value;
        } cases[] = {
                {"version", "2"},
                {"version", "\"1\""},
                {"version", "null"},
                {"version", "4294967297"},
                {"phase", "\"odd\""},
                {"phase", "7"},
                {"id", "\"a/b\""},
                {"id", "null"},
                {"createdAt", "\"2026-11-24T10:00:00.000000Z and more\""},
                {"bootId", "null"},
                {"bootId", "\"01234567-89ab-cdef-0123-456789abcdef0\""},
                {"token", "7"},
                {"token", "\"0123456789abcdef0123456789abcde\""},
                {"token", "\"0123456789ABCDEF0123456789abcdef\""},
                {"directories", "{}"},
                {"directories", "[[1]]"},
                {"directories", "[[1,2,3]]"},
                {"sandboxCgroupOnly", "0"},
                {"vcpuSubtree", "1"},
                {"stopTimeout", "\"x\""},
                {"stopTimeout", "-1"},
                {"stopTimeout", "18446744073710"},
                {"sandbox", "null"},
                {"sandbox", "{}"},
                {"sandbox", "{\"cgroupsPath\":\"../x\",\"path\":\"../x\"}"},
                {"sandbox", "{\"cgroupsPath\":\"x\",\"path\":\"y\"}"},
                {"sandbox", "{\"cgroupsPath\":\"a.slice:p:n\",\"path\":\"../../x\"}"},
                {"sandbox", "{\"cgroupsPath\":\"a.slice:p:n\",\"path\":\"/x\"}"},
                {"sandbox", "{\"cgroupsPath\":\"a.slice:p:n\",\"path\":\"\"}"},
                {"sandbox", "{\"cgroupsPath\":\"a.slice:p:n\",\"path\":\"a.slice//x\"}"},
                {"sandbox", "{\"cgroupsPath\":\"a.slice:p:n\",\"path\":\"a.slice/.\"}"},
                {"sandbox", "{\"cgroupsPath\":\"a.slice:p:n\",\"path\":\"a.slice/x/\"}"},
                {"sandbox", "{\"cgroupsPath\":\"a.slice:p:n\",\"path\":\"a\\nb\"}"},
                {"sandbox", "{\"cgroupsPath\":\"a.slice:p:n\",\"path\":\"a.slice/cgroup.procs\"}"},
                {"sandbox", "{\"cgroupsPath\":\"x\",\"path\":\"x\",\"invocation\":7}"},
                {"sandbox", "{\"cgroupsPath\":\"x\",\"path\":\"x\",\"invocation\":"
                            "\"00112233445566778899aabbccddeeff0\"}"},
                {"overhead", "null"},
                {"runtime", "{}"},
                {"runtime", "[1]"},
                {"runtime", "[{\"pid\":1}]"},
                {"runtime", "[{\"pid\":-1,\"startTime\":1,\"cgroups\":\"\"}]"},
                {"runtime", "[{\"pid\":4294967297,\"startTime\":1,\"cgroups\":\"\"}]"},
                {"runtime", "[{\"pid\":1,\"startTime\":-1,\"cgroups\":\"\"}]"},
                {"vmm", "7"},
                {"vmm", "{\"pid\":4294967301,\"startTime\":1,\"threads\":true,\"pin\":true,\"vcpus\":[]}"},
                /* The order that the rest relies on; twice the same one. */
                {"vmm", "{\"pid\":5,\"startTime\":1,\"threads\":true,\"pin\":true,\"vcpus\":[{\"index\":1,"
                        "\"tid\":5},{\"index\":0,\"tid\":6}]}"},
                {"vmm", "{\"pid\":5,\"startTime\":1,\"threads\":true,\"pin\":true,\"vcpus\":[{\"index\":0,"
                        "\"tid\":5},{\"index\":0,\"tid\":6}]}"},
                {"vmm", "{\"pid\":0}"},
                {"vmm", "{\"pid\":5,\"startTime\":1,\"threads\":true,\"pin\":true,\"vcpus\":7}"},
                {"vmm", "{\"pid\":5,\"startTime\":1,\"threads\":true,\"pin\":true,\"vcpus\":[{\"index\":-1,"
                        "\"tid\":5}]}"},
                {"resources", "[]"},
                {"containers", "null"},
                {"devices", "{}"},
                {"hypervisorDevices", "1"},
        };

        (void)state;
        for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
                _cleanup_json_ json_t *json = json_loads(whole, 0, NULL);
                _cleanup_error_ struct error error = ERROR_INIT;
                struct state *parsed = NULL;

                assert_int_equal(json_object_set_new(json, cases[i].member,
                                                     json_loads(cases[i].value, JSON_DECODE_ANY, NULL)),
                                 0);
                if (state_from_json(json, &parsed, &error) >= 0)
                        fail_msg("accepted: %s = %s", cases[i].member, cases[i].value);
                assert_int_equal(error.status, EXIT_STATUS_FAILED);
                assert_null(parsed);
        }
}

static void test_effective(void **state) {
        static const struct {
                const char *resources, *containers, *devices;
                bool hypervisor_devices;
                const char *wanted;
        } cases[] = {
                {"{}", "{}", "[]", false, "{\"cpu\":{}}"},
                {"{\"cpu\":{\"cpus\":\"0-3\"}}", "{}", "[]", false, "{\"cpu\":{\"cpus\":\"0-3\"}}"},
                {"{\"cpu\":{\"cpus\":\"0-3\"}}", "{\"a\":{\"cpu\":{\"shares\":5}}}", "[]", false,
                 "{\"cpu\":{\"cpus\":\"0-3\"}}"},
                {"{\"cpu\":{\"cpus\":\"0-3\",\"mems\":\"0\"}}",
                 "{\"a\":{\"cpu\":{\"cpus\":\"5\"}},\"b\":{\"cpu\":{\"cpus\":\"1,4\"}},\"c\":{\"pids\":{}}}",
                 "[]", false, "{\"cpu\":{\"cpus\":\"1,4-5\",\"mems\":\"0\"}}"},
                {"{\"cpu\":{\"mems\":\"0\"}}", "{\"a\":{\"cpu\":{\"mems\":\"1\",\"cpus\":\"\"}}}", "[]", false,
                 "{\"cpu\":{\"mems\":\"1\"}}"},
                /* Without rules an added device changes nothing; with some it comes last. */
                {"{}", "{}", "[{\"path\":\"/dev/x\",\"allow\":true}]", false, "{\"cpu\":{}}"},
                {"{\"devices\":[{\"allow\":false}]}", "{}", "[{\"path\":\"/dev/x\",\"allow\":true}]", false,
                 "{\"cpu\":{},\"devices\":[{\"allow\":false},{\"allow\":true}]}"},
                {"{}", "{}", "[{\"path\":\"/dev/x\",\"allow\":true}]", true,
                 "{\"cpu\":{},\"devices\":[{\"allow\":false},{\"allow\":true}]}"},
        };

        (void)state;
        for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
                _cleanup_json_ json_t *resources = json_loads(cases[i].resources, 0, NULL);
                _cleanup_json_ json_t *containers = json_loads(cases[i].containers, 0, NULL);
                _cleanup_json_ json_t *devices = json_loads(cases[i].devices, 0, NULL);
                _cleanup_json_ json_t *wanted = json_loads(cases[i].wanted, 0, NULL);
                _cleanup_json_ json_t *got = NULL;
                const struct state sandbox = {.resources = resources,
                                              .containers = containers,
                                              .devices = devices,
                                              .hypervisor_devices = cases[i].hypervisor_devices};

                assert_int_equal(state_effective_resources(&sandbox, &got, NULL), 0);
                if (!json_equal(got, wanted)) {
                        _cleanup_free_ char *text = json_dumps(got, JSON_COMPACT);

                        fail_msg("%s + %s became %s", cases[i].resources, cases[i].containers, text);
                }
        }
}

/* What was before a change is kept beside what is wanted, on disk, too, and can be gone back to. */
static void test_before(void **state) {
        _cleanup_(state_freep) struct state *former = NULL, *changed = NULL, *read = NULL;
        _cleanup_json_ json_t *json = json_loads(whole, 0, NULL), *written = NULL, *settled = NULL;

        (void)state;
        assert_int_equal(state_from_json(json, &former, NULL), 0);
        changed = state_copy(former);
        assert_non_null(changed);
        json_decref(changed->resources);
        changed->resources = json_loads("{\"cpu\":{\"shares\":6}}", 0, NULL);
        json_decref(changed->containers);
        changed->containers = json_object();
        assert_int_equal(state_keep_before(changed, former, NULL), 0);

        written = state_to_json(changed);
        assert_int_equal(state_from_json(written, &read, NULL), 0);
        assert_false(json_equal(read->resources, former->resources));
        assert_int_equal(state_go_back(read, NULL), 0);
        state_forget_before(read);
        settled = state_to_json(read);
        assert_true(json_equal(settled, json));

        assert_int_equal(json_object_set_new(json_object_get(written, "before"), "containers", json_null()), 0);
        read = state_free(read);
        assert_true(state_from_json(written, &read, NULL) < 0);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_round_trip),
                cmocka_unit_test(test_other_boot),
                cmocka_unit_test(test_older_build),
                cmocka_unit_test(test_copy),
                cmocka_unit_test(test_vmm_is_no_runtime_process),
                cmocka_unit_test(test_place),
                cmocka_unit_test(test_not_utf8),
                cmocka_unit_test(test_refused),
                cmocka_unit_test(test_effective),
                cmocka_unit_test(test_before),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
