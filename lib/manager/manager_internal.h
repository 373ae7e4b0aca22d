/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* The drivers, and what they share; for lib/manager only. */

#include "cgroup/cgroup.h"
#include "manager/manager.h"
#include "systemd/systemd_bus.h"

struct manager_context {
        struct host *host;
        const struct log *log;
        struct systemd_bus *bus;  /* NULL until it is needed: manager_bus() */
        unsigned systemd_version; /* 0 until it is needed */
        char *hugepage_sizes;     /* NULL until it is needed */
        struct rehearsal
                *rehearsal; /* of a dry run: one for all managers, so that they see each other's steps */
};

/* A driver. */
struct manager_ops {
        /* The driver's abilities. */
        bool is_systemd;
        bool needs_process;   /* a group cannot exist without one */
        bool stops_processes; /* removing the group ends its processes */
        bool places_threads;  /* single ones, on v1 */

        int (*check_free)(struct manager *manager, struct error *error);
        int (*claim)(struct manager *manager, struct error *error);
        int (*create)(struct manager *manager, const struct plan *plan, struct process *const *processes,
                      size_t count, struct journal *journal, struct error *error);
        /* Records in the rehearsal what create does. */
        int (*rehearse)(struct manager *manager, const struct plan *plan, struct process *const *processes,
                        size_t count, struct error *error);
        int (*place)(struct manager *manager, struct process *process, struct journal *journal,
                     struct error *error);
        int (*update)(struct manager *manager, struct plan *plan, struct journal *journal, struct error *error);
        /* Claims the group, freezes or thaws it, and waits for that. */
        int (*freeze)(struct manager *manager, bool frozen, const struct wait_limit *limit,
                      struct error *error);
        int (*destroy)(struct manager *manager, const struct manager_destroy *how, struct error *error);
        bool (*exists)(struct manager *manager);
};

extern const struct manager_ops manager_cgroupfs_ops;
extern const struct manager_ops manager_scope_ops;
extern const struct manager_ops manager_slice_ops;

/* The owner of the unit with our name. */
enum unit_owner {
        UNIT_NOT_ASKED = 0,
        UNIT_ABSENT, /* no unit: not loaded, or a foreign unit that has ended */
        UNIT_OWN,
        UNIT_PENDING, /* ours, and inactive: its start job is pending, and a stop cancels it; or it has just ended */
        UNIT_FAILED, /* ours, has ended as "failed" and must be reset */
        UNIT_OTHER,  /* somebody else's */
};

struct manager {
        const struct manager_ops *ops;
        struct manager_context *context;
        struct owner *owner; /* not owned */
        struct cgroup *cgroup;
        const struct cgroup_path *path; /* not owned */
        bool vcpu_subtree;
        bool threads_only;
        /* systemd */
        char *description; /* of the unit; owned */
        uint64_t stop_timeout_us;
        char invocation[MANAGER_INVOCATION_SIZE]; /* "": any unit with the description */
        enum unit_owner unit_owner;
};

/* ---- what both drivers share (manager_shared.c) ---- */

/* Prepares a new group before the first process: makes the vCPUs' group, if the manager has one, and sets the limits. */
int manager_limit(struct manager *manager, const struct plan *plan, struct journal *journal,
                  struct error *error);

/* Moves the processes into the group in every hierarchy where they are not yet. In a rehearsal, this and the function before
 * only record. */
int manager_move(struct manager *manager, struct process *const *processes, size_t count,
                 struct journal *journal, struct error *error);

/* Records the plan's properties, or all the rest of it. 0, or an error. */
int manager_rehearse_plan(struct manager *manager, const struct plan *plan, bool properties,
                          struct error *error);

/* Makes the directories of an existing group in the hierarchies where they are missing, with what `plan` (or NULL) needs, as
 * cgroup_make() does. With `members` it places the group's members there, unless threads are placed singly
 * (manager_complete.c). */
int manager_complete(struct manager *manager, const struct plan *plan, bool members, struct journal *journal,
                     struct error *error);

/* Whether stopping a unit kills its processes without a wait: if systemd's own hierarchy is on v1, systemd sends SIGKILL right
 * after SIGTERM to a delegated unit, since it could miss the end of its processes there (unit_kill_context() in systemd's
 * unit.c). */
bool manager_kills_at_once(const struct manager *manager);

/* systemd's version. systemd is asked once. */
int manager_systemd_version(struct manager_context *context, unsigned *out, struct error *error);

/* The connection to systemd, made when it is first asked for. */
int manager_bus(struct manager_context *context, struct systemd_bus **out, struct error *error);
