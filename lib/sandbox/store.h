/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * Where states are kept: ROOT/ID/state.json
 *
 * The directory of a sandbox (0700) is also its lock, held by flock(2) for the length of a command.
 */

#include "sandbox/state.h"

/* What is wrong without being an error. */
enum {
        STORE_E_NO_SANDBOX = 1, /* there is no state of that ID */
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

/* Opens and locks the sandbox's directory, waiting for whoever has it; with `create` it is made, and ROOT
 * as well. STORE_E_NO_SANDBOX where it is not there. Errors: status 1. */
int store_lock(const char *root, const char *id, bool create, struct store *out, struct error *error);

/* Reads the state of a locked sandbox. STORE_E_NO_SANDBOX where the directory has none (a create that was
 * killed before it wrote it). */
int store_load(struct store *store, struct state **out, struct error *error);

/* Reads a state without a lock: it is replaced whole or not at all. */
int store_peek(const char *root, const char *id, struct state **out, struct error *error);

/* Replaces the state. */
int store_save(struct store *store, const struct state *state, struct error *error);

/* Removes state and directory. */
int store_remove(struct store *store, struct error *error);

/* Calls `each` with every ID under ROOT, in alphabetical order. No ROOT, no IDs. */
int store_list(const char *root, int (*each)(const char *id, void *data), void *data, struct error *error);
