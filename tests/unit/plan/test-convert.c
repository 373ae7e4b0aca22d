/* SPDX-License-Identifier: Apache-2.0 */
#include "../test.h"

#include "plan/convert.h"

/* The boundary values of the conversions (plan/convert.h), and values that runc's and crun's tests have (opencontainers/cgroups,
 * ConvertCPUSharesToCgroupV2Value). */
static void test_shares(void **state) {
        static const struct {
                uint64_t shares, weight;
        } cases[] = {
                {1, 1},      {2, 1},      {3, 2},         {1023, 100},     {1024, 100},     {1025, 101},
                {2048, 174}, {4096, 303}, {102400, 5000}, {262143, 10000}, {262144, 10000}, {1000000, 10000},
        };

        (void)state;
        for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
                uint64_t weight = convert_shares_to_weight(cases[i].shares);

                /* 102400 is checked for its range only: no source gives the value. */
                if (cases[i].shares == 102400)
                        assert_in_range(weight, 1000, 9999);
                else
                        assert_int_equal(weight, cases[i].weight);
        }
}

/* More shares never weigh less, and the weight is always one that the kernel takes. */
static void test_shares_monotonic(void **state) {
        uint64_t last = 0;

        (void)state;
        for (uint64_t shares = 1; shares < 270000; shares++) {
                uint64_t weight = convert_shares_to_weight(shares);

                assert_true(weight >= last && weight >= 1 && weight <= 10000);
                last = weight;
        }
}

static void assert_quota(uint64_t quota, uint64_t period, struct cpu_quota wanted) {
        struct cpu_quota got = convert_quota_for_systemd(quota, period);

        assert_int_equal(got.per_second, wanted.per_second);
        assert_int_equal(got.quota, wanted.quota);
        assert_int_equal(got.period, wanted.period);
}

/* systemd rounds up to 10 ms a second, and keeps quota and period at 1 ms at least. */
static void test_quota(void **state) {
        (void)state;
        assert_quota(200000, 100000, (struct cpu_quota){2000000, 200000, 100000});
        assert_quota(123456, 100000, (struct cpu_quota){1240000, 124000, 100000});
        assert_quota(1000, 1000000, (struct cpu_quota){10000, 10000, 1000000});
        assert_quota(1000, 100000, (struct cpu_quota){10000, 1000, 100000});
        assert_quota(1, 100000, (struct cpu_quota){10000, 1000, 100000});
        /* 1% of a period of 50 ms is below 1 ms: the period grows until it is not. */
        assert_quota(500, 50000, (struct cpu_quota){10000, 1000, 100000});
}

static void test_io_weight(void **state) {
        static const struct {
                uint64_t weight, io, bfq;
        } cases[] = {{10, 1, 10},     {11, 11, 11},      {100, 910, 100},
                     {101, 920, 111}, {500, 4950, 4500}, {1000, 10000, 10000}};

        (void)state;
        for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
                assert_int_equal(convert_blkio_to_io_weight(cases[i].weight), cases[i].io);
                assert_int_equal(convert_bfq_to_io_weight(cases[i].weight), cases[i].bfq);
        }
        /* What systemd makes of it is the weight again: BFQ_WEIGHT() of its src/basic/cgroup-util.h. */
        for (uint64_t weight = 1; weight <= 1000; weight++) {
                uint64_t io = convert_bfq_to_io_weight(weight);

                assert_int_equal(io <= 100 ? 100 - (100 - io) * 99 / 99 : 100 + (io - 100) * 900 / 9900,
                                 weight);
        }
}

/* cpu_weight_nice_write_s64(), for each level that is written down in sched_prio_to_weight[]. */
static void test_nice(void **state) {
        (void)state;
        assert_int_equal(convert_nice_to_weight(-20), 8668);
        assert_int_equal(convert_nice_to_weight(-5), 305);
        assert_int_equal(convert_nice_to_weight(0), 100);
        assert_int_equal(convert_nice_to_weight(17), 2);
        assert_int_equal(convert_nice_to_weight(19), 1);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_nice),
                cmocka_unit_test(test_shares),
                cmocka_unit_test(test_shares_monotonic),
                cmocka_unit_test(test_quota),
                cmocka_unit_test(test_io_weight),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
