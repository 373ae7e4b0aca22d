/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The table of OCI fields
 *
 * Subtle: the order of rows is the order of writes. cpuset comes first, since on v1 no task gets in before
 * it is filled; cpu.idle comes before cpu.shares, since the kernel takes no weight for an idle group
 * (sched_group_set_shares() in kernel/sched/fair.c); unified is the last, since it replaces what others gave.
 */
#include "plan/field.h"

#include "plan/field_plans.h"
#include "util/cleanup.h"

static const struct field_row rows[] = {
        {"cpu.cpus", CONTROLLER_CPUSET, "cpuset.cpus", "cpuset.cpus", "AllowedCPUs", "AllowedCPUs",
         "property from systemd 244 on", plan_cpus},
        {"cpu.mems", CONTROLLER_CPUSET, "cpuset.mems", "cpuset.mems", "AllowedMemoryNodes",
         "AllowedMemoryNodes", "property from systemd 244 on", plan_mems},
        {"memory.limit", CONTROLLER_MEMORY, "memory.limit_in_bytes", "memory.max", "MemoryLimit", "MemoryMax",
         NULL, plan_memory_limit},
        {"memory.swap", CONTROLLER_MEMORY, "memory.memsw.limit_in_bytes", "memory.swap.max", NULL,
         "MemorySwapMax", "v2 gets swap minus limit", plan_swap},
        {"memory.reservation", CONTROLLER_MEMORY, "memory.soft_limit_in_bytes", "memory.low", NULL, "MemoryLow",
         NULL, plan_reservation},
        {"memory.kernel", CONTROLLER_MEMORY, "memory.kmem.limit_in_bytes", NULL, NULL, NULL,
         "obsolete: a warning where it is refused, and on v2", plan_kernel},
        {"memory.kernelTCP", CONTROLLER_MEMORY, "memory.kmem.tcp.limit_in_bytes", NULL, NULL, NULL,
         "ignored on v2, with a warning", plan_kernel_tcp},
        {"memory.swappiness", CONTROLLER_MEMORY, "memory.swappiness", NULL, NULL, NULL, "refused on v2",
         plan_swappiness},
        {"memory.disableOOMKiller", CONTROLLER_MEMORY, "memory.oom_control", NULL, NULL, NULL,
         "true is refused on v2", plan_oom_killer},
        {"memory.useHierarchy", CONTROLLER_MEMORY, "memory.use_hierarchy", NULL, NULL, NULL,
         "false is refused on v2", plan_use_hierarchy},
        {"memory.checkBeforeUpdate", CONTROLLER_MEMORY, NULL, NULL, NULL, NULL,
         "a limit below the current usage is refused", NULL},
        {"cpu.idle", CONTROLLER_CPU, "cpu.idle", "cpu.idle", NULL, "CPUWeight",
         "CPUWeight=0 from systemd 252 on", plan_idle},
        {"cpu.shares", CONTROLLER_CPU, "cpu.shares", "cpu.weight", "CPUShares", "CPUWeight", "converted on v2",
         plan_shares},
        {"cpu.period", CONTROLLER_CPU, "cpu.cfs_period_us", "cpu.max", "CPUQuotaPeriodUSec",
         "CPUQuotaPeriodUSec", "property from systemd 242 on", plan_period},
        {"cpu.quota", CONTROLLER_CPU, "cpu.cfs_quota_us", "cpu.max", "CPUQuotaPerSecUSec", "CPUQuotaPerSecUSec",
         "systemd: rounded up to 10 ms a second", plan_quota},
        {"cpu.burst", CONTROLLER_CPU, "cpu.cfs_burst_us", "cpu.max.burst", NULL, NULL, NULL, plan_burst},
        {"cpu.realtimePeriod", CONTROLLER_CPU, "cpu.rt_period_us", NULL, NULL, NULL, "refused on v2 unless 0",
         plan_realtime_period},
        {"cpu.realtimeRuntime", CONTROLLER_CPU, "cpu.rt_runtime_us", NULL, NULL, NULL, "refused on v2 unless 0",
         plan_realtime_runtime},
        {"blockIO.weight", CONTROLLER_IO, "blkio.bfq.weight", "io.bfq.weight", "BlockIOWeight", "IOWeight",
         "v2 without bfq: io.weight, converted; old kernels: blkio.weight", plan_io_weight},
        {"blockIO.leafWeight", CONTROLLER_IO, "blkio.leaf_weight", NULL, NULL, NULL, "refused on v2",
         plan_io_leaf_weight},
        {"blockIO.weightDevice", CONTROLLER_IO, "blkio.bfq.weight_device", "io.bfq.weight",
         "BlockIODeviceWeight", "IODeviceWeight", "a weight of 0 takes it back; as blockIO.weight",
         plan_io_weight_device},
        {"blockIO.throttleReadBpsDevice", CONTROLLER_IO, "blkio.throttle.read_bps_device", "io.max",
         "BlockIOReadBandwidth", "IOReadBandwidthMax", "a rate of 0 is no limit", plan_throttle_read_bps},
        {"blockIO.throttleWriteBpsDevice", CONTROLLER_IO, "blkio.throttle.write_bps_device", "io.max",
         "BlockIOWriteBandwidth", "IOWriteBandwidthMax", "a rate of 0 is no limit", plan_throttle_write_bps},
        {"blockIO.throttleReadIOPSDevice", CONTROLLER_IO, "blkio.throttle.read_iops_device", "io.max", NULL,
         "IOReadIOPSMax", "a rate of 0 is no limit", plan_throttle_read_iops},
        {"blockIO.throttleWriteIOPSDevice", CONTROLLER_IO, "blkio.throttle.write_iops_device", "io.max", NULL,
         "IOWriteIOPSMax", "a rate of 0 is no limit", plan_throttle_write_iops},
        {"hugepageLimits", CONTROLLER_HUGETLB, "hugetlb.SIZE.limit_in_bytes", "hugetlb.SIZE.max", NULL, NULL,
         "also the limit on reservations, hugetlb.SIZE.rsvd, where the kernel has it", plan_hugepages},
        {"network.classID", CONTROLLER_NET_CLS, "net_cls.classid", NULL, NULL, NULL, "refused on v2",
         plan_class_id},
        {"network.priorities", CONTROLLER_NET_PRIO, "net_prio.ifpriomap", NULL, NULL, NULL,
         "for interfaces that exist; refused on v2", plan_priorities},
        {"rdma", CONTROLLER_RDMA, "rdma.max", "rdma.max", NULL, NULL, NULL, plan_rdma},
        {"pids.limit", CONTROLLER_PIDS, "pids.max", "pids.max", "TasksMax", "TasksMax",
         "0 means 1; not given: TasksMax=infinity", plan_pids},
        {"devices", CONTROLLER_DEVICES, "devices.allow", "eBPF program", "DeviceAllow", "DeviceAllow",
         "v1 also devices.deny; with DevicePolicy", plan_devices},
        {"unified", CONTROLLER_COUNT, NULL, "KEY", NULL, "PROPERTY",
         "wins over the other fields; known keys become properties too; refused on v1", plan_unified},
};

const struct field_row *field_rows(size_t *count) {
        *count = ARRAY_SIZE(rows);
        return rows;
}
