/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* Stopping the processes of a group for a moment (v1's freezer), and letting frozen ones go. */

#include "cgroup/cgroup.h"

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
