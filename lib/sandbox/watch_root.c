/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What changes below ROOT, by inotify(7)
 *
 * A state is replaced by rename(2), so the directory of a sandbox tells of it. Directories are watched by the descriptors
 * that the checked walk to ROOT has led to (/proc/self/fd), not by their names.
 *
 * Subtle: ROOT may be made between the look for it and the watch on the directory above it. So it is looked for again once
 * that watch is there.
 */
#include "sandbox/watch_root.h"

#include <limits.h>
#include <stdio.h>
#include <sys/inotify.h>
#include <sys/stat.h>
#include <unistd.h>

#include "sandbox/store.h"

#define ROOT_MASK                                                                                              \
        (IN_CREATE | IN_MOVED_TO | IN_DELETE | IN_MOVED_FROM | IN_DELETE_SELF | IN_MOVE_SELF | IN_ONLYDIR)
#define SANDBOX_MASK (IN_MOVED_TO | IN_DELETE | IN_DELETE_SELF | IN_ONLYDIR | IN_DONT_FOLLOW)

#define FD_PATH "/proc/self/fd/%d"

void watch_root_close(struct watch_root *root) {
        cleanup_close(&root->inotify);
        cleanup_close(&root->fd);
        root->inotify = root->fd = -1;
}

static bool is_same(int a, int b) {
        struct stat first, second;

        return a >= 0 && b >= 0 && fstat(a, &first) == 0 && fstat(b, &second) == 0 &&
               first.st_ino == second.st_ino && first.st_dev == second.st_dev;
}

/* Watches another directory than before. */
static int replace_watch(struct watch_root *root, struct error *error) {
        char path[sizeof(FD_PATH) + 16];
        int wd;

        (void)snprintf(path, sizeof(path), FD_PATH, root->fd);
        wd = inotify_add_watch(root->inotify, path, ROOT_MASK);
        if (wd < 0)
                return error_fail(error, errno, "cannot watch %s", root->path);
        if (root->wd >= 0 && root->wd != wd)
                (void)inotify_rm_watch(root->inotify, root->wd);
        root->wd = wd;
        return 0;
}

int watch_root_open(struct watch_root *root, struct error *error) {
        if (root->inotify < 0)
                root->inotify = inotify_init1(IN_CLOEXEC | IN_NONBLOCK);
        if (root->inotify < 0)
                return error_fail(error, errno, "cannot make an inotify instance");
        for (;;) {
                bool exists, same;
                int fd, r;

                r = store_open_root(root->path, &fd, &exists, error);
                if (r < 0)
                        return r;
                same = is_same(fd, root->fd);
                cleanup_close(&root->fd);
                root->fd = fd;
                root->exists = exists;
                if (same)
                        return 0;
                r = replace_watch(root, error);
                if (r < 0)
                        return r;
        }
}

int watch_root_add(const struct watch_root *root, const char *id, int *out) {
        char path[sizeof(FD_PATH) + 16 + NAME_MAX];
        int wd;

        if (!root->exists)
                return -ENOENT;
        (void)snprintf(path, sizeof(path), FD_PATH "/%s", root->fd, id);
        wd = inotify_add_watch(root->inotify, path, SANDBOX_MASK);
        if (wd < 0)
                return error_negative(-errno);
        *out = wd;
        return 0;
}

/* Whether the directory that is watched is not ROOT any more, or may not be. */
static bool is_about_root(const struct watch_root *root, const struct inotify_event *event) {
        if (event->mask & IN_Q_OVERFLOW)
                return true;
        return event->wd == root->wd &&
               (!root->exists || (event->mask & (IN_DELETE_SELF | IN_MOVE_SELF | IN_IGNORED)));
}

int watch_root_read(struct watch_root *root, int (*each)(const struct watch_change *change, void *data),
                    void *data) {
        _Alignas(struct inotify_event) char buffer[16 * (sizeof(struct inotify_event) + NAME_MAX + 1)];
        ssize_t length;
        int r = 0;

        while (r == 0 && (length = read(root->inotify, buffer, sizeof(buffer))) > 0) {
                const struct inotify_event *event;

                for (char *at = buffer; r == 0 && at < buffer + length; at += sizeof(*event) + event->len) {
                        event = (const void *)at;
                        r = each(&(struct watch_change){is_about_root(root, event), event->wd,
                                                        event->wd == root->wd && event->len > 0 ? event->name
                                                                                                : NULL},
                                 data);
                }
        }
        return r;
}
