/* SPDX-License-Identifier: Apache-2.0 */
/* memory: the fields that are more than a number in a file */
#include "plan/field_plans.h"

/* v1 charges the memory of a process to the group of its main thread. */
static int warn_of_threads(struct builder *builder, const struct field_row *row, int64_t limit) {
        if (!builder->facts->threads_only || limit < 0 ||
            builder->facts->controllers[CONTROLLER_MEMORY] != CGROUP_V1)
                return 0;
        return builder_warn(
                builder,
                "%s: on cgroup v1 the VMM's memory is charged to the overhead cgroup, where its main "
                "thread is: this limits none of it; use --overhead-resources or --sandbox-cgroup-only",
                row->path);
}

int plan_memory_limit(struct builder *builder, const struct field_row *row) {
        const struct oci_bool *check = &builder->resources->memory.check_before_update;
        int64_t limit;
        int r;

        if (!field_value(row, builder->resources, &limit) || builder_is_moot(builder, row, limit))
                return 0;
        r = warn_of_threads(builder, row, limit);
        if (r == 0)
                r = builder_property_number(builder, row->path, row->controller,
                                            builder_row_property(builder, row), builder_property_limit(limit));
        return r < 0 ? r
                     : builder_add_number(builder, row, check->given && check->value ? FILE_CHECK_USAGE : 0,
                                          limit);
}

/* The limit of memory and swap together; unlimited memory without a value for swap means unlimited swap too. False if there is
 * nothing to set. */
static bool find_swap(const struct builder *builder, const struct field_row *row, int64_t limit, int64_t *out) {
        if (field_value(row, builder->resources, out))
                return true;
        *out = -1;
        return builder->resources->memory.limit.given && limit < 0;
}

int plan_swap(struct builder *builder, const struct field_row *row) {
        int64_t limit = field_bytes(builder->resources->memory.limit.value), value;
        enum cgroup_version version;
        int r;

        if (!find_swap(builder, row, limit, &value) || builder_is_moot(builder, row, value))
                return 0;
        r = builder_version(builder, row, &version);
        if (r < 0)
                return r;
        /* The file of v2 limits swap alone. */
        if (version == CGROUP_V2 && value >= 0)
                value -= limit;
        r = builder_property_number(builder, row->path, row->controller, builder_row_property(builder, row),
                                    builder_property_limit(value));
        if (r < 0)
                return r;
        /* Without swap accounting there is no file; then unlimited swap (on v2 also no swap) needs no write. */
        return builder_add_number(
                builder, row, value < 0 || (version == CGROUP_V2 && value == 0) ? FILE_MISSING_OK : 0, value);
}
