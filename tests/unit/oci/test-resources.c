/* SPDX-License-Identifier: Apache-2.0 */
#include "../test.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "oci/resources.h"

static int parse_text(const char *text, size_t size, struct oci_resources **out, struct error *error) {
        return oci_resources_parse(&(struct oci_text){text, text, size}, NULL, NULL, out, error);
}

static int parse(const char *text, struct oci_resources **out, struct error *error) {
        int r = parse_text(text, strlen(text), out, error);

        if (r == 0)
                r = oci_resources_check(*out, error);
        if (r < 0)
                *out = oci_resources_free(*out);
        return r;
}

/* A document that has to be in order by itself. */
static struct oci_resources *read_document(const char *text) {
        struct oci_resources *resources = NULL;
        _cleanup_error_ struct error error = ERROR_INIT;

        if (parse_text(text, strlen(text), &resources, &error) < 0)
                fail_msg("%s: %s", text, error.message);
        return resources;
}

static void assert_written(const struct oci_resources *resources, const char *wanted) {
        _cleanup_json_ json_t *written = oci_resources_to_json(resources);
        _cleanup_free_ char *text = json_dumps(written, JSON_COMPACT);

        assert_string_equal(text, wanted);
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
                parse("{\"cpu\":{\"shares\":2,\"quota\":-1,\"period\":1000,\"cpus\":\"0-3,7\",\"idle\":1},"
                      "\"memory\":{\"limit\":9223372036854775807,\"swap\":-1,\"swappiness\":0,"
                      "\"disableOOMKiller\":false},\"pids\":{\"limit\":-9223372036854775808}}",
                      &r, NULL),
                0);
        assert_true(r->cpu.shares.given && r->cpu.shares.value == 2);
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
        assert_true(parse_text(large, 10 * 1024 * 1024, &resources, &error) < 0);
        assert_int_equal(error.status, EXIT_STATUS_REFUSED);
        error_clear(&error);
        memset(large, '[', 100000);
        assert_true(parse_text(large, 100000, &resources, &error) < 0);
        assert_non_null(strstr(error.message, "nested deeper"));
}

/* A change by itself may name swap alone; together with what it changes it is checked. */
static void test_partial(void **state) {
        static const struct {
                const char *document;
                bool refused;
        } cases[] = {
                {"{\"memory\":{\"swap\":8192}}", true},
                {"{\"memory\":{\"swap\":-1}}", false},
                {"{\"memory\":{\"swap\":8192,\"limit\":8192}}", false},
                {"{\"memory\":{\"swap\":8192,\"limit\":0}}", true},
                {"{\"memory\":{\"swap\":0,\"limit\":4096}}", false},
                {"{\"memory\":{\"swap\":-1,\"limit\":-1}}", false},
                {"{\"memory\":{\"swap\":8192,\"limit\":-1}}", true},
                /* What v1 shows for "no limit" is none, in either place. */
                {"{\"memory\":{\"swap\":9223372036854771711,\"limit\":9223372036854771712}}", true},
                {"{\"memory\":{\"swap\":9223372036854771712,\"limit\":9223372036854775807}}", false},
                {"{\"memory\":{\"swap\":9223372036854771712,\"limit\":-1}}", false},
                {"{\"memory\":{\"swap\":9223372036854771712}}", false},
                {"{\"memory\":{\"swap\":9223372036854771711,\"limit\":9223372036854771711}}", false},
        };

        (void)state;
        for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
                _cleanup_(oci_resources_freep) struct oci_resources *resources =
                        read_document(cases[i].document);

                if ((oci_resources_check(resources, NULL) < 0) != cases[i].refused)
                        fail_msg("%s", cases[i].document);
        }
}

/* An update replaces what it has given, and neither of the two is changed by it. */
static void test_merge(void **state) {
        static const struct {
                const char *base, *change, *wanted;
        } cases[] = {
                {"{}", "{}", "{}"},
                {"{\"cpu\":{\"shares\":2,\"cpus\":\"0\"}}",
                 "{\"cpu\":{\"shares\":3,\"cpus\":null},\"pids\":{\"limit\":3}}",
                 "{\"cpu\":{\"shares\":3,\"cpus\":\"0\"},\"pids\":{\"limit\":3}}"},
                {"{\"cpu\":{\"cpus\":\"0\",\"mems\":\"0\"}}", "{\"cpu\":{\"cpus\":\"\",\"mems\":\"1\"}}",
                 "{\"cpu\":{\"cpus\":\"0\",\"mems\":\"1\"}}"},
                /* 0 and false are values, but for those where 0 is "not given". */
                {"{\"memory\":{\"limit\":4096,\"swappiness\":5,\"useHierarchy\":true},\"pids\":{\"limit\":5}}",
                 "{\"memory\":{\"limit\":0,\"swappiness\":0,\"useHierarchy\":false},\"pids\":{\"limit\":0}}",
                 "{\"memory\":{\"limit\":4096,\"swappiness\":0,\"useHierarchy\":false},\"pids\":{\"limit\":0}"
                 "}"},
                /* Arrays as a whole, also by an empty one. */
                {"{\"devices\":[{\"allow\":false},{\"allow\":true,\"type\":\"c\",\"access\":\"r\"}]}",
                 "{\"devices\":[{\"allow\":true}]}", "{\"devices\":[{\"allow\":true}]}"},
                {"{\"devices\":[{\"allow\":false}],\"hugepageLimits\":[{\"pageSize\":\"2MB\",\"limit\":0}]}",
                 "{\"devices\":[],\"hugepageLimits\":null}",
                 "{\"hugepageLimits\":[{\"pageSize\":\"2MB\",\"limit\":0}],\"devices\":[]}"},
                /* Maps name by name, and an rdma device's two numbers each by itself. */
                {"{\"unified\":{\"b.c\":\"1\",\"a.c\":\"2\"}}", "{\"unified\":{}}",
                 "{\"unified\":{\"a.c\":\"2\",\"b.c\":\"1\"}}"},
                {"{\"unified\":{\"b.c\":\"1\",\"d.c\":\"2\"}}",
                 "{\"unified\":{\"e.c\":\"5\",\"d.c\":\"3\",\"a.c\":\"4\"}}",
                 "{\"unified\":{\"a.c\":\"4\",\"b.c\":\"1\",\"d.c\":\"3\",\"e.c\":\"5\"}}"},
                {"{}", "{\"unified\":{\"b.c\":\"1\",\"a.c\":\"2\"}}",
                 "{\"unified\":{\"a.c\":\"2\",\"b.c\":\"1\"}}"},
                {"{\"rdma\":{\"m0\":{\"hcaHandles\":1,\"hcaObjects\":2}}}",
                 "{\"rdma\":{\"m0\":{\"hcaHandles\":3},\"a\":{\"hcaObjects\":0}}}",
                 "{\"rdma\":{\"a\":{\"hcaObjects\":0},\"m0\":{\"hcaHandles\":3,\"hcaObjects\":2}}}"},
                {"{\"blockIO\":{\"weight\":10,\"weightDevice\":[{\"major\":8,\"minor\":0,\"weight\":20}]}}",
                 "{\"blockIO\":{\"weight\":0,\"weightDevice\":[{\"major\":8,\"minor\":0,\"weight\":0}]}}",
                 "{\"blockIO\":{\"weight\":10,\"weightDevice\":[{\"major\":8,\"minor\":0,\"weight\":0}]}}"},
        };

        (void)state;
        for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
                _cleanup_(oci_resources_freep) struct oci_resources *base = read_document(cases[i].base),
                                                                    *former = read_document(cases[i].base),
                                                                    *change = read_document(cases[i].change),
                                                                    *merged = NULL, *again = NULL;

                assert_int_equal(oci_resources_merge(base, change, &merged, NULL), 0);
                assert_written(merged, cases[i].wanted);
                assert_true(oci_resources_equal(base, former));
                assert_int_equal(oci_resources_merge(merged, change, &again, NULL), 0);
                assert_true(oci_resources_equal(again, merged));
        }
}

/* What is not known is left out and named, in the document's order; with it gone, the rest is the same. */
static void test_unknown(void **state) {
        static const char document[] = "{\"foo\":{\"cpu\":1},\"cpu\":{\"shares\":2,\"foo\":null},"
                                       "\"devices\":[{\"allow\":true},{\"allow\":true,\"x\":{}}],"
                                       "\"rdma\":{\"m0\":{\"hcaObjects\":1,\"y\":[]}}}";
        static const char *const paths[] = {"foo", "cpu.foo", "devices[1].x", "rdma.m0.y"};
        _cleanup_(oci_resources_freep) struct oci_resources *resources = NULL;
        _cleanup_error_ struct error error = ERROR_INIT;
        struct oci_unknown unknown = {0};

        (void)state;
        assert_int_equal(oci_resources_parse(&(struct oci_text){document, document, strlen(document)}, NULL,
                                             &unknown, &resources, NULL),
                         0);
        assert_int_equal(unknown.count, ARRAY_SIZE(paths));
        for (size_t i = 0; i < unknown.count; i++)
                assert_string_equal(unknown.paths[i], paths[i]);
        oci_unknown_clear(&unknown);
        assert_written(resources, "{\"cpu\":{\"shares\":2},\"rdma\":{\"m0\":{\"hcaObjects\":1}},"
                                  "\"devices\":[{\"allow\":true},{\"allow\":true}]}");
        /* What is known is as strict as ever. */
        assert_true(parse("{\"foo\":1,\"cpu\":{\"shares\":\"1\"}}", &resources, &error) < 0);
}

/* 0 is not given where runc has it so, and a value elsewhere. */
static void test_zero(void **state) {
        _cleanup_(oci_resources_freep) struct oci_resources *resources = read_document(
                "{\"cpu\":{\"shares\":0,\"quota\":0,\"period\":0,\"burst\":0,\"idle\":0,\"realtimeRuntime\":0},"
                "\"memory\":{\"limit\":0,\"reservation\":0,\"swap\":0,\"kernel\":0,\"kernelTCP\":0,"
                "\"swappiness\":0},\"pids\":{\"limit\":0},"
                "\"blockIO\":{\"weight\":0,\"leafWeight\":0,\"weightDevice\":[{\"major\":8,\"minor\":0,"
                "\"weight\":0}]},\"network\":{\"classID\":0}}");

        (void)state;
        assert_written(resources,
                       "{\"cpu\":{\"burst\":0,\"realtimeRuntime\":0,\"idle\":0},\"memory\":{\"swappiness\":0},"
                       "\"pids\":{\"limit\":0},\"blockIO\":{\"weightDevice\":[{\"major\":8,\"minor\":0,"
                       "\"weight\":0}]},\"network\":{\"classID\":0}}");
}

/* Lists are kept as the kernel shows them. */
static void test_lists(void **state) {
        _cleanup_(oci_resources_freep) struct oci_resources *resources =
                read_document("{\"cpu\":{\"cpus\":\" 3,1-2\\n\",\"mems\":\",\"}}");

        (void)state;
        assert_string_equal(resources->cpu.cpus, "1-3");
        assert_null(resources->cpu.mems);
}

/* A document with all there is: what is written is what was read, and a copy is the same. */
static void test_round_trip(void **state) {
        static const char document[] =
                "{\"cpu\":{\"shares\":2,\"quota\":-1,\"burst\":0,\"period\":1000,\"realtimeRuntime\":0,"
                "\"realtimePeriod\":5,\"cpus\":\"0-3\",\"mems\":\"0\",\"idle\":0},"
                "\"memory\":{\"limit\":-1,\"reservation\":1,\"swap\":-1,\"kernel\":2,\"kernelTCP\":3,"
                "\"swappiness\":0,\"disableOOMKiller\":false,\"useHierarchy\":true,"
                "\"checkBeforeUpdate\":false},\"pids\":{\"limit\":0},"
                "\"blockIO\":{\"weight\":10,\"leafWeight\":11,\"weightDevice\":[{\"major\":8,\"minor\":0,"
                "\"weight\":0,\"leafWeight\":10}],\"throttleReadBpsDevice\":[],"
                "\"throttleWriteBpsDevice\":[{\"major\":8,\"minor\":0,\"rate\":0}],"
                "\"throttleReadIOPSDevice\":[{\"major\":8,\"minor\":1,\"rate\":1}],"
                "\"throttleWriteIOPSDevice\":[{\"major\":8,\"minor\":2,\"rate\":2}]},"
                "\"hugepageLimits\":[{\"pageSize\":\"2MB\",\"limit\":9223372036854775807}],"
                "\"network\":{\"classID\":4294967295,\"priorities\":[{\"name\":\"lo\",\"priority\":0}]},"
                "\"rdma\":{\"m0\":{\"hcaHandles\":0}},"
                "\"devices\":[{\"allow\":false},{\"allow\":true,\"type\":\"c\",\"major\":-1,\"minor\":3,"
                "\"access\":\"rw\"}],\"unified\":{\"memory.high\":\"5\"}}";
        _cleanup_(oci_resources_freep) struct oci_resources *resources = read_document(document), *copy = NULL;

        (void)state;
        assert_written(resources, document);
        copy = oci_resources_copy(resources);
        assert_true(oci_resources_equal(resources, copy));
        copy->network.class_id.value--;
        assert_false(oci_resources_equal(resources, copy));
        assert_int_equal(oci_resources_add_device(copy, resources->devices.items), 0);
        assert_int_equal(copy->devices.count, 3);
}

/* What makes a difference to an update is none between documents that say the same. */
static void test_equal(void **state) {
        static const struct {
                const char *a, *b;
                bool equal;
        } cases[] = {
                {"{}", "{\"cpu\":{},\"unified\":{},\"rdma\":null}", true},
                {"{\"cpu\":{\"cpus\":\"0-1\"}}", "{\"cpu\":{\"cpus\":\"1, 0\"}}", true},
                {"{\"unified\":{\"a.b\":\"1\",\"c.d\":\"2\"}}", "{\"unified\":{\"c.d\":\"2\",\"a.b\":\"1\"}}",
                 true},
                {"{\"memory\":{\"limit\":0}}", "{}", true},
                {"{\"devices\":[]}", "{}", false},
                {"{\"pids\":{\"limit\":0}}", "{}", false},
                {"{\"memory\":{\"useHierarchy\":false}}", "{\"memory\":{\"useHierarchy\":true}}", false},
                {"{\"unified\":{\"a.b\":\"1\"}}", "{\"unified\":{\"a.b\":\"2\"}}", false},
                {"{\"unified\":{\"a.b\":\"1\"}}", "{\"unified\":{\"a.c\":\"1\"}}", false},
                {"{\"cpu\":{\"cpus\":\"0\"}}", "{\"cpu\":{\"mems\":\"0\"}}", false},
        };

        (void)state;
        for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
                _cleanup_(oci_resources_freep) struct oci_resources *a = read_document(cases[i].a),
                                                                    *b = read_document(cases[i].b);

                if (oci_resources_equal(a, b) != cases[i].equal || oci_resources_equal(b, a) != cases[i].equal)
                        fail_msg("%s and %s", cases[i].a, cases[i].b);
        }
}

static void assert_selected(const char *text, const char *paths, const char *wanted) {
        _cleanup_(oci_resources_freep) struct oci_resources *resources = NULL;
        _cleanup_error_ struct error error = ERROR_INIT;
        _cleanup_json_ json_t *json = NULL, *wanted_json = json_loads(wanted, 0, NULL);
        struct oci_selection only = {0};
        char *copy = strdup(paths), *rest = copy, *path;

        while ((path = strsep(&rest, " ")))
                assert_int_equal(oci_selection_add(&only, path), 0);
        free(copy);
        if (oci_resources_parse(&(struct oci_text){text, text, strlen(text)}, &only, NULL, &resources, &error) <
            0)
                fail_msg("%s: %s", error.field, error.message);
        oci_selection_clear(&only);
        json = oci_resources_to_json(resources);
        assert_true(json_equal(json, wanted_json));
}

/* What is not taken may be anything: another version's, of a wrong type, or unknown. */
static void test_selection(void **state) {
        static const char text[] =
                "{\"cpu\":{\"cpus\":\"0-1\",\"mems\":\"0\",\"shares\":2},\"pids\":{\"limit\":5},"
                "\"memory\":7,\"other\":{}}";

        (void)state;
        assert_selected(text, "cpu.cpus", "{\"cpu\":{\"cpus\":\"0-1\"}}");
        assert_selected(text, "cpu.cpus cpu.mems devices", "{\"cpu\":{\"cpus\":\"0-1\",\"mems\":\"0\"}}");
        assert_selected(text, "cpu.cpus cpu", "{\"cpu\":{\"cpus\":\"0-1\",\"mems\":\"0\",\"shares\":2}}");
        assert_selected(text, "cpu cpu.cpus pids",
                        "{\"cpu\":{\"cpus\":\"0-1\",\"mems\":\"0\",\"shares\":2},\"pids\":{\"limit\":5}}");
        assert_selected(text, "network", "{}");
        assert_selected("", "cpu", "{}");
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_selection), cmocka_unit_test(test_should_fail),
                cmocka_unit_test(test_empty),     cmocka_unit_test(test_values),
                cmocka_unit_test(test_hostile),   cmocka_unit_test(test_partial),
                cmocka_unit_test(test_merge),     cmocka_unit_test(test_round_trip),
                cmocka_unit_test(test_equal),     cmocka_unit_test(test_unknown),
                cmocka_unit_test(test_zero),      cmocka_unit_test(test_lists),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
