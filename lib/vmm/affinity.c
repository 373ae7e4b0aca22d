/* SPDX-License-Identifier: Apache-2.0 */
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

/* A number that is looked at on both sides of the call is the thread's in between. */
static int set_thread(const struct process *vmm, pid_t tid, const struct cpulist *cpus) {
        int r;

        if (!process_has_thread(vmm, tid))
                return -ESRCH;
        r = affinity_set(tid, cpus);
        return r == 0 && !process_has_thread(vmm, tid) ? -ESRCH : r;
}

int affinity_pin(const struct process *vmm, const struct vcpus *vcpus, const struct cpulist *cpus,
                 bool one_each, struct error *error) {
        one_each = one_each && cpulist_count(cpus) == vcpus->count;
        for (size_t i = 0; i < vcpus->count; i++) {
                struct cpulist one = {0};
                int r;

                if (one_each)
                        cpulist_add(&one, (unsigned)cpulist_nth(cpus, i));
                r = set_thread(vmm, vcpus->vcpus[i].tid, one_each ? &one : cpus);
                if (r < 0)
                        return error_fail(error, -r, "cannot set the CPUs of vCPU %u, thread %d",
                                          vcpus->vcpus[i].index, vcpus->vcpus[i].tid);
        }
        return 0;
}
