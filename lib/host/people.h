/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * Who is who among the members of a sandbox's groups
 *
 * A runtime process (shim, virtiofsd) is one that the state has recorded, or a descendant of one: virtiofsd is often forked
 * by the shim after create, and so is born in the shim's group. The VMM, which the shim starts as well, is none, nor is what
 * is below it. What the VMM leaves behind when it ends becomes a descendant of the shim only where that is a child subreaper
 * (PR_SET_CHILD_SUBREAPER).
 */

#include <stdbool.h>
#include <stddef.h>

#include "host/process.h"

struct people {
        struct pid_set callers; /* the calling process and its ancestors */
        /* Those recorded that live: the array is owned, the processes are held and not owned. */
        struct process **runtime;
        size_t runtime_count;
        /* Held, not owned; NULL: there is none that lives. It may be among `runtime`. */
        const struct process *vmm;
        bool recorded_only; /* descendants do not count */
};

void people_clear(struct people *people);

/* The recorded runtime process that the process with this pid is or descends from; NULL where it is no runtime process. */
const struct process *people_runtime_of(const struct people *people, pid_t pid);
