/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * Pinning vCPU threads to CPUs
 *
 * Each vCPU gets one CPU, if there are enough. With as many CPUs as vCPUs, the i-th vCPU by index runs on the i-th CPU, as in
 * Kata Containers. With more CPUs, they are taken from one NUMA node if possible. Alternatively, the caller gives a map.
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
        bool in_force; /* affinities may have been set for it; false if pinning is wanted but not possible, or not done yet */
        struct pin *map; /* the caller's map, by ascending index; other vCPUs may run on all CPUs */
        size_t map_count;
};

static inline bool pinning_is_wanted(const struct pinning *pinning) {
        return pinning->one_each || pinning->map_count > 0;
}

void pinning_clear(struct pinning *pinning);

/* Returns 0 or -ENOMEM. */
int pinning_copy(const struct pinning *pinning, struct pinning *out);

/* Adds "INDEX=CPUS,INDEX=CPUS..." to the map; CPUS may contain commas. Errors: status 5, field --pin-map; then `out` has a part
 * of the map. */
int pinning_parse_map(const char *text, struct pinning *out, struct error *error);

/* The map as {"INDEX": "CPUS"}; NULL without memory. */
json_t *pinning_map_to_json(const struct pinning *pinning);

/* Reads this form. -EINVAL (without an error set) for any other form, or -ENOMEM. */
int pinning_map_from_json(const json_t *json, struct pinning *out);

/* Refuses (status 5) a map with vCPUs that do not exist, or with CPUs that are not in `cpus`. */
int pinning_check_map(const struct pinning *pinning, const struct vcpus *vcpus, const struct cpulist *cpus,
                      struct error *error);

/* Chooses one CPU for each of `count` vCPUs, in the vCPUs' order; `cpus` has at least `count` members. `nodes`: the CPUs of the
 * host's NUMA nodes. The first node with enough CPUs is used, otherwise several, the one with the most first. Pure. */
void pinning_choose(const struct cpulist *cpus, const struct cpulist *nodes, size_t node_count, size_t count,
                    struct cpulist *out);

/* The VMM and the CPUs for pinning. */
struct pinning_place {
        const struct process *vmm;
        const struct vcpus *vcpus;
        const struct cpulist *cpus; /* the CPUs that the sandbox may use */
        const struct log *log;
};

/*
 * Pins threads, and checks before and afterwards that they are the VMM's; a number that is not one of its threads is an error,
 * as is a refusal by the kernel. A mapped vCPU whose CPUs are all gone may run on all CPUs, with a warning. `*pinned`: whether
 * any vCPU is pinned; with `one_each` and too few CPUs none is. The caller has recorded the former affinities, and restores them
 * on failure. Errors: status 1.
 */
int pinning_apply(const struct pinning *pinning, const struct pinning_place *place, bool *pinned,
                  struct error *error);
