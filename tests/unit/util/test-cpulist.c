/* SPDX-License-Identifier: Apache-2.0 */
#include "../test.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "util/cpulist.h"

static void assert_normal(const char *text, const char *normal) {
        struct cpulist list;
        char *formatted;

        assert_int_equal(cpulist_parse(text, &list), 0);
        formatted = cpulist_format(&list);
        assert_string_equal(formatted, normal);
        free(formatted);
}

/* Any order and overlap is accepted, and comes out in the kernel's shortest form. */
static void test_valid(void **state) {
        (void)state;
        assert_normal("", "");
        assert_normal("0", "0");
        assert_normal("0-3", "0-3");
        assert_normal("3,1,2,0", "0-3");
        assert_normal("0-2,2-5,9", "0-5,9");
        assert_normal("8191", "8191");
        assert_normal("63-64", "63-64");
        assert_normal("00,007", "0,7");
}

/* What bitmap_parselist() takes besides: blanks, empty elements, strides. */
static void test_kernel(void **state) {
        (void)state;
        assert_normal("0, 1", "0-1");
        assert_normal("0 1", "0-1");
        assert_normal("0-1\n", "0-1");
        assert_normal("0-1\n\n ,", "0-1");
        assert_normal("0,1,", "0-1");
        assert_normal(",,0,,1,,", "0-1");
        assert_normal(" \t0\r\v\f1 ", "0-1");
        assert_normal("\n0", "0");
        assert_normal(",", "");
        assert_normal(" \n", "");
        assert_normal("0-6:1/2", "0,2,4,6");
        assert_normal("0-7:2/4,9", "0-1,4-5,9");
        assert_normal("1-7:2/4", "1-2,5-6");
        assert_normal("0-3:4/4", "0-3");
        assert_normal("0-3:0/1", "");
        assert_normal("5-6:1/4294967295", "5");
}

/* What the kernel would misread or refuse is refused here, and nothing is written. */
static void test_invalid(void **state) {
        static const char *const texts[] = {
                "3-1",
                "0-",
                "-1",
                "a",
                "0x1",
                "1--2",
                "0-1-2",
                "+1",
                "-",
                "0;1",
                "0- 1",
                "0 -1",
                "0\n1",
                "0-1\n,2",
                "N",
                "0-N",
                "all",
                "ALL",
                "0:1/2",
                "0-6:1",
                "0-6:1/",
                "0-6:/2",
                "0-6:1/0",
                "0-6:3/2",
                "0-6:1/2x",
                "0-6:1/2:",
                "0-6/2",
                "6-0:1/2",
                "0\n1",
                "\xa0"
                "0",
        };
        struct cpulist list;

        (void)state;
        for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++)
                assert_int_equal(cpulist_parse(texts[i], &list), -EINVAL);
        assert_int_equal(cpulist_parse("8192", &list), -ERANGE);
        assert_int_equal(cpulist_parse("0-8192:1/2", &list), -ERANGE);
        assert_int_equal(cpulist_parse("0-6:1/4294967296", &list), -ERANGE);
        assert_int_equal(cpulist_parse("0-99999999999999999999", &list), -ERANGE);
}

/* systemd's AllowedCPUs: the lowest CPU is the lowest bit of the first byte, no trailing zeros. */
static void test_mask(void **state) {
        uint8_t mask[CPULIST_LIMIT / 8];
        struct cpulist list;

        (void)state;
        assert_int_equal(cpulist_parse("0-1,9", &list), 0);
        assert_int_equal(cpulist_to_mask(&list, mask), 2);
        assert_int_equal(mask[0], 3);
        assert_int_equal(mask[1], 2);
        assert_int_equal(cpulist_parse("", &list), 0);
        assert_int_equal(cpulist_to_mask(&list, mask), 0);
}

static void test_sets(void **state) {
        struct cpulist a, b;

        (void)state;
        assert_int_equal(cpulist_parse("0,2", &a), 0);
        assert_int_equal(cpulist_parse("1-2,70", &b), 0);
        cpulist_union(&a, &b);
        assert_int_equal(cpulist_count(&a), 4);
        assert_int_equal(cpulist_nth(&a, 0), 0);
        assert_int_equal(cpulist_nth(&a, 3), 70);
        assert_int_equal(cpulist_nth(&a, 4), -1);
        assert_true(cpulist_contains(&a, 70));
        assert_false(cpulist_contains(&a, CPULIST_LIMIT));
        assert_false(cpulist_equal(&a, &b));
        assert_false(cpulist_is_empty(&a));
        cpulist_subtract(&a, &b);
        assert_int_equal(cpulist_count(&a), 1);
        assert_int_equal(cpulist_nth(&a, 0), 0);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_valid), cmocka_unit_test(test_kernel), cmocka_unit_test(test_invalid),
                cmocka_unit_test(test_mask),  cmocka_unit_test(test_sets),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
