/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Adding settings to a plan
 *
 * Subtle: with --vcpu-subtree the limits of cpu and cpuset go to the vCPUs' child group. systemd does not know that group, so
 * their properties are left out.
 */
#include "plan/builder.h"

#include <errno.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "util/cpulist.h"

bool builder_in_subtree(const struct builder *builder, enum controller controller) {
        return builder->facts->vcpu_subtree &&
               (controller == CONTROLLER_CPU || controller == CONTROLLER_CPUSET);
}

const struct field_file *builder_row_file(const struct field_row *row, enum cgroup_version version) {
        return version == CGROUP_V1 ? &row->v1 : &row->v2;
}

bool builder_is_moot(const struct builder *builder, const struct field_row *row, int64_t value) {
        return value < 0 && builder->facts->controllers[row->controller] == CGROUP_ABSENT;
}

int builder_refuse_on_v2(struct builder *builder, const char *field, const char *what) {
        return error_refuse(builder->error, field, "cgroup v2 has no %s", what);
}

int builder_version(struct builder *builder, const struct field_row *row, enum cgroup_version *out) {
        enum cgroup_version version = builder->facts->controllers[row->controller];
        bool on_v2 = version == CGROUP_V2 || (version == CGROUP_ABSENT && builder->facts->version == CGROUP_V2);

        if (on_v2 && row->v2.refused)
                return builder_refuse_on_v2(builder, row->path, row->v2.refused);
        if (version == CGROUP_ABSENT)
                return error_fail(builder->error, 0, "%s: the %s controller is mounted nowhere on this host",
                                  row->path, controller_name(row->controller, builder->facts->version));
        *out = version;
        return 0;
}

/* ---- files ---- */

int builder_add_file(struct builder *builder, const char *field, const struct setting_file *file) {
        struct setting setting = {.kind = SETTING_FILE, .field = field, .file = *file};

        if ((file->flags & FILE_OF_SANDBOX) == 0 && file->name && builder_in_subtree(builder, file->controller))
                setting.file.name = builder_text(builder, "%s/%s", PLAN_VCPU_SUBTREE, file->name);
        if (!field || !setting.file.name || !file->value || plan_add(builder->plan, &setting) < 0)
                return error_oom(builder->error);
        return 0;
}

struct setting_file builder_file(const struct field_row *row, enum cgroup_version version) {
        const struct field_file *file = builder_row_file(row, version);

        return (struct setting_file){
                .controller = row->controller,
                .version = version,
                .flags = row->flags,
                .group = row->group,
                .name = file->name,
                .fallback = file->fallback,
        };
}

int builder_add_text(struct builder *builder, const struct field_row *row, unsigned flags, const char *value) {
        enum cgroup_version version;
        struct setting_file file;
        int r;

        r = builder_version(builder, row, &version);
        if (r < 0)
                return r;
        file = builder_file(row, version);
        file.flags |= flags;
        file.value = value;
        if ((file.flags & FILE_INHERIT) != 0)
                file.reset = "";
        return builder_add_file(builder, row->path, &file);
}

int builder_add_number(struct builder *builder, const struct field_row *row, unsigned flags, int64_t value) {
        enum cgroup_version version;
        int r;

        r = builder_version(builder, row, &version);
        if (r < 0)
                return r;
        if (value < 0)
                return builder_add_text(builder, row, flags, version == CGROUP_V1 ? "-1" : "max");
        return builder_add_text(builder, row, flags, builder_text(builder, "%" PRId64, value));
}

int builder_add_line(struct builder *builder, const struct field_row *row, const char *file, const char *line,
                     const char *reset) {
        enum cgroup_version version;
        struct setting_file setting;
        int r;

        r = builder_version(builder, row, &version);
        if (r < 0)
                return r;
        setting = builder_file(row, version);
        setting.name = file;
        setting.flags |= FILE_KEYED;
        setting.value = line;
        setting.reset = reset;
        return reset ? builder_add_file(builder, row->path, &setting) : error_oom(builder->error);
}

/* ---- properties ---- */

const struct field_property *builder_row_property(const struct builder *builder, const struct field_row *row) {
        enum cgroup_version version = builder->facts->controllers[row->controller];

        if (version == CGROUP_ABSENT)
                version = builder->facts->version;
        return version == CGROUP_V1 ? &row->property_v1 : &row->property_v2;
}

static bool has_property(const struct builder *builder, const struct field_property *property) {
        return property->name && builder->facts->systemd && builder->facts->systemd_version >= property->since;
}

static int add_property(struct builder *builder, const char *field, const struct property *property) {
        struct setting setting = {.kind = SETTING_PROPERTY, .field = field, .property = *property};

        return plan_add(builder->plan, &setting) < 0 ? error_oom(builder->error) : 0;
}

int builder_property_weight(struct builder *builder, const char *field, const struct field_property *property,
                            uint64_t value) {
        return has_property(builder, property)
                       ? add_property(builder, field,
                                      &(struct property){property->name, PROPERTY_NUMBER, {.number = value}})
                       : 0;
}

int builder_property_number(struct builder *builder, const char *field, enum controller controller,
                            const struct field_property *property, uint64_t value) {
        return builder_in_subtree(builder, controller)
                       ? 0
                       : builder_property_weight(builder, field, property, value);
}

int builder_property_set(struct builder *builder, const char *field, enum controller controller,
                         const struct field_property *property, const char *list) {
        struct property value = {.name = property->name, .type = PROPERTY_BYTES};
        uint8_t mask[CPULIST_LIMIT / 8];
        struct cpulist parsed;

        if (!has_property(builder, property) || builder_in_subtree(builder, controller))
                return 0;
        if (cpulist_parse(list, &parsed) < 0)
                return error_refuse(builder->error, field, "\"%s\" is not a list", list);
        value.bytes.count = cpulist_to_mask(&parsed, mask);
        value.bytes.items = malloc(value.bytes.count + 1);
        if (!value.bytes.items)
                return error_oom(builder->error);
        memcpy(value.bytes.items, mask, value.bytes.count);
        return add_property(builder, field, &value);
}

int builder_property_text(struct builder *builder, const char *field, const struct field_property *property,
                          const char *text) {
        return has_property(builder, property)
                       ? add_property(builder, field,
                                      &(struct property){property->name, PROPERTY_TEXT, {.text = text}})
                       : 0;
}

int builder_property_pairs(struct builder *builder, const char *field, const struct field_property *property,
                           enum property_type type, struct property_pair *pairs, size_t count) {
        if (!has_property(builder, property)) {
                free(pairs);
                return 0;
        }
        return add_property(builder, field,
                            &(struct property){property->name, type, {.pairs = {pairs, count}}});
}

int builder_add_pair(struct builder *builder, struct property_pair *pairs, size_t *count, int64_t major,
                     int64_t minor, uint64_t number) {
        const char *path = builder_text(builder, "/dev/block/%" PRId64 ":%" PRId64, major, minor);

        if (!path)
                return error_oom(builder->error);
        pairs[(*count)++] = (struct property_pair){.path = path, .number = number};
        return 0;
}

uint64_t builder_property_limit(int64_t value) {
        return value < 0 ? UINT64_MAX : (uint64_t)value;
}

/* ---- CPU bandwidth ---- */

/* Whether systemd gets the quota; only then it must be rounded. */
static bool is_bandwidth_of_unit(const struct builder *builder) {
        return builder->facts->systemd && !builder_in_subtree(builder, CONTROLLER_CPU);
}

struct cpu_quota builder_cpu_quota(const struct builder *builder, uint64_t quota, uint64_t period) {
        if (quota != UINT64_MAX && is_bandwidth_of_unit(builder))
                return convert_quota_for_systemd(quota, period);
        return (struct cpu_quota){UINT64_MAX, quota, period};
}

uint64_t builder_cpu_file_period(const struct builder *builder, const struct cpu_quota *value) {
        return value->quota == UINT64_MAX && is_bandwidth_of_unit(builder) ? CPU_PERIOD_DEFAULT : value->period;
}

const char *builder_cpu_max(struct builder *builder, uint64_t quota, uint64_t period) {
        if (quota == UINT64_MAX)
                return builder_text(builder, "max %" PRIu64, period);
        return builder_text(builder, "%" PRIu64 " %" PRIu64, quota, period);
}

/* ---- other helpers ---- */

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

const char *builder_unified(const struct builder *builder, const char *key) {
        const struct oci_unified *entries = builder->resources->unified.items;

        for (size_t i = 0; i < builder->resources->unified.count; i++)
                if (strcmp(entries[i].key, key) == 0)
                        return entries[i].value;
        return NULL;
}
