/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * A cgroup's statistics in one schema for v1 and v2
 *
 * Times are in microseconds and sizes in bytes, whatever unit the kernel's file has. A number that this host does
 * not report is null; a limit that is not set is null too.
 */

#include "cgroup/cgroup.h"
#include "host/proc.h"

struct stats {
        json_t *json;
        struct pid_set processes; /* the ones that json counts: those with a task in the group */
};

void stats_clear(struct stats *stats);
#define _cleanup_stats_ _cleanup_(stats_clear)

/* 0, or -ENOMEM. With `vcpu_subtree`, the throttling is that of the vCPUs' group. */
int stats_read(struct cgroup *cgroup, bool vcpu_subtree, struct stats *out);

/* The CPU time and the memory in use alone, in the same members: two files. 0, or -ENOMEM. */
int stats_read_use(struct cgroup *cgroup, struct stats *out);

/* The cpu statistics and pressure of the vCPUs' group itself. Its memory, tasks and I/O are counted in the group above. A new
 * reference, or NULL without memory. */
json_t *stats_read_vcpu_subtree(struct cgroup *subtree);

/*
 * The sum of two groups. Neither may be below the other, since the kernel includes a group in the statistics of those above
 * it. Limits, peaks and pressure cannot be added and have no member. A process with tasks in both counts once. A number that
 * the kernel does not report for one group is null. `b` may be NULL. A new reference, or NULL without memory.
 */
json_t *stats_total(const struct stats *a, const struct stats *b);
