/* SPDX-License-Identifier: Apache-2.0 */
/* Numbers as the kernel's files take them: what each of its parsers makes of a text, boundaries included. */
#include "../test.h"

#include <errno.h>

#include "plan/kernel_text.h"
#include "util/cleanup.h"

struct unsigned_case {
        const char *text;
        int result;
        uint64_t value;
};

static void check(int (*parse)(const char *, uint64_t *), const struct unsigned_case *cases, size_t count) {
        for (size_t i = 0; i < count; i++) {
                uint64_t value = 0;

                if (parse(cases[i].text, &value) != cases[i].result || value != cases[i].value)
                        fail_msg("\"%s\"", cases[i].text);
        }
}

/* kstrtoull() with base 0. */
static void test_u64(void **state) {
        static const struct unsigned_case cases[] = {
                {"0", 0, 0},
                {"50", 0, 50},
                {"+50", 0, 50},
                {"50\n", 0, 50},
                {"0300", 0, 192},
                {"0x1F", 0, 31},
                {"18446744073709551615", 0, UINT64_MAX},
                {"18446744073709551616", -ERANGE, 0},
                {"", -EINVAL, 0},
                {" 50", -EINVAL, 0},
                {"50 ", -EINVAL, 0},
                {"50\n\n", -EINVAL, 0},
                {"-1", -EINVAL, 0},
                {"08", -EINVAL, 0},
                {"0x", -EINVAL, 0},
                {"1K", -EINVAL, 0},
        };

        (void)state;
        check(kernel_parse_u64, cases, ARRAY_SIZE(cases));
}

/* kstrtoll() with base 0. */
static void test_i64(void **state) {
        static const struct {
                const char *text;
                int result;
                int64_t value;
        } cases[] = {
                {"-20", 0, -20},
                {"+19\n", 0, 19},
                {"-010", 0, -8},
                {"9223372036854775807", 0, INT64_MAX},
                {"-9223372036854775808", 0, INT64_MIN},
                {"9223372036854775808", -ERANGE, 0},
                {"-9223372036854775809", -ERANGE, 0},
                {"-", -EINVAL, 0},
                {"--1", -EINVAL, 0},
                {"", -EINVAL, 0},
        };

        (void)state;
        for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
                int64_t value = 0;

                if (kernel_parse_i64(cases[i].text, &value) != cases[i].result || value != cases[i].value)
                        fail_msg("\"%s\"", cases[i].text);
        }
}

/* memparse(). */
static void test_bytes(void **state) {
        static const struct unsigned_case cases[] = {
                {"4096", 0, 4096},
                {"1k", 0, 1024},
                {"100M", 0, 104857600},
                {"2G", 0, UINT64_C(1) << 31},
                {"1T", 0, UINT64_C(1) << 40},
                {"1P", 0, UINT64_C(1) << 50},
                {"1e", 0, UINT64_C(1) << 60},
                {"010K", 0, 8192},
                {"0x10K", 0, 16384},
                {"16E", -ERANGE, 0},
                {"K", -EINVAL, 0},
                {"1KB", -EINVAL, 0},
                {"+1", -EINVAL, 0},
                {"1 K", -EINVAL, 0},
                {"", -EINVAL, 0},
        };

        (void)state;
        check(kernel_parse_bytes, cases, ARRAY_SIZE(cases));
}

/* sscanf("%llu"), of the whole text. */
static void test_decimal(void **state) {
        static const struct unsigned_case cases[] = {
                {"0050000", 0, 50000}, {"0", 0, 0}, {"0x10", -EINVAL, 0}, {"5a", -EINVAL, 0}, {"", -EINVAL, 0},
        };

        (void)state;
        check(kernel_parse_decimal, cases, ARRAY_SIZE(cases));
}

static void test_strip(void **state) {
        static const struct {
                const char *text, *stripped;
        } cases[] = {{" \t5 0\n\n", "5 0"}, {"", ""}, {" \n", ""}, {"x", "x"}};

        (void)state;
        for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
                _cleanup_free_ char *stripped = kernel_strip(cases[i].text);

                assert_string_equal(stripped, cases[i].stripped);
        }
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_u64),     cmocka_unit_test(test_i64),   cmocka_unit_test(test_bytes),
                cmocka_unit_test(test_decimal), cmocka_unit_test(test_strip),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
