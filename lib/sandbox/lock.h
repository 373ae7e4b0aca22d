/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * The lock of a sandbox: flock(2) on its directory
 *
 * It is held until its holder and all processes that the holder has forked (the freezer's guard) have ended, in whatever way.
 */

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "util/error.h"
#include "util/log.h"

/* How long a command waits for the lock, in milliseconds. */
#define LOCK_TIMEOUT_MS 30000

/* Results that are not errors. */
enum {
        LOCK_E_BUSY = 1, /* the deadline has passed */
};

/* How whoever has the lock is waited for. */
struct lock_wait {
        int64_t deadline;      /* monotonic_ms() */
        const struct log *log; /* gets to know of a long wait; or NULL */
};

/* Locks the directory; `wait` may be NULL: not at all. 0, LOCK_E_BUSY, or a negative errno. */
int lock_take(int directory, const struct lock_wait *wait);

/* Whether somebody holds the lock, which is not taken for that. False, too, for a holder in a pid namespace that the caller
 * does not see. */
bool lock_is_held(int directory);

/* Who holds the lock, "process 4711 (kata-cgroup)": a new string, or NULL without memory. */
char *lock_describe_holder(int directory);

/* Sets the error for a locked sandbox, which names the holder. Status 1. */
int lock_fail_busy(int directory, const char *id, struct error *error);

/* Sends SIGKILL to the lock's holder, if it is a kata-cgroup, and waits for its end. If nobody holds the lock any more, it does
 * nothing. Errors: status 1, naming the holder. */
int lock_end_holder(int directory, const char *id, struct error *error);
