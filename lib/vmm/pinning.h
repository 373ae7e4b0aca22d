/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * Pinning vCPU threads to CPUs
 *
 * One CPU each, if there are enough of them: as many as vCPUs, and the i-th vCPU by index runs on the i-th, as Kata Containers
 * does it; more, and they are taken from one NUMA node as far as that goes. Or as the caller has told it.
 */

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>

#include "host/process.h"
#include "util/cpulist.h"
#include "util/error.h"
#include "util/log.h"
#include "vmm/vcpus.h"

/* The CPUs of one vCPU. */
struct pin {
        unsigned index;
        char *cpus; /* canonical */
};

/* What is wanted. All zero: every vCPU may run on all CPUs of the sandbox. */
struct pinning {
        bool one_each;
        bool in_force; /* the threads may have CPUs that were set for it: what is wanted may not be had, or not yet */
        struct pin *map; /* or these, by ascending index; a vCPU that is not among them may run on all CPUs */
        size_t map_count;
};

static inline bool pinning_is_wanted(const struct pinning *pinning) {
        return pinning->one_each || pinning->map_count > 0;
}

void pinning_clear(struct pinning *pinning);

/* Returns 0 or -ENOMEM. */
int pinning_copy(const struct pinning *pinning, struct pinning *out);

/* Adds "INDEX=CPUS,INDEX=CPUS..." to the map; a list may have commas of its own. Status 5, field --pin-map: `out` has a part of
 * it then. */
int pinning_parse_map(const char *text, struct pinning *out, struct error *error);

/* The map as {"INDEX": "CPUS"}; NULL without memory. */
json_t *pinning_map_to_json(const struct pinning *pinning);

/* Reads that. -EINVAL for what is none, without an error set, or -ENOMEM. */
int pinning_map_from_json(const json_t *json, struct pinning *out);

/* Refuses (status 5) a map of vCPUs that are not there, and of CPUs that are not among `cpus`. */
int pinning_check_map(const struct pinning *pinning, const struct vcpus *vcpus, const struct cpulist *cpus,
                      struct error *error);

/* The CPUs for `count` vCPUs that get one each, in the vCPUs' order; there are at least so many in `cpus`. `nodes`: the CPUs
 * of the host's NUMA nodes. The first node that has enough is taken, otherwise one after the other, the largest first. Pure.
 */
void pinning_choose(const struct cpulist *cpus, const struct cpulist *nodes, size_t node_count, size_t count,
                    struct cpulist *out);

/* Where the threads are pinned. */
struct pinning_place {
        const struct process *vmm;
        const struct vcpus *vcpus;
        const struct cpulist *cpus; /* what the sandbox may use */
        const struct log *log;
};

/*
 * Pins threads that are the VMM's before and afterwards; a number that is no longer one of its threads is an error, as is what
 * the kernel refuses. A mapped vCPU whose CPUs have all gone may run on all others, with a warning. `*pinned`: whether any is,
 * which with `one_each` and too few CPUs none is. The caller has recorded the former affinities, and restores them
 * on failure. Status 1.
 */
int pinning_apply(const struct pinning *pinning, const struct pinning_place *place, bool *pinned,
                  struct error *error);
