/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Moving processes and threads between control groups
 *
 * Subtle: the kernel answers EINVAL for a task that is just being created (on v1 for one of a group that
 * is being changed), which passes; it is tried a few times. There is no event to wait for.
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

struct moved_task {
        const struct log *log;
        const struct hierarchy *hierarchy;
        enum members members;
        pid_t pid;
        char *former;
};

static void moved_task_free(void *change) {
        struct moved_task *moved = change;

        free(moved->former);
        free(moved);
}

static int moved_task_undo(void *change, struct error *error) {
        struct moved_task *moved = change;

        return cgroup_move_back(moved->log, moved->hierarchy, moved->members, moved->pid, moved->former, error);
}

static int record_move(struct journal *journal, const struct cgroup *cgroup, const struct hierarchy *hierarchy,
                       enum members members, pid_t pid, const char *former, struct error *error) {
        struct moved_task *moved;

        if (!journal)
                return 0;
        moved = calloc(1, sizeof(*moved));
        if (!moved)
                return error_oom(error);
        *moved = (struct moved_task){cgroup->log, hierarchy, members, pid, strdup(former)};
        if (!moved->former) {
                free(moved);
                return error_oom(error);
        }
        return journal_add(journal, moved_task_undo, moved_task_free, moved, error);
}

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

int cgroup_move(struct cgroup *cgroup, const struct hierarchy *hierarchy, enum members members, pid_t pid,
                const char *former, struct journal *journal, struct error *error) {
        const char *file = cgroup_members_file(hierarchy, members);
        _cleanup_free_ char *present = NULL;
        int directory, r;

        present = hierarchy_path_of(hierarchy, former);
        if (present && strcmp(present, cgroup->path) == 0)
                return 0;
        directory = cgroup_directory(cgroup, hierarchy);
        log_debug(cgroup->log, "write %s/%s/%s: %d", hierarchy->mount_point, cgroup->path, file, pid);
        r = directory < 0 ? directory : write_pid(directory, file, pid);
        if (r < 0)
                return error_fail(error, -r, "cannot move %s %d to %s/%s/%s",
                                  members == MEMBERS_PROCESSES ? "process" : "thread", pid,
                                  hierarchy->mount_point, cgroup->path, file);
        return record_move(journal, cgroup, hierarchy, members, pid, former, error);
}

int cgroup_record_moved(struct cgroup *cgroup, const struct hierarchy *hierarchy, pid_t pid, const char *former,
                        struct journal *journal, struct error *error) {
        return record_move(journal, cgroup, hierarchy, MEMBERS_PROCESSES, pid, former, error);
}

int cgroup_move_back(const struct log *log, const struct hierarchy *hierarchy, enum members members, pid_t pid,
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
        /* The former group is gone, or takes no processes any more: the root always does. */
        if (r < 0)
                r = write_pid(hierarchy->fd, file, pid);
        if (r < 0 && r != -ESRCH)
                return error_fail(error, -r, "cannot move %d back to %s/%s", pid, hierarchy->mount_point,
                                  path ? path : "");
        return 0;
}
