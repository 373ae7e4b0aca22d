/* SPDX-License-Identifier: Apache-2.0 */
/* Statistics from files in plain directories, and their sum: what is not a number there is null. */
#include "../test.h"

#include <string.h>

#include "cgroup/stats.h"
#include "fake.h"

/* "memory.events.max", and a number for the place in an array; NULL where there is no such member. */
static const json_t *find(const json_t *value, const char *path) {
        _cleanup_free_ char *copy = strdup(path);
        char *rest = copy, *name;

        while ((name = strsep(&rest, ".")))
                value = json_is_array(value) ? json_array_get(value, strtoul(name, NULL, 10))
                                             : json_object_get(value, name);
        return value;
}

struct wanted {
        const char *path, *text; /* NULL: not there */
};

static void assert_wanted(const json_t *stats, const struct wanted *wanted) {
        for (; wanted->path; wanted++) {
                const json_t *value = find(stats, wanted->path);
                _cleanup_free_ char *text = value ? json_dumps(value, JSON_ENCODE_ANY | JSON_COMPACT) : NULL;

                if (!text != !wanted->text || (text && strcmp(text, wanted->text) != 0))
                        fail_msg("%s is %s instead of %s", wanted->path, text ? text : "not there",
                                 wanted->text ? wanted->text : "not there");
        }
}

static void assert_stats(struct fake *fake, const struct wanted *wanted) {
        _cleanup_stats_ struct stats stats = {0};

        assert_int_equal(stats_read(fake->cgroup, false, &stats), 0);
        assert_wanted(stats.json, wanted);
}

static void test_v2(void **state) {
        static const struct wanted wanted[] = {
                {"cpu.usageUsec", "5000"},
                {"cpu.systemUsec", "null"},
                {"memory.current", "8192"},
                /* JSON's integers end there. */
                {"memory.peak", "9223372036854775807"},
                {"memory.limit", "null"},
                {"memory.swapCurrent", "null"},
                {"memory.workingSet", "5192"},
                {"memory.stat.anon", "4096"},
                {"memory.stat.file", "3500"},
                {"memory.stat.fileMapped", "null"},
                {"memory.stat.kernel", "596"},
                {"memory.stat.kernelStack", "16384"},
                {"memory.stat.majorPageFaults", "2"},
                {"memory.stat.refaultsFile", "9"},
                {"pids", "{\"current\":3,\"limit\":null,\"processes\":2}"},
                {"io.0.major", "4294967295"},
                {"io.0.readBytes", "1"},
                {"misc.sev", "{\"current\":3,\"limit\":null,\"failures\":1}"},
                {"misc.sev_es", "{\"current\":0,\"limit\":5,\"failures\":null}"},
                {"rdma", "null"},
                {"pressure.cpu",
                 "{\"some\":null,\"full\":{\"avg10\":0.5,\"avg60\":1.0,\"avg300\":0.0,\"totalUsec\":7}}"},
                {0},
        };
        struct fake *fake = fake_start("v2 v2 cpu memory pids io rdma misc", "group");

        (void)state;
        fake_mkdir(fake, "v2/group");
        fake_put(fake, "v2/group/cpu.stat", "usage_usec 5000\nuser_usec 3000\n");
        fake_put(fake, "v2/group/cpu.pressure",
                 "some avg10=0.50 avg60=nan avg300=0.00 total=7\n"
                 "full avg10=0.50 avg60=1.00 avg300=0.00 total=7\n");
        fake_put(fake, "v2/group/memory.current", "8192\n");
        fake_put(fake, "v2/group/memory.peak", "18446744073709551615\n");
        fake_put(fake, "v2/group/memory.max", "max\n");
        fake_put(fake, "v2/group/memory.stat",
                 "anon 4096\nfile 3500\nkernel 596\nkernel_stack 16384\ninactive_file 3000\nfile_mapped x\n"
                 "pgmajfault 2\nworkingset_refault_file 9\n");
        fake_put(fake, "v2/group/pids.current", "3\n");
        fake_put(fake, "v2/group/pids.max", "nonsense\n");
        fake_put(fake, "v2/group/cgroup.procs", "10\n0\n11\n10\n");
        fake_put(fake, "v2/group/io.stat", "4294967295:0 rbytes=1\n");
        fake_put(fake, "v2/group/misc.current", "sev 3\nsev_es 0\nbroken\n");
        fake_put(fake, "v2/group/misc.max", "sev max\nsev_es 5\n");
        fake_put(fake, "v2/group/misc.events", "sev.max 1\n");
        assert_stats(fake, wanted);
}

static void test_v1(void **state) {
        static const struct wanted wanted[] = {
                {"memory.current", "8192"},
                {"memory.swapCurrent", "1808"},
                {"memory.events.max", "4"},
                {"memory.events.high", "null"},
                /* Without the page cache, nothing is left. */
                {"memory.workingSet", "0"},
                {"memory.stat.anon", "4096"},
                {"memory.stat.kernel", "500"},
                {"memory.stat.slab", "null"},
                {"memory.stat.inactiveFile", "9000"},
                {"memory.stat.pageFaults", "12"},
                {"pids.processes", "1"},
                /* Mounted nowhere. */
                {"io", "null"},
                {"misc", "null"},
                {0},
        };
        struct fake *fake = fake_start("memory v1 memory\npids v1 pids", "group");

        (void)state;
        fake_mkdir(fake, "memory/group");
        fake_mkdir(fake, "pids/group");
        fake_put(fake, "memory/group/memory.usage_in_bytes", "8192\n");
        fake_put(fake, "memory/group/memory.memsw.usage_in_bytes", "10000\n");
        fake_put(fake, "memory/group/memory.kmem.usage_in_bytes", "500\n");
        fake_put(fake, "memory/group/memory.failcnt", "4\n");
        fake_put(fake, "memory/group/memory.stat",
                 "rss 1\ninactive_file 1\ntotal_rss 4096\ntotal_inactive_file 9000\ntotal_pgfault 12\n");
        fake_put(fake, "pids/group/cgroup.procs", "10\n");
        assert_stats(fake, wanted);
}

/* The group itself has not been made yet: a unit that starts with the VMM. */
static void test_no_group(void **state) {
        static const struct wanted wanted[] = {
                {"cpu.usageUsec", "null"},
                {"memory.current", "null"},
                {"memory.workingSet", "null"},
                {"memory.stat.anon", "null"},
                {"pids.processes", "null"},
                {"io", "[]"},
                {0},
        };

        (void)state;
        assert_stats(fake_start("v2 v2 cpu memory pids io", "group"), wanted);
}

static void make_stats(const char *text, struct stats *out, pid_t first, pid_t last) {
        out->json = json_loads(text, 0, NULL);
        assert_non_null(out->json);
        for (pid_t pid = first; pid <= last; pid++)
                assert_int_equal(pid_set_add(&out->processes, pid), 0);
}

static void test_total(void **state) {
        static const struct wanted wanted[] = {
                {"cpu", "{\"usageUsec\":5,\"systemUsec\":null,\"periods\":9223372036854775807}"},
                {"memory", "{\"current\":30,\"stat\":{\"anon\":7},\"events\":{\"oomKill\":1,\"low\":null}}"},
                /* 2 is in both groups. */
                {"pids", "{\"current\":7,\"processes\":4}"},
                {"io", "[{\"major\":8,\"minor\":0,\"readBytes\":11},{\"major\":8,\"minor\":1,\"readBytes\":5},"
                       "{\"major\":9,\"minor\":0,\"readBytes\":2}]"},
                {"misc", "{\"sev\":{\"current\":1},\"sev_es\":{\"current\":2}}"},
                {"rdma", "null"},
                {"pressure", NULL},
                {0},
        };
        _cleanup_stats_ struct stats a = {0}, b = {0};
        _cleanup_json_ json_t *total = NULL;

        (void)state;
        make_stats(
                "{\"cpu\":{\"usageUsec\":2,\"systemUsec\":null,\"periods\":9223372036854775807},"
                "\"memory\":{\"current\":10,\"limit\":100,\"swapLimit\":null,\"peak\":20,\"stat\":{\"anon\":3},"
                "\"events\":{\"oomKill\":0,\"low\":null}},"
                "\"pids\":{\"current\":3,\"limit\":5,\"processes\":2},\"rdma\":null,"
                "\"io\":[{\"major\":8,\"minor\":0,\"readBytes\":1},{\"major\":8,\"minor\":1,\"readBytes\":5}],"
                "\"misc\":{\"sev\":{\"current\":1,\"limit\":3}},\"pressure\":{\"cpu\":1}}",
                &a, 1, 2);
        make_stats(
                "{\"cpu\":{\"usageUsec\":3,\"systemUsec\":1,\"periods\":1},"
                "\"memory\":{\"current\":20,\"limit\":null,\"swapLimit\":1,\"peak\":20,\"stat\":{\"anon\":4},"
                "\"events\":{\"oomKill\":1,\"low\":null}},"
                "\"pids\":{\"current\":4,\"limit\":5,\"processes\":3},\"rdma\":{},"
                "\"io\":[{\"major\":9,\"minor\":0,\"readBytes\":2},{\"major\":8,\"minor\":0,\"readBytes\":10}],"
                "\"misc\":{\"sev_es\":{\"current\":2,\"limit\":3}},\"pressure\":{\"cpu\":1}}",
                &b, 2, 4);
        total = stats_total(&a, &b);
        assert_non_null(total);
        assert_wanted(total, wanted);
}

static void test_total_of_one(void **state) {
        static const struct wanted wanted[] = {
                {"memory", "{\"current\":10}"},
                {"pids", "{\"current\":3,\"processes\":2}"},
                {"io", "[{\"major\":8,\"minor\":0,\"readBytes\":1}]"},
                {0},
        };
        _cleanup_stats_ struct stats stats = {0};
        _cleanup_json_ json_t *total = NULL;

        (void)state;
        make_stats("{\"memory\":{\"current\":10,\"limit\":100},\"pids\":{\"current\":3,\"processes\":2},"
                   "\"io\":[{\"major\":8,\"minor\":0,\"readBytes\":1}]}",
                   &stats, 1, 2);
        total = stats_total(&stats, NULL);
        assert_non_null(total);
        assert_wanted(total, wanted);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                fake_unit_test(test_v2),
                fake_unit_test(test_v1),
                fake_unit_test(test_no_group),
                cmocka_unit_test(test_total),
                cmocka_unit_test(test_total_of_one),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
