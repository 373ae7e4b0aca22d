/* SPDX-License-Identifier: Apache-2.0 */
/* Lists of CPUs: two of them, with a line "---" between them */
#include "fuzz.h"

#include <errno.h>

#include "util/cpulist.h"

/* Digits with single signs between them: sscanf(3) would take blanks and signs before a number. */
static bool is_number_by_number(const char *text) {
        for (bool digit = false; *text; text++) {
                if (!strchr(digit ? "0123456789-:/" : "0123456789", *text))
                        return false;
                digit = strchr("0123456789", *text);
                if (!digit && text[1] == '\0')
                        return false;
        }
        return true;
}

/* What the kernel's bitmap_parselist() makes of a list, in the simplest way: one element after the other, and each number
 * looked at. Less "N" and "all", and lists in two lines. Returns whether it is one. */
static bool parse_naively(const char *text, bool members[static CPULIST_LIMIT]) {
        static const char separators[] = ", \t\n\v\f\r";

        for (text += strspn(text, separators); *text; text += strspn(text, separators)) {
                size_t length = strcspn(text, separators);
                _cleanup_free_ char *element = strndup(text, length);
                unsigned long long first, last, used = 1, group = 1;
                char end;

                CHECK(element);
                text += length;
                if (!is_number_by_number(element))
                        return false;
                if (sscanf(element, "%llu%c", &first, &end) == 1)
                        last = first;
                else if (sscanf(element, "%llu-%llu%c", &first, &last, &end) != 2 &&
                         sscanf(element, "%llu-%llu:%llu/%llu%c", &first, &last, &used, &group, &end) != 4)
                        return false;
                if (first > last || last >= CPULIST_LIMIT || group == 0 || used > group || group > UINT32_MAX ||
                    (*text == '\n' && text[strspn(text, separators)] != '\0'))
                        return false;
                for (unsigned long long i = first; i <= last; i++)
                        members[i] = members[i] || (i - first) % group < used;
        }
        return true;
}

static void check_parsed(int r, const struct cpulist *list, const char *text) {
        bool members[CPULIST_LIMIT] = {false};

        CHECK(parse_naively(text, members) == (r == 0));
        for (unsigned number = 0; r == 0 && number < CPULIST_LIMIT; number++)
                CHECK(cpulist_contains(list, number) == members[number]);
}

/* What was parsed is formatted as something that parses to the same. */
static void check_list(const struct cpulist *list) {
        _cleanup_free_ char *formatted = cpulist_format(list), *again = NULL;
        uint8_t mask[CPULIST_LIMIT / 8];
        struct cpulist parsed;
        size_t count = 0, length = cpulist_to_mask(list, mask);

        CHECK(formatted && cpulist_parse(formatted, &parsed) == 0 && cpulist_equal(&parsed, list));
        again = cpulist_format(&parsed);
        CHECK(again && strcmp(again, formatted) == 0);
        CHECK(cpulist_is_empty(list) == (formatted[0] == '\0'));
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

/* Returns whether the text is a list. */
static bool parse(const char *text, struct cpulist *out) {
        int r = cpulist_parse(text, out);

        CHECK(r == 0 || r == -EINVAL || r == -ERANGE);
        check_parsed(r, out, text);
        if (r == 0)
                check_list(out);
        return r == 0;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
        _cleanup_free_ char *text = fuzz_text(data, size);
        const char *second = fuzz_split(text);
        struct cpulist a = {0}, b = {0}, both;

        if (!parse(text, &a) || !second || !parse(second, &b))
                return 0;
        both = a;
        cpulist_union(&both, &b);
        CHECK(cpulist_count(&both) <= cpulist_count(&a) + cpulist_count(&b));
        for (unsigned number = 0; number < CPULIST_LIMIT; number++)
                CHECK(cpulist_contains(&both, number) ==
                      (cpulist_contains(&a, number) || cpulist_contains(&b, number)));
        return 0;
}
