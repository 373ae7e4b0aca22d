/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * What a cgroup has used: one schema for v1 and v2
 *
 * Times are in microseconds and sizes in bytes, whatever the kernel's file has. What this host does not tell
 * is null; a limit that is not set is null too.
 */

#include "cgroup/cgroup.h"
#include "host/proc.h"

struct stats {
        json_t *json;
        struct pid_set processes; /* the ones that json counts: those with a task in the group */
};

void stats_clear(struct stats *stats);
#define _cleanup_stats_ _cleanup_(stats_clear)

/* 0, or -ENOMEM. With a group for the vCPUs, the throttling is that one's. */
int stats_read(struct cgroup *cgroup, bool vcpu_subtree, struct stats *out);

/* Those of the vCPUs' group itself: of cpu, and the pressure. Its memory, tasks and I/O are the group's above. A new
 * reference, or NULL without memory. */
json_t *stats_read_vcpu_subtree(struct cgroup *subtree);

/*
 * The sum of two groups of which none is below the other: the kernel counts what happens in a group in those above it, too.
 * Limits, peaks and pressure have no sum and no member. A process with tasks in both counts once. What the kernel does
 * not tell of one group is null. `b` may be NULL. A new reference, or NULL without memory.
 */
json_t *stats_total(const struct stats *a, const struct stats *b);
