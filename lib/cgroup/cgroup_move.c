/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Moving processes and threads between control groups
 *
 * Subtle, twice:
 *  - The kernel returns EINVAL for a task that is just being created (on v1 for one of a group that is being changed). This is
 *    temporary and has no event to wait for, so the write is repeated a few times.
 *  - cgroup.procs takes a number. The process is held, so the number belongs to it before the write. If the process ends during
 *    the write, the number may have been given to another process, which is then in the group and is moved back.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "cgroup/cgroup.h"
#include "util/file.h"

#define MOVE_TRIES 5
#define MOVE_PAUSE_MS 30

/* A move, before or after it is made. */
struct moved_task {
        const struct log *log; /* not owned, as are the next two: they outlive the journal */
        const struct hierarchy *hierarchy;
        const struct process *process;
        pid_t tid;   /* 0: the whole process */
        char *group; /* where it was moved to */
        char *former;
};

static void moved_task_free(void *change) {
        struct moved_task *moved = change;

        free(moved->group);
        free(moved->former);
        free(moved);
}

static pid_t number_of(const struct moved_task *moved) {
        return moved->tid != 0 ? moved->tid : moved->process->pid;
}

/* Whether the number still belongs to the task that was moved, or to another one that the move has put into the group. */
static bool is_to_be_put_back(const struct moved_task *moved) {
        _cleanup_free_ char *present = NULL;

        if (moved->tid != 0 ? process_has_thread(moved->process, moved->tid) : process_is_alive(moved->process))
                return true;
        return proc_read_cgroup(number_of(moved), &present) == 0 &&
               hierarchy_has_at(moved->hierarchy, present, moved->group);
}

static enum members members_of(const struct moved_task *moved) {
        return moved->tid != 0 ? MEMBERS_THREADS : MEMBERS_PROCESSES;
}

/* Writes the number to a group's file, and repeats that if the task may be in creation. */
static int write_pid(int directory, const char *file, pid_t pid) {
        char text[16];
        int r = -EINVAL;

        (void)snprintf(text, sizeof(text), "%d", pid);
        for (int i = 0; i < MOVE_TRIES; i++) {
                const struct timespec pause = {.tv_nsec = MOVE_PAUSE_MS * 1000000L};

                if (i > 0)
                        (void)nanosleep(&pause, NULL);
                r = file_write_at(directory, file, text);
                if (r != -EINVAL)
                        break;
        }
        return r;
}

static int move_back(const struct log *log, const struct hierarchy *hierarchy, enum members members, pid_t pid,
                     const char *former, struct error *error) {
        const char *file = cgroup_members_file(hierarchy, members);
        _cleanup_free_ char *path = NULL;
        _cleanup_close_ int directory = -1;
        int r;

        path = former ? hierarchy_path_of(hierarchy, former) : NULL;
        if (path)
                directory = file_open_beneath(hierarchy->fd, path, O_PATH | O_DIRECTORY);
        log_debug(log, "write %s/%s/%s: %d", hierarchy->mount_point, directory >= 0 ? path : "", file, pid);
        r = directory >= 0 ? write_pid(directory, file, pid) : -ENOENT;
        if (r == -ESRCH)
                return 0;
        /* The former group is gone, or accepts no processes any more; the root always does. */
        if (r < 0)
                r = write_pid(hierarchy->fd, file, pid);
        if (r < 0 && r != -ESRCH)
                return error_fail(error, -r, "cannot move %d back to %s/%s", pid, hierarchy->mount_point,
                                  path ? path : "");
        return 0;
}

int cgroup_move_back(struct cgroup *cgroup, const struct hierarchy *hierarchy, pid_t pid, const char *former,
                     struct error *error) {
        if (former && hierarchy_has_at(hierarchy, former, cgroup->path))
                former = NULL;
        return move_back(cgroup->log, hierarchy, MEMBERS_PROCESSES, pid, former, error);
}

static int moved_task_undo(void *change, struct error *error) {
        struct moved_task *moved = change;

        if (!is_to_be_put_back(moved))
                return 0;
        return move_back(moved->log, moved->hierarchy, members_of(moved), number_of(moved), moved->former,
                         error);
}

static int record_move(struct journal *journal, const struct moved_task *task, struct error *error) {
        struct moved_task *moved;

        if (!journal)
                return 0;
        moved = calloc(1, sizeof(*moved));
        if (!moved)
                return error_oom(error);
        *moved = *task;
        moved->group = strdup(task->group);
        moved->former = strdup(task->former);
        if (!moved->group || !moved->former) {
                moved_task_free(moved);
                return error_oom(error);
        }
        return journal_add(journal, moved_task_undo, moved_task_free, moved, error);
}

static int fail_move(const struct moved_task *task, int r, struct error *error) {
        return error_fail(error, -r, "cannot move %s %d to %s/%s/%s", task->tid != 0 ? "thread" : "process",
                          number_of(task), task->hierarchy->mount_point, task->group,
                          cgroup_members_file(task->hierarchy, members_of(task)));
}

static bool is_there(const struct moved_task *task) {
        return hierarchy_has_at(task->hierarchy, task->former, task->group);
}

static int move(struct cgroup *cgroup, const struct moved_task *task, struct journal *journal,
                struct error *error) {
        const char *file = cgroup_members_file(task->hierarchy, members_of(task));
        int r = cgroup_claim(cgroup, task->hierarchy, error);

        if (r < 0)
                return r;
        log_debug(task->log, "write %s/%s/%s: %d", task->hierarchy->mount_point, task->group, file,
                  number_of(task));
        r = r == CGROUP_E_ABSENT ? -ENOENT
                                 : write_pid(cgroup_directory(cgroup, task->hierarchy), file, number_of(task));
        if (r < 0)
                return fail_move(task, r, error);
        r = record_move(journal, task, error);
        if (r == 0 && task->tid == 0 && !process_is_alive(task->process))
                r = fail_move(task, -ESRCH, error);
        return r;
}

static struct moved_task task_of(const struct cgroup *cgroup, const struct hierarchy *hierarchy,
                                 const struct process *process, pid_t tid, const char *former) {
        return (struct moved_task){
                .log = cgroup->log,
                .hierarchy = hierarchy,
                .process = process,
                .tid = tid,
                .group = cgroup->path,
                .former = (char *)former,
        };
}

int cgroup_move(struct cgroup *cgroup, const struct hierarchy *hierarchy, const struct process *process,
                struct journal *journal, struct error *error) {
        const struct moved_task task = task_of(cgroup, hierarchy, process, 0, process->former);

        return is_there(&task) ? 0 : move(cgroup, &task, journal, error);
}

int cgroup_move_all_threads(struct cgroup *cgroup, const struct hierarchy *hierarchy,
                            const struct process *process, struct error *error) {
        const struct moved_task task = task_of(cgroup, hierarchy, process, 0, process->former);

        return move(cgroup, &task, NULL, error);
}

int cgroup_move_thread(struct cgroup *cgroup, const struct hierarchy *hierarchy, const struct process *process,
                       pid_t tid, const char *former, struct journal *journal, struct error *error) {
        const struct moved_task task = task_of(cgroup, hierarchy, process, tid, former);

        return is_there(&task) ? 0 : move(cgroup, &task, journal, error);
}

int cgroup_record_moved(struct cgroup *cgroup, const struct hierarchy *hierarchy, const struct process *process,
                        struct journal *journal, struct error *error) {
        const struct moved_task task = task_of(cgroup, hierarchy, process, 0, process->former);

        return is_there(&task) ? 0 : record_move(journal, &task, error);
}

/* The owner of a group that a process is in. */
enum origin {
        ORIGIN_UNKNOWN, /* it has no sandbox's mark: the group above decides */
        ORIGIN_OWN,
        ORIGIN_OTHER, /* the error is set */
};

static enum origin ask_origin(const struct cgroup *cgroup, const struct hierarchy *hierarchy, const char *path,
                              const struct process *process, const char *source, struct error *error) {
        _cleanup_close_ int fd = file_open_beneath(hierarchy->fd, path, O_RDONLY | O_DIRECTORY);
        char mark[OWNER_MARK_SIZE];
        enum ownership ownership;

        if (fd < 0)
                return ORIGIN_UNKNOWN;
        ownership = owner_ask(cgroup->owner, fd, mark);
        if (ownership != OWNERSHIP_OTHER)
                return ownership == OWNERSHIP_OWN ? ORIGIN_OWN : ORIGIN_UNKNOWN;
        (void)error_refuse(error, source, "process %d is in cgroup %s/%s of sandbox \"%.*s\"", process->pid,
                           hierarchy->mount_point, path, (int)strcspn(mark, " "), mark);
        return ORIGIN_OTHER;
}

/* From the process's group upwards to the first that a sandbox has marked. */
static enum origin find_origin(const struct cgroup *cgroup, const struct hierarchy *hierarchy,
                               const struct process *process, const char *source, struct error *error) {
        _cleanup_free_ char *path = hierarchy_path_of(hierarchy, process->former);
        enum origin origin = ORIGIN_UNKNOWN;

        while (path && path[0] != '\0' && origin == ORIGIN_UNKNOWN) {
                char *slash = strrchr(path, '/');

                origin = ask_origin(cgroup, hierarchy, path, process, source, error);
                *(slash ? slash : path) = '\0';
        }
        return origin;
}

int cgroup_check_origin(const struct cgroup *cgroup, const struct process *process, const char *source,
                        struct error *error) {
        for (size_t i = 0; i < cgroup->host->count; i++)
                if (find_origin(cgroup, &cgroup->host->hierarchies[i], process, source, error) == ORIGIN_OTHER)
                        return -EINVAL;
        return 0;
}
