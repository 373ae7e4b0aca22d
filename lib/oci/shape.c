/* SPDX-License-Identifier: Apache-2.0 */
#include "oci/shape.h"

#include <errno.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "oci/resources.h"
#include "util/cpulist.h"

/* Where in the document the walk is: formatted only for an error. */
struct trail {
        const struct trail *up;
        const char *name; /* NULL: an array's element */
        size_t index;
};

static void format_trail(const struct trail *trail, FILE *out) {
        if (trail->up)
                format_trail(trail->up, out);
        if (!trail->name)
                fprintf(out, "[%zu]", trail->index);
        else
                fprintf(out, "%s%s", trail->up ? "." : "", trail->name);
}

__attribute__((format(printf, 3, 4))) static int refuse(const struct trail *trail, struct error *error,
                                                        const char *format, ...) {
        _cleanup_free_ char *path = NULL, *message = NULL;
        va_list arguments;
        size_t size;
        FILE *out;
        int r;

        out = open_memstream(&path, &size);
        if (!out)
                return error_oom(error);
        format_trail(trail, out);
        if (fclose(out) != 0)
                return error_oom(error);
        va_start(arguments, format);
        r = vasprintf(&message, format, arguments);
        va_end(arguments);
        if (r < 0) {
                message = NULL;
                return error_oom(error);
        }
        return error_refuse(error, path, "%s", message);
}

static int read_integer(const struct member *member, const json_t *value, const struct trail *trail,
                        int64_t *out, struct error *error) {
        int64_t number;

        if (!json_is_integer(value))
                return refuse(trail, error, "not an integer");
        number = json_integer_value(value);
        if (member->type == MEMBER_U64 && number < 0)
                return refuse(trail, error, "%" PRId64 " is negative", number);
        if (number < member->min || number > member->max)
                return refuse(trail, error, "%" PRId64 " is not between %" PRId64 " and %" PRId64, number,
                              member->min, member->max);
        *out = number;
        return 0;
}

static int read_string(const json_t *value, const struct trail *trail, char **out, struct error *error) {
        const char *text;

        if (!json_is_string(value))
                return refuse(trail, error, "not a string");
        text = json_string_value(value);
        /* "" is what Go writes for an unset string. */
        if (text[0] == '\0')
                return 0;
        *out = strdup(text);
        return *out ? 0 : error_oom(error);
}

static int read_list(const json_t *value, const struct trail *trail, char **out, struct error *error) {
        struct cpulist list;
        int r;

        r = read_string(value, trail, out, error);
        if (r < 0 || !*out)
                return r;
        r = cpulist_parse(*out, &list);
        if (r == -ERANGE)
                return refuse(trail, error, "\"%s\" has a number above %u", *out, CPULIST_LIMIT - 1);
        if (r < 0)
                return refuse(trail, error, "\"%s\" is not a list like \"0-3,7\"", *out);
        return 0;
}

static int read_members(const struct shape *shape, const json_t *object, void *base, const struct trail *up,
                        struct error *error);

static int allocate(struct oci_array *array, size_t count, size_t size, struct error *error) {
        array->items = calloc(count + 1, size);
        return array->items ? 0 : error_oom(error);
}

static int read_array(const struct shape *shape, const json_t *value, const struct trail *trail,
                      struct oci_array *out, struct error *error) {
        const json_t *element;
        size_t i;
        int r;

        if (!json_is_array(value))
                return refuse(trail, error, "not an array");
        r = allocate(out, json_array_size(value), shape->size, error);
        if (r < 0)
                return r;
        json_array_foreach((json_t *)value, i, element) {
                const struct trail here = {trail, NULL, i};

                out->count++;
                r = read_members(shape, element, (char *)out->items + i * shape->size, &here, error);
                if (r < 0)
                        return r;
        }
        return 0;
}

static int read_map(const struct shape *shape, const json_t *value, const struct trail *trail,
                    struct oci_array *out, struct error *error) {
        size_t size = shape ? shape->size : 2 * sizeof(char *);
        const char *name;
        json_t *element;
        int r;

        if (!json_is_object(value))
                return refuse(trail, error, "not an object");
        r = allocate(out, json_object_size(value), size, error);
        if (r < 0)
                return r;
        json_object_foreach((json_t *)value, name, element) {
                const struct trail here = {trail, name, 0};
                char **place = (char **)(void *)((char *)out->items + out->count * size);

                out->count++;
                place[0] = strdup(name);
                if (!place[0])
                        return error_oom(error);
                r = shape ? read_members(shape, element, place, &here, error)
                          : read_string(element, &here, &place[1], error);
                if (r == 0 && !shape && !place[1])
                        r = refuse(&here, error, "empty");
                if (r < 0)
                        return r;
        }
        return 0;
}

static int read_member(const struct member *member, const json_t *value, void *place, const struct trail *trail,
                       struct error *error) {
        int64_t number = 0;
        int r;

        switch (member->type) {
        case MEMBER_U64:
                r = read_integer(member, value, trail, &number, error);
                *(struct oci_u64 *)place = (struct oci_u64){r == 0, (uint64_t)number};
                return r;
        case MEMBER_I64:
                r = read_integer(member, value, trail, &number, error);
                *(struct oci_i64 *)place = (struct oci_i64){r == 0, number};
                return r;
        case MEMBER_BOOL:
                if (!json_is_boolean(value))
                        return refuse(trail, error, "not true or false");
                *(struct oci_bool *)place = (struct oci_bool){true, json_is_true(value)};
                return 0;
        case MEMBER_LIST:
                return read_list(value, trail, place, error);
        case MEMBER_STRING:
                return read_string(value, trail, place, error);
        case MEMBER_OBJECT:
                return read_members(member->shape, value, place, trail, error);
        case MEMBER_ARRAY:
                return read_array(member->shape, value, trail, place, error);
        case MEMBER_MAP:
                return read_map(member->shape, value, trail, place, error);
        }
        return -EINVAL;
}

static const struct member *find_member(const struct shape *shape, const char *name) {
        for (size_t i = 0; i < shape->count; i++)
                if (strcmp(shape->members[i].name, name) == 0)
                        return &shape->members[i];
        return NULL;
}

static int check_required(const struct shape *shape, const json_t *object, const struct trail *up,
                          struct error *error) {
        for (size_t i = 0; i < shape->count; i++) {
                const json_t *value = json_object_get(object, shape->members[i].name);
                const struct trail here = {up, shape->members[i].name, 0};

                if (shape->members[i].required && (!value || json_is_null(value)))
                        return refuse(&here, error, "missing");
        }
        return 0;
}

static int read_members(const struct shape *shape, const json_t *object, void *base, const struct trail *up,
                        struct error *error) {
        const char *name;
        json_t *value;

        if (!json_is_object(object))
                return refuse(up, error, "not an object");
        json_object_foreach((json_t *)object, name, value) {
                const struct member *member = find_member(shape, name);
                const struct trail here = {up, name, 0};
                int r;

                if (!member)
                        return refuse(&here, error, "no such field");
                /* null is an absent member, as for Go's decoder. */
                if (json_is_null(value))
                        continue;
                r = read_member(member, value, (char *)base + member->offset, &here, error);
                if (r < 0)
                        return r;
        }
        return check_required(shape, object, up, error);
}

int shape_read(const struct shape *shape, const json_t *object, void *base, struct error *error) {
        return read_members(shape, object, base, NULL, error);
}

static void clear_array(const struct shape *shape, struct oci_array *array, bool map) {
        size_t size = shape ? shape->size : 2 * sizeof(char *);

        for (size_t i = 0; i < array->count; i++) {
                char **element = (char **)(void *)((char *)array->items + i * size);

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
