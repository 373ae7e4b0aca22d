/* SPDX-License-Identifier: Apache-2.0 */
/*
 * From text to the struct
 *
 * Subtle: jansson recurses, with its own limit of 2048 levels; a scan of the brackets first refuses hostile
 * nesting. An integer that overflows is jansson's error, which names line and column instead of the field.
 */
#include "oci/document.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define DOCUMENT "resources"

static bool is_blank(const char *text, size_t size) {
        for (size_t i = 0; i < size; i++)
                if (!strchr(" \t\r\n", text[i]) || text[i] == '\0')
                        return false;
        return true;
}

/* Depth of brackets outside of strings. */
static bool is_too_deep(const char *text, size_t size) {
        bool in_string = false;
        int depth = 0;

        for (size_t i = 0; i < size; i++) {
                if (in_string && text[i] == '\\')
                        i++;
                else if (text[i] == '"')
                        in_string = !in_string;
                else if (!in_string && (text[i] == '{' || text[i] == '['))
                        depth++;
                else if (!in_string && (text[i] == '}' || text[i] == ']'))
                        depth--;
                if (depth > OCI_DOCUMENT_DEPTH_MAX)
                        return true;
        }
        return false;
}

/* Continuation bytes of UTF-8 do not count as columns. */
struct document_place document_locate(const char *file, const char *at) {
        struct document_place place = {1, 0};

        for (; file < at; file++) {
                if ((*file & 0xc0) != 0x80)
                        place.column++;
                if (*file == '\n')
                        place = (struct document_place){place.line + 1, 0};
        }
        return place;
}

static int refuse_syntax(const struct oci_text *text, const json_error_t *cause, struct error *error) {
        const struct document_place start = document_locate(text->file, text->text);

        return error_refuse(error, DOCUMENT, "not valid JSON: %s (line %d, column %d)", cause->text,
                            start.line + cause->line - 1,
                            cause->line == 1 ? start.column + cause->column : cause->column);
}

static int load(const struct oci_text *text, json_t **out, struct error *error) {
        json_error_t cause;

        if (text->size > OCI_DOCUMENT_SIZE_MAX)
                return error_refuse(error, DOCUMENT, "the document is larger than %lu bytes",
                                    OCI_DOCUMENT_SIZE_MAX);
        if (is_blank(text->text, text->size)) {
                *out = json_object();
                return *out ? 0 : error_oom(error);
        }
        if (is_too_deep(text->text, text->size))
                return error_refuse(error, DOCUMENT, "the document is nested deeper than %d levels",
                                    OCI_DOCUMENT_DEPTH_MAX);
        *out = json_loadb(text->text, text->size, JSON_REJECT_DUPLICATES, &cause);
        if (*out)
                return 0;
        return json_error_code(&cause) == json_error_out_of_memory ? error_oom(error)
                                                                   : refuse_syntax(text, &cause, error);
}

void oci_selection_clear(struct oci_selection *selection) {
        for (size_t i = 0; i < selection->count; i++)
                free(selection->paths[i]);
        free(selection->paths);
        *selection = (struct oci_selection){0};
}

int oci_selection_add(struct oci_selection *selection, const char *path) {
        char **larger = reallocarray(selection->paths, selection->count + 1, sizeof(*larger));

        if (!larger)
                return -ENOMEM;
        selection->paths = larger;
        larger[selection->count] = strdup(path);
        return larger[selection->count] ? (selection->count++, 0) : -ENOMEM;
}

/* Adds the member of this path to `out`. If a component before the last is not an object, it is copied as it is, and refused
 * later. */
static int take_member(const json_t *document, const char *path, json_t *out) {
        const char *dot = strchr(path, '.');
        _cleanup_free_ char *name = dot ? strndup(path, (size_t)(dot - path)) : strdup(path);
        json_t *member = name ? json_object_get(document, name) : NULL, *taken;

        if (!name)
                return -ENOMEM;
        if (!member)
                return 0;
        if (!dot || !json_is_object(member))
                return json_object_set(out, name, member) < 0 ? -ENOMEM : 0;
        taken = json_object_get(out, name);
        /* Another path has already taken the whole member. */
        if (taken == member)
                return 0;
        if (!taken) {
                taken = json_object();
                if (json_object_set_new(out, name, taken) < 0)
                        return -ENOMEM;
        }
        return take_member(member, dot + 1, taken);
}

static int select_members(json_t **document, const struct oci_selection *only, struct error *error) {
        _cleanup_json_ json_t *out = json_object();

        if (!json_is_object(*document))
                return 0;
        for (size_t i = 0; out && i < only->count; i++)
                if (take_member(*document, only->paths[i], out) < 0)
                        return error_oom(error);
        if (!out)
                return error_oom(error);
        json_decref(*document);
        *document = TAKE(out);
        return 0;
}

int oci_resources_parse(const struct oci_text *text, const struct oci_selection *only,
                        struct oci_unknown *unknown, struct oci_resources **out, struct error *error) {
        _cleanup_json_ json_t *document = NULL;
        int r;

        r = load(text, &document, error);
        if (r == 0 && only)
                r = select_members(&document, only, error);
        return r < 0 ? r : oci_resources_from_json(document, unknown, out, error);
}
