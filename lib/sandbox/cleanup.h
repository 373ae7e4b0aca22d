/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* Taking a sandbox's groups down, for delete and for what a killed create has left. For lib/sandbox only. */

#include "sandbox/session.h"

/* How long the leftovers of a killed create may take. */
#define CLEANUP_TIMEOUT_MS 10000

/*
 * Moves runtime processes (and the caller, should it be inside) back to where they came from, waits for
 * other processes or, with `force`, kills them, and takes down every group. Errors: status 1, listing the
 * processes that are in the way, or naming the group that is not this sandbox's; nothing has been changed then.
 */
int cleanup_groups(struct session *session, bool force, int64_t deadline, struct error *error);

/* What a create that was killed has left behind, by its intent, which is taken over. The state on disk stays. */
int cleanup_leftover(const struct sandbox_environment *environment, struct state *leftover,
                     struct error *error);
