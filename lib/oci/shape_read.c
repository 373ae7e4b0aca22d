/* SPDX-License-Identifier: Apache-2.0 */
/* Shapes: from JSON to the struct */
#include "oci/shape.h"

#include <errno.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "oci/resources.h"
#include "util/cpulist.h"

/* The path of a member in the document, formatted only for an error or a warning. */
struct trail {
        const struct trail *up; /* NULL: the document itself */
        const char *name;       /* NULL: an array's element */
        size_t index;
        struct oci_unknown *unknown; /* the same for the whole document; NULL: unknown members are refused */
};

#define TRAIL_INIT(up_, name_, index_)                                                                         \
        { .up = (up_), .name = (name_), .index = (index_), .unknown = (up_)->unknown }

static void format_trail(const struct trail *trail, FILE *out) {
        if (!trail->up)
                return;
        format_trail(trail->up, out);
        if (!trail->name)
                fprintf(out, "[%zu]", trail->index);
        else
                fprintf(out, "%s%s", trail->up->up ? "." : "", trail->name);
}

/* A new string, or NULL without memory. */
static char *trail_text(const struct trail *trail) {
        char *path = NULL;
        size_t size;
        FILE *out;

        out = open_memstream(&path, &size);
        if (!out)
                return NULL;
        format_trail(trail, out);
        if (fclose(out) == 0)
                return path;
        free(path);
        return NULL;
}

__attribute__((format(printf, 3, 4))) static int refuse(const struct trail *trail, struct error *error,
                                                        const char *format, ...) {
        _cleanup_free_ char *path = trail_text(trail), *message = NULL;
        va_list arguments;
        int r;

        if (!path)
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

/* Any list that the kernel accepts, in canonical form. A list that names nothing counts as not given, like "". */
static int read_list(const json_t *value, const struct trail *trail, char **out, struct error *error) {
        _cleanup_free_ char *text = NULL;
        struct cpulist list;
        int r;

        r = read_string(value, trail, &text, error);
        if (r < 0 || !text)
                return r;
        r = cpulist_parse(text, &list);
        if (r == -ERANGE)
                return refuse(trail, error, "\"%s\" has a number above %u", text, CPULIST_LIMIT - 1);
        if (r < 0)
                return refuse(trail, error, "\"%s\" is not a list like \"0-3,7\"", text);
        if (cpulist_is_empty(&list))
                return 0;
        *out = cpulist_format(&list);
        return *out ? 0 : error_oom(error);
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
                const struct trail here = TRAIL_INIT(trail, NULL, i);

                out->count++;
                r = read_members(shape, element, (char *)out->items + i * shape->size, &here, error);
                if (r < 0)
                        return r;
        }
        return 0;
}

static int read_map(const struct shape *shape, const json_t *value, const struct trail *trail,
                    struct oci_array *out, struct error *error) {
        size_t size = shape_element_size(shape);
        const char *name;
        json_t *element;
        int r;

        if (!json_is_object(value))
                return refuse(trail, error, "not an object");
        r = allocate(out, json_object_size(value), size, error);
        if (r < 0)
                return r;
        json_object_foreach((json_t *)value, name, element) {
                const struct trail here = TRAIL_INIT(trail, name, 0);
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
        shape_sort_map(shape, out);
        return 0;
}

static bool is_given(const struct member *member, int64_t number, int r) {
        return r == 0 && (number != 0 || !member->unset_at_0);
}

static int read_member(const struct member *member, const json_t *value, void *place, const struct trail *trail,
                       struct error *error) {
        int64_t number = 0;
        int r;

        switch (member->type) {
        case MEMBER_U64:
                r = read_integer(member, value, trail, &number, error);
                *(struct oci_u64 *)place = (struct oci_u64){is_given(member, number, r), (uint64_t)number};
                return r;
        case MEMBER_I64:
                r = read_integer(member, value, trail, &number, error);
                *(struct oci_i64 *)place = (struct oci_i64){is_given(member, number, r), number};
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

/* runtime-spec, config.md, "Extensibility": an unknown property must not be an error. */
static int note_unknown(const struct trail *trail, struct error *error) {
        struct oci_unknown *unknown = trail->unknown;
        char **larger;

        if (!unknown)
                return refuse(trail, error, "no such field");
        larger = reallocarray(unknown->paths, unknown->count + 1, sizeof(*larger));
        if (!larger)
                return error_oom(error);
        unknown->paths = larger;
        larger[unknown->count] = trail_text(trail);
        if (!larger[unknown->count])
                return error_oom(error);
        unknown->count++;
        return 0;
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
                const struct trail here = TRAIL_INIT(up, shape->members[i].name, 0);

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
                const struct trail here = TRAIL_INIT(up, name, 0);
                int r;

                /* null counts as an absent member, as in Go's decoder. */
                if (member && json_is_null(value))
                        continue;
                r = member ? read_member(member, value, (char *)base + member->offset, &here, error)
                           : note_unknown(&here, error);
                if (r < 0)
                        return r;
        }
        return check_required(shape, object, up, error);
}

int shape_read(const struct shape *shape, const json_t *object, void *base, struct oci_unknown *unknown,
               struct error *error) {
        const struct trail document = {.unknown = unknown};

        return read_members(shape, object, base, &document, error);
}
