/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * The changes of a command, so that a failure can undo them in reverse order
 *
 * Each change is recorded right after it was made. journal_undo() undoes the latest first. If the kernel accepted a
 * sequence of writes one by one, it also accepts them backwards, since they pass through the same states.
 */

#include <stddef.h>

#include "util/cleanup.h"
#include "util/error.h"

/* Undoes one change; 0, or a negative errno, and `error` says what could not be undone. */
typedef int (*journal_undo_fn)(void *change, struct error *error);
typedef void (*journal_free_fn)(void *change);

struct journal;

/* NULL without memory. */
struct journal *journal_new(void);
struct journal *journal_free(struct journal *journal);
DEFINE_CLEANUP(struct journal *, journal_free)

/* Records a change; owns `change` in every case. If memory is exhausted, the change is undone at once and -ENOMEM
 * returned. A NULL journal records nothing: clean-ups are not undone. */
int journal_add(struct journal *journal, journal_undo_fn undo, journal_free_fn free_change, void *change,
                struct error *error);

/* Undoes everything, the latest change first, and empties the journal. A change that cannot be undone is appended to
 * `error`, which has the reason for undoing; all others are undone nevertheless. */
void journal_undo(struct journal *journal, struct error *error);

/* Empties the journal: the changes stay. */
void journal_forget(struct journal *journal);
