/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* unified: its files that are known, and what the rows of other fields need of it. For lib/plan only. */

#include "plan/builder.h"
#include "plan/convert.h"

/* Whether the group is to be idle (cpu.idle 1), by its own field or by unified. The kernel takes no weight then. */
bool unified_is_idle(const struct builder *builder);

/* Status 5, with the key as the field: the kernel does not read this value. */
int unified_refuse(struct builder *builder, const char *key, const char *value);

/* "unified.KEY": the plan's. NULL without memory. */
const char *unified_field(struct builder *builder, const char *key);

/* Calls for each line of a text that is not blank, without the blanks around it, until one fails. */
int unified_each_line(struct builder *builder, const char *text,
                      int (*each)(struct builder *builder, char *line, void *data), void *data);

/* One line of unified's io.weight or io.bfq.weight (`key`): its file and property, instead of what other fields have given
 * for the same device (field_io.c). */
int unified_add_io_weight(struct builder *builder, const char *key, char *line);

/* Removes the property from the plan, if it is there: another one of this name replaces it. */
void unified_remove_property(struct plan *plan, const char *name);

/* Removes from the plan what sets this file; where it has a line for each key, only the line with the same one. */
void unified_remove_file(struct plan *plan, const char *name, const char *line);

struct unified_file;

/* An entry that is being read. */
struct unified_entry {
        struct builder *builder;
        const char *key;
        const char *field; /* "unified.KEY" */
        const char *text;  /* as given */
        const struct unified_file *file;
        const char *value;          /* what is written: the plan's */
        uint64_t number;            /* UINT64_MAX: unlimited */
        struct cpu_quota bandwidth; /* of cpu.max; a period of 0: none that the kernel takes */
};

/* A file that is known. Names with a * stand for all that begin and end so. */
struct unified_file {
        const char *key;
        /* Reads the text: sets value and number. */
        int (*read)(struct unified_entry *entry);
        struct field_property property;
        unsigned flags; /* of enum file_flags, for the file */
        bool weight;    /* of the group among its siblings; with a group for the vCPUs, both have it */
        /* Adds the properties; NULL: the property gets the number. */
        int (*add_properties)(struct unified_entry *entry);
};

/* The file with this name, or NULL. */
const struct unified_file *unified_find_file(const char *key);

/* Adds the properties of an entry that was read, instead of those of its name that other fields have given. */
int unified_add_properties(struct unified_entry *entry);
