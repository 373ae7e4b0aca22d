/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * The table of OCI fields: for each its files on v1 and v2, its systemd properties and its special rules
 *
 * The plan is made from this table, `features` prints it and the manual's list is generated from it: a new
 * field is a new row. Rows are in the order in which their files are written.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "plan/controller.h"

struct builder;
struct oci_resources;

/* The type of a field in struct oci_resources, if it is one number. */
enum field_type {
        FIELD_SPECIAL, /* not one number: the row's function reads it */
        FIELD_U64,
        FIELD_I64,
        FIELD_BOOL,
};

/* The files of a field in one version of cgroups. */
struct field_file {
        const char *name;     /* or NULL; SIZE and KEY stand for a part that the document gives */
        const char *fallback; /* tried if the kernel does not have `name`, or NULL */
        const char *also;     /* another file that is written with it, or NULL */
        /* Without a name: the text after "cgroup v2 has no" with which the field is refused, for all values or for all but the
         * one that applies anyway; or the reason why it is ignored with a warning. */
        const char *refused;
        bool has_harmless;
        int64_t harmless;
        const char *ignored;
};

struct field_property {
        const char *name; /* or NULL */
        unsigned since;   /* the first version of systemd that has it; 0: all supported versions */
};

struct field_row {
        const char *path; /* "cpu.shares" */
        enum controller controller;
        enum field_type type;
        size_t offset; /* in struct oci_resources */
        struct field_file v1, v2;
        struct field_property property_v1, property_v2; /* by the version of the controller */
        unsigned flags;                                 /* of enum file_flags */
        unsigned group;                                 /* of enum setting_group */
        const char *note;                               /* for the manual, in mdoc(7), or NULL */
        /* Adds what the field needs, if it was given. */
        int (*plan)(struct builder *builder, const struct field_row *row);
};

/* All rows; `*count` says how many. */
const struct field_row *field_rows(size_t *count);

/* Whether the resources give the field of a row that is not FIELD_SPECIAL, and its number. For bytes, any number that means
 * "unlimited" becomes -1. */
bool field_value(const struct field_row *row, const struct oci_resources *resources, int64_t *out);

/* A number of bytes as a limit: -1 for unlimited, also for the numbers that v1 shows for it. */
int64_t field_bytes(int64_t value);
