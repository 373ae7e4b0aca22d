/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Removing control groups
 *
 * Subtle: rmdir(2) returns EBUSY for a while after the last task has left (the kernel is releasing it), and v1
 * has no event for the end of that, so rmdir is repeated with growing pauses until the deadline. A parent is
 * removed only if it carries a kata-cgroup's mark, and silently stays while it has members or children.
 *
 * rmdir(2) takes a name, so the directory of that name is checked again right before it is removed.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cgroup/cgroup.h"
#include "util/file.h"
#include "util/timestamp.h"
#include "util/waiting.h"

#define PAUSE_FIRST_MS 1
#define PAUSE_MAX_MS 100

/* Results of a removal that are not errors. */
enum {
        REMOVE_E_FOREIGN = 1, /* a group below is another sandbox's */
};

static int remove_children(const struct owner *owner, int directory);

/* Removes a group below the sandbox's, children first, unless another sandbox owns it. 0, REMOVE_E_FOREIGN or a negative
 * errno. */
static int remove_child(const struct owner *owner, int parent, const char *name) {
        _cleanup_close_ int fd = file_open_beneath(parent, name, O_RDONLY | O_DIRECTORY);
        char mark[OWNER_MARK_SIZE];
        int r;

        if (fd < 0)
                return fd == -ENOENT ? 0 : fd;
        if (owner_ask(owner, fd, mark) == OWNERSHIP_OTHER)
                return REMOVE_E_FOREIGN;
        r = remove_children(owner, fd);
        if (r != 0)
                return r;
        return unlinkat(parent, name, AT_REMOVEDIR) == 0 || errno == ENOENT ? 0 : -errno;
}

static int remove_children(const struct owner *owner, int directory) {
        struct dirent *entry;
        struct stat status;
        DIR *stream;
        int r = 0;

        if (fstat(directory, &status) == 0 && status.st_nlink <= 2)
                return 0;
        stream = file_open_stream(directory, ".");
        if (!stream)
                return errno == ENOENT ? 0 : -errno;
        while (r == 0 && (entry = readdir(stream)))
                if (file_is_child_directory(entry))
                        r = remove_child(owner, directory, entry->d_name);
        (void)closedir(stream);
        return r;
}

/* Child groups first; a group without children costs one rmdir. */
static int remove_tree(const struct owner *owner, int parent, const char *name, int directory) {
        int r;

        r = file_is_named(parent, name, directory);
        if (r <= 0)
                return r; /* removed; a new directory of this name is not ours */
        if (unlinkat(parent, name, AT_REMOVEDIR) == 0 || errno == ENOENT)
                return 0;
        if (errno != EBUSY && errno != ENOTEMPTY)
                return -errno;
        r = remove_children(owner, directory);
        if (r != 0)
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

        if (r == -EBUSY && cgroup_own_processes(cgroup, &members, NULL) == 0 && members.count > 0)
                who = pid_set_describe(&members);
        return error_fail(error, -r, "cannot remove cgroup %s/%s%s%s", hierarchy->mount_point, cgroup->path,
                          who ? ", in use by " : "", who ? who : "");
}

static int remove_in(struct cgroup *cgroup, const struct hierarchy *hierarchy, int64_t deadline,
                     struct error *error) {
        struct waiting waiting = waiting_begin(cgroup->log);
        _cleanup_close_ int parent = -1;
        const char *name;
        int pause_ms = PAUSE_FIRST_MS;
        int r;

        r = cgroup_claim(cgroup, hierarchy, error);
        if (r != 0)
                return r == CGROUP_E_ABSENT ? 0 : r;
        parent = open_parent(hierarchy, cgroup->path, &name);
        if (parent == -ENOENT)
                return 0;
        if (parent < 0)
                return fail_remove(cgroup, hierarchy, parent, error);
        log_debug(cgroup->log, "rmdir %s/%s", hierarchy->mount_point, cgroup->path);
        do {
                r = remove_tree(cgroup->owner, parent, name, cgroup_directory(cgroup, hierarchy));
                if ((r == -EBUSY || r == -ENOTEMPTY) && waiting_is_due(&waiting))
                        waiting_say(&waiting, "cgroup %s/%s to be free: %s", hierarchy->mount_point,
                                    cgroup->path, strerror(-r));
        } while ((r == -EBUSY || r == -ENOTEMPTY) && deadline_pause(deadline, &pause_ms, PAUSE_MAX_MS));
        if (r == REMOVE_E_FOREIGN)
                return cgroup_check_children(cgroup, hierarchy, error);
        return r < 0 ? fail_remove(cgroup, hierarchy, r, error) : 0;
}

void cgroup_remove_children(struct cgroup *cgroup, const struct hierarchy *hierarchy) {
        if (cgroup_claim(cgroup, hierarchy, NULL) == 0)
                (void)remove_children(cgroup->owner, cgroup_directory(cgroup, hierarchy));
}

/* 0: it is removed; 1: it is not ours, or not empty; or a negative errno. */
static int remove_parent(const struct cgroup *cgroup, const struct hierarchy *hierarchy, const char *path) {
        _cleanup_close_ int parent = -1, directory = -1;
        char mark[OWNER_MARK_SIZE];
        const char *name;

        parent = open_parent(hierarchy, path, &name);
        directory = parent >= 0 ? file_open_beneath(parent, name, O_RDONLY | O_DIRECTORY) : parent;
        if (directory < 0)
                return directory == -ENOENT ? 0 : directory;
        if (owner_ask(cgroup->owner, directory, mark) != OWNERSHIP_PARENT)
                return 1;
        log_debug(cgroup->log, "rmdir %s/%s", hierarchy->mount_point, path);
        if (unlinkat(parent, name, AT_REMOVEDIR) == 0 || errno == ENOENT)
                return 0;
        return errno == EBUSY || errno == ENOTEMPTY ? 1 : error_negative(-errno);
}

/* Removes parents upwards, as long as they are ours and empty. */
static void remove_parents(struct cgroup *cgroup, const struct hierarchy *hierarchy) {
        _cleanup_free_ char *path = strdup(cgroup->path);
        char *slash;
        int r = 0;

        while (path && r == 0 && (slash = strrchr(path, '/'))) {
                *slash = '\0';
                r = remove_parent(cgroup, hierarchy, path);
        }
        if (r < 0)
                log_warning(cgroup->log, "the parent cgroup %s/%s stays: %s", hierarchy->mount_point, path,
                            strerror(-r));
}

static int remove_where(struct cgroup *cgroup, bool v2, bool parents, int64_t deadline, struct error *error) {
        int result = 0;

        for (size_t i = 0; i < cgroup->host->count; i++) {
                const struct hierarchy *hierarchy = &cgroup->host->hierarchies[i];
                int r;

                if (hierarchy->version == CGROUP_V2 && !v2)
                        continue;
                r = remove_in(cgroup, hierarchy, deadline, error);

                if (r == 0 && parents)
                        remove_parents(cgroup, hierarchy);
                /* A group that stays does not prevent the others from being removed. */
                if (r < 0)
                        result = r;
        }
        cgroup_forget(cgroup);
        return result;
}

int cgroup_remove(struct cgroup *cgroup, bool parents, int64_t deadline, struct error *error) {
        return remove_where(cgroup, true, parents, deadline, error);
}

int cgroup_remove_v1(struct cgroup *cgroup, bool parents, int64_t deadline, struct error *error) {
        return remove_where(cgroup, false, parents, deadline, error);
}

int cgroup_dissolve_vcpu_subtree(struct cgroup *cgroup, int64_t deadline, struct error *error) {
        _cleanup_(cgroup_freep) struct cgroup *subtree = cgroup_vcpu_subtree(cgroup);
        _cleanup_pid_set_ struct pid_set threads = {0};
        int r;

        if (!subtree)
                return error_oom(error);
        r = cgroup_claim(cgroup, cgroup->host->unified, error);
        if (r != 0)
                return r == CGROUP_E_ABSENT ? 0 : r;
        r = cgroup_adopt(subtree, cgroup->host->unified, error);
        if (r == 0)
                r = cgroup_members(subtree, cgroup->host->unified, MEMBERS_THREADS, &threads, error);
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
