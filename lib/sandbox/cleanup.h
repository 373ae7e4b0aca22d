/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* Taking a sandbox's groups down, for delete and for what a killed create has left. For lib/sandbox only. */

#include "sandbox/session.h"
#include "util/waiting.h"

/* How long the leftovers of a killed create may take. */
#define CLEANUP_TIMEOUT_MS 10000

/* What is in the way without being an error. */
enum {
        CLEANUP_E_OTHERS = 1, /* the VMM, or somebody who is neither a runtime process nor the caller */
};

/* How groups are taken down. */
struct cleanup {
        bool force;       /* kill what else there is */
        bool parents;     /* parents that were made for the sandbox go, too, once they are empty */
        int64_t deadline; /* monotonic_ms() */
};

/*
 * Moves runtime processes (and the caller, should it be inside) back to where they came from, kills with `force` what else
 * there is, and takes down every group. Without `force`, where there is somebody else, nothing is changed, and they are
 * added to `others`: CLEANUP_E_OTHERS. Errors: status 1; where a group is not this sandbox's, nothing has been changed.
 */
int cleanup_groups(struct session *session, const struct cleanup *how, struct pid_set *others,
                   struct error *error);

/* What a create that was killed has left behind, by its intent, which is taken over; otherwise the same. The state on disk
 * stays. */
int cleanup_leftover(const struct sandbox_environment *environment, struct state *leftover,
                     struct pid_set *others, struct error *error);

/* After CLEANUP_E_OTHERS, without the lock: waits until one of them has ended, or something was said of the wait. Status 1,
 * listing them, after the deadline. */
int cleanup_wait(const struct pid_set *others, const char *id, int64_t deadline, struct waiting *waiting,
                 struct error *error);
