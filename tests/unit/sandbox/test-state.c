/* SPDX-License-Identifier: Apache-2.0 */
#include "../test.h"

#include <stdlib.h>
#include <string.h>

#include "sandbox/state.h"

static const char whole[] =
        "{\"version\":1,\"phase\":\"ready\",\"id\":\"sb\",\"token\":\"0123456789abcdef0123456789abcdef\","
        "\"directories\":[[27,4711]],\"createdAt\":\"2026-11-24T10:00:00.000000Z\","
        "\"bootId\":\"a-boot\","
        "\"sandboxCgroupOnly\":false,\"vcpuSubtree\":true,\"frozen\":true,\"frozenBefore\":false,"
        "\"stopTimeout\":300,"
        "\"sandbox\":{\"cgroupsPath\":\"a-b.slice:p:n\",\"path\":\"a.slice/a-b.slice/p-n.scope\","
        "\"invocation\":\"00112233445566778899aabbccddeeff\"},"
        "\"overhead\":{\"cgroupsPath\":\"kata_overhead/sb\",\"path\":\"kata_overhead/sb\"},"
        "\"runtime\":[{\"pid\":70,\"startTime\":12345,\"cgroups\":\"0::/x\\n\"}],"
        "\"vmm\":{\"pid\":80,\"startTime\":99,\"threads\":true,\"pin\":false,\"pinned\":true,\"pinMap\":{\"0\":"
        "\"2,4-5\"},"
        "\"vcpus\":[{\"index\":0,\"tid\":"
        "81}]},"
        "\"resources\":{\"cpu\":{\"shares\":5}},\"containers\":{\"c\":{}},"
        "\"devices\":[{\"path\":\"/dev/"
        "x\",\"allow\":true,\"type\":\"c\",\"major\":1,\"minor\":2,\"access\":\"rwm\"}],"
        "\"hypervisorDevices\":false,\"overheadResources\":{\"pids\":{\"limit\":7}}}";

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

/* A state of an older build, which knew no tokens, is read and written as it was; overheads had no limits then, and nothing
 * was frozen. */
static void test_older_build(void **state) {
        _cleanup_json_ json_t *json = json_loads(whole, 0, NULL), *again = NULL;
        _cleanup_(state_freep) struct state *parsed = NULL;

        (void)state;
        (void)json_object_del(json, "token");
        (void)json_object_del(json, "directories");
        (void)json_object_del(json_object_get(json, "sandbox"), "invocation");
        (void)json_object_del(json, "overheadResources");
        (void)json_object_del(json, "frozen");
        (void)json_object_del(json, "frozenBefore");
        assert_int_equal(state_from_json(json, &parsed, NULL), 0);
        assert_string_equal(parsed->owner.token, "");
        again = state_to_json(parsed);
        (void)json_object_set_new(json, "overheadResources", json_object());
        (void)json_object_set_new(json, "frozen", json_false());
        (void)json_object_set_new(json, "frozenBefore", json_false());
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
        state_set_vmm(parsed, process_recorded(70, 12345, NULL), false, NULL);
        assert_true(configuration_forget_device(parsed->configuration, "/dev/x"));
        parsed->sandbox.invocation[0] = '\0';
        parsed->owner.unmarked[0].inode = 1;
        again = state_to_json(copy);
        assert_true(json_equal(wanted, again));
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
        assert_false(parsed->frozen);
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

#define DEVICE_X                                                                                               \
        "{\"path\":\"/dev/x\",\"allow\":true,\"type\":\"c\",\"major\":1,\"minor\":-1,\"access\":\"rwm\"}"
#define RULE_X "{\"allow\":true,\"type\":\"c\",\"major\":1,\"minor\":-1,\"access\":\"rwm\"}"

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
                {"devices", "[7]"},
                {"devices", "[{\"path\":\"/dev/x\",\"allow\":true}]"},
                {"devices", "[" DEVICE_X "," DEVICE_X "]"},
                /* What a newer build may have written. */
                {"resources", "{\"cpu\":{\"foo\":1}}"},
                {"containers", "{\"c\":{\"foo\":1}}"},
                {"containers", "{\"c\":7}"},
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

static struct configuration *read_configuration(const char *resources, const char *containers,
                                                const char *devices, bool hypervisor_devices) {
        _cleanup_json_ json_t *json =
                json_pack("{s:o, s:o, s:o, s:b}", "resources", json_loads(resources, 0, NULL), "containers",
                          json_loads(containers, 0, NULL), "devices", json_loads(devices, 0, NULL),
                          "hypervisorDevices", hypervisor_devices);
        struct configuration *configuration = NULL;

        assert_int_equal(configuration_from_json(json, &configuration, NULL), 0);
        return configuration;
}

static void test_effective(void **state) {
        static const struct {
                const char *resources, *containers, *devices;
                bool hypervisor_devices;
                const char *wanted;
        } cases[] = {
                {"{}", "{}", "[]", false, "{}"},
                {"{\"cpu\":{\"cpus\":\"0-3\"}}", "{}", "[]", false, "{\"cpu\":{\"cpus\":\"0-3\"}}"},
                {"{\"cpu\":{\"cpus\":\"0-3\"}}", "{\"a\":{\"cpu\":{\"shares\":5}}}", "[]", false,
                 "{\"cpu\":{\"cpus\":\"0-3\"}}"},
                {"{\"cpu\":{\"cpus\":\"0-3\",\"mems\":\"0\"}}",
                 "{\"a\":{\"cpu\":{\"cpus\":\"5\"}},\"b\":{\"cpu\":{\"cpus\":\"1,4\"}},\"c\":{\"pids\":{}}}",
                 "[]", false, "{\"cpu\":{\"cpus\":\"1,4-5\",\"mems\":\"0\"}}"},
                {"{\"cpu\":{\"mems\":\"0\"}}", "{\"a\":{\"cpu\":{\"mems\":\"1\",\"cpus\":\"\"}}}", "[]", false,
                 "{\"cpu\":{\"mems\":\"1\"}}"},
                /* Without rules an added device changes nothing; with some it comes last. */
                {"{}", "{}", "[" DEVICE_X "]", false, "{}"},
                {"{\"devices\":[{\"allow\":true}]}", "{}", "[" DEVICE_X "]", false,
                 "{\"devices\":[{\"allow\":true}," RULE_X "]}"},
                {"{}", "{}", "[" DEVICE_X "]", true, "{\"devices\":[{\"allow\":false}," RULE_X "]}"},
                {"{\"devices\":[]}", "{}", "[]", true, "{\"devices\":[{\"allow\":false}]}"},
        };

        (void)state;
        for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
                _cleanup_(configuration_freep) struct configuration *configuration = read_configuration(
                        cases[i].resources, cases[i].containers, cases[i].devices, cases[i].hypervisor_devices);
                _cleanup_(oci_resources_freep) struct oci_resources *got = NULL;
                _cleanup_json_ json_t *wanted = json_loads(cases[i].wanted, 0, NULL), *json = NULL;

                assert_int_equal(configuration_effective(configuration, &got, NULL), 0);
                json = oci_resources_to_json(got);
                if (!json_equal(json, wanted)) {
                        _cleanup_free_ char *text = json_dumps(json, JSON_COMPACT);

                        fail_msg("%s + %s became %s", cases[i].resources, cases[i].containers, text);
                }
        }
}

/* The ledger is in the order of the IDs, whatever the order in which containers come and go. */
static void test_ledger(void **state) {
        _cleanup_(configuration_freep) struct configuration *ledger = configuration_new(), *copy = NULL;
        _cleanup_(oci_resources_freep) struct oci_resources *resources = calloc(1, sizeof(*resources));
        static const char *const ids[] = {"m", "c", "x", "a", "c", "n"};

        (void)state;
        for (size_t i = 0; i < ARRAY_SIZE(ids); i++) {
                resources->pids.limit = (struct oci_i64){true, (int64_t)i};
                assert_int_equal(configuration_set_container(ledger, ids[i], resources), 0);
        }
        assert_int_equal(ledger->container_count, 5);
        copy = configuration_copy(ledger);
        assert_true(configuration_equal(ledger, copy));
        configuration_forget_container(ledger, "m");
        configuration_forget_container(ledger, "none");
        assert_false(configuration_equal(ledger, copy));
        assert_int_equal(ledger->container_count, 4);
        assert_string_equal(ledger->containers[0].id, "a");
        assert_string_equal(ledger->containers[1].id, "c");
        assert_int_equal(ledger->containers[1].resources->pids.limit.value, 4);
        assert_string_equal(ledger->containers[3].id, "x");
}

/* A path that leads to another device by now has one rule, in its former place. */
static void test_devices(void **state) {
        _cleanup_(configuration_freep) struct configuration *configuration = configuration_new();

        (void)state;
        assert_int_equal(configuration_set_device(configuration, "/dev/x", 'c', 1, 2, "rwm"), 0);
        assert_int_equal(configuration_set_device(configuration, "/dev/y", 'c', 1, 3, "rwm"), 0);
        assert_int_equal(configuration_set_device(configuration, "/dev/x", 'b', 8, 4, "rwm"), 0);
        assert_int_equal(configuration->device_count, 2);
        assert_int_equal(configuration->devices[0].type, 'b');
        assert_int_equal(configuration->devices[0].minor, 4);
        assert_true(configuration_forget_device(configuration, "/dev/x"));
        assert_false(configuration_forget_device(configuration, "/dev/x"));
        assert_string_equal(configuration->devices[0].path, "/dev/y");
}

/* What was before a change is kept beside what is wanted, on disk, too, and can be gone back to. */
static void test_before(void **state) {
        _cleanup_(state_freep) struct state *former = NULL, *changed = NULL, *read = NULL;
        _cleanup_json_ json_t *json = json_loads(whole, 0, NULL), *written = NULL, *settled = NULL;

        (void)state;
        assert_int_equal(state_from_json(json, &former, NULL), 0);
        changed = state_copy(former);
        assert_non_null(changed);
        changed->configuration->resources->cpu.shares.value = 6;
        changed->frozen = false;
        configuration_forget_container(changed->configuration, "c");
        assert_int_equal(state_keep_before(changed, former, NULL), 0);

        written = state_to_json(changed);
        assert_int_equal(state_from_json(written, &read, NULL), 0);
        assert_false(configuration_equal(read->configuration, former->configuration));
        assert_true(configuration_equal(read->before, former->configuration));
        assert_true(!read->frozen && read->frozen_before);
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
                cmocka_unit_test(test_round_trip),  cmocka_unit_test(test_other_boot),
                cmocka_unit_test(test_older_build), cmocka_unit_test(test_copy),

                cmocka_unit_test(test_place),       cmocka_unit_test(test_not_utf8),
                cmocka_unit_test(test_refused),     cmocka_unit_test(test_effective),
                cmocka_unit_test(test_ledger),      cmocka_unit_test(test_devices),
                cmocka_unit_test(test_before),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
