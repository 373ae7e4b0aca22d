/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Numbers from text
 *
 * Subtle: strtoull(3) accepts leading blanks and signs, and negates, so the first character is checked before it is called.
 */
#include "util/number.h"

#include <ctype.h>
#include <errno.h>
#include <limits.h>
#include <stdlib.h>

int number_parse_u64(const char *text, uint64_t *out) {
        unsigned long long value;
        char *end;

        /* strtoull accepts blanks, signs and negates: only a digit may open the text. */
        if (!isdigit((unsigned char)text[0]))
                return -EINVAL;
        errno = 0;
        value = strtoull(text, &end, 10);
        if (*end != '\0')
                return -EINVAL;
        if (errno == ERANGE)
                return -ERANGE;
        *out = value;
        return 0;
}

int number_parse_i64(const char *text, int64_t *out) {
        long long value;
        char *end;

        if (!isdigit((unsigned char)text[0]) && !(text[0] == '-' && isdigit((unsigned char)text[1])))
                return -EINVAL;
        errno = 0;
        value = strtoll(text, &end, 10);
        if (*end != '\0')
                return -EINVAL;
        if (errno == ERANGE)
                return -ERANGE;
        *out = value;
        return 0;
}

int number_parse_u32(const char *text, uint32_t *out) {
        uint64_t value;
        int r;

        r = number_parse_u64(text, &value);
        if (r < 0)
                return r;
        if (value > UINT32_MAX)
                return -ERANGE;
        *out = (uint32_t)value;
        return 0;
}

int number_parse_pid(const char *text, pid_t *out) {
        uint64_t value;
        int r;

        r = number_parse_u64(text, &value);
        if (r < 0)
                return r;
        if (value < 1 || value > INT_MAX)
                return -ERANGE;
        *out = (pid_t)value;
        return 0;
}
