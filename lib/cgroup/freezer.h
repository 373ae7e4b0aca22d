/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * The freezer: stopping the processes of a group, and letting them go on
 *
 * There are two uses. A user freezes and thaws a sandbox (freezer_set()): that lasts, and is recorded by who calls it. And
 * some changes of v1's files stop the group for a moment (freezer_freeze() to freezer_mend()): such a freezing is marked as
 * ours, and ends with the command.
 *
 * Where a group is frozen: on a v2 host in the v2 tree (cgroup.freeze, Linux 5.2), else in v1's freezer hierarchy
 * (freezer.state), and without that one in the v2 tree of a hybrid host.
 */

#include "cgroup/cgroup.h"

/* What the kernel says of a group, whoever has frozen it: it, or one above it. */
enum freezer_state {
        FREEZER_THAWED, /* also where there is no such group, or no freezer */
        FREEZER_FREEZING,
        FREEZER_FROZEN, /* all its processes stand still */
};
enum freezer_state freezer_state(struct cgroup *cgroup);

/* Where a group is frozen; NULL: there is no freezer on this host. */
const struct hierarchy *freezer_hierarchy(const struct host *host);

/*
 * Freezes the group, or thaws it, and waits until the kernel says that it is so, at most until the deadline (monotonic_ms()).
 * What is done already is done again, without harm. Errors: status 1; then the group may be either, or on the way, and the
 * caller takes it back. -ETIMEDOUT after the deadline, with the processes that are in the group. A group that is not there
 * is an error when it is to be frozen.
 */
int freezer_set(struct cgroup *cgroup, bool frozen, int64_t deadline, struct error *error);

/* A group that is frozen by this process; all 0: none. */
struct freezing {
        pid_t guard;
        int release; /* the guard's pipe */
};

/*
 * Stops the group's processes, where the freezer can do it, nobody else has frozen them, and the caller is not one of them;
 * otherwise `*out` is empty. From then on a guard process thaws the group should this one end without having done so. It
 * keeps the sandbox's lock until then. Errors: status 1, and nothing is frozen.
 */
int freezer_freeze(struct cgroup *cgroup, struct freezing *out, struct error *error);

/* Lets them go on, if there is something frozen. */
int freezer_thaw(struct cgroup *cgroup, struct freezing *freezing, struct error *error);

/* Thaws the group on v1 if it carries the mark of a freezing, as it does where a command was killed with its guard. */
int freezer_mend(struct cgroup *cgroup, struct error *error);

/* Thaws the group and all groups below it, on v1 or v2, whoever has frozen them. As far as it can be done. */
void freezer_thaw_all(struct cgroup *cgroup);
