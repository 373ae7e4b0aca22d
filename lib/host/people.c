/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Who is who among the members of a sandbox's groups
 *
 * Subtle: the search walks from a process up to its ancestors, and the VMM ends it, so that descendants of the VMM are not
 * taken for the shim's.
 */
#include "host/people.h"

#include <stdlib.h>

/* Parents are read one after the other while processes start and end, so the search needs a bound. */
#define ANCESTORS_MAX 4096

void people_clear(struct people *people) {
        pid_set_clear(&people->callers);
        free(people->runtime);
}

static const struct process *find_recorded(const struct people *people, pid_t pid) {
        for (size_t i = 0; i < people->runtime_count; i++)
                if (people->runtime[i]->pid == pid && process_is_alive(people->runtime[i]))
                        return people->runtime[i];
        return NULL;
}

const struct process *people_runtime_of(const struct people *people, pid_t pid) {
        for (int i = 0; i < ANCESTORS_MAX && pid > 0; i++) {
                const struct process *recorded;
                struct proc_stat stat;

                if (people->vmm && people->vmm->pid == pid)
                        return NULL;
                recorded = find_recorded(people, pid);
                if (recorded)
                        return recorded;
                if (people->recorded_only || proc_read_stat(pid, &stat) < 0)
                        return NULL;
                pid = stat.parent;
        }
        return NULL;
}
