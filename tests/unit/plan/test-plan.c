/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Plans for invented hosts
 *
 * A case is a host, a document and the plan that has to come of it, as text: properties as NAME=VALUE, files
 * as FILE<VALUE, in order, separated by blanks ("cpu.max<max 100000" is one item: items end at ", ").
 */
#include "../test.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "plan/plan.h"

#define ALL(version)                                                                                           \
        {                                                                                                      \
                [CONTROLLER_CPU] = (version), [CONTROLLER_CPUSET] = (version),                                 \
                [CONTROLLER_MEMORY] = (version), [CONTROLLER_PIDS] = (version), [CONTROLLER_IO] = (version),   \
                [CONTROLLER_HUGETLB] = (version),                                                              \
        }

static const struct plan_facts v1 = {.controllers = ALL(CGROUP_V1), .version = CGROUP_V1};
static const struct plan_facts v2 = {.controllers = ALL(CGROUP_V2), .version = CGROUP_V2};
static const struct plan_facts v1_systemd = {
        .controllers = ALL(CGROUP_V1), .version = CGROUP_V1, .systemd = true, .systemd_version = 252};
static const struct plan_facts v2_systemd = {
        .controllers = ALL(CGROUP_V2), .version = CGROUP_V2, .systemd = true, .systemd_version = 257};
static const struct plan_facts v2_systemd_bfq = {.controllers = ALL(CGROUP_V2),
                                                 .version = CGROUP_V2,
                                                 .systemd = true,
                                                 .systemd_version = 257,
                                                 .bfq = true,
                                                 .has_unified = true};
static const struct plan_facts v2_subtree = {
        .controllers = ALL(CGROUP_V2), .version = CGROUP_V2, .has_unified = true, .vcpu_subtree = true};
static const struct plan_facts v2_systemd_subtree = {.controllers = ALL(CGROUP_V2),
                                                     .version = CGROUP_V2,
                                                     .systemd = true,
                                                     .systemd_version = 257,
                                                     .has_unified = true,
                                                     .vcpu_subtree = true};
static const struct plan_facts v2_hugepages = {
        .controllers = ALL(CGROUP_V2), .version = CGROUP_V2, .has_unified = true, .hugepage_sizes = "2MB 1GB"};
static const struct plan_facts v1_hugepages = {
        .controllers = ALL(CGROUP_V1), .version = CGROUP_V1, .hugepage_sizes = "1GB 2MB"};
static const struct plan_facts v1_network = {.controllers = {[CONTROLLER_NET_CLS] = CGROUP_V1,
                                                             [CONTROLLER_NET_PRIO] = CGROUP_V1,
                                                             [CONTROLLER_RDMA] = CGROUP_V1},
                                             .version = CGROUP_V1};
static const struct plan_facts v2_systemd_241 = {
        .controllers = ALL(CGROUP_V2), .version = CGROUP_V2, .systemd = true, .systemd_version = 241};
static const struct plan_facts v2_systemd_251 = {
        .controllers = ALL(CGROUP_V2), .version = CGROUP_V2, .systemd = true, .systemd_version = 251};
/* Debian 13 booted as hybrid: memory and cpuset on the v2 tree, the rest on v1. */
static const struct plan_facts hybrid = {
        .controllers = {[CONTROLLER_CPU] = CGROUP_V1,
                        [CONTROLLER_CPUSET] = CGROUP_V2,
                        [CONTROLLER_MEMORY] = CGROUP_V2,
                        [CONTROLLER_PIDS] = CGROUP_V1},
        .version = CGROUP_V1,
        .systemd = true,
        .systemd_version = 257,
};
/* Debian 13 booted as v1: no memory and no cpuset at all. */
static const struct plan_facts poor = {
        .controllers = {[CONTROLLER_CPU] = CGROUP_V1, [CONTROLLER_PIDS] = CGROUP_V1}, .version = CGROUP_V1};

static struct oci_resources *parse(const char *text) {
        struct oci_resources *resources = NULL;
        struct error error = {0};

        if (oci_resources_parse(&(struct oci_text){text, text, strlen(text)}, NULL, &resources, &error) < 0 ||
            oci_resources_check(resources, &error) < 0)
                fail_msg("%s: %s", text, error.message);
        return resources;
}

static void append_devices(FILE *out, const struct device_filter *filter) {
        fprintf(out, "devices:%s", !filter || filter->allow ? "allow" : "deny");
        for (size_t i = 0; filter && i < filter->count; i++) {
                char access[DEVICE_ACCESS_SIZE];

                device_access_text(filter->rules[i].access, access);
                fprintf(out, " %c%c%" PRId64 ":%" PRId64 " %s", filter->rules[i].allow ? '+' : '-',
                        filter->rules[i].type, filter->rules[i].major, filter->rules[i].minor, access);
        }
}

static void append_pairs(FILE *out, const struct setting *setting) {
        for (size_t i = 0; i < setting->count; i++)
                if (setting->type == PROPERTY_NUMBERS)
                        fprintf(out, "[%s %" PRIu64 "]", setting->pairs[i].path, setting->pairs[i].number);
                else
                        fprintf(out, "[%s %s]", setting->pairs[i].path, setting->pairs[i].access);
}

static void append_setting(FILE *out, const struct setting *setting) {
        if (setting->kind == SETTING_DEVICES) {
                append_devices(out, setting->devices);
                return;
        }
        if (setting->kind == SETTING_FILE) {
                fprintf(out, "%s<%s", setting->file, setting->value);
                return;
        }
        fprintf(out, "%s=", setting->property);
        if (setting->type == PROPERTY_U64 && setting->u64 == UINT64_MAX)
                fputs("infinity", out);
        else if (setting->type == PROPERTY_U64)
                fprintf(out, "%" PRIu64, setting->u64);
        else if (setting->type == PROPERTY_TEXT)
                fputs(setting->text, out);
        else if (setting->type != PROPERTY_BYTES)
                append_pairs(out, setting);
        for (size_t i = 0; setting->type == PROPERTY_BYTES && i < setting->count; i++)
                fprintf(out, "%02x", setting->bytes[i]);
}

static char *text_of(const struct plan *plan) {
        char *text = NULL;
        size_t size;
        FILE *out = open_memstream(&text, &size);

        for (size_t i = 0; i < plan->count; i++) {
                fputs(i == 0 ? "" : ", ", out);
                append_setting(out, &plan->settings[i]);
        }
        (void)fclose(out);
        return text;
}

static struct plan *make(const struct plan_facts *facts, const char *before, const char *now) {
        _cleanup_(oci_resources_freep) struct oci_resources *resources = parse(now);
        _cleanup_(oci_resources_freep) struct oci_resources *former = before ? parse(before) : NULL;
        struct error error = {0};
        struct plan *plan = NULL;

        if (plan_new(resources, former, facts, &plan, &error) < 0)
                fail_msg("%s: %s", now, error.message);
        return plan;
}

static void assert_plan(const struct plan *plan, const char *document, const char *wanted) {
        _cleanup_free_ char *text = text_of(plan);

        if (strcmp(text, wanted) != 0)
                fail_msg("%s\n  wanted %s\n  got    %s", document, wanted, text);
}

/* Each field, on each kind of host: the table of mission.md. */
static void test_fields(void **state) {
        static const struct {
                const struct plan_facts *facts;
                const char *document, *plan;
        } cases[] = {
                /* Nothing given, nothing limited: under systemd that has to be said. */
                {&v1, "{}", ""},
                {&v2, "{}", ""},
                {&v2_systemd, "{}", "TasksMax=infinity"},
                {&poor, "{}", ""},

                {&v1, "{\"cpu\":{\"shares\":1024}}", "cpu.shares<1024"},
                {&v2, "{\"cpu\":{\"shares\":1024}}", "cpu.weight<100"},
                {&v2, "{\"cpu\":{\"shares\":0}}", ""},
                {&v1_systemd, "{\"cpu\":{\"shares\":512}}", "CPUShares=512, TasksMax=infinity, cpu.shares<512"},
                {&v2_systemd, "{\"cpu\":{\"shares\":2}}", "CPUWeight=1, TasksMax=infinity, cpu.weight<1"},

                {&v1, "{\"cpu\":{\"quota\":50000,\"period\":20000}}",
                 "cpu.cfs_period_us<20000, cpu.cfs_quota_us<50000"},
                {&v1, "{\"cpu\":{\"quota\":-1}}", "cpu.cfs_quota_us<-1"},
                {&v1, "{\"cpu\":{\"period\":50000}}", "cpu.cfs_period_us<50000"},
                {&v2, "{\"cpu\":{\"quota\":50000,\"period\":20000}}", "cpu.max<50000 20000"},
                {&v2, "{\"cpu\":{\"quota\":-1}}", "cpu.max<max 100000"},
                {&v2, "{\"cpu\":{\"period\":50000}}", "cpu.max<max 50000"},
                {&v2, "{\"cpu\":{\"quota\":0}}", ""},
                {&v2_systemd, "{\"cpu\":{\"quota\":123456}}",
                 "CPUQuotaPerSecUSec=1240000, TasksMax=infinity, cpu.max<124000 100000"},
                {&v2_systemd, "{\"cpu\":{\"quota\":50000,\"period\":50000}}",
                 "CPUQuotaPeriodUSec=50000, CPUQuotaPerSecUSec=1000000, TasksMax=infinity, cpu.max<50000 "
                 "50000"},
                {&v2_systemd_241, "{\"cpu\":{\"quota\":50000,\"period\":50000}}",
                 "CPUQuotaPerSecUSec=1000000, TasksMax=infinity, cpu.max<50000 50000"},
                {&v1_systemd, "{\"cpu\":{\"quota\":-1}}",
                 "CPUQuotaPerSecUSec=infinity, TasksMax=infinity, cpu.cfs_quota_us<-1"},
                {&v1, "{\"cpu\":{\"burst\":1000}}", "cpu.cfs_burst_us<1000"},
                {&v2, "{\"cpu\":{\"burst\":1000}}", "cpu.max.burst<1000"},

                {&v1, "{\"cpu\":{\"idle\":1,\"shares\":1024}}", "cpu.idle<1"},
                {&v2, "{\"cpu\":{\"idle\":0,\"shares\":1024}}", "cpu.idle<0, cpu.weight<100"},
                {&v2_systemd, "{\"cpu\":{\"idle\":1,\"shares\":1024}}",
                 "CPUWeight=0, TasksMax=infinity, cpu.idle<1"},
                {&v2_systemd_251, "{\"cpu\":{\"idle\":1}}", "TasksMax=infinity, cpu.idle<1"},
                {&v2_systemd, "{\"cpu\":{\"idle\":0}}", "CPUWeight=infinity, TasksMax=infinity, cpu.idle<0"},

                {&v1, "{\"cpu\":{\"realtimeRuntime\":5000,\"realtimePeriod\":10000}}",
                 "cpu.rt_period_us<10000, cpu.rt_runtime_us<5000"},
                {&v2, "{\"cpu\":{\"realtimeRuntime\":0,\"realtimePeriod\":0}}", ""},

                {&v1, "{\"cpu\":{\"cpus\":\"0-1,9\",\"mems\":\"0\"}}", "cpuset.cpus<0-1,9, cpuset.mems<0"},
                {&v2_systemd, "{\"cpu\":{\"cpus\":\"0-1,9\",\"mems\":\"0\"}}",
                 "AllowedCPUs=0302, AllowedMemoryNodes=01, TasksMax=infinity, cpuset.cpus<0-1,9, "
                 "cpuset.mems<0"},
                {&v2_systemd_241, "{\"cpu\":{\"cpus\":\"3\"}}", "TasksMax=infinity, cpuset.cpus<3"},

                {&v1, "{\"memory\":{\"limit\":1000}}", "memory.limit_in_bytes<1000"},
                {&v2, "{\"memory\":{\"limit\":1000}}", "memory.max<1000"},
                {&v2, "{\"memory\":{\"limit\":-1}}", "memory.max<max, memory.swap.max<max"},
                {&v2, "{\"memory\":{\"limit\":1000,\"swap\":1000}}", "memory.max<1000, memory.swap.max<0"},
                {&v2, "{\"memory\":{\"limit\":1000,\"swap\":3000}}", "memory.max<1000, memory.swap.max<2000"},
                {&v2, "{\"memory\":{\"limit\":1000,\"swap\":-1}}", "memory.max<1000, memory.swap.max<max"},
                {&v1, "{\"memory\":{\"limit\":1000,\"swap\":3000}}",
                 "memory.limit_in_bytes<1000, memory.memsw.limit_in_bytes<3000"},
                {&v2_systemd, "{\"memory\":{\"limit\":1000,\"swap\":3000,\"reservation\":500}}",
                 "MemoryMax=1000, MemorySwapMax=2000, MemoryLow=500, TasksMax=infinity, "
                 "memory.max<1000, memory.swap.max<2000, memory.low<500"},
                {&v1_systemd, "{\"memory\":{\"limit\":1000,\"reservation\":500}}",
                 "MemoryLimit=1000, TasksMax=infinity, memory.limit_in_bytes<1000, "
                 "memory.soft_limit_in_bytes<500"},
                {&v1, "{\"memory\":{\"swappiness\":60,\"disableOOMKiller\":true,\"useHierarchy\":true}}",
                 "memory.swappiness<60, memory.oom_control<1, memory.use_hierarchy<1"},
                {&v2, "{\"memory\":{\"disableOOMKiller\":false,\"useHierarchy\":true}}", ""},
                {&v1, "{\"memory\":{\"kernel\":4096,\"kernelTCP\":8192}}",
                 "memory.kmem.limit_in_bytes<4096, memory.kmem.tcp.limit_in_bytes<8192"},

                {&v1, "{\"pids\":{\"limit\":0}}", "pids.max<1"},
                {&v2, "{\"pids\":{\"limit\":-5}}", "pids.max<max"},
                {&v2_systemd, "{\"pids\":{\"limit\":0}}", "TasksMax=1, pids.max<1"},
                {&v2_systemd, "{\"pids\":{\"limit\":-1}}", "TasksMax=infinity, pids.max<max"},

                {&v1, "{\"blockIO\":{\"weight\":10,\"leafWeight\":500}}",
                 "blkio.weight<10, blkio.leaf_weight<500"},
                {&v2, "{\"blockIO\":{\"weight\":1000}}", "io.bfq.weight<default 1000"},
                {&v2, "{\"blockIO\":{\"weight\":0}}", ""},
                {&v2_systemd, "{\"blockIO\":{\"weight\":1000}}",
                 "IOWeight=10000, TasksMax=infinity, io.bfq.weight<default 1000"},
                {&v2_systemd, "{\"blockIO\":{\"weight\":10}}",
                 "IOWeight=1, TasksMax=infinity, io.bfq.weight<default 10"},
                {&v2_systemd_bfq, "{\"blockIO\":{\"weight\":10}}",
                 "IOWeight=10, TasksMax=infinity, io.bfq.weight<default 10"},
                {&v2_systemd_bfq, "{\"blockIO\":{\"weightDevice\":[{\"major\":8,\"minor\":0,\"weight\":500}]}}",
                 "IODeviceWeight=[/dev/block/8:0 4500], TasksMax=infinity, io.bfq.weight<8:0 500"},
                {&v1,
                 "{\"blockIO\":{\"throttleReadBpsDevice\":[{\"major\":8,\"minor\":0,\"rate\":5}],"
                 "\"throttleWriteIOPSDevice\":[{\"major\":8,\"minor\":0,\"rate\":0}]}}",
                 "blkio.throttle.read_bps_device<8:0 5, blkio.throttle.write_iops_device<8:0 0"},
                /* v2 has one line for a device, whichever arrays name it. */
                {&v2,
                 "{\"blockIO\":{\"throttleReadBpsDevice\":[{\"major\":8,\"minor\":0,\"rate\":5}],"
                 "\"throttleWriteIOPSDevice\":[{\"major\":8,\"minor\":16,\"rate\":7},{\"major\":8,\"minor\":0,"
                 "\"rate\":9}]}}",
                 "io.max<8:0 rbps=5 wbps=max riops=max wiops=9, io.max<8:16 rbps=max wbps=max riops=max "
                 "wiops=7"},
                {&v1_systemd,
                 "{\"blockIO\":{\"throttleReadBpsDevice\":[{\"major\":8,\"minor\":0,\"rate\":5}]}}",
                 "BlockIOReadBandwidth=[/dev/block/8:0 5], TasksMax=infinity, "
                 "blkio.throttle.read_bps_device<8:0 5"},
                {&v1_hugepages, "{\"hugepageLimits\":[{\"pageSize\":\"2MB\",\"limit\":0}]}",
                 "hugetlb.2MB.limit_in_bytes<0, hugetlb.2MB.rsvd.limit_in_bytes<0"},
                {&v2_hugepages, "{\"hugepageLimits\":[{\"pageSize\":\"1GB\",\"limit\":1073741824}]}",
                 "hugetlb.1GB.max<1073741824, hugetlb.1GB.rsvd.max<1073741824"},
                {&v1_network,
                 "{\"network\":{\"classID\":1048577,\"priorities\":[{\"name\":\"lo\",\"priority\":3}]}}",
                 "net_cls.classid<1048577, net_prio.ifpriomap<lo 3"},
                {&v1_network,
                 "{\"rdma\":{\"mlx5_0\":{\"hcaHandles\":3},\"mlx5_1\":{\"hcaHandles\":1,\"hcaObjects\":2}}}",
                 "rdma.max<mlx5_0 hca_handle=3, rdma.max<mlx5_1 hca_handle=1 hca_object=2"},

                /* Devices: the last rule that matches wins, and one for all makes those before it moot. */
                {&v2_hugepages, "{\"devices\":[]}", ""},
                {&v2_hugepages, "{\"devices\":[{\"allow\":false,\"access\":\"rwm\"}]}", "devices:deny"},
                {&v2_hugepages,
                 "{\"devices\":[{\"allow\":true,\"type\":\"c\",\"major\":1},{\"allow\":false,\"type\":\"a\"},"
                 "{\"allow\":true,\"type\":\"b\",\"major\":7,\"minor\":-1,\"access\":\"rw\"}]}",
                 "devices:deny +b7:-1 rw"},
                {&v2_systemd_bfq,
                 "{\"devices\":[{\"allow\":false},{\"allow\":true,\"type\":\"c\",\"major\":1,\"minor\":3,"
                 "\"access\":\"r\"},"
                 "{\"allow\":true,\"type\":\"c\",\"major\":136}]}",
                 "TasksMax=infinity, DevicePolicy=strict, DeviceAllow=[/dev/char/1:3 r][char-136 rwm], "
                 "devices:deny +c1:3 r +c136:-1 rwm"},
                /* What systemd cannot say is left to the program. */
                {&v2_systemd_bfq,
                 "{\"devices\":[{\"allow\":true},{\"allow\":false,\"type\":\"c\",\"major\":1,\"minor\":5}]}",
                 "TasksMax=infinity, DevicePolicy=strict, DeviceAllow=[char-* rwm][block-* rwm], devices:allow "
                 "-c1:5 rwm"},

                /* unified wins, over files and properties. */
                {&v2,
                 "{\"memory\":{\"limit\":1000},\"unified\":{\"memory.max\":\"2000\",\"memory.high\":\"max\"}}",
                 "memory.high<max, memory.max<2000"},
                {&v2_systemd,
                 "{\"cpu\":{\"shares\":1024},\"unified\":{\"cpu.weight\":\"55\",\"cpu.max\":\"123456 "
                 "100000\"}}",
                 "TasksMax=infinity, CPUQuotaPeriodUSec=100000, CPUQuotaPerSecUSec=1240000, CPUWeight=55, "
                 "cpu.max<124000 100000, cpu.weight<55"},
                {&v2, "{\"unified\":{\"io.max\":\"8:0 rbps=1\\n8:16 wbps=2\",\"io.weight\":\"50\"}}",
                 "io.max<8:0 rbps=1, io.max<8:16 wbps=2, io.weight<default 50"},
                {&v2, "{\"unified\":{\"memory.unknown\":\"x y\"}}", "memory.unknown<x y"},
                /* What the kernel is going to refuse is not converted into something that it takes. */
                {&v2_systemd, "{\"unified\":{\"cpu.max\":\"18446744073710 100000\"}}",
                 "TasksMax=infinity, cpu.max<18446744073710 100000"},
                {&v2_systemd, "{\"unified\":{\"cpu.max\":\"1000 1\"}}", "TasksMax=infinity, cpu.max<1000 1"},
                {&v2_systemd, "{\"unified\":{\"cpu.max\":\"1000 1000001\"}}",
                 "TasksMax=infinity, cpu.max<1000 1000001"},
                {&v2_systemd, "{\"unified\":{\"io.bfq.weight\":\"1676976733973595691\"}}",
                 "TasksMax=infinity, io.bfq.weight<default 1676976733973595691"},
                {&v2_systemd, "{\"unified\":{\"io.weight\":\"10001\"}}",
                 "TasksMax=infinity, io.weight<default 10001"},

                /* With a group for the vCPUs, limits of cpu and cpuset are its; what the sandbox weighs is both's. */
                {&v2_subtree,
                 "{\"cpu\":{\"shares\":1024,\"quota\":1234567,\"period\":100000,\"burst\":5,\"cpus\":\"0\"},"
                 "\"memory\":{\"limit\":1000}}",
                 "vcpu/cpuset.cpus<0, memory.max<1000, cpu.weight<100, vcpu/cpu.weight<100, "
                 "vcpu/cpu.max<1234567 100000, vcpu/cpu.max.burst<5"},
                {&v2_systemd_subtree,
                 "{\"cpu\":{\"shares\":1024,\"quota\":1234567,\"period\":100000,\"cpus\":\"0\"},"
                 "\"pids\":{\"limit\":7}}",
                 "CPUWeight=100, TasksMax=7, vcpu/cpuset.cpus<0, cpu.weight<100, vcpu/cpu.weight<100, "
                 "vcpu/cpu.max<1234567 100000, pids.max<7"},
                {&v2_systemd, "{\"cpu\":{\"quota\":-1,\"period\":50000}}",
                 "CPUQuotaPeriodUSec=50000, CPUQuotaPerSecUSec=infinity, TasksMax=infinity, cpu.max<max "
                 "100000"},
                {&v1_systemd, "{\"cpu\":{\"quota\":-1,\"period\":50000}}",
                 "CPUQuotaPeriodUSec=50000, CPUQuotaPerSecUSec=infinity, TasksMax=infinity, "
                 "cpu.cfs_period_us<100000, cpu.cfs_quota_us<-1"},
                {&v2_systemd_subtree, "{\"cpu\":{\"idle\":1}}",
                 "CPUWeight=0, TasksMax=infinity, cpu.idle<1, vcpu/cpu.idle<1"},
                {&v2_systemd_subtree,
                 "{\"cpu\":{\"shares\":1024,\"quota\":5000},\"unified\":{\"cpu.weight\":\"55\",\"cpu.max\":"
                 "\"123456 100000\",\"memory.high\":\"9\"}}",
                 "TasksMax=infinity, CPUWeight=55, MemoryHigh=9, vcpu/cpu.max<123456 100000, cpu.weight<55, "
                 "vcpu/cpu.weight<55, memory.high<9"},

                /* Each controller by the version that it has here. */
                {&hybrid,
                 "{\"cpu\":{\"shares\":1024,\"cpus\":\"0\"},\"memory\":{\"limit\":1000,\"swap\":1500},\"pids\":"
                 "{\"limit\":7}}",
                 "AllowedCPUs=01, MemoryMax=1000, MemorySwapMax=500, CPUShares=1024, TasksMax=7, "
                 "cpuset.cpus<0, memory.max<1000, memory.swap.max<500, cpu.shares<1024, pids.max<7"},
        };

        (void)state;
        for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
                _cleanup_(plan_freep) struct plan *plan = make(cases[i].facts, NULL, cases[i].document);

                assert_plan(plan, cases[i].document, cases[i].plan);
        }
}

/* What such a host cannot do: refused input where v2 has no such thing, a failure where a controller is missing. */
static void test_errors(void **state) {
        static const struct {
                const struct plan_facts *facts;
                const char *document;
                int status;
                const char *field;
        } cases[] = {
                {&v2, "{\"memory\":{\"swappiness\":60}}", EXIT_STATUS_REFUSED, "memory.swappiness"},
                {&v2, "{\"memory\":{\"disableOOMKiller\":true}}", EXIT_STATUS_REFUSED,
                 "memory.disableOOMKiller"},
                {&v2, "{\"memory\":{\"useHierarchy\":false}}", EXIT_STATUS_REFUSED, "memory.useHierarchy"},
                {&v2, "{\"cpu\":{\"realtimeRuntime\":100}}", EXIT_STATUS_REFUSED, "cpu.realtimeRuntime"},
                {&v2, "{\"cpu\":{\"realtimePeriod\":100}}", EXIT_STATUS_REFUSED, "cpu.realtimePeriod"},
                {&v2, "{\"blockIO\":{\"leafWeight\":100}}", EXIT_STATUS_REFUSED, "blockIO.leafWeight"},
                {&v2, "{\"network\":{\"classID\":1}}", EXIT_STATUS_REFUSED, "network.classID"},
                {&v2_hugepages, "{\"hugepageLimits\":[{\"pageSize\":\"2M\",\"limit\":0}]}", EXIT_STATUS_REFUSED,
                 "hugepageLimits"},
                {&v1, "{\"unified\":{\"memory.max\":\"1\"}}", EXIT_STATUS_REFUSED, "unified"},
                {&v2, "{\"unified\":{\"nosuch.max\":\"1\"}}", EXIT_STATUS_FAILED, "unified.nosuch.max"},
                {&poor, "{\"blockIO\":{\"weight\":100}}", EXIT_STATUS_FAILED,
                 "blockIO.weight: the blkio controller"},
                {&poor, "{\"cpu\":{\"cpus\":\"0\"}}", EXIT_STATUS_FAILED, "cpu.cpus: the cpuset controller"},
                {&poor, "{\"memory\":{\"limit\":1}}", EXIT_STATUS_FAILED,
                 "memory.limit: the memory controller"},
                {&poor, "{\"memory\":{\"kernel\":1}}", EXIT_STATUS_FAILED,
                 "memory.kernel: the memory controller"},
        };

        (void)state;
        for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
                _cleanup_(oci_resources_freep) struct oci_resources *resources = parse(cases[i].document);
                struct error error = {0};
                struct plan *plan = NULL;

                assert_true(plan_new(resources, NULL, cases[i].facts, &plan, &error) < 0);
                assert_null(plan);
                assert_int_equal(error.status, cases[i].status);
                if (!strstr(error.message, cases[i].field) &&
                    !(error.field && strcmp(error.field, cases[i].field) == 0))
                        fail_msg("%s: \"%s\" does not name the field", cases[i].document, error.message);
                error_clear(&error);
        }
}

static void test_warnings(void **state) {
        _cleanup_(plan_freep) struct plan *plan =
                make(&v2, NULL, "{\"memory\":{\"kernel\":4096,\"kernelTCP\":1}}");

        (void)state;
        assert_int_equal(plan->count, 0);
        assert_int_equal(plan->warning_count, 2);
        assert_non_null(strstr(plan->warnings[0], "memory.kernel: ignored"));
        assert_non_null(strstr(plan->warnings[1], "memory.kernelTCP: ignored"));
}

/* v1: limit ≤ memory+swap after every single write. */
static void test_memory_order(void **state) {
        static const struct {
                const char *before, *now, *plan;
        } cases[] = {
                /* Raising: memory+swap first. */
                {"{\"memory\":{\"limit\":10,\"swap\":20}}", "{\"memory\":{\"limit\":30,\"swap\":40}}",
                 "memory.memsw.limit_in_bytes<40, memory.limit_in_bytes<30"},
                {"{\"memory\":{\"limit\":10,\"swap\":20}}", "{\"memory\":{\"limit\":-1,\"swap\":-1}}",
                 "memory.memsw.limit_in_bytes<-1, memory.limit_in_bytes<-1"},
                /* Lowering: the limit first. */
                {"{\"memory\":{\"limit\":30,\"swap\":40}}", "{\"memory\":{\"limit\":10,\"swap\":20}}",
                 "memory.limit_in_bytes<10, memory.memsw.limit_in_bytes<20"},
                {NULL, "{\"memory\":{\"limit\":10,\"swap\":20}}",
                 "memory.limit_in_bytes<10, memory.memsw.limit_in_bytes<20"},
        };

        (void)state;
        for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
                _cleanup_(plan_freep) struct plan *plan = make(&v1, cases[i].before, cases[i].now);

                assert_plan(plan, cases[i].now, cases[i].plan);
        }
}

/* An update writes what differs, and takes a cpuset back that nobody names any more. */
static void test_subtract(void **state) {
        static const struct {
                const struct plan_facts *facts;
                const char *before, *now, *plan;
        } cases[] = {
                {&v2_systemd, "{\"cpu\":{\"shares\":1024},\"pids\":{\"limit\":5}}",
                 "{\"cpu\":{\"shares\":1024},\"pids\":{\"limit\":5}}", ""},
                {&v2_systemd, "{\"cpu\":{\"shares\":1024},\"pids\":{\"limit\":5}}",
                 "{\"cpu\":{\"shares\":1024},\"pids\":{\"limit\":6}}", "TasksMax=6, pids.max<6"},
                {&v2_systemd, "{\"cpu\":{\"cpus\":\"0-1\"}}", "{}", "AllowedCPUs=, cpuset.cpus<"},
                {&v1, "{\"cpu\":{\"cpus\":\"0-1\"}}", "{\"cpu\":{\"cpus\":\"1\"}}", "cpuset.cpus<1"},
                {&v1, "{}", "{\"cpu\":{\"quota\":5000}}", "cpu.cfs_quota_us<5000"},
                /* A device that is no longer named gets no limit. */
                {&v1, "{\"blockIO\":{\"throttleReadBpsDevice\":[{\"major\":8,\"minor\":0,\"rate\":5}]}}",
                 "{\"blockIO\":{\"throttleReadBpsDevice\":[{\"major\":8,\"minor\":16,\"rate\":5}]}}",
                 "blkio.throttle.read_bps_device<8:16 5, blkio.throttle.read_bps_device<8:0 0"},
                {&v2_systemd,
                 "{\"blockIO\":{\"throttleReadBpsDevice\":[{\"major\":8,\"minor\":0,\"rate\":5}]}}", "{}",
                 "IOReadBandwidthMax=, io.max<8:0 rbps=max wbps=max riops=max wiops=max"},
                /* The same device twice: the last one counts, and nothing has changed. */
                {&v1,
                 "{\"blockIO\":{\"throttleReadBpsDevice\":[{\"major\":8,\"minor\":0,\"rate\":5},"
                 "{\"major\":8,\"minor\":0,\"rate\":6}]}}",
                 "{}", "blkio.throttle.read_bps_device<8:0 0"},
                {&v1,
                 "{\"blockIO\":{\"throttleReadBpsDevice\":[{\"major\":8,\"minor\":0,\"rate\":5},"
                 "{\"major\":8,\"minor\":0,\"rate\":6}]}}",
                 "{\"blockIO\":{\"throttleReadBpsDevice\":[{\"major\":8,\"minor\":0,\"rate\":5},"
                 "{\"major\":8,\"minor\":0,\"rate\":6}]}}",
                 ""},
                {&v1,
                 "{\"blockIO\":{\"throttleReadBpsDevice\":[{\"major\":8,\"minor\":0,\"rate\":5},"
                 "{\"major\":8,\"minor\":0,\"rate\":6}]}}",
                 "{\"blockIO\":{\"throttleReadBpsDevice\":[{\"major\":8,\"minor\":0,\"rate\":5}]}}",
                 "blkio.throttle.read_bps_device<8:0 5"},
                {&v2, "{\"unified\":{\"io.max\":\"8:0 rbps=1\\n8:0 wbps=2\"}}",
                 "{\"unified\":{\"io.max\":\"8:0 rbps=1\\n8:0 wbps=2\"}}", ""},
                {&v2_systemd_bfq, "{\"devices\":[{\"allow\":false}]}", "{}",
                 "DeviceAllow=[char-* rwm][block-* rwm], devices:allow"},
        };

        (void)state;
        for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
                _cleanup_(plan_freep) struct plan *before = make(cases[i].facts, NULL, cases[i].before);
                _cleanup_(plan_freep) struct plan *plan = make(cases[i].facts, cases[i].before, cases[i].now);
                struct error error = {0};

                assert_int_equal(plan_subtract(plan, before, &error), 0);
                assert_plan(plan, cases[i].now, cases[i].plan);
        }
}

/* After a kill, what each of several plans has set is taken back; nothing is taken for done already. */
static void test_add_resets(void **state) {
        static const char *const unsettled[] = {
                "{\"blockIO\":{\"throttleReadBpsDevice\":[{\"major\":8,\"minor\":0,\"rate\":5}]}}",
                "{\"cpu\":{\"cpus\":\"0\"},"
                "\"blockIO\":{\"throttleReadBpsDevice\":[{\"major\":8,\"minor\":16,\"rate\":5}]}}",
        };
        _cleanup_(plan_freep) struct plan *plan = make(&v1, NULL, "{\"pids\":{\"limit\":5}}");
        struct error error = {0};

        (void)state;
        for (size_t i = 0; i < ARRAY_SIZE(unsettled); i++) {
                _cleanup_(plan_freep) struct plan *before = make(&v1, NULL, unsettled[i]);

                assert_int_equal(plan_add_resets(plan, before, &error), 0);
        }
        assert_plan(plan, "{}",
                    "pids.max<5, blkio.throttle.read_bps_device<8:0 0, cpuset.cpus<, "
                    "blkio.throttle.read_bps_device<8:16 0");
}

/* What may be denied in v1's list is what any of the plans denies; a plan without a word on devices denies nothing. */
static void test_unsettled_devices(void **state) {
        static const struct plan_facts v1_devices = {
                .controllers = {[CONTROLLER_DEVICES] = CGROUP_V1, [CONTROLLER_PIDS] = CGROUP_V1},
                .version = CGROUP_V1};
        static const char *const unsettled[] = {
                "{\"pids\":{\"limit\":5}}",
                "{\"devices\":[{\"allow\":true},{\"allow\":false,\"type\":\"c\",\"major\":1,\"minor\":3}]}",
                "{\"devices\":[{\"allow\":true},{\"allow\":false,\"type\":\"c\",\"major\":1,\"minor\":5}]}",
        };
        _cleanup_(plan_freep) struct plan *plan = make(&v1_devices, NULL, "{\"devices\":[{\"allow\":true}]}");
        struct error error = {0};
        const struct setting *devices;

        (void)state;
        for (size_t i = 0; i < ARRAY_SIZE(unsettled); i++) {
                _cleanup_(plan_freep) struct plan *before = make(&v1_devices, NULL, unsettled[i]);

                assert_int_equal(plan_add_resets(plan, before, &error), 0);
        }
        devices = &plan->settings[0];
        assert_int_equal(devices->kind, SETTING_DEVICES);
        assert_true(devices->devices_unsettled);
        assert_int_equal(devices->devices_former->count, 2);
        assert_int_equal(devices->devices_former->rules[0].minor, 3);
        assert_int_equal(devices->devices_former->rules[1].minor, 5);
}

/* The usage is looked at where the document asks for it. */
static void test_check_usage(void **state) {
        static const struct {
                const char *document;
                bool checked;
        } cases[] = {
                {"{\"memory\":{\"limit\":4096}}", false},
                {"{\"memory\":{\"limit\":4096,\"checkBeforeUpdate\":false}}", false},
                {"{\"memory\":{\"limit\":4096,\"checkBeforeUpdate\":true}}", true},
        };

        (void)state;
        for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
                _cleanup_(plan_freep) struct plan *plan = make(&v1, NULL, cases[i].document);

                assert_int_equal((plan->settings[0].flags & SETTING_CHECK_USAGE) != 0, cases[i].checked);
        }
}

/* --dry-run prints what is sent: also a number that JSON's integers have no room for. */
static void test_json(void **state) {
        static const struct {
                const char *document, *value;
        } cases[] = {
                {"{\"unified\":{\"memory.high\":\"4096\"}}", "4096"},
                {"{\"unified\":{\"memory.high\":\"9223372036854775807\"}}", "9223372036854775807"},
                {"{\"unified\":{\"memory.high\":\"9223372036854775808\"}}", "\"9223372036854775808\""},
                {"{\"unified\":{\"memory.high\":\"max\"}}", "\"infinity\""},
        };

        (void)state;
        for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
                _cleanup_(plan_freep) struct plan *plan = make(&v2_systemd, NULL, cases[i].document);
                _cleanup_json_ json_t *json = plan_to_json(plan);
                _cleanup_free_ char *value = NULL;

                assert_int_equal(json_array_size(json), plan->count);
                assert_string_equal(plan->settings[1].property, "MemoryHigh");
                value = json_dumps(json_object_get(json_array_get(json, 1), "value"), JSON_ENCODE_ANY);
                assert_string_equal(value, cases[i].value);
        }
}

/* Each kind of setting, and each type of property. */
static void test_json_kinds(void **state) {
        static const char document[] =
                "{\"cpu\":{\"cpus\":\"0,9\"},\"pids\":{\"limit\":5},"
                "\"blockIO\":{\"throttleReadBpsDevice\":[{\"major\":8,\"minor\":0,\"rate\":1024}]},"
                "\"devices\":[{\"allow\":false},{\"allow\":true,\"type\":\"c\",\"major\":1,\"minor\":3,"
                "\"access\":\"rw\"}]}";
        const struct plan_facts facts = {.controllers = {[CONTROLLER_CPUSET] = CGROUP_V2,
                                                         [CONTROLLER_PIDS] = CGROUP_V2,
                                                         [CONTROLLER_IO] = CGROUP_V2,
                                                         [CONTROLLER_DEVICES] = CGROUP_V2},
                                         .version = CGROUP_V2,
                                         .systemd = true,
                                         .systemd_version = 257};
        _cleanup_(plan_freep) struct plan *plan = make(&facts, NULL, document);
        _cleanup_json_ json_t *array = plan_to_json(plan);
        _cleanup_free_ char *text = json_dumps(array, JSON_COMPACT | JSON_SORT_KEYS);

        (void)state;
        assert_string_equal(
                text,
                "[{\"field\":\"cpu.cpus\",\"property\":\"AllowedCPUs\",\"value\":[1,2]},"
                "{\"field\":\"blockIO.throttleReadBpsDevice\",\"property\":\"IOReadBandwidthMax\",\"value\":[["
                "\"/dev/block/8:0\",1024]]},"
                "{\"field\":\"pids.limit\",\"property\":\"TasksMax\",\"value\":5},"
                "{\"field\":\"devices\",\"property\":\"DevicePolicy\",\"value\":\"strict\"},"
                "{\"field\":\"devices\",\"property\":\"DeviceAllow\",\"value\":[[\"/dev/char/1:3\",\"rw\"]]},"
                "{\"controller\":\"cpuset\",\"field\":\"cpu.cpus\",\"value\":\"0,9\",\"write\":\"cpuset.cpus\"}"
                ","
                "{\"controller\":\"io\",\"field\":\"blockIO.throttleReadBpsDevice\",\"value\":\"8:0 rbps=1024 "
                "wbps=max riops=max wiops=max\","
                "\"write\":\"io.max\"},"
                "{\"controller\":\"pids\",\"field\":\"pids.limit\",\"value\":\"5\",\"write\":\"pids.max\"},"
                "{\"devices\":\"deny\",\"field\":\"devices\",\"rules\":[{\"access\":\"rw\",\"allow\":true,"
                "\"major\":1,\"minor\":3,\"type\":\"c\"}]}]");
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_fields),
                cmocka_unit_test(test_errors),
                cmocka_unit_test(test_warnings),
                cmocka_unit_test(test_memory_order),
                cmocka_unit_test(test_subtract),
                cmocka_unit_test(test_json),
                cmocka_unit_test(test_json_kinds),
                cmocka_unit_test(test_add_resets),
                cmocka_unit_test(test_unsettled_devices),
                cmocka_unit_test(test_check_usage),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
