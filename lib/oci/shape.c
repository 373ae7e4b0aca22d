/* SPDX-License-Identifier: Apache-2.0 */
/* Shapes: merging, comparing and freeing structs by their tables */
#include "oci/shape.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

static char **element_at(const struct shape *shape, const struct oci_array *array, size_t i) {
        return (char **)(void *)((char *)array->items + i * shape_element_size(shape));
}

static void clear_array(const struct shape *shape, struct oci_array *array, bool map) {
        for (size_t i = 0; i < array->count; i++) {
                char **element = element_at(shape, array, i);

                if (map)
                        free(element[0]);
                if (shape)
                        shape_clear(shape, element);
                else
                        free(element[1]);
        }
        free(array->items);
        *array = (struct oci_array){0};
}

void shape_clear(const struct shape *shape, void *base) {
        for (size_t i = 0; i < shape->count; i++) {
                const struct member *member = &shape->members[i];
                void *place = (char *)base + member->offset;

                if (member->type == MEMBER_LIST || member->type == MEMBER_STRING)
                        free(*(char **)place);
                else if (member->type == MEMBER_OBJECT)
                        shape_clear(member->shape, place);
                else if (member->type == MEMBER_ARRAY || member->type == MEMBER_MAP)
                        clear_array(member->shape, place, member->type == MEMBER_MAP);
        }
}

static int compare_names(const void *a, const void *b) {
        return strcmp(*(char *const *)a, *(char *const *)b);
}

void shape_sort_map(const struct shape *shape, struct oci_array *map) {
        if (map->count > 1)
                qsort(map->items, map->count, shape_element_size(shape), compare_names);
}

static int replace_text(char **text, const char *change) {
        char *copy;

        if (!change)
                return 0;
        copy = strdup(change);
        if (!copy)
                return -ENOMEM;
        free(*text);
        *text = copy;
        return 0;
}

static int replace_array(const struct shape *shape, struct oci_array *array, const struct oci_array *change) {
        struct oci_array copy = {0};
        int r = 0;

        if (!change->items)
                return 0;
        copy.items = calloc(change->count + 1, shape->size);
        if (!copy.items)
                return -ENOMEM;
        for (size_t i = 0; r == 0 && i < change->count; i++) {
                copy.count++;
                r = shape_merge(shape, element_at(shape, &copy, i), element_at(shape, change, i));
        }
        if (r < 0) {
                clear_array(shape, &copy, false);
                return r;
        }
        clear_array(shape, array, false);
        *array = copy;
        return 0;
}

static int merge_element(const struct shape *shape, char **element, char *const *change) {
        int r = element[0] ? 0 : replace_text(&element[0], change[0]);

        if (r < 0)
                return r;
        return shape ? shape_merge(shape, element, change) : replace_text(&element[1], change[1]);
}

/* New names are appended to the sorted ones, and sorted in at the end. */
static int merge_map(const struct shape *shape, struct oci_array *map, const struct oci_array *change) {
        size_t size = shape_element_size(shape), sorted = map->count;
        char *larger;
        int r = 0;

        if (change->count == 0)
                return 0;
        larger = reallocarray(map->items, map->count + change->count + 1, size);
        if (!larger)
                return -ENOMEM;
        memset(larger + map->count * size, 0, (change->count + 1) * size);
        map->items = larger;
        for (size_t i = 0; r == 0 && i < change->count; i++) {
                char **wanted = element_at(shape, change, i);
                char **element = bsearch(wanted, map->items, sorted, size, compare_names);

                r = merge_element(shape, element ? element : element_at(shape, map, map->count++), wanted);
        }
        if (r == 0)
                shape_sort_map(shape, map);
        return r;
}

static int merge_member(const struct member *member, void *place, const void *change) {
        switch (member->type) {
        case MEMBER_U64:
                if (((const struct oci_u64 *)change)->given)
                        *(struct oci_u64 *)place = *(const struct oci_u64 *)change;
                return 0;
        case MEMBER_I64:
                if (((const struct oci_i64 *)change)->given)
                        *(struct oci_i64 *)place = *(const struct oci_i64 *)change;
                return 0;
        case MEMBER_BOOL:
                if (((const struct oci_bool *)change)->given)
                        *(struct oci_bool *)place = *(const struct oci_bool *)change;
                return 0;
        case MEMBER_LIST:
        case MEMBER_STRING:
                return replace_text(place, *(char *const *)change);
        case MEMBER_OBJECT:
                return shape_merge(member->shape, place, change);
        case MEMBER_ARRAY:
                return replace_array(member->shape, place, change);
        case MEMBER_MAP:
                return merge_map(member->shape, place, change);
        }
        return -EINVAL;
}

int shape_merge(const struct shape *shape, void *base, const void *change) {
        for (size_t i = 0; i < shape->count; i++) {
                const struct member *member = &shape->members[i];
                int r = merge_member(member, (char *)base + member->offset,
                                     (const char *)change + member->offset);

                if (r < 0)
                        return r;
        }
        return 0;
}

static bool equal_texts(const char *a, const char *b) {
        return a && b ? strcmp(a, b) == 0 : a == b;
}

static bool equal_arrays(const struct shape *shape, const struct oci_array *a, const struct oci_array *b,
                         bool map) {
        /* An empty array differs from none; an empty map does not. */
        if (a->count != b->count || (!map && !a->items != !b->items))
                return false;
        for (size_t i = 0; i < a->count; i++) {
                char **first = element_at(shape, a, i), **second = element_at(shape, b, i);

                if ((map && strcmp(first[0], second[0]) != 0) ||
                    !(shape ? shape_equal(shape, first, second) : strcmp(first[1], second[1]) == 0))
                        return false;
        }
        return true;
}

static bool equal_members(const struct member *member, const void *a, const void *b) {
        const struct oci_u64 *u64[] = {a, b};
        const struct oci_i64 *i64[] = {a, b};
        const struct oci_bool *boolean[] = {a, b};

        switch (member->type) {
        case MEMBER_U64:
                return u64[0]->given == u64[1]->given && (!u64[0]->given || u64[0]->value == u64[1]->value);
        case MEMBER_I64:
                return i64[0]->given == i64[1]->given && (!i64[0]->given || i64[0]->value == i64[1]->value);
        case MEMBER_BOOL:
                return boolean[0]->given == boolean[1]->given &&
                       (!boolean[0]->given || boolean[0]->value == boolean[1]->value);
        case MEMBER_LIST:
        case MEMBER_STRING:
                return equal_texts(*(char *const *)a, *(char *const *)b);
        case MEMBER_OBJECT:
                return shape_equal(member->shape, a, b);
        case MEMBER_ARRAY:
        case MEMBER_MAP:
                return equal_arrays(member->shape, a, b, member->type == MEMBER_MAP);
        }
        return false;
}

bool shape_equal(const struct shape *shape, const void *a, const void *b) {
        for (size_t i = 0; i < shape->count; i++) {
                const struct member *member = &shape->members[i];

                if (!equal_members(member, (const char *)a + member->offset, (const char *)b + member->offset))
                        return false;
        }
        return true;
}
