/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Extracting linux.cgroupsPath and linux.resources from a bundle's config.json
 *
 * Subtle: jansson refuses a document with an integer above 2^63 - 1 or a number above 1e308, but process.rlimits may have
 * RLIM_INFINITY, 18446744073709551615. So this parser follows the structure of the document (RFC 8259), and passes only the
 * text of the wanted members to jansson.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "oci/document.h"
#include "oci/resources.h"

struct scanner {
        const char *at, *end;
        const char *fault; /* the error at `at`; NULL: none yet */
};

/* A member to look for, and the text of its value. */
struct wanted {
        const char *name;
        const char *text; /* NULL: not found */
        size_t size;
};

/* The members to look for in one object. */
struct wanted_list {
        struct wanted *members;
        size_t count;
};

static bool fail(struct scanner *scanner, const char *fault) {
        scanner->fault = scanner->at == scanner->end ? "it ends too early" : fault;
        return false;
}

static int next(const struct scanner *scanner) {
        return scanner->at < scanner->end ? (unsigned char)*scanner->at : -1;
}

static void skip_blanks(struct scanner *scanner) {
        while (next(scanner) == ' ' || next(scanner) == '\t' || next(scanner) == '\r' || next(scanner) == '\n')
                scanner->at++;
}

static bool take(struct scanner *scanner, char wanted) {
        if (next(scanner) != wanted)
                return false;
        scanner->at++;
        return true;
}

static bool is_digit(int c) {
        return c >= '0' && c <= '9';
}

static bool skip_digits(struct scanner *scanner) {
        if (!is_digit(next(scanner)))
                return fail(scanner, "a digit is missing");
        while (is_digit(next(scanner)))
                scanner->at++;
        return true;
}

static bool skip_number(struct scanner *scanner) {
        (void)take(scanner, '-');
        if (!take(scanner, '0') && !skip_digits(scanner))
                return false;
        if (take(scanner, '.') && !skip_digits(scanner))
                return false;
        if (!take(scanner, 'e') && !take(scanner, 'E'))
                return true;
        if (!take(scanner, '+'))
                (void)take(scanner, '-');
        return skip_digits(scanner);
}

static bool skip_escape(struct scanner *scanner) {
        int c = next(scanner);

        if (c <= 0 || !strchr("\"\\/bfnrtu", c))
                return fail(scanner, "a string has an invalid escape");
        scanner->at++;
        for (int i = 0; c == 'u' && i < 4; i++, scanner->at++) {
                int digit = next(scanner);

                if (digit <= 0 || !strchr("0123456789abcdefABCDEF", digit))
                        return fail(scanner, "a string has an invalid escape");
        }
        return true;
}

static bool skip_string(struct scanner *scanner) {
        if (!take(scanner, '"'))
                return fail(scanner, "a string is missing");
        while (!take(scanner, '"')) {
                if (next(scanner) < ' ')
                        return fail(scanner, "a string has a control character");
                if (take(scanner, '\\')) {
                        if (!skip_escape(scanner))
                                return false;
                } else {
                        scanner->at++;
                }
        }
        return true;
}

static bool skip_word(struct scanner *scanner) {
        static const char *const words[] = {"true", "false", "null"};

        for (size_t i = 0; i < ARRAY_SIZE(words); i++) {
                size_t length = strlen(words[i]);

                if ((size_t)(scanner->end - scanner->at) >= length &&
                    memcmp(scanner->at, words[i], length) == 0) {
                        scanner->at += length;
                        return true;
                }
        }
        return fail(scanner, "a value is missing");
}

/* Whether a name in the text, with its quotes, is this one. jansson decodes escapes. */
static bool is_name(const char *text, size_t size, const char *name) {
        _cleanup_json_ json_t *decoded = NULL;

        if (!memchr(text, '\\', size))
                return size == strlen(name) + 2 && memcmp(text + 1, name, size - 2) == 0;
        decoded = json_loadb(text, size, JSON_DECODE_ANY, NULL);
        return decoded && strcmp(json_string_value(decoded), name) == 0;
}

static struct wanted *find_wanted(const struct wanted_list *wanted, const char *text, size_t size) {
        for (size_t i = 0; i < wanted->count; i++)
                if (is_name(text, size, wanted->members[i].name))
                        return &wanted->members[i];
        return NULL;
}

static bool skip_value(struct scanner *scanner, int depth);

static bool skip_member(struct scanner *scanner, const struct wanted_list *wanted, int depth) {
        const char *name = scanner->at, *value;
        struct wanted *found;

        if (!skip_string(scanner))
                return false;
        found = find_wanted(wanted, name, (size_t)(scanner->at - name));
        if (found && found->text)
                return fail(scanner, "a member that matters is given twice");
        skip_blanks(scanner);
        if (!take(scanner, ':'))
                return fail(scanner, "':' is missing");
        skip_blanks(scanner);
        value = scanner->at;
        if (!skip_value(scanner, depth))
                return false;
        if (found) {
                found->text = value;
                found->size = (size_t)(scanner->at - value);
        }
        return true;
}

/* The object or array that begins here. */
static bool skip_container(struct scanner *scanner, const struct wanted_list *wanted, int depth) {
        bool object = next(scanner) == '{';
        char close = object ? '}' : ']';

        if (depth == OCI_BUNDLE_DEPTH_MAX)
                return fail(scanner, "it is nested too deep");
        scanner->at++;
        skip_blanks(scanner);
        if (take(scanner, close))
                return true;
        do {
                skip_blanks(scanner);
                if (!(object ? skip_member(scanner, wanted, depth + 1) : skip_value(scanner, depth + 1)))
                        return false;
                skip_blanks(scanner);
        } while (take(scanner, ','));
        return take(scanner, close) ||
               fail(scanner, object ? "',' or '}' is missing" : "',' or ']' is missing");
}

static bool skip_value(struct scanner *scanner, int depth) {
        static const struct wanted_list none = {0};

        int c = next(scanner);

        if (c == '{' || c == '[')
                return skip_container(scanner, &none, depth);
        if (c == '"')
                return skip_string(scanner);
        return c == '-' || is_digit(c) ? skip_number(scanner) : skip_word(scanner);
}

/* Finds members of the object that makes up the whole text. */
static bool find_members(struct scanner *scanner, const struct wanted_list *wanted) {
        skip_blanks(scanner);
        if (next(scanner) != '{')
                return fail(scanner, "another type");
        if (!skip_container(scanner, wanted, 0))
                return false;
        skip_blanks(scanner);
        return scanner->at == scanner->end || fail(scanner, "there is something behind its end");
}

/* Whether the member exists with a value. As in Go's decoder, null is no value. */
static bool is_given(const struct wanted *wanted) {
        return wanted->text && wanted->text[0] != 'n';
}

static int read_path(const struct wanted *wanted, const char *name, char **out, struct error *error) {
        _cleanup_json_ json_t *string = NULL;

        if (!is_given(wanted))
                return 0;
        string = json_loadb(wanted->text, wanted->size, JSON_DECODE_ANY, NULL);
        if (!json_is_string(string))
                return error_refuse(error, "linux.cgroupsPath", "%s: not a string", name);
        *out = strdup(json_string_value(string));
        return *out ? 0 : error_oom(error);
}

static int refuse_syntax(const struct scanner *scanner, const char *text, const char *name,
                         struct error *error) {
        const struct document_place place = document_locate(text, scanner->at);

        return error_refuse(error, "--bundle", "%s: not a JSON object: %s (line %d, column %d)", name,
                            scanner->fault, place.line, place.column + 1);
}

int oci_bundle_parse(const char *text, size_t size, const char *name, struct oci_bundle *out,
                     struct error *error) {
        struct wanted linux_object = {.name = "linux"};
        struct wanted members[] = {{.name = "cgroupsPath"}, {.name = "resources"}};
        struct scanner scanner = {.at = text, .end = text + size};
        const struct wanted *resources = &members[1];

        *out = (struct oci_bundle){.resources = {text, text, 0}};
        if (!find_members(&scanner, &(struct wanted_list){&linux_object, 1}))
                return refuse_syntax(&scanner, text, name, error);
        if (!is_given(&linux_object))
                return 0;
        if (linux_object.text[0] != '{')
                return error_refuse(error, "linux", "%s: not an object", name);
        scanner = (struct scanner){.at = linux_object.text, .end = linux_object.text + linux_object.size};
        if (!find_members(&scanner, &(struct wanted_list){members, ARRAY_SIZE(members)}))
                return refuse_syntax(&scanner, text, name, error);
        if (is_given(resources) && resources->text[0] != '{')
                return error_refuse(error, "linux.resources", "%s: not an object", name);
        if (is_given(resources))
                out->resources = (struct oci_text){text, resources->text, resources->size};
        return read_path(&members[0], name, &out->cgroups_path, error);
}
