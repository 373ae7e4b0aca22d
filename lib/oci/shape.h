/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * JSON objects and structs, by tables
 *
 * A shape is a table of an object's members: their types, their ranges, and their places in a struct. For
 * lib/oci only.
 */

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "oci/resources.h"
#include "util/error.h"

enum member_type {
        MEMBER_U64,    /* struct oci_u64 */
        MEMBER_I64,    /* struct oci_i64 */
        MEMBER_BOOL,   /* struct oci_bool */
        MEMBER_LIST,   /* char *: CPUs or memory nodes, in canonical form; an empty one counts as not given */
        MEMBER_STRING, /* char *; "" counts as not given */
        MEMBER_OBJECT, /* the struct itself, of `shape` */
        MEMBER_ARRAY,  /* struct oci_array of objects of `shape` */
        /* struct oci_array from an object with any names: each member is an element, whose name is its first
         * member (char *) and whose value is an object of `shape`, or a string (char *, the second member). In
         * the order of the names. */
        MEMBER_MAP,
};

struct shape;

struct member {
        const char *name;
        enum member_type type;
        size_t offset;
        int64_t min, max; /* of MEMBER_U64 and MEMBER_I64 */
        bool required;
        bool unset_at_0; /* 0 counts as not given */
        const struct shape *shape;
};

struct shape {
        const struct member *members;
        size_t count;
        size_t size; /* of the struct, where it is an array's element */
};

/* Of arrays of this shape, and of maps of strings (NULL). */
static inline size_t shape_element_size(const struct shape *shape) {
        return shape ? shape->size : 2 * sizeof(char *);
}

/* Reads `object` into the zeroed struct at `base`. Members that are not in the table are refused or, with `unknown`,
 * ignored and added to it. On failure (status 5 with the JSON path) the caller frees the members that were read with
 * shape_clear(). */
int shape_read(const struct shape *shape, const json_t *object, void *base, struct oci_unknown *unknown,
               struct error *error);

/* The object from which shape_read() reads the same struct; NULL without memory. An object or map without members is left
 * out. */
json_t *shape_write(const struct shape *shape, const void *base);

/* Replaces in `base` the members that `change` gives: objects member by member, maps name by name, and arrays as a whole,
 * also by an empty one. With a zeroed `base` this makes a copy. Returns 0 or -ENOMEM; then a part may be done. */
int shape_merge(const struct shape *shape, void *base, const void *change);

/* Whether the same members are given, with the same values. */
bool shape_equal(const struct shape *shape, const void *a, const void *b);

/* Frees all that the struct has, not `base` itself. */
void shape_clear(const struct shape *shape, void *base);

/* Puts the elements of a map in the order of their names. */
void shape_sort_map(const struct shape *shape, struct oci_array *map);
