/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * Pinning vCPU threads to CPUs
 *
 * As Kata Containers does: with as many vCPUs as CPUs, the i-th vCPU by index runs on the i-th CPU;
 * otherwise every one may run on all of them.
 */

#include "util/cpulist.h"
#include "util/error.h"
#include "vmm/vcpus.h"

/* The CPUs that a thread may run on (sched_getaffinity(2)). Returns 0 or a negative errno. */
int affinity_get(pid_t tid, struct cpulist *out);

/* Returns 0 or a negative errno. */
int affinity_set(pid_t tid, const struct cpulist *cpus);

/* Pins or unpins, see above. Whatever fails, all threads are given the whole set again; -ESRCH of a thread
 * that has ended is an error too. Status 1. */
int affinity_pin(const struct vcpus *vcpus, const struct cpulist *cpus, struct error *error);
