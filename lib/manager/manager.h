/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * A manager: one control group of a sandbox (its own, or the overhead group), managed by a driver
 *
 * This is the boundary: users of a manager say what should happen to the group, and ask what the manager can do. They do not
 * deal with hierarchies, cgroup versions or units. There are two drivers; both work hierarchy by hierarchy on a struct cgroup.
 *
 * A manager acts only on what its sandbox owns: it checks the mark of a directory (cgroup/owner.h), or the description and
 * invocation of a unit, before it changes them. A directory or unit that has the sandbox's name but is not its own is an error
 * of status 1 that names the owner.
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
#include "util/waiting.h"

/* What all managers of a run share: the host and the connection to systemd. */
struct manager_context;

/* Reads the host. `log` is not owned and outlives the context. Error: status 1 without control groups. */
int manager_context_new(const struct log *log, struct manager_context **out, struct error *error);
struct manager_context *manager_context_free(struct manager_context *context);
DEFINE_CLEANUP(struct manager_context *, manager_context_free)

/* The version of the host for output, 1 or 2: that of cpu, memory and pids; a hybrid host counts as 1. */
int manager_context_version(const struct manager_context *context);

/* An invocation ID of systemd as hexadecimal digits; see systemd.exec(5). */
#define MANAGER_INVOCATION_SIZE sizeof("0123456789abcdef0123456789abcdef")

struct manager;

/* Results that are not errors. */
enum {
        MANAGER_E_GONE = 1, /* the unit has ended with its last process: manager_create() starts it again */
        MANAGER_E_NO_CPUSET = 2, /* the group has no cpuset */
        /* systemd has removed directories of the group with their limits: manager_update() restores them. */
        MANAGER_E_INCOMPLETE = 3,
};

/* The group of a manager. */
struct manager_group {
        struct owner *owner; /* outlives the manager; remembers directories that could not be marked */
        const struct cgroup_path *path; /* outlives the manager */
        const char *role;               /* "sandbox", "overhead": for the unit's description */
        bool vcpu_subtree; /* vCPU threads, with the limits of cpu and cpuset, are in a child of it */
        bool threads_only; /* if single threads can be placed, it contains vCPU threads and nothing else */
        bool parents_stay; /* prune keeps the parents that are made for it, also when they are empty */
        uint64_t stop_timeout_us;
        /* The invocation ID of the started unit; "" if it was not started, or if a command that starts it was killed. */
        const char *invocation;
};

/* The connection to systemd is made later, when it is first needed. */
int manager_new(struct manager_context *context, const struct manager_group *group, struct manager **out,
                struct error *error);
struct manager *manager_free(struct manager *manager);
DEFINE_CLEANUP(struct manager *, manager_free)

/* ---- abilities ---- */

/* Whether the group cannot exist without a process (a systemd scope): it is created with its first one. */
bool manager_needs_process(const struct manager *manager);

/* Whether single threads can be placed: if cpu is on v1, and not with systemd. */
bool manager_can_place_threads(const struct manager *manager);

/* Whether threads of a process can have their own group below it: if cpu and cpuset are on v2. */
bool manager_can_have_subtree(const struct manager *manager);

/* ---- queries ---- */

/* Whether the group exists, whoever owns it. */
bool manager_exists(struct manager *manager);

/* Its path below the mount points: systemd may have put a unit elsewhere than was computed. */
const char *manager_path(const struct manager *manager);

/* The unit's invocation ID, or "". */
const char *manager_invocation(const struct manager *manager);

/* Status 1 if the name is in use: by a unit, or by a directory in any hierarchy, that is not this sandbox's. For a group that
 * is created later; manager_create() checks by itself. */
int manager_check_free(struct manager *manager, struct error *error);

/* Status 1 if a directory at the group's path, or a group below it, is not this sandbox's. To be called before the group is
 * removed, so that nothing has been changed then. */
int manager_claim(struct manager *manager, struct error *error);

/* Refuses (status 5, field `source`) a process that is in a group of another sandbox. */
int manager_check_origin(const struct manager *manager, const struct process *process, const char *source,
                         struct error *error);

/* Adds the processes in the claimed group or below it. */
int manager_members(struct manager *manager, struct pid_set *out, struct error *error);

/* Status 1 unless the kernel shows the process in this group in every hierarchy. */
int manager_check_member(const struct manager *manager, const struct process *process, struct error *error);

/* The effective CPUs of the group's cpuset, or MANAGER_E_NO_CPUSET. */
int manager_effective_cpus(struct manager *manager, struct cpulist *out, struct error *error);

/* Whether inspect shows the group: it exists and is not a foreign group at its path. */
bool manager_is_shown(struct manager *manager);

/* Whether the freezer has stopped all processes of the group, and whether it is stopping none, whoever asked for it. Both are
 * false while the group is being frozen. */
bool manager_is_frozen(struct manager *manager);
bool manager_is_thawed(struct manager *manager);

/* What inspect shows of a group: its paths and its members. A new reference, NULL with an error. */
json_t *manager_describe(struct manager *manager, struct error *error);

/* The same for the vCPUs' group, or null. */
json_t *manager_describe_subtree(struct manager *manager, struct error *error);

/* A sandbox's statistics: the members of its own group's, the same again as `sandbox`, and `overhead` (null without that group),
 * `total` and `vcpuSubtree`; null if a foreign group is at the group's path. A new reference, or NULL without memory. */
json_t *manager_stats(struct manager *sandbox, struct manager *overhead);

/* Of "total" there, the CPU time and the memory in use alone. */
json_t *manager_use(struct manager *sandbox, struct manager *overhead);

/* ---- watching it ---- */

struct group_watch;
struct pressure_trigger;

/* Status 1 where no group of this host can tell of the pressure. */
int manager_context_check_pressure(const struct manager_context *context,
                                   const struct pressure_trigger *trigger, struct error *error);

/* Descriptors of a watch are added to the epoll instance with wakes (util/wake.h) of this owner. The triggers outlive it. */
int manager_watch_new(int epoll_fd, void *owner, const struct pressure_trigger *triggers, size_t trigger_count,
                      struct group_watch **out, struct error *error);
struct group_watch *manager_watch_free(struct group_watch *watch);

/* Opens what there is of the group, unless another's is at its place; see group_watch_open() for `fresh`. The watch does
 * not need the manager any more then. */
int manager_watch_open(struct manager *manager, struct group_watch *watch, bool fresh, struct error *error);

/* See cgroup/watch.h. */
bool manager_watch_is_open(const struct group_watch *watch);
int manager_watch_read(struct group_watch *watch, bool shared, json_t *events);
int manager_watch_timeout_ms(const struct group_watch *watch);
json_t *manager_watch_counters(const struct group_watch *watch);

/* What features shows of the host. */
int manager_describe_host(const struct log *log, json_t **out, struct error *error);

/* ---- changes ---- */

/* The plan for these resources on this host; `before` as for plan_new(). */
int manager_plan(struct manager *manager, const struct oci_resources *resources,
                 const struct oci_resources *before, struct plan **out, struct error *error);

/*
 * Appends what manager_create() would do, in order, to an array that all managers of a context share: each sees the steps of
 * those before it. `deferred`: the steps are done later. Fails if manager_create() would fail, as far as that can be foreseen.
 */
int manager_dry_run_create(struct manager *manager, const struct plan *plan, struct process *const *processes,
                           size_t count, bool deferred, json_t *entries, struct error *error);

/* The same for manager_update(). */
int manager_dry_run_update(struct manager *manager, const struct plan *plan, json_t *entries,
                           struct error *error);

/* Makes the group with the plan's limits on it from the start, then places the processes. */
int manager_create(struct manager *manager, const struct plan *plan, struct process *const *processes,
                   size_t count, struct journal *journal, struct error *error);

/* Places a process in a group that exists. 0, MANAGER_E_GONE, MANAGER_E_INCOMPLETE, or an error. */
int manager_place(struct manager *manager, struct process *process, struct journal *journal,
                  struct error *error);

/*
 * Places vCPU threads in `sandbox` (a manager that can place threads), in each hierarchy by its version: on v1 the threads,
 * while the rest of the process is in `overhead`; on the v2 tree of a hybrid host the process. `frozen`: in the
 * freezer's hierarchy the process as well, as manager_gather_threads() leaves it.
 */
int manager_place_threads(struct manager *sandbox, struct manager *overhead, struct process *vmm,
                          const pid_t *tids, size_t count, bool frozen, struct journal *journal,
                          struct error *error);

/* Places vCPU threads in the vCPUs' group of a manager that has one; their process is in the manager's own group. */
int manager_place_in_subtree(struct manager *sandbox, struct process *vmm, const pid_t *tids, size_t count,
                             struct journal *journal, struct error *error);

/* Refuses memory limits below the current usage if the plan asks for that check. */
int manager_check_usage(struct manager *manager, const struct plan *plan, struct error *error);

/* Thaws processes that a killed change has left frozen. */
int manager_mend_freezing(struct manager *manager, struct error *error);

/* Changes limits: all that change in the plan, or none. Unchanged limits that systemd or somebody else may have changed since
 * are set again too. */
int manager_update(struct manager *manager, struct plan *plan, struct journal *journal, struct error *error);

/*
 * Freezes the group's processes, or thaws them, and waits until the kernel confirms it, up to the limit. With systemd the unit's
 * FreezerState agrees, if systemd has one. Repeating it does no harm. A group that is gone counts as thawed. Error: status 1,
 * after the deadline with the processes in the group, after a signal -EINTR; the group may then be frozen or not.
 */
int manager_freeze(struct manager *manager, bool frozen, const struct wait_limit *limit, struct error *error);

/*
 * If vCPU threads are placed singly, the VMM's other threads are in the overhead group, which must not be frozen.
 * manager_gather_threads() moves them to `sandbox` in the freezer's hierarchy alone; manager_spread_threads() moves them back
 * and leaves the vCPU threads `tids` there. Both do nothing if it is done already.
 */
int manager_gather_threads(struct manager *sandbox, struct process *vmm, struct error *error);
int manager_spread_threads(struct manager *sandbox, struct manager *overhead, struct process *vmm,
                           const pid_t *tids, size_t count, struct error *error);

/* Moves the runtime processes in the group, and processes that they fork meanwhile, back to where the recorded ones came from
 * (process->former). */
int manager_put_back(struct manager *manager, const struct people *people, struct error *error);

/*
 * The same before the group is removed; the callers move to where the runtime process among them came from. If removing the
 * group ends its processes (systemd), the processes stay, except for callers that would be killed before they are done.
 */
int manager_release(struct manager *manager, const struct people *people, struct error *error);

/* How a group is removed. */
struct manager_destroy {
        bool kill;                     /* processes still in it are killed */
        bool parents;                  /* remove parents that a kata-cgroup made, once they are empty */
        int64_t deadline;              /* monotonic_ms() */
        const struct pid_set *callers; /* never killed; if they are in the group, their end is not waited for */
};

/* Removes the claimed group. */
int manager_destroy(struct manager *manager, const struct manager_destroy *how, struct error *error);
