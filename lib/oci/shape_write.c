/* SPDX-License-Identifier: Apache-2.0 */
/* Shapes: from the struct to JSON */
#include "oci/shape.h"

#include <errno.h>

/* Adds the value, if it is not NULL; owns `value`. */
static int set(json_t *object, const char *name, json_t *value) {
        return json_object_set_new(object, name, value) < 0 ? -ENOMEM : 0;
}

static json_t *write_array(const struct shape *shape, const struct oci_array *array) {
        _cleanup_json_ json_t *written = json_array();

        for (size_t i = 0; written && i < array->count; i++) {
                const char *element = (const char *)array->items + i * shape->size;

                if (json_array_append_new(written, shape_write(shape, element)) < 0)
                        return NULL;
        }
        return TAKE(written);
}

static json_t *write_map(const struct shape *shape, const struct oci_array *map) {
        _cleanup_json_ json_t *written = json_object();

        for (size_t i = 0; written && i < map->count; i++) {
                const char *element = (const char *)map->items + i * shape_element_size(shape);
                char *const *texts = (char *const *)(const void *)element;

                if (set(written, texts[0], shape ? shape_write(shape, element) : json_string(texts[1])) < 0)
                        return NULL;
        }
        return TAKE(written);
}

/* Leaves out an object without members. */
static int set_object(json_t *object, const struct member *member, const void *place) {
        json_t *written = shape_write(member->shape, place);

        if (written && json_object_size(written) == 0) {
                json_decref(written);
                return 0;
        }
        return set(object, member->name, written);
}

static int write_member(json_t *object, const struct member *member, const void *place) {
        const struct oci_u64 *u64 = place;
        const struct oci_i64 *i64 = place;
        const struct oci_bool *boolean = place;
        const struct oci_array *array = place;
        const char *const *text = place;

        switch (member->type) {
        case MEMBER_U64:
                return u64->given ? set(object, member->name, json_integer((json_int_t)u64->value)) : 0;
        case MEMBER_I64:
                return i64->given ? set(object, member->name, json_integer(i64->value)) : 0;
        case MEMBER_BOOL:
                return boolean->given ? set(object, member->name, json_boolean(boolean->value)) : 0;
        case MEMBER_LIST:
        case MEMBER_STRING:
                return *text ? set(object, member->name, json_string(*text)) : 0;
        case MEMBER_OBJECT:
                return set_object(object, member, place);
        case MEMBER_ARRAY:
                return array->items ? set(object, member->name, write_array(member->shape, array)) : 0;
        case MEMBER_MAP:
                return array->count > 0 ? set(object, member->name, write_map(member->shape, array)) : 0;
        }
        return -EINVAL;
}

json_t *shape_write(const struct shape *shape, const void *base) {
        _cleanup_json_ json_t *object = json_object();

        for (size_t i = 0; object && i < shape->count; i++) {
                const struct member *member = &shape->members[i];

                if (write_member(object, member, (const char *)base + member->offset) < 0)
                        return NULL;
        }
        return TAKE(object);
}
