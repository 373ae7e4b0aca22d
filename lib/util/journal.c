/* SPDX-License-Identifier: Apache-2.0 */
/* The journal: an array of undo functions, called from the last to the first */
#include "util/journal.h"

#include <errno.h>
#include <stdlib.h>

struct entry {
        journal_undo_fn undo;
        journal_free_fn free_change;
        void *change;
};

struct journal {
        struct entry *entries;
        size_t count;
};

struct journal *journal_new(void) {
        return calloc(1, sizeof(struct journal));
}

static void entry_clear(struct entry *entry) {
        if (entry->free_change)
                entry->free_change(entry->change);
}

struct journal *journal_free(struct journal *journal) {
        if (!journal)
                return NULL;
        journal_forget(journal);
        free(journal->entries);
        free(journal);
        return NULL;
}

int journal_add(struct journal *journal, journal_undo_fn undo, journal_free_fn free_change, void *change,
                struct error *error) {
        struct entry entry = {undo, free_change, change}, *larger;

        if (!journal) {
                entry_clear(&entry);
                return 0;
        }
        larger = reallocarray(journal->entries, journal->count + 1, sizeof(*larger));
        if (!larger) {
                int r = error_oom(error);

                (void)undo(change, NULL);
                entry_clear(&entry);
                return r;
        }
        journal->entries = larger;
        journal->entries[journal->count++] = entry;
        return 0;
}

void journal_forget(struct journal *journal) {
        while (journal->count > 0)
                entry_clear(&journal->entries[--journal->count]);
}

void journal_undo(struct journal *journal, struct error *error) {
        while (journal->count > 0) {
                _cleanup_error_ struct error failure = ERROR_INIT;
                struct entry entry = journal->entries[--journal->count];

                if (entry.undo(entry.change, &failure) < 0)
                        error_append(error, "not undone: %s",
                                     failure.message ? failure.message : "out of memory");
                entry_clear(&entry);
        }
}
