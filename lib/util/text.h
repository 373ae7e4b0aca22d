/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* Text from outside */

#include <stdbool.h>
#include <string.h>

/* C0 control characters and DEL: what could end a line or drive a terminal. */
static inline bool text_is_control(char c) {
        return (unsigned char)c < 0x20 || c == 0x7f;
}

static inline bool text_has_control(const char *text) {
        for (; *text; text++)
                if (text_is_control(*text))
                        return true;
        return false;
}

static inline bool text_has_suffix(const char *text, const char *suffix) {
        size_t length = strlen(text), suffix_length = strlen(suffix);

        return length >= suffix_length && strcmp(text + length - suffix_length, suffix) == 0;
}

/* Makes one line of it: control characters become '?'. */
static inline void text_make_one_line(char *text) {
        for (; *text; text++)
                if (text_is_control(*text))
                        *text = '?';
}
