/* SPDX-License-Identifier: Apache-2.0 */
/* Files of /proc, and of cgroups, from their text. */
#include "../test.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "cgroup/devices.h"
#include "host/proc.h"

#define STAT_TAIL "4123 4000 34816 4123 4194304 105 0 0 0 0 1 0 0 20 0 1 0 8642 9105408 1024\n"

/* proc_pid_stat(5): the name may hold blanks and parentheses, so the fields begin after the last of them. */
static void test_stat(void **state) {
        static const char *const texts[] = {"12 (sh) Z 4000 " STAT_TAIL, "12 (a ) R 1 (x) Z 4000 " STAT_TAIL,
                                            "12 () Z 4000 " STAT_TAIL};
        struct proc_stat stat;

        (void)state;
        for (size_t i = 0; i < ARRAY_SIZE(texts); i++) {
                assert_int_equal(proc_stat_parse(texts[i], &stat), 0);
                assert_int_equal(stat.parent, 4000);
                assert_int_equal(stat.start_time, 8642);
        }
        /* The last field that is looked at may also be the last one. */
        assert_int_equal(proc_stat_parse("1 (x) S 0 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19 20 21 22", &stat),
                         0);
        assert_int_equal(stat.start_time, 22);
}

static void test_stat_refused(void **state) {
        static const char *const texts[] = {"",
                                            "12",
                                            "12 (sh)",
                                            "12 (sh) ",
                                            "12 (sh) S",
                                            "12 (sh) SS 1 " STAT_TAIL,
                                            "12 (sh) S -1 " STAT_TAIL,
                                            "12 (sh) S 4294967296 " STAT_TAIL,
                                            "12 (sh) S x " STAT_TAIL,
                                            "12 (sh) S 1 5 6 7",
                                            "1 (x) S 0 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19 20 21 -22"};

        (void)state;
        for (size_t i = 0; i < ARRAY_SIZE(texts); i++) {
                struct proc_stat stat;

                if (proc_stat_parse(texts[i], &stat) != -EIO)
                        fail_msg("accepted: %s", texts[i]);
        }
}

/* Ascending, each once; 0 is a process of another pid namespace, and no process has a number beyond 31 bits. */
static void test_pids(void **state) {
        _cleanup_pid_set_ struct pid_set set = {0};

        (void)state;
        assert_int_equal(pid_set_add_text(&set, "12\n0\n7\n12\n4294967295\n-3\n9\n"), 0);
        assert_int_equal(set.count, 3);
        assert_int_equal(set.pids[0], 7);
        assert_int_equal(set.pids[1], 9);
        assert_int_equal(set.pids[2], 12);
        assert_false(pid_set_contains(&set, -1));
}

/* Documentation/admin-guide/cgroup-v1/devices.rst */
static void test_devices_list(void **state) {
        _cleanup_(device_filter_freep) struct device_filter *all = devices_parse_list("a *:* rwm\n");
        _cleanup_(device_filter_freep) struct device_filter *some =
                devices_parse_list("c 1:3 rwm\nnonsense\nd 1:3 r\nb *:* m\n");

        (void)state;
        assert_true(all->allow);
        assert_int_equal(all->count, 0);
        assert_false(some->allow);
        assert_int_equal(some->count, 2);
        assert_int_equal(some->rules[0].minor, 3);
        assert_int_equal(some->rules[0].access, OCI_DEVICE_ALL);
        assert_int_equal(some->rules[1].type, 'b');
        assert_int_equal(some->rules[1].major, -1);
        assert_int_equal(some->rules[1].access, OCI_DEVICE_MKNOD);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_stat),
                cmocka_unit_test(test_stat_refused),
                cmocka_unit_test(test_pids),
                cmocka_unit_test(test_devices_list),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
