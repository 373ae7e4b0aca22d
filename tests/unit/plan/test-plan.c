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
        .has_unified = true,
        .systemd = true,
        .systemd_version = 257,
};
/* A VPN client has mounted net_cls on a v2 host. */
static const struct plan_facts v2_net_cls = {
        .controllers = {[CONTROLLER_CPU] = CGROUP_V2, [CONTROLLER_NET_CLS] = CGROUP_V1},
        .version = CGROUP_V2,
        .has_unified = true,
};
static const struct plan_facts v1_unified = {
        .controllers = ALL(CGROUP_V1), .version = CGROUP_V1, .has_unified = true};
/* Debian 13 booted as v1: no memory and no cpuset at all. */
static const struct plan_facts poor = {
        .controllers = {[CONTROLLER_CPU] = CGROUP_V1, [CONTROLLER_PIDS] = CGROUP_V1}, .version = CGROUP_V1};

static struct oci_resources *parse(const char *text) {
        struct oci_resources *resources = NULL;
        struct error error = {0};

        if (oci_resources_parse(&(struct oci_text){text, text, strlen(text)}, NULL, NULL, &resources, &error) <
                    0 ||
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

static void append_pairs(FILE *out, const struct property *property) {
        for (size_t i = 0; i < property->pairs.count; i++)
                if (property->type == PROPERTY_RATES)
                        fprintf(out, "[%s %" PRIu64 "]", property->pairs.items[i].path,
                                property->pairs.items[i].number);
                else
                        fprintf(out, "[%s %s]", property->pairs.items[i].path, property->pairs.items[i].access);
}

static void append_property(FILE *out, const struct property *property) {
        fprintf(out, "%s=", property->name);
        switch (property->type) {
        case PROPERTY_NUMBER:
                if (property->number == UINT64_MAX)
                        fputs("infinity", out);
                else
                        fprintf(out, "%" PRIu64, property->number);
                break;
        case PROPERTY_TEXT:
                fputs(property->text, out);
                break;
        case PROPERTY_BYTES:
                for (size_t i = 0; i < property->bytes.count; i++)
                        fprintf(out, "%02x", property->bytes.items[i]);
                break;
        default:
                append_pairs(out, property);
        }
}

static void append_setting(FILE *out, const struct setting *setting) {
        if (setting->kind == SETTING_DEVICES)
                append_devices(out, setting->devices.filter);
        else if (setting->kind == SETTING_FILE)
                fprintf(out, "%s<%s", setting->file.name, setting->file.value);
        else
                append_property(out, &setting->property);
}

static char *text_of(const struct plan *plan) {
        char *text = NULL;
        size_t size;
        FILE *out = open_memstream(&text, &size);

        for (size_t i = 0; i < plan->count; i++) {
                if (plan->settings[i].unchanged)
                        continue;
                fputs(ftell(out) == 0 ? "" : ", ", out);
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

/* A document on a host, and its plan. */
struct plan_case {
        const struct plan_facts *facts;
        const char *document, *plan;
};

static void check_cases(const struct plan_case *cases, size_t count) {
        for (size_t i = 0; i < count; i++) {
                _cleanup_(plan_freep) struct plan *plan = make(cases[i].facts, NULL, cases[i].document);

                assert_plan(plan, cases[i].document, cases[i].plan);
        }
}

/* Nothing given, nothing limited. */
static void test_fields_nothing(void **state) {
        static const struct plan_case cases[] = {
                /* Nothing given, nothing limited: under systemd that has to be said. */
                {&v1, "{}", ""},
                {&v2, "{}", ""},
                {&v2_systemd, "{}", "TasksMax=infinity"},
                {&poor, "{}", ""},
        };

        (void)state;
        check_cases(cases, ARRAY_SIZE(cases));
}

/* cpu */
static void test_fields_cpu(void **state) {
        static const struct plan_case cases[] = {
                {&v1, "{\"cpu\":{\"shares\":1024}}", "cpu.shares<1024"},
                {&v2, "{\"cpu\":{\"shares\":1024}}", "cpu.weight<100"},
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
        };

        (void)state;
        check_cases(cases, ARRAY_SIZE(cases));
}

/* memory */
static void test_fields_memory(void **state) {
        static const struct plan_case cases[] = {
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
        };

        (void)state;
        check_cases(cases, ARRAY_SIZE(cases));
}

/* pids */
static void test_fields_misc(void **state) {
        static const struct plan_case cases[] = {
                {&v1, "{\"pids\":{\"limit\":0}}", "pids.max<1"},
                {&v2, "{\"pids\":{\"limit\":-5}}", "pids.max<max"},
                {&v2_systemd, "{\"pids\":{\"limit\":0}}", "TasksMax=1, pids.max<1"},
                {&v2_systemd, "{\"pids\":{\"limit\":-1}}", "TasksMax=infinity, pids.max<max"},
        };

        (void)state;
        check_cases(cases, ARRAY_SIZE(cases));
}

/* blockIO, hugepageLimits, network, rdma */
static void test_fields_io(void **state) {
        static const struct plan_case cases[] = {
                {&v1, "{\"blockIO\":{\"weight\":10,\"leafWeight\":500}}",
                 "blkio.weight<10, blkio.leaf_weight<500"},
                {&v2, "{\"blockIO\":{\"weight\":1000}}", "io.bfq.weight<default 1000"},
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
        };

        (void)state;
        check_cases(cases, ARRAY_SIZE(cases));
}

/* devices */
static void test_fields_devices(void **state) {
        static const struct plan_case cases[] = {
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
        };

        (void)state;
        check_cases(cases, ARRAY_SIZE(cases));
}

/* unified */
static void test_fields_unified(void **state) {
        static const struct plan_case cases[] = {
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
                 "io.max<8:0 rbps=1 wbps=max riops=max wiops=max, io.max<8:16 rbps=max wbps=2 riops=max "
                 "wiops=max, "
                 "io.weight<default 50"},
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
        };

        (void)state;
        check_cases(cases, ARRAY_SIZE(cases));
}

/* A group for the vCPUs */
static void test_fields_subtree(void **state) {
        static const struct plan_case cases[] = {
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
        };

        (void)state;
        check_cases(cases, ARRAY_SIZE(cases));
}

/* Hybrid hosts */
static void test_fields_hybrid(void **state) {
        static const struct plan_case cases[] = {
                /* Each controller by the version that it has here. */
                {&hybrid,
                 "{\"cpu\":{\"shares\":1024,\"cpus\":\"0\"},\"memory\":{\"limit\":1000,\"swap\":1500},\"pids\":"
                 "{\"limit\":7}}",
                 "AllowedCPUs=01, MemoryMax=1000, MemorySwapMax=500, CPUShares=1024, TasksMax=7, "
                 "cpuset.cpus<0, memory.max<1000, memory.swap.max<500, cpu.shares<1024, pids.max<7"},
                {&hybrid, "{\"unified\":{\"memory.high\":\"1M\",\"cgroup.max.depth\":\"5\"}}",
                 "TasksMax=infinity, MemoryHigh=1048576, cgroup.max.depth<5, memory.high<1048576"},
                {&v2_net_cls, "{\"network\":{\"classID\":5},\"unified\":{\"cpu.max\":\"max\"}}",
                 "net_cls.classid<5, cpu.max<max 100000"},
        };

        (void)state;
        check_cases(cases, ARRAY_SIZE(cases));
}

/* unified's values in the forms that the kernel's files take: the property gets the number, the file one form of it. */
static void test_unified_values(void **state) {
        static const struct plan_case cases[] = {
#define UNIFIED(key, value) "{\"unified\":{\"" key "\":\"" value "\"}}"
                {&v2_systemd, UNIFIED("memory.max", "100M"),
                 "TasksMax=infinity, MemoryMax=104857600, memory.max<104857600"},
                {&v2_systemd, UNIFIED("memory.max", " 1g\\n"),
                 "TasksMax=infinity, MemoryMax=1073741824, memory.max<1073741824"},
                {&v2_systemd, UNIFIED("memory.high", "104857600\\n"),
                 "TasksMax=infinity, MemoryHigh=104857600, memory.high<104857600"},
                {&v2_systemd, UNIFIED("memory.low", "0x10000"),
                 "TasksMax=infinity, MemoryLow=65536, memory.low<65536"},
                {&v2_systemd, UNIFIED("memory.min", "0300K"),
                 "TasksMax=infinity, MemoryMin=196608, memory.min<196608"},
                {&v2_systemd, UNIFIED("memory.swap.max", "max\\n"),
                 "TasksMax=infinity, MemorySwapMax=infinity, memory.swap.max<max"},
                {&v2_systemd, UNIFIED("memory.max", "9223372036854771712"),
                 "TasksMax=infinity, MemoryMax=infinity, memory.max<max"},
                {&v2, UNIFIED("memory.max", "64M"), "memory.max<67108864"},
                {&v2, UNIFIED("hugetlb.2MB.max", "4M"), "hugetlb.2MB.max<4194304"},
                {&v2, UNIFIED("hugetlb.2MB.rsvd.max", "max"), "hugetlb.2MB.rsvd.max<max"},
                {&v2_systemd, UNIFIED("pids.max", " 50"), "TasksMax=50, pids.max<50"},
                {&v2_systemd, UNIFIED("pids.max", "0300"), "TasksMax=192, pids.max<192"},
                {&v2_systemd, UNIFIED("pids.max", "0"), "TasksMax=1, pids.max<1"},
                {&v2_systemd, UNIFIED("cpu.weight", "0300\\n"),
                 "TasksMax=infinity, CPUWeight=192, cpu.weight<192"},
                {&v2_systemd, UNIFIED("cpu.weight.nice", "-5"),
                 "TasksMax=infinity, CPUWeight=305, cpu.weight.nice<-5"},
                {&v2_systemd, UNIFIED("cpu.max", "50000 100000\\n"),
                 "TasksMax=infinity, CPUQuotaPeriodUSec=100000, CPUQuotaPerSecUSec=500000, cpu.max<50000 "
                 "100000"},
                {&v2, UNIFIED("cpu.max", "  0050000   020000 "), "cpu.max<50000 20000"},
                {&v2, UNIFIED("cpu.max", "max"), "cpu.max<max 100000"},
                {&v2, UNIFIED("cpu.max.burst", "0x10"), "cpu.max.burst<16"},
                {&v2, UNIFIED("cpuset.cpus", "3,0-1\\n"), "cpuset.cpus<0-1,3"},
                {&v2, UNIFIED("memory.oom.group", " 1"), "memory.oom.group<1"},
                {&v2_systemd, UNIFIED("cpu.idle", "1"), "TasksMax=infinity, CPUWeight=0, cpu.idle<1"},
                {&v2_systemd, UNIFIED("cpu.idle", "0"), "TasksMax=infinity, CPUWeight=infinity, cpu.idle<0"},
                {&v2, UNIFIED("io.weight", "default 0050\\n8:16  200\\n8:0 default"),
                 "io.weight<default 50, io.weight<8:16 200, io.weight<8:0 default"},
                {&v2_systemd, UNIFIED("io.weight", "70\\n8:16 200"),
                 "TasksMax=infinity, IOWeight=70, IODeviceWeight=[/dev/block/8:16 200], io.weight<default 70, "
                 "io.weight<8:16 200"},
                {&v2_systemd, UNIFIED("io.max", " 8:0 wiops=9  rbps=0010\\n"),
                 "IOReadBandwidthMax=[/dev/block/8:0 10], IOWriteIOPSMax=[/dev/block/8:0 9], "
                 "TasksMax=infinity, "
                 "io.max<8:0 rbps=10 wbps=max riops=max wiops=9"},
                /* Over what the arrays say of the same device; others stay. */
                {&v2_systemd,
                 "{\"blockIO\":{\"throttleReadBpsDevice\":[{\"major\":8,\"minor\":0,\"rate\":5},"
                 "{\"major\":8,\"minor\":16,\"rate\":6}]},\"unified\":{\"io.max\":\"8:0 rbps=7 wbps=8\"}}",
                 "IOReadBandwidthMax=[/dev/block/8:0 7][/dev/block/8:16 6], "
                 "IOWriteBandwidthMax=[/dev/block/8:0 8], "
                 "TasksMax=infinity, io.max<8:0 rbps=7 wbps=8 riops=max wiops=max, "
                 "io.max<8:16 rbps=6 wbps=max riops=max wiops=max"},
                {&v2_systemd,
                 "{\"blockIO\":{\"weightDevice\":[{\"major\":8,\"minor\":0,\"weight\":10},{\"major\":8,"
                 "\"minor\":16,\"weight\":10}]},\"unified\":{\"io.weight\":\"8:0 300\"}}",
                 "TasksMax=infinity, IODeviceWeight=[/dev/block/8:0 300][/dev/block/8:16 1], "
                 "io.bfq.weight<8:16 10, io.weight<8:0 300"},
                /* Idle takes no weight. */
                {&v2, "{\"cpu\":{\"shares\":512},\"unified\":{\"cpu.idle\":\"1\"}}", "cpu.idle<1"},
                {&v2, "{\"cpu\":{\"idle\":1},\"unified\":{\"cpu.weight\":\"50\"}}", "cpu.idle<1"},
                /* A partition is made of the CPUs that are there. */
                {&v2, "{\"unified\":{\"cpuset.cpus.partition\":\"root\",\"cpuset.cpus\":\"1\"}}",
                 "cpuset.cpus<1, cpuset.cpus.partition<root"},
        };

        (void)state;
        check_cases(cases, ARRAY_SIZE(cases));
}

static void test_unified_refused(void **state) {
        static const char *const documents[] = {
                UNIFIED("memory.max", "100X"),      UNIFIED("memory.max", "K"),
                UNIFIED("memory.max", "-1"),        UNIFIED("memory.max", "1 M"),
                UNIFIED("memory.max", "99999999E"), UNIFIED("memory.high", "infinity"),
                UNIFIED("cpu.weight", " 50"),       UNIFIED("cpu.weight", "max"),
                UNIFIED("cpu.weight", "50\\n\\n"),  UNIFIED("cpu.weight.nice", "20"),
                UNIFIED("cpu.max", "50000abc"),     UNIFIED("cpu.max", "50000 100000 1"),
                UNIFIED("cpu.idle", "2"),           UNIFIED("cpuset.cpus", "0-"),
                UNIFIED("memory.oom.group", "2"),   UNIFIED("pids.max", "-2"),
                UNIFIED("io.max", "8:0 rbps=0"),    UNIFIED("io.max", "sda rbps=1"),
                UNIFIED("io.max", "8:0 nosuch=1"),  UNIFIED("io.weight", "8:0 0"),
                UNIFIED("io.weight", "default"),    UNIFIED("io.weight", "8:0 1x"),
        };

        (void)state;
        for (size_t i = 0; i < ARRAY_SIZE(documents); i++) {
                _cleanup_(oci_resources_freep) struct oci_resources *resources = parse(documents[i]);
                _cleanup_error_ struct error error = ERROR_INIT;
                struct plan *plan = NULL;

                if (plan_new(resources, NULL, &v2, &plan, &error) == 0)
                        fail_msg("%s is taken", documents[i]);
                assert_int_equal(error.status, EXIT_STATUS_REFUSED);
                assert_non_null(error.field);
                assert_int_equal(strncmp(error.field, "unified.", strlen("unified.")), 0);
        }
}

/* What limits nothing needs no controller. */
static void test_nothing_to_limit(void **state) {
        static const struct plan_facts bare = {.controllers = {[CONTROLLER_IO] = CGROUP_ABSENT},
                                               .version = CGROUP_V2};
        static const struct plan_case cases[] = {
                {&bare, "{\"memory\":{\"limit\":-1,\"swap\":-1,\"reservation\":-1,\"kernel\":-1}}", ""},
                {&bare, "{\"memory\":{\"limit\":9223372036854771712}}", ""},
                {&bare, "{\"pids\":{\"limit\":-1},\"cpu\":{\"quota\":-1}}", ""},
                {&bare, "{\"blockIO\":{\"throttleReadBpsDevice\":[{\"major\":8,\"minor\":0,\"rate\":0}]}}", ""},
                {&bare, UNIFIED("memory.max", "max"), ""},
                {&bare, UNIFIED("cpu.max", "max 100000"), ""},
                {&bare, UNIFIED("io.max", "8:0 rbps=max wbps=max"), ""},
                {&bare, UNIFIED("nosuch.max", "max"), ""},
                {&poor, "{\"memory\":{\"limit\":-1}}", ""},
                /* v1's numbers for "unlimited". */
                {&v2, "{\"memory\":{\"limit\":9223372036854775807}}", "memory.max<max, memory.swap.max<max"},
                {&v2, "{\"memory\":{\"limit\":4096,\"swap\":9223372036854771712}}",
                 "memory.max<4096, memory.swap.max<max"},
                {&v2, "{\"memory\":{\"reservation\":9223372036854771712}}", "memory.low<max"},
                {&v1, "{\"memory\":{\"limit\":9223372036854771712,\"swap\":9223372036854771712}}",
                 "memory.limit_in_bytes<-1, memory.memsw.limit_in_bytes<-1"},
        };

        (void)state;
        check_cases(cases, ARRAY_SIZE(cases));
}

/* A later document's field drops the earlier key of the same file. */
static void test_drop_unified(void **state) {
        static const struct {
                const char *former, *later, *left; /* "KEY=VALUE;..." */
        } cases[] = {
                {UNIFIED("pids.max", "5"), "{\"pids\":{\"limit\":6}}", ""},
                {UNIFIED("pids.max", "5"), "{\"cpu\":{\"shares\":6}}", "pids.max=5;"},
                {UNIFIED("cpu.weight", "5"), "{\"cpu\":{\"shares\":1024}}", ""},
                {UNIFIED("cpu.weight.nice", "5"), "{\"cpu\":{\"shares\":1024}}", ""},
                {UNIFIED("cpu.weight.nice", "5"), UNIFIED("cpu.weight", "50"), ""},
                {UNIFIED("cpu.max", "5000 10000"), "{\"cpu\":{\"period\":100000}}", ""},
                {UNIFIED("memory.max", "1M"), "{\"memory\":{\"limit\":1048576}}", ""},
                {UNIFIED("memory.high", "1M"), "{\"memory\":{\"limit\":1048576}}", "memory.high=1M;"},
                {UNIFIED("io.weight", "50\\n8:0 10"), "{\"blockIO\":{\"weight\":100}}", "io.weight=8:0 10;"},
                {UNIFIED("io.max", "8:0 rbps=1\\n8:16 rbps=2"),
                 "{\"blockIO\":{\"throttleReadBpsDevice\":[{\"major\":8,\"minor\":0,\"rate\":5}]}}",
                 "io.max=8:16 rbps=2;"},
        };

        (void)state;
        for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
                _cleanup_(oci_resources_freep) struct oci_resources *former = parse(cases[i].former);
                _cleanup_(plan_freep) struct plan *later = make(&v2, NULL, cases[i].later);
                const struct oci_unified *entries = former->unified.items;
                char left[256] = "";

                plan_drop_unified(former, later);
                for (size_t k = 0; k < former->unified.count; k++)
                        (void)snprintf(left + strlen(left), sizeof(left) - strlen(left), "%s=%s;",
                                       entries[k].key, entries[k].value);
                assert_string_equal(left, cases[i].left);
        }
}

/* What a unit says that it has, against what was sent to it. */
static void test_property_equal(void **state) {
        uint8_t bytes[] = {3, 1, 0, 0};
        struct property_pair pairs[] = {{.path = "/dev/block/8:0", .number = 5},
                                        {.path = "/dev/block/8:16", .number = 6}};
        struct property_pair turned[] = {pairs[1], pairs[0]};
        const struct property set = {"AllowedCPUs", PROPERTY_BYTES, {.bytes = {bytes, 2}}},
                              padded = {"AllowedCPUs", PROPERTY_BYTES, {.bytes = {bytes, 4}}},
                              smaller = {"AllowedCPUs", PROPERTY_BYTES, {.bytes = {bytes, 1}}},
                              rates = {"IOReadIOPSMax", PROPERTY_RATES, {.pairs = {pairs, 2}}},
                              other_order = {"IOReadIOPSMax", PROPERTY_RATES, {.pairs = {turned, 2}}},
                              fewer = {"IOReadIOPSMax", PROPERTY_RATES, {.pairs = {pairs, 1}}};

        (void)state;
        assert_true(property_equal(&set, &padded));
        assert_false(property_equal(&set, &smaller));
        assert_true(property_equal(&rates, &other_order));
        assert_false(property_equal(&rates, &fewer));
}

/* What a file shows, against what was written to it. */
static void test_file_holds(void **state) {
        static const struct {
                struct setting_file file;
                const char *value, *text;
                bool holds;
        } cases[] = {
                {{.name = "pids.max"}, "5", "5\n", true},
                {{.name = "pids.max"}, "5", "max\n", false},
                {{.name = "pids.max"}, "max", "max\n", true},
                {{.name = "cpu.max"}, "max 100000", "max 100000\n", true},
                {{.name = "cpu.cfs_quota_us"}, "-1", "-1\n", true},
                {{.name = "memory.max", .flags = FILE_BYTES}, "5000", "4096\n", true},
                {{.name = "memory.max", .flags = FILE_BYTES}, "5000", "8192\n", false},
                {{.name = "memory.max"}, "5000", "4096\n", false},
                {{.name = "memory.limit_in_bytes", .flags = FILE_BYTES}, "-1", "9223372036854771712\n", true},
                {{.name = "memory.limit_in_bytes", .flags = FILE_BYTES}, "-1", "4096\n", false},
                {{.name = "memory.oom_control"}, "1", "oom_kill_disable 1\nunder_oom 0\n", true},
                {{.name = "memory.oom_control"}, "1", "oom_kill_disable 0\nunder_oom 1\n", false},
                {{.name = "cpuset.cpus.partition"},
                 "root",
                 "root invalid (Parent is not a partition root)\n",
                 false},
                {{.name = "io.max", .flags = FILE_KEYED}, "8:0 rbps=1", "8:16 rbps=1\n8:0 rbps=1\n", true},
                {{.name = "io.max", .flags = FILE_KEYED}, "8:0 rbps=1", "8:0 rbps=2\n", false},
                {{.name = "io.max", .flags = FILE_KEYED, .reset = "8:0 rbps=max"}, "8:0 rbps=max", "", true},
                {{.name = "io.max", .flags = FILE_KEYED, .reset = "8:0 rbps=max"}, "8:0 rbps=1", "", false},
        };

        (void)state;
        for (size_t i = 0; i < ARRAY_SIZE(cases); i++)
                if (setting_file_holds(&cases[i].file, cases[i].value, cases[i].text) != cases[i].holds)
                        fail_msg("%s: \"%s\" against \"%s\"", cases[i].file.name, cases[i].value,
                                 cases[i].text);
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
                {&v1, "{\"unified\":{\"memory.max\":\"1\"}}", EXIT_STATUS_REFUSED, "unified.memory.max"},
                {&v1_unified, "{\"unified\":{\"cpu.max\":\"1\"}}", EXIT_STATUS_REFUSED, "unified.cpu.max"},
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
        static const struct plan_facts v1_threads = {
                .controllers = ALL(CGROUP_V1), .version = CGROUP_V1, .threads_only = true};
        static const struct {
                const struct plan_facts *facts;
                const char *document, *warnings[2];
        } cases[] = {
                {&v2,
                 "{\"memory\":{\"kernel\":4096,\"kernelTCP\":1}}",
                 {"memory.kernel: ignored", "memory.kernelTCP: ignored"}},
                {&v2,
                 "{\"cpu\":{\"idle\":1,\"shares\":300}}",
                 {"cpu.shares: 300 has no effect while cpu.idle is 1"}},
                {&v1,
                 "{\"cpu\":{\"idle\":1,\"shares\":300}}",
                 {"cpu.shares: 300 has no effect while cpu.idle is 1"}},
                {&v2,
                 "{\"cpu\":{\"idle\":1},\"unified\":{\"cpu.weight\":\"7\"}}",
                 {"unified.cpu.weight: 7 has no effect while cpu.idle is 1"}},
                {&v2, "{\"cpu\":{\"idle\":0,\"shares\":300}}", {NULL}},
                {&v1_threads, "{\"memory\":{\"limit\":4096}}", {"memory.limit: on cgroup v1 the VMM's memory"}},
                {&v1_threads, "{\"memory\":{\"limit\":-1}}", {NULL}},
                {&v1, "{\"memory\":{\"limit\":4096}}", {NULL}},
        };

        (void)state;
        for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
                _cleanup_(plan_freep) struct plan *plan = make(cases[i].facts, NULL, cases[i].document);
                size_t count = cases[i].warnings[1] ? 2 : cases[i].warnings[0] ? 1 : 0;

                assert_int_equal(plan->warning_count, count);
                for (size_t k = 0; k < count; k++)
                        assert_ptr_equal(strstr(plan->warnings[k], cases[i].warnings[k]), plan->warnings[k]);
        }
}

/* An update repeats no warning that the plan before has given. */
static void test_known_warnings(void **state) {
        static const char before_text[] = "{\"cpu\":{\"idle\":1,\"shares\":300},\"pids\":{\"limit\":5}}";
        static const struct {
                const char *now;
                size_t count;
        } cases[] = {
                {"{\"cpu\":{\"idle\":1,\"shares\":300},\"pids\":{\"limit\":6}}", 0},
                {"{\"cpu\":{\"idle\":1,\"shares\":400},\"pids\":{\"limit\":5}}", 1},
        };

        (void)state;
        for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
                _cleanup_(plan_freep) struct plan *before = make(&v2, NULL, before_text);
                _cleanup_(plan_freep) struct plan *plan = make(&v2, before_text, cases[i].now);
                struct error error = {0};

                assert_int_equal(plan_compare(plan, before, &error), 0);
                assert_int_equal(plan->warning_count, cases[i].count);
        }
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
static void test_compare(void **state) {
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
                /* unified's line is as good as an array's. */
                {&v2_systemd, "{\"unified\":{\"io.max\":\"8:0 rbps=5\"}}", "{}",
                 "IOReadBandwidthMax=, io.max<8:0 rbps=max wbps=max riops=max wiops=max"},
                {&v2, "{\"unified\":{\"io.weight\":\"8:0 5\"}}", "{}", "io.weight<8:0 default"},
                {&v2, "{\"cpu\":{\"idle\":1,\"shares\":512}}", "{\"cpu\":{\"idle\":0,\"shares\":512}}",
                 "cpu.idle<0, cpu.weight<59"},
                {&v2_systemd, "{\"unified\":{\"cpu.idle\":\"1\"}}", "{\"unified\":{\"cpu.idle\":\"0\"}}",
                 "CPUWeight=infinity, cpu.idle<0"},
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

                assert_int_equal(plan_compare(plan, before, &error), 0);
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
        assert_true(devices->devices.unsettled);
        assert_int_equal(devices->devices.former->count, 2);
        assert_int_equal(devices->devices.former->rules[0].minor, 3);
        assert_int_equal(devices->devices.former->rules[1].minor, 5);
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

                assert_int_equal((plan->settings[0].file.flags & FILE_CHECK_USAGE) != 0, cases[i].checked);
        }
}

/* --dry-run prints what is sent: also a number that JSON's integers have no room for. */
static void test_json(void **state) {
        static const struct {
                const char *document, *value;
        } cases[] = {
                {"{\"unified\":{\"cpu.weight\":\"4096\"}}", "4096"},
                {"{\"unified\":{\"cpu.weight\":\"9223372036854775807\"}}", "9223372036854775807"},
                {"{\"unified\":{\"cpu.weight\":\"9223372036854775808\"}}", "\"9223372036854775808\""},
                {"{\"unified\":{\"memory.high\":\"max\"}}", "\"infinity\""},
        };

        (void)state;
        for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
                _cleanup_(plan_freep) struct plan *plan = make(&v2_systemd, NULL, cases[i].document);
                _cleanup_json_ json_t *json = plan_to_json(plan);
                _cleanup_free_ char *value = NULL;

                assert_int_equal(json_array_size(json), plan->count);
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
                cmocka_unit_test(test_fields_nothing),
                cmocka_unit_test(test_fields_cpu),
                cmocka_unit_test(test_fields_memory),
                cmocka_unit_test(test_fields_misc),
                cmocka_unit_test(test_fields_io),
                cmocka_unit_test(test_fields_devices),
                cmocka_unit_test(test_fields_unified),
                cmocka_unit_test(test_fields_subtree),
                cmocka_unit_test(test_fields_hybrid),
                cmocka_unit_test(test_errors),
                cmocka_unit_test(test_unified_values),
                cmocka_unit_test(test_unified_refused),
                cmocka_unit_test(test_nothing_to_limit),
                cmocka_unit_test(test_drop_unified),
                cmocka_unit_test(test_file_holds),
                cmocka_unit_test(test_property_equal),
                cmocka_unit_test(test_known_warnings),
                cmocka_unit_test(test_warnings),
                cmocka_unit_test(test_memory_order),
                cmocka_unit_test(test_compare),
                cmocka_unit_test(test_json),
                cmocka_unit_test(test_json_kinds),
                cmocka_unit_test(test_add_resets),
                cmocka_unit_test(test_unsettled_devices),
                cmocka_unit_test(test_check_usage),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
