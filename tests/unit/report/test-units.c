/* SPDX-License-Identifier: Apache-2.0 */
/* Sizes, times and percentages for people, at the boundaries of their units. */
#include "../test.h"

#include "report/units.h"

static void test_bytes(void **state) {
        static const struct {
                int64_t bytes;
                const char *text;
        } cases[] = {
                {0, "0B"},
                {1023, "1023B"},
                {1024, "1KiB"},
                {1536, "1.5KiB"},
                {1024 * 1024 - 1, "1MiB"},  /* not 1024KiB */
                {1024 * 1024 - 51, "1MiB"}, /* 1023.95 KiB, rounded */
                {1024 * 1024 - 52, "1023.9KiB"},
                {1024 * 1024 - 103, "1023.9KiB"},
                {67108864, "64MiB"},
                {2287439872, "2.1GiB"},
                {4294967296, "4GiB"},
                {INT64_MAX, "8EiB"},
        };
        char text[UNITS_TEXT_SIZE];

        (void)state;
        for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
                units_bytes(cases[i].bytes, text);
                assert_string_equal(text, cases[i].text);
        }
}

static void test_duration(void **state) {
        static const struct {
                int64_t microseconds;
                const char *text;
        } cases[] = {
                {0, "0.00s"},           {9999, "0.00s"},
                {59999999, "59.99s"}, /* cut off: no 60.00s */
                {60000000, "1m00s"},    {3599999999, "59m59s"},
                {3600000000, "1h00m"},  {86399999999, "23h59m"},
                {86400000000, "1d00h"}, {INT64_MAX, "106751991d04h"},
        };
        char text[UNITS_TEXT_SIZE];

        (void)state;
        for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
                units_duration(cases[i].microseconds, text);
                assert_string_equal(text, cases[i].text);
        }
}

static void test_percent(void **state) {
        char text[UNITS_TEXT_SIZE];

        (void)state;
        units_percent(0, text);
        assert_string_equal(text, "0.0%");
        units_percent(1234.56, text);
        assert_string_equal(text, "1234.6%");
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_bytes),
                cmocka_unit_test(test_duration),
                cmocka_unit_test(test_percent),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
