/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* The vCPU threads of a VMM: finding them, and checking that they are the VMM's. */

#include <stdint.h>
#include <sys/types.h>

#include "host/process.h"
#include "util/cleanup.h"
#include "util/error.h"
#include "vmm/qmp.h"

/* The maximum of any VMM (QEMU's q35: 4096); an answer with more vCPUs is refused. */
#define VCPUS_MAX 4096

struct vcpu {
        unsigned index;
        pid_t tid;
};

/* By ascending index, without duplicate indexes or threads. */
struct vcpus {
        struct vcpu *vcpus;
        size_t count;
};

struct vcpus *vcpus_free(struct vcpus *vcpus);
DEFINE_CLEANUP(struct vcpus *, vcpus_free)

/* NULL without memory. */
struct vcpus *vcpus_copy(const struct vcpus *vcpus);

/* Threads that the caller knows. */
struct vcpus_given {
        struct vcpus *vcpus;
        const char *option; /* the option that names them, for messages */
        bool inner;         /* the IDs are those of the VMM's pid namespace, as in an answer of QEMU */
};

/* The source of the threads. With neither `qmp` nor `given` they are found by their names, see vcpus_index_from_name(). */
struct vcpus_source {
        struct qmp *qmp;
        const struct vcpus_given *given;
        const char *advice;    /* appended to the reason why an answer of `qmp` is refused; or NULL */
        const struct log *log; /* or NULL */
};

/*
 * Finds at least `expect` threads (0 counts as 1). Up to the deadline (monotonic_ms()) it tries again after 50 ms, then after
 * twice as long each time: with `expect`, also while QEMU answers with a temporary error; without it, while two threads have
 * the name of one vCPU. All threads must be of `vmm`, or none is used. A VMM in its own pid namespace reports the IDs of that
 * namespace; `*out` has the caller's. Errors: status 1 with the number of vCPUs, or with QEMU's error; status 5 for a malformed
 * answer.
 */
int vcpus_find(const struct vcpus_source *source, const struct process *vmm, unsigned expect, int64_t deadline,
               struct vcpus **out, struct error *error);

/* query-cpus-fast's return value as a list; pure. Status 5 with a path below `field`, like "QMP return[1].thread-id". */
int vcpus_parse(const json_t *answer, const char *field, struct vcpus **out, struct error *error);

/* The same for the text of an answer, which is the array or {"return": ARRAY}. */
int vcpus_parse_answer(const char *text, size_t size, const char *field, struct vcpus **out,
                       struct error *error);

/* The same for texts like "INDEX:TID". */
int vcpus_parse_pairs(const char *const *pairs, size_t count, const char *field, struct vcpus **out,
                      struct error *error);

/* Whether they are the same; NULL means none. */
bool vcpus_equal(const struct vcpus *a, const struct vcpus *b);

/* The index in a thread's name, or -1: "vcpuN" (Cloud Hypervisor), "fc_vcpu N" (Firecracker), "CPU N/KVM" and "CPU N/TCG"
 * (QEMU with -name debug-threads=on), "db_vcpuN" (Dragonball), "vp-N" (OpenVMM). */
int vcpus_index_from_name(const char *name);
