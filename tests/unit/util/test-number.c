/* SPDX-License-Identifier: Apache-2.0 */
#include "../test.h"

#include <errno.h>
#include <limits.h>

#include "util/number.h"

/* All of the text or nothing: what strtol would forgive is refused. */
static void test_refused(void **state) {
        static const char *const texts[] = {"", " 1", "1 ", "+1", "0x1", "1a", "a", "--1", "1\n", "-"};
        uint64_t u;
        int64_t i;

        (void)state;
        for (size_t n = 0; n < sizeof(texts) / sizeof(texts[0]); n++) {
                assert_int_equal(number_parse_u64(texts[n], &u), -EINVAL);
                assert_int_equal(number_parse_i64(texts[n], &i), -EINVAL);
        }
        assert_int_equal(number_parse_u64("-1", &u), -EINVAL);
}

static void test_boundaries(void **state) {
        uint64_t u64;
        uint32_t u32;
        int64_t i64;
        pid_t pid;

        (void)state;
        assert_int_equal(number_parse_u64("18446744073709551615", &u64), 0);
        assert_true(u64 == UINT64_MAX);
        assert_int_equal(number_parse_u64("18446744073709551616", &u64), -ERANGE);
        assert_int_equal(number_parse_i64("-9223372036854775808", &i64), 0);
        assert_true(i64 == INT64_MIN);
        assert_int_equal(number_parse_i64("9223372036854775808", &i64), -ERANGE);
        assert_int_equal(number_parse_u32("4294967295", &u32), 0);
        assert_int_equal(number_parse_u32("4294967296", &u32), -ERANGE);
        assert_int_equal(number_parse_pid("0", &pid), -ERANGE);
        assert_int_equal(number_parse_pid("2147483647", &pid), 0);
        assert_int_equal(number_parse_pid("2147483648", &pid), -ERANGE);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_refused),
                cmocka_unit_test(test_boundaries),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
