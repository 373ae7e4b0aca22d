/* SPDX-License-Identifier: Apache-2.0 */
/* What the files that a watch reads say, and what they are not taken to say; and triggers of pressure from text. */
#include "../test.h"

#include <string.h>

#include "cgroup/watch_source.h"
#include "host/pressure.h"
#include "util/cleanup.h"

static const struct watch_source *source_of(const char *file, enum cgroup_version version) {
        for (size_t i = 0; i < WATCH_SOURCE_COUNT; i++)
                if (strcmp(watch_sources[i].file, file) == 0 && watch_sources[i].version == version)
                        return &watch_sources[i];
        fail_msg("there is no source %s", file);
        return NULL;
}

/* A text of a file; a counter of -1 is not told. */
struct example {
        const char *file;
        enum cgroup_version version;
        const char *text;
        int64_t counters[WATCH_COUNTER_COUNT];
        int frozen, populated;
};

static void assert_example(const struct example *example) {
        const struct watch_source *source = source_of(example->file, example->version);
        struct watch_reading reading = WATCH_READING_INIT;

        source->parse(example->text, &reading);
        for (int c = 0; c < WATCH_COUNTER_COUNT; c++) {
                bool known = reading.known & (1U << c);

                assert_int_equal(known, example->counters[c] >= 0);
                if (known)
                        assert_int_equal(reading.counters[c], example->counters[c]);
                /* What a file tells is reset when it is opened anew. */
                assert_true(!known || (source->counters & (1U << c)));
        }
        assert_int_equal(reading.frozen, example->frozen);
        assert_int_equal(reading.populated, example->populated);
}

static void test_files(void **state) {
        /* oom, oomKill, memoryHigh, memoryMax, pidsMax */
        static const struct example examples[] = {
                {"memory.events",
                 CGROUP_V2,
                 "low 0\nhigh 4\nmax 31\noom 2\noom_kill 1\noom_group_kill 9\n",
                 {2, 1, 4, 31, -1},
                 -1,
                 -1},
                /* Linux 4.19 has no oom_kill of a group. */
                {"memory.events", CGROUP_V2, "low 0\nhigh 0\nmax 0\noom 0\n", {0, -1, 0, 0, -1}, -1, -1},
                {"memory.events", CGROUP_V2, "", {-1, -1, -1, -1, -1}, -1, -1},
                {"memory.events", CGROUP_V2, "oom x\noom_killed 1\n", {-1, -1, -1, -1, -1}, -1, -1},
                {"memory.oom_control",
                 CGROUP_V1,
                 "oom_kill_disable 0\nunder_oom 1\noom_kill 3\n",
                 {-1, 3, -1, -1, -1},
                 -1,
                 -1},
                {"memory.failcnt", CGROUP_V1, "47\n", {-1, -1, -1, 47, -1}, -1, -1},
                {"memory.failcnt", CGROUP_V1, "\n", {-1, -1, -1, -1, -1}, -1, -1},
                {"pids.events", CGROUP_V2, "max 9\n", {-1, -1, -1, -1, 9}, -1, -1},
                {"pids.events", CGROUP_V1, "max 9\n", {-1, -1, -1, -1, 9}, -1, -1},
                {"cgroup.events", CGROUP_V2, "populated 1\nfrozen 0\n", {-1, -1, -1, -1, -1}, 0, 1},
                {"cgroup.events", CGROUP_V2, "populated 0\nfrozen 1\n", {-1, -1, -1, -1, -1}, 1, 0},
                /* Linux 5.1 */
                {"cgroup.events", CGROUP_V2, "populated 1\n", {-1, -1, -1, -1, -1}, -1, 1},
                {"freezer.state", CGROUP_V1, "FROZEN\n", {-1, -1, -1, -1, -1}, 1, -1},
                {"freezer.state", CGROUP_V1, "FREEZING\n", {-1, -1, -1, -1, -1}, 0, -1},
                {"freezer.state", CGROUP_V1, "THAWED\n", {-1, -1, -1, -1, -1}, 0, -1},
                {"tasks", CGROUP_V1, "", {-1, -1, -1, -1, -1}, -1, 0},
                {"tasks", CGROUP_V1, "4711\n", {-1, -1, -1, -1, -1}, -1, 1},
        };

        (void)state;
        for (size_t i = 0; i < sizeof(examples) / sizeof(examples[0]); i++)
                assert_example(&examples[i]);
}

/* Whether a group is empty is read before what it has counted, so that this is final. */
static void test_order(void **state) {
        (void)state;
        assert_ptr_equal(source_of("cgroup.events", CGROUP_V2), &watch_sources[0]);
        assert_ptr_equal(source_of("memory.events", CGROUP_V2), &watch_sources[WATCH_MEMORY_EVENTS]);
}

static void test_triggers(void **state) {
        static const struct {
                const char *text, *resource;
                uint64_t threshold, window;
        } good[] = {
                {"memory:150ms/1s", "memory", 150000, 1000000},
                {"cpu:1us/500ms", "cpu", 1, 500000},
                {"io:10s/10s", "io", 10000000, 10000000},
                {"io:500000us/500000us", "io", 500000, 500000},
        };
        static const char *const bad[] = {
                "",
                "memory",
                "memory:150ms",
                "memory:/",
                "memory:1s/",
                "memory:ms/1s",
                "mem:150ms/1s",
                "memory :150ms/1s",
                "disk:150ms/1s",
                /* without a unit, or with one that is none */
                "memory:150/1s",
                "memory:150ms/1",
                "memory:150m/1s",
                "memory:150msec/1s",
                "memory:+150ms/1s",
                "memory: 150ms/1s",
                "memory:0.1s/1s",
                "memory:150ms/1s/2s",
                /* the kernel's limits */
                "memory:0us/1s",
                "memory:1us/499999us",
                "memory:1us/10000001us",
                "memory:2s/1s",
                /* 2^64 microseconds and more */
                "memory:18446744073709551616us/1s",
                "memory:18446744073709551615s/1s",
                "memory:1ms/18446744073710s",
        };

        (void)state;
        for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++) {
                struct pressure_trigger trigger;

                assert_int_equal(pressure_parse(good[i].text, "--psi", &trigger, NULL), 0);
                assert_string_equal(trigger.resource, good[i].resource);
                assert_int_equal(trigger.threshold_us, good[i].threshold);
                assert_int_equal(trigger.window_us, good[i].window);
        }
        for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
                _cleanup_error_ struct error error = ERROR_INIT;
                struct pressure_trigger trigger;

                if (pressure_parse(bad[i], "--psi", &trigger, &error) >= 0)
                        fail_msg("%s is taken", bad[i]);
                assert_int_equal(error.status, EXIT_STATUS_USAGE);
                assert_string_equal(error.field, "--psi");
        }
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_files),
                cmocka_unit_test(test_order),
                cmocka_unit_test(test_triggers),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
