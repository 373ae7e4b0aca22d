/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Reading a group's statistics
 *
 * Subtle: the same number comes in other units (nanoseconds, ticks) and from other files on v1 and v2. A file that is missing or
 * unreadable makes its members null and is never an error.
 */
#include "cgroup/stats.h"

#include <errno.h>
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "host/facts.h"
#include "plan/kernel_text.h"
#include "util/file.h"
#include "util/number.h"

#define USEC_PER_SEC 1000000
#define NSEC_PER_USEC 1000

/* From here on a limit of v1 is "no limit", which the kernel shows as the largest multiple of a page below 2^63
 * (PAGE_COUNTER_MAX), with pages of up to 64 KiB. */
#define V1_UNLIMITED (UINT64_MAX / 2 - 65535)

/* A controller's files of one cgroup. */
struct files {
        struct cgroup *cgroup;
        const struct hierarchy *hierarchy; /* NULL: mounted nowhere */
};

static struct files files_of(struct cgroup *cgroup, enum controller controller) {
        return (struct files){cgroup, cgroup->host->controllers[controller]};
}

static bool is_v1(const struct files *files) {
        return files->hierarchy && files->hierarchy->version == CGROUP_V1;
}

static char *read_text(const struct files *files, const char *file) {
        char *text = NULL;

        if (!files->hierarchy || cgroup_read(files->cgroup, files->hierarchy, file, &text) < 0)
                return NULL;
        return text;
}

/* JSON's integers end at 2^63. */
static json_t *number(uint64_t value) {
        return json_integer(value < INT64_MAX ? (json_int_t)value : INT64_MAX);
}

/* The file's one number, divided; null where there is no such file. */
static json_t *read_number(const struct files *files, const char *file, uint64_t divisor) {
        _cleanup_free_ char *text = read_text(files, file);
        uint64_t value;

        if (!text)
                return json_null();
        file_chomp(text);
        return number_parse_u64(text, &value) < 0 ? json_null() : number(value / divisor);
}

/* The same for a limit: null for "max" and for v1's number for "no limit". */
static json_t *read_limit(const struct files *files, const char *file) {
        _cleanup_free_ char *text = read_text(files, file);
        uint64_t value;

        if (!text)
                return json_null();
        file_chomp(text);
        return number_parse_u64(text, &value) < 0 || value >= V1_UNLIMITED ? json_null() : number(value);
}

static json_t *value_of(const char *text, const char *name, uint64_t multiplier, uint64_t divisor) {
        uint64_t value;

        return text && kernel_find_value(text, name, &value) ? number(value * multiplier / divisor)
                                                             : json_null();
}

/* With a group for the vCPUs, that group has the quota, and so the throttling. */
static json_t *cpu_stats(struct cgroup *cgroup, bool vcpu_subtree) {
        const struct files cpu = files_of(cgroup, CONTROLLER_CPU);
        _cleanup_free_ char *stat = read_text(&cpu, "cpu.stat"), *subtree = NULL;
        const char *throttling = stat;

        if (is_v1(&cpu)) {
                const struct files account = files_of(cgroup, CONTROLLER_CPUACCT);
                _cleanup_free_ char *times = read_text(&account, "cpuacct.stat");
                uint64_t tick = (uint64_t)sysconf(_SC_CLK_TCK);

                return json_pack("{s:o, s:o, s:o, s:o, s:o, s:o}", "usageUsec",
                                 read_number(&account, "cpuacct.usage", NSEC_PER_USEC), "userUsec",
                                 value_of(times, "user", USEC_PER_SEC, tick), "systemUsec",
                                 value_of(times, "system", USEC_PER_SEC, tick), "periods",
                                 value_of(stat, "nr_periods", 1, 1), "throttledPeriods",
                                 value_of(stat, "nr_throttled", 1, 1), "throttledUsec",
                                 value_of(stat, "throttled_time", 1, NSEC_PER_USEC));
        }
        if (vcpu_subtree)
                throttling = subtree = read_text(&cpu, PLAN_VCPU_SUBTREE "/cpu.stat");
        return json_pack("{s:o, s:o, s:o, s:o, s:o, s:o}", "usageUsec", value_of(stat, "usage_usec", 1, 1),
                         "userUsec", value_of(stat, "user_usec", 1, 1), "systemUsec",
                         value_of(stat, "system_usec", 1, 1), "periods",
                         value_of(throttling, "nr_periods", 1, 1), "throttledPeriods",
                         value_of(throttling, "nr_throttled", 1, 1), "throttledUsec",
                         value_of(throttling, "throttled_usec", 1, 1));
}

/* memory+swap of v1 less the memory. */
static json_t *v1_swap(const struct files *memory, const char *both_file, const char *memory_file) {
        json_t *both = read_limit(memory, both_file), *alone = read_limit(memory, memory_file);
        json_int_t difference = json_integer_value(both) - json_integer_value(alone);
        json_t *result = json_is_integer(both) && json_is_integer(alone)
                                 ? json_integer(difference > 0 ? difference : 0)
                                 : json_null();

        json_decref(both);
        json_decref(alone);
        return result;
}

/* The lines of memory.stat that are shown: each is the same thing in both versions, or only one of them has it. v1's lines
 * without "total_" leave out the groups below. */
static json_t *memory_lines(const char *text, bool v1) {
        static const struct {
                const char *name, *v1, *v2;
        } lines[] = {
                {"anon", "total_rss", "anon"},
                {"file", "total_cache", "file"},
                {"kernel", NULL, "kernel"},
                {"kernelStack", NULL, "kernel_stack"},
                {"pageTables", NULL, "pagetables"},
                {"slab", NULL, "slab"},
                {"sock", NULL, "sock"},
                {"shmem", "total_shmem", "shmem"},
                {"fileMapped", "total_mapped_file", "file_mapped"},
                {"fileDirty", "total_dirty", "file_dirty"},
                {"fileWriteback", "total_writeback", "file_writeback"},
                {"inactiveAnon", "total_inactive_anon", "inactive_anon"},
                {"activeAnon", "total_active_anon", "active_anon"},
                {"inactiveFile", "total_inactive_file", "inactive_file"},
                {"activeFile", "total_active_file", "active_file"},
                {"unevictable", "total_unevictable", "unevictable"},
                {"pageFaults", "total_pgfault", "pgfault"},
                {"majorPageFaults", "total_pgmajfault", "pgmajfault"},
                {"refaultsAnon", "total_workingset_refault_anon", "workingset_refault_anon"},
                {"refaultsFile", "total_workingset_refault_file", "workingset_refault_file"},
        };
        json_t *object = json_object();

        for (size_t i = 0; object && i < ARRAY_SIZE(lines); i++) {
                const char *line = v1 ? lines[i].v1 : lines[i].v2;

                (void)json_object_set_new(object, lines[i].name,
                                          line ? value_of(text, line, 1, 1) : json_null());
        }
        return object;
}

/* The working set as the kubelet and cAdvisor count it: all memory but inactive file pages. */
static json_t *working_set(const json_t *memory, const json_t *lines) {
        const json_t *current = json_object_get(memory, "current"),
                     *inactive = json_object_get(lines, "inactiveFile");
        json_int_t rest = json_integer_value(current) - json_integer_value(inactive);

        if (!json_is_integer(current) || !json_is_integer(inactive))
                return json_null();
        return json_integer(rest > 0 ? rest : 0);
}

/* Adds what comes from memory.stat. Takes `memory`. */
static json_t *with_lines(json_t *memory, const struct files *files) {
        _cleanup_free_ char *text = read_text(files, "memory.stat");
        json_t *lines = memory_lines(text, is_v1(files));

        if (is_v1(files) && lines)
                (void)json_object_set_new(lines, "kernel", read_number(files, "memory.kmem.usage_in_bytes", 1));
        (void)json_object_set_new(memory, "workingSet", working_set(memory, lines));
        (void)json_object_set_new(memory, "stat", lines);
        return memory;
}

static json_t *memory_v1(const struct files *memory) {
        _cleanup_free_ char *oom = read_text(memory, "memory.oom_control");

        return json_pack("{s:o, s:o, s:o, s:o, s:o, s:{s:n, s:n, s:o, s:n, s:o}}", "current",
                         read_number(memory, "memory.usage_in_bytes", 1), "peak",
                         read_number(memory, "memory.max_usage_in_bytes", 1), "limit",
                         read_limit(memory, "memory.limit_in_bytes"), "swapCurrent",
                         v1_swap(memory, "memory.memsw.usage_in_bytes", "memory.usage_in_bytes"), "swapLimit",
                         v1_swap(memory, "memory.memsw.limit_in_bytes", "memory.limit_in_bytes"), "events",
                         "low", "high", "max", read_number(memory, "memory.failcnt", 1), "oom", "oomKill",
                         value_of(oom, "oom_kill", 1, 1));
}

static json_t *memory_v2(const struct files *memory) {
        _cleanup_free_ char *events = read_text(memory, "memory.events");

        return json_pack("{s:o, s:o, s:o, s:o, s:o, s:{s:o, s:o, s:o, s:o, s:o}}", "current",
                         read_number(memory, "memory.current", 1), "peak",
                         read_number(memory, "memory.peak", 1), "limit", read_limit(memory, "memory.max"),
                         "swapCurrent", read_number(memory, "memory.swap.current", 1), "swapLimit",
                         read_limit(memory, "memory.swap.max"), "events", "low", value_of(events, "low", 1, 1),
                         "high", value_of(events, "high", 1, 1), "max", value_of(events, "max", 1, 1), "oom",
                         value_of(events, "oom", 1, 1), "oomKill", value_of(events, "oom_kill", 1, 1));
}

static json_t *memory_stats(struct cgroup *cgroup) {
        const struct files memory = files_of(cgroup, CONTROLLER_MEMORY);

        if (!memory.hierarchy)
                return json_null();
        return with_lines(is_v1(&memory) ? memory_v1(&memory) : memory_v2(&memory), &memory);
}

static json_t *pids_stats(struct cgroup *cgroup, struct pid_set *processes) {
        const struct files pids = files_of(cgroup, CONTROLLER_PIDS);
        _cleanup_free_ char *text = read_text(&pids, "cgroup.procs");

        if (!pids.hierarchy)
                return json_null();
        if (text && pid_set_add_text(processes, text) < 0)
                return NULL;
        return json_pack("{s:o, s:o, s:o}", "current", read_number(&pids, "pids.current", 1), "limit",
                         read_limit(&pids, "pids.max"), "processes",
                         text ? json_integer((json_int_t)processes->count) : json_null());
}

/* The entry of a device in the array, added if there is none; borrowed. */
static json_t *io_entry(json_t *array, unsigned major_number, unsigned minor_number) {
        json_t *entry;
        size_t i;

        json_array_foreach(array, i,
                           entry) if (json_integer_value(json_object_get(entry, "major")) == major_number &&
                                      json_integer_value(json_object_get(entry, "minor")) ==
                                              minor_number) return entry;
        entry = json_pack("{s:I, s:I, s:i, s:i, s:i, s:i}", "major", (json_int_t)major_number, "minor",
                          (json_int_t)minor_number, "readBytes", 0, "writeBytes", 0, "readOperations", 0,
                          "writeOperations", 0);
        return json_array_append_new(array, entry) < 0 ? NULL : entry;
}

static void set_io(json_t *array, unsigned major_number, unsigned minor_number, const char *name,
                   uint64_t value) {
        json_t *entry = io_entry(array, major_number, minor_number);

        if (entry)
                (void)json_object_set_new(entry, name, number(value));
}

/* "8:0 Read 4096" of v1. */
static void io_v1(const struct files *io, const char *file, const char *read_name, const char *write_name,
                  json_t *array) {
        _cleanup_free_ char *text = read_text(io, file);
        char *rest = text, *line;

        while ((line = strsep(&rest, "\n"))) {
                unsigned major_number, minor_number;
                char kind[8];
                uint64_t value;

                if (sscanf(line, "%u:%u %7s %" SCNu64, &major_number, &minor_number, kind, &value) != 4)
                        continue;
                if (strcmp(kind, "Read") == 0)
                        set_io(array, major_number, minor_number, read_name, value);
                else if (strcmp(kind, "Write") == 0)
                        set_io(array, major_number, minor_number, write_name, value);
        }
}

/* "8:0 rbytes=4096 wbytes=0 rios=1 wios=0 dbytes=0 dios=0" of v2. */
static void io_v2(const struct files *io, json_t *array) {
        static const struct {
                const char *key, *name;
        } keys[] = {{"rbytes=", "readBytes"},
                    {"wbytes=", "writeBytes"},
                    {"rios=", "readOperations"},
                    {"wios=", "writeOperations"}};
        _cleanup_free_ char *text = read_text(io, "io.stat");
        char *rest = text, *line;

        while ((line = strsep(&rest, "\n"))) {
                unsigned major_number, minor_number;

                if (sscanf(line, "%u:%u ", &major_number, &minor_number) != 2)
                        continue;
                for (size_t i = 0; i < ARRAY_SIZE(keys); i++) {
                        const char *found = strstr(line, keys[i].key);
                        uint64_t value;

                        if (found && sscanf(found + strlen(keys[i].key), "%" SCNu64, &value) == 1)
                                set_io(array, major_number, minor_number, keys[i].name, value);
                }
        }
}

static json_t *io_stats(struct cgroup *cgroup) {
        const struct files io = files_of(cgroup, CONTROLLER_IO);
        json_t *array;

        if (!io.hierarchy)
                return json_null();
        array = json_array();
        if (array && is_v1(&io)) {
                io_v1(&io, "blkio.throttle.io_service_bytes_recursive", "readBytes", "writeBytes", array);
                io_v1(&io, "blkio.throttle.io_serviced_recursive", "readOperations", "writeOperations", array);
        } else if (array) {
                io_v2(&io, array);
        }
        return array;
}

static json_t *hugepage_stats(const struct files *files, const char *size) {
        bool v1 = is_v1(files);
        char current[64], limit[64], events[64];
        _cleanup_free_ char *text = NULL;
        json_t *failures;

        (void)snprintf(current, sizeof(current), "hugetlb.%s.%s", size, v1 ? "usage_in_bytes" : "current");
        (void)snprintf(limit, sizeof(limit), "hugetlb.%s.%s", size, v1 ? "limit_in_bytes" : "max");
        (void)snprintf(events, sizeof(events), "hugetlb.%s.%s", size, v1 ? "failcnt" : "events");
        text = read_text(files, events);
        failures = v1 ? read_number(files, events, 1) : value_of(text, "max", 1, 1);
        return json_pack("{s:o, s:o, s:o}", "current", read_number(files, current, 1), "limit",
                         read_limit(files, limit), "failures", failures);
}

static json_t *hugetlb_stats(struct cgroup *cgroup) {
        const struct files files = files_of(cgroup, CONTROLLER_HUGETLB);
        _cleanup_free_ char *sizes = NULL;
        char *rest, *size;
        json_t *object;

        if (!files.hierarchy)
                return json_null();
        sizes = facts_hugepage_sizes();
        object = json_object();
        for (rest = sizes; object && (size = strsep(&rest, " "));)
                if (size[0] != '\0')
                        (void)json_object_set_new(object, size, hugepage_stats(&files, size));
        return object;
}

/* "mlx5_0 hca_handle=2 hca_object=2000" */
static json_t *rdma_stats(struct cgroup *cgroup) {
        const struct files files = files_of(cgroup, CONTROLLER_RDMA);
        _cleanup_free_ char *text = read_text(&files, "rdma.current");
        char *rest = text, *line;
        json_t *object;

        if (!text)
                return json_null();
        object = json_object();
        while (object && (line = strsep(&rest, "\n"))) {
                char name[65];
                uint64_t handles, objects;

                if (sscanf(line, "%64s hca_handle=%" SCNu64 " hca_object=%" SCNu64, name, &handles, &objects) ==
                    3)
                        (void)json_object_set_new(object, name,
                                                  json_pack("{s:o, s:o}", "hcaHandles", number(handles),
                                                            "hcaObjects", number(objects)));
        }
        return object;
}

/* "sev 3" in misc.current, "sev max" in misc.max, "sev.max 1" in misc.events: the same files in both versions. */
static json_t *misc_stats(struct cgroup *cgroup) {
        const struct files files = files_of(cgroup, CONTROLLER_MISC);
        _cleanup_free_ char *text = read_text(&files, "misc.current"), *limits = read_text(&files, "misc.max");
        _cleanup_free_ char *events = read_text(&files, "misc.events");
        char *rest = text, *line;
        json_t *object;

        if (!text)
                return json_null();
        object = json_object();
        while (object && (line = strsep(&rest, "\n"))) {
                char name[65], event[sizeof(name) + sizeof(".max")];
                uint64_t current;

                if (sscanf(line, "%64s %" SCNu64, name, &current) != 2)
                        continue;
                (void)snprintf(event, sizeof(event), "%s.max", name);
                (void)json_object_set_new(object, name,
                                          json_pack("{s:o, s:o, s:o}", "current", number(current), "limit",
                                                    value_of(limits, name, 1, 1), "failures",
                                                    value_of(events, event, 1, 1)));
        }
        return object;
}

/* "some avg10=0.00 avg60=0.00 avg300=0.00 total=0" */
static json_t *pressure_line(const char *text, const char *kind) {
        const char *line = strstr(text, kind);
        double ten, sixty, threehundred;
        uint64_t total;

        if (!line ||
            sscanf(line + strlen(kind), " avg10=%lf avg60=%lf avg300=%lf total=%" SCNu64, &ten, &sixty,
                   &threehundred, &total) != 4 ||
            !isfinite(ten) || !isfinite(sixty) || !isfinite(threehundred))
                return json_null();
        return json_pack("{s:f, s:f, s:f, s:o}", "avg10", ten, "avg60", sixty, "avg300", threehundred,
                         "totalUsec", number(total));
}

static json_t *pressure_of(const struct files *files, const char *file) {
        _cleanup_free_ char *text = read_text(files, file);

        if (!text)
                return json_null();
        return json_pack("{s:o, s:o}", "some", pressure_line(text, "some"), "full",
                         pressure_line(text, "full"));
}

/* Pressure comes from the v2 tree, also on a hybrid host, where it covers the processes in the group of that tree. */
static json_t *pressure_stats(struct cgroup *cgroup) {
        const struct files files = {cgroup, cgroup->host->unified};

        if (!files.hierarchy)
                return json_null();
        return json_pack("{s:o, s:o, s:o}", "cpu", pressure_of(&files, "cpu.pressure"), "memory",
                         pressure_of(&files, "memory.pressure"), "io", pressure_of(&files, "io.pressure"));
}

int stats_read(struct cgroup *cgroup, bool vcpu_subtree, struct stats *out) {
        out->json =
                json_pack("{s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o}", "cpu", cpu_stats(cgroup, vcpu_subtree),
                          "memory", memory_stats(cgroup), "pids", pids_stats(cgroup, &out->processes), "io",
                          io_stats(cgroup), "hugetlb", hugetlb_stats(cgroup), "rdma", rdma_stats(cgroup),
                          "misc", misc_stats(cgroup), "pressure", pressure_stats(cgroup));
        return out->json ? 0 : -ENOMEM;
}

int stats_read_use(struct cgroup *cgroup, struct stats *out) {
        const struct files cpu = files_of(cgroup, CONTROLLER_CPU), memory = files_of(cgroup, CONTROLLER_MEMORY),
                           account = files_of(cgroup, CONTROLLER_CPUACCT);
        _cleanup_free_ char *stat = is_v1(&cpu) ? NULL : read_text(&cpu, "cpu.stat");

        out->json =
                json_pack("{s:{s:o}, s:{s:o}}", "cpu", "usageUsec",
                          is_v1(&cpu) ? read_number(&account, "cpuacct.usage", NSEC_PER_USEC)
                                      : value_of(stat, "usage_usec", 1, 1),
                          "memory", "current",
                          read_number(&memory, is_v1(&memory) ? "memory.usage_in_bytes" : "memory.current", 1));
        return out->json ? 0 : -ENOMEM;
}

json_t *stats_read_vcpu_subtree(struct cgroup *subtree) {
        return json_pack("{s:o, s:o}", "cpu", cpu_stats(subtree, false), "pressure", pressure_stats(subtree));
}

void stats_clear(struct stats *stats) {
        json_decref(stats->json);
        pid_set_clear(&stats->processes);
        *stats = (struct stats){0};
}
