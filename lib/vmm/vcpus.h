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

/* NULL without memory. */
struct vcpus *vcpus_copy(const struct vcpus *vcpus);

/* Threads that the caller knows. */
struct vcpus_given {
        struct vcpus *vcpus;
        const char *option; /* that names them, for messages */
        bool inner;         /* by the numbers that they have in the VMM's pid namespace, as QEMU has answered */
};

/* Who says which threads there are. With neither `qmp` nor `given` it is the threads' names, see
 * vcpus_index_from_name(). */
struct vcpus_source {
        struct qmp *qmp;
        const struct vcpus_given *given;
        const char *advice;    /* behind the reason why an answer of `qmp` is refused; or NULL */
        const struct log *log; /* or NULL */
};

/*
 * Finds the threads, at least `expect` of them (0 counts as 1). QEMU and the names are asked again until then, 50 ms apart
 * and doubling, up to the deadline (monotonic_ms()): with `expect`, also while QEMU answers with an error that passes; without
 * it, as long as two threads have the name of one vCPU. All threads are of `vmm`, or none is taken. A VMM in a pid namespace
 * of its own numbers its threads as they are called there; `*out` has the caller's numbers.
 * Errors: status 1 with how many there are, or with QEMU's error; status 5 for what is nonsense.
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

/* Whether they are the same, NULL being none. */
bool vcpus_equal(const struct vcpus *a, const struct vcpus *b);

/* The index in a thread's name, or -1: "vcpuN" (Cloud Hypervisor), "fc_vcpu N" (Firecracker), "CPU N/KVM" and "CPU N/TCG"
 * (QEMU with -name debug-threads=on), "db_vcpuN" (Dragonball), "vp-N" (OpenVMM). */
int vcpus_index_from_name(const char *name);
