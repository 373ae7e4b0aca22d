/* SPDX-License-Identifier: Apache-2.0 */
/* Hosts from the text of /proc/self/mountinfo and /proc/PID/cgroup: every layout that distributions mount. */
#include "../test.h"

#include <stdlib.h>
#include <string.h>

#include "host/hierarchy.h"

#define V1_COMOUNTED                                                                                           \
        "25 1 254:0 / / rw,noatime - ext4 /dev/vda rw\n"                                                       \
        "30 25 0:25 / /sys/fs/cgroup ro,nosuid shared:6 - tmpfs tmpfs ro,size=4096k\n"                         \
        "31 30 0:26 / /sys/fs/cgroup/systemd rw,nosuid shared:7 - cgroup cgroup "                              \
        "rw,xattr,release_agent=/x,name=systemd\n"                                                             \
        "32 30 0:27 / /sys/fs/cgroup/cpu,cpuacct rw,nosuid shared:8 - cgroup cgroup rw,cpu,cpuacct\n"          \
        "33 30 0:28 / /sys/fs/cgroup/net_cls,net_prio rw shared:9 - cgroup cgroup rw,net_cls,net_prio\n"       \
        "34 30 0:29 / /sys/fs/cgroup/memory rw shared:10 - cgroup cgroup rw,memory\n"                          \
        "35 30 0:30 / /sys/fs/cgroup/pids rw shared:11 - cgroup cgroup rw,pids\n"
#define UNIFIED_BELOW "36 30 0:31 / /sys/fs/cgroup/unified rw shared:12 - cgroup2 cgroup2 rw,nsdelegate\n"

static struct host *parse(const char *mountinfo, const char *controllers) {
        struct error error = ERROR_INIT;
        struct host *host = NULL;

        if (host_parse(mountinfo, controllers, &host, &error) < 0)
                fail_msg("%s", error.message);
        return host;
}

static void assert_at(const struct host *host, enum controller controller, const char *mount_point,
                      enum cgroup_version version) {
        const struct hierarchy *hierarchy = host->controllers[controller];

        if (!mount_point) {
                assert_null(hierarchy);
                return;
        }
        assert_non_null(hierarchy);
        assert_string_equal(hierarchy->mount_point, mount_point);
        assert_int_equal(hierarchy->version, version);
}

static void test_v1_comounted(void **state) {
        _cleanup_(host_freep) struct host *host = parse(V1_COMOUNTED, NULL);

        (void)state;
        assert_int_equal(host->version, CGROUP_V1);
        assert_int_equal(host->count, 5);
        assert_null(host->unified);
        assert_string_equal(host->systemd->mount_point, "/sys/fs/cgroup/systemd");
        assert_at(host, CONTROLLER_CPU, "/sys/fs/cgroup/cpu,cpuacct", CGROUP_V1);
        assert_ptr_equal(host->controllers[CONTROLLER_CPU], host->controllers[CONTROLLER_CPUACCT]);
        assert_ptr_equal(host->controllers[CONTROLLER_NET_CLS], host->controllers[CONTROLLER_NET_PRIO]);
        assert_at(host, CONTROLLER_CPUSET, NULL, CGROUP_ABSENT);
}

/* Each controller by itself, and "io" is called blkio. */
static void test_v1_split(void **state) {
        _cleanup_(host_freep) struct host *host = parse("31 30 0:26 / /cg/cpu rw - cgroup none rw,cpu\n"
                                                        "32 30 0:27 / /cg/cpuacct rw - cgroup none rw,cpuacct\n"
                                                        "33 30 0:28 / /cg/blkio rw - cgroup none rw,blkio\n",
                                                        NULL);

        (void)state;
        assert_at(host, CONTROLLER_CPU, "/cg/cpu", CGROUP_V1);
        assert_at(host, CONTROLLER_CPUACCT, "/cg/cpuacct", CGROUP_V1);
        assert_at(host, CONTROLLER_IO, "/cg/blkio", CGROUP_V1);
}

/* mount -t cpuset and -o noprefix: the files of this hierarchy, and of no other one, lack the controller's name. */
static void test_noprefix(void **state) {
        _cleanup_(host_freep) struct host *host =
                parse("31 30 0:26 / /dev/cpuset rw - cgroup none rw,cpuset,noprefix,release_agent=/x\n"
                      "32 30 0:27 / /cg/cpu rw - cgroup none rw,cpu\n",
                      NULL);

        (void)state;
        assert_at(host, CONTROLLER_CPUSET, "/dev/cpuset", CGROUP_V1);
        assert_string_equal(hierarchy_file(host->controllers[CONTROLLER_CPUSET], "cpuset.cpus"), "cpus");
        assert_string_equal(hierarchy_file(host->controllers[CONTROLLER_CPUSET], "cgroup.procs"),
                            "cgroup.procs");
        assert_string_equal(hierarchy_file(host->controllers[CONTROLLER_CPU], "cpu.shares"), "cpu.shares");
}

static void test_hybrid(void **state) {
        _cleanup_(host_freep) struct host *host = parse(V1_COMOUNTED UNIFIED_BELOW, "cpuset hugetlb\n");

        (void)state;
        assert_int_equal(host->version, CGROUP_V1);
        assert_at(host, CONTROLLER_MEMORY, "/sys/fs/cgroup/memory", CGROUP_V1);
        assert_at(host, CONTROLLER_CPUSET, "/sys/fs/cgroup/unified", CGROUP_V2);
        assert_at(host, CONTROLLER_HUGETLB, "/sys/fs/cgroup/unified", CGROUP_V2);
        assert_string_equal(hierarchy_name(host->unified), "unified");
        assert_string_equal(host->systemd->mount_point, "/sys/fs/cgroup/systemd");
}

static void test_v2(void **state) {
        _cleanup_(host_freep) struct host *host =
                parse("30 25 0:25 / /sys/fs/cgroup rw - cgroup2 cgroup2 rw,nsdelegate\n", "cpu io memory pids");

        (void)state;
        assert_int_equal(host->version, CGROUP_V2);
        assert_at(host, CONTROLLER_IO, "/sys/fs/cgroup", CGROUP_V2);
        assert_at(host, CONTROLLER_CPUSET, NULL, CGROUP_ABSENT);
        assert_at(host, CONTROLLER_FREEZER, NULL, CGROUP_ABSENT);
}

/* A host is of the version where cpu, memory and pids are: what VPN clients and old containers mount besides does not make a
 * v2 host a v1 host, and systemd stays where it is; one of the three does, also without a name=systemd. */
static void test_version(void **state) {
        static const char tree[] = "30 25 0:25 / /sys/fs/cgroup rw - cgroup2 cgroup2 rw\n";
        static const struct {
                const char *v1, *v2_controllers;
                enum cgroup_version version;
        } cases[] = {
                {"net_cls", "cpuset cpu io memory pids", CGROUP_V2},
                {"net_cls,net_prio", "cpuset cpu io memory pids", CGROUP_V2},
                {"name=systemd", "cpuset cpu io memory pids", CGROUP_V2},
                {"cpuset", "cpu io memory pids", CGROUP_V2},
                {"devices", "cpu io memory pids", CGROUP_V2},
                {"net_cls", "", CGROUP_V2},
                {"cpu,cpuacct", "io memory pids", CGROUP_V1},
                {"memory", "cpu pids", CGROUP_V1},
                {"pids", "cpu memory", CGROUP_V1},
        };

        (void)state;
        for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
                _cleanup_(host_freep) struct host *host = NULL;
                _cleanup_free_ char *text = NULL;

                assert_true(asprintf(&text, "%s31 25 0:26 / /v1 rw - cgroup none rw,%s\n", tree, cases[i].v1) >
                            0);
                host = parse(text, cases[i].v2_controllers);
                if (host->version != cases[i].version)
                        fail_msg("%s beside \"%s\"", cases[i].v1, cases[i].v2_controllers);
                assert_ptr_equal(host->systemd, host->unified);
        }
}

/* Each controller is asked for by itself. */
static void test_controller_version(void **state) {
        _cleanup_(host_freep) struct host *host =
                parse("30 25 0:25 / /sys/fs/cgroup rw - cgroup2 cgroup2 rw\n"
                      "31 25 0:26 / /run/net_cls rw - cgroup none rw,net_cls\n",
                      "cpu memory pids");

        (void)state;
        assert_int_equal(host_controller_version(host, CONTROLLER_CPU), CGROUP_V2);
        assert_int_equal(host_controller_version(host, CONTROLLER_NET_CLS), CGROUP_V1);
        assert_int_equal(host_controller_version(host, CONTROLLER_CPUSET), CGROUP_ABSENT);
}

/* What systemd makes directories in, and what is left to us. */
static void test_systemd_manages(void **state) {
        static const struct {
                const char *mountinfo, *controllers;
                const char *managed, *other;
        } cases[] = {
                {V1_COMOUNTED, NULL, "/sys/fs/cgroup/systemd", "/sys/fs/cgroup/net_cls,net_prio"},
                {V1_COMOUNTED, NULL, "/sys/fs/cgroup/memory", "/sys/fs/cgroup/net_cls,net_prio"},
                {V1_COMOUNTED UNIFIED_BELOW, "", "/sys/fs/cgroup/unified", "/sys/fs/cgroup/net_cls,net_prio"},
                {"30 25 0:25 / /v2 rw - cgroup2 cgroup2 rw\n31 25 0:26 / /devices rw - cgroup none "
                 "rw,devices\n",
                 "cpu memory pids", "/v2", "/devices"},
                {"30 25 0:25 / /v2 rw - cgroup2 cgroup2 rw\n31 25 0:26 / /named rw - cgroup none "
                 "rw,name=systemd\n",
                 "cpu memory pids", "/v2", "/named"},
        };

        (void)state;
        for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
                _cleanup_(host_freep) struct host *host = parse(cases[i].mountinfo, cases[i].controllers);
                size_t seen = 0;

                for (size_t h = 0; h < host->count; h++) {
                        const char *mount_point = host->hierarchies[h].mount_point;
                        bool managed = host_systemd_manages(host, &host->hierarchies[h]);

                        if (strcmp(mount_point, cases[i].managed) == 0)
                                seen += managed;
                        else if (strcmp(mount_point, cases[i].other) == 0)
                                seen += !managed;
                }
                if (seen != 2)
                        fail_msg("%s", cases[i].mountinfo);
        }
}

/* Named hierarchies without a controller do not make a v2 host a v1 host. */
static void test_v2_with_named(void **state) {
        _cleanup_(host_freep) struct host *host =
                parse("30 25 0:25 / /sys/fs/cgroup rw - cgroup2 cgroup2 rw\n"
                      "31 25 0:26 / /sys/fs/mine rw - cgroup none rw,name=mine\n",
                      "cpu memory pids");

        (void)state;
        assert_int_equal(host->version, CGROUP_V2);
        assert_int_equal(host->count, 2);
}

/* Bind mounts of a hierarchy: the one that shows most of it; names with blanks; roots out of reach. */
static void test_bind_mounts(void **state) {
        _cleanup_(host_freep) struct host *host =
                parse("31 30 0:26 /docker/x /ct/pids rw - cgroup none rw,pids\n"
                      "32 30 0:26 / /with\\040blank rw - cgroup none rw,pids\n"
                      "33 30 0:27 /.. /out rw - cgroup none rw,memory\n"
                      "34 30 0:28 /docker/x /ct/cpu rw - cgroup none rw,cpu\n",
                      NULL);

        (void)state;
        assert_at(host, CONTROLLER_PIDS, "/with blank", CGROUP_V1);
        assert_at(host, CONTROLLER_MEMORY, NULL, CGROUP_ABSENT);
        assert_at(host, CONTROLLER_CPU, "/ct/cpu", CGROUP_V1);
}

static void test_nothing_mounted(void **state) {
        static const char *const texts[] = {"",
                                            "\n",
                                            "nonsense",
                                            "1 2 3 - cgroup2",
                                            " - cgroup2 x",
                                            "1 2 3:4 / - cgroup x rw,cpu",
                                            "1 2 3:4 x /y rw - cgroup x rw,cpu",
                                            "1 2 3:4 / y rw - cgroup x rw,cpu"};

        (void)state;
        for (size_t i = 0; i < ARRAY_SIZE(texts); i++) {
                _cleanup_error_ struct error error = ERROR_INIT;
                struct host *host = NULL;

                assert_true(host_parse(texts[i], NULL, &host, &error) < 0);
                assert_int_equal(error.status, EXIT_STATUS_FAILED);
                assert_null(host);
        }
}

/* Where a process is, relative to the mount point. */
static void test_path_of(void **state) {
        static const char proc[] = "12:pids:/user.slice\n11:cpu,cpuacct:/a/b:c\n10:memory:/docker/x/y\n"
                                   "9:net_cls:/../x\n8:net_prio:/..\n7:perf_event:/..x\n"
                                   "1:name=systemd:/init.scope\n0::/z\n";
        struct hierarchy cpu = {
                .version = CGROUP_V1, .controllers = (char *)"cpu,cpuacct", .root = (char *)"/"};
        struct hierarchy pids = {
                .version = CGROUP_V1, .controllers = (char *)"pids", .root = (char *)"/docker/x"};
        struct hierarchy memory = {
                .version = CGROUP_V1, .controllers = (char *)"memory", .root = (char *)"/docker/x"};
        struct hierarchy unified = {.version = CGROUP_V2, .controllers = (char *)"cpu", .root = (char *)"/z"};
        struct hierarchy other = {.version = CGROUP_V1, .controllers = (char *)"cpu", .root = (char *)"/"};
        /* Outside of the cgroup namespace, in which case there is no path to it; and a name like that. */
        struct hierarchy outside = {
                .version = CGROUP_V1, .controllers = (char *)"net_cls", .root = (char *)"/"};
        struct hierarchy above = {.version = CGROUP_V1, .controllers = (char *)"net_prio", .root = (char *)"/"};
        struct hierarchy dots = {
                .version = CGROUP_V1, .controllers = (char *)"perf_event", .root = (char *)"/"};
        const struct {
                const struct hierarchy *hierarchy;
                const char *path;
        } cases[] = {{&cpu, "a/b:c"}, {&pids, NULL},    {&memory, "y"}, {&unified, ""},
                     {&other, NULL},  {&outside, NULL}, {&above, NULL}, {&dots, "..x"}};

        (void)state;
        for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
                _cleanup_free_ char *path = hierarchy_path_of(cases[i].hierarchy, proc);

                if (cases[i].path)
                        assert_string_equal(path, cases[i].path);
                else
                        assert_null(path);
        }
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_v1_comounted),    cmocka_unit_test(test_v1_split),
                cmocka_unit_test(test_hybrid),          cmocka_unit_test(test_v2),
                cmocka_unit_test(test_v2_with_named),   cmocka_unit_test(test_bind_mounts),
                cmocka_unit_test(test_nothing_mounted), cmocka_unit_test(test_path_of),
                cmocka_unit_test(test_version),         cmocka_unit_test(test_controller_version),
                cmocka_unit_test(test_systemd_manages), cmocka_unit_test(test_noprefix),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
