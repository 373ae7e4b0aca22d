/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * Managers: one control group of a sandbox (its own, or the overhead one), kept by a driver
 *
 * This is the boundary: who uses a manager says what is to become of the group, and asks what the manager can do, but not
 * for hierarchies, cgroup versions or units. There are two drivers; both work hierarchy by hierarchy on a struct cgroup.
 *
 * A manager acts on what is its sandbox's own, and on nothing else: a directory is asked for its mark (cgroup/owner.h), a unit
 * for its description and invocation, before anything is done to them. What has our name and is not ours is an error of
 * status 1 that says whose it is.
 */

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "cgroup/owner.h"
#include "host/people.h"
#include "host/process.h"
#include "manager/cgroup_path.h"
#include "oci/resources.h"
#include "plan/plan.h"
#include "util/cpulist.h"
#include "util/journal.h"
#include "util/log.h"

/* What all managers of a run share: the host, and the connection to systemd. */
struct manager_context;

/* Reads the host. `log` is not owned and outlives the context. Error: status 1 without control groups. */
int manager_context_new(const struct log *log, struct manager_context **out, struct error *error);
struct manager_context *manager_context_free(struct manager_context *context);
DEFINE_CLEANUP(struct manager_context *, manager_context_free)

/* 1 or 2, to be shown: where cpu, memory and pids are; a hybrid host counts as 1. */
int manager_context_version(const struct manager_context *context);

/* An invocation ID of systemd as hexadecimal digits; see systemd.exec(5). */
#define MANAGER_INVOCATION_SIZE sizeof("0123456789abcdef0123456789abcdef")

struct manager;

/* What can be the case without it being an error. */
enum {
        MANAGER_E_GONE = 1,      /* the unit has ended with its last process: manager_create() makes it anew */
        MANAGER_E_NO_CPUSET = 2, /* the group has no cpuset */
        /* systemd has removed directories of the group, with what they held: manager_update() gives it back. */
        MANAGER_E_INCOMPLETE = 3,
};

/* Which group a manager is to keep. */
struct manager_group {
        struct owner *owner;            /* outlives the manager; learns what could not be marked */
        const struct cgroup_path *path; /* outlives the manager */
        const char *role;               /* "sandbox", "overhead": for the unit's description */
        bool vcpu_subtree; /* vCPU threads, with the limits of cpu and cpuset, are in a child of it */
        bool threads_only; /* where single threads can be placed, it gets vCPU threads and nothing else */
        bool parents_stay; /* parents that are made for it are kept by prune when they are empty */
        uint64_t stop_timeout_us;
        /* The unit's when it was started, "" where it was not, or where a command that starts it was killed. */
        const char *invocation;
};

/* systemd is not asked for anything before it is needed. */
int manager_new(struct manager_context *context, const struct manager_group *group, struct manager **out,
                struct error *error);
struct manager *manager_free(struct manager *manager);
DEFINE_CLEANUP(struct manager *, manager_free)

/* ---- what it can do ---- */

/* Whether a group cannot exist without a process (systemd's scopes): it is created with its first one. */
bool manager_needs_process(const struct manager *manager);

/* Whether single threads can be placed: where cpu is on v1, and not through systemd. */
bool manager_can_place_threads(const struct manager *manager);

/* Whether threads of a process can have a group of their own below it: where cpu and cpuset are on v2. */
bool manager_can_have_subtree(const struct manager *manager);

/* ---- what it is ---- */

/* Whether the group is there, whoever's it is. */
bool manager_exists(struct manager *manager);

/* Where it is below the mount points: systemd may have put a unit elsewhere than was computed. */
const char *manager_path(const struct manager *manager);

/* The unit's invocation ID, "" where there is none. */
const char *manager_invocation(const struct manager *manager);

/* Status 1 where the name is taken: by a unit, or by a directory in any hierarchy, that is not this sandbox's. For a group
 * that is created later; manager_create() looks by itself. */
int manager_check_free(struct manager *manager, struct error *error);

/* Status 1 where something at the group's place, or a group below it, is not this sandbox's. For who is going to take it
 * down: nothing has been changed then. */
int manager_claim(struct manager *manager, struct error *error);

/* Refuses (status 5, field `source`) a process that is in a group of another sandbox. */
int manager_check_origin(const struct manager *manager, const struct process *process, const char *source,
                         struct error *error);

/* Adds the processes that are in the group, which was claimed, or below it. */
int manager_members(struct manager *manager, struct pid_set *out, struct error *error);

/* Status 1 where the kernel does not have the process in this group, in every hierarchy. */
int manager_check_member(const struct manager *manager, const struct process *process, struct error *error);

/* The CPUs that the group's cpuset leaves it, or MANAGER_E_NO_CPUSET. */
int manager_effective_cpus(struct manager *manager, struct cpulist *out, struct error *error);

/* Whether inspect shows the group: it is there, and not another's that is at its place. */
bool manager_is_shown(struct manager *manager);

/* What inspect shows of a group: where it is, and who is in it. A new reference, NULL with an error. */
json_t *manager_describe(struct manager *manager, struct error *error);

/* The same of the vCPUs' group, or null. */
json_t *manager_describe_subtree(struct manager *manager, struct error *error);

/* What a sandbox has used: the members of its own group's, again as `sandbox`, with `overhead` (null without that group),
 * `total` and `vcpuSubtree`; null where there is another's at the group's place. A new reference, or NULL without memory. */
json_t *manager_stats(struct manager *sandbox, struct manager *overhead);

/* What features shows of the host. */
int manager_describe_host(const struct log *log, json_t **out, struct error *error);

/* ---- what is done to it ---- */

/* The plan for these resources on this host; `before` as for plan_new(). */
int manager_plan(struct manager *manager, const struct oci_resources *resources,
                 const struct oci_resources *before, struct plan **out, struct error *error);

/*
 * What manager_create() would do, in order, appended to an array that is the same one for all managers of a context: each
 * sees what the ones before it would have done. `deferred`: it would be done later. Fails where the other would,
 * as far as that can be told.
 */
int manager_dry_run_create(struct manager *manager, const struct plan *plan, struct process *const *processes,
                           size_t count, bool deferred, json_t *entries, struct error *error);

/* The same of manager_update(). */
int manager_dry_run_update(struct manager *manager, const struct plan *plan, json_t *entries,
                           struct error *error);

/* Makes the group with the plan's limits on it from the start, then places the processes. */
int manager_create(struct manager *manager, const struct plan *plan, struct process *const *processes,
                   size_t count, struct journal *journal, struct error *error);

/* Places a process in a group that exists. 0, MANAGER_E_GONE, MANAGER_E_INCOMPLETE, or an error. */
int manager_place(struct manager *manager, struct process *process, struct journal *journal,
                  struct error *error);

/*
 * Places vCPU threads in `sandbox` (a manager that can), hierarchy by hierarchy by its own kind: on v1 the
 * threads, while the rest of the process is in `overhead`; on the v2 tree of a hybrid host the process.
 */
int manager_place_threads(struct manager *sandbox, struct manager *overhead, struct process *vmm,
                          const pid_t *tids, size_t count, struct journal *journal, struct error *error);

/* Places vCPU threads in the vCPUs' group of a manager that has one; their process is in the manager's own. */
int manager_place_in_subtree(struct manager *sandbox, struct process *vmm, const pid_t *tids, size_t count,
                             struct journal *journal, struct error *error);

/* Refuses memory limits below the current usage where the plan asks for that check. */
int manager_check_usage(struct manager *manager, const struct plan *plan, struct error *error);

/* Lets processes go on that a killed change has left stopped. */
int manager_mend_freezing(struct manager *manager, struct error *error);

/* Changes limits: all that change in the plan, or nothing. Where somebody else (systemd) may have changed what does not, that
 * is set again, too. */
int manager_update(struct manager *manager, struct plan *plan, struct journal *journal, struct error *error);

/* Puts the runtime processes that are in the group back where the recorded ones came from (process->former), also those
 * that they fork meanwhile. */
int manager_put_back(struct manager *manager, const struct people *people, struct error *error);

/*
 * Before the group is taken down: the same, and the callers go where the runtime process among them came from. Where taking
 * the group down is what ends its processes, they stay, but for the callers if they could not do their work to the end.
 */
int manager_release(struct manager *manager, const struct people *people, struct error *error);

/* How a group is taken down. */
struct manager_destroy {
        bool kill;        /* processes still in it are killed */
        bool parents;     /* remove parents that a kata-cgroup made, once they are empty */
        int64_t deadline; /* monotonic_ms() */
        const struct pid_set
                *callers; /* never killed; where they are in the group, their end is not waited for */
};

/* Takes the group down, which was claimed. */
int manager_destroy(struct manager *manager, const struct manager_destroy *how, struct error *error);
