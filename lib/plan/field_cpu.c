/* SPDX-License-Identifier: Apache-2.0 */
/* cpu: cpusets, shares and idle, quota, burst and period, real-time bandwidth */
#include "plan/field_plans.h"

#include <inttypes.h>

#include "plan/unified.h"

/* cpu.cpus, cpu.mems */
static int plan_cpuset(struct builder *builder, const struct field_row *row, const char *list) {
        int r;

        if (!list)
                return 0;
        r = builder_property_set(builder, row->path, row->controller, builder_row_property(builder, row), list);
        return r < 0 ? r : builder_add_text(builder, row, 0, builder_text(builder, "%s", list));
}

int plan_cpus(struct builder *builder, const struct field_row *row) {
        return plan_cpuset(builder, row, builder->resources->cpu.cpus);
}

int plan_mems(struct builder *builder, const struct field_row *row) {
        return plan_cpuset(builder, row, builder->resources->cpu.mems);
}

/* The weight is set on the sandbox's group and, if there is one, on the vCPUs' group. */
static int add_weight(struct builder *builder, const struct field_row *row, int64_t value) {
        int r = 0;

        if (builder_in_subtree(builder, row->controller))
                r = builder_add_number(builder, row, FILE_OF_SANDBOX, value);
        return r < 0 ? r : builder_add_number(builder, row, 0, value);
}

int plan_idle(struct builder *builder, const struct field_row *row) {
        const struct oci_cpu *cpu = &builder->resources->cpu;
        bool idle;
        int r = 0;

        if (!cpu->idle.given)
                return 0;
        idle = cpu->idle.value == 1;
        /* CPUWeight=0 is systemd's "idle". If idle is lifted and no shares are given, the weight becomes unset. */
        if (idle || !cpu->shares.given)
                r = builder_property_weight(builder, row->path, builder_row_property(builder, row),
                                            idle ? 0 : UINT64_MAX);
        return r < 0 ? r : add_weight(builder, row, cpu->idle.value);
}

int plan_shares(struct builder *builder, const struct field_row *row) {
        const struct oci_u64 *shares = &builder->resources->cpu.shares;
        enum cgroup_version version;
        uint64_t value;
        int r;

        if (!shares->given)
                return 0;
        r = builder_version(builder, row, &version);
        if (r < 0)
                return r;
        if (unified_is_idle(builder))
                return builder_warn(builder, "%s: %" PRIu64 " has no effect while cpu.idle is 1", row->path,
                                    shares->value);
        value = version == CGROUP_V1 ? shares->value : convert_shares_to_weight(shares->value);
        r = builder_property_weight(builder, row->path, builder_row_property(builder, row), value);
        return r < 0 ? r : add_weight(builder, row, (int64_t)value);
}

static struct cpu_quota wanted_quota(const struct builder *builder) {
        const struct oci_cpu *cpu = &builder->resources->cpu;
        uint64_t quota = cpu->quota.given && cpu->quota.value > 0 ? (uint64_t)cpu->quota.value : UINT64_MAX;

        return builder_cpu_quota(builder, quota, cpu->period.given ? cpu->period.value : CPU_PERIOD_DEFAULT);
}

int plan_period(struct builder *builder, const struct field_row *row) {
        const struct oci_cpu *cpu = &builder->resources->cpu;
        struct cpu_quota value = wanted_quota(builder);
        enum cgroup_version version;
        int r;

        if (!cpu->period.given && value.period == CPU_PERIOD_DEFAULT)
                return 0;
        r = builder_version(builder, row, &version);
        if (r == 0)
                r = builder_property_number(builder, row->path, row->controller,
                                            builder_row_property(builder, row), value.period);
        /* v2 has one file for both, which the quota's row writes. */
        if (r < 0 || version == CGROUP_V2)
                return r;
        return builder_add_number(builder, row, 0, (int64_t)builder_cpu_file_period(builder, &value));
}

int plan_quota(struct builder *builder, const struct field_row *row) {
        const struct oci_cpu *cpu = &builder->resources->cpu;
        struct cpu_quota value = wanted_quota(builder);
        enum cgroup_version version;
        int r;

        if (!cpu->quota.given && !cpu->period.given)
                return 0;
        if (!cpu->period.given && builder_is_moot(builder, row, cpu->quota.value))
                return 0;
        r = builder_version(builder, row, &version);
        if (r == 0 && cpu->quota.given)
                r = builder_property_number(builder, row->path, row->controller,
                                            builder_row_property(builder, row), value.per_second);
        if (r < 0)
                return r;
        if (version == CGROUP_V2)
                return builder_add_text(
                        builder, row, 0,
                        builder_cpu_max(builder, value.quota, builder_cpu_file_period(builder, &value)));
        if (!cpu->quota.given)
                return 0;
        return builder_add_number(builder, row, 0, value.quota == UINT64_MAX ? -1 : (int64_t)value.quota);
}

/* Real-time bandwidth. A runtime of 0 is what a kernel without the files has anyway; a period of 0 counts as "unset", since the
 * kernel refuses it. */
int plan_realtime(struct builder *builder, const struct field_row *row) {
        int64_t value;

        if (!field_value(row, builder->resources, &value))
                return 0;
        if (value != 0 || builder->facts->controllers[row->controller] == CGROUP_V2)
                return plan_scalar(builder, row);
        return row->type == FIELD_U64 ? 0 : builder_add_number(builder, row, FILE_MISSING_OK, 0);
}
