/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * The state of a sandbox, and its form on disk
 *
 * The state is written before the first directory is made ("creating") and before limits are changed
 * ("changing"), so that the next command knows that a command was killed.
 */

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

#include "manager/manager.h"
#include "sandbox/configuration.h"
#include "util/timestamp.h"
#include "vmm/pinning.h"
#include "vmm/vcpus.h"

enum phase {
        PHASE_CREATING, /* create has not finished: leftovers must be cleared up */
        PHASE_READY,
        PHASE_CHANGING, /* limits may be partly written, see `before`: the next command settles them */
};

/* "creating", "ready", "changing" */
const char *phase_name(enum phase phase);

struct sandbox_vmm {
        struct process *process; /* NULL: no VMM was attached yet */
        bool threads;            /* placement: single threads, or the process */
        struct pinning pinning;
        struct vcpus *vcpus;
};

/* One of the sandbox's groups. */
struct state_group {
        struct cgroup_path *path;                 /* NULL: there is no such group */
        char invocation[MANAGER_INVOCATION_SIZE]; /* the invocation ID of its started unit, or "" */
};

struct state {
        enum phase phase;
        struct owner owner; /* the sandbox's ID and token, which identify its groups */
        char created_at[TIMESTAMP_SIZE];
        char boot_id[BOOT_ID_SIZE]; /* the boot in which the processes below were recorded */
        bool earlier_boot;          /* it was made before this boot: none of its groups and processes exist */
        bool sandbox_cgroup_only;
        bool vcpu_subtree;     /* vCPU threads are in a threaded child group */
        uint64_t stop_timeout; /* seconds */
        struct state_group sandbox;
        struct state_group overhead; /* none with sandbox_cgroup_only */
        struct process **runtime;    /* the processes that create and place have placed; the VMM may be one */
        size_t runtime_count;
        struct sandbox_vmm vmm;
        struct configuration *configuration;
        /* NULL unless the phase is "changing": the former configuration, of which a part may still be in force. */
        struct configuration *before;
        /* Whether freeze has been called, and thaw has not; the kernel may show otherwise. */
        bool frozen;
        bool frozen_before; /* with the phase "changing": the former value of `frozen` */
};

/* How a state is written. */
#define STATE_FORMAT (JSON_INDENT(2) | JSON_SORT_KEYS)

/* The maximum size of the configuration of a sandbox in its written form. Twice that size, for a change that is under way, and
 * 4096 vCPUs still fit into the limit of a state (16 MiB). */
#define CONFIGURATION_SIZE_MAX (4UL * 1024UL * 1024UL)

struct state *state_new(void);
struct state *state_free(struct state *state);
DEFINE_CLEANUP(struct state *, state_free)

/* Makes the state one of this boot. Processes of an earlier boot are forgotten, since other processes may have their pids now,
 * even with the same start times (which count from boot). */
int state_enter_boot(struct state *state, struct error *error);

/* An independent copy. Its processes are recorded, not held. NULL without memory. */
struct state *state_copy(const struct state *state);

/* Adds a runtime process, which the state then owns. Returns 0 or -ENOMEM. */
int state_add_runtime(struct state *state, struct process *process);

/* Records the VMM with its threads, without pinning; owns `process` and `vcpus`. */
void state_set_vmm(struct state *state, struct process *process, bool threads, struct vcpus *vcpus);

/* A new reference, or NULL without memory. */
json_t *state_to_json(const struct state *state);

/* Checks everything: the file could be of a newer version, truncated, or another program's. Status 1. */
int state_from_json(const json_t *json, struct state **out, struct error *error);

/* Refuses (status 5) a configuration that is too large to be stored. */
int state_check_size(const struct state *state, struct error *error);

/* Stores the configuration of `former`, and whether it was frozen, as `before`. Returns 0 or an error. */
int state_keep_before(struct state *state, const struct state *former, struct error *error);

/* Removes `before`: nothing of it is in force any more. */
void state_forget_before(struct state *state);

/* Restores configuration and freezing from `before`, which must be set. Returns 0 or an error. */
int state_go_back(struct state *state, struct error *error);
