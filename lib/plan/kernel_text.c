/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Numbers as the kernel's parsers read them
 *
 * Each function repeats one function of the kernel (kstrtoull(), memparse(), sscanf()), which is named in the header.
 */
#include "plan/kernel_text.h"

#include <ctype.h>
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define BLANKS " \t\n\v\f\r"

char *kernel_strip(const char *text) {
        size_t length;

        text += strspn(text, BLANKS);
        for (length = strlen(text); length > 0 && strchr(BLANKS, text[length - 1]); length--)
                ;
        return strndup(text, length);
}

/* _parse_integer_fixup_radix() of lib/kstrtox.c, with base 0. */
static unsigned base_of(const char **text) {
        const char *digits = *text;

        if (digits[0] != '0')
                return 10;
        if ((digits[1] == 'x' || digits[1] == 'X') && isxdigit((unsigned char)digits[2])) {
                *text += 2;
                return 16;
        }
        return 8;
}

static int digit_of(char letter) {
        if (letter >= '0' && letter <= '9')
                return letter - '0';
        return isxdigit((unsigned char)letter) ? tolower((unsigned char)letter) - 'a' + 10 : INT8_MAX;
}

/* Digits, at least one; `*text` moves behind them. */
static int parse_digits(const char **text, unsigned base, uint64_t *out) {
        uint64_t value = 0;
        const char *digit;

        for (digit = *text; digit_of(*digit) < (int)base; digit++)
                if (__builtin_mul_overflow(value, base, &value) ||
                    __builtin_add_overflow(value, (uint64_t)digit_of(*digit), &value))
                        return -ERANGE;
        if (digit == *text)
                return -EINVAL;
        *text = digit;
        *out = value;
        return 0;
}

static int parse_unsigned(const char *text, uint64_t *out) {
        unsigned base = base_of(&text);
        uint64_t value;
        int r;

        r = parse_digits(&text, base, &value);
        if (r < 0)
                return r;
        if (*text == '\n')
                text++;
        if (*text != '\0')
                return -EINVAL;
        *out = value;
        return 0;
}

int kernel_parse_u64(const char *text, uint64_t *out) {
        return parse_unsigned(text + (text[0] == '+'), out);
}

int kernel_parse_i64(const char *text, int64_t *out) {
        uint64_t value, limit = text[0] == '-' ? (uint64_t)INT64_MAX + 1 : INT64_MAX;
        int r;

        r = parse_unsigned(text + (text[0] == '-' || text[0] == '+'), &value);
        if (r < 0)
                return r;
        if (value > limit)
                return -ERANGE;
        *out = text[0] == '-' ? (int64_t)(0 - value) : (int64_t)value;
        return 0;
}

int kernel_parse_bytes(const char *text, uint64_t *out) {
        static const char suffixes[] = "KMGTPE";
        unsigned base = base_of(&text);
        const char *suffix;
        uint64_t value;
        int r;

        r = parse_digits(&text, base, &value);
        if (r < 0)
                return r;
        suffix = *text != '\0' ? strchr(suffixes, toupper((unsigned char)*text)) : NULL;
        for (const char *power = suffixes; suffix && power <= suffix; power++)
                if (__builtin_mul_overflow(value, UINT64_C(1024), &value))
                        return -ERANGE;
        if (text[suffix ? 1 : 0] != '\0')
                return -EINVAL;
        *out = value;
        return 0;
}

int kernel_parse_decimal(const char *text, uint64_t *out) {
        uint64_t value;
        int r;

        r = parse_digits(&text, 10, &value);
        if (r < 0)
                return r;
        if (*text != '\0')
                return -EINVAL;
        *out = value;
        return 0;
}

bool kernel_find_value(const char *text, const char *name, uint64_t *out) {
        size_t length = strlen(name);

        for (const char *line = text; line && *line; line = strchr(line, '\n') ? strchr(line, '\n') + 1 : NULL)
                if (strncmp(line, name, length) == 0 && line[length] == ' ')
                        return sscanf(line + length, " %" SCNu64, out) == 1;
        return false;
}
