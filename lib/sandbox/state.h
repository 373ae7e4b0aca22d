/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * What is remembered of a sandbox, and its form on disk
 *
 * The state is written before the first directory is made ("creating") and before limits are changed
 * ("changing"), so that a run which was killed half-way is known as such by the next.
 */

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

#include "manager/manager.h"
#include "util/timestamp.h"
#include "vmm/vcpus.h"

enum phase {
        PHASE_CREATING, /* create has not finished: what is there is to be cleared up */
        PHASE_READY,
        PHASE_CHANGING, /* limits may be partly written: the next change writes all of them */
};

struct sandbox_vmm {
        pid_t pid; /* 0: none was attached yet */
        uint64_t start_time;
        bool threads; /* placement: single threads, or the process */
        bool pin;
        struct vcpus *vcpus;
};

struct state {
        enum phase phase;
        char *id;
        char created_at[TIMESTAMP_SIZE];
        char boot_id[BOOT_ID_SIZE]; /* of the boot that the processes below are of */
        bool sandbox_cgroup_only;
        bool vcpu_subtree;     /* vCPU threads are in a threaded child group */
        uint64_t stop_timeout; /* seconds */
        struct cgroup_path *sandbox;
        struct cgroup_path *overhead; /* NULL with sandbox_cgroup_only */
        struct task *runtime;         /* the processes that create placed */
        size_t runtime_count;
        struct sandbox_vmm vmm;
        json_t *resources;  /* the sandbox's own */
        json_t *containers; /* by container ID */
        /* Rules that come after those of the resources: a VMM's devices and hotplugged ones, each with the
         * path that it was added by. They hold where there are rules to add them to. */
        json_t *devices;
        bool hypervisor_devices; /* there are rules, even where the resources have none */
};

struct state *state_new(void);
struct state *state_free(struct state *state);
DEFINE_CLEANUP(struct state *, state_free)

/* Makes the state one of this boot: the processes of an earlier one are forgotten, since others have their pids now,
 * perhaps with the same start times (those count from the boot). */
int state_enter_boot(struct state *state, struct error *error);

/* A new reference, or NULL without memory. */
json_t *state_to_json(const struct state *state);

/* Checks everything: the file could be of a newer version, cut off, or somebody else's. Status 1. */
int state_from_json(const json_t *json, struct state **out, struct error *error);

/* The resources that hold for the sandbox cgroup: its own, with the union of its containers' cpusets and with
 * the state's devices. A new reference. */
int state_effective_resources(const struct state *state, json_t **out, struct error *error);
