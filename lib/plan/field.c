/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The table of OCI fields
 *
 * Subtle: the order of rows is the order of writes. cpuset is first, since a v1 cpuset accepts no task before
 * it is filled. cpu.idle is before cpu.shares, since the kernel refuses a weight for an idle group
 * (sched_group_set_shares() in kernel/sched/fair.c). unified is last, since it replaces values of other fields.
 */
#include "plan/field.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "oci/resources.h"
#include "plan/field_plans.h"
#include "plan/plan.h"
#include "util/cleanup.h"

/* The place of a number in struct oci_resources. */
#define NUMBER(type_, member_) .type = (type_), .offset = offsetof(struct oci_resources, member_)

static const char no_kernel_limit[] = "cgroup v2 accounts kernel memory with all other";

static const struct field_row rows[] = {
        {
                .path = "cpu.cpus",
                .controller = CONTROLLER_CPUSET,
                .v1 = {.name = "cpuset.cpus"},
                .v2 = {.name = "cpuset.cpus"},
                .property_v1 = {"AllowedCPUs", 244},
                .property_v2 = {"AllowedCPUs", 244},
                .flags = FILE_INHERIT,
                .plan = plan_cpus,
        },
        {
                .path = "cpu.mems",
                .controller = CONTROLLER_CPUSET,
                .v1 = {.name = "cpuset.mems"},
                .v2 = {.name = "cpuset.mems"},
                .property_v1 = {"AllowedMemoryNodes", 244},
                .property_v2 = {"AllowedMemoryNodes", 244},
                .flags = FILE_INHERIT,
                .plan = plan_mems,
        },
        {
                .path = "memory.limit",
                .controller = CONTROLLER_MEMORY,
                NUMBER(FIELD_I64, memory.limit),
                .v1 = {.name = "memory.limit_in_bytes"},
                .v2 = {.name = "memory.max"},
                .property_v1 = {.name = "MemoryLimit"},
                .property_v2 = {.name = "MemoryMax"},
                .flags = FILE_VERIFY | FILE_BYTES,
                .group = GROUP_MEMORY,
                .note = "0 counts as not given",
                .plan = plan_memory_limit,
        },
        {
                .path = "memory.swap",
                .controller = CONTROLLER_MEMORY,
                NUMBER(FIELD_I64, memory.swap),
                .v1 = {.name = "memory.memsw.limit_in_bytes"},
                .v2 = {.name = "memory.swap.max"},
                .property_v2 = {.name = "MemorySwapMax"},
                .flags = FILE_BYTES,
                .group = GROUP_MEMORY,
                .note = "v2 gets swap minus limit; 0 counts as not given",
                .plan = plan_swap,
        },
        {
                .path = "memory.reservation",
                .controller = CONTROLLER_MEMORY,
                NUMBER(FIELD_I64, memory.reservation),
                .v1 = {.name = "memory.soft_limit_in_bytes"},
                .v2 = {.name = "memory.low"},
                .property_v2 = {.name = "MemoryLow"},
                .flags = FILE_BYTES,
                .note = "0 counts as not given",
                .plan = plan_scalar,
        },
        {
                .path = "memory.kernel",
                .controller = CONTROLLER_MEMORY,
                NUMBER(FIELD_I64, memory.kernel),
                .v1 = {.name = "memory.kmem.limit_in_bytes"},
                .v2 = {.ignored = no_kernel_limit},
                .flags = FILE_REFUSED_WARN | FILE_BYTES,
                .note = "obsolete: a warning where it is refused; 0 counts as not given",
                .plan = plan_scalar,
        },
        {
                .path = "memory.kernelTCP",
                .controller = CONTROLLER_MEMORY,
                NUMBER(FIELD_I64, memory.kernel_tcp),
                .v1 = {.name = "memory.kmem.tcp.limit_in_bytes"},
                .v2 = {.ignored = no_kernel_limit},
                .flags = FILE_BYTES,
                .note = "0 counts as not given",
                .plan = plan_scalar,
        },
        {
                .path = "memory.swappiness",
                .controller = CONTROLLER_MEMORY,
                NUMBER(FIELD_U64, memory.swappiness),
                .v1 = {.name = "memory.swappiness"},
                .v2 = {.refused = "swappiness of a group"},
                .plan = plan_scalar,
        },
        {
                .path = "memory.disableOOMKiller",
                .controller = CONTROLLER_MEMORY,
                NUMBER(FIELD_BOOL, memory.disable_oom_killer),
                .v1 = {.name = "memory.oom_control"},
                .v2 = {.refused = "way to disable the OOM killer", .has_harmless = true, .harmless = false},
                .note = "on v2 only false",
                .plan = plan_scalar,
        },
        {
                .path = "memory.useHierarchy",
                .controller = CONTROLLER_MEMORY,
                NUMBER(FIELD_BOOL, memory.use_hierarchy),
                .v1 = {.name = "memory.use_hierarchy"},
                .v2 = {.refused = "accounting without hierarchy", .has_harmless = true, .harmless = true},
                .note = "on v2 only true",
                .plan = plan_scalar,
        },
        {
                .path = "memory.checkBeforeUpdate",
                .controller = CONTROLLER_MEMORY,
                .note = "a limit below the current usage is refused",
                .plan = plan_elsewhere,
        },
        {
                .path = "cpu.idle",
                .controller = CONTROLLER_CPU,
                NUMBER(FIELD_I64, cpu.idle),
                .v1 = {.name = "cpu.idle"},
                .v2 = {.name = "cpu.idle"},
                .property_v2 = {"CPUWeight", 252},
                .note = "CPUWeight=0; while it is 1, shares have no effect",
                .plan = plan_idle,
        },
        {
                .path = "cpu.shares",
                .controller = CONTROLLER_CPU,
                NUMBER(FIELD_U64, cpu.shares),
                .v1 = {.name = "cpu.shares"},
                .v2 = {.name = "cpu.weight"},
                .property_v1 = {.name = "CPUShares"},
                .property_v2 = {.name = "CPUWeight"},
                .flags = FILE_VERIFY,
                .note = "converted on v2",
                .plan = plan_shares,
        },
        {
                .path = "cpu.period",
                .controller = CONTROLLER_CPU,
                NUMBER(FIELD_U64, cpu.period),
                .v1 = {.name = "cpu.cfs_period_us"},
                .v2 = {.name = "cpu.max"},
                .property_v1 = {"CPUQuotaPeriodUSec", 242},
                .property_v2 = {"CPUQuotaPeriodUSec", 242},
                .group = GROUP_CPU_BANDWIDTH,
                .plan = plan_period,
        },
        {
                .path = "cpu.quota",
                .controller = CONTROLLER_CPU,
                NUMBER(FIELD_I64, cpu.quota),
                .v1 = {.name = "cpu.cfs_quota_us"},
                .v2 = {.name = "cpu.max"},
                .property_v1 = {.name = "CPUQuotaPerSecUSec"},
                .property_v2 = {.name = "CPUQuotaPerSecUSec"},
                .group = GROUP_CPU_BANDWIDTH,
                .note = "systemd: rounded up to 10 ms a second",
                .plan = plan_quota,
        },
        {
                .path = "cpu.burst",
                .controller = CONTROLLER_CPU,
                NUMBER(FIELD_U64, cpu.burst),
                .v1 = {.name = "cpu.cfs_burst_us"},
                .v2 = {.name = "cpu.max.burst"},
                .group = GROUP_CPU_BANDWIDTH,
                .plan = plan_scalar,
        },
        {
                .path = "cpu.realtimePeriod",
                .controller = CONTROLLER_CPU,
                NUMBER(FIELD_U64, cpu.realtime_period),
                .v1 = {.name = "cpu.rt_period_us"},
                .v2 = {.refused = "real-time bandwidth", .has_harmless = true, .harmless = 0},
                .group = GROUP_REALTIME,
                .note = "on v2 only 0; 0 is unset",
                .plan = plan_realtime,
        },
        {
                .path = "cpu.realtimeRuntime",
                .controller = CONTROLLER_CPU,
                NUMBER(FIELD_I64, cpu.realtime_runtime),
                .v1 = {.name = "cpu.rt_runtime_us"},
                .v2 = {.refused = "real-time bandwidth", .has_harmless = true, .harmless = 0},
                .flags = FILE_SHARES_BUDGET,
                .group = GROUP_REALTIME,
                .note = "on v2 only 0",
                .plan = plan_realtime,
        },
        {
                .path = "blockIO.weight",
                .controller = CONTROLLER_IO,
                NUMBER(FIELD_U64, block_io.weight),
                .v1 = {.name = "blkio.weight", .fallback = "blkio.bfq.weight"},
                .v2 = {.name = "io.bfq.weight", .fallback = "io.weight"},
                .property_v1 = {.name = "BlockIOWeight"},
                .property_v2 = {.name = "IOWeight"},
                .note = "converted for io.weight",
                .plan = plan_io_weight,
        },
        {
                .path = "blockIO.leafWeight",
                .controller = CONTROLLER_IO,
                NUMBER(FIELD_U64, block_io.leaf_weight),
                .v1 = {.name = "blkio.leaf_weight"},
                .v2 = {.refused = "leaf weight"},
                .plan = plan_scalar,
        },
        {
                .path = "blockIO.weightDevice",
                .controller = CONTROLLER_IO,
                .v1 = {.name = "blkio.weight_device",
                       .fallback = "blkio.bfq.weight_device",
                       .also = "blkio.leaf_weight_device"},
                .v2 = {.name = "io.bfq.weight", .fallback = "io.weight"},
                .property_v1 = {.name = "BlockIODeviceWeight"},
                .property_v2 = {.name = "IODeviceWeight"},
                .flags = FILE_KEYED,
                .note = "a weight of 0 takes it back; leaf weights are refused on v2",
                .plan = plan_io_weight_device,
        },
        {
                .path = "blockIO.throttleReadBpsDevice",
                .controller = CONTROLLER_IO,
                .v1 = {.name = "blkio.throttle.read_bps_device"},
                .v2 = {.name = "io.max"},
                .property_v1 = {.name = "BlockIOReadBandwidth"},
                .property_v2 = {.name = "IOReadBandwidthMax"},
                .flags = FILE_KEYED,
                .note = "a rate of 0 is no limit",
                .plan = plan_throttle_read_bps,
        },
        {
                .path = "blockIO.throttleWriteBpsDevice",
                .controller = CONTROLLER_IO,
                .v1 = {.name = "blkio.throttle.write_bps_device"},
                .v2 = {.name = "io.max"},
                .property_v1 = {.name = "BlockIOWriteBandwidth"},
                .property_v2 = {.name = "IOWriteBandwidthMax"},
                .flags = FILE_KEYED,
                .note = "a rate of 0 is no limit",
                .plan = plan_throttle_write_bps,
        },
        {
                .path = "blockIO.throttleReadIOPSDevice",
                .controller = CONTROLLER_IO,
                .v1 = {.name = "blkio.throttle.read_iops_device"},
                .v2 = {.name = "io.max"},
                .property_v2 = {.name = "IOReadIOPSMax"},
                .flags = FILE_KEYED,
                .note = "a rate of 0 is no limit",
                .plan = plan_throttle_read_iops,
        },
        {
                .path = "blockIO.throttleWriteIOPSDevice",
                .controller = CONTROLLER_IO,
                .v1 = {.name = "blkio.throttle.write_iops_device"},
                .v2 = {.name = "io.max"},
                .property_v2 = {.name = "IOWriteIOPSMax"},
                .flags = FILE_KEYED,
                .note = "a rate of 0 is no limit",
                .plan = plan_throttle_write_iops,
        },
        {
                .path = "hugepageLimits",
                .controller = CONTROLLER_HUGETLB,
                .v1 = {.name = "hugetlb.SIZE.limit_in_bytes", .also = "hugetlb.SIZE.rsvd.limit_in_bytes"},
                .v2 = {.name = "hugetlb.SIZE.max", .also = "hugetlb.SIZE.rsvd.max"},
                .flags = FILE_BYTES,
                .note = "the limit on reservations where the kernel has it",
                .plan = plan_hugepages,
        },
        {
                .path = "network.classID",
                .controller = CONTROLLER_NET_CLS,
                NUMBER(FIELD_U64, network.class_id),
                .v1 = {.name = "net_cls.classid"},
                .v2 = {.refused = "such controller"},
                .plan = plan_scalar,
        },
        {
                .path = "network.priorities",
                .controller = CONTROLLER_NET_PRIO,
                .v1 = {.name = "net_prio.ifpriomap"},
                .v2 = {.refused = "such controller"},
                .flags = FILE_KEYED,
                .note = "for interfaces that exist",
                .plan = plan_priorities,
        },
        {
                .path = "rdma",
                .controller = CONTROLLER_RDMA,
                .v1 = {.name = "rdma.max"},
                .v2 = {.name = "rdma.max"},
                .flags = FILE_KEYED,
                .plan = plan_rdma,
        },
        {
                .path = "pids.limit",
                .controller = CONTROLLER_PIDS,
                NUMBER(FIELD_I64, pids.limit),
                .v1 = {.name = "pids.max"},
                .v2 = {.name = "pids.max"},
                .property_v1 = {.name = "TasksMax"},
                .property_v2 = {.name = "TasksMax"},
                .note = "0 means 1; not given: TasksMax=infinity",
                .plan = plan_pids,
        },
        {
                .path = "devices",
                .controller = CONTROLLER_DEVICES,
                .v1 = {.name = "devices.allow", .also = "devices.deny"},
                .v2 = {.name = "eBPF program"},
                .property_v1 = {.name = "DeviceAllow"},
                .property_v2 = {.name = "DeviceAllow"},
                .note = "with DevicePolicy",
                .plan = plan_devices,
        },
        {
                .path = "unified",
                .controller = CONTROLLER_COUNT,
                .v2 = {.name = "KEY"},
                .property_v2 = {.name = "PROPERTY"},
                .note = "wins over the other fields; see below",
                .plan = plan_unified,
        },
};

const struct field_row *field_rows(size_t *count) {
        *count = ARRAY_SIZE(rows);
        return rows;
}

bool plan_has_field(const char *path) {
        size_t length = strlen(path);

        for (size_t i = 0; i < ARRAY_SIZE(rows); i++)
                if (strncmp(rows[i].path, path, length) == 0 && length > 0 &&
                    (rows[i].path[length] == '\0' || rows[i].path[length] == '.'))
                        return true;
        return false;
}

char *plan_field_names(void) {
        char *names = NULL;
        size_t size;
        FILE *stream = open_memstream(&names, &size);

        for (size_t i = 0; stream && i < ARRAY_SIZE(rows); i++)
                fprintf(stream, "%s%s", i > 0 ? ", " : "", rows[i].path);
        if (stream && fclose(stream) == 0)
                return names;
        free(names);
        return NULL;
}
