/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A control group: directories, their owner, files, members
 *
 * Subtle: a directory descriptor stays valid after somebody has removed the group, and its files then return ENODEV.
 * Callers treat that as "gone", like ENOENT. So a claimed directory is never mistaken for one that somebody else has made
 * in its place.
 */
#include "cgroup/cgroup.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "util/file.h"

struct cgroup *cgroup_new(const struct host *host, const struct log *log, struct owner *owner,
                          const char *path) {
        _cleanup_(cgroup_freep) struct cgroup *cgroup = NULL;

        cgroup = calloc(1, sizeof(*cgroup));
        if (!cgroup)
                return NULL;
        cgroup->host = host;
        cgroup->log = log;
        cgroup->owner = owner;
        cgroup->path = strdup(path);
        cgroup->directories = calloc(host->count, sizeof(*cgroup->directories));
        if (!cgroup->path || !cgroup->directories)
                return NULL;
        for (size_t i = 0; i < host->count; i++)
                cgroup->directories[i].fd = -1;
        return TAKE(cgroup);
}

struct cgroup *cgroup_free(struct cgroup *cgroup) {
        if (!cgroup)
                return NULL;
        if (cgroup->directories)
                cgroup_forget(cgroup);
        free(cgroup->directories);
        free(cgroup->path);
        free(cgroup);
        return NULL;
}

void cgroup_forget(struct cgroup *cgroup) {
        for (size_t i = 0; i < cgroup->host->count; i++) {
                cleanup_close(&cgroup->directories[i].fd);
                cgroup->directories[i] = (struct cgroup_directory){.fd = -1};
        }
}

int cgroup_relocate(struct cgroup *cgroup, const char *path) {
        char *copy;

        if (strcmp(path, cgroup->path) == 0)
                return 0;
        copy = strdup(path);
        if (!copy)
                return -ENOMEM;
        free(cgroup->path);
        cgroup->path = copy;
        cgroup_forget(cgroup);
        return 0;
}

static struct cgroup_directory *directory_of(struct cgroup *cgroup, const struct hierarchy *hierarchy) {
        return &cgroup->directories[hierarchy - cgroup->host->hierarchies];
}

int cgroup_directory(struct cgroup *cgroup, const struct hierarchy *hierarchy) {
        struct cgroup_directory *directory = directory_of(cgroup, hierarchy);
        int fd;

        if (directory->fd >= 0)
                return directory->fd;
        /* Not O_PATH, since fgetxattr(2) does not accept such a descriptor. */
        fd = file_open_beneath(hierarchy->fd, cgroup->path, O_RDONLY | O_DIRECTORY);
        if (fd >= 0)
                directory->fd = fd;
        return fd;
}

static int fail_foreign(const struct owner *owner, const struct hierarchy *hierarchy, const char *path,
                        enum ownership ownership, const char *mark, struct error *error) {
        _cleanup_free_ char *whose = owner_describe(owner, ownership, mark);

        return error_fail(error, 0, "cgroup %s/%s is not of this sandbox \"%s\": %s", hierarchy->mount_point,
                          path, owner->id, whose ? whose : "?");
}

/* Whether the group has neither processes nor child groups. kernfs counts child groups as links of the directory. */
static bool is_bare(int directory) {
        _cleanup_free_ char *text = NULL;
        struct stat status;

        return fstat(directory, &status) == 0 && status.st_nlink <= 2 &&
               file_read_at(directory, "cgroup.procs", FILE_SIZE_MAX, &text, NULL) == 0 && text[0] == '\0';
}

/* Whether the rehearsal has made it. */
static bool is_rehearsed(const struct cgroup *cgroup, const struct hierarchy *hierarchy) {
        _cleanup_free_ char *path = cgroup->rehearsal ? cgroup_absolute_path(cgroup, hierarchy) : NULL;

        return path && rehearsal_has_directory(cgroup->rehearsal, path);
}

int cgroup_claim(struct cgroup *cgroup, const struct hierarchy *hierarchy, struct error *error) {
        struct cgroup_directory *directory = directory_of(cgroup, hierarchy);
        char mark[OWNER_MARK_SIZE];
        enum ownership ownership;
        int fd;

        if (directory->own || is_rehearsed(cgroup, hierarchy))
                return 0;
        fd = cgroup_directory(cgroup, hierarchy);
        if (fd == -ENOENT)
                return CGROUP_E_ABSENT;
        if (fd < 0)
                return error_fail(error, -fd, "%s/%s", hierarchy->mount_point, cgroup->path);
        ownership = owner_ask(cgroup->owner, fd, mark);
        if (ownership == OWNERSHIP_NONE && cgroup->owner->life != OWNER_WHOLE && is_bare(fd)) {
                int r = owner_take(cgroup->owner, fd);

                if (r < 0)
                        return error_fail(error, -r, "%s/%s", hierarchy->mount_point, cgroup->path);
                ownership = OWNERSHIP_OWN;
        }
        directory->own = ownership == OWNERSHIP_OWN;
        if (!directory->own && cgroup->owner->life == OWNER_BEGUN)
                return CGROUP_E_ABSENT;
        return directory->own ? 0
                              : fail_foreign(cgroup->owner, hierarchy, cgroup->path, ownership, mark, error);
}

/* Looks below a directory for groups of other sandboxes. */
static int check_children(const struct owner *owner, const struct hierarchy *hierarchy, int directory,
                          const char *path, struct error *error) {
        struct dirent *entry;
        struct stat status;
        DIR *stream;
        int r = 0;

        if (fstat(directory, &status) < 0 || status.st_nlink <= 2)
                return 0;
        stream = file_open_stream(directory, ".");
        if (!stream)
                return errno == ENOENT ? 0 : error_fail(error, errno, "%s/%s", hierarchy->mount_point, path);
        while (r == 0 && (entry = readdir(stream))) {
                _cleanup_free_ char *child_path = NULL;
                _cleanup_close_ int child = -1;
                char mark[OWNER_MARK_SIZE];
                enum ownership ownership;

                if (!file_is_child_directory(entry))
                        continue;
                child = file_open_beneath(directory, entry->d_name, O_RDONLY | O_DIRECTORY);
                if (child == -ENOENT)
                        continue;
                if (child < 0 || asprintf(&child_path, "%s/%s", path, entry->d_name) < 0) {
                        child_path = NULL;
                        r = error_fail(error, child < 0 ? -child : ENOMEM, "%s/%s", hierarchy->mount_point,
                                       path);
                        break;
                }
                ownership = owner_ask(owner, child, mark);
                r = ownership == OWNERSHIP_OTHER
                            ? fail_foreign(owner, hierarchy, child_path, ownership, mark, error)
                            : check_children(owner, hierarchy, child, child_path, error);
        }
        (void)closedir(stream);
        return r;
}

int cgroup_check_children(struct cgroup *cgroup, const struct hierarchy *hierarchy, struct error *error) {
        int fd = cgroup_directory(cgroup, hierarchy);

        return fd < 0 ? 0 : check_children(cgroup->owner, hierarchy, fd, cgroup->path, error);
}

int cgroup_claim_all(struct cgroup *cgroup, bool children, struct error *error) {
        for (size_t i = 0; i < cgroup->host->count; i++) {
                const struct hierarchy *hierarchy = &cgroup->host->hierarchies[i];
                int r = cgroup_claim(cgroup, hierarchy, error);

                if (r == 0 && children)
                        r = cgroup_check_children(cgroup, hierarchy, error);
                if (r < 0)
                        return r;
        }
        return 0;
}

int cgroup_adopt(struct cgroup *cgroup, const struct hierarchy *hierarchy, struct error *error) {
        struct cgroup_directory *directory = directory_of(cgroup, hierarchy);
        int fd = cgroup_directory(cgroup, hierarchy), r = 0;
        char mark[OWNER_MARK_SIZE];

        if (fd == -ENOENT || directory->own || cgroup->rehearsal)
                return 0;
        if (fd < 0)
                return error_fail(error, -fd, "%s/%s", hierarchy->mount_point, cgroup->path);
        if (owner_ask(cgroup->owner, fd, mark) == OWNERSHIP_NONE)
                r = owner_take(cgroup->owner, fd);
        return r < 0 ? error_fail(error, -r, "%s/%s", hierarchy->mount_point, cgroup->path) : 0;
}

struct cgroup *cgroup_vcpu_subtree(const struct cgroup *cgroup) {
        _cleanup_free_ char *path = NULL;
        struct cgroup *subtree;

        if (asprintf(&path, "%s/" PLAN_VCPU_SUBTREE, cgroup->path) < 0) {
                path = NULL;
                return NULL;
        }
        subtree = cgroup_new(cgroup->host, cgroup->log, cgroup->owner, path);
        if (subtree)
                subtree->rehearsal = cgroup->rehearsal;
        return subtree;
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

        if (directory < 0)
                return directory;
        return file_read_at(directory, hierarchy_file(hierarchy, file), FILE_SIZE_MAX, out, NULL);
}

int cgroup_write(struct cgroup *cgroup, const struct hierarchy *hierarchy, const char *file,
                 const char *value) {
        int r = cgroup_claim(cgroup, hierarchy, NULL);

        file = hierarchy_file(hierarchy, file);
        log_debug(cgroup->log, "write %s/%s/%s: %s", hierarchy->mount_point, cgroup->path, file, value);
        if (r != 0)
                return r == CGROUP_E_ABSENT ? -ENOENT : -EPERM;
        return file_write_at(cgroup_directory(cgroup, hierarchy), file, value);
}

const char *cgroup_members_file(const struct hierarchy *hierarchy, enum members members) {
        if (members == MEMBERS_PROCESSES)
                return "cgroup.procs";
        return hierarchy->version == CGROUP_V1 ? "tasks" : "cgroup.threads";
}

static int add_members(int directory, const char *file, bool recursive, struct pid_set *out);

static int add_members_of_children(int directory, const char *file, struct pid_set *out) {
        struct dirent *entry;
        struct stat status;
        DIR *stream;
        int r = 0;

        if (fstat(directory, &status) == 0 && status.st_nlink <= 2)
                return 0;
        stream = file_open_stream(directory, ".");
        if (!stream)
                return -errno;
        while (r == 0 && (entry = readdir(stream))) {
                _cleanup_close_ int child = -1;

                if (!file_is_child_directory(entry))
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
        /* EOPNOTSUPP: cgroup.procs of a threaded child, whose processes are listed in the domain above. */
        if (r == -EOPNOTSUPP || cgroup_is_gone(r))
                return 0;
        if (r < 0)
                return r;
        r = pid_set_add_text(out, text);
        if (r == 0 && recursive)
                r = add_members_of_children(directory, file, out);
        return cgroup_is_gone(r) ? 0 : r;
}

static int fail_members(const struct cgroup *cgroup, const struct hierarchy *hierarchy, enum members members,
                        int r, struct error *error) {
        return error_fail(error, -r, "%s/%s/%s", hierarchy->mount_point, cgroup->path,
                          cgroup_members_file(hierarchy, members));
}

int cgroup_members(struct cgroup *cgroup, const struct hierarchy *hierarchy, enum members members,
                   struct pid_set *out, struct error *error) {
        int r = cgroup_directory(cgroup, hierarchy);

        if (r == -ENOENT)
                return 0;
        if (r >= 0)
                r = add_members(r, cgroup_members_file(hierarchy, members), false, out);
        return r < 0 ? fail_members(cgroup, hierarchy, members, r, error) : 0;
}

int cgroup_own_processes_in(struct cgroup *cgroup, const struct hierarchy *hierarchy, struct pid_set *out,
                            struct error *error) {
        int r = cgroup_claim(cgroup, hierarchy, error);

        if (r != 0)
                return r == CGROUP_E_ABSENT ? 0 : r;
        r = add_members(cgroup_directory(cgroup, hierarchy), "cgroup.procs", true, out);
        return r < 0 ? fail_members(cgroup, hierarchy, MEMBERS_PROCESSES, r, error) : 0;
}

int cgroup_own_processes(struct cgroup *cgroup, struct pid_set *out, struct error *error) {
        int r = 0;

        for (size_t i = 0; r == 0 && i < cgroup->host->count; i++)
                r = cgroup_own_processes_in(cgroup, &cgroup->host->hierarchies[i], out, error);
        return r;
}

int cgroup_has_any(struct cgroup *cgroup, const struct pid_set *pids) {
        _cleanup_pid_set_ struct pid_set members = {0};
        int r = cgroup_own_processes(cgroup, &members, NULL);

        for (size_t i = 0; r == 0 && i < members.count; i++)
                if (pid_set_contains(pids, members.pids[i]))
                        return 1;
        return r;
}
