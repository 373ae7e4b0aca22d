/* SPDX-License-Identifier: Apache-2.0 */
#include "../test.h"

#include <stdlib.h>
#include <string.h>

#include "oci/resources.h"

static int parse(const char *text, struct oci_bundle *out, struct error *error) {
        return oci_bundle_parse(text, strlen(text), "config.json", out, error);
}

/* The two members are found wherever they are, and only there. */
static void test_found(void **state) {
        static const struct {
                const char *config, *path, *resources;
        } cases[] = {
                {"{}", NULL, ""},
                {"{\"linux\":null}", NULL, ""},
                {"{\"linux\":{}}", NULL, ""},
                {"{\"linux\":{\"cgroupsPath\":null,\"resources\":null}}", NULL, ""},
                {"{\"linux\":{\"cgroupsPath\":\"a\\/b\\u002d\",\"resources\":{\"x\":[1]}}}", "a/b-",
                 "{\"x\":[1]}"},
                {" \n{ \"a\" : 1 ,\t\"linux\"\r: { \"resources\" : {} , \"b\":2 } } \n", NULL, "{}"},
                {"{\"cgroupsPath\":\"no\",\"resources\":{},\"x\":{\"linux\":{\"cgroupsPath\":\"no\"}}}", NULL,
                 ""},
                {"{\"l\\u0069nux\":{\"cgroupsPath\":\"a\"}}", "a", ""},
                {"{\"linux\\\"\":{\"cgroupsPath\":\"a\"},\"linuxx\":{\"cgroupsPath\":\"a\"}}", NULL, ""},
        };

        (void)state;
        for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
                _cleanup_error_ struct error error = ERROR_INIT;
                struct oci_bundle bundle;

                if (parse(cases[i].config, &bundle, &error) < 0)
                        fail_msg("%s: %s", cases[i].config, error.message);
                if (cases[i].path)
                        assert_string_equal(bundle.cgroups_path, cases[i].path);
                else
                        assert_null(bundle.cgroups_path);
                assert_int_equal(bundle.resources.size, strlen(cases[i].resources));
                assert_memory_equal(bundle.resources.text, cases[i].resources, bundle.resources.size);
                free(bundle.cgroups_path);
        }
}

/* What does not matter is skipped, whatever it holds. */
static void test_skipped(void **state) {
        static const char *const values[] = {
                "18446744073709551615",
                "-99999999999999999999999999",
                "1e400",
                "-0",
                "0.5E-3",
                "1E+2",
                "{\"a\":1,\"a\":2}",
                "\"\\u0000\\ud800\\\\\\\"\"",
                "\"\xff\"",
                "[[],[{}],[null,true,false]]",
        };

        (void)state;
        for (size_t i = 0; i < ARRAY_SIZE(values); i++) {
                _cleanup_free_ char *text = NULL;
                _cleanup_error_ struct error error = ERROR_INIT;
                struct oci_bundle bundle;

                assert_true(asprintf(&text, "{\"x\":%s,\"linux\":{\"y\":%s,\"cgroupsPath\":\"a\"},\"x\":%s}",
                                     values[i], values[i], values[i]) > 0);
                if (parse(text, &bundle, &error) < 0)
                        fail_msg("%s: %s", text, error.message);
                assert_string_equal(bundle.cgroups_path, "a");
                free(bundle.cgroups_path);
        }
}

/* Structure is not: each of these is no JSON (RFC 8259), or has not what is wanted. */
static void test_refused(void **state) {
        static const struct {
                const char *config, *field, *message;
        } cases[] = {
                {"", "--bundle", "it ends too early (line 1, column 1)"},
                {"[]", "--bundle", "another type (line 1, column 1)"},
                {"{\n \"a\": ,\n}", "--bundle", "a value is missing (line 2, column 7)"},
                {"{\"a\":1,}", "--bundle", "a string is missing (line 1, column 8)"},
                {"{\"a\":[1,]}", "--bundle", "a value is missing"},
                {"{\"a\":[1 2]}", "--bundle", "',' or ']' is missing (line 1, column 9)"},
                {"{\"a\":1]", "--bundle", "',' or '}' is missing"},
                {"{\"a\" 1}", "--bundle", "':' is missing"},
                {"{'a':1}", "--bundle", "a string is missing"},
                {"{\"a\":01}", "--bundle", "',' or '}' is missing"},
                {"{\"a\":-}", "--bundle", "a digit is missing"},
                {"{\"a\":1.}", "--bundle", "a digit is missing"},
                {"{\"a\":1e}", "--bundle", "a digit is missing"},
                {"{\"a\":+1}", "--bundle", "a value is missing"},
                {"{\"a\":nul}", "--bundle", "a value is missing"},
                {"{\"a\":nulll}", "--bundle", "',' or '}' is missing"},
                {"{\"a\":NaN}", "--bundle", "a value is missing"},
                {"{\"a\":\"\n\"}", "--bundle", "control character (line 1, column 7)"},
                {"{\"a\":\"\\x\"}", "--bundle", "invalid escape"},
                {"{\"a\":\"\\u12g4\"}", "--bundle", "invalid escape"},
                {"{\"a\":\"\\u12", "--bundle", "it ends too early"},
                {"{\"a\":\"\xc3\xa9\" 7}", "--bundle", "(line 1, column 10)"},
                {"{\"a\":\"", "--bundle", "it ends too early"},
                {"{\"a\":\"\\", "--bundle", "it ends too early"},
                {"{} {}", "--bundle", "there is something behind its end (line 1, column 4)"},
                {"{\"linux\":{},\"linux\":{}}", "--bundle", "given twice"},
                {"{\"linux\":{\"cgroupsPath\":\"a\",\"cgroupsPat\\u0068\":\"b\"}}", "--bundle", "given twice"},
                {"{\"linux\":[]}", "linux", "not an object"},
                {"{\"linux\":{\"cgroupsPath\":[]}}", "linux.cgroupsPath", "not a string"},
                {"{\"linux\":{\"cgroupsPath\":18446744073709551616}}", "linux.cgroupsPath", "not a string"},
                {"{\"linux\":{\"cgroupsPath\":\"a\\u0000b\"}}", "linux.cgroupsPath", "not a string"},
                {"{\"linux\":{\"cgroupsPath\":\"a\",\"resources\":7}}", "linux.resources", "not an object"},
        };

        (void)state;
        for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
                _cleanup_error_ struct error error = ERROR_INIT;
                struct oci_bundle bundle;

                if (parse(cases[i].config, &bundle, &error) >= 0)
                        fail_msg("accepted: %s", cases[i].config);
                assert_int_equal(error.status, EXIT_STATUS_REFUSED);
                assert_string_equal(error.field, cases[i].field);
                if (!strstr(error.message, cases[i].message))
                        fail_msg("%s: %s", cases[i].config, error.message);
                assert_null(bundle.cgroups_path);
        }
}

/* `depth` arrays within each other, beside what is wanted. */
static int parse_nested(size_t depth, struct error *error) {
        _cleanup_free_ char *text = calloc(2, depth + 32);
        struct oci_bundle bundle;
        int r;

        assert_non_null(text);
        strcpy(text, "{\"x\":");
        memset(text + strlen(text), '[', depth);
        memset(text + strlen(text), ']', depth);
        strcat(text, "}");
        r = parse(text, &bundle, error);
        if (r == 0)
                free(bundle.cgroups_path);
        return r;
}

/* Within reason; what is beyond is refused before it is a matter of the stack. */
static void test_depth(void **state) {
        _cleanup_error_ struct error error = ERROR_INIT;

        (void)state;
        assert_int_equal(parse_nested(OCI_BUNDLE_DEPTH_MAX - 1, NULL), 0);
        assert_true(parse_nested(OCI_BUNDLE_DEPTH_MAX, NULL) < 0);
        assert_true(parse_nested(5000000, &error) < 0);
        assert_non_null(strstr(error.message, "nested too deep"));
}

/* A fault in the resources is told by the config.json's lines. */
static void test_place(void **state) {
        static const struct {
                const char *config, *place;
        } cases[] = {
                {"{\"linux\":\n {\"resources\": {\"a\":1,\n  \"a\":2}}}", "line 3, column 5)"},
                {"{\"linux\": {\"resources\": {\"a\":1e400}}}", "line 1, column 34)"},
        };

        (void)state;
        for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
                _cleanup_error_ struct error error = ERROR_INIT;
                struct oci_resources *resources = NULL;
                struct oci_bundle bundle;

                assert_int_equal(parse(cases[i].config, &bundle, NULL), 0);
                assert_true(oci_resources_parse(&bundle.resources, NULL, NULL, &resources, &error) < 0);
                assert_string_equal(error.field, "resources");
                if (!strstr(error.message, cases[i].place))
                        fail_msg("%s", error.message);
        }
}

/* The specification's example, with what it does not know and what real ones have besides. */
static void test_example(void **state) {
        _cleanup_file_ FILE *file = fopen(EXAMPLE_CONFIG, "re");
        _cleanup_(oci_resources_freep) struct oci_resources *resources = NULL;
        _cleanup_error_ struct error error = ERROR_INIT;
        struct oci_unknown unknown = {0};
        struct oci_bundle bundle;
        char text[16384];
        size_t size;

        (void)state;
        assert_non_null(file);
        size = fread(text, 1, sizeof(text), file);
        assert_true(size < sizeof(text));
        if (oci_bundle_parse(text, size, "config.json", &bundle, &error) < 0 ||
            oci_resources_parse(&bundle.resources, NULL, &unknown, &resources, &error) < 0 ||
            oci_resources_check(resources, &error) < 0)
                fail_msg("%s", error.message);
        assert_string_equal(bundle.cgroups_path, "/myRuntime/myContainer");
        assert_string_equal(resources->cpu.cpus, "0-1");
        assert_int_equal(resources->hugepages.count, 1);
        assert_int_equal(unknown.count, 2);
        assert_string_equal(unknown.paths[0], "memory.newLimit");
        assert_string_equal(unknown.paths[1], "devices[1].fileMode");
        oci_unknown_clear(&unknown);
        free(bundle.cgroups_path);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_found), cmocka_unit_test(test_skipped), cmocka_unit_test(test_refused),
                cmocka_unit_test(test_depth), cmocka_unit_test(test_place),   cmocka_unit_test(test_example),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
