/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A control group: directories, files, members
 *
 * Subtle: a directory descriptor stays valid after somebody has removed the group, and its files then
 * answer ENODEV; callers treat that as "gone", as they treat ENOENT.
 */
#include "cgroup/cgroup.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>

#include "util/file.h"

struct cgroup *cgroup_new(const struct host *host, const struct log *log, const char *path) {
        _cleanup_(cgroup_freep) struct cgroup *cgroup = NULL;

        cgroup = calloc(1, sizeof(*cgroup));
        if (!cgroup)
                return NULL;
        cgroup->host = host;
        cgroup->log = log;
        cgroup->path = strdup(path);
        cgroup->fds = calloc(host->count, sizeof(*cgroup->fds));
        if (!cgroup->path || !cgroup->fds)
                return NULL;
        for (size_t i = 0; i < host->count; i++)
                cgroup->fds[i] = -1;
        return TAKE(cgroup);
}

struct cgroup *cgroup_free(struct cgroup *cgroup) {
        if (!cgroup)
                return NULL;
        for (size_t i = 0; cgroup->fds && i < cgroup->host->count; i++)
                cleanup_close(&cgroup->fds[i]);
        free(cgroup->fds);
        free(cgroup->path);
        free(cgroup);
        return NULL;
}

void cgroup_forget(struct cgroup *cgroup) {
        for (size_t i = 0; i < cgroup->host->count; i++) {
                cleanup_close(&cgroup->fds[i]);
                cgroup->fds[i] = -1;
        }
}

int cgroup_directory(struct cgroup *cgroup, const struct hierarchy *hierarchy) {
        int *fd = &cgroup->fds[hierarchy - cgroup->host->hierarchies];

        if (*fd < 0)
                *fd = file_open_beneath(hierarchy->fd, cgroup->path, O_PATH | O_DIRECTORY);
        if (*fd < 0) {
                int r = *fd;

                *fd = -1;
                return r;
        }
        return *fd;
}

struct cgroup *cgroup_vcpu_subtree(const struct cgroup *cgroup) {
        _cleanup_free_ char *path = NULL;

        if (asprintf(&path, "%s/" PLAN_VCPU_SUBTREE, cgroup->path) < 0) {
                path = NULL;
                return NULL;
        }
        return cgroup_new(cgroup->host, cgroup->log, path);
}

bool cgroup_exists(struct cgroup *cgroup) {
        for (size_t i = 0; i < cgroup->host->count; i++)
                if (cgroup_directory(cgroup, &cgroup->host->hierarchies[i]) >= 0)
                        return true;
        return false;
}

char *cgroup_absolute_path(const struct cgroup *cgroup, const struct hierarchy *hierarchy) {
        char *path;

        if (asprintf(&path, "%s/%s", hierarchy->mount_point, cgroup->path) < 0)
                return NULL;
        return path;
}

int cgroup_read(struct cgroup *cgroup, const struct hierarchy *hierarchy, const char *file, char **out) {
        int directory = cgroup_directory(cgroup, hierarchy);

        return directory < 0 ? directory : file_read_at(directory, file, FILE_SIZE_MAX, out, NULL);
}

int cgroup_write(struct cgroup *cgroup, const struct hierarchy *hierarchy, const char *file,
                 const char *value) {
        int directory = cgroup_directory(cgroup, hierarchy);

        log_debug(cgroup->log, "write %s/%s/%s: %s", hierarchy->mount_point, cgroup->path, file, value);
        return directory < 0 ? directory : file_write_at(directory, file, value);
}

const char *cgroup_members_file(const struct hierarchy *hierarchy, enum members members) {
        if (members == MEMBERS_PROCESSES)
                return "cgroup.procs";
        return hierarchy->version == CGROUP_V1 ? "tasks" : "cgroup.threads";
}

static int add_members(int directory, const char *file, bool recursive, struct pid_set *out);

static int add_members_of_children(int directory, const char *file, struct pid_set *out) {
        _cleanup_close_ int fd = -1;
        struct dirent *entry;
        DIR *stream;
        int r = 0;

        fd = file_open_beneath(directory, ".", O_RDONLY | O_DIRECTORY);
        if (fd < 0)
                return fd;
        stream = fdopendir(fd);
        if (!stream)
                return -errno;
        fd = -1; /* the stream's now */
        while (r == 0 && (entry = readdir(stream))) {
                _cleanup_close_ int child = -1;

                if (entry->d_type != DT_DIR || strcmp(entry->d_name, ".") == 0 ||
                    strcmp(entry->d_name, "..") == 0)
                        continue;
                child = file_open_beneath(directory, entry->d_name, O_PATH | O_DIRECTORY);
                if (child >= 0)
                        r = add_members(child, file, true, out);
                else if (!cgroup_is_gone(child))
                        r = child;
        }
        (void)closedir(stream);
        return r;
}

static int add_members(int directory, const char *file, bool recursive, struct pid_set *out) {
        _cleanup_free_ char *text = NULL;
        int r;

        r = file_read_at(directory, file, FILE_SIZE_MAX, &text, NULL);
        /* EOPNOTSUPP: cgroup.procs of a threaded child; its processes are listed in the domain above. */
        if (r == -EOPNOTSUPP || cgroup_is_gone(r))
                return 0;
        if (r < 0)
                return r;
        r = pid_set_add_text(out, text);
        if (r == 0 && recursive)
                r = add_members_of_children(directory, file, out);
        return cgroup_is_gone(r) ? 0 : r;
}

int cgroup_members(struct cgroup *cgroup, enum members members, bool recursive, struct pid_set *out,
                   struct error *error) {
        for (size_t i = 0; i < cgroup->host->count; i++) {
                const struct hierarchy *hierarchy = &cgroup->host->hierarchies[i];
                int directory, r;

                /* Where threads are placed singly, on v1, a hybrid host's v2 tree has whole processes. */
                if (members == MEMBERS_THREADS && hierarchy->version != cgroup->host->version)
                        continue;
                directory = cgroup_directory(cgroup, hierarchy);
                if (directory == -ENOENT)
                        continue;
                r = directory < 0
                            ? directory
                            : add_members(directory, cgroup_members_file(hierarchy, members), recursive, out);
                if (r < 0)
                        return error_fail(error, -r, "%s/%s/%s", hierarchy->mount_point, cgroup->path,
                                          cgroup_members_file(hierarchy, members));
        }
        return 0;
}
