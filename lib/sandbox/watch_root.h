/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* What changes below ROOT: which sandboxes there are, and their states. For lib/sandbox/watch.c only. */

#include <stdbool.h>
#include <stdint.h>

#include "util/error.h"

struct watch_root {
        const char *path; /* not owned */
        int inotify;
        int fd;      /* ROOT, or the deepest directory above it that there is */
        bool exists; /* it is ROOT */
        int wd;      /* of fd */
};

#define WATCH_ROOT_INIT(path_)                                                                                 \
        { .path = (path_), .inotify = -1, .fd = -1, .wd = -1 }
void watch_root_close(struct watch_root *root);
#define _cleanup_watch_root_ _cleanup_(watch_root_close)

/* Opens ROOT, or what there is of the way to it, and watches that; again after it has changed. Status 1 or 5. */
int watch_root_open(struct watch_root *root, struct error *error);

/* Watches the directory of a sandbox, and says by which number its changes are known: one that is watched already has the
 * same number. 0, or a negative errno without an error set: -ENOENT where there is no such sandbox. */
int watch_root_add(const struct watch_root *root, const char *id, int *out);

/* What has changed. */
struct watch_change {
        bool root;        /* anything may have changed: ROOT has come or gone, or changes were lost */
        int wd;           /* otherwise: of which sandbox */
        const char *name; /* or which entry of ROOT */
};

/* Calls `each` with all changes since the last call, until it says other than 0. Returns that, or 0. */
int watch_root_read(struct watch_root *root, int (*each)(const struct watch_change *change, void *data),
                    void *data);
