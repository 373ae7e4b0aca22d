/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The known files of unified: how the kernel reads them, and which properties they have
 *
 * A value is converted to one form, so that file and property get the same; if systemd rounds it, it is written rounded.
 */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "plan/kernel_text.h"
#include "plan/unified.h"
#include "util/cpulist.h"

#define NICE_MIN (-20)
#define NICE_MAX 19

/* ---- reading ---- */

static int refuse(const struct unified_entry *entry) {
        return unified_refuse(entry->builder, entry->key, entry->text);
}

static int set_value(struct unified_entry *entry, const char *value) {
        entry->value = value;
        return value ? 0 : error_oom(entry->builder->error);
}

static int set_number(struct unified_entry *entry, uint64_t number) {
        entry->number = number;
        return set_value(entry,
                         number == UINT64_MAX ? "max" : builder_text(entry->builder, "%" PRIu64, number));
}

/* A text without blanks around it, or "max", or a number of some form. */
static int read_stripped(struct unified_entry *entry, int (*parse)(const char *text, uint64_t *out)) {
        _cleanup_free_ char *text = kernel_strip(entry->text);
        uint64_t number = UINT64_MAX;

        if (!text)
                return error_oom(entry->builder->error);
        if (strcmp(text, "max") != 0 && parse(text, &number) < 0)
                return refuse(entry);
        return set_number(entry, number);
}

/* strstrip(), then page_counter_memparse() of mm/page_counter.c. */
static int read_bytes(struct unified_entry *entry) {
        int r = read_stripped(entry, kernel_parse_bytes);

        return r == 0 && entry->number >= (uint64_t)OCI_MEMORY_UNLIMITED ? set_number(entry, UINT64_MAX) : r;
}

/* pids_max_write() of kernel/cgroup/pids.c. 0 becomes 1, as for pids.limit. */
static int read_count(struct unified_entry *entry) {
        int r = read_stripped(entry, kernel_parse_u64);

        return r == 0 && entry->number == 0 ? set_number(entry, 1) : r;
}

/* cgroup_file_write() of kernel/cgroup/cgroup.c, for files of one number. */
static int read_number(struct unified_entry *entry) {
        uint64_t number;

        return kernel_parse_u64(entry->text, &number) < 0 ? refuse(entry) : set_number(entry, number);
}

static int read_signed(struct unified_entry *entry, int64_t min, int64_t max, const char *text, int64_t *out) {
        if (kernel_parse_i64(text, out) < 0 || *out < min || *out > max)
                return refuse(entry);
        return set_value(entry, builder_text(entry->builder, "%" PRId64, *out));
}

/* 0 or 1; the files of memory ignore surrounding blanks (strstrip()). */
static int read_switch(struct unified_entry *entry) {
        _cleanup_free_ char *text = kernel_strip(entry->text);
        int64_t number = 0;
        int r = text ? read_signed(entry, 0, 1, text, &number) : error_oom(entry->builder->error);

        entry->number = (uint64_t)number;
        return r;
}

static int read_idle(struct unified_entry *entry) {
        int64_t number = 0;
        int r = read_signed(entry, 0, 1, entry->text, &number);

        entry->number = (uint64_t)number;
        return r;
}

static int read_nice(struct unified_entry *entry) {
        int64_t nice = 0;
        int r = read_signed(entry, NICE_MIN, NICE_MAX, entry->text, &nice);

        if (r == 0)
                entry->number = convert_nice_to_weight((int)nice);
        return r;
}

static int read_list(struct unified_entry *entry) {
        _cleanup_free_ char *text = kernel_strip(entry->text), *list = NULL;
        struct cpulist parsed;

        if (!text)
                return error_oom(entry->builder->error);
        if (cpulist_parse(text, &parsed) < 0)
                return refuse(entry);
        list = cpulist_format(&parsed);
        return list ? set_value(entry, builder_text(entry->builder, "%s", list))
                    : error_oom(entry->builder->error);
}

static int read_word(struct unified_entry *entry) {
        _cleanup_free_ char *text = kernel_strip(entry->text);

        return text ? set_value(entry, builder_text(entry->builder, "%s", text))
                    : error_oom(entry->builder->error);
}

/* "MAX" or "MAX PERIOD": cpu_period_quota_parse() of kernel/sched/core.c, which reads decimals between blanks. */
static bool parse_bandwidth(char *text, uint64_t *quota, uint64_t *period) {
        const char *first = strsep(&text, " \t");

        *quota = UINT64_MAX;
        *period = CPU_PERIOD_DEFAULT;
        if (strcmp(first, "max") != 0 && kernel_parse_decimal(first, quota) < 0)
                return false;
        if (!text)
                return true;
        return kernel_parse_decimal(text + strspn(text, " \t"), period) == 0;
}

/* A bandwidth out of range is not converted but written as it is: the kernel refuses it. */
static bool is_bandwidth(uint64_t quota, uint64_t period) {
        return quota > 0 && (quota <= OCI_CFS_RUNTIME_MAX || quota == UINT64_MAX) &&
               period >= OCI_CFS_PERIOD_MIN && period <= OCI_CFS_PERIOD_MAX;
}

static int read_bandwidth(struct unified_entry *entry) {
        _cleanup_free_ char *text = kernel_strip(entry->text);
        struct builder *builder = entry->builder;
        uint64_t quota, period;

        if (!text)
                return error_oom(builder->error);
        if (!parse_bandwidth(text, &quota, &period))
                return refuse(entry);
        if (is_bandwidth(quota, period)) {
                entry->bandwidth = builder_cpu_quota(builder, quota, period);
                quota = entry->bandwidth.quota;
                period = builder_cpu_file_period(builder, &entry->bandwidth);
        }
        return set_value(entry, builder_cpu_max(builder, quota, period));
}

/* ---- properties ---- */

static int replace_number(struct unified_entry *entry, const struct field_property *property, uint64_t value) {
        unified_remove_property(entry->builder->plan, property->name);
        if (entry->file->weight)
                return builder_property_weight(entry->builder, entry->field, property, value);
        return builder_property_number(entry->builder, entry->field, CONTROLLER_COUNT, property, value);
}

static int add_list_property(struct unified_entry *entry) {
        const struct field_property *property = &entry->file->property;

        unified_remove_property(entry->builder->plan, property->name);
        return builder_property_set(entry->builder, entry->field, CONTROLLER_CPUSET, property, entry->value);
}

static int add_bandwidth_properties(struct unified_entry *entry) {
        static const struct field_property period_property = {"CPUQuotaPeriodUSec", 242};
        int r;

        if (entry->bandwidth.period == 0 || builder_in_subtree(entry->builder, CONTROLLER_CPU))
                return 0;
        r = replace_number(entry, &period_property, entry->bandwidth.period);
        return r < 0 ? r : replace_number(entry, &entry->file->property, entry->bandwidth.per_second);
}

/* CPUWeight=0 is systemd's "idle"; if idle is 0, the weight is that of other fields, or unset. */
static int add_idle_property(struct unified_entry *entry) {
        const struct field_property *property = &entry->file->property;

        if (entry->number == 1)
                return replace_number(entry, property, 0);
        return plan_find_property(entry->builder->plan, property->name)
                       ? 0
                       : replace_number(entry, property, UINT64_MAX);
}

/* Two names of one value. */
static int add_weight_property(struct unified_entry *entry) {
        unified_remove_file(entry->builder->plan, "cpu.weight", NULL);
        unified_remove_file(entry->builder->plan, "cpu.weight.nice", NULL);
        return replace_number(entry, &entry->file->property, entry->number);
}

int unified_add_properties(struct unified_entry *entry) {
        const struct unified_file *file = entry->file;

        if (file->add_properties)
                return file->add_properties(entry);
        return file->property.name ? replace_number(entry, &file->property, entry->number) : 0;
}

static const struct unified_file files[] = {
        {.key = "cpu.weight",
         .read = read_number,
         .property = {.name = "CPUWeight"},
         .weight = true,
         .add_properties = add_weight_property},
        {.key = "cpu.weight.nice",
         .read = read_nice,
         .property = {.name = "CPUWeight"},
         .weight = true,
         .add_properties = add_weight_property},
        {.key = "cpu.idle",
         .read = read_idle,
         .property = {"CPUWeight", 252},
         .weight = true,
         .add_properties = add_idle_property},
        {.key = "cpu.max",
         .read = read_bandwidth,
         .property = {.name = "CPUQuotaPerSecUSec"},
         .add_properties = add_bandwidth_properties},
        {.key = "cpu.max.burst", .read = read_number},
        {.key = "cpuset.cpus",
         .read = read_list,
         .property = {"AllowedCPUs", 244},
         .flags = FILE_INHERIT,
         .add_properties = add_list_property},
        {.key = "cpuset.mems",
         .read = read_list,
         .property = {"AllowedMemoryNodes", 244},
         .flags = FILE_INHERIT,
         .add_properties = add_list_property},
        {.key = "cpuset.cpus.exclusive", .read = read_list},
        /* The kernel accepts a partition that is not possible, and shows it as invalid. */
        {.key = "cpuset.cpus.partition", .read = read_word, .flags = FILE_VERIFY},
        {.key = "memory.min", .read = read_bytes, .property = {.name = "MemoryMin"}, .flags = FILE_BYTES},
        {.key = "memory.low", .read = read_bytes, .property = {.name = "MemoryLow"}, .flags = FILE_BYTES},
        {.key = "memory.high", .read = read_bytes, .property = {.name = "MemoryHigh"}, .flags = FILE_BYTES},
        {.key = "memory.max", .read = read_bytes, .property = {.name = "MemoryMax"}, .flags = FILE_BYTES},
        {.key = "memory.swap.max",
         .read = read_bytes,
         .property = {.name = "MemorySwapMax"},
         .flags = FILE_BYTES},
        {.key = "memory.swap.high", .read = read_bytes, .flags = FILE_BYTES},
        {.key = "memory.zswap.max",
         .read = read_bytes,
         .property = {"MemoryZSwapMax", 253},
         .flags = FILE_BYTES},
        /* Not OOMPolicy=kill: systemd takes it only when a unit starts, and stops the unit after any OOM kill. */
        {.key = "memory.oom.group", .read = read_switch},
        {.key = "memory.zswap.writeback", .read = read_switch},
        {.key = "hugetlb.*.max", .read = read_bytes, .flags = FILE_BYTES},
        {.key = "pids.max", .read = read_count, .property = {.name = "TasksMax"}},
};

const struct unified_file *unified_find_file(const char *key) {
        for (size_t i = 0; i < ARRAY_SIZE(files); i++) {
                const char *star = strchr(files[i].key, '*');
                size_t length = strlen(key), head = star ? (size_t)(star - files[i].key) : 0,
                       tail = star ? strlen(star + 1) : 0;

                if (star ? length > head + tail && strncmp(key, files[i].key, head) == 0 &&
                                    strcmp(key + length - tail, star + 1) == 0
                         : strcmp(key, files[i].key) == 0)
                        return &files[i];
        }
        return NULL;
}

bool unified_is_idle(const struct builder *builder) {
        const struct oci_i64 *idle = &builder->resources->cpu.idle;
        const char *text = builder_unified(builder, "cpu.idle");
        int64_t value;

        if (text && kernel_parse_i64(text, &value) == 0)
                return value == 1;
        return idle->given && idle->value == 1;
}
