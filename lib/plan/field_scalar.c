/* SPDX-License-Identifier: Apache-2.0 */
/* Fields that are one number. */
#include "oci/resources.h"
#include "plan/field_plans.h"

int64_t field_bytes(int64_t value) {
        return value < 0 || value >= OCI_MEMORY_UNLIMITED ? -1 : value;
}

/* The members of struct oci_resources that are one number begin with `given`; what follows differs. */
bool field_value(const struct field_row *row, const struct oci_resources *resources, int64_t *out) {
        const void *member = (const char *)resources + row->offset;
        const struct oci_u64 *u64 = member;
        const struct oci_i64 *i64 = member;
        const struct oci_bool *boolean = member;

        switch (row->type) {
        case FIELD_SPECIAL:
                return false;
        case FIELD_U64:
                *out = (int64_t)u64->value;
                return u64->given;
        case FIELD_I64:
                *out = (row->flags & FILE_BYTES) != 0 ? field_bytes(i64->value) : i64->value;
                return i64->given;
        case FIELD_BOOL:
                *out = boolean->value;
                return boolean->given;
        }
        return false;
}

int plan_scalar(struct builder *builder, const struct field_row *row) {
        const struct field_file *file;
        enum cgroup_version version = builder->facts->controllers[row->controller];
        int64_t value;
        int r;

        if (!field_value(row, builder->resources, &value) || builder_is_moot(builder, row, value))
                return 0;
        file = builder_row_file(row, version);
        if (version == CGROUP_V2 && file->has_harmless && value == file->harmless)
                return 0;
        if (version == CGROUP_V2 && file->ignored)
                return builder_warn(builder, "%s: ignored, %s", row->path, file->ignored);
        r = builder_property_number(builder, row->path, row->controller, builder_row_property(builder, row),
                                    builder_property_limit(value));
        return r < 0 ? r : builder_add_number(builder, row, 0, value);
}

int plan_elsewhere(struct builder *builder, const struct field_row *row) {
        (void)builder;
        (void)row;
        return 0;
}
