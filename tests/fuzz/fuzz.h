/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * What the fuzzers share
 *
 * A target reads its input as text where the library does, so that seeds and finds can be read and edited. What
 * must hold is said by CHECK(), which ends the run with the input saved, as a sanitizer's report does.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "util/cleanup.h"
#include "util/error.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Not assert(3), which a release build leaves out. */
#define CHECK(condition)                                                                                       \
        do {                                                                                                   \
                if (!(condition)) {                                                                            \
                        fprintf(stderr, "%s:%d: does not hold: %s\n", __FILE__, __LINE__, #condition);         \
                        abort();                                                                               \
                }                                                                                              \
        } while (0)

/* A string of exactly this size, so that the sanitizer sees what reads beyond it. */
static inline char *fuzz_text(const uint8_t *data, size_t size) {
        char *text = malloc(size + 1);

        CHECK(text);
        if (size > 0)
                memcpy(text, data, size);
        text[size] = '\0';
        return text;
}

/* Cuts the text at its first line "---": returns what follows, or NULL where there is none. */
static inline char *fuzz_split(char *text) {
        char *line = strncmp(text, "---\n", 4) == 0 ? text : strstr(text, "\n---\n");

        if (!line)
                return NULL;
        text = line + (line[0] == '\n') + 4;
        *line = '\0';
        return text;
}

static inline bool fuzz_is_one_line(const char *text) {
        for (; *text; text++)
                if ((unsigned char)*text < 0x20 || *text == 0x7f)
                        return false;
        return true;
}

/* A function that failed has said why, in a line; one that did not has not. Refused input has a field. */
static inline void fuzz_check_error(int r, const struct error *error) {
        CHECK(r <= 0);
        if (r == 0) {
                CHECK(error->status == EXIT_STATUS_DONE && !error->message && !error->field);
                return;
        }
        CHECK(error->status == EXIT_STATUS_FAILED || error->status == EXIT_STATUS_REFUSED);
        CHECK(error->status != EXIT_STATUS_REFUSED || error->field);
        CHECK(error->message && error->message[0] != '\0' && fuzz_is_one_line(error->message));
        CHECK(!error->field || fuzz_is_one_line(error->field));
}
