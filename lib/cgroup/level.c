/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One level of the path to a group
 *
 * Subtle: in a rehearsal, reads first ask for what the rehearsal has recorded, and a directory that would be made reads as "".
 */
#include "cgroup/level.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>

#include "util/file.h"

char *level_file(const struct level *level, const char *file) {
        char *path;

        if (asprintf(&path, "%s/%s%s%s", level->hierarchy->mount_point, level->path, level->path[0] ? "/" : "",
                     hierarchy_file(level->hierarchy, file)) < 0)
                return NULL;
        return path;
}

/* 1 if the rehearsal has the text of the file, 0 if not, or -ENOMEM. */
static int read_rehearsed(const struct level *level, const char *file, char **out) {
        _cleanup_free_ char *path = level_file(level, file);
        const char *text;

        if (!path)
                return -ENOMEM;
        text = rehearsal_text(level->cgroup->rehearsal, path);
        if (!text && level->fd >= 0)
                return 0;
        *out = strdup(text ? text : "");
        return *out ? 1 : -ENOMEM;
}

int level_read(const struct level *level, const char *file, char **out) {
        int r = level->cgroup->rehearsal ? read_rehearsed(level, file, out) : 0;

        if (r != 0)
                return r < 0 ? r : 0;
        r = file_read_at(level->fd, hierarchy_file(level->hierarchy, file), FILE_SIZE_MAX, out, NULL);

        if (r == 0)
                file_chomp(*out);
        return r;
}

int level_write(const struct level *level, const char *file, const char *value) {
        _cleanup_free_ char *path = level_file(level, file);

        if (!path)
                return -ENOMEM;
        if (level->cgroup->rehearsal)
                return rehearsal_write(level->cgroup->rehearsal, path, value);
        log_debug(level->cgroup->log, "write %s: %s", path, value);
        return file_write_at(level->fd, hierarchy_file(level->hierarchy, file), value);
}

int level_fail(const struct level *level, const char *file, int r, struct error *error) {
        _cleanup_free_ char *path = level_file(level, file);

        return path ? error_fail(error, -r, "%s", path) : error_oom(error);
}

/* A group that has gone is no failure. */
static int failure(int r) {
        return cgroup_is_gone(r) ? 0 : r;
}

/* 0 also where the child could not be opened: `*failed` is why. */
static int call_child(const struct level *level, const char *name, level_child_fn each, void *data,
                      int *failed) {
        _cleanup_close_ int fd = file_open_beneath(level->fd, name, O_RDONLY | O_DIRECTORY);
        _cleanup_free_ char *path = NULL;

        if (fd < 0) {
                if (*failed == 0)
                        *failed = failure(fd);
                return 0;
        }
        if (asprintf(&path, "%s%s%s", level->path, level->path[0] ? "/" : "", name) < 0) {
                path = NULL;
                return -ENOMEM;
        }
        return each(&(struct level){level->cgroup, level->hierarchy, fd, path}, name, data);
}

int level_for_each_child(const struct level *level, level_child_fn each, void *data) {
        DIR *stream = level->fd >= 0 ? file_open_stream(level->fd, ".") : NULL;
        struct dirent *entry;
        int r = 0, failed = 0;

        if (!stream)
                return level->fd >= 0 ? failure(-errno) : 0;
        while (r == 0) {
                errno = 0;
                entry = readdir(stream);
                if (!entry) {
                        if (errno != 0 && failed == 0)
                                failed = failure(-errno);
                        break;
                }
                if (file_is_child_directory(entry))
                        r = call_child(level, entry->d_name, each, data, &failed);
        }
        (void)closedir(stream);
        return r != 0 ? r : failed;
}
