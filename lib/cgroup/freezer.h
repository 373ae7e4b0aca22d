/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * The freezer stops the processes of a group
 *
 * It has two uses. freezer_set() is for a user who freezes and thaws a sandbox: the group stays frozen, and the caller records
 * that. freezer_freeze() to freezer_mend() stop a group on v1 while some of its files change: the group carries a mark then,
 * and is thawed at the end of the command.
 *
 * freezer_set() uses the v2 tree on a v2 host (cgroup.freeze, Linux 5.2), v1's freezer hierarchy on other hosts
 * (freezer.state), and the v2 tree of a hybrid host if v1's freezer is not mounted.
 */

#include "cgroup/cgroup.h"
#include "util/waiting.h"

/* The group's state in the kernel, whoever has frozen the group or one above it. */
enum freezer_state {
        FREEZER_THAWED, /* also if there is no such group or no freezer */
        FREEZER_FREEZING,
        FREEZER_FROZEN, /* all its processes have stopped */
};
enum freezer_state freezer_state(struct cgroup *cgroup);

/* The hierarchy that freezer_set() uses; NULL if the host has no freezer. */
const struct hierarchy *freezer_hierarchy(const struct host *host);

/*
 * Freezes or thaws the group, and waits until the kernel confirms it, up to the limit. Repeating it does no harm. A group that
 * does not exist counts as thawed, and cannot be frozen. Errors: status 1; -ETIMEDOUT after the deadline, naming the processes
 * in the group; -EINTR after a signal. After an error the group may be frozen, thawed or between: the caller undoes it.
 */
int freezer_set(struct cgroup *cgroup, bool frozen, const struct wait_limit *limit, struct error *error);

/* A group that is frozen by this process; all 0: none. */
struct freezing {
        pid_t guard;
        int release; /* the guard's pipe */
};

/*
 * Freezes the group's processes, unless there is no freezer, somebody else has frozen them, or the caller is one of them; then
 * `*out` is empty. If this process ends without thawing the group, a guard process thaws it, and holds the sandbox's lock until
 * then. Errors: status 1, and nothing is frozen.
 */
int freezer_freeze(struct cgroup *cgroup, struct freezing *out, struct error *error);

/* Thaws the group, if freezer_freeze() has frozen it. */
int freezer_thaw(struct cgroup *cgroup, struct freezing *freezing, struct error *error);

/* Thaws the group on v1 if it carries the mark of a freezing, which a command leaves that was killed with its guard. */
int freezer_mend(struct cgroup *cgroup, struct error *error);

/* Thaws the group and all groups below it, on v1 or v2, whoever has frozen them. Errors are ignored. */
void freezer_thaw_all(struct cgroup *cgroup);
