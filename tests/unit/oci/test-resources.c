/* SPDX-License-Identifier: Apache-2.0 */
#include "../test.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "oci/resources.h"

static int parse_text(const char *text, size_t size, enum oci_check check, struct oci_resources **out,
                      struct error *error) {
        _cleanup_json_ json_t *document = NULL;
        int r;

        r = oci_document_parse(text, size, &document, error);
        return r < 0 ? r : oci_resources_from_json(document, check, out, error);
}

static int parse(const char *text, struct oci_resources **out, struct error *error) {
        return parse_text(text, strlen(text), OCI_CHECK_WHOLE, out, error);
}

/* Every line of the file is refused, and the error names the field. */
static void test_should_fail(void **state) {
        _cleanup_file_ FILE *file = fopen(SHOULD_FAIL, "re");
        _cleanup_free_ char *line = NULL;
        size_t size = 0, lines = 0;

        (void)state;
        assert_non_null(file);
        while (getline(&line, &size, file) > 0) {
                _cleanup_error_ struct error error = ERROR_INIT;
                struct oci_resources *resources = NULL;
                char *document;

                line[strcspn(line, "\n")] = '\0';
                if (line[0] == '#')
                        continue;
                document = strchr(line, '\t');
                assert_non_null(document);
                *document++ = '\0';
                if (parse(document, &resources, &error) >= 0)
                        fail_msg("accepted: %s", document);
                assert_int_equal(error.status, EXIT_STATUS_REFUSED);
                assert_non_null(error.field);
                if (strcmp(error.field, line) != 0)
                        fail_msg("%s: names %s instead of %s", document, error.field, line);
                lines++;
        }
        assert_true(lines > 50);
}

/* Nothing given is nothing limited, however it is said. */
static void test_empty(void **state) {
        static const char *const texts[] = {"", " \n\t", "{}", "{\"cpu\":null}", "{\"cpu\":{\"shares\":null}}"};

        (void)state;
        for (size_t i = 0; i < ARRAY_SIZE(texts); i++) {
                _cleanup_(oci_resources_freep) struct oci_resources *resources = NULL;

                assert_int_equal(parse(texts[i], &resources, NULL), 0);
                assert_false(resources->cpu.shares.given);
                assert_null(resources->cpu.cpus);
        }
}

static void test_values(void **state) {
        _cleanup_(oci_resources_freep) struct oci_resources *r = NULL;

        (void)state;
        assert_int_equal(
                parse("{\"cpu\":{\"shares\":0,\"quota\":-1,\"period\":1000,\"cpus\":\"0-3,7\",\"idle\":1},"
                      "\"memory\":{\"limit\":9223372036854775807,\"swap\":-1,\"swappiness\":0,"
                      "\"disableOOMKiller\":false},\"pids\":{\"limit\":-9223372036854775808}}",
                      &r, NULL),
                0);
        assert_true(r->cpu.shares.given && r->cpu.shares.value == 0);
        assert_true(r->cpu.quota.given && r->cpu.quota.value == -1);
        assert_true(r->cpu.period.value == 1000);
        assert_string_equal(r->cpu.cpus, "0-3,7");
        assert_true(r->cpu.idle.value == 1);
        assert_true(r->memory.limit.value == INT64_MAX);
        assert_true(r->memory.swap.value == -1);
        assert_true(r->memory.swappiness.given && r->memory.swappiness.value == 0);
        assert_true(r->memory.disable_oom_killer.given && !r->memory.disable_oom_killer.value);
        assert_true(r->pids.limit.value == INT64_MIN);
}

/* Size and nesting are bounded before the parser sees the document. */
static void test_hostile(void **state) {
        _cleanup_error_ struct error error = ERROR_INIT;
        _cleanup_free_ char *large = malloc(10 * 1024 * 1024);
        struct oci_resources *resources = NULL;

        (void)state;
        memset(large, ' ', 10 * 1024 * 1024);
        assert_true(parse_text(large, 10 * 1024 * 1024, OCI_CHECK_WHOLE, &resources, &error) < 0);
        assert_int_equal(error.status, EXIT_STATUS_REFUSED);
        error_clear(&error);
        memset(large, '[', 100000);
        assert_true(parse_text(large, 100000, OCI_CHECK_WHOLE, &resources, &error) < 0);
        assert_non_null(strstr(error.message, "nested deeper"));
}

/* A change by itself may name swap alone; together with what it changes it is checked. */
static void test_partial(void **state) {
        _cleanup_(oci_resources_freep) struct oci_resources *resources = NULL;

        (void)state;
        assert_int_equal(parse_text("{\"memory\":{\"swap\":8192}}", 24, OCI_CHECK_PARTIAL, &resources, NULL),
                         0);
        assert_true(resources->memory.swap.value == 8192);
}

static void test_merge(void **state) {
        _cleanup_json_ json_t *base = json_loads("{\"cpu\":{\"shares\":1,\"cpus\":\"0\"}}", 0, NULL);
        _cleanup_json_ json_t *change =
                json_loads("{\"cpu\":{\"shares\":2,\"cpus\":null},\"pids\":{\"limit\":3}}", 0, NULL);
        _cleanup_json_ json_t *merged = NULL;
        _cleanup_json_ json_t *wanted =
                json_loads("{\"cpu\":{\"shares\":2,\"cpus\":\"0\"},\"pids\":{\"limit\":3}}", 0, NULL);

        (void)state;
        assert_int_equal(oci_resources_merge(base, change, &merged, NULL), 0);
        assert_true(json_equal(merged, wanted));
        /* The base is as it was. */
        assert_int_equal(json_integer_value(json_object_get(json_object_get(base, "cpu"), "shares")), 1);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_should_fail), cmocka_unit_test(test_empty),
                cmocka_unit_test(test_values),      cmocka_unit_test(test_hostile),
                cmocka_unit_test(test_partial),     cmocka_unit_test(test_merge),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
