/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* A plan that is being made: its inputs, and functions that add settings. For lib/plan only. */

#include "plan/convert.h"
#include "plan/field.h"
#include "plan/plan.h"

/* Groups of settings that depend on each other. */
enum setting_group {
        GROUP_NONE,
        GROUP_MEMORY,
        GROUP_CPU_BANDWIDTH,
        GROUP_REALTIME,
};

struct builder {
        const struct oci_resources *resources;
        const struct oci_resources *before; /* or NULL */
        const struct plan_facts *facts;
        struct plan *plan;
        struct error *error;
};

/* A text owned by the plan; NULL without memory, which the functions below turn into the error. */
#define builder_text(builder, ...) plan_text((builder)->plan, __VA_ARGS__)

/* Whether the field can be skipped: it asks for "unlimited", and there is no controller. */
bool builder_is_moot(const struct builder *builder, const struct field_row *row, int64_t value);

/* The version of the row's controller; an error that names controller and field if it is mounted nowhere. Status 5 if that
 * version has no such field. */
int builder_version(struct builder *builder, const struct field_row *row, enum cgroup_version *out);

/* The row's file or property in this version. */
const struct field_file *builder_row_file(const struct field_row *row, enum cgroup_version version);
const struct field_property *builder_row_property(const struct builder *builder, const struct field_row *row);

/* Status 5: v2 has no `what`. */
int builder_refuse_on_v2(struct builder *builder, const char *field, const char *what);

/* Whether the controller's limits are those of the vCPUs' group. */
bool builder_in_subtree(const struct builder *builder, enum controller controller);

/* Adds the setting of a file, in the vCPUs' group if its controller's limits belong there. A NULL name or value means out of
 * memory. */
int builder_add_file(struct builder *builder, const char *field, const struct setting_file *file);

/* The setting of the row's file on this version, with the row's flags, without a value. */
struct setting_file builder_file(const struct field_row *row, enum cgroup_version version);

/* Adds the row's file with this text, and `flags` besides the row's. */
int builder_add_text(struct builder *builder, const struct field_row *row, unsigned flags, const char *value);

/* The same with a number; a negative number becomes "max" (v2) or -1 (v1). */
int builder_add_number(struct builder *builder, const struct field_row *row, unsigned flags, int64_t value);

/* Adds a line of a file with one line for each key, and the line that resets it. */
int builder_add_line(struct builder *builder, const struct field_row *row, const char *file, const char *line,
                     const char *reset);

/* Adds a property, if systemd is used and has it, under the name of `field`. Properties of limits that are set on the vCPUs'
 * group instead of the unit are not added. */
int builder_property_number(struct builder *builder, const char *field, enum controller controller,
                            const struct field_property *property, uint64_t value);

/* The same for the weight of the unit itself. */
int builder_property_weight(struct builder *builder, const char *field, const struct field_property *property,
                            uint64_t value);
int builder_property_text(struct builder *builder, const char *field, const struct field_property *property,
                          const char *text);

/* CPUs or memory nodes. */
int builder_property_set(struct builder *builder, const char *field, enum controller controller,
                         const struct field_property *property, const char *list);

/* Owns `pairs` in every case. */
int builder_property_pairs(struct builder *builder, const char *field, const struct field_property *property,
                           enum property_type type, struct property_pair *pairs, size_t count);

/* Adds a pair to an array that has room. systemd takes a device by number as "/dev/block/MAJOR:MINOR". */
int builder_add_pair(struct builder *builder, struct property_pair *pairs, size_t *count, int64_t major,
                     int64_t minor, uint64_t number);

/* A limit in the form of properties: a negative one becomes infinity. */
uint64_t builder_property_limit(int64_t value);

/* A CFS quota (microseconds per period; UINT64_MAX: none) on which file and unit can agree: rounded as systemd does, if the
 * unit has it. */
struct cpu_quota builder_cpu_quota(const struct builder *builder, uint64_t quota, uint64_t period);

/* The period that the file gets with it, in microseconds: without a quota, systemd writes its default, whatever the unit's
 * period is (cgroup_cpu_adjust_period_and_log() in its cgroup.c). */
uint64_t builder_cpu_file_period(const struct builder *builder, const struct cpu_quota *value);

/* The text of cpu.max, owned by the plan; NULL without memory. */
const char *builder_cpu_max(struct builder *builder, uint64_t quota, uint64_t period);

__attribute__((format(printf, 2, 3))) int builder_warn(struct builder *builder, const char *format, ...);

/* The value of the entry of `unified` with this key, or NULL. */
const char *builder_unified(const struct builder *builder, const char *key);
