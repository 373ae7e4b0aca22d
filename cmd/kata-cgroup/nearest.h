/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* The known name that is nearest to a mistyped one. */

#include <stddef.h>

struct nearest {
        const char *word;  /* what was typed; not owned */
        const char *name;  /* the nearest name so far; NULL: none is near. Not owned */
        size_t difference; /* of `name` */
};

/* Compares the word with one more name. */
void nearest_consider(struct nearest *nearest, const char *name);
