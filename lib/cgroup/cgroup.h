/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * A control group: one path, and its directory in each of the host's hierarchies
 *
 * This is the part that both drivers share: directories, files and members. Directories are opened
 * once, below the hierarchy's mount point and never through a symlink, and everything else goes through
 * these descriptors.
 */

#include <errno.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "host/hierarchy.h"
#include "util/journal.h"
#include "host/proc.h"
#include "plan/plan.h"
#include "util/log.h"

struct cgroup {
        const struct host *host; /* not owned */
        const struct log *log;   /* not owned */
        char *path;              /* relative to the mount points, no leading slash */
        int *fds;                /* one a hierarchy: its directory, or -1 where not opened yet */
};

/* NULL without memory. */
struct cgroup *cgroup_new(const struct host *host, const struct log *log, const char *path);
struct cgroup *cgroup_free(struct cgroup *cgroup);
DEFINE_CLEANUP(struct cgroup *, cgroup_free)

/* Closes the directories: for a group that may have been removed and made again by somebody else (systemd). */
void cgroup_forget(struct cgroup *cgroup);

/* The hierarchy's directory of this group, kept open by the cgroup. -ENOENT where it does not exist. */
int cgroup_directory(struct cgroup *cgroup, const struct hierarchy *hierarchy);

/* Whether a negative errno means that the group has been removed: ENODEV is what the files of a directory that is still
 * open say then. */
static inline bool cgroup_is_gone(int r) {
        return r == -ENOENT || r == -ENODEV;
}

/* Whether the group exists in any hierarchy. */
bool cgroup_exists(struct cgroup *cgroup);

/* "MOUNT_POINT/PATH": a new string for messages and for inspect; NULL without memory. */
char *cgroup_absolute_path(const struct cgroup *cgroup, const struct hierarchy *hierarchy);

/*
 * Makes the directory in one hierarchy, with the parents that are missing. On v2 controllers are enabled
 * in the parents' cgroup.subtree_control from the top down: those of `required` (1 << enum controller)
 * or an error, the others where it is possible. On v1 an empty cpuset is filled from its parent, level
 * by level. What is made is marked with `owner` (the sandbox's ID; an extended attribute) and recorded
 * in `journal`. A group that is there already with the same mark is taken over, if it is empty, after
 * having been made anew; any other that is there is an error.
 * Errors: status 1 with the path.
 */
int cgroup_make(struct cgroup *cgroup, const struct hierarchy *hierarchy, const char *owner, unsigned required,
                struct journal *journal, struct error *error);

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

/* Writes one of the group's files, after logging it; negative errno, no error set. */
int cgroup_write(struct cgroup *cgroup, const struct hierarchy *hierarchy, const char *file, const char *value);

/* Adds the members that the kernel lists: processes (cgroup.procs) or threads (tasks, cgroup.threads), of
 * all hierarchies, with those of child groups where `recursive`. A group that does not exist has none. */
enum members { MEMBERS_PROCESSES, MEMBERS_THREADS };
const char *cgroup_members_file(const struct hierarchy *hierarchy, enum members members);
int cgroup_members(struct cgroup *cgroup, enum members members, bool recursive, struct pid_set *out,
                   struct error *error);

/*
 * Moves a process (or, with MEMBERS_THREADS, one thread: on v1, or within a threaded domain) into the group in
 * one hierarchy, and records where it was. One that is there already is left alone. `former` is the text of its
 * /proc/PID/cgroup from before. -EINVAL of the kernel is tried again, since it may be a task that is just
 * being created. Errors: status 1; ESRCH is an error too.
 */
int cgroup_move(struct cgroup *cgroup, const struct hierarchy *hierarchy, enum members members, pid_t pid,
                const char *former, struct journal *journal, struct error *error);

/* Records a process as moved by somebody else (systemd), so that an undo puts it back. */
int cgroup_record_moved(struct cgroup *cgroup, const struct hierarchy *hierarchy, pid_t pid, const char *former,
                        struct journal *journal, struct error *error);

/* Puts a process or thread where the text of a former /proc/PID/cgroup says, or, where that group is
 * gone, into the root. Ended tasks are no error. */
int cgroup_move_back(const struct log *log, const struct hierarchy *hierarchy, enum members members, pid_t pid,
                     const char *former, struct error *error);

/* Removes the group in every hierarchy, child groups first, waiting out EBUSY until the deadline
 * (monotonic_ms()); then empty parents that carry the mark of a kata-cgroup, where `parents`. */
int cgroup_remove(struct cgroup *cgroup, bool parents, int64_t deadline, struct error *error);

/* Removes child groups that are empty, as far as they are, in one hierarchy. */
void cgroup_remove_children(struct cgroup *cgroup, const struct hierarchy *hierarchy);

/* cgroup_remove() in one hierarchy. */
int cgroup_remove_in(struct cgroup *cgroup, const struct hierarchy *hierarchy, bool parents, int64_t deadline,
                     struct error *error);

/* Kills all members but those of `spare`, until none is left or the deadline has passed. A frozen group
 * is thawed first. */
int cgroup_kill(struct cgroup *cgroup, const struct pid_set *spare, int64_t deadline, struct error *error);

/* Carries out the plan's files and devices, in order. With a journal, old values are read first and
 * recorded; without one (a group that has just been made) nothing is read. */
int cgroup_apply(struct cgroup *cgroup, const struct plan *plan, struct journal *journal, struct error *error);

/* Refuses memory limits below the current usage where the plan asks for that check. */
int cgroup_check_usage(struct cgroup *cgroup, const struct plan *plan, struct error *error);
