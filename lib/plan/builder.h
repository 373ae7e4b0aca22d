/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* A plan that is being made: what it is made from, and how settings are added. For lib/plan only. */

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

/* A text of the plan's; NULL without memory, which the functions below turn into the error. */
#define builder_text(builder, ...) plan_text((builder)->plan, __VA_ARGS__)

/* Whether there is nothing that the field needs a controller for: "unlimited" where none is there to limit it. */
bool builder_is_moot(const struct builder *builder, const struct field_row *row, int64_t value);

/* The version that has the row's controller; an error naming controller and field where none has. Status 5 where this version
 * has no such thing. */
int builder_version(struct builder *builder, const struct field_row *row, enum cgroup_version *out);

/* What the row has on this version. */
const struct field_file *builder_row_file(const struct field_row *row, enum cgroup_version version);
const struct field_property *builder_row_property(const struct builder *builder, const struct field_row *row);

/* Status 5: v2 has no `what`. */
int builder_refuse_on_v2(struct builder *builder, const char *field, const char *what);

/* Whether the controller's limits are those of the vCPUs' group. */
bool builder_in_subtree(const struct builder *builder, enum controller controller);

/* Adds the setting of a file, to the vCPUs' group where its controller's limits go there. Without name or value: out of
 * memory. */
int builder_add_file(struct builder *builder, const char *field, const struct setting_file *file);

/* The setting of the row's file on this version, with the row's flags, without a value. */
struct setting_file builder_file(const struct field_row *row, enum cgroup_version version);

/* Adds the row's file with this text, and `flags` besides the row's. */
int builder_add_text(struct builder *builder, const struct field_row *row, unsigned flags, const char *value);

/* The same with a number: "max" (v2) or -1 (v1) for a negative one. */
int builder_add_number(struct builder *builder, const struct field_row *row, unsigned flags, int64_t value);

/* Adds a line of a file that has one for each key, and what takes it back. */
int builder_add_line(struct builder *builder, const struct field_row *row, const char *file, const char *line,
                     const char *reset);

/* Adds a property, if systemd is used and has it, under the name of `field`. Those of limits that are not the unit's, but its
 * vCPUs' group's, are not added. */
int builder_property_number(struct builder *builder, const char *field, enum controller controller,
                            const struct field_property *property, uint64_t value);

/* The same for what the unit itself weighs. */
int builder_property_weight(struct builder *builder, const char *field, const struct field_property *property,
                            uint64_t value);
int builder_property_text(struct builder *builder, const char *field, const struct field_property *property,
                          const char *text);

/* CPUs or memory nodes. */
int builder_property_set(struct builder *builder, const char *field, enum controller controller,
                         const struct field_property *property, const char *list);

/* Takes `pairs` over in every case. */
int builder_property_pairs(struct builder *builder, const char *field, const struct field_property *property,
                           enum property_type type, struct property_pair *pairs, size_t count);

/* "/dev/block/MAJOR:MINOR" is how systemd is told a device by its number. Adds a pair to an array that has room. */
int builder_add_pair(struct builder *builder, struct property_pair *pairs, size_t *count, int64_t major,
                     int64_t minor, uint64_t number);

/* A limit as properties have it: negative is infinity. */
uint64_t builder_property_limit(int64_t value);

/* A CFS quota (microseconds a period; UINT64_MAX: none) as file and unit can agree on it: rounded as systemd does, where it is
 * the unit's. */
struct cpu_quota builder_cpu_quota(const struct builder *builder, uint64_t quota, uint64_t period);

/* The period that the file has with it, microseconds: without a quota, systemd writes its default, whatever the unit's is
 * (cgroup_cpu_adjust_period_and_log() in its cgroup.c). */
uint64_t builder_cpu_file_period(const struct builder *builder, const struct cpu_quota *value);

/* The text of cpu.max: the plan's; NULL without memory. */
const char *builder_cpu_max(struct builder *builder, uint64_t quota, uint64_t period);

__attribute__((format(printf, 2, 3))) int builder_warn(struct builder *builder, const char *format, ...);

/* The value of the entry of `unified` with this key, or NULL. */
const char *builder_unified(const struct builder *builder, const char *key);
