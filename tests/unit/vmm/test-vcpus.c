/* SPDX-License-Identifier: Apache-2.0 */
#include "../test.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "vmm/vcpus.h"

static int parse(const char *text, struct vcpus **out, struct error *error) {
        _cleanup_json_ json_t *json = json_loads(text, JSON_DECODE_ANY, NULL);

        assert_non_null(json);
        return vcpus_parse(json, "QMP return", out, error);
}

/* An answer of a real QEMU 7.2, cut down, out of order, and with the gap that hotplug leaves. */
static void test_parse(void **state) {
        _cleanup_(vcpus_freep) struct vcpus *vcpus = NULL;

        (void)state;
        assert_int_equal(parse("[{\"thread-id\": 25627, \"props\": {\"core-id\": 0}, \"qom-path\": \"/x\", "
                               "\"cpu-index\": 3,"
                               " \"target\": \"x86_64\"}, {\"thread-id\": 25628, \"cpu-index\": 0}]",
                               &vcpus, NULL),
                         0);
        assert_int_equal(vcpus->count, 2);
        assert_int_equal(vcpus->vcpus[0].index, 0);
        assert_int_equal(vcpus->vcpus[0].tid, 25628);
        assert_int_equal(vcpus->vcpus[1].index, 3);
        assert_int_equal(vcpus->vcpus[1].tid, 25627);
}

static void test_parse_none(void **state) {
        _cleanup_(vcpus_freep) struct vcpus *vcpus = NULL;

        (void)state;
        assert_int_equal(parse("[]", &vcpus, NULL), 0);
        assert_int_equal(vcpus->count, 0);
}

/* Nonsense is refused as a whole. */
static void test_parse_refused(void **state) {
        static const char *const texts[] = {
                "{}",
                "null",
                "7",
                "[1]",
                "[{}]",
                "[{\"thread-id\":5}]",
                "[{\"cpu-index\":0}]",
                "[{\"thread-id\":\"5\",\"cpu-index\":0}]",
                "[{\"thread-id\":5.0,\"cpu-index\":0}]",
                "[{\"thread-id\":0,\"cpu-index\":0}]",
                "[{\"thread-id\":-5,\"cpu-index\":0}]",
                "[{\"thread-id\":5,\"cpu-index\":-1}]",
                "[{\"thread-id\":5,\"cpu-index\":2147483648}]",
                "[{\"thread-id\":2147483648,\"cpu-index\":0}]",
                "[{\"thread-id\":4294967301,\"cpu-index\":0}]",
                /* The same thread twice, the same index twice. */
                "[{\"thread-id\":5,\"cpu-index\":0},{\"thread-id\":5,\"cpu-index\":1}]",
                "[{\"thread-id\":5,\"cpu-index\":0},{\"thread-id\":6,\"cpu-index\":0}]",
        };

        (void)state;
        for (size_t i = 0; i < ARRAY_SIZE(texts); i++) {
                _cleanup_error_ struct error error = ERROR_INIT;
                struct vcpus *vcpus = NULL;

                if (parse(texts[i], &vcpus, &error) >= 0)
                        fail_msg("accepted: %s", texts[i]);
                assert_int_equal(error.status, EXIT_STATUS_REFUSED);
                assert_null(vcpus);
        }
}

static void test_parse_too_many(void **state) {
        _cleanup_json_ json_t *answer = json_array();
        _cleanup_error_ struct error error = ERROR_INIT;
        struct vcpus *vcpus = NULL;

        (void)state;
        for (int i = 0; i < VCPUS_MAX; i++)
                assert_int_equal(json_array_append_new(
                                         answer, json_pack("{s:i, s:i}", "thread-id", i + 2, "cpu-index", i)),
                                 0);
        assert_int_equal(vcpus_parse(answer, "QMP return", &vcpus, &error), 0);
        vcpus = vcpus_free(vcpus);
        (void)json_array_append_new(
                answer, json_pack("{s:i, s:i}", "thread-id", VCPUS_MAX + 2, "cpu-index", VCPUS_MAX));
        assert_true(vcpus_parse(answer, "QMP return", &vcpus, &error) < 0);
        assert_int_equal(error.status, EXIT_STATUS_REFUSED);
}

static void assert_answer(const char *text, bool accepted, const char *field) {
        _cleanup_(vcpus_freep) struct vcpus *vcpus = NULL;
        _cleanup_error_ struct error error = ERROR_INIT;
        int r = vcpus_parse_answer(text, strlen(text), "--vcpus", &vcpus, &error);

        if (accepted) {
                assert_int_equal(r, 0);
                assert_int_equal(vcpus->count, 1);
                assert_int_equal(vcpus->vcpus[0].index, 1);
                assert_int_equal(vcpus->vcpus[0].tid, 7);
                return;
        }
        assert_true(r < 0);
        assert_int_equal(error.status, EXIT_STATUS_REFUSED);
        assert_string_equal(error.field, field);
}

/* What a shim has got from QEMU, whole or unwrapped. */
static void test_answer(void **state) {
        (void)state;
        assert_answer("[{\"cpu-index\": 1, \"thread-id\": 7}]", true, NULL);
        assert_answer("{\"return\": [{\"cpu-index\": 1, \"thread-id\": 7}], \"id\": \"x\"}\r\n", true, NULL);
        assert_answer("[{\"cpu-index\": 1}]", false, "--vcpus[0].thread-id");
        assert_answer("{\"return\": [{\"cpu-index\": 1}]}", false, "--vcpus return[0].thread-id");
        assert_answer("{\"error\": {\"class\": \"GenericError\", \"desc\": \"no\"}}", false, "--vcpus");
        assert_answer("{\"return\": {}}", false, "--vcpus return");
        assert_answer("{}", false, "--vcpus return");
        assert_answer("7", false, "--vcpus");
        assert_answer("", false, "--vcpus");
        assert_answer("[] []", false, "--vcpus");
}

static void test_pairs(void **state) {
        static const char *const good[] = {"1:8", "0:7"};
        static const char *const bad[][2] = {{"0:7", "0:8"},  {"0:7", "1:7"},  {"0:7", "1"},
                                             {"0:7", "1:"},   {"0:7", ":8"},   {"0:7", "1:0"},
                                             {"0:7", "-1:8"}, {"0:7", "1:8x"}, {"0:7", "2147483648:8"}};
        _cleanup_(vcpus_freep) struct vcpus *vcpus = NULL;

        (void)state;
        assert_int_equal(vcpus_parse_pairs(good, 2, "--vcpu", &vcpus, NULL), 0);
        assert_int_equal(vcpus->count, 2);
        assert_int_equal(vcpus->vcpus[0].tid, 7);
        assert_int_equal(vcpus->vcpus[1].index, 1);
        for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
                _cleanup_error_ struct error error = ERROR_INIT;
                struct vcpus *none = NULL;

                assert_true(vcpus_parse_pairs(bad[i], 2, "--vcpu", &none, &error) < 0);
                assert_int_equal(error.status, EXIT_STATUS_REFUSED);
                assert_null(none);
        }
}

static void test_names(void **state) {
        static const struct {
                const char *name;
                int index;
        } cases[] = {
                {"vcpu0", 0},
                {"vcpu12", 12},
                {"fc_vcpu 0", 0},
                {"fc_vcpu 31", 31},
                {"CPU 0/KVM", 0},
                {"CPU 255/KVM", 255},
                {"CPU 1/TCG", 1},
                {"vcpu", -1},
                {"vcpu-1", -1},
                {"vcpu1x", -1},
                {"vcpu 1", -1},
                {"vcpu+1", -1},
                {"xvcpu1", -1},
                {"fc_vcpu0", -1},
                {"CPU 0", -1},
                {"CPU /KVM", -1},
                {"CPU 0/KVMx", -1},
                {"CPU 0/kvm", -1},
                {"", -1},
                {"fc_vcpu 99999999999", -1},
                {"vcpu4294967296", -1},
                {"qemu-system-x86", -1},
                {"db_vcpu0", 0},
                {"db_vcpu17", 17},
                {"db_vcpu", -1},
                {"db_vcpu 1", -1},
                {"vp-0", 0},
                {"vp-63", 63},
                {"vp-", -1},
                {"vp--1", -1},
                {"vp0", -1},
        };

        (void)state;
        for (size_t i = 0; i < ARRAY_SIZE(cases); i++)
                if (vcpus_index_from_name(cases[i].name) != cases[i].index)
                        fail_msg("\"%s\" is not %d", cases[i].name, cases[i].index);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_parse),         cmocka_unit_test(test_parse_none),
                cmocka_unit_test(test_parse_refused), cmocka_unit_test(test_parse_too_many),
                cmocka_unit_test(test_answer),        cmocka_unit_test(test_pairs),
                cmocka_unit_test(test_names),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
