/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * What a command has changed, so that a failure can take it back in reverse order
 *
 * Each change is recorded right after it was made. journal_undo() undoes the latest first: a sequence of
 * writes that the kernel accepted one by one is also accepted backwards, since it passes through the same
 * states.
 */

#include <stddef.h>

#include "util/cleanup.h"
#include "util/error.h"

/* Takes one change back; 0, or a negative errno and what could not be undone in `error`. */
typedef int (*journal_undo_fn)(void *change, struct error *error);
typedef void (*journal_free_fn)(void *change);

struct journal;

/* NULL without memory. */
struct journal *journal_new(void);
struct journal *journal_free(struct journal *journal);
DEFINE_CLEANUP(struct journal *, journal_free)

/* Records a change; takes `change` over in every case. Where there is no memory to record it, it is
 * undone at once and -ENOMEM returned. A NULL journal records nothing (clean-ups, which are not undone). */
int journal_add(struct journal *journal, journal_undo_fn undo, journal_free_fn free_change, void *change,
                struct error *error);

/* Undoes everything, the latest change first, and empties the journal. What fails is appended to
 * `error`, which holds the reason for undoing; all the rest is undone nevertheless. */
void journal_undo(struct journal *journal, struct error *error);

/* Empties the journal: what was changed stays. */
void journal_forget(struct journal *journal);
