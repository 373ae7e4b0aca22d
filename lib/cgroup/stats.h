/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * What a cgroup has used: one schema for v1 and v2
 *
 * Times are in microseconds and sizes in bytes, whatever the kernel's file has. What this host does not tell
 * is null; a limit that is not set is null too.
 */

#include "cgroup/cgroup.h"

/* A new reference, or NULL without memory. */
json_t *stats_read(struct cgroup *cgroup, bool vcpu_subtree);
