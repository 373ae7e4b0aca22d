/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * Managers: one control group of a sandbox (its own, or the overhead one), kept by a driver
 *
 * Whoever uses a manager does not ask for the cgroup version or for systemd, but for what the manager
 * can do. There are two drivers; both work hierarchy by hierarchy on a struct cgroup.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "cgroup/cgroup.h"
#include "manager/cgroup_path.h"
#include "systemd/systemd_bus.h"

/* A process that is to be placed, and where it came from. */
struct task {
        pid_t pid;
        uint64_t start_time; /* field 22 of /proc/PID/stat: tells a recycled pid */
        char *former;        /* owned; the text of /proc/PID/cgroup from before */
};

void task_clear(struct task *task);

/* Looks a living process up. Returns 0 or a negative errno (-ESRCH). */
int task_read(pid_t pid, struct task *out);

/* What all managers of a run share; owned by the caller, who keeps it until the managers are gone. */
struct manager_context {
        const struct host *host;
        const struct log *log;
        struct systemd_bus *bus;  /* NULL until a systemd manager was made */
        unsigned systemd_version; /* 0 until it was asked for */
        const char *owner;        /* the sandbox's ID: the mark of its directories */
        uint64_t stop_timeout_us;
        char *hugepage_sizes; /* owned; NULL until it was asked for */
};

struct manager_ops;

struct manager {
        const struct manager_ops *ops;
        struct manager_context *context;
        struct cgroup *cgroup;
        const struct cgroup_path *path; /* not owned */
        char *description;              /* of the unit; owned */
        bool vcpu_subtree; /* vCPU threads, with the limits of cpu and cpuset, are in a child of it */
};

/* How a group is taken down. */
struct manager_destroy {
        bool kill;          /* processes still in it are killed */
        bool caller_inside; /* the calling process or one of its ancestors is in it: do not wait for its end */
        bool parents;       /* remove parents that a kata-cgroup made, once they are empty */
        int64_t deadline;   /* monotonic_ms() */
        const struct pid_set *spare; /* never killed: the caller and its ancestors */
};

/* place: the unit is no longer there, having ended with its last process; create makes it anew. */
#define MANAGER_E_GONE 1

struct manager_ops {
        /* Makes the group with the plan's limits on it from the start, then places the processes. */
        int (*create)(struct manager *manager, const struct plan *plan, const struct task *tasks, size_t count,
                      struct journal *journal, struct error *error);
        /* Places processes in a group that exists. MANAGER_E_GONE, or an error. */
        int (*place)(struct manager *manager, const struct task *tasks, size_t count, struct journal *journal,
                     struct error *error);
        /* Changes limits: all that the plan names, or nothing. */
        int (*update)(struct manager *manager, const struct plan *plan, struct journal *journal,
                      struct error *error);
        /* Takes the group down. */
        int (*destroy)(struct manager *manager, const struct manager_destroy *how, struct error *error);
        bool (*exists)(struct manager *manager);
};

/* `role` ("sandbox", "overhead") is for the unit's description. Connects to systemd where the path needs
 * it. */
int manager_new(struct manager_context *context, const struct cgroup_path *path, const char *role,
                struct manager **out, struct error *error);
struct manager *manager_free(struct manager *manager);
DEFINE_CLEANUP(struct manager *, manager_free)

/* A scope cannot exist without a process: such a group is created with its first one. */
bool manager_needs_process(const struct manager *manager);

/* Whether single threads can be placed: on v1, and not through systemd. */
bool manager_can_place_threads(const struct manager *manager);

/* Whether ending its processes is what taking the group down means (systemd's scopes). */
bool manager_stops_processes(const struct manager *manager);

/* Whether that ends them without waiting: on v1 systemd sends SIGKILL right after SIGTERM to a delegated unit,
 * since it could miss the end of its processes there (unit_kill_context() in systemd's unit.c). */
bool manager_kills_at_once(const struct manager *manager);

/* Whether the group is there: as a unit, or as a directory in any hierarchy. */
bool manager_exists(struct manager *manager);

/* What a plan for these resources has to know about the host, for this manager. */
int manager_facts(struct manager *manager, const struct oci_resources *resources, struct plan_facts *out,
                  struct error *error);

/*
 * Places vCPU threads in `sandbox` (a manager that can), hierarchy by hierarchy by its own kind: on v1 the
 * threads, while the rest of the process is in `overhead`; on the v2 tree of a hybrid host the process.
 */
int manager_place_threads(struct manager *sandbox, struct manager *overhead, const struct task *vmm,
                          const pid_t *tids, size_t count, struct journal *journal, struct error *error);

/* Places vCPU threads in the vCPUs' group of a manager that has one; their process is in the manager's own. */
int manager_place_in_subtree(struct manager *sandbox, const pid_t *tids, size_t count, struct journal *journal,
                             struct error *error);
