/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Affinities as CPU lists
 *
 * Subtle: sched_getaffinity(2) fails with a buffer that is smaller than the kernel's mask, so the buffer has CPULIST_LIMIT bits,
 * the kernel's maximum.
 */
#include "vmm/affinity.h"

#include <errno.h>
#include <sched.h>
#include <string.h>

int affinity_get(pid_t tid, struct cpulist *out) {
        cpu_set_t set[CPULIST_LIMIT / CPU_SETSIZE];

        memset(out, 0, sizeof(*out));
        CPU_ZERO_S(sizeof(set), set);
        if (sched_getaffinity(tid, sizeof(set), set) < 0)
                return -errno;
        for (unsigned cpu = 0; cpu < CPULIST_LIMIT; cpu++)
                if (CPU_ISSET_S(cpu, sizeof(set), set))
                        cpulist_add(out, cpu);
        return 0;
}

int affinity_set(pid_t tid, const struct cpulist *cpus) {
        cpu_set_t set[CPULIST_LIMIT / CPU_SETSIZE];

        CPU_ZERO_S(sizeof(set), set);
        for (unsigned cpu = 0; cpu < CPULIST_LIMIT; cpu++)
                if (cpulist_contains(cpus, cpu))
                        CPU_SET_S(cpu, sizeof(set), set);
        return sched_setaffinity(tid, sizeof(set), set) < 0 ? -errno : 0;
}
