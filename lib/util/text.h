/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* Text from outside */

#include <stdbool.h>
#include <stddef.h>
#include <string.h>

/* Whether it has C0 control characters or DEL, for input that is refused then. */
static inline bool text_has_control(const char *text) {
        for (; *text; text++)
                if ((unsigned char)*text < 0x20 || *text == 0x7f)
                        return true;
        return false;
}

static inline bool text_has_suffix(const char *text, const char *suffix) {
        size_t length = strlen(text), suffix_length = strlen(suffix);

        return length >= suffix_length && strcmp(text + length - suffix_length, suffix) == 0;
}

/*
 * The text as one line for a terminal or a log, a new string: "\x1b" stands for each byte of a character that could end
 * the line or drive a terminal (C0, DEL, C1, line separators, changes of direction), and for each byte that is not UTF-8.
 * Where it would be longer than `max` bytes, the middle is left out, and says so. NULL without memory.
 */
char *text_one_line(const char *text, size_t max);

/* Limits for text_one_line(): a message, and a part of one. */
#define TEXT_LINE_MAX 2000
#define TEXT_PART_MAX 500
