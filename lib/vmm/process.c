/* SPDX-License-Identifier: Apache-2.0 */
#include "vmm/process.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "util/file.h"

struct process *process_free(struct process *process) {
        if (!process)
                return NULL;
        cleanup_close(&process->pidfd);
        cleanup_close(&process->proc_fd);
        free(process);
        return NULL;
}

bool process_is_alive(const struct process *process) {
        struct pollfd fd = {.fd = process->pidfd, .events = POLLIN};

        return poll(&fd, 1, 0) == 0;
}

bool process_has_thread(const struct process *process, pid_t tid) {
        char path[32];

        (void)snprintf(path, sizeof(path), "task/%d", tid);
        return file_exists_at(process->proc_fd, path);
}

int process_new(pid_t pid, const char *source, struct process **out, struct error *error) {
        _cleanup_(process_freep) struct process *process = NULL;
        char path[32];

        if (pid == 1 || pid == getpid())
                return error_refuse(error, source, "process %d cannot be the VMM", pid);
        process = calloc(1, sizeof(*process));
        if (!process)
                return error_oom(error);
        *process = (struct process){pid, -1, -1};
        process->pidfd = (int)syscall(SYS_pidfd_open, pid, 0);
        if (process->pidfd < 0 && (errno == ESRCH || errno == EINVAL || errno == ENOENT))
                return error_refuse(error, source, "there is no process %d", pid);
        if (process->pidfd < 0)
                return error_fail(error, errno, "cannot open process %d", pid);
        (void)snprintf(path, sizeof(path), "/proc/%d", pid);
        process->proc_fd = open(path, O_PATH | O_DIRECTORY | O_CLOEXEC);
        /* The pidfd was first: if it still is alive now, /proc/PID is of the same process. */
        if (process->proc_fd < 0 || !process_is_alive(process))
                return error_refuse(error, source, "there is no process %d", pid);
        *out = TAKE(process);
        return 0;
}
