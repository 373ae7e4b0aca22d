/* SPDX-License-Identifier: Apache-2.0 */
/* The text of metrics: units, labels, what is left out, and where the two formats differ. */
#include "../test.h"

#include <stdlib.h>
#include <string.h>

#include "report/metrics.h"
#include "util/cleanup.h"

static char *write_text(const char *sandboxes, enum metrics_format format) {
        json_t *json = json_loads(sandboxes, 0, NULL);
        char *text = NULL;
        size_t size;
        FILE *stream = open_memstream(&text, &size);

        assert_non_null(json);
        assert_non_null(stream);
        metrics_write(stream, json, format);
        assert_int_equal(fclose(stream), 0);
        json_decref(json);
        return text;
}

/* The whole line is there, once. */
static void assert_line(const char *text, const char *line) {
        _cleanup_free_ char *wanted = NULL;
        const char *found;

        assert_true(asprintf(&wanted, "\n%s\n", line) > 0);
        found = strstr(text, wanted);
        if (!found)
                fail_msg("no line %s in\n%s", line, text);
        assert_null(strstr(found + 1, wanted));
}

static void assert_no(const char *text, const char *part) {
        if (strstr(text, part))
                fail_msg("%s in\n%s", part, text);
}

#define SANDBOX(group)                                                                                         \
        "[{\"id\":\"sb1\",\"driver\":\"cgroupfs\",\"cgroupsPath\":\"a/b\",\"problem\":null,"                   \
        "\"stats\":{\"sandbox\":{" group "},\"overhead\":null,\"vcpuSubtree\":null}}]"

/* Microseconds become seconds without a rounding, also where a double has too few digits; all else is as it is. */
static void test_units(void **state) {
        _cleanup_free_ char *text =
                write_text(SANDBOX("\"cpu\":{\"usageUsec\":9007199254740993000,\"userUsec\":7,\"periods\":3},"
                                   "\"memory\":{\"current\":9223372036854775807}"),
                           METRICS_PROMETHEUS);

        (void)state;
        assert_line(text,
                    "kata_cgroup_cpu_usage_seconds_total{id=\"sb1\",group=\"sandbox\"} 9007199254740.993000");
        assert_line(text, "kata_cgroup_cpu_user_seconds_total{id=\"sb1\",group=\"sandbox\"} 0.000007");
        assert_line(text, "kata_cgroup_cpu_periods_total{id=\"sb1\",group=\"sandbox\"} 3");
        assert_line(text, "kata_cgroup_memory_usage_bytes{id=\"sb1\",group=\"sandbox\"} 9223372036854775807");
}

/* What the host does not tell, and a limit that is not set, has no sample; a group that is not there has none at all. */
static void test_absent(void **state) {
        _cleanup_free_ char *text =
                write_text(SANDBOX("\"cpu\":{\"usageUsec\":null},\"memory\":{\"current\":1,\"limit\":null},"
                                   "\"io\":null,\"pressure\":null"),
                           METRICS_PROMETHEUS);

        (void)state;
        assert_line(text, "# TYPE kata_cgroup_memory_limit_bytes gauge");
        assert_no(text, "memory_limit_bytes{");
        assert_no(text, "cpu_usage_seconds_total{");
        assert_no(text, "overhead\"");
        assert_no(text, "vcpu_usage_seconds_total{");
}

/* By device, size and resource; by kind; and both groups in one family. */
static void test_labels(void **state) {
        _cleanup_free_ char *text = write_text(
                "[{\"id\":\"sb1\",\"problem\":null,\"stats\":{"
                "\"sandbox\":{\"io\":[{\"major\":8,\"minor\":16,\"readBytes\":4096}],"
                "\"hugetlb\":{\"2MB\":{\"current\":2097152}},\"memory\":{\"stat\":{\"kernelStack\":5}},"
                "\"pressure\":{\"io\":{\"some\":null,\"full\":{\"avg10\":1.5,\"totalUsec\":1500000}}}},"
                "\"overhead\":{\"io\":[{\"major\":8,\"minor\":16,\"readBytes\":1}]},"
                "\"vcpuSubtree\":{\"cpu\":{\"usageUsec\":1}}}}]",
                METRICS_PROMETHEUS);

        (void)state;
        assert_line(text, "kata_cgroup_io_read_bytes_total{id=\"sb1\",group=\"sandbox\",device=\"8:16\"} 4096\n"
                          "kata_cgroup_io_read_bytes_total{id=\"sb1\",group=\"overhead\",device=\"8:16\"} 1");
        assert_line(text, "kata_cgroup_hugetlb_usage_bytes{id=\"sb1\",group=\"sandbox\",size=\"2MB\"} 2097152");
        assert_line(text,
                    "kata_cgroup_memory_kind_bytes{id=\"sb1\",group=\"sandbox\",kind=\"kernel_stack\"} 5");
        assert_line(text, "kata_cgroup_pressure_seconds_total{id=\"sb1\",group=\"sandbox\",resource=\"io\","
                          "share=\"full\"} 1.500000");
        assert_no(text, "share=\"some\"");
        assert_line(text, "kata_cgroup_vcpu_usage_seconds_total{id=\"sb1\"} 0.000001");
}

/* A path may have anything in it; two sandboxes are in one family; one that is broken is told of. */
static void test_escaping_and_health(void **state) {
        _cleanup_free_ char *text = write_text(
                "[{\"id\":\"a\",\"driver\":\"cgroupfs\",\"cgroupsPath\":\"q\\\"b\\\\n\\nend\",\"problem\":null,"
                "\"stats\":null},{\"id\":\"b\",\"error\":\"unreadable\"},"
                "{\"id\":\"c\",\"problem\":\"its VMM has ended\"}]",
                METRICS_PROMETHEUS);

        (void)state;
        assert_line(text, "kata_cgroup_sandbox_info{id=\"a\",driver=\"cgroupfs\","
                          "cgroups_path=\"q\\\"b\\\\n\\nend\"} 1");
        assert_line(text, "kata_cgroup_sandbox_healthy{id=\"a\"} 1\nkata_cgroup_sandbox_healthy{id=\"b\"} 0\n"
                          "kata_cgroup_sandbox_healthy{id=\"c\"} 0");
        assert_no(text, "sandbox_info{id=\"b\"");
}

/* Only the names in a counter's metadata. */
static void test_formats(void **state) {
        static const char sandbox[] = SANDBOX("\"cpu\":{\"usageUsec\":1}");
        _cleanup_free_ char *prometheus = write_text(sandbox, METRICS_PROMETHEUS),
                            *openmetrics = write_text(sandbox, METRICS_OPENMETRICS);

        (void)state;
        assert_line(prometheus, "# TYPE kata_cgroup_cpu_usage_seconds_total counter\n"
                                "# UNIT kata_cgroup_cpu_usage_seconds seconds\n"
                                "kata_cgroup_cpu_usage_seconds_total{id=\"sb1\",group=\"sandbox\"} 0.000001");
        assert_line(openmetrics, "# TYPE kata_cgroup_cpu_usage_seconds counter\n"
                                 "# UNIT kata_cgroup_cpu_usage_seconds seconds\n"
                                 "kata_cgroup_cpu_usage_seconds_total{id=\"sb1\",group=\"sandbox\"} 0.000001");
        assert_line(prometheus, "# TYPE kata_cgroup_memory_usage_bytes gauge\n"
                                "# UNIT kata_cgroup_memory_usage_bytes bytes");
        assert_string_equal(openmetrics + strlen(openmetrics) - 6, "# EOF\n");
        assert_string_equal(prometheus + strlen(prometheus) - 6, "# EOF\n");
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_units),   cmocka_unit_test(test_absent),
                cmocka_unit_test(test_labels),  cmocka_unit_test(test_escaping_and_health),
                cmocka_unit_test(test_formats),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
