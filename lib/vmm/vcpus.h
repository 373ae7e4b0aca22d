/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* The vCPU threads of a VMM: which there are, and whether they can be believed. */

#include <stdint.h>
#include <sys/types.h>

#include "host/process.h"
#include "util/cleanup.h"
#include "util/error.h"
#include "vmm/qmp.h"

/* More vCPUs than any VMM offers (QEMU's q35: 4096): an answer beyond is nonsense. */
#define VCPUS_MAX 4096

struct vcpu {
        unsigned index;
        pid_t tid;
};

/* By ascending index; neither an index nor a thread is there twice. */
struct vcpus {
        struct vcpu *vcpus;
        size_t count;
};

struct vcpus *vcpus_free(struct vcpus *vcpus);
DEFINE_CLEANUP(struct vcpus *, vcpus_free)

/*
 * Asks for the threads until there are at least `expect` (0 counts as 1), 50 ms apart and doubling, up to
 * the deadline. All of them are threads of `vmm`, or the answer is refused, with `advice` (or NULL) behind the reason.
 * A VMM in a pid namespace of its own names its threads as they are called there; `*out` has them as the caller sees them.
 * Errors: status 1 with how many there were at the deadline; status 5 for an answer that is nonsense.
 */
int vcpus_from_qmp(struct qmp *qmp, const struct process *vmm, const char *advice, unsigned expect,
                   int64_t deadline, struct vcpus **out, struct error *error);

/* The same by the names of the VMM's threads: "vcpuN" (Cloud Hypervisor), "fc_vcpu N" (Firecracker),
 * "CPU N/KVM" and "CPU N/TCG" (QEMU with -name debug-threads=on). */
int vcpus_from_names(const struct process *vmm, unsigned expect, int64_t deadline, struct vcpus **out,
                     struct error *error);

/* query-cpus-fast's return value as a list; pure. Status 5 with a path like "return[1].thread-id". */
int vcpus_parse(const json_t *answer, struct vcpus **out, struct error *error);

/* Whether they are the same, NULL being none. */
bool vcpus_equal(const struct vcpus *a, const struct vcpus *b);

/* The index in a thread's name, or -1. */
int vcpus_index_from_name(const char *name);
