/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* The kernel's resource controllers that OCI resources need, and their names in both versions. */

#include <stddef.h>

enum cgroup_version {
        CGROUP_ABSENT = 0,
        CGROUP_V1 = 1,
        CGROUP_V2 = 2,
};

enum controller {
        CONTROLLER_CPU,
        CONTROLLER_CPUACCT, /* v1 only: part of cpu on v2 */
        CONTROLLER_CPUSET,
        CONTROLLER_MEMORY,
        CONTROLLER_PIDS,
        CONTROLLER_IO,      /* "blkio" on v1 */
        CONTROLLER_DEVICES, /* v1 only */
        CONTROLLER_HUGETLB,
        CONTROLLER_NET_CLS,  /* v1 only */
        CONTROLLER_NET_PRIO, /* v1 only */
        CONTROLLER_RDMA,
        CONTROLLER_FREEZER, /* v1; on v2 part of the core */
        CONTROLLER_PERF_EVENT,
        CONTROLLER_MISC,
        CONTROLLER_DMEM, /* v2 only; Linux 6.14 */
        CONTROLLER_COUNT,
};

/* The name in /proc/self/mountinfo (v1) or cgroup.controllers (v2); NULL for CONTROLLER_COUNT, which stands for none. */
const char *controller_name(enum controller controller, enum cgroup_version version);

/* From the name in either version; -1 for an unknown name. */
int controller_from_name(const char *name);
