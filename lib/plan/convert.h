/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* Conversions between the units of OCI, the kernel and systemd. Pure arithmetic. */

#include <stdint.h>

/* cpu.shares (2 to 262144) to cpu.weight (1 to 10000), so that the kernel's defaults meet (1024 → 100):
 * ceil(10^((l² + 125 l) / 612 − 7 / 34)) with l = log2 of the shares, as runc, crun and kubelet convert
 * since 2025. Below 2 → 1, above 262144 → 10000. Not for 0, which is "unset". */
uint64_t convert_shares_to_weight(uint64_t shares);

/* A blkio weight (10 to 1000) to io.weight (1 to 10000): 1 + (w − 10) · 9999 / 990. */
uint64_t convert_blkio_to_io_weight(uint64_t weight);

/* The IOWeight that systemd converts to this weight of bfq (1 to 1000): the inverse of BFQ_WEIGHT() of its
 * src/basic/cgroup-util.h, which keeps 1 to 100 and maps 100 to 10000 to 100 to 1000. */
uint64_t convert_bfq_to_io_weight(uint64_t weight);

/* The period of a new group, which systemd also writes without a quota: microseconds. */
#define CPU_PERIOD_DEFAULT UINT64_C(100000)

/* A CFS quota that both the unit's property and the kernel's file can hold. */
struct cpu_quota {
        uint64_t per_second; /* CPUQuotaPerSecUSec, microseconds a second; UINT64_MAX: none */
        uint64_t quota;      /* microseconds a period; UINT64_MAX: none */
        uint64_t period;     /* microseconds */
};

/* The quota as systemd stores it: CPUQuotaPerSecUSec is rounded up to 10 ms per second. Also the quota and period that
 * systemd then writes: cgroup_cpu_adjust_period() and cgroup_apply_unified_cpu_quota() of its src/core/cgroup.c require at
 * least 1 ms of both, and a period of at most 1 s. `quota` (1 to OCI_CFS_RUNTIME_MAX) and `period` (OCI_CFS_PERIOD_MIN to
 * _MAX) are in microseconds. */
struct cpu_quota convert_quota_for_systemd(uint64_t quota, uint64_t period);

/* The cpu.weight of a nice level (-20 to 19), as computed by cpu_weight_nice_write_s64() of kernel/sched/core.c: about a tenth
 * of the scheduler's weight (100/1024), rounded. Read back as a nice level, it may be the neighbouring level. */
uint64_t convert_nice_to_weight(int nice);
