/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the running kernel has
 *
 * Each probe is a call that cannot succeed in changing anything; its error says whether the kernel knows the call.
 */
#include "host/kernel.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/openat2.h>
#include <linux/sched.h>
#include <stdio.h>
#include <sys/syscall.h>
#include <sys/utsname.h>
#include <unistd.h>

#include "util/cleanup.h"
#include "util/file.h"

bool kernel_has_openat2(void) {
        struct open_how how = {.flags = O_PATH | O_DIRECTORY | O_CLOEXEC};
        _cleanup_close_ int fd = (int)syscall(SYS_openat2, AT_FDCWD, "/", &how, sizeof(how));

        return fd >= 0;
}

/* A kernel that knows the flag looks up the descriptor before it makes a child, and the descriptor is invalid: EBADF. Older
 * kernels refuse the flag or the length of the struct (kernel/fork.c, clone3). */
bool kernel_has_clone_into_cgroup(void) {
        struct clone_args arguments = {.flags = CLONE_INTO_CGROUP, .cgroup = INT_MAX};

        return syscall(SYS_clone3, &arguments, sizeof(arguments)) < 0 && errno == EBADF;
}

/* The root group has no such file, so some group below it is examined. False if there is none. */
static bool ask_some_group(const struct hierarchy *hierarchy, bool *out) {
        DIR *stream = file_open_stream(hierarchy->fd, ".");
        struct dirent *entry;
        bool found = false;

        while (stream && !found && (entry = readdir(stream))) {
                char path[sizeof(entry->d_name) + sizeof("/cgroup.kill")];

                if (!file_is_child_directory(entry))
                        continue;
                found = true;
                (void)snprintf(path, sizeof(path), "%s/cgroup.kill", entry->d_name);
                *out = file_exists_at(hierarchy->fd, path);
        }
        if (stream)
                (void)closedir(stream);
        return found;
}

bool kernel_has_cgroup_kill(const struct host *host) {
        int version, patch_level;
        struct utsname name;
        bool has = false;

        if (!host->unified)
                return false;
        if (ask_some_group(host->unified, &has))
                return has;
        return uname(&name) == 0 && sscanf(name.release, "%d.%d", &version, &patch_level) == 2 &&
               (version > 5 || (version == 5 && patch_level >= 14));
}
