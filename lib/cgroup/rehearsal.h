/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * A rehearsal: what would be changed is recorded instead, in order, and seen by what comes after
 *
 * A group with one (cgroup->rehearsal) is made by the same code as any other; that code asks for files and directories by
 * their whole paths here first.
 */

#include <jansson.h>
#include <stdbool.h>

#include "util/cleanup.h"

struct rehearsal;

/* Entries are appended to the array, which outlives it. NULL without memory. */
struct rehearsal *rehearsal_new(json_t *entries);
struct rehearsal *rehearsal_free(struct rehearsal *rehearsal);
DEFINE_CLEANUP(struct rehearsal *, rehearsal_free)

/* Where the entries are. */
json_t *rehearsal_entries(const struct rehearsal *rehearsal);

/* Records {"mkdir": PATH}; 0 or -ENOMEM, as all that follow. */
int rehearsal_make_directory(struct rehearsal *rehearsal, const char *path);

/* Takes a directory for made: by somebody else, as a consequence of what is recorded. */
int rehearsal_assume_directory(struct rehearsal *rehearsal, const char *path);

/* Records {"write": PATH, "value": VALUE}; from then on the file holds it. */
int rehearsal_write(struct rehearsal *rehearsal, const char *path, const char *value);

/* Takes a file for holding this. */
int rehearsal_assume_text(struct rehearsal *rehearsal, const char *path, const char *text);

bool rehearsal_has_directory(const struct rehearsal *rehearsal, const char *path);

/* What the file would hold; NULL where it is as it is. */
const char *rehearsal_text(const struct rehearsal *rehearsal, const char *path);
