/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Taking control groups down
 *
 * Subtle: rmdir(2) answers EBUSY for a while after the last task has left (it is being released), and no
 * v1 file tells when that is over, so it is tried again with growing pauses until the deadline. A parent
 * is removed only if it carries a kata-cgroup's mark, and silently stays while somebody is in it.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cgroup/cgroup.h"
#include "cgroup/mark.h"
#include "util/file.h"
#include "util/timestamp.h"

#define PAUSE_FIRST_MS 1
#define PAUSE_MAX_MS 100

static int remove_tree(int parent, const char *name);

static int remove_children(int parent, const char *name) {
        struct dirent *entry;
        DIR *stream;
        int fd, r = 0;

        fd = file_open_beneath(parent, name, O_RDONLY | O_DIRECTORY);
        if (fd < 0)
                return fd == -ENOENT ? 0 : fd;
        stream = fdopendir(fd);
        if (!stream) {
                r = -errno;
                (void)close(fd);
                return r;
        }
        while (r == 0 && (entry = readdir(stream)))
                if (entry->d_type == DT_DIR && strcmp(entry->d_name, ".") != 0 &&
                    strcmp(entry->d_name, "..") != 0)
                        r = remove_tree(dirfd(stream), entry->d_name);
        (void)closedir(stream);
        return r;
}

/* Child groups first; a group without children costs one rmdir. */
static int remove_tree(int parent, const char *name) {
        int r;

        if (unlinkat(parent, name, AT_REMOVEDIR) == 0 || errno == ENOENT)
                return 0;
        if (errno != EBUSY && errno != ENOTEMPTY)
                return -errno;
        r = remove_children(parent, name);
        if (r < 0)
                return r;
        if (unlinkat(parent, name, AT_REMOVEDIR) == 0 || errno == ENOENT)
                return 0;
        return -errno;
}

/* Splits "a/b/c" and opens "a/b" below the mount point; `*name` points at "c". */
static int open_parent(const struct hierarchy *hierarchy, const char *path, const char **name) {
        const char *slash = strrchr(path, '/');
        _cleanup_free_ char *parent = strndup(path, slash ? (size_t)(slash - path) : 0);

        if (!parent)
                return -ENOMEM;
        *name = slash ? slash + 1 : path;
        return file_open_beneath(hierarchy->fd, parent, O_RDONLY | O_DIRECTORY);
}

static int fail_remove(struct cgroup *cgroup, const struct hierarchy *hierarchy, int r, struct error *error) {
        _cleanup_pid_set_ struct pid_set members = {0};
        _cleanup_free_ char *who = NULL;

        if (r == -EBUSY && cgroup_members(cgroup, MEMBERS_PROCESSES, true, &members, NULL) == 0 &&
            members.count > 0)
                who = pid_set_describe(&members);
        return error_fail(error, -r, "cannot remove cgroup %s/%s%s%s", hierarchy->mount_point, cgroup->path,
                          who ? ", in use by " : "", who ? who : "");
}

static int remove_in(struct cgroup *cgroup, const struct hierarchy *hierarchy, int64_t deadline,
                     struct error *error) {
        _cleanup_close_ int parent = -1;
        const char *name;
        int pause_ms = PAUSE_FIRST_MS;
        int r;

        parent = open_parent(hierarchy, cgroup->path, &name);
        if (parent == -ENOENT)
                return 0;
        if (parent < 0)
                return fail_remove(cgroup, hierarchy, parent, error);
        log_debug(cgroup->log, "rmdir %s/%s", hierarchy->mount_point, cgroup->path);
        do
                r = remove_tree(parent, name);
        while ((r == -EBUSY || r == -ENOTEMPTY) && deadline_pause(deadline, &pause_ms, PAUSE_MAX_MS));
        return r < 0 ? fail_remove(cgroup, hierarchy, r, error) : 0;
}

void cgroup_remove_children(struct cgroup *cgroup, const struct hierarchy *hierarchy) {
        _cleanup_close_ int parent = -1;
        const char *name;

        parent = open_parent(hierarchy, cgroup->path, &name);
        if (parent >= 0)
                (void)remove_children(parent, name);
}

/* Upwards, as long as a parent is ours and empty. */
static void remove_parents(struct cgroup *cgroup, const struct hierarchy *hierarchy) {
        _cleanup_free_ char *path = strdup(cgroup->path);
        char *slash;

        while (path && (slash = strrchr(path, '/'))) {
                _cleanup_close_ int parent = -1, directory = -1;
                char mark[MARK_SIZE];
                const char *name;

                *slash = '\0';
                parent = open_parent(hierarchy, path, &name);
                directory = parent >= 0 ? file_open_beneath(parent, name, O_RDONLY | O_DIRECTORY) : parent;
                if (directory == -ENOENT)
                        continue;
                if (directory < 0 || !mark_read(directory, mark) || strcmp(mark, MARK_PARENT) != 0)
                        return;
                log_debug(cgroup->log, "rmdir %s/%s", hierarchy->mount_point, path);
                if (unlinkat(parent, name, AT_REMOVEDIR) < 0 && errno != ENOENT)
                        return;
        }
}

int cgroup_remove_in(struct cgroup *cgroup, const struct hierarchy *hierarchy, bool parents, int64_t deadline,
                     struct error *error) {
        int *fd = &cgroup->fds[hierarchy - cgroup->host->hierarchies], r;

        cleanup_close(fd);
        *fd = -1;
        r = remove_in(cgroup, hierarchy, deadline, error);
        if (r == 0 && parents)
                remove_parents(cgroup, hierarchy);
        return r;
}

int cgroup_remove(struct cgroup *cgroup, bool parents, int64_t deadline, struct error *error) {
        int result = 0;

        for (size_t i = 0; i < cgroup->host->count; i++) {
                int r = cgroup_remove_in(cgroup, &cgroup->host->hierarchies[i], parents, deadline, error);

                /* One that stays does not keep the others from going. */
                if (r < 0)
                        result = r;
        }
        return result;
}

int cgroup_dissolve_vcpu_subtree(struct cgroup *cgroup, int64_t deadline, struct error *error) {
        _cleanup_(cgroup_freep) struct cgroup *subtree = cgroup_vcpu_subtree(cgroup);
        _cleanup_pid_set_ struct pid_set threads = {0};
        int r;

        if (!subtree)
                return error_oom(error);
        r = cgroup_members(subtree, MEMBERS_THREADS, false, &threads, error);
        for (size_t i = 0; r == 0 && i < threads.count; i++) {
                char tid[16];

                (void)snprintf(tid, sizeof(tid), "%d", threads.pids[i]);
                r = cgroup_write(cgroup, cgroup->host->unified, "cgroup.threads", tid);
                if (r == -ESRCH)
                        r = 0;
                if (r < 0)
                        return error_fail(error, -r, "cannot move thread %s to %s/%s/cgroup.threads", tid,
                                          cgroup->host->unified->mount_point, cgroup->path);
        }
        return r < 0 ? r : remove_in(subtree, cgroup->host->unified, deadline, error);
}

/* SIGKILL reaches a frozen task only once it is thawed (v1; v2 kills frozen ones, but thawing is right
 * for their exit to be seen at once). */
static void thaw(struct cgroup *cgroup) {
        const struct hierarchy *freezer = cgroup->host->controllers[CONTROLLER_FREEZER];
        _cleanup_free_ char *state = NULL;

        if (freezer && freezer->version == CGROUP_V1) {
                if (cgroup_read(cgroup, freezer, "freezer.state", &state) == 0 &&
                    strncmp(state, "THAWED", 6) != 0)
                        (void)cgroup_write(cgroup, freezer, "freezer.state", "THAWED");
        } else if (cgroup->host->unified) {
                if (cgroup_read(cgroup, cgroup->host->unified, "cgroup.freeze", &state) == 0 && state[0] == '1')
                        (void)cgroup_write(cgroup, cgroup->host->unified, "cgroup.freeze", "0");
        }
}

static int kill_members(const struct pid_set *members, const struct pid_set *spare, struct pid_set *killed,
                        struct error *error) {
        for (size_t i = 0; i < members->count; i++) {
                int r;

                if (pid_set_contains(spare, members->pids[i]))
                        continue;
                r = proc_kill(members->pids[i], SIGKILL);
                if (r < 0)
                        return error_fail(error, -r, "cannot kill process %d", members->pids[i]);
                if (pid_set_add(killed, members->pids[i]) < 0)
                        return error_oom(error);
        }
        return 0;
}

int cgroup_kill(struct cgroup *cgroup, const struct pid_set *spare, int64_t deadline, struct error *error) {
        thaw(cgroup);
        for (;;) {
                _cleanup_pid_set_ struct pid_set members = {0}, killed = {0};
                _cleanup_free_ char *who = NULL;
                int r;

                r = cgroup_members(cgroup, MEMBERS_PROCESSES, true, &members, error);
                if (r == 0)
                        r = kill_members(&members, spare, &killed, error);
                if (r < 0 || killed.count == 0)
                        return r;
                if (deadline_left_ms(deadline) == 0) {
                        who = pid_set_describe(&killed);
                        return error_fail(error, ETIMEDOUT, "processes of cgroup %s do not end: %s",
                                          cgroup->path, who ? who : "?");
                }
                (void)proc_wait_any(&killed, deadline_left_ms(deadline));
        }
}
