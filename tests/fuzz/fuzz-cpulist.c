/* SPDX-License-Identifier: Apache-2.0 */
/* Lists of CPUs: two of them, one a line */
#include "fuzz.h"

#include "util/cpulist.h"

/* What was parsed is formatted as something that parses to the same, and no longer than what a person would write. */
static void check_list(const struct cpulist *list, const char *text) {
        _cleanup_free_ char *formatted = cpulist_format(list), *again = NULL;
        uint8_t mask[CPULIST_LIMIT / 8];
        struct cpulist parsed;
        size_t count = 0, length = cpulist_to_mask(list, mask);

        CHECK(formatted && cpulist_parse(formatted, &parsed) == 0 && cpulist_equal(&parsed, list));
        again = cpulist_format(&parsed);
        CHECK(again && strcmp(again, formatted) == 0);
        CHECK(strlen(formatted) <= strlen(text));
        CHECK(cpulist_is_empty(list) == (formatted[0] == '\0') && cpulist_is_empty(list) == (text[0] == '\0'));
        CHECK(length == 0 ? cpulist_is_empty(list) : mask[length - 1] != 0);
        for (unsigned number = 0; number < CPULIST_LIMIT; number++) {
                bool in_mask = number / 8 < length && (mask[number / 8] >> (number % 8) & 1) != 0;

                CHECK(cpulist_contains(list, number) == in_mask);
                count += in_mask;
        }
        CHECK(cpulist_count(list) == count);
        CHECK(count == 0 || cpulist_contains(list, (unsigned)cpulist_nth(list, count - 1)));
        CHECK(cpulist_nth(list, count) < 0);
        CHECK(!cpulist_contains(list, CPULIST_LIMIT));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
        _cleanup_free_ char *text = fuzz_text(data, size);
        char *second = strchr(text, '\n');
        struct cpulist a = {0}, b = {0}, both;

        if (second)
                *second++ = '\0';
        if (cpulist_parse(text, &a) < 0)
                return 0;
        check_list(&a, text);
        if (!second || cpulist_parse(second, &b) < 0)
                return 0;
        both = a;
        cpulist_union(&both, &b);
        CHECK(cpulist_count(&both) <= cpulist_count(&a) + cpulist_count(&b));
        for (unsigned number = 0; number < CPULIST_LIMIT; number++)
                CHECK(cpulist_contains(&both, number) ==
                      (cpulist_contains(&a, number) || cpulist_contains(&b, number)));
        return 0;
}
