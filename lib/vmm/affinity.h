/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * Pinning vCPU threads to CPUs
 *
 * As Kata Containers does: with as many vCPUs as CPUs, the i-th vCPU by index runs on the i-th CPU;
 * otherwise every one may run on all of them.
 */

#include "host/process.h"
#include "util/cpulist.h"
#include "util/error.h"
#include "vmm/vcpus.h"

/* The CPUs that a thread may run on (sched_getaffinity(2)). Returns 0 or a negative errno. */
int affinity_get(pid_t tid, struct cpulist *out);

/* Returns 0 or a negative errno. */
int affinity_set(pid_t tid, const struct cpulist *cpus);

/* Pins or unpins, see above, threads that are the VMM's before and afterwards; a number that is no longer one of its threads
 * is an error, as is what the kernel refuses. Without `one_each` all of them are unpinned. The caller has recorded the former affinities, and restores them then.
 * Status 1. */
int affinity_pin(const struct process *vmm, const struct vcpus *vcpus, const struct cpulist *cpus,
                 bool one_each, struct error *error);
