/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Files of /proc and of cgroups
 *
 * One text, taken as each of them: mountinfo, PID/cgroup, PID/stat, a thread's name, cgroup.procs, devices.list.
 * What follows a line "---" is a cgroup.controllers and, once more, a PID/cgroup.
 */
#include "fuzz.h"

#include <limits.h>

#include "cgroup/devices.h"
#include "host/hierarchy.h"
#include "host/proc.h"
#include "vmm/vcpus.h"

static void check_path_of(const struct hierarchy *hierarchy, const char *proc_cgroup) {
        _cleanup_free_ char *path = hierarchy_path_of(hierarchy, proc_cgroup);

        if (!path)
                return;
        CHECK(path[0] != '/' && !strchr(path, '\n') && strstr(proc_cgroup, path));
        /* "..": outside of what the mount shows. */
        CHECK(strcmp(path, "..") != 0 && strncmp(path, "../", 3) != 0);
}

static void check_host(const struct host *host, const char *proc_cgroup) {
        static const enum controller decisive[] = {CONTROLLER_CPU, CONTROLLER_MEMORY, CONTROLLER_PIDS};

        CHECK(host->count > 0);
        CHECK(host->version == CGROUP_V1 || (host->version == CGROUP_V2 && host->unified));
        CHECK(!host->unified || host->unified->version == CGROUP_V2);
        CHECK(!host->systemd || host->systemd->version == CGROUP_V1 || host->systemd == host->unified);
        for (size_t i = 0; i < host->count; i++) {
                const struct hierarchy *hierarchy = &host->hierarchies[i];

                CHECK(hierarchy->controllers && hierarchy->mount_point && hierarchy->root &&
                      hierarchy->fd == -1);
                CHECK(hierarchy->mount_point[0] == '/' && hierarchy->root[0] == '/');
                CHECK(hierarchy_name(hierarchy));
                check_path_of(hierarchy, proc_cgroup);
                for (size_t k = 0; k < i; k++)
                        CHECK(host->hierarchies[k].version != hierarchy->version ||
                              (hierarchy->version == CGROUP_V1 &&
                               strcmp(host->hierarchies[k].controllers, hierarchy->controllers) != 0));
        }
        for (size_t i = 0; i < ARRAY_SIZE(decisive); i++) {
                const struct hierarchy *hierarchy = host->controllers[decisive[i]];

                CHECK(!hierarchy || hierarchy->version == CGROUP_V2 || host->version == CGROUP_V1);
        }
        for (int c = 0; c < CONTROLLER_COUNT; c++) {
                const struct hierarchy *hierarchy = host->controllers[c];

                CHECK(!hierarchy ||
                      (hierarchy >= host->hierarchies && hierarchy < host->hierarchies + host->count &&
                       (hierarchy->mask >> c & 1) != 0));
        }
}

static void check_mountinfo(const char *text, const char *second) {
        _cleanup_(host_freep) struct host *host = NULL;
        _cleanup_error_ struct error error = ERROR_INIT;
        int r = host_parse(text, second, &host, &error);

        fuzz_check_error(r, &error);
        if (r == 0)
                check_host(host, second ? second : "");
}

static void check_proc_cgroup(const char *text) {
        static const char *const names[] = {"pids", "cpu,cpuacct", "name=systemd"}, *const roots[] = {"/",
                                                                                                      "/a/b"};

        for (size_t i = 0; i < ARRAY_SIZE(names); i++)
                for (size_t k = 0; k < ARRAY_SIZE(roots); k++) {
                        const struct hierarchy v1 = {.version = CGROUP_V1,
                                                     .controllers = (char *)names[i],
                                                     .root = (char *)roots[k]};
                        const struct hierarchy v2 = {
                                .version = CGROUP_V2, .controllers = (char *)"", .root = (char *)roots[k]};

                        check_path_of(&v1, text);
                        check_path_of(&v2, text);
                }
}

/* A name in parentheses, whatever is in it, does not move the fields behind. */
static void check_stat(const char *text) {
        struct proc_stat stat = {.parent = -1};
        char *whole, *fields = strrchr(text, ')');
        struct proc_stat again;

        if (proc_stat_parse(text, &stat) < 0) {
                CHECK(stat.parent == -1);
                return;
        }
        CHECK(stat.parent >= 0 && fields);
        CHECK(asprintf(&whole, "1 (x) 1 (%s", fields) > 0);
        CHECK(proc_stat_parse(whole, &again) == 0);
        CHECK(again.kernel_thread == stat.kernel_thread && again.parent == stat.parent &&
              again.start_time == stat.start_time);
        free(whole);
}

static void check_procs(const char *text) {
        _cleanup_pid_set_ struct pid_set set = {0};

        CHECK(pid_set_add_text(&set, text) == 0);
        for (size_t i = 0; i < set.count; i++) {
                CHECK(set.pids[i] > 0 && (i == 0 || set.pids[i - 1] < set.pids[i]));
                CHECK(pid_set_contains(&set, set.pids[i]));
        }
        CHECK(!pid_set_contains(&set, 0));
}

static void check_thread_name(const char *text) {
        _cleanup_free_ char *name = strndup(text, strcspn(text, "\n"));
        int index = vcpus_index_from_name(name);

        CHECK(index >= -1);
        CHECK(index < 0 || strpbrk(name, "0123456789"));
}

static void check_devices_list(const char *text) {
        _cleanup_(device_filter_freep) struct device_filter *filter = devices_parse_list(text);

        CHECK(filter);
        for (size_t i = 0; i < filter->count; i++) {
                const struct device_rule *rule = &filter->rules[i];

                CHECK(rule->allow && (rule->type == 'b' || rule->type == 'c'));
                CHECK(rule->access != 0 && (rule->access & ~(unsigned)OCI_DEVICE_ALL) == 0);
                CHECK(rule->major >= -1 && rule->major <= UINT32_MAX && rule->minor >= -1 &&
                      rule->minor <= UINT32_MAX);
        }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
        _cleanup_free_ char *text = fuzz_text(data, size);
        const char *second = fuzz_split(text);

        check_mountinfo(text, second);
        check_proc_cgroup(text);
        check_stat(text);
        check_procs(text);
        check_thread_name(text);
        check_devices_list(text);
        return 0;
}
