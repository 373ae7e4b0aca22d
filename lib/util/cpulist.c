/* SPDX-License-Identifier: Apache-2.0 */
#include "util/cpulist.h"

#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static int parse_number(const char **text, unsigned *out) {
        unsigned value = 0;

        if (!isdigit((unsigned char)**text))
                return -EINVAL;
        for (; isdigit((unsigned char)**text); (*text)++) {
                value = value * 10 + (unsigned)(**text - '0');
                if (value >= CPULIST_LIMIT)
                        return -ERANGE;
        }
        *out = value;
        return 0;
}

static int parse_range(const char **text, struct cpulist *list) {
        unsigned first, last;
        int r;

        r = parse_number(text, &first);
        if (r < 0)
                return r;
        last = first;
        if (**text == '-') {
                (*text)++;
                r = parse_number(text, &last);
                if (r < 0)
                        return r;
                if (last < first)
                        return -EINVAL;
        }
        for (unsigned number = first; number <= last; number++)
                cpulist_add(list, number);
        return 0;
}

int cpulist_parse(const char *text, struct cpulist *out) {
        struct cpulist list = {0};
        int r;

        if (*text != '\0') {
                for (;;) {
                        r = parse_range(&text, &list);
                        if (r < 0)
                                return r;
                        if (*text == '\0')
                                break;
                        if (*text++ != ',')
                                return -EINVAL;
                }
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
