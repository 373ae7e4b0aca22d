/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * A rehearsal records changes, in order, instead of making them; later steps see the recorded changes
 *
 * A group with a rehearsal (cgroup->rehearsal) is made by the same code as any other. That code first looks up files and
 * directories here, by their whole paths.
 */

#include <jansson.h>
#include <stdbool.h>

#include "util/cleanup.h"

struct rehearsal;

/* Entries are appended to the array, which outlives it. NULL without memory. */
struct rehearsal *rehearsal_new(json_t *entries);
struct rehearsal *rehearsal_free(struct rehearsal *rehearsal);
DEFINE_CLEANUP(struct rehearsal *, rehearsal_free)

/* The array of the entries. */
json_t *rehearsal_entries(const struct rehearsal *rehearsal);

/* Records {"mkdir": PATH}; 0 or -ENOMEM, as all that follow. */
int rehearsal_make_directory(struct rehearsal *rehearsal, const char *path);

/* Assumes a directory that somebody else makes as a consequence of a recorded change. */
int rehearsal_assume_directory(struct rehearsal *rehearsal, const char *path);

/* Records {"write": PATH, "value": VALUE}; from then on the file holds it. */
int rehearsal_write(struct rehearsal *rehearsal, const char *path, const char *value);

/* Assumes that the file has this text. */
int rehearsal_assume_text(struct rehearsal *rehearsal, const char *path, const char *text);

bool rehearsal_has_directory(const struct rehearsal *rehearsal, const char *path);

/* The text that the file would have; NULL if it is not changed. */
const char *rehearsal_text(const struct rehearsal *rehearsal, const char *path);
