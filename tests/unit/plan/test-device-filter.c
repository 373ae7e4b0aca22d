/* SPDX-License-Identifier: Apache-2.0 */
/* Rules as exceptions from a default: what v1 and systemd can say. */
#include "../test.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "plan/device_filter.h"

static struct device_filter *parse(const char *rules) {
        _cleanup_(oci_resources_freep) struct oci_resources *resources = NULL;
        _cleanup_json_ json_t *document = NULL;
        _cleanup_free_ char *text = NULL;

        assert_true(asprintf(&text, "{\"devices\":[%s]}", rules) > 0);
        document = json_loads(text, 0, NULL);
        assert_non_null(document);
        assert_int_equal(oci_resources_from_json(document, NULL, &resources, NULL), 0);
        return device_filter_new(&resources->devices);
}

static char *text_of(const struct device_filter *filter) {
        char *text = NULL;
        size_t size;
        FILE *out = open_memstream(&text, &size);

        fputs(filter->allow ? "allow" : "deny", out);
        for (size_t i = 0; i < filter->count; i++) {
                char access[DEVICE_ACCESS_SIZE];

                device_access_text(filter->rules[i].access, access);
                fprintf(out, " %c%" PRId64 ":%" PRId64 "%s", filter->rules[i].type, filter->rules[i].major,
                        filter->rules[i].minor, access);
        }
        (void)fclose(out);
        return text;
}

#define DENY "{\"allow\":false}"
#define ALLOW "{\"allow\":true}"
#define C(allow, major, minor, access)                                                                         \
        "{\"allow\":" #allow ",\"type\":\"c\",\"major\":" #major ",\"minor\":" #minor ",\"access\":\"" access  \
        "\"}"

static void test_exceptions(void **state) {
        static const struct {
                const char *rules, *exceptions;
        } cases[] = {
                {DENY, "deny"},
                {ALLOW, "allow"},
                {DENY "," C(true, 1, 3, "rwm"), "deny c1:3rwm"},
                /* The same devices: one exception with the access of both. */
                {DENY "," C(true, 1, 3, "r") "," C(true, 1, 3, "w"), "deny c1:3rw"},
                {DENY "," C(true, 1, 3, "rwm") "," C(false, 1, 3, "w"), "deny c1:3rm"},
                {DENY "," C(true, 1, 3, "rwm") "," C(false, 1, -1, "rwm"), "deny"},
                {DENY "," C(true, 1, 3, "rwm") "," DENY "," C(true, 1, 5, "r"), "deny c1:5r"},
                {ALLOW "," C(false, 1, 3, "rwm"), "allow c1:3rwm"},
                /* The kernel wants one exception for the whole access that is asked for. */
                {DENY "," C(true, 1, -1, "r") "," C(true, 1, 3, "w"), "deny c1:-1r c1:3rw"},
                /* A rule against what is denied anyway. */
                {DENY "," C(true, 1, -1, "r") "," C(false, 1, 3, "w"), "deny c1:-1r"},
        };

        (void)state;
        for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
                _cleanup_(device_filter_freep) struct device_filter *filter = parse(cases[i].rules),
                                                                    *exceptions = NULL;
                _cleanup_free_ char *text = NULL;

                assert_int_equal(device_filter_exceptions(filter, &exceptions), 0);
                text = text_of(exceptions);
                assert_string_equal(text, cases[i].exceptions);
        }
}

/* A hole in something wider has no such form. */
static void test_holes(void **state) {
        static const char *const cases[] = {
                DENY "," C(true, 1, -1, "rwm") "," C(false, 1, 3, "w"),
                DENY "," C(true, -1, 3, "r") "," C(false, 1, -1, "r"),
                ALLOW "," C(false, 1, -1, "rwm") "," C(true, 1, 3, "r"),
        };

        (void)state;
        for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
                _cleanup_(device_filter_freep) struct device_filter *filter = parse(cases[i]);
                struct device_filter *exceptions = NULL;

                assert_int_equal(device_filter_exceptions(filter, &exceptions), -EOPNOTSUPP);
                assert_null(exceptions);
        }
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_exceptions),
                cmocka_unit_test(test_holes),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
