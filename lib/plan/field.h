/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * The table of OCI fields: for each its v1 file, v2 file, systemd property and converter
 *
 * The plan is made by walking it, `features` prints it and the manual's table is generated from it: a new
 * field is a new row. Rows are in the order in which their files are written.
 */

#include <stdbool.h>
#include <stddef.h>

#include "plan/controller.h"

struct builder;

struct field_row {
        const char *path; /* "cpu.shares" */
        enum controller controller;
        const char *v1; /* file on v1, or NULL; SIZE and KEY stand for a part that the document gives */
        const char *v2; /* the same on v2 */
        const char *property_v1; /* systemd property where the controller is on v1, or NULL */
        const char *property_v2; /* the same on v2 */
        const char *note;        /* for the manual, in mdoc(7), or NULL */
        /* Adds what the field needs, if it was given. NULL: another row does it together with its own. */
        int (*plan)(struct builder *builder, const struct field_row *row);
};

/* All rows; `*count` says how many. */
const struct field_row *field_rows(size_t *count);
