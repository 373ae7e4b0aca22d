/* SPDX-License-Identifier: Apache-2.0 */
/* memory */
#include "plan/field_plans.h"

int plan_memory_limit(struct builder *builder, const struct field_row *row) {
        const struct oci_memory *memory = &builder->resources->memory;
        unsigned flags = SETTING_VERIFY;
        int r;

        if (!memory->limit.given)
                return 0;
        if (memory->check_before_update.given && memory->check_before_update.value)
                flags |= SETTING_CHECK_USAGE;
        r = builder_u64(builder, row, builder_property(builder, row), 0,
                        builder_property_limit(memory->limit.value));
        return r < 0 ? r : builder_limit(builder, row, flags, GROUP_MEMORY, memory->limit.value);
}

/* What memory.swap comes to on v2: the part above the limit; negative is unlimited. */
static int64_t swap_only(const struct oci_memory *memory) {
        return memory->swap.value < 0 ? -1 : memory->swap.value - memory->limit.value;
}

/* An unlimited memory without a word on swap means unlimited swap as well. */
static bool swap_wanted(const struct oci_memory *memory, struct oci_memory *out) {
        *out = *memory;
        if (!memory->swap.given && memory->limit.given && memory->limit.value < 0)
                out->swap = (struct oci_i64){true, -1};
        return out->swap.given;
}

int plan_swap(struct builder *builder, const struct field_row *row) {
        enum cgroup_version version;
        struct oci_memory memory;
        int64_t value;
        int r;

        if (!swap_wanted(&builder->resources->memory, &memory))
                return 0;
        r = builder_version(builder, row, &version);
        if (r < 0)
                return r;
        value = version == CGROUP_V1 ? memory.swap.value : swap_only(&memory);
        r = builder_u64(builder, row, builder_property(builder, row), 0, builder_property_limit(value));
        if (r < 0)
                return r;
        /* Without swap accounting there is no file, and unlimited (or, on v2, none) is what holds anyway. */
        return builder_limit(builder, row,
                             value < 0 || (version == CGROUP_V2 && value == 0) ? SETTING_MISSING_OK : 0,
                             version == CGROUP_V1 ? GROUP_MEMORY : GROUP_NONE, value);
}

int plan_reservation(struct builder *builder, const struct field_row *row) {
        const struct oci_i64 *reservation = &builder->resources->memory.reservation;
        int r;

        if (!reservation->given)
                return 0;
        r = builder_u64(builder, row, builder_property(builder, row), 0,
                        builder_property_limit(reservation->value));
        return r < 0 ? r : builder_limit(builder, row, 0, GROUP_NONE, reservation->value);
}

/* Limits on kernel memory: obsolete on v1, absent from v2. */
static int plan_kernel_memory(struct builder *builder, const struct field_row *row, const struct oci_i64 *limit,
                              unsigned flags) {
        enum cgroup_version version;
        int r;

        if (!limit->given)
                return 0;
        r = builder_version(builder, row, &version);
        if (r < 0)
                return r;
        if (version == CGROUP_V2)
                return builder_warn(builder, "%s: ignored, cgroup v2 accounts kernel memory with all other",
                                    row->path);
        return builder_limit(builder, row, flags, GROUP_NONE, limit->value);
}

int plan_kernel(struct builder *builder, const struct field_row *row) {
        return plan_kernel_memory(builder, row, &builder->resources->memory.kernel, SETTING_REFUSED_WARN);
}

int plan_kernel_tcp(struct builder *builder, const struct field_row *row) {
        return plan_kernel_memory(builder, row, &builder->resources->memory.kernel_tcp, 0);
}

int plan_swappiness(struct builder *builder, const struct field_row *row) {
        const struct oci_u64 *swappiness = &builder->resources->memory.swappiness;
        enum cgroup_version version;
        int r;

        if (!swappiness->given)
                return 0;
        r = builder_version(builder, row, &version);
        if (r < 0)
                return r;
        if (version == CGROUP_V2)
                return builder_refuse_on_v2(builder, row, "swappiness of a group");
        return builder_limit(builder, row, 0, GROUP_NONE, (int64_t)swappiness->value);
}

/* A switch of v1 that v2 knows in one position only. */
static int plan_switch(struct builder *builder, const struct field_row *row, const struct oci_bool *value,
                       bool v2_has, const char *what) {
        enum cgroup_version version;
        int r;

        if (!value->given)
                return 0;
        r = builder_version(builder, row, &version);
        if (r < 0)
                return r;
        if (version == CGROUP_V2)
                return value->value == v2_has ? 0 : builder_refuse_on_v2(builder, row, what);
        return builder_limit(builder, row, 0, GROUP_NONE, value->value);
}

int plan_oom_killer(struct builder *builder, const struct field_row *row) {
        return plan_switch(builder, row, &builder->resources->memory.disable_oom_killer, false,
                           "way to disable the OOM killer");
}

int plan_use_hierarchy(struct builder *builder, const struct field_row *row) {
        return plan_switch(builder, row, &builder->resources->memory.use_hierarchy, true,
                           "accounting without hierarchy");
}
