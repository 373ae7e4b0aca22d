/* SPDX-License-Identifier: Apache-2.0 */
/* CPU and memory node lists, as the kernel's bitmap_parselist() reads them */
#include "util/cpulist.h"

#include <ctype.h>
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Separators between ranges, never '\0': a comma, and the kernel's isspace() without its no-break space. */
static bool is_separator(char c) {
        return c == ',' || isspace((unsigned char)c);
}

static bool is_end_of_range(char c) {
        return c == '\0' || is_separator(c);
}

/* Any unsigned int, as the kernel has it. */
static int parse_number(const char **text, uint64_t *out) {
        uint64_t value = 0;

        if (!isdigit((unsigned char)**text))
                return -EINVAL;
        for (; isdigit((unsigned char)**text); (*text)++) {
                value = value * 10 + (unsigned)(**text - '0');
                if (value > UINT_MAX)
                        return -ERANGE;
        }
        *out = value;
        return 0;
}

/* first-last:used/group is the first `used` numbers of each `group` from the first to the last. */
struct range {
        uint64_t first, last, used, group;
};

static int add_range(struct cpulist *list, const struct range *range) {
        if (range->first > range->last || range->group == 0 || range->used > range->group)
                return -EINVAL;
        if (range->last >= CPULIST_LIMIT)
                return -ERANGE;
        for (uint64_t number = range->first; number <= range->last; number++)
                if ((number - range->first) % range->group < range->used)
                        cpulist_add(list, (unsigned)number);
        return 0;
}

static int parse_range(const char **text, struct range *range) {
        int r;

        r = parse_number(text, &range->first);
        if (r < 0)
                return r;
        range->last = range->first;
        range->used = range->group = 1;
        if (is_end_of_range(**text))
                return 0;
        if (*(*text)++ != '-')
                return -EINVAL;
        r = parse_number(text, &range->last);
        if (r < 0 || is_end_of_range(**text))
                return r;
        if (*(*text)++ != ':')
                return -EINVAL;
        r = parse_number(text, &range->used);
        if (r < 0)
                return r;
        if (*(*text)++ != '/')
                return -EINVAL;
        r = parse_number(text, &range->group);
        return r == 0 && !is_end_of_range(**text) ? -EINVAL : r;
}

/* The kernel stops at a line end and ignores the rest; a list that goes on after a line end is refused here. */
static bool is_cut_by_line(const char *text) {
        return text[0] == '\n' && text[strspn(text, ", \t\n\v\f\r")] != '\0';
}

int cpulist_parse(const char *text, struct cpulist *out) {
        struct cpulist list = {0};
        struct range range;
        int r;

        for (;;) {
                while (is_separator(*text))
                        text++;
                if (*text == '\0')
                        break;
                r = parse_range(&text, &range);
                if (r == 0)
                        r = add_range(&list, &range);
                if (r < 0)
                        return r;
                if (is_cut_by_line(text))
                        return -EINVAL;
        }
        *out = list;
        return 0;
}

char *cpulist_format(const struct cpulist *list) {
        char *text = NULL;
        size_t size = 0;
        FILE *stream;

        stream = open_memstream(&text, &size);
        if (!stream)
                return NULL;
        for (unsigned first = 0; first < CPULIST_LIMIT; first++) {
                unsigned last = first;

                if (!cpulist_contains(list, first))
                        continue;
                while (last + 1 < CPULIST_LIMIT && cpulist_contains(list, last + 1))
                        last++;
                fprintf(stream, "%s%u", ftell(stream) > 0 ? "," : "", first);
                if (last > first)
                        fprintf(stream, "-%u", last);
                first = last;
        }
        if (fclose(stream) != 0) {
                free(text);
                return NULL;
        }
        return text;
}

bool cpulist_is_empty(const struct cpulist *list) {
        return cpulist_nth(list, 0) < 0;
}

bool cpulist_equal(const struct cpulist *a, const struct cpulist *b) {
        return memcmp(a, b, sizeof(*a)) == 0;
}

bool cpulist_contains(const struct cpulist *list, unsigned number) {
        return number < CPULIST_LIMIT && (list->bits[number / 64] >> (number % 64) & 1) != 0;
}

size_t cpulist_count(const struct cpulist *list) {
        size_t count = 0;

        for (size_t i = 0; i < sizeof(list->bits) / sizeof(list->bits[0]); i++)
                count += (size_t)__builtin_popcountll(list->bits[i]);
        return count;
}

void cpulist_add(struct cpulist *list, unsigned number) {
        if (number < CPULIST_LIMIT)
                list->bits[number / 64] |= UINT64_C(1) << (number % 64);
}

void cpulist_union(struct cpulist *list, const struct cpulist *other) {
        for (size_t i = 0; i < sizeof(list->bits) / sizeof(list->bits[0]); i++)
                list->bits[i] |= other->bits[i];
}

void cpulist_subtract(struct cpulist *list, const struct cpulist *other) {
        for (size_t i = 0; i < sizeof(list->bits) / sizeof(list->bits[0]); i++)
                list->bits[i] &= ~other->bits[i];
}

int cpulist_nth(const struct cpulist *list, size_t i) {
        for (unsigned number = 0; number < CPULIST_LIMIT; number++)
                if (cpulist_contains(list, number) && i-- == 0)
                        return (int)number;
        return -1;
}

size_t cpulist_to_mask(const struct cpulist *list, uint8_t mask[static CPULIST_LIMIT / 8]) {
        size_t length = 0;

        for (size_t i = 0; i < CPULIST_LIMIT / 8; i++) {
                mask[i] = (uint8_t)(list->bits[i / 8] >> (i % 8 * 8));
                if (mask[i] != 0)
                        length = i + 1;
        }
        return length;
}
