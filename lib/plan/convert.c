/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Conversions between the units of OCI, the kernel and systemd
 *
 * Subtle: the quota for systemd repeats systemd's own rounding, so that the file gets the value that systemd would write.
 */
#include "plan/convert.h"

#include <math.h>

#define SHARES_MIN 2
#define SHARES_MAX 262144
#define WEIGHT_MIN 1
#define WEIGHT_MAX 10000

#define USEC_PER_SEC UINT64_C(1000000)
#define QUOTA_RESOLUTION UINT64_C(10000) /* of CPUQuotaPerSecUSec: 1% */
#define KERNEL_RESOLUTION UINT64_C(1000) /* min_cfs_quota_period of kernel/sched/core.c */
#define PERIOD_MAX USEC_PER_SEC

uint64_t convert_shares_to_weight(uint64_t shares) {
        double l, exponent;

        if (shares <= SHARES_MIN)
                return WEIGHT_MIN;
        if (shares >= SHARES_MAX)
                return WEIGHT_MAX;
        l = log2((double)shares);
        exponent = (l * l + 125 * l) / 612.0 - 7.0 / 34.0;
        /* 1024 must become exactly 100: a rounding error above a whole number must not be rounded up. */
        return (uint64_t)ceil(pow(10, exponent) - 1e-9);
}

uint64_t convert_blkio_to_io_weight(uint64_t weight) {
        return 1 + (weight - 10) * 9999 / 990;
}

uint64_t convert_bfq_to_io_weight(uint64_t weight) {
        return weight <= 100 ? weight : 100 + (weight - 100) * 11;
}

static uint64_t at_least(uint64_t value, uint64_t least) {
        return value > least ? value : least;
}

struct cpu_quota convert_quota_for_systemd(uint64_t quota, uint64_t period) {
        struct cpu_quota out;

        /* No overflow: the parser's range allows at most 2^44 · 10^6. */
        out.per_second = quota * USEC_PER_SEC / period;
        out.per_second = (out.per_second + QUOTA_RESOLUTION - 1) / QUOTA_RESOLUTION * QUOTA_RESOLUTION;
        out.per_second = at_least(out.per_second, QUOTA_RESOLUTION);

        out.period = at_least(at_least(period, KERNEL_RESOLUTION),
                              KERNEL_RESOLUTION * USEC_PER_SEC / out.per_second);
        out.period = out.period < PERIOD_MAX ? out.period : PERIOD_MAX;
        out.quota = at_least(out.per_second * out.period / USEC_PER_SEC, KERNEL_RESOLUTION);
        return out;
}

/* sched_prio_to_weight[] of kernel/sched/core.c: each level has 1.25 times the weight of the next one, and level 0 has 1024. */
static const uint32_t nice_weights[] = {
        88761, 71755, 56483, 46273, 36291, 29154, 23254, 18705, 14949, 11916, 9548, 7620, 6100, 4904,
        3906,  3121,  2501,  1991,  1586,  1277,  1024,  820,   655,   526,   423,  335,  272,  215,
        172,   137,   110,   87,    70,    56,    45,    36,    29,    23,    18,   15,
};

uint64_t convert_nice_to_weight(int nice) {
        uint64_t weight = nice_weights[nice + 20];

        return (weight * 100 + 512) / 1024;
}
