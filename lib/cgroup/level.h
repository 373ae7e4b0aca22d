/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* One level of the path to a group: its own directory or one above it. For lib/cgroup only. */

#include "cgroup/cgroup.h"

struct level {
        struct cgroup *cgroup; /* the group at the end of the path */
        const struct hierarchy *hierarchy;
        int fd;           /* not owned; -1: a directory that would be made (cgroup/rehearsal.h) */
        const char *path; /* relative to the mount point, "" for the root */
};

/* "MOUNT_POINT/PATH/FILE", by the name that the file has in this hierarchy; NULL without memory. */
char *level_file(const struct level *level, const char *file);

/* Reads one of its files, without the newline; in a rehearsal, the text that it would have ("" in a directory that would be
 * made). 0 or a negative errno, no error set. */
int level_read(const struct level *level, const char *file, char **out);

/* Writes one of its files, after logging it; in a rehearsal only records that. 0 or a negative errno, no error set. */
int level_write(const struct level *level, const char *file, const char *value);

/* Sets the error of a read or a write that has failed with this negative errno. */
int level_fail(const struct level *level, const char *file, int r, struct error *error);

/* Calls `each` with the directory of each child group that can be opened, until it returns something else than 0. Returns
 * that; otherwise 0, or the negative errno of the first that could not be read though it has not gone. */
typedef int (*level_child_fn)(const struct level *child, const char *name, void *data);
int level_for_each_child(const struct level *level, level_child_fn each, void *data);
