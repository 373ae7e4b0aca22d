/* SPDX-License-Identifier: Apache-2.0 */
/*
 * unified: files of v2 by their own names
 *
 * Subtle: keys win over what other fields have come to, so the file and the property that they replace are
 * taken out of the plan. Keys that systemd has a property for become one, and what systemd would round is
 * written rounded; a key that is unknown here is written as it is.
 */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "plan/convert.h"
#include "plan/field_plans.h"
#include "util/cpulist.h"
#include "util/number.h"

#define DEFAULT_PERIOD_US UINT64_C(100000)
/* BFQ_MAX_WEIGHT of block/bfq-iosched.h, CGROUP_WEIGHT_MAX of include/linux/cgroup.h. */
#define BFQ_WEIGHT_MAX 1000U
#define IO_WEIGHT_MAX 10000U

/* The key of a file, whichever group it is of. */
static const char *key_of(const char *file) {
        size_t length = strlen(PLAN_VCPU_SUBTREE);

        return strncmp(file, PLAN_VCPU_SUBTREE, length) == 0 && file[length] == '/' ? file + length + 1 : file;
}

static void remove_matching(struct plan *plan, enum setting_kind kind, const char *name) {
        size_t kept = 0;

        for (size_t i = 0; i < plan->count; i++) {
                struct setting *setting = &plan->settings[i];
                const char *present = setting->kind == SETTING_PROPERTY ? setting->property
                                      : setting->file                   ? key_of(setting->file)
                                                                        : NULL;
                bool matches = setting->kind == kind && present && strcmp(present, name) == 0;

                /* The file that was meant where this one is missing goes with it. */
                if (kind == SETTING_FILE && setting->kind == SETTING_FILE && setting->fallback_file &&
                    strcmp(setting->fallback_file, name) == 0)
                        matches = true;
                if (matches)
                        setting_clear(setting);
                else
                        plan->settings[kept++] = *setting;
        }
        plan->count = kept;
}

static int replace_u64(struct builder *builder, const struct field_row *row, const char *property,
                       unsigned since, uint64_t value) {
        remove_matching(builder->plan, SETTING_PROPERTY, property);
        return builder_u64(builder, row, property, since, value);
}

/* A number or "max"; false where it is neither, which the kernel is then to say. */
static bool parse_limit(const char *text, uint64_t *out) {
        if (strcmp(text, "max") == 0) {
                *out = UINT64_MAX;
                return true;
        }
        return number_parse_u64(text, out) == 0;
}

static int cpuset_property(struct builder *builder, const struct field_row *row, const char *property,
                           const char *value) {
        uint8_t mask[CPULIST_LIMIT / 8];
        struct cpulist list;

        if (cpulist_parse(value, &list) < 0)
                return error_refuse(builder->error, row->path, "\"%s\" is not a list", value);
        remove_matching(builder->plan, SETTING_PROPERTY, property);
        return builder_bytes(builder, row, property, 244, mask, cpulist_to_mask(&list, mask));
}

/* Beyond what the kernel takes there is nothing to convert: it is to say so. */
static bool is_bandwidth(uint64_t quota, uint64_t period) {
        return quota > 0 && (quota <= OCI_CFS_RUNTIME_MAX || quota == UINT64_MAX) &&
               period >= OCI_CFS_PERIOD_MIN && period <= OCI_CFS_PERIOD_MAX;
}

/* "MAX" or "MAX PERIOD"; `*value` becomes what systemd keeps. */
static int cpu_max_property(struct builder *builder, const struct field_row *row, const char **value) {
        struct cpu_quota quota = {UINT64_MAX, UINT64_MAX, DEFAULT_PERIOD_US};
        _cleanup_free_ char *first = strndup(*value, strcspn(*value, " "));
        const char *blank = strchr(*value, ' ');
        uint64_t number;
        int r;

        if (!first)
                return error_oom(builder->error);
        if ((blank && number_parse_u64(blank + 1, &quota.period) < 0) || !parse_limit(first, &number) ||
            !is_bandwidth(number, quota.period))
                return 0;
        if (number == UINT64_MAX) {
                *value = builder_text(builder, "max %" PRIu64, DEFAULT_PERIOD_US);
        } else {
                quota = convert_quota_for_systemd(number, quota.period);
                *value = builder_text(builder, "%" PRIu64 " %" PRIu64, quota.quota, quota.period);
        }
        r = replace_u64(builder, row, "CPUQuotaPeriodUSec", 242, quota.period);
        return r < 0 ? r : replace_u64(builder, row, "CPUQuotaPerSecUSec", 0, quota.per_second);
}

static int io_weight_property(struct builder *builder, const struct field_row *row, const char *value,
                              bool bfq) {
        uint64_t weight;

        if (strncmp(value, "default ", strlen("default ")) == 0)
                value += strlen("default ");
        if (number_parse_u64(value, &weight) < 0 || weight == 0 ||
            weight > (bfq ? BFQ_WEIGHT_MAX : IO_WEIGHT_MAX))
                return 0;
        return replace_u64(builder, row, "IOWeight", 0, bfq ? convert_bfq_to_io_weight(weight) : weight);
}

/* Keys whose value is a number or "max", and that systemd keeps as it is. */
static const struct {
        const char *key, *property;
        unsigned since;
} limits[] = {
        {"memory.min", "MemoryMin", 0},
        {"memory.low", "MemoryLow", 0},
        {"memory.high", "MemoryHigh", 0},
        {"memory.max", "MemoryMax", 0},
        {"memory.swap.max", "MemorySwapMax", 0},
        {"memory.zswap.max", "MemoryZSwapMax", 253},
        {"pids.max", "TasksMax", 0},
        {"cpu.weight", "CPUWeight", 0},
};

/* What a group weighs among its siblings; with a group for the vCPUs, both have it. */
static bool is_weight(const char *key) {
        return strcmp(key, "cpu.weight") == 0 || strcmp(key, "cpu.weight.nice") == 0 ||
               strcmp(key, "cpu.idle") == 0;
}

/* The property that the key has, if any; may replace `*value` by what systemd makes of it. */
static int add_property(struct builder *builder, const struct field_row *row, const char *key,
                        enum controller controller, const char **value) {
        uint64_t number;

        if (!builder->facts->systemd || (builder_in_subtree(builder, controller) && !is_weight(key)))
                return 0;
        for (size_t i = 0; i < ARRAY_SIZE(limits); i++)
                if (strcmp(key, limits[i].key) == 0)
                        return parse_limit(*value, &number)
                                       ? replace_u64(builder, row, limits[i].property, limits[i].since, number)
                                       : 0;
        if (strcmp(key, "cpu.max") == 0)
                return cpu_max_property(builder, row, value);
        if (strcmp(key, "cpu.idle") == 0 && strcmp(*value, "1") == 0)
                return replace_u64(builder, row, "CPUWeight", 252, 0);
        if (strcmp(key, "cpuset.cpus") == 0)
                return cpuset_property(builder, row, "AllowedCPUs", *value);
        if (strcmp(key, "cpuset.mems") == 0)
                return cpuset_property(builder, row, "AllowedMemoryNodes", *value);
        if (strcmp(key, "io.weight") == 0 || strcmp(key, "io.bfq.weight") == 0)
                return io_weight_property(builder, row, *value, strcmp(key, "io.bfq.weight") == 0);
        return 0;
}

/* The controller of "memory.high"; the core's files ("cgroup.max.depth") need none. */
static int find_controller(struct builder *builder, const struct field_row *row, const char *key,
                           enum controller *out) {
        _cleanup_free_ char *name = strndup(key, strcspn(key, "."));
        int controller;

        if (!name)
                return error_oom(builder->error);
        *out = CONTROLLER_COUNT;
        if (strcmp(name, "cgroup") == 0)
                return 0;
        controller = strcmp(name, "blkio") == 0 ? -1 : controller_from_name(name);
        if (controller < 0 || builder->facts->controllers[controller] != CGROUP_V2)
                return error_fail(builder->error, 0, "%s.%s: this host has no controller %s", row->path, key,
                                  name);
        *out = (enum controller)controller;
        return 0;
}

/* Files that hold a line for each device take several, one a write. */
static bool is_keyed(const char *key) {
        static const char *const keyed[] = {"io.max",        "io.weight", "io.bfq.weight", "io.latency",
                                            "io.prio.class", "rdma.max",  "misc.max",      "dmem.max",
                                            "dmem.min",      "dmem.low"};

        for (size_t i = 0; i < ARRAY_SIZE(keyed); i++)
                if (strcmp(key, keyed[i]) == 0)
                        return true;
        return false;
}

static int add_line(struct builder *builder, const char *field, enum controller controller, const char *key,
                    const char *value, unsigned flags) {
        const struct setting setting = {
                .kind = SETTING_FILE,
                .field = field,
                .controller = controller,
                .version = CGROUP_V2,
                .file = builder_text(builder, "%s", key),
                .value = value,
                .flags = flags,
        };

        return field ? builder_add(builder, &setting) : error_oom(builder->error);
}

static int add_lines(struct builder *builder, const struct field_row *row, enum controller controller,
                     const char *key, const char *value) {
        const char *field = builder_text(builder, "%s.%s", row->path, key);
        int r = 0;

        if (is_weight(key) && builder_in_subtree(builder, controller))
                r = add_line(builder, field, controller, key, builder_text(builder, "%s", value),
                             SETTING_OF_SANDBOX);
        if (r < 0)
                return r;
        if (!is_keyed(key))
                return add_line(builder, field, controller, key, builder_text(builder, "%s", value), 0);
        while (r == 0 && *value) {
                size_t length = strcspn(value, "\n");
                bool plain = memchr(value, ' ', length) == NULL;

                if (length > 0)
                        r = add_line(
                                builder, field, controller, key,
                                builder_text(builder, "%s%.*s", plain ? "default " : "", (int)length, value),
                                SETTING_KEYED);
                value += length + (value[length] == '\n');
        }
        return r;
}

int plan_unified(struct builder *builder, const struct field_row *row) {
        const struct oci_unified *entries = builder->resources->unified.items;

        for (size_t i = 0; i < builder->resources->unified.count; i++) {
                const char *value = entries[i].value;
                enum controller controller;
                int r;

                if (builder->facts->version != CGROUP_V2)
                        return error_refuse(builder->error, row->path, "cgroup v1 has no unified files");
                r = find_controller(builder, row, entries[i].key, &controller);
                if (r == 0)
                        r = add_property(builder, row, entries[i].key, controller, &value);
                if (r == 0 && !value)
                        r = error_oom(builder->error);
                if (r < 0)
                        return r;
                remove_matching(builder->plan, SETTING_FILE, entries[i].key);
                r = add_lines(builder, row, controller, entries[i].key, value);
                if (r < 0)
                        return r;
        }
        return 0;
}
