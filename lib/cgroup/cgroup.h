/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * A control group: one path, its directory in each of the host's hierarchies, and whose it is
 *
 * This is the part that both drivers share: directories, files and members. Directories are opened once, below the
 * hierarchy's mount point and never through a symlink, and everything else goes through these descriptors. Anybody's group
 * may be read. What is written to, emptied or removed has to be the owner's: cgroup_claim() asks the very directory that is
 * then used (see cgroup/owner.h).
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
        int fd;   /* -1 where it was not opened yet */
        bool own; /* cgroup_claim() has found it to be the owner's */
};

struct cgroup {
        const struct host *host;              /* not owned */
        const struct log *log;                /* not owned */
        struct owner *owner;                  /* not owned */
        char *path;                           /* relative to the mount points, no leading slash */
        struct cgroup_directory *directories; /* one a hierarchy */
        struct rehearsal *rehearsal;          /* not owned; NULL: what is done is done */
};

/* What can be wrong with a group without it being an error. */
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

/* The hierarchy's directory of this group for reading, kept open by the cgroup. -ENOENT where it does not exist. */
int cgroup_directory(struct cgroup *cgroup, const struct hierarchy *hierarchy);

/*
 * Whether the directory is the owner's; once it is, it may be written to, emptied and removed. 0, CGROUP_E_ABSENT, or
 * status 1 naming the group and whose it is. See enum owner_life for directories that a killed command may have made.
 */
int cgroup_claim(struct cgroup *cgroup, const struct hierarchy *hierarchy, struct error *error);

/* The same for all hierarchies and, with `children`, for the groups below: one that another sandbox has made there is an
 * error. */
int cgroup_claim_all(struct cgroup *cgroup, bool children, struct error *error);

/* In a rehearsal: takes the group, and what is above it, for made by somebody else, with these controllers (v2). 0 or
 * -ENOMEM. */
int cgroup_assume_made(struct cgroup *cgroup, const struct hierarchy *hierarchy, unsigned controllers);

/* Looks for groups of other sandboxes below the group, in one hierarchy: status 1 naming the first. */
int cgroup_check_children(struct cgroup *cgroup, const struct hierarchy *hierarchy, struct error *error);

/* Makes a directory that has no mark the owner's: one that systemd has made for a unit of ours. */
int cgroup_adopt(struct cgroup *cgroup, const struct hierarchy *hierarchy, struct error *error);

/* Whether a negative errno means that the group has been removed: ENODEV is what the files of a directory that is still
 * open say then. */
static inline bool cgroup_is_gone(int r) {
        return r == -ENOENT || r == -ENODEV;
}

/* Whether the group exists in any hierarchy, whoever's it is. */
bool cgroup_exists(struct cgroup *cgroup);

/* "MOUNT_POINT/PATH": a new string for messages and for inspect; NULL without memory. */
char *cgroup_absolute_path(const struct cgroup *cgroup, const struct hierarchy *hierarchy);

/*
 * Makes the directory in one hierarchy, with the parents that are missing. On v2 controllers are enabled
 * in the parents' cgroup.subtree_control from the top down: those that the plan requires or an
 * error, the others where it is possible. On v1 an empty cpuset is filled from its parent, level
 * by level, and the parents get the real-time bandwidth that the plan needs (cgroup_make_room()). What is made becomes the owner's and is recorded in `journal`. A group that is there already is an error,
 * which says whose it is. Errors: status 1 with the path.
 */
int cgroup_make(struct cgroup *cgroup, const struct hierarchy *hierarchy, const struct plan *plan,
                struct journal *journal, struct error *error);

/* The controllers (1 << enum controller) whose files the plan (or NULL) writes. */
unsigned cgroup_required(const struct plan *plan);

/*
 * On v1, gives parents that a kata-cgroup made the real-time bandwidth (cpu.rt_runtime_us) that the group needs for the
 * plan, and records that. Error: status 1 naming a parent that has too little and is somebody else's, or the root.
 */
int cgroup_make_room(struct cgroup *cgroup, const struct plan *plan, struct journal *journal,
                     struct error *error);

/* The v2 half of cgroup_make() for a directory that systemd made: enables `required` where it is not. */
int cgroup_enable_controllers(struct cgroup *cgroup, const struct hierarchy *hierarchy, unsigned required,
                              struct error *error);

/*
 * Makes the threaded child group for vCPU threads (PLAN_VCPU_SUBTREE), which makes this group a threaded domain
 * (cgroup-v2.rst, "Threads"), and enables cpu and cpuset for it: those of `required` (1 << enum controller), and cpu
 * in any case, or an error. Only on v2, where the group's directory exists. One that is there already is completed.
 */
int cgroup_make_vcpu_subtree(struct cgroup *cgroup, unsigned required, struct journal *journal,
                             struct error *error);

/* Moves its threads back into the group and removes it: systemd's signals do not get past a threaded child, since
 * the kernel lists no processes there (EOPNOTSUPP). Not being there is fine. */
int cgroup_dissolve_vcpu_subtree(struct cgroup *cgroup, int64_t deadline, struct error *error);

/* That child as a group of its own; NULL without memory. */
struct cgroup *cgroup_vcpu_subtree(const struct cgroup *cgroup);

/* Reads one of the group's files; negative errno, no error set. */
int cgroup_read(struct cgroup *cgroup, const struct hierarchy *hierarchy, const char *file, char **out);

/* Writes one of the group's files, after logging it; negative errno, no error set: -EPERM where the group is not the
 * owner's. */
int cgroup_write(struct cgroup *cgroup, const struct hierarchy *hierarchy, const char *file, const char *value);

/* Adds the members that the kernel lists in one hierarchy: processes (cgroup.procs) or threads (tasks, cgroup.threads),
 * whoever's the group is. One that does not exist has none. */
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

/* Refuses (status 5, field `source`) a process that sits in a group of another sandbox, or below one. */
int cgroup_check_origin(const struct cgroup *cgroup, const struct process *process, const char *source,
                        struct error *error);

/*
 * Moves a process into the group in one hierarchy, and records where it was (process->former). One that is there already
 * is left alone. -EINVAL of the kernel is tried again, since it may be a task that is just being created. Errors:
 * status 1; ESRCH is an error too. The process outlives the journal.
 */
int cgroup_move(struct cgroup *cgroup, const struct hierarchy *hierarchy, const struct process *process,
                struct journal *journal, struct error *error);

/* The same for one thread of a process, which was where `former` says: on v1, or within a threaded domain. */
int cgroup_move_thread(struct cgroup *cgroup, const struct hierarchy *hierarchy, const struct process *process,
                       pid_t tid, const char *former, struct journal *journal, struct error *error);

/* Records a process as moved by somebody else (systemd), so that an undo puts it back. */
int cgroup_record_moved(struct cgroup *cgroup, const struct hierarchy *hierarchy, const struct process *process,
                        struct journal *journal, struct error *error);

/* Puts a member of the group where the text of a former /proc/PID/cgroup says, or, where that group is gone, or is this one,
 * into the root. Ended tasks are no error. */
int cgroup_move_back(struct cgroup *cgroup, const struct hierarchy *hierarchy, pid_t pid, const char *former,
                     struct error *error);

/* Removes the group in every hierarchy, child groups first, waiting out EBUSY until the deadline
 * (monotonic_ms()); then empty parents that carry the mark of a kata-cgroup, where `parents`. Nothing that is not the
 * owner's goes, be it the group or one below. */
int cgroup_remove(struct cgroup *cgroup, bool parents, int64_t deadline, struct error *error);

/* The same in the v1 hierarchies alone. */
int cgroup_remove_v1(struct cgroup *cgroup, bool parents, int64_t deadline, struct error *error);

/* Removes child groups that are empty, as far as they are, in one hierarchy. */
void cgroup_remove_children(struct cgroup *cgroup, const struct hierarchy *hierarchy);

/* Kills all members but those of `spare`, again and again until none is left or the deadline has passed. What is frozen is
 * to be thawed before. One that cannot be killed does not keep the others; it may still end by itself. */
int cgroup_kill(struct cgroup *cgroup, const struct pid_set *spare, int64_t deadline, struct error *error);

/* Records what the files of the plan hold, before somebody else (systemd) may change them. */
int cgroup_record(struct cgroup *cgroup, const struct plan *plan, struct journal *journal, struct error *error);

/* Carries out the plan's files and devices that change, in order. With a journal, old values are read first and
 * recorded; without one (a group that has just been made) nothing is read. */
int cgroup_apply(struct cgroup *cgroup, const struct plan *plan, struct journal *journal, struct error *error);

/* Takes the mark "unchanged" from settings that the kernel does not hold any more: systemd writes all files of a controller
 * from the properties that it knows, when one of these is set and, in old versions, at a daemon-reload. What cannot be given
 * back by cgroup_apply() is a warning. */
int cgroup_compare(struct cgroup *cgroup, struct plan *plan, struct error *error);

/* Refuses memory limits below the current usage where the plan asks for that check. */
int cgroup_check_usage(struct cgroup *cgroup, const struct plan *plan, struct error *error);
