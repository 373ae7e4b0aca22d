/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * A control group: one path, its directory in each of the host's hierarchies, and its owner
 *
 * Both drivers share this part: directories, files and members. Directories are opened once, below the hierarchy's mount
 * point and never through a symlink, and everything else uses these descriptors. Any group may be read. A group that is
 * written to, emptied or removed must be the owner's: cgroup_claim() checks the mark of the same directory that is used
 * afterwards (see cgroup/owner.h).
 */

#include <errno.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "cgroup/owner.h"
#include "cgroup/rehearsal.h"
#include "host/hierarchy.h"
#include "host/process.h"
#include "plan/plan.h"
#include "util/journal.h"
#include "util/log.h"

/* A group's directory in one hierarchy. */
struct cgroup_directory {
        int fd;   /* -1: not opened yet */
        bool own; /* cgroup_claim() has found it to be the owner's */
};

struct cgroup {
        const struct host *host;              /* not owned */
        const struct log *log;                /* not owned */
        struct owner *owner;                  /* not owned */
        char *path;                           /* relative to the mount points, no leading slash */
        struct cgroup_directory *directories; /* one a hierarchy */
        struct rehearsal *rehearsal;          /* not owned; NULL: changes are made, not recorded */
        bool parents_stay; /* prune keeps parents that are made for this group, even when they are empty */
};

/* Results that are not errors. */
enum {
        CGROUP_E_ABSENT = 1, /* there is no such group in this hierarchy */
};

/* NULL without memory. */
struct cgroup *cgroup_new(const struct host *host, const struct log *log, struct owner *owner,
                          const char *path);
struct cgroup *cgroup_free(struct cgroup *cgroup);
DEFINE_CLEANUP(struct cgroup *, cgroup_free)

/* Closes the directories: for a group that may have been removed and made again (by systemd). */
void cgroup_forget(struct cgroup *cgroup);

/* Makes it the group at another path. Returns 0 or -ENOMEM. */
int cgroup_relocate(struct cgroup *cgroup, const char *path);

/* The hierarchy's directory of this group for reading, kept open by the cgroup. -ENOENT if it does not exist. */
int cgroup_directory(struct cgroup *cgroup, const struct hierarchy *hierarchy);

/*
 * Checks that the directory is the owner's; then it may be written to, emptied and removed. 0, CGROUP_E_ABSENT, or
 * status 1 naming the group and its owner. See enum owner_life for directories that a killed command may have made.
 */
int cgroup_claim(struct cgroup *cgroup, const struct hierarchy *hierarchy, struct error *error);

/* The same for all hierarchies and, with `children`, for the groups below: one that another sandbox has made there is an
 * error. */
int cgroup_claim_all(struct cgroup *cgroup, bool children, struct error *error);

/* In a rehearsal: assumes that somebody else has made the group and its parents, with these controllers (v2). 0 or
 * -ENOMEM. */
int cgroup_assume_made(struct cgroup *cgroup, const struct hierarchy *hierarchy, unsigned controllers);

/* Looks for groups of other sandboxes below the group, in one hierarchy: status 1 naming the first. */
int cgroup_check_children(struct cgroup *cgroup, const struct hierarchy *hierarchy, struct error *error);

/* Marks a directory without a mark as the owner's: one that systemd has made for a unit of ours. */
int cgroup_adopt(struct cgroup *cgroup, const struct hierarchy *hierarchy, struct error *error);

/* Whether a negative errno means that the group has been removed: the files of a directory that is still open then return
 * ENODEV. */
static inline bool cgroup_is_gone(int r) {
        return r == -ENOENT || r == -ENODEV;
}

/* Whether the group exists in any hierarchy, whoever's it is. */
bool cgroup_exists(struct cgroup *cgroup);

/* "MOUNT_POINT/PATH": a new string for messages and for inspect; NULL without memory. */
char *cgroup_absolute_path(const struct cgroup *cgroup, const struct hierarchy *hierarchy);

/*
 * Makes the directory in one hierarchy, with missing parents. On v2 controllers are enabled in the
 * parents' cgroup.subtree_control from the top down; failing to enable one that the plan requires is an
 * error, others are optional. On v1 an empty cpuset is filled from its parent, level by level, and the
 * parents get the real-time bandwidth that the plan needs (cgroup_make_room()). What is made becomes the
 * owner's and is recorded in `journal`. A group that exists already is an error that names its owner.
 * Errors: status 1 with the path.
 */
int cgroup_make(struct cgroup *cgroup, const struct hierarchy *hierarchy, const struct plan *plan,
                struct journal *journal, struct error *error);

/* The controllers (1 << enum controller) whose files the plan (or NULL) writes. */
unsigned cgroup_required(const struct plan *plan);

/*
 * On v1, gives parents that a kata-cgroup made the real-time bandwidth (cpu.rt_runtime_us) that the group needs for the
 * plan, and records that. Error: status 1 naming a foreign parent, or the root, that has too little.
 */
int cgroup_make_room(struct cgroup *cgroup, const struct plan *plan, struct journal *journal,
                     struct error *error);

/* The v2 half of cgroup_make() for a directory that systemd made: enables the `required` controllers. */
int cgroup_enable_controllers(struct cgroup *cgroup, const struct hierarchy *hierarchy, unsigned required,
                              struct error *error);

/*
 * Makes the threaded child group for vCPU threads (PLAN_VCPU_SUBTREE), which makes this group a threaded domain
 * (cgroup-v2.rst, "Threads"), and enables cpu and cpuset for it. Failing to enable cpu, or one of `required` (1 << enum
 * controller), is an error. Only on v2, after the group's directory was made. An existing child is completed.
 */
int cgroup_make_vcpu_subtree(struct cgroup *cgroup, unsigned required, struct journal *journal,
                             struct error *error);

/* Moves its threads back into the group and removes it: systemd fails to signal a group with a threaded child, since
 * reading the child's cgroup.procs is EOPNOTSUPP. A missing child is not an error. */
int cgroup_dissolve_vcpu_subtree(struct cgroup *cgroup, int64_t deadline, struct error *error);

/* That child as a group of its own; NULL without memory. */
struct cgroup *cgroup_vcpu_subtree(const struct cgroup *cgroup);

/* Reads one of the group's files; negative errno, no error set. */
int cgroup_read(struct cgroup *cgroup, const struct hierarchy *hierarchy, const char *file, char **out);

/* Writes one of the group's files, after logging it; negative errno, no error set: -EPERM if the group is not the
 * owner's. */
int cgroup_write(struct cgroup *cgroup, const struct hierarchy *hierarchy, const char *file, const char *value);

/* Adds the members that the kernel lists in one hierarchy: processes (cgroup.procs) or threads (tasks, cgroup.threads), of any
 * owner's group. A group that does not exist has none. */
enum members { MEMBERS_PROCESSES, MEMBERS_THREADS };
const char *cgroup_members_file(const struct hierarchy *hierarchy, enum members members);
int cgroup_members(struct cgroup *cgroup, const struct hierarchy *hierarchy, enum members members,
                   struct pid_set *out, struct error *error);

/* Adds the processes of the owner's group and of those below it: in all hierarchies, or in one. */
int cgroup_own_processes(struct cgroup *cgroup, struct pid_set *out, struct error *error);
int cgroup_own_processes_in(struct cgroup *cgroup, const struct hierarchy *hierarchy, struct pid_set *out,
                            struct error *error);

/* Whether one of these processes is among them: 1 or 0, or a negative errno without an error set. */
int cgroup_has_any(struct cgroup *cgroup, const struct pid_set *pids);

/* Refuses (status 5, field `source`) a process in a group of another sandbox, or below one. */
int cgroup_check_origin(const struct cgroup *cgroup, const struct process *process, const char *source,
                        struct error *error);

/*
 * Moves a process into the group in one hierarchy, and records its former group (process->former). A process whose main thread is
 * there already is left alone. After EINVAL the move is repeated, since the task may be in creation. Errors: status 1, also for
 * ESRCH. The process outlives the journal.
 */
int cgroup_move(struct cgroup *cgroup, const struct hierarchy *hierarchy, const struct process *process,
                struct journal *journal, struct error *error);

/* The same for one thread of a process, whose former group is in `former`: on v1, or within a threaded domain. */
int cgroup_move_thread(struct cgroup *cgroup, const struct hierarchy *hierarchy, const struct process *process,
                       pid_t tid, const char *former, struct journal *journal, struct error *error);

/* Moves all threads of a process, wherever its main thread is, and records nothing. */
int cgroup_move_all_threads(struct cgroup *cgroup, const struct hierarchy *hierarchy,
                            const struct process *process, struct error *error);

/* Records a process that systemd has moved, so that an undo moves it back. */
int cgroup_record_moved(struct cgroup *cgroup, const struct hierarchy *hierarchy, const struct process *process,
                        struct journal *journal, struct error *error);

/* Moves a member of the group to the group in the text of a former /proc/PID/cgroup or, if that group is gone or is this one,
 * to the root. A task that has ended is not an error. */
int cgroup_move_back(struct cgroup *cgroup, const struct hierarchy *hierarchy, pid_t pid, const char *former,
                     struct error *error);

/* Removes the group in every hierarchy, child groups first, waiting out EBUSY until the deadline
 * (monotonic_ms()); then, with `parents`, empty parents that carry the mark of a kata-cgroup. A group that is not the owner's,
 * here or below, is not removed. */
int cgroup_remove(struct cgroup *cgroup, bool parents, int64_t deadline, struct error *error);

/* The same in the v1 hierarchies alone. */
int cgroup_remove_v1(struct cgroup *cgroup, bool parents, int64_t deadline, struct error *error);

/* Removes empty child groups in one hierarchy. */
void cgroup_remove_children(struct cgroup *cgroup, const struct hierarchy *hierarchy);

/* Kills all members but those of `spare`, repeatedly until none is left or the deadline has passed. The caller thaws a frozen
 * group first. A process that cannot be killed does not prevent the others from being killed; it may still end by itself. */
int cgroup_kill(struct cgroup *cgroup, const struct pid_set *spare, int64_t deadline, struct error *error);

/* Records the values of the plan's files, before systemd may change them. */
int cgroup_record(struct cgroup *cgroup, const struct plan *plan, struct journal *journal, struct error *error);

/* Writes the plan's files and devices that change, in order. With a journal, old values are read first and recorded; without
 * one (for a new group) nothing is read. */
int cgroup_apply(struct cgroup *cgroup, const struct plan *plan, struct journal *journal, struct error *error);

/* Removes the mark "unchanged" from settings whose value the kernel no longer has: systemd writes all files of a controller
 * from the properties that it knows, when one of them is set and, in old versions, at a daemon-reload. If cgroup_apply() cannot
 * restore such a value, that is a warning. */
int cgroup_compare(struct cgroup *cgroup, struct plan *plan, struct error *error);

/* Refuses memory limits below the current usage if the plan asks for that check. */
int cgroup_check_usage(struct cgroup *cgroup, const struct plan *plan, struct error *error);
