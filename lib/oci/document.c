/* SPDX-License-Identifier: Apache-2.0 */
/*
 * From text to a JSON object
 *
 * Subtle: jansson recurses, with a limit of 2048 levels of its own; a scan of the brackets keeps hostile
 * nesting away from it. An overflowing integer is jansson's error, which would not name the field: it
 * names line and column instead.
 */
#include <errno.h>
#include <string.h>

#include "oci/resources.h"

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

int oci_document_parse(const char *text, size_t size, json_t **out, struct error *error) {
        _cleanup_json_ json_t *document = NULL;
        json_error_t json_error;

        if (size > OCI_DOCUMENT_SIZE_MAX)
                return error_refuse(error, DOCUMENT, "the document is larger than %lu bytes",
                                    OCI_DOCUMENT_SIZE_MAX);
        if (is_blank(text, size)) {
                *out = json_object();
                return *out ? 0 : error_oom(error);
        }
        if (is_too_deep(text, size))
                return error_refuse(error, DOCUMENT, "the document is nested deeper than %d levels",
                                    OCI_DOCUMENT_DEPTH_MAX);
        document = json_loadb(text, size, JSON_REJECT_DUPLICATES, &json_error);
        if (!document && json_error_code(&json_error) == json_error_out_of_memory)
                return error_oom(error);
        if (!document)
                return error_refuse(error, DOCUMENT, "not valid JSON: %s (line %d, column %d)", json_error.text,
                                    json_error.line, json_error.column);
        if (!json_is_object(document))
                return error_refuse(error, DOCUMENT, "not a JSON object");
        *out = TAKE(document);
        return 0;
}
