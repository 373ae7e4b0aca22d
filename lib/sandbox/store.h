/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * The store of the states: ROOT/ID/state.json
 *
 * The directory of a sandbox (0700) is also its lock (lock.h), which a command holds while it examines and changes the sandbox.
 */

#include "sandbox/lock.h"
#include "sandbox/state.h"

/* Results that are not errors. */
enum {
        STORE_E_NO_SANDBOX = 1, /* there is no state of that ID */
        STORE_E_BUSY = 2,       /* another process holds the lock */
};

struct store {
        char *root;
        int root_fd;
        char *id;
        int directory; /* ROOT/ID, locked */
};

#define STORE_INIT ((struct store){NULL, -1, NULL, -1})
void store_close(struct store *store);
#define _cleanup_store_ _cleanup_(store_close)

/* ROOT as an absolute path: a new string. Status 5 if it is not a valid one. */
int store_root_path(const char *root, char **out, struct error *error);

/* The identity of ROOT, an open directory, which the marks of groups have: a new string. Status 1. */
int store_root_identity(int root_fd, char **out, struct error *error);

/* Opens and locks the sandbox's directory, waiting for whoever has it; with `create` it
 * is made, and ROOT as well. STORE_E_NO_SANDBOX where it is not there. STORE_E_BUSY after the deadline: `*out` is then
 * open, and not locked. Errors: status 1. */
int store_lock(const char *root, const char *id, bool create, const struct lock_wait *wait, struct store *out,
               struct error *error);

/* Reads the state of a locked sandbox. STORE_E_NO_SANDBOX if the directory has none (create was killed before it wrote one).
 * Errors: status 1; -EBADMSG if the file is not a state, or one of a newer version. */
int store_load(struct store *store, struct state **out, struct error *error);

/* The same without the lock, since a state is always replaced as a whole. */
int store_peek(const char *root, const char *id, struct state **out, struct error *error);

/* Whether a command holds the lock of that sandbox, as lock_is_held() has it. */
bool store_is_locked(const char *root, const char *id);

/* Replaces the state. */
int store_save(struct store *store, const struct state *state, struct error *error);

/* Removes state and directory. */
int store_remove(struct store *store, struct error *error);

/* Removes the directory if it has no state. */
void store_remove_empty(struct store *store);

/* Calls `each` with every ID under ROOT, in alphabetical order. Without ROOT there are no IDs. */
int store_list(const char *root, int (*each)(const char *id, void *data), void *data, struct error *error);

/* Opens ROOT or, where it does not exist, the deepest directory above it that does (by O_PATH). Status 1 or 5. */
int store_open_root(const char *root, int *out, bool *exists, struct error *error);
