/* SPDX-License-Identifier: Apache-2.0 */
/* What stats works out of one reading, or of two. */
#include "../test.h"

#include <string.h>

#include "report/usage.h"
#include "util/cleanup.h"

#define CREATED "2026-01-01T00:00:00.000000Z"
#define NOW "2026-01-01T00:00:10.500000Z"

/* A reading of one sandbox in sandbox-only mode, with CPU time and periods of its quota. */
static json_t *reading(const char *created, int usage, int periods, int throttled) {
        json_t *json =
                json_pack("[{s:s, s:s, s:n, s:{s:{s:{s:i, s:i, s:i}, s:{s:i}, s:{s:n}, s:{s:{s:{s:f}}}}, "
                          "s:{s:{s:i}, s:{s:i}, s:{s:i}, s:[{s:i, s:i}, {s:i, s:i}]}}}]",
                          "id", "a", "createdAt", created, "problem", "stats", "sandbox", "cpu", "usageUsec",
                          usage, "periods", periods, "throttledPeriods", throttled, "memory", "limit", 4096,
                          "pids", "limit", "pressure", "io", "some", "avg10", 1.5, "total", "cpu", "usageUsec",
                          usage, "memory", "current", 2048, "pids", "current", 3, "io", "readBytes", 1,
                          "writeBytes", 2, "readBytes", 3, "writeBytes", 4);

        assert_non_null(json);
        return json;
}

static void assert_number(const json_t *lines, const char *name, double wanted) {
        const json_t *value = json_object_get(json_array_get(lines, 0), name);

        assert_true(json_is_number(value));
        if (json_number_value(value) != wanted)
                fail_msg("%s is %f, not %f", name, json_number_value(value), wanted);
}

/* Since it was created, 10.5 s ago. */
static void test_first(void **state) {
        _cleanup_json_ json_t *now = reading(CREATED, 5250000, 40, 10), *lines = usage_lines(now, NULL, 0, NOW);
        const json_t *line = json_array_get(lines, 0);

        (void)state;
        assert_number(lines, "cpuPercent", 50);
        assert_number(lines, "throttledPercent", 25);
        assert_number(lines, "cpuUsageUsec", 5250000);
        assert_number(lines, "memoryCurrent", 2048);
        assert_number(lines, "memoryLimit", 4096);
        assert_number(lines, "tasks", 3);
        assert_number(lines, "readBytes", 4);
        assert_number(lines, "writtenBytes", 6);
        assert_true(json_is_null(json_object_get(line, "tasksLimit")));
        assert_true(json_is_null(json_object_get(json_object_get(line, "pressure"), "cpu")));
        assert_true(json_real_value(json_object_get(json_object_get(line, "pressure"), "io")) == 1.5);
}

/* Within two seconds; another sandbox of the same ID, and a group that counts from 0 again, are none the reading before had. */
static void test_second(void **state) {
        _cleanup_json_ json_t *former = reading(CREATED, 1000000, 40, 10),
                              *now = reading(CREATED, 4000000, 50, 15),
                              *anew = reading("2026-01-01T00:00:09.500000Z", 250000, 0, 0),
                              *reset = reading(CREATED, 500000, 0, 0);
        _cleanup_json_ json_t *lines = usage_lines(now, former, 2000000, NOW),
                              *other = usage_lines(anew, former, 2000000, NOW),
                              *less = usage_lines(reset, former, 2000000, NOW);

        (void)state;
        assert_number(lines, "cpuPercent", 150);
        assert_number(lines, "throttledPercent", 50);
        assert_number(other, "cpuPercent", 25);
        assert_number(less, "cpuPercent", 25);
        assert_true(json_is_null(json_object_get(json_array_get(other, 0), "throttledPercent")));
}

/* A reading with an overhead group; negative: it is gone. */
static json_t *groups(int sandbox, int overhead) {
        json_t *json = reading(CREATED, sandbox, 0, 0),
               *stats = json_object_get(json_array_get(json, 0), "stats");
        json_t *other = overhead < 0 ? json_null() : json_integer(overhead);
        int total = sandbox + (overhead < 0 ? 0 : overhead);

        assert_int_equal(
                json_object_set_new(stats, "overhead", json_pack("{s:{s:o}}", "cpu", "usageUsec", other)), 0);
        assert_int_equal(json_object_set_new(json_object_get(json_object_get(stats, "total"), "cpu"),
                                             "usageUsec", json_integer(total)),
                         0);
        return json;
}

/* Each group counts for itself: one that goes takes nothing of the other's with it. */
static void test_groups(void **state) {
        _cleanup_json_ json_t *both = groups(1000000, 5000000), *later = groups(1500000, 5500000),
                              *one = groups(1500000, -1);
        _cleanup_json_ json_t *lines = usage_lines(later, both, 1000000, NOW),
                              *gone = usage_lines(one, both, 1000000, NOW),
                              *come = usage_lines(later, one, 1000000, NOW);

        (void)state;
        assert_number(lines, "cpuPercent", 100);
        assert_number(gone, "cpuPercent", 50);
        /* What it has used since when is not known. */
        assert_true(json_is_null(json_object_get(json_array_get(come, 0), "cpuPercent")));
}

static char *draw(const json_t *lines) {
        char *text = NULL;
        size_t size;
        FILE *stream = open_memstream(&text, &size);

        assert_int_equal(usage_write(stream, lines), 0);
        assert_int_equal(fclose(stream), 0);
        return text;
}

/* A sandbox that cannot be examined is a line, too; and a clock that went backwards is no percentage. */
static void test_unknown(void **state) {
        _cleanup_json_ json_t *broken = json_pack("[{s:s, s:s}]", "id", "b", "error", "unreadable"),
                              *later = reading("2027-01-01T00:00:00.000000Z", 1, 0, 0),
                              *lines = usage_lines(broken, NULL, 0, NOW),
                              *none = usage_lines(later, NULL, 0, NOW);
        _cleanup_free_ char *text = draw(lines), *numbers = draw(none);

        (void)state;
        assert_string_equal(
                text,
                "ID  CPU %  THROTTLED  MEMORY  LIMIT  TASKS  LIMIT  READ  WRITTEN  PSI CPU/MEM/IO  PROBLEM\n"
                "b       -          -       -      -      -      -     -        -               -  "
                "unreadable\n");
        assert_true(json_is_null(json_object_get(json_array_get(none, 0), "cpuPercent")));
        assert_string_equal(
                numbers, "ID  CPU %  THROTTLED  MEMORY  LIMIT  TASKS  LIMIT  READ  WRITTEN  PSI CPU/MEM/IO\n"
                         "a       -          -    2KiB   4KiB      3      -    4B       6B               -\n");
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_first),
                cmocka_unit_test(test_second),
                cmocka_unit_test(test_groups),
                cmocka_unit_test(test_unknown),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
