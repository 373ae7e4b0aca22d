/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* Facts about the host beyond its hierarchies, for plans that need them; each costs some system calls. */

#include <stdbool.h>
#include <stddef.h>

#include "util/cpulist.h"

/* The sizes of huge pages as the kernel's files name them, "2MB 1GB": a new string, NULL without memory. */
char *facts_hugepage_sizes(void);

/* Whether the bfq I/O scheduler is there: some block device could be given it. */
bool facts_bfq(void);

/* The CPUs of each NUMA node, by the nodes' numbers; none where the kernel has no nodes. `*out` is a new array. Returns 0 or
 * -ENOMEM. */
int facts_numa_nodes(struct cpulist **out, size_t *count);
