/* SPDX-License-Identifier: Apache-2.0 */
/*
 * OCI LinuxResources: the tables of its members, and checks that concern more than one of them
 *
 * Ranges are the specification's types narrowed to what any kernel accepts (sources beside the rows).
 * Checks that depend on the host are left to the plan and the kernel.
 */
#include "oci/resources.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "oci/shape.h"

/* NAME_MAX of the file system. */
#define UNIFIED_KEY_MAX 255

#define MEMBER(struct_, field_, name_, type_, min_, max_)                                                      \
        {                                                                                                      \
                .name = (name_), .type = (type_), .offset = offsetof(struct struct_, field_), .min = (min_),   \
                .max = (max_)                                                                                  \
        }
#define REQUIRED(struct_, field_, name_, type_, min_, max_)                                                    \
        {                                                                                                      \
                .name = (name_), .type = (type_), .offset = offsetof(struct struct_, field_), .min = (min_),   \
                .max = (max_), .required = true                                                                \
        }
/* In these fields Go programs write 0 for "unset", and runc does not write it to the kernel either. */
#define UNSET_AT_0(struct_, field_, name_, type_, min_, max_)                                                  \
        {                                                                                                      \
                .name = (name_), .type = (type_), .offset = offsetof(struct struct_, field_), .min = (min_),   \
                .max = (max_), .unset_at_0 = true                                                              \
        }
#define SHAPED(struct_, field_, name_, type_, shape_)                                                          \
        { .name = (name_), .type = (type_), .offset = offsetof(struct struct_, field_), .shape = (shape_) }
#define SHAPE(name_, struct_)                                                                                  \
        static const struct shape name_ = {name_##_members, ARRAY_SIZE(name_##_members), sizeof(struct struct_)}

static const struct member cpu_members[] = {
        UNSET_AT_0(oci_cpu, shares, "shares", MEMBER_U64, 0, INT64_MAX),
        /* -1: no quota. */
        UNSET_AT_0(oci_cpu, quota, "quota", MEMBER_I64, -1, OCI_CFS_RUNTIME_MAX),
        MEMBER(oci_cpu, burst, "burst", MEMBER_U64, 0, OCI_CFS_RUNTIME_MAX),
        /* The kernel accepts 1 ms to 1 s. */
        UNSET_AT_0(oci_cpu, period, "period", MEMBER_U64, 0, OCI_CFS_PERIOD_MAX),
        MEMBER(oci_cpu, realtime_runtime, "realtimeRuntime", MEMBER_I64, -1, OCI_CFS_RUNTIME_MAX),
        MEMBER(oci_cpu, realtime_period, "realtimePeriod", MEMBER_U64, 0, OCI_CFS_RUNTIME_MAX),
        MEMBER(oci_cpu, cpus, "cpus", MEMBER_LIST, 0, 0),
        MEMBER(oci_cpu, mems, "mems", MEMBER_LIST, 0, 0),
        MEMBER(oci_cpu, idle, "idle", MEMBER_I64, 0, 1),
};
SHAPE(cpu, oci_cpu);

static const struct member memory_members[] = {
        UNSET_AT_0(oci_memory, limit, "limit", MEMBER_I64, -1, INT64_MAX),
        UNSET_AT_0(oci_memory, reservation, "reservation", MEMBER_I64, -1, INT64_MAX),
        UNSET_AT_0(oci_memory, swap, "swap", MEMBER_I64, -1, INT64_MAX),
        UNSET_AT_0(oci_memory, kernel, "kernel", MEMBER_I64, -1, INT64_MAX),
        UNSET_AT_0(oci_memory, kernel_tcp, "kernelTCP", MEMBER_I64, -1, INT64_MAX),
        MEMBER(oci_memory, swappiness, "swappiness", MEMBER_U64, 0, 100),
        MEMBER(oci_memory, disable_oom_killer, "disableOOMKiller", MEMBER_BOOL, 0, 1),
        MEMBER(oci_memory, use_hierarchy, "useHierarchy", MEMBER_BOOL, 0, 1),
        MEMBER(oci_memory, check_before_update, "checkBeforeUpdate", MEMBER_BOOL, 0, 1),
};
SHAPE(memory, oci_memory);

static const struct member pids_members[] = {
        MEMBER(oci_pids, limit, "limit", MEMBER_I64, INT64_MIN, INT64_MAX),
};
SHAPE(pids, oci_pids);

/* 10 to 1000 by the specification; 0 removes a device's weight. */
static const struct member weight_device_members[] = {
        REQUIRED(oci_weight_device, major, "major", MEMBER_I64, 0, OCI_DEVICE_MAJOR_MAX),
        REQUIRED(oci_weight_device, minor, "minor", MEMBER_I64, 0, OCI_DEVICE_MINOR_MAX),
        MEMBER(oci_weight_device, weight, "weight", MEMBER_U64, 0, 1000),
        MEMBER(oci_weight_device, leaf_weight, "leafWeight", MEMBER_U64, 0, 1000),
};
SHAPE(weight_device, oci_weight_device);

static const struct member throttle_device_members[] = {
        REQUIRED(oci_throttle_device, major, "major", MEMBER_I64, 0, OCI_DEVICE_MAJOR_MAX),
        REQUIRED(oci_throttle_device, minor, "minor", MEMBER_I64, 0, OCI_DEVICE_MINOR_MAX),
        REQUIRED(oci_throttle_device, rate, "rate", MEMBER_U64, 0, INT64_MAX),
};
SHAPE(throttle_device, oci_throttle_device);

static const struct member block_io_members[] = {
        UNSET_AT_0(oci_block_io, weight, "weight", MEMBER_U64, 0, 1000),
        UNSET_AT_0(oci_block_io, leaf_weight, "leafWeight", MEMBER_U64, 0, 1000),
        SHAPED(oci_block_io, weight_devices, "weightDevice", MEMBER_ARRAY, &weight_device),
        SHAPED(oci_block_io, throttles[OCI_READ_BPS], "throttleReadBpsDevice", MEMBER_ARRAY, &throttle_device),
        SHAPED(oci_block_io, throttles[OCI_WRITE_BPS], "throttleWriteBpsDevice", MEMBER_ARRAY,
               &throttle_device),
        SHAPED(oci_block_io, throttles[OCI_READ_IOPS], "throttleReadIOPSDevice", MEMBER_ARRAY,
               &throttle_device),
        SHAPED(oci_block_io, throttles[OCI_WRITE_IOPS], "throttleWriteIOPSDevice", MEMBER_ARRAY,
               &throttle_device),
};
SHAPE(block_io, oci_block_io);

static const struct member hugepage_members[] = {
        REQUIRED(oci_hugepage, page_size, "pageSize", MEMBER_STRING, 0, 0),
        REQUIRED(oci_hugepage, limit, "limit", MEMBER_U64, 0, INT64_MAX),
};
SHAPE(hugepage, oci_hugepage);

static const struct member priority_members[] = {
        REQUIRED(oci_priority, name, "name", MEMBER_STRING, 0, 0),
        REQUIRED(oci_priority, priority, "priority", MEMBER_U64, 0, UINT32_MAX),
};
SHAPE(priority, oci_priority);

static const struct member network_members[] = {
        MEMBER(oci_network, class_id, "classID", MEMBER_U64, 0, UINT32_MAX),
        SHAPED(oci_network, priorities, "priorities", MEMBER_ARRAY, &priority),
};
SHAPE(network, oci_network);

static const struct member rdma_members[] = {
        MEMBER(oci_rdma, hca_handles, "hcaHandles", MEMBER_U64, 0, UINT32_MAX),
        MEMBER(oci_rdma, hca_objects, "hcaObjects", MEMBER_U64, 0, UINT32_MAX),
};
SHAPE(rdma, oci_rdma);

/* -1 means any number, as in other runtimes. */
static const struct member device_members[] = {
        REQUIRED(oci_device, allow, "allow", MEMBER_BOOL, 0, 1),
        MEMBER(oci_device, type, "type", MEMBER_STRING, 0, 0),
        MEMBER(oci_device, major, "major", MEMBER_I64, -1, OCI_DEVICE_MAJOR_MAX),
        MEMBER(oci_device, minor, "minor", MEMBER_I64, -1, OCI_DEVICE_MINOR_MAX),
        MEMBER(oci_device, access, "access", MEMBER_STRING, 0, 0),
};
SHAPE(device, oci_device);

static const struct member resources_members[] = {
        SHAPED(oci_resources, cpu, "cpu", MEMBER_OBJECT, &cpu),
        SHAPED(oci_resources, memory, "memory", MEMBER_OBJECT, &memory),
        SHAPED(oci_resources, pids, "pids", MEMBER_OBJECT, &pids),
        SHAPED(oci_resources, block_io, "blockIO", MEMBER_OBJECT, &block_io),
        SHAPED(oci_resources, hugepages, "hugepageLimits", MEMBER_ARRAY, &hugepage),
        SHAPED(oci_resources, network, "network", MEMBER_OBJECT, &network),
        SHAPED(oci_resources, rdma, "rdma", MEMBER_MAP, &rdma),
        SHAPED(oci_resources, devices, "devices", MEMBER_ARRAY, &device),
        SHAPED(oci_resources, unified, "unified", MEMBER_MAP, NULL),
};
SHAPE(resources, oci_resources);

struct oci_resources *oci_resources_free(struct oci_resources *parsed) {
        if (!parsed)
                return NULL;
        shape_clear(&resources, parsed);
        free(parsed);
        return NULL;
}

/* Refuses a member of an array's element; the path in the error has the index. */
static int refuse_element(struct error *error, const char *array, size_t i, const char *member,
                          const char *what) {
        char path[128];

        (void)snprintf(path, sizeof(path), "%s[%zu]%s%s", array, i, member[0] != '\0' ? "." : "", member);
        return error_refuse(error, path, "%s", what);
}

static int check_cpu(const struct oci_cpu *given, struct error *error) {
        if (given->period.given && given->period.value < OCI_CFS_PERIOD_MIN)
                return error_refuse(error, "cpu.period", "%" PRIu64 " is not between 1000 and 1000000",
                                    given->period.value);
        return 0;
}

static bool is_weight(const struct oci_u64 *weight) {
        return !weight->given || weight->value == 0 || weight->value >= 10;
}

static int check_block_io(const struct oci_block_io *given, struct error *error) {
        const struct oci_weight_device *devices = given->weight_devices.items;

        if (!is_weight(&given->weight))
                return error_refuse(error, "blockIO.weight", "%" PRIu64 " is not between 10 and 1000",
                                    given->weight.value);
        if (!is_weight(&given->leaf_weight))
                return error_refuse(error, "blockIO.leafWeight", "%" PRIu64 " is not between 10 and 1000",
                                    given->leaf_weight.value);
        for (size_t i = 0; i < given->weight_devices.count; i++) {
                if (!is_weight(&devices[i].weight))
                        return refuse_element(error, "blockIO.weightDevice", i, "weight",
                                              "not between 10 and 1000");
                if (!is_weight(&devices[i].leaf_weight))
                        return refuse_element(error, "blockIO.weightDevice", i, "leafWeight",
                                              "not between 10 and 1000");
                if (!devices[i].weight.given && !devices[i].leaf_weight.given)
                        return refuse_element(error, "blockIO.weightDevice", i, "weight", "missing");
        }
        return 0;
}

/* Whether it is one word: it is written to the kernel before its values. */
static bool is_word(const char *text) {
        for (; *text; text++)
                if ((unsigned char)*text <= ' ' || *text == 0x7f)
                        return false;
        return true;
}

static int check_hugepages(const struct oci_array *given, struct error *error) {
        const struct oci_hugepage *pages = given->items;

        for (size_t i = 0; i < given->count; i++) {
                if (!pages[i].page_size)
                        return refuse_element(error, "hugepageLimits", i, "pageSize", "empty");
                /* It becomes part of a file's name. */
                if (!is_word(pages[i].page_size) || strchr(pages[i].page_size, '/'))
                        return refuse_element(error, "hugepageLimits", i, "pageSize", "not a page size");
                for (size_t k = 0; k < i; k++)
                        if (strcmp(pages[k].page_size, pages[i].page_size) == 0)
                                return refuse_element(error, "hugepageLimits", i, "pageSize", "given twice");
        }
        return 0;
}

static int check_network(const struct oci_network *given, struct error *error) {
        const struct oci_priority *priorities = given->priorities.items;

        for (size_t i = 0; i < given->priorities.count; i++)
                /* IFNAMSIZ, and what dev_valid_name() of net/core/dev.c refuses. */
                if (!priorities[i].name || strlen(priorities[i].name) > 15 || !is_word(priorities[i].name) ||
                    strpbrk(priorities[i].name, "/:"))
                        return refuse_element(error, "network.priorities", i, "name",
                                              "not an interface's name");
        return 0;
}

static int check_rdma(const struct oci_array *given, struct error *error) {
        const struct oci_rdma *devices = given->items;

        for (size_t i = 0; i < given->count; i++) {
                if (devices[i].name[0] == '\0' || !is_word(devices[i].name))
                        return error_refuse(error, "rdma", "\"%s\" is not a device's name", devices[i].name);
                if (!devices[i].hca_handles.given && !devices[i].hca_objects.given)
                        return error_refuse(error, "rdma", "%s has neither hcaHandles nor hcaObjects",
                                            devices[i].name);
        }
        return 0;
}

static int check_devices(const struct oci_array *given, struct error *error) {
        const struct oci_device *devices = given->items;

        for (size_t i = 0; i < given->count; i++) {
                const struct oci_device *rule = &devices[i];

                if (rule->type && strcmp(rule->type, "a") != 0 && strcmp(rule->type, "b") != 0 &&
                    strcmp(rule->type, "c") != 0)
                        return refuse_element(error, "devices", i, "type", "neither a, b nor c");
                if (rule->access && strspn(rule->access, "rwm") != strlen(rule->access))
                        return refuse_element(error, "devices", i, "access", "other letters than r, w and m");
                /* The kernel's "a" is all devices and all access: a narrower one would be widened. */
                if ((!rule->type || rule->type[0] == 'a') && ((rule->major.given && rule->major.value >= 0) ||
                                                              (rule->minor.given && rule->minor.value >= 0)))
                        return refuse_element(error, "devices", i, "type",
                                              "\"a\" is all devices, without numbers");
                if ((!rule->type || rule->type[0] == 'a') && rule->access &&
                    oci_device_access(rule) != OCI_DEVICE_ALL)
                        return refuse_element(error, "devices", i, "access", "\"a\" is all devices with rwm");
        }
        return 0;
}

unsigned oci_device_access(const struct oci_device *rule) {
        const char *text = rule->access ? rule->access : "rwm";

        return (strchr(text, 'r') ? OCI_DEVICE_READ : 0U) | (strchr(text, 'w') ? OCI_DEVICE_WRITE : 0U) |
               (strchr(text, 'm') ? OCI_DEVICE_MKNOD : 0U);
}

/* "controller.param" without a slash. Of the core's files (cgroup.*) only limits are accepted: the others move processes
 * or belong to the hierarchy's owner. */
static bool is_unified_key(const char *key) {
        const char *dot = strchr(key, '.');

        if (!dot || dot == key || dot[1] == '\0' || strchr(key, '/') || !is_word(key) ||
            strlen(key) > UNIFIED_KEY_MAX)
                return false;
        return strncmp(key, "cgroup.", strlen("cgroup.")) != 0 || strcmp(key, "cgroup.max.depth") == 0 ||
               strcmp(key, "cgroup.max.descendants") == 0;
}

static int check_unified(const struct oci_array *given, struct error *error) {
        const struct oci_unified *entries = given->items;

        for (size_t i = 0; i < given->count; i++) {
                char path[sizeof("unified.") + UNIFIED_KEY_MAX];

                if (!is_unified_key(entries[i].key))
                        return error_refuse(error, "unified", "\"%s\" is not a controller's file",
                                            entries[i].key);
                /* A value of line ends only writes nothing. */
                if (entries[i].value[strspn(entries[i].value, "\n")] == '\0') {
                        (void)snprintf(path, sizeof(path), "unified.%s", entries[i].key);
                        return error_refuse(error, path, "empty");
                }
        }
        return 0;
}

/* v1 shows "unlimited" as 2^63 - 1 rounded down to a page, and callers pass on the number that they read there. */
static bool is_unlimited(const struct oci_i64 *limit) {
        return limit->value < 0 || limit->value >= OCI_MEMORY_UNLIMITED;
}

static int check_swap(const struct oci_memory *given, struct error *error) {
        if (!given->swap.given || is_unlimited(&given->swap))
                return 0;
        if (!given->limit.given)
                return error_refuse(error, "memory.swap", "set without memory.limit");
        if (is_unlimited(&given->limit) || given->swap.value < given->limit.value)
                return error_refuse(error, "memory.swap",
                                    "%" PRId64 " (memory and swap together) is below memory.limit, %" PRId64,
                                    given->swap.value, given->limit.value);
        return 0;
}

static int check_each(const struct oci_resources *given, struct error *error) {
        int r;

        r = check_cpu(&given->cpu, error);
        if (r == 0)
                r = check_block_io(&given->block_io, error);
        if (r == 0)
                r = check_hugepages(&given->hugepages, error);
        if (r == 0)
                r = check_network(&given->network, error);
        if (r == 0)
                r = check_rdma(&given->rdma, error);
        if (r == 0)
                r = check_devices(&given->devices, error);
        return r < 0 ? r : check_unified(&given->unified, error);
}

int oci_resources_from_json(const json_t *object, struct oci_unknown *unknown, struct oci_resources **out,
                            struct error *error) {
        _cleanup_(oci_resources_freep) struct oci_resources *parsed = NULL;
        int r;

        if (!json_is_object(object))
                return error_refuse(error, "resources", "not a JSON object");
        parsed = calloc(1, sizeof(*parsed));
        if (!parsed)
                return error_oom(error);
        r = shape_read(&resources, object, parsed, unknown, error);
        if (r == 0)
                r = check_each(parsed, error);
        if (r < 0)
                return r;
        *out = TAKE(parsed);
        return 0;
}

json_t *oci_resources_to_json(const struct oci_resources *given) {
        return shape_write(&resources, given);
}

int oci_resources_check(const struct oci_resources *given, struct error *error) {
        return check_swap(&given->memory, error);
}

bool oci_resources_equal(const struct oci_resources *a, const struct oci_resources *b) {
        return shape_equal(&resources, a, b);
}

struct oci_resources *oci_resources_copy(const struct oci_resources *given) {
        _cleanup_(oci_resources_freep) struct oci_resources *copy = calloc(1, sizeof(*copy));

        return copy && shape_merge(&resources, copy, given) == 0 ? TAKE(copy) : NULL;
}

int oci_resources_merge(const struct oci_resources *base, const struct oci_resources *change,
                        struct oci_resources **out, struct error *error) {
        _cleanup_(oci_resources_freep) struct oci_resources *merged = oci_resources_copy(base);

        if (!merged || shape_merge(&resources, merged, change) < 0)
                return error_oom(error);
        *out = TAKE(merged);
        return 0;
}

int oci_resources_add_device(struct oci_resources *given, const struct oci_device *rule) {
        struct oci_array *devices = &given->devices;
        struct oci_device *larger = reallocarray(devices->items, devices->count + 1, sizeof(*larger));

        if (!larger)
                return -ENOMEM;
        devices->items = larger;
        larger[devices->count] = (struct oci_device){0};
        return shape_merge(&device, &larger[devices->count++], rule);
}

void oci_unknown_clear(struct oci_unknown *unknown) {
        for (size_t i = 0; i < unknown->count; i++)
                free(unknown->paths[i]);
        free(unknown->paths);
        *unknown = (struct oci_unknown){0};
}

/* The index of the entry for this file; the count if there is none. */
static size_t find_unified(const struct oci_array *unified, const char *key) {
        const struct oci_unified *entries = unified->items;
        size_t i = 0;

        while (i < unified->count && strcmp(entries[i].key, key) != 0)
                i++;
        return i;
}

bool oci_resources_has_unified(const struct oci_resources *given, const char *key) {
        return find_unified(&given->unified, key) < given->unified.count;
}

void oci_resources_drop_unified(struct oci_resources *parsed, const char *key) {
        struct oci_array *unified = &parsed->unified;
        struct oci_unified *entries = unified->items;
        size_t i = find_unified(unified, key);

        if (i == unified->count)
                return;
        free(entries[i].key);
        free(entries[i].value);
        memmove(&entries[i], &entries[i + 1], (--unified->count - i) * sizeof(*entries));
}
