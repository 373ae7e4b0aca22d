/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * Reading JSON objects into structs, by tables
 *
 * A shape says which members an object has, of which types and ranges, and where in a struct they go. What is
 * not in the table is refused. For lib/oci only.
 */

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "util/error.h"

enum member_type {
        MEMBER_U64,    /* struct oci_u64 */
        MEMBER_I64,    /* struct oci_i64 */
        MEMBER_BOOL,   /* struct oci_bool */
        MEMBER_LIST,   /* char *: CPUs or memory nodes; "" counts as not given */
        MEMBER_STRING, /* char *; "" counts as not given */
        MEMBER_OBJECT, /* the struct itself, of `shape` */
        MEMBER_ARRAY,  /* struct oci_array of objects of `shape` */
        /* struct oci_array from an object with any names: each member is an element, whose name is its first
         * member (char *) and whose value is an object of `shape`, or a string (char *, the second member). */
        MEMBER_MAP,
};

struct shape;

struct member {
        const char *name;
        enum member_type type;
        size_t offset;
        int64_t min, max; /* of MEMBER_U64 and MEMBER_I64 */
        bool required;
        const struct shape *shape;
};

struct shape {
        const struct member *members;
        size_t count;
        size_t size; /* of the struct, where it is an array's element */
};

/* Reads `object` into the zeroed struct at `base`. On failure (status 5 with the JSON path) the caller frees
 * what is there with shape_clear(). */
int shape_read(const struct shape *shape, const json_t *object, void *base, struct error *error);

/* Frees all that shape_read() has allocated, not `base` itself. */
void shape_clear(const struct shape *shape, void *base);
