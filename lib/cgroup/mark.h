/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * Whose directory is this?
 *
 * Directories that kata-cgroup makes carry the extended attribute trusted.kata_cgroup: a sandbox's own
 * ones its ID, parents made on the way MARK_PARENT. So a leftover is told from somebody else's group, and
 * a parent that several sandboxes share goes with the last of them, whichever made it. Only root can
 * read or write the attribute; kernfs keeps it in memory. Where it cannot be written, nothing is lost but
 * that knowledge.
 */

#include <stdbool.h>
#include <string.h>
#include <sys/xattr.h>

#define MARK_NAME "trusted.kata_cgroup"
#define MARK_PARENT "/"
#define MARK_SIZE 256

static inline void mark_write(int directory, const char *owner) {
        (void)fsetxattr(directory, MARK_NAME, owner, strlen(owner), 0);
}

/* False where there is no mark. */
static inline bool mark_read(int directory, char mark[static MARK_SIZE]) {
        ssize_t length = fgetxattr(directory, MARK_NAME, mark, MARK_SIZE - 1);

        if (length < 0)
                return false;
        mark[length] = '\0';
        return true;
}
