/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* Removing a sandbox's groups, for delete and for the leftovers of a killed create. For lib/sandbox only. */

#include "sandbox/session.h"
#include "util/waiting.h"

/* How long the removal of a killed create's leftovers may take. */
#define CLEANUP_TIMEOUT_MS 10000

/* Results that are not errors. */
enum {
        CLEANUP_E_OTHERS =
                1, /* the VMM, or another process that is neither a runtime process nor the caller, is still there */
};

/* How groups are taken down. */
struct cleanup {
        bool force;       /* kill what else there is */
        bool parents;     /* parents that were made for the sandbox go, too, once they are empty */
        int64_t deadline; /* monotonic_ms() */
};

/*
 * Moves runtime processes, and the caller if it is in a group, back to where they came from; with `force` kills all others;
 * and removes every group. Without `force`, other processes are added to `others`, and nothing is changed: CLEANUP_E_OTHERS.
 * Errors: status 1; if a group is not this sandbox's, nothing has been changed.
 */
int cleanup_groups(struct session *session, const struct cleanup *how, struct pid_set *others,
                   struct error *error);

/* The same for the leftovers of a killed create, as described by its intent, which this function owns. The state on disk
 * stays. */
int cleanup_leftover(const struct sandbox_environment *environment, struct state *leftover,
                     struct pid_set *others, struct error *error);

/* After CLEANUP_E_OTHERS, without the lock: waits until one of them has ended, or something was said of the wait. Status 1,
 * listing them, after the deadline. */
int cleanup_wait(const struct pid_set *others, const char *id, int64_t deadline, struct waiting *waiting,
                 struct error *error);
