/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* A plan that is being made: what it is made from, and how settings are added. For lib/plan only. */

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

/* The version that has the row's controller; an error naming controller and field where none has. */
int builder_version(struct builder *builder, const struct field_row *row, enum cgroup_version *out);

/* Status 5: v2 has no `what`. */
int builder_refuse_on_v2(struct builder *builder, const struct field_row *row, const char *what);

/* Whether the controller's limits are those of the vCPUs' group. */
bool builder_in_subtree(const struct builder *builder, enum controller controller);

/* A file's setting with the row's field and controller, to be filled in and added. */
struct setting builder_setting(const struct field_row *row, enum cgroup_version version);

/* Adds it, to the vCPUs' group where its controller's limits go there; takes over what it owns, also on failure. A
 * file without value or property without name: out of memory. */
int builder_add(struct builder *builder, const struct setting *setting);

/* Adds the row's file with this text. */
int builder_file(struct builder *builder, const struct field_row *row, unsigned flags, enum setting_group group,
                 const char *value);

/* Adds a file whose name is not the row's. */
int builder_named(struct builder *builder, const struct field_row *row, const char *file, unsigned flags,
                  const char *value);

/* Adds a line of a file that has one for each key, and what takes it back. */
int builder_keyed(struct builder *builder, const struct field_row *row, const char *file, const char *line,
                  const char *reset);

/* The row's file with a number, or "max" (v2) and -1 (v1) for a negative one. */
int builder_limit(struct builder *builder, const struct field_row *row, unsigned flags,
                  enum setting_group group, int64_t value);

/* Adds a property, if systemd is used and is at least of `since` (0: always). Those of limits that are not the
 * unit's, but its vCPUs' group's, are not added. */
int builder_u64(struct builder *builder, const struct field_row *row, const char *property, unsigned since,
                uint64_t value);
int builder_bytes(struct builder *builder, const struct field_row *row, const char *property, unsigned since,
                  const uint8_t *bytes, size_t count);
int builder_property_text(struct builder *builder, const struct field_row *row, const char *property,
                          const char *text);

/* The same for what the unit itself weighs. */
int builder_weight(struct builder *builder, const struct field_row *row, const char *property, unsigned since,
                   uint64_t value);

/* Takes `pairs` over in every case. */
int builder_pairs(struct builder *builder, const struct field_row *row, const char *property,
                  enum property_type type, struct property_pair *pairs, size_t count);

/* The row's own property on the version of its controller, or NULL. */
const char *builder_property(struct builder *builder, const struct field_row *row);

/* A limit as properties have it: negative is infinity. */
uint64_t builder_property_limit(int64_t value);

__attribute__((format(printf, 2, 3))) int builder_warn(struct builder *builder, const char *format, ...);
