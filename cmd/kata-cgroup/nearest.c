/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The nearest name
 *
 * Two names are near if one becomes the other by few edits: a character inserted, removed or replaced, or two neighbours
 * exchanged (the restricted Damerau-Levenshtein distance). The beginning of a name is near, too, since abbreviations are
 * what most programs accept.
 */
#include "nearest.h"

#include <stdbool.h>
#include <string.h>

/* Longer words are nobody's typing error. */
#define LENGTH_MAX 40

static size_t least(size_t a, size_t b) {
        return a < b ? a : b;
}

static bool is_exchange(const char *a, const char *b, size_t i, size_t j) {
        return i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1];
}

static size_t edits(const char *a, size_t a_length, const char *b, size_t b_length) {
        size_t rows[LENGTH_MAX + 1][LENGTH_MAX + 1];

        for (size_t i = 0; i <= a_length; i++)
                rows[i][0] = i;
        for (size_t j = 0; j <= b_length; j++)
                rows[0][j] = j;
        for (size_t i = 1; i <= a_length; i++)
                for (size_t j = 1; j <= b_length; j++) {
                        size_t replaced = rows[i - 1][j - 1] + (a[i - 1] != b[j - 1]);

                        rows[i][j] = least(replaced, least(rows[i - 1][j], rows[i][j - 1]) + 1);
                        if (is_exchange(a, b, i, j))
                                rows[i][j] = least(rows[i][j], rows[i - 2][j - 2] + 1);
                }
        return rows[a_length][b_length];
}

void nearest_consider(struct nearest *nearest, const char *name) {
        size_t word_length = strlen(nearest->word), length = strlen(name), difference;

        if (word_length == 0 || word_length > LENGTH_MAX || length > LENGTH_MAX)
                return;
        if (strncmp(nearest->word, name, word_length) == 0)
                difference = 0;
        else
                difference = edits(nearest->word, word_length, name, length);
        /* A third of the word may be wrong; of a short one, one character. */
        if (difference > (word_length < 6 ? 1 : word_length / 3))
                return;
        if (nearest->name && nearest->difference <= difference)
                return;
        nearest->name = name;
        nearest->difference = difference;
}
