/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * The VMM process
 *
 * A pid never travels alone: the process is held by a pidfd and by an open /proc/PID, both of which stop
 * answering when it ends, so that a recycled pid is never mistaken for it.
 */

#include <stdbool.h>
#include <sys/types.h>

#include "util/cleanup.h"
#include "util/error.h"

struct process {
        pid_t pid;
        int pidfd;
        int proc_fd; /* /proc/PID */
};

/* Takes hold of a living process. pid 1, the caller and kernel threads are refused (status 5, field
 * `source`, e.g. "--vmm-pid"), as is a pid that is nobody's or a mere thread's. */
int process_new(pid_t pid, const char *source, struct process **out, struct error *error);
struct process *process_free(struct process *process);
DEFINE_CLEANUP(struct process *, process_free)

/* False once it has ended, zombie included. */
bool process_is_alive(const struct process *process);

/* Whether `tid` is at this moment one of its threads. */
bool process_has_thread(const struct process *process, pid_t tid);
