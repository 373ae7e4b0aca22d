/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* The CPUs that a thread may run on (sched_setaffinity(2)). */

#include <sys/types.h>

#include "util/cpulist.h"

/* Returns 0 or a negative errno. */
int affinity_get(pid_t tid, struct cpulist *out);
int affinity_set(pid_t tid, const struct cpulist *cpus);
