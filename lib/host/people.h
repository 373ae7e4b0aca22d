/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * Who is who among the members of a sandbox's groups
 *
 * A runtime process (shim, virtiofsd) is one that the state has recorded, or a descendant of one: the shim often forks
 * virtiofsd after create, so virtiofsd is born in the shim's group. The VMM, although the shim starts it, and its descendants
 * are not runtime processes. When the VMM ends, its children become descendants of the shim only if the shim is a child
 * subreaper (PR_SET_CHILD_SUBREAPER).
 */

#include <stdbool.h>
#include <stddef.h>

#include "host/process.h"

struct people {
        struct pid_set callers; /* the calling process and its ancestors */
        /* The recorded processes that are alive: the array is owned, the processes are held but not owned. */
        struct process **runtime;
        size_t runtime_count;
        /* Held, not owned; NULL if no VMM is alive. It may be one of `runtime`. */
        const struct process *vmm;
        bool recorded_only; /* descendants do not count */
};

void people_clear(struct people *people);

/* The recorded runtime process that the process with this pid is or descends from; NULL if it is not a runtime process. */
const struct process *people_runtime_of(const struct people *people, pid_t pid);
