/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* What a test has made in a temporary place */

#include <ftw.h>
#include <stdbool.h>
#include <stdio.h>

static inline int remove_entry(const char *path, const struct stat *status, int type, struct FTW *at) {
        (void)status;
        (void)type;
        (void)at;
        return remove(path);
}

/* Removes the directory with all that is in it. False where something stays. */
static inline bool remove_tree(const char *directory) {
        return nftw(directory, remove_entry, 16, FTW_DEPTH | FTW_PHYS) == 0;
}
