/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Text from outside, made fit for a line
 *
 * Subtle: C1 control characters are two bytes in UTF-8 but one byte in what a terminal of eight bits reads, so a byte that is
 * not part of valid UTF-8 is as dangerous as a control character. A sequence is valid as RFC 3629 has it: not longer than
 * it need be, no surrogate, at most U+10FFFF.
 */
#include "util/text.h"

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include "util/cleanup.h"

/* The number of bytes of the character at `text`, and which it is; 0 where that is not UTF-8. */
static size_t decode(const char *text, uint32_t *out) {
        static const uint32_t least[] = {0, 0, 0x80, 0x800, 0x10000};
        const unsigned char *bytes = (const unsigned char *)text;
        size_t length = bytes[0] < 0x80   ? 1
                        : bytes[0] < 0xc0 ? 0
                        : bytes[0] < 0xe0 ? 2
                        : bytes[0] < 0xf0 ? 3
                                          : 4;
        uint32_t character = length < 2 ? bytes[0] : bytes[0] & (0xffU >> (length + 1));

        if (bytes[0] >= 0xf8)
                return 0;
        for (size_t i = 1; i < length; i++) {
                if ((bytes[i] & 0xc0) != 0x80)
                        return 0;
                character = character << 6 | (bytes[i] & 0x3f);
        }
        if (length > 1 &&
            (character < least[length] || character > 0x10ffff || (character >= 0xd800 && character < 0xe000)))
                return 0;
        *out = character;
        return length;
}

/* Line separators, and what changes the direction of the text (all of Unicode's bidirectional controls). */
static bool is_layout(uint32_t character) {
        return character == 0x061c || character == 0x200e || character == 0x200f ||
               (character >= 0x2028 && character <= 0x202e) || (character >= 0x2066 && character <= 0x2069);
}

static bool is_control(uint32_t character) {
        return character < 0x20 || (character >= 0x7f && character < 0xa0);
}

static void write_escaped(const char *text, FILE *out) {
        while (*text) {
                uint32_t character = 0;
                size_t length = decode(text, &character);
                bool plain = length > 0 && !is_control(character) && !is_layout(character);

                if (length == 0)
                        length = 1;
                for (; length > 0; length--, text++)
                        fprintf(out, plain ? "%c" : "\\x%02x", (unsigned char)*text);
        }
}

static char *escape(const char *text) {
        char *out = NULL;
        size_t size = 0;
        FILE *stream = open_memstream(&out, &size);
        bool failed;

        if (!stream)
                return NULL;
        write_escaped(text, stream);
        failed = ferror(stream);
        if (fclose(stream) == 0 && !failed)
                return out;
        free(out);
        return NULL;
}

/* Where the character begins that has a byte at `at`. */
static size_t character_begin(const char *text, size_t at) {
        while (at > 0 && ((unsigned char)text[at] & 0xc0) == 0x80)
                at--;
        return at;
}

/* The beginning says what it is about, and the end is often the operating system's reason. */
static char *leave_middle_out(const char *text, size_t length, size_t max) {
        size_t head = character_begin(text, max / 4 * 3), tail = character_begin(text, length - max / 8);
        char *out = NULL;

        if (asprintf(&out, "%.*s [... %zu bytes ...] %s", (int)head, text, tail - head, text + tail) < 0)
                return NULL;
        return out;
}

char *text_one_line(const char *text, size_t max) {
        char *escaped = escape(text), *shorter;
        size_t length = escaped ? strlen(escaped) : 0;

        if (length <= max)
                return escaped;
        shorter = leave_middle_out(escaped, length, max);
        free(escaped);
        return shorter;
}
