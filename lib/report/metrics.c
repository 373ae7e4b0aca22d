/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Metrics: a table of families, and what writes them
 *
 * Each family names where its values are in the statistics that inspect prints. A value that is null there, because the host
 * does not tell it or a limit is not set, has no sample. All samples of a family stand together, as both formats demand, so the
 * outer loop is over families and the inner one over sandboxes.
 *
 * Subtle: the samples of one family do not overlap, so that a sum over any of its labels is right; hence the vCPUs' group,
 * which the sandbox group contains, has families of its own. The exception is memory_kind_bytes, as its help says.
 */
#include "report/metrics.h"

#include <stdbool.h>
#include <string.h>

#include "util/cleanup.h"
#include "util/version.h"

#define PREFIX "kata_cgroup_"
#define USEC_PER_SEC 1000000

/* Whose values a family has. */
enum scope {
        SCOPE_GROUPS, /* the sandbox group's and the overhead group's: label "group" */
        SCOPE_VCPUS,  /* the vCPUs' group's, with --vcpu-subtree */
};

/* A member of the statistics, and the value of the family's label for it. */
struct source {
        const char *path;
        const char *label; /* NULL where the family has no label for it */
        const char *second_label;
};

struct family {
        const char *name; /* without prefix and, for a counter, without "_total" */
        bool counter;     /* or a gauge */
        const char *unit; /* "seconds": microseconds in the statistics; "bytes"; or NULL */
        enum scope scope;
        const char *help;
        const char *label, *second_label; /* of its sources, or NULL */
        /* The sources are members of each entry of this array or object; `label` is the entry's name. NULL: of the group. */
        const char *each;
        const struct source *sources; /* up to one without a path */
};

#define ONE(path)                                                                                              \
        (const struct source[]) {                                                                              \
                {(path), NULL, NULL}, {                                                                        \
                        0                                                                                      \
                }                                                                                              \
        }

static const struct source memory_kinds[] = {
        {"memory.stat.anon", "anon", NULL},
        {"memory.stat.file", "file", NULL},
        {"memory.stat.kernel", "kernel", NULL},
        {"memory.stat.kernelStack", "kernel_stack", NULL},
        {"memory.stat.pageTables", "page_tables", NULL},
        {"memory.stat.slab", "slab", NULL},
        {"memory.stat.sock", "sock", NULL},
        {"memory.stat.shmem", "shmem", NULL},
        {"memory.stat.fileMapped", "file_mapped", NULL},
        {"memory.stat.fileDirty", "file_dirty", NULL},
        {"memory.stat.fileWriteback", "file_writeback", NULL},
        {"memory.stat.inactiveAnon", "inactive_anon", NULL},
        {"memory.stat.activeAnon", "active_anon", NULL},
        {"memory.stat.inactiveFile", "inactive_file", NULL},
        {"memory.stat.activeFile", "active_file", NULL},
        {"memory.stat.unevictable", "unevictable", NULL},
        {0},
};

static const struct source memory_events[] = {
        {"memory.events.low", "low", NULL},
        {"memory.events.high", "high", NULL},
        {"memory.events.max", "max", NULL},
        {"memory.events.oom", "oom", NULL},
        {0},
};

static const struct source refaults[] = {
        {"memory.stat.refaultsAnon", "anon", NULL},
        {"memory.stat.refaultsFile", "file", NULL},
        {0},
};

static const struct source pressures[] = {
        {"pressure.cpu.some.totalUsec", "cpu", "some"},
        {"pressure.cpu.full.totalUsec", "cpu", "full"},
        {"pressure.memory.some.totalUsec", "memory", "some"},
        {"pressure.memory.full.totalUsec", "memory", "full"},
        {"pressure.io.some.totalUsec", "io", "some"},
        {"pressure.io.full.totalUsec", "io", "full"},
        {0},
};

#define GAUGE false
#define COUNTER true

/* Named initializers only where a family has labels or entries. */
static const struct family families[] = {
        {"cpu_usage_seconds", COUNTER, "seconds", SCOPE_GROUPS, "CPU time used.",
         .sources = ONE("cpu.usageUsec")},
        {"cpu_user_seconds", COUNTER, "seconds", SCOPE_GROUPS,
         "CPU time used in user mode; guest code of a vCPU is counted here.", .sources = ONE("cpu.userUsec")},
        {"cpu_system_seconds", COUNTER, "seconds", SCOPE_GROUPS, "CPU time used in the kernel.",
         .sources = ONE("cpu.systemUsec")},
        {"cpu_periods", COUNTER, NULL, SCOPE_GROUPS,
         "Periods of the CPU quota in which the group was runnable. With a vCPU subtree, the subtree's.",
         .sources = ONE("cpu.periods")},
        {"cpu_throttled_periods", COUNTER, NULL, SCOPE_GROUPS,
         "Periods in which the CPU quota ran out. With a vCPU subtree, the subtree's.",
         .sources = ONE("cpu.throttledPeriods")},
        {"cpu_throttled_seconds", COUNTER, "seconds", SCOPE_GROUPS,
         "Time for which the CPU quota held tasks back, added up over CPUs. With a vCPU subtree, the "
         "subtree's.",
         .sources = ONE("cpu.throttledUsec")},
        {"vcpu_usage_seconds", COUNTER, "seconds", SCOPE_VCPUS,
         "CPU time used by the vCPU threads of a sandbox with a vCPU subtree; part of the sandbox group's.",
         .sources = ONE("cpu.usageUsec")},
        {"vcpu_user_seconds", COUNTER, "seconds", SCOPE_VCPUS, "The same in user mode.",
         .sources = ONE("cpu.userUsec")},
        {"vcpu_system_seconds", COUNTER, "seconds", SCOPE_VCPUS, "The same in the kernel.",
         .sources = ONE("cpu.systemUsec")},
        {"vcpu_pressure_seconds", COUNTER, "seconds", SCOPE_VCPUS,
         "Time for which some or all vCPU threads of a sandbox with a vCPU subtree waited for the resource "
         "(PSI).",
         .label = "resource", .second_label = "share", .sources = pressures},
        {"memory_usage_bytes", GAUGE, "bytes", SCOPE_GROUPS, "Memory in use, page cache included.",
         .sources = ONE("memory.current")},
        {"memory_working_set_bytes", GAUGE, "bytes", SCOPE_GROUPS,
         "Memory in use without the inactive file pages, as the kubelet counts it.",
         .sources = ONE("memory.workingSet")},
        {"memory_peak_bytes", GAUGE, "bytes", SCOPE_GROUPS, "The most memory that was ever in use.",
         .sources = ONE("memory.peak")},
        {"memory_limit_bytes", GAUGE, "bytes", SCOPE_GROUPS, "Memory limit; absent where there is none.",
         .sources = ONE("memory.limit")},
        {"memory_swap_usage_bytes", GAUGE, "bytes", SCOPE_GROUPS, "Swap in use.",
         .sources = ONE("memory.swapCurrent")},
        {"memory_swap_limit_bytes", GAUGE, "bytes", SCOPE_GROUPS, "Swap limit; absent where there is none.",
         .sources = ONE("memory.swapLimit")},
        {"memory_kind_bytes", GAUGE, "bytes", SCOPE_GROUPS,
         "Memory in use by kind. Kinds overlap and do not add up: kernel contains kernel_stack, page_tables "
         "and "
         "slab; shmem is counted in file, and also in active_anon or inactive_anon.",
         .label = "kind", .sources = memory_kinds},
        {"memory_page_faults", COUNTER, NULL, SCOPE_GROUPS, "Page faults, major ones included.",
         .sources = ONE("memory.stat.pageFaults")},
        {"memory_major_page_faults", COUNTER, NULL, SCOPE_GROUPS, "Page faults that read from a disk.",
         .sources = ONE("memory.stat.majorPageFaults")},
        {"memory_refaults", COUNTER, NULL, SCOPE_GROUPS,
         "Page faults on pages that were reclaimed shortly before.", .label = "kind", .sources = refaults},
        {"memory_events", COUNTER, NULL, SCOPE_GROUPS,
         "Times that memory use met a limit: low, high, max, or oom. On cgroup v1 only max.", .label = "event",
         .sources = memory_events},
        {"oom_kills", COUNTER, NULL, SCOPE_GROUPS,
         "Processes of the group that the kernel killed for lack of memory.",
         .sources = ONE("memory.events.oomKill")},
        {"tasks", GAUGE, NULL, SCOPE_GROUPS, "Tasks (threads) in the group and below.",
         .sources = ONE("pids.current")},
        {"tasks_limit", GAUGE, NULL, SCOPE_GROUPS, "Limit of tasks; absent where there is none.",
         .sources = ONE("pids.limit")},
        {"processes", GAUGE, NULL, SCOPE_GROUPS, "Processes with a thread in the group itself.",
         .sources = ONE("pids.processes")},
        {"io_read_bytes", COUNTER, "bytes", SCOPE_GROUPS, "Bytes read from a block device.", .label = "device",
         .each = "io", .sources = ONE("readBytes")},
        {"io_written_bytes", COUNTER, "bytes", SCOPE_GROUPS, "Bytes written to a block device.",
         .label = "device", .each = "io", .sources = ONE("writeBytes")},
        {"io_reads", COUNTER, NULL, SCOPE_GROUPS, "Reads from a block device.", .label = "device", .each = "io",
         .sources = ONE("readOperations")},
        {"io_writes", COUNTER, NULL, SCOPE_GROUPS, "Writes to a block device.", .label = "device", .each = "io",
         .sources = ONE("writeOperations")},
        {"hugetlb_usage_bytes", GAUGE, "bytes", SCOPE_GROUPS, "Huge pages in use, by their size.",
         .label = "size", .each = "hugetlb", .sources = ONE("current")},
        {"hugetlb_limit_bytes", GAUGE, "bytes", SCOPE_GROUPS,
         "Limit of huge pages; absent where there is none.", .label = "size", .each = "hugetlb",
         .sources = ONE("limit")},
        {"hugetlb_failures", COUNTER, NULL, SCOPE_GROUPS, "Huge pages that the limit refused.", .label = "size",
         .each = "hugetlb", .sources = ONE("failures")},
        {"rdma_handles", GAUGE, NULL, SCOPE_GROUPS, "RDMA handles in use.", .label = "device", .each = "rdma",
         .sources = ONE("hcaHandles")},
        {"rdma_objects", GAUGE, NULL, SCOPE_GROUPS, "RDMA objects in use.", .label = "device", .each = "rdma",
         .sources = ONE("hcaObjects")},
        {"misc_usage", GAUGE, NULL, SCOPE_GROUPS, "Resources of the misc controller in use.",
         .label = "resource", .each = "misc", .sources = ONE("current")},
        {"misc_limit", GAUGE, NULL, SCOPE_GROUPS, "Their limit; absent where there is none.",
         .label = "resource", .each = "misc", .sources = ONE("limit")},
        {"misc_failures", COUNTER, NULL, SCOPE_GROUPS, "Allocations that the limit refused.",
         .label = "resource", .each = "misc", .sources = ONE("failures")},
        {"pressure_seconds", COUNTER, "seconds", SCOPE_GROUPS,
         "Time for which some or all tasks of the group waited for the resource (PSI).", .label = "resource",
         .second_label = "share", .sources = pressures},
};

/* ---- text ---- */

/* Backslash, quote and line feed are all that both formats escape in a label's value. */
static void write_label(FILE *stream, const char *separator, const char *name, const char *value) {
        fprintf(stream, "%s%s=\"", separator, name);
        for (; value && *value; value++) {
                if (*value == '\n')
                        fputs("\\n", stream);
                else if (*value == '\\' || *value == '"')
                        fprintf(stream, "\\%c", *value);
                else
                        fputc(*value, stream);
        }
        fputc('"', stream);
}

/* Exact: a double would round the microseconds of a counter that has run for years. */
static void write_value(FILE *stream, json_int_t value, bool microseconds) {
        if (microseconds)
                fprintf(stream, " %" JSON_INTEGER_FORMAT ".%06" JSON_INTEGER_FORMAT "\n", value / USEC_PER_SEC,
                        value % USEC_PER_SEC);
        else
                fprintf(stream, " %" JSON_INTEGER_FORMAT "\n", value);
}

static void write_metadata(FILE *stream, const char *name, bool counter, const char *unit, const char *help,
                           enum metrics_format format) {
        const char *suffix = counter && format == METRICS_PROMETHEUS ? "_total" : "";

        fprintf(stream, "# HELP " PREFIX "%s%s %s\n", name, suffix, help);
        fprintf(stream, "# TYPE " PREFIX "%s%s %s\n", name, suffix, counter ? "counter" : "gauge");
        if (unit)
                fprintf(stream, "# UNIT " PREFIX "%s %s\n", name, unit);
}

/* ---- one family ---- */

/* What all samples of one group share. */
struct sample_context {
        FILE *stream;
        const struct family *family;
        const char *id;
        const char *group; /* or NULL */
};

static const json_t *find_member(const json_t *json, const char *path) {
        char name[32];

        while (json && *path) {
                size_t length = strcspn(path, ".");

                if (length >= sizeof(name))
                        return NULL;
                memcpy(name, path, length);
                name[length] = '\0';
                json = json_object_get(json, name);
                path += path[length] == '.' ? length + 1 : length;
        }
        return json;
}

static void write_sample(const struct sample_context *context, const struct source *source, const char *label,
                         const json_t *values) {
        const struct family *family = context->family;
        const json_t *value = find_member(values, source->path);

        if (!json_is_integer(value))
                return;
        fprintf(context->stream, PREFIX "%s%s", family->name, family->counter ? "_total" : "");
        write_label(context->stream, "{", "id", context->id);
        if (context->group)
                write_label(context->stream, ",", "group", context->group);
        if (family->label)
                write_label(context->stream, ",", family->label, label);
        if (family->second_label)
                write_label(context->stream, ",", family->second_label, source->second_label);
        fputc('}', context->stream);
        write_value(context->stream, json_integer_value(value),
                    family->unit && strcmp(family->unit, "seconds") == 0);
}

/* An entry of io is named by its numbers, in the kernel's own way. */
static void write_devices(const struct sample_context *context, const json_t *devices) {
        const json_t *device;
        size_t i;

        json_array_foreach((json_t *)devices, i, device) {
                char name[64];

                (void)snprintf(name, sizeof(name), "%" JSON_INTEGER_FORMAT ":%" JSON_INTEGER_FORMAT,
                               json_integer_value(json_object_get(device, "major")),
                               json_integer_value(json_object_get(device, "minor")));
                write_sample(context, context->family->sources, name, device);
        }
}

static void write_members(const struct sample_context *context, const json_t *object) {
        const char *name;
        json_t *member;

        json_object_foreach((json_t *)object, name, member) {
                write_sample(context, context->family->sources, name, member);
        }
}

static void write_group(const struct sample_context *context, const json_t *group) {
        const struct family *family = context->family;
        const json_t *each = family->each ? json_object_get(group, family->each) : NULL;

        if (json_is_array(each))
                write_devices(context, each);
        else if (each)
                write_members(context, each);
        else if (!family->each)
                for (const struct source *source = family->sources; source->path; source++)
                        write_sample(context, source, source->label, group);
}

static void write_family(FILE *stream, const struct family *family, const json_t *sandboxes) {
        const json_t *sandbox;
        size_t i;

        json_array_foreach((json_t *)sandboxes, i, sandbox) {
                const json_t *stats = json_object_get(sandbox, "stats");
                struct sample_context context = {stream, family,
                                                 json_string_value(json_object_get(sandbox, "id")), NULL};

                if (family->scope == SCOPE_VCPUS) {
                        write_group(&context, json_object_get(stats, "vcpuSubtree"));
                        continue;
                }
                context.group = "sandbox";
                write_group(&context, json_object_get(stats, "sandbox"));
                context.group = "overhead";
                write_group(&context, json_object_get(stats, "overhead"));
        }
}

/* ---- families that are not of the statistics ---- */

static void write_info(FILE *stream, enum metrics_format format) {
        write_metadata(stream, "info", GAUGE, NULL, "The kata-cgroup that wrote this.", format);
        fputs(PREFIX "info", stream);
        write_label(stream, "{", "version", version_number);
        fputs("} 1\n", stream);
}

static void write_sandboxes(FILE *stream, const json_t *sandboxes, enum metrics_format format) {
        const json_t *sandbox;
        size_t i;

        write_metadata(stream, "sandbox_info", GAUGE, NULL, "A sandbox, unless it cannot be examined.", format);
        json_array_foreach((json_t *)sandboxes, i, sandbox) {
                const char *driver = json_string_value(json_object_get(sandbox, "driver"));
                const char *path = json_string_value(json_object_get(sandbox, "cgroupsPath"));

                if (!driver || !path)
                        continue;
                fputs(PREFIX "sandbox_info", stream);
                write_label(stream, "{", "id", json_string_value(json_object_get(sandbox, "id")));
                write_label(stream, ",", "driver", driver);
                write_label(stream, ",", "cgroups_path", path);
                fputs("} 1\n", stream);
        }
}

/* A gauge of what is so or not, for each sandbox. */
static void write_facts(FILE *stream, const json_t *sandboxes, const char *name, const char *help,
                        bool (*is_so)(const json_t *sandbox), enum metrics_format format) {
        const json_t *sandbox;
        size_t i;

        write_metadata(stream, name, GAUGE, NULL, help, format);
        json_array_foreach((json_t *)sandboxes, i, sandbox) {
                fprintf(stream, PREFIX "%s", name);
                write_label(stream, "{", "id", json_string_value(json_object_get(sandbox, "id")));
                fprintf(stream, "} %d\n", is_so(sandbox));
        }
}

/* A sandbox that cannot be examined has no such member, which is not null. */
static bool is_healthy(const json_t *sandbox) {
        return json_is_null(json_object_get(sandbox, "problem"));
}

static bool is_frozen(const json_t *sandbox) {
        return json_is_true(json_object_get(sandbox, "frozen"));
}

void metrics_write(FILE *stream, const json_t *sandboxes, enum metrics_format format) {
        write_info(stream, format);
        write_sandboxes(stream, sandboxes, format);
        write_facts(stream, sandboxes, "sandbox_healthy",
                    "Whether the sandbox is as it should be; kata-cgroup list says what is wrong.", is_healthy,
                    format);
        write_facts(stream, sandboxes, "sandbox_frozen", "Whether the sandbox is frozen.", is_frozen, format);
        for (size_t i = 0; i < ARRAY_SIZE(families); i++) {
                const struct family *family = &families[i];

                write_metadata(stream, family->name, family->counter, family->unit, family->help, format);
                write_family(stream, family, sandboxes);
        }
        fputs("# EOF\n", stream);
}
