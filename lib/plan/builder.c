/* SPDX-License-Identifier: Apache-2.0 */
#include "plan/builder.h"

#include <errno.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

bool builder_in_subtree(const struct builder *builder, enum controller controller) {
        return builder->facts->vcpu_subtree &&
               (controller == CONTROLLER_CPU || controller == CONTROLLER_CPUSET);
}

int builder_add(struct builder *builder, const struct setting *setting) {
        struct plan *plan = builder->plan;
        struct setting owned = *setting;
        struct setting *larger;

        if (setting->kind == SETTING_FILE && setting->file && (setting->flags & SETTING_OF_SANDBOX) == 0 &&
            builder_in_subtree(builder, setting->controller)) {
                owned.file = builder_text(builder, "%s/%s", PLAN_VCPU_SUBTREE, setting->file);
                setting = &owned;
        }
        if ((setting->kind == SETTING_FILE && (!setting->file || !setting->value)) ||
            !(larger = reallocarray(plan->settings, plan->count + 1, sizeof(*larger)))) {
                setting_clear(&owned);
                return error_oom(builder->error);
        }
        plan->settings = larger;
        plan->settings[plan->count++] = owned;
        return 0;
}

int builder_version(struct builder *builder, const struct field_row *row, enum cgroup_version *out) {
        enum cgroup_version version = builder->facts->controllers[row->controller];

        if (version == CGROUP_ABSENT)
                return error_fail(builder->error, 0, "%s: the %s controller is mounted nowhere on this host",
                                  row->path, controller_name(row->controller, builder->facts->version));
        *out = version;
        return 0;
}

int builder_refuse_on_v2(struct builder *builder, const struct field_row *row, const char *what) {
        return error_refuse(builder->error, row->path, "cgroup v2 has no %s", what);
}

struct setting builder_setting(const struct field_row *row, enum cgroup_version version) {
        return (struct setting){
                .kind = SETTING_FILE,
                .field = row->path,
                .controller = row->controller,
                .version = version,
                .file = version == CGROUP_V1 ? row->v1 : row->v2,
        };
}

/* The setting that the row comes to on this host. */
static int start_setting(struct builder *builder, const struct field_row *row, struct setting *out) {
        enum cgroup_version version;
        int r = builder_version(builder, row, &version);

        if (r == 0)
                *out = builder_setting(row, version);
        return r;
}

int builder_named(struct builder *builder, const struct field_row *row, const char *file, unsigned flags,
                  const char *value) {
        struct setting setting;
        int r = start_setting(builder, row, &setting);

        if (r != 0)
                return r;
        setting.file = file;
        setting.flags = flags;
        setting.value = value;
        return builder_add(builder, &setting);
}

int builder_keyed(struct builder *builder, const struct field_row *row, const char *file, const char *line,
                  const char *reset) {
        struct setting setting;
        int r = start_setting(builder, row, &setting);

        if (r != 0)
                return r;
        if (!reset)
                return error_oom(builder->error);
        setting.file = file;
        setting.flags = SETTING_KEYED;
        setting.value = line;
        setting.reset = reset;
        return builder_add(builder, &setting);
}

int builder_file(struct builder *builder, const struct field_row *row, unsigned flags, enum setting_group group,
                 const char *value) {
        struct setting setting;
        int r = start_setting(builder, row, &setting);

        if (r != 0)
                return r;
        setting.flags = flags;
        setting.group = group;
        setting.value = value;
        if ((flags & SETTING_INHERIT) != 0)
                setting.reset = "";
        return builder_add(builder, &setting);
}

int builder_limit(struct builder *builder, const struct field_row *row, unsigned flags,
                  enum setting_group group, int64_t value) {
        enum cgroup_version version;
        int r;

        r = builder_version(builder, row, &version);
        if (r < 0)
                return r;
        if (value < 0)
                return builder_file(builder, row, flags, group, version == CGROUP_V1 ? "-1" : "max");
        return builder_file(builder, row, flags, group, builder_text(builder, "%" PRId64, value));
}

static bool has_property(const struct builder *builder, const char *property, unsigned since) {
        return property && builder->facts->systemd && builder->facts->systemd_version >= since;
}

static struct setting property_setting(const struct field_row *row, const char *property,
                                       enum property_type type) {
        return (struct setting){
                .kind = SETTING_PROPERTY, .field = row->path, .property = property, .type = type};
}

int builder_u64(struct builder *builder, const struct field_row *row, const char *property, unsigned since,
                uint64_t value) {
        return builder_in_subtree(builder, row->controller)
                       ? 0
                       : builder_weight(builder, row, property, since, value);
}

int builder_weight(struct builder *builder, const struct field_row *row, const char *property, unsigned since,
                   uint64_t value) {
        struct setting setting = property_setting(row, property, PROPERTY_U64);

        setting.u64 = value;
        return has_property(builder, property, since) ? builder_add(builder, &setting) : 0;
}

int builder_bytes(struct builder *builder, const struct field_row *row, const char *property, unsigned since,
                  const uint8_t *bytes, size_t count) {
        struct setting setting = property_setting(row, property, PROPERTY_BYTES);

        if (!has_property(builder, property, since) || builder_in_subtree(builder, row->controller))
                return 0;
        setting.count = count;
        setting.bytes = malloc(count + 1);
        if (!setting.bytes)
                return error_oom(builder->error);
        if (count > 0)
                memcpy(setting.bytes, bytes, count);
        return builder_add(builder, &setting);
}

int builder_property_text(struct builder *builder, const struct field_row *row, const char *property,
                          const char *text) {
        struct setting setting = property_setting(row, property, PROPERTY_TEXT);

        setting.text = text;
        return has_property(builder, property, 0) ? builder_add(builder, &setting) : 0;
}

int builder_pairs(struct builder *builder, const struct field_row *row, const char *property,
                  enum property_type type, struct property_pair *pairs, size_t count) {
        struct setting setting = property_setting(row, property, type);

        if (!has_property(builder, property, 0)) {
                free(pairs);
                return 0;
        }
        setting.pairs = pairs;
        setting.count = count;
        return builder_add(builder, &setting);
}

const char *builder_property(struct builder *builder, const struct field_row *row) {
        enum cgroup_version version = builder->facts->controllers[row->controller];

        if (version == CGROUP_ABSENT)
                version = builder->facts->version;
        return version == CGROUP_V1 ? row->property_v1 : row->property_v2;
}

uint64_t builder_property_limit(int64_t value) {
        return value < 0 ? UINT64_MAX : (uint64_t)value;
}

int builder_warn(struct builder *builder, const char *format, ...) {
        struct plan *plan = builder->plan;
        char **larger = reallocarray(plan->warnings, plan->warning_count + 1, sizeof(*larger));
        va_list arguments;
        int r;

        if (!larger)
                return error_oom(builder->error);
        plan->warnings = larger;
        va_start(arguments, format);
        r = vasprintf(&plan->warnings[plan->warning_count], format, arguments);
        va_end(arguments);
        if (r < 0)
                return error_oom(builder->error);
        plan->warning_count++;
        return 0;
}
