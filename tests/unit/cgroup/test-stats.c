/* SPDX-License-Identifier: Apache-2.0 */
/* Statistics from files, in a directory that stands for a cgroup: what is not a number there is null. */
#include "../test.h"

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cgroup/stats.h"

static char top[] = "/tmp/kc-stats-XXXXXX";

static const struct {
        const char *name, *text;
} files[] = {
        {"memory.current", "4096\n"},
        {"memory.peak", "18446744073709551615\n"},
        {"memory.max", "max\n"},
        {"pids.current", "3\n"},
        {"pids.max", "nonsense\n"},
        {"io.stat", "4294967295:0 rbytes=1\n"},
        {"cpu.stat", "usage_usec 5000\nuser_usec 3000\n"},
        {"cpu.pressure", "some avg10=0.50 avg60=nan avg300=0.00 total=7\n"
                         "full avg10=0.50 avg60=1.00 avg300=0.00 total=7\n"},
};

static void write_files(int directory) {
        for (size_t i = 0; i < ARRAY_SIZE(files); i++) {
                int fd = openat(directory, files[i].name, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);

                assert_true(fd >= 0);
                assert_int_equal(write(fd, files[i].text, strlen(files[i].text)), strlen(files[i].text));
                (void)close(fd);
        }
}

static void remove_files(int top_fd, int directory) {
        for (size_t i = 0; i < ARRAY_SIZE(files); i++)
                (void)unlinkat(directory, files[i].name, 0);
        (void)unlinkat(top_fd, "group", AT_REMOVEDIR);
        (void)rmdir(top);
        (void)close(directory);
        (void)close(top_fd);
}

static json_t *read_stats(void) {
        struct hierarchy hierarchy = {.version = CGROUP_V2, .mount_point = top};
        struct host host = {.hierarchies = &hierarchy, .count = 1, .version = CGROUP_V2, .unified = &hierarchy};
        _cleanup_(cgroup_freep) struct cgroup *cgroup = NULL;
        json_t *stats;
        int directory;

        assert_non_null(mkdtemp(top));
        hierarchy.fd = open(top, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        assert_int_equal(mkdirat(hierarchy.fd, "group", 0700), 0);
        directory = openat(hierarchy.fd, "group", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        write_files(directory);
        for (int c = 0; c < CONTROLLER_COUNT; c++)
                host.controllers[c] = &hierarchy;
        cgroup = cgroup_new(&host, NULL, NULL, "group");
        assert_non_null(cgroup);
        stats = stats_read(cgroup, false);
        remove_files(hierarchy.fd, directory);
        return stats;
}

static void test_stats(void **state) {
        static const struct {
                const char *group, *name, *wanted;
        } cases[] = {
                {"memory", "current", "4096"},
                /* JSON's integers end there. */
                {"memory", "peak", "9223372036854775807"},
                {"memory", "limit", "null"},
                {"memory", "swapCurrent", "null"},
                {"pids", "current", "3"},
                {"pids", "limit", "null"},
                {"cpu", "usageUsec", "5000"},
                {"cpu", "systemUsec", "null"},
                {"pressure", "cpu",
                 "{\"some\":null,\"full\":{\"avg10\":0.5,\"avg60\":1.0,\"avg300\":0.0,\"totalUsec\":7}}"},
        };
        _cleanup_json_ json_t *stats = read_stats();

        (void)state;
        assert_non_null(stats);
        assert_int_equal(
                json_integer_value(json_object_get(json_array_get(json_object_get(stats, "io"), 0), "major")),
                UINT32_MAX);
        for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
                const json_t *value = json_object_get(json_object_get(stats, cases[i].group), cases[i].name);
                _cleanup_free_ char *text = json_dumps(value, JSON_ENCODE_ANY | JSON_COMPACT);

                assert_string_equal(text, cases[i].wanted);
        }
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_stats),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
