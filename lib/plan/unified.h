/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* unified: the known files, and functions for the rows of other fields. For lib/plan only. */

#include "plan/builder.h"
#include "plan/convert.h"

/* Whether the group becomes idle (cpu.idle 1), by its own field or by unified. The kernel then refuses a weight. */
bool unified_is_idle(const struct builder *builder);

/* Status 5, with the key as the field: the kernel would not accept this value. */
int unified_refuse(struct builder *builder, const char *key, const char *value);

/* "unified.KEY", owned by the plan. NULL without memory. */
const char *unified_field(struct builder *builder, const char *key);

/* Calls the function for each line of a text that is not blank, without surrounding blanks, until one call fails. */
int unified_each_line(struct builder *builder, const char *text,
                      int (*each)(struct builder *builder, char *line, void *data), void *data);

/* Adds file and property for one line of unified's io.weight or io.bfq.weight (`key`). They replace those of other fields for the
 * same device (field_io.c). */
int unified_add_io_weight(struct builder *builder, const char *key, char *line);

/* Removes the property from the plan, if there is one: another one of this name replaces it. */
void unified_remove_property(struct plan *plan, const char *name);

/* Removes the settings of this file from the plan; for a file with a line for each key, only the line with the same key. */
void unified_remove_file(struct plan *plan, const char *name, const char *line);

struct unified_file;

/* An entry that is being read. */
struct unified_entry {
        struct builder *builder;
        const char *key;
        const char *field; /* "unified.KEY" */
        const char *text;  /* as given */
        const struct unified_file *file;
        const char *value;          /* the text that is written; owned by the plan */
        uint64_t number;            /* UINT64_MAX: unlimited */
        struct cpu_quota bandwidth; /* of cpu.max; a period of 0: the kernel would refuse it */
};

/* A known file. A * in the name stands for any text. */
struct unified_file {
        const char *key;
        /* Reads the text: sets value and number. */
        int (*read)(struct unified_entry *entry);
        struct field_property property;
        unsigned flags; /* of enum file_flags, for the file */
        bool weight; /* it weighs the group among its siblings; with a group for the vCPUs, both groups get it */
        /* Adds the properties; NULL: the property gets the number. */
        int (*add_properties)(struct unified_entry *entry);
};

/* The file with this name, or NULL. */
const struct unified_file *unified_find_file(const char *key);

/* Adds the properties of an entry that was read; they replace those that other fields have given. */
int unified_add_properties(struct unified_entry *entry);
