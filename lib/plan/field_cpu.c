/* SPDX-License-Identifier: Apache-2.0 */
/* cpu */
#include "plan/field_plans.h"

#include <inttypes.h>

#include "plan/convert.h"
#include "util/cpulist.h"

#define DEFAULT_PERIOD_US UINT64_C(100000)

/* cpu.cpus, cpu.mems */
static int plan_cpuset(struct builder *builder, const struct field_row *row, const char *list) {
        uint8_t mask[CPULIST_LIMIT / 8];
        struct cpulist parsed;
        int r;

        if (!list)
                return 0;
        if (cpulist_parse(list, &parsed) < 0)
                return error_refuse(builder->error, row->path, "\"%s\" is not a list", list);
        r = builder_bytes(builder, row, builder_property(builder, row), 244, mask,
                          cpulist_to_mask(&parsed, mask));
        return r < 0 ? r
                     : builder_file(builder, row, SETTING_INHERIT, GROUP_NONE,
                                    builder_text(builder, "%s", list));
}

int plan_cpus(struct builder *builder, const struct field_row *row) {
        return plan_cpuset(builder, row, builder->resources->cpu.cpus);
}

int plan_mems(struct builder *builder, const struct field_row *row) {
        return plan_cpuset(builder, row, builder->resources->cpu.mems);
}

static bool is_idle(const struct builder *builder) {
        return builder->resources->cpu.idle.given && builder->resources->cpu.idle.value == 1;
}

int plan_idle(struct builder *builder, const struct field_row *row) {
        const struct oci_cpu *cpu = &builder->resources->cpu;
        int r = 0;

        if (!cpu->idle.given)
                return 0;
        /* CPUWeight=0 is systemd's "idle"; leaving it without shares is leaving the weight unset. */
        if (is_idle(builder) || !cpu->shares.given || cpu->shares.value == 0)
                r = builder_weight(builder, row, builder_property(builder, row), 252,
                                   is_idle(builder) ? 0 : UINT64_MAX);
        if (r == 0 && builder_in_subtree(builder, row->controller))
                r = builder_limit(builder, row, SETTING_OF_SANDBOX, GROUP_NONE, cpu->idle.value);
        return r < 0 ? r : builder_limit(builder, row, 0, GROUP_NONE, cpu->idle.value);
}

int plan_shares(struct builder *builder, const struct field_row *row) {
        const struct oci_u64 *shares = &builder->resources->cpu.shares;
        enum cgroup_version version;
        uint64_t value;
        int r;

        if (!shares->given || shares->value == 0 || is_idle(builder))
                return 0;
        r = builder_version(builder, row, &version);
        if (r < 0)
                return r;
        value = version == CGROUP_V1 ? shares->value : convert_shares_to_weight(shares->value);
        r = builder_weight(builder, row, builder_property(builder, row), 0, value);
        if (r == 0 && builder_in_subtree(builder, row->controller))
                r = builder_limit(builder, row, SETTING_OF_SANDBOX | SETTING_VERIFY, GROUP_NONE,
                                  (int64_t)value);
        return r < 0 ? r : builder_limit(builder, row, SETTING_VERIFY, GROUP_NONE, (int64_t)value);
}

/* Quota and period of the resources, as file and property can agree on them. */
static struct cpu_quota bandwidth(const struct builder *builder) {
        const struct oci_cpu *cpu = &builder->resources->cpu;
        struct cpu_quota out = {UINT64_MAX, UINT64_MAX, DEFAULT_PERIOD_US};

        if (cpu->period.given && cpu->period.value != 0)
                out.period = cpu->period.value;
        if (!cpu->quota.given || cpu->quota.value <= 0)
                return out;
        /* What systemd is not told it does not round. */
        if (builder->facts->systemd && !builder->facts->vcpu_subtree)
                return convert_quota_for_systemd((uint64_t)cpu->quota.value, out.period);
        out.quota = (uint64_t)cpu->quota.value;
        return out;
}

static bool has_quota(const struct oci_cpu *cpu) {
        return cpu->quota.given && cpu->quota.value != 0;
}

static bool has_period(const struct oci_cpu *cpu) {
        return cpu->period.given && cpu->period.value != 0;
}

/* Without a quota, systemd writes its default period, whatever the unit's is (cgroup_cpu_adjust_period_and_log() in its
 * cgroup.c); so that file and unit agree from the start, so does this. */
static uint64_t file_period(const struct builder *builder, const struct cpu_quota *value) {
        bool by_systemd = builder->facts->systemd && !builder->facts->vcpu_subtree;

        return by_systemd && value->quota == UINT64_MAX ? DEFAULT_PERIOD_US : value->period;
}

int plan_period(struct builder *builder, const struct field_row *row) {
        const struct oci_cpu *cpu = &builder->resources->cpu;
        struct cpu_quota value = bandwidth(builder);
        enum cgroup_version version;
        int r;

        if (!has_period(cpu) && value.period == DEFAULT_PERIOD_US)
                return 0;
        r = builder_version(builder, row, &version);
        if (r == 0)
                r = builder_u64(builder, row, builder_property(builder, row), 242, value.period);
        /* v2 has one file for both; it is the quota's. */
        if (r < 0 || version == CGROUP_V2)
                return r;
        return builder_limit(builder, row, 0, GROUP_CPU_BANDWIDTH, (int64_t)file_period(builder, &value));
}

static const char *cpu_max(struct builder *builder, const struct cpu_quota *value) {
        if (value->quota == UINT64_MAX)
                return builder_text(builder, "max %" PRIu64, file_period(builder, value));
        return builder_text(builder, "%" PRIu64 " %" PRIu64, value->quota, value->period);
}

int plan_quota(struct builder *builder, const struct field_row *row) {
        const struct oci_cpu *cpu = &builder->resources->cpu;
        struct cpu_quota value = bandwidth(builder);
        enum cgroup_version version;
        int r;

        if (!has_quota(cpu) && !has_period(cpu))
                return 0;
        r = builder_version(builder, row, &version);
        if (r == 0 && has_quota(cpu))
                r = builder_u64(builder, row, builder_property(builder, row), 0, value.per_second);
        if (r < 0)
                return r;
        if (version == CGROUP_V2)
                return builder_file(builder, row, 0, GROUP_CPU_BANDWIDTH, cpu_max(builder, &value));
        if (!has_quota(cpu))
                return 0;
        return builder_limit(builder, row, 0, GROUP_CPU_BANDWIDTH,
                             value.quota == UINT64_MAX ? -1 : (int64_t)value.quota);
}

int plan_burst(struct builder *builder, const struct field_row *row) {
        const struct oci_u64 *burst = &builder->resources->cpu.burst;

        return burst->given ? builder_limit(builder, row, 0, GROUP_CPU_BANDWIDTH, (int64_t)burst->value) : 0;
}

/* Real-time bandwidth: 0 is what a kernel without the files has. */
static int plan_realtime(struct builder *builder, const struct field_row *row, bool given, int64_t value) {
        enum cgroup_version version;
        int r;

        if (!given)
                return 0;
        r = builder_version(builder, row, &version);
        if (r < 0)
                return r;
        if (version == CGROUP_V2)
                return value == 0 ? 0 : builder_refuse_on_v2(builder, row, "real-time bandwidth");
        return builder_limit(builder, row, value == 0 ? SETTING_MISSING_OK : 0, GROUP_REALTIME, value);
}

int plan_realtime_period(struct builder *builder, const struct field_row *row) {
        const struct oci_u64 *period = &builder->resources->cpu.realtime_period;

        /* A period of 0 is "unset": the kernel has no such value. */
        if (period->given && period->value == 0 && builder->facts->controllers[CONTROLLER_CPU] == CGROUP_V1)
                return 0;
        return plan_realtime(builder, row, period->given, (int64_t)period->value);
}

int plan_realtime_runtime(struct builder *builder, const struct field_row *row) {
        const struct oci_i64 *runtime = &builder->resources->cpu.realtime_runtime;

        return plan_realtime(builder, row, runtime->given, runtime->value);
}
