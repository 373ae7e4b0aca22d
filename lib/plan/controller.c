/* SPDX-License-Identifier: Apache-2.0 */
/* Names of controllers. The io controller is called blkio on v1. */
#include "plan/controller.h"

#include <string.h>

static const char *const names[CONTROLLER_COUNT] = {
        [CONTROLLER_CPU] = "cpu",
        [CONTROLLER_CPUACCT] = "cpuacct",
        [CONTROLLER_CPUSET] = "cpuset",
        [CONTROLLER_MEMORY] = "memory",
        [CONTROLLER_PIDS] = "pids",
        [CONTROLLER_IO] = "io",
        [CONTROLLER_DEVICES] = "devices",
        [CONTROLLER_HUGETLB] = "hugetlb",
        [CONTROLLER_NET_CLS] = "net_cls",
        [CONTROLLER_NET_PRIO] = "net_prio",
        [CONTROLLER_RDMA] = "rdma",
        [CONTROLLER_FREEZER] = "freezer",
        [CONTROLLER_PERF_EVENT] = "perf_event",
        [CONTROLLER_MISC] = "misc",
        [CONTROLLER_DMEM] = "dmem",
};

const char *controller_name(enum controller controller, enum cgroup_version version) {
        if (controller == CONTROLLER_COUNT)
                return NULL;
        if (controller == CONTROLLER_IO && version == CGROUP_V1)
                return "blkio";
        return names[controller];
}

int controller_from_name(const char *name) {
        if (strcmp(name, "blkio") == 0)
                return CONTROLLER_IO;
        for (int i = 0; i < CONTROLLER_COUNT; i++)
                if (strcmp(names[i], name) == 0)
                        return i;
        return -1;
}
