/* SPDX-License-Identifier: Apache-2.0 */
#include "../test.h"

#include <stdlib.h>
#include <string.h>

#include "vmm/pinning.h"

static void assert_map(const char *text, const char *wanted) {
        _cleanup_(pinning_clear) struct pinning pinning = {0}, again = {0};
        _cleanup_json_ json_t *map = NULL;
        _cleanup_free_ char *written = NULL;
        _cleanup_error_ struct error error = ERROR_INIT;
        int r = pinning_parse_map(text, &pinning, &error);

        if (!wanted) {
                assert_true(r < 0);
                assert_int_equal(error.status, EXIT_STATUS_REFUSED);
                assert_string_equal(error.field, "--pin-map");
                return;
        }
        if (r < 0)
                fail_msg("%s: %s", text, error.message);
        map = pinning_map_to_json(&pinning);
        written = json_dumps(map, JSON_COMPACT);
        assert_string_equal(written, wanted);
        assert_int_equal(pinning_map_from_json(map, &again), 0);
        assert_int_equal(again.map_count, pinning.map_count);
}

/* A list has commas of its own: an entry goes on to where the next one with a "=" begins. */
static void test_map(void **state) {
        (void)state;
        assert_map("0=2,1=3,2=4-5", "{\"0\":\"2\",\"1\":\"3\",\"2\":\"4-5\"}");
        assert_map("1=7,5,6,0=2", "{\"0\":\"2\",\"1\":\"5-7\"}");
        assert_map("0=0-6:1/2", "{\"0\":\"0,2,4,6\"}");
        assert_map("4095=8191", "{\"4095\":\"8191\"}");
}

static void test_map_refused(void **state) {
        static const char *const texts[] = {"",     "0",      "0=",       "=1",    "0=1,0=2", "0=8192",  "x=1",
                                            "-1=1", "0=1,=2", "0=1,,1=x", "0=3-1", "0==1",    "0=1 2=3x"};

        (void)state;
        for (size_t i = 0; i < ARRAY_SIZE(texts); i++)
                assert_map(texts[i], NULL);
}

static void assert_checked(const char *map, const char *wanted) {
        struct vcpu threads[] = {{0, 10}, {2, 12}};
        const struct vcpus vcpus = {threads, ARRAY_SIZE(threads)};
        _cleanup_(pinning_clear) struct pinning pinning = {0};
        _cleanup_error_ struct error error = ERROR_INIT;
        struct cpulist cpus;
        int r;

        assert_int_equal(cpulist_parse("2-5", &cpus), 0);
        assert_int_equal(pinning_parse_map(map, &pinning, NULL), 0);
        r = pinning_check_map(&pinning, &vcpus, &cpus, &error);
        if (!wanted) {
                assert_int_equal(r, 0);
                return;
        }
        assert_true(r < 0);
        assert_int_equal(error.status, EXIT_STATUS_REFUSED);
        assert_string_equal(error.message, wanted);
}

static void test_check_map(void **state) {
        (void)state;
        assert_checked("0=2,2=4-5", NULL);
        assert_checked("2=2", NULL);
        assert_checked("1=2", "there is no vCPU 1");
        assert_checked("0=2,2=4-6", "the sandbox may use the CPUs 2-5, which CPU 6 of vCPU 2 is not among");
}

/* `nodes`: lists, "|" between them. */
static void assert_chosen(const char *cpus_text, const char *nodes_text, size_t count, const char *wanted) {
        _cleanup_free_ char *copy = strdup(nodes_text), *written = NULL;
        struct cpulist cpus, nodes[4] = {0}, chosen;
        char *rest = copy, *text;
        size_t node_count = 0;

        assert_int_equal(cpulist_parse(cpus_text, &cpus), 0);
        while (*nodes_text && (text = strsep(&rest, "|")))
                assert_int_equal(cpulist_parse(text, &nodes[node_count++]), 0);
        pinning_choose(&cpus, nodes, node_count, count, &chosen);
        written = cpulist_format(&chosen);
        assert_string_equal(written, wanted);
}

/* One node as far as that goes: memory is nearer, and no cache is shared across. */
static void test_choose(void **state) {
        (void)state;
        assert_chosen("0-7", "0-7", 3, "0-2");
        assert_chosen("0-7", "0-3|4-7", 3, "0-2");
        /* The first has too few of the set's. */
        assert_chosen("3-7", "0-3|4-7", 3, "4-6");
        assert_chosen("0-7", "0,2,4,6|1,3,5,7", 4, "0,2,4,6");
        /* No node has enough: the largest part first. */
        assert_chosen("0-1,4-7", "0-3|4-7", 5, "0,4-7");
        assert_chosen("0,4-5,8-11", "0-3|4-7|8-11", 6, "4-5,8-11");
        /* CPUs of no node, or no nodes at all. */
        assert_chosen("0-3", "", 2, "0-1");
        assert_chosen("6-9", "0-7", 3, "6-8");
        assert_chosen("8-9", "0-7|", 1, "8");
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_map),
                cmocka_unit_test(test_map_refused),
                cmocka_unit_test(test_check_map),
                cmocka_unit_test(test_choose),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
