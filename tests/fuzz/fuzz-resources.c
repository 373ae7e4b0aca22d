/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Resources to the plan of every kind of host
 *
 * The input is a LinuxResources document; what follows a line "---" is a change of it. For each host there is the
 * first plan, and the plan of the change as far as it differs. What is carried out in the end has to be what a
 * new sandbox with the changed resources would have got.
 */
#include "fuzz.h"

#include <inttypes.h>

#include "plan/plan.h"

#define ALL(version_)                                                                                          \
        .controllers = {[CONTROLLER_CPU] = (version_),                                                         \
                        [CONTROLLER_CPUSET] = (version_),                                                      \
                        [CONTROLLER_MEMORY] = (version_),                                                      \
                        [CONTROLLER_PIDS] = (version_),                                                        \
                        [CONTROLLER_IO] = (version_),                                                          \
                        [CONTROLLER_HUGETLB] = (version_),                                                     \
                        [CONTROLLER_RDMA] = (version_),                                                        \
                        [CONTROLLER_MISC] = (version_),                                                        \
                        [CONTROLLER_DEVICES] = (version_),                                                     \
                        [CONTROLLER_NET_CLS] = (version_) == CGROUP_V1 ? CGROUP_V1 : CGROUP_ABSENT,            \
                        [CONTROLLER_NET_PRIO] = (version_) == CGROUP_V1 ? CGROUP_V1 : CGROUP_ABSENT},          \
        .version = (version_), .hugepage_sizes = "2MB 1GB", .has_unified = (version_) == CGROUP_V2

static const struct plan_facts hosts[] = {
        {ALL(CGROUP_V1)},
        {ALL(CGROUP_V2)},
        {ALL(CGROUP_V1), .systemd = true, .systemd_version = 252},
        {ALL(CGROUP_V2), .systemd = true, .systemd_version = 257},
        {ALL(CGROUP_V2), .systemd = true, .systemd_version = 241, .bfq = true},
        {ALL(CGROUP_V2), .vcpu_subtree = true},
        {ALL(CGROUP_V2), .systemd = true, .systemd_version = 257, .vcpu_subtree = true},
        /* Debian 13 booted as hybrid, and as v1. */
        {.controllers = {[CONTROLLER_CPU] = CGROUP_V1,
                         [CONTROLLER_CPUSET] = CGROUP_V2,
                         [CONTROLLER_MEMORY] = CGROUP_V2,
                         [CONTROLLER_PIDS] = CGROUP_V1},
         .version = CGROUP_V1,
         .systemd = true,
         .systemd_version = 257,
         .has_unified = true},
        {.controllers = {[CONTROLLER_CPU] = CGROUP_V1, [CONTROLLER_PIDS] = CGROUP_V1}, .version = CGROUP_V1},
};

static bool is_word(const char *text) {
        return text[0] != '\0' && fuzz_is_one_line(text) && !strchr(text, ' ');
}

/* Without the name of the vCPUs' group. */
static const char *file_of(const struct plan_facts *facts, const struct setting_file *file) {
        static const char group[] = PLAN_VCPU_SUBTREE "/";
        bool in_group = strncmp(file->name, group, strlen(group)) == 0;

        CHECK(!in_group || (facts->vcpu_subtree && (file->flags & FILE_OF_SANDBOX) == 0));
        return in_group ? file->name + strlen(group) : file->name;
}

static bool is_unified(const struct setting *setting) {
        return strncmp(setting->field, "unified", strlen("unified")) == 0;
}

static void check_file(const struct plan_facts *facts, const struct setting *setting) {
        const struct setting_file *file = &setting->file;
        const char *name = file_of(facts, file);

        CHECK(is_word(name) && strchr(name, '.') && !strchr(name, '/') && strlen(name) < 256);
        CHECK(file->value && file->value[0] != '\0');
        CHECK(is_unified(setting) || fuzz_is_one_line(file->value));
        CHECK(file->controller == CONTROLLER_COUNT || file->version == facts->controllers[file->controller]);
        if ((file->flags & FILE_KEYED) != 0)
                CHECK(!strchr(file->value, '\n'));
}

static void check_property(const struct plan_facts *facts, const struct setting *setting) {
        const struct property *property = &setting->property;

        CHECK(facts->systemd && property->name);
        CHECK(property->type != PROPERTY_BYTES || (property->bytes.items && facts->systemd_version >= 244));
        CHECK(property->type != PROPERTY_TEXT || property->text);
        if (property->type != PROPERTY_RATES && property->type != PROPERTY_ACCESSES)
                return;
        for (size_t i = 0; i < property->pairs.count; i++) {
                const struct property_pair *pair = &property->pairs.items[i];

                CHECK(pair->path && is_word(pair->path));
                CHECK(property->type == PROPERTY_RATES || pair->access[0] != '\0');
        }
}

/* The last setting of what `wanted` sets: the one that counts. */
static const struct setting *find_last(const struct plan *plan, const struct setting *wanted) {
        for (size_t i = plan->count; i > 0; i--)
                if (setting_same_target(&plan->settings[i - 1], wanted))
                        return &plan->settings[i - 1];
        return NULL;
}

static const struct setting *find_property(const struct plan *plan, const char *name) {
        const struct setting wanted = {.kind = SETTING_PROPERTY, .property = {.name = name}};

        return find_last(plan, &wanted);
}

/* "QUOTA PERIOD" as it would be printed, within what the kernel takes (which wants at least a ms of both). */
static bool parse_bandwidth(const char *text, uint64_t *quota, uint64_t *period) {
        char printed[64];

        if (sscanf(text, "%" SCNu64 " %" SCNu64, quota, period) != 2)
                return false;
        (void)snprintf(printed, sizeof(printed), "%" PRIu64 " %" PRIu64, *quota, *period);
        return strcmp(printed, text) == 0 && *quota >= OCI_CFS_PERIOD_MIN && *quota <= OCI_CFS_RUNTIME_MAX &&
               *period >= OCI_CFS_PERIOD_MIN && *period <= OCI_CFS_PERIOD_MAX;
}

/* File and property say the same: cgroup_apply_unified_cpu_quota() of systemd's src/core/cgroup.c. */
static void check_bandwidth(const struct plan *plan) {
        const struct setting *per_second = find_property(plan, "CPUQuotaPerSecUSec");
        const struct setting file = {.kind = SETTING_FILE, .file = {.name = "cpu.max", .value = ""}};
        const struct setting *max = find_last(plan, &file);
        uint64_t quota, period, wanted;

        if (!per_second || !max || !parse_bandwidth(max->file.value, &quota, &period))
                return;
        CHECK(per_second->property.number != UINT64_MAX);
        wanted = per_second->property.number * period / 1000000;
        CHECK(quota == (wanted < 1000 ? 1000 : wanted));
}

/* Entries that another one may stand for, or that have no line. */
static bool may_be_missing(const struct plan_facts *facts, const struct oci_unified *entry) {
        return strncmp(entry->key, "io.", 3) == 0 ||
               strncmp(entry->key, "cpu.weight", strlen("cpu.weight")) == 0 ||
               strspn(entry->value, " \t\n\v\f\r") == strlen(entry->value) || strstr(entry->value, "max") ||
               facts->version == CGROUP_V1;
}

/* Every file of `unified` is written, and a quota is rounded up, never down. */
static void check_unified(const struct plan_facts *facts, const struct oci_resources *resources,
                          const struct plan *plan) {
        const struct setting *per_second = find_property(plan, "CPUQuotaPerSecUSec");
        const struct oci_unified *entries = resources->unified.items;

        for (size_t i = 0; i < resources->unified.count; i++) {
                uint64_t quota, period;
                bool found = false;

                for (size_t k = 0; k < plan->count; k++)
                        found = found || (plan->settings[k].kind == SETTING_FILE &&
                                          strcmp(file_of(facts, &plan->settings[k].file), entries[i].key) == 0);
                CHECK(found || may_be_missing(facts, &entries[i]));
                if (strcmp(entries[i].key, "cpu.max") == 0 && per_second && is_unified(per_second) &&
                    sscanf(entries[i].value, "%" SCNu64 " %" SCNu64, &quota, &period) == 2)
                        CHECK((__uint128_t)per_second->property.number * period >=
                              (__uint128_t)quota * 1000000);
        }
}

static size_t value_count(const struct property *property) {
        return property->type == PROPERTY_BYTES ? property->bytes.count : property->pairs.count;
}

static void check_json(const struct plan *plan) {
        _cleanup_json_ json_t *array = plan_to_json(plan);
        size_t i = 0;

        CHECK(json_array_size(array) == plan_changes(plan));
        for (size_t k = 0; k < plan->count; k++) {
                const json_t *entry, *value;

                if (plan->settings[k].unchanged)
                        continue;
                entry = json_array_get(array, i++);
                value = json_object_get(entry, "value");
                CHECK(json_object_get(entry, "field"));
                CHECK(!json_is_integer(value) || json_integer_value(value) >= 0);
                CHECK(!json_is_array(value) ||
                      json_array_size(value) == value_count(&plan->settings[k].property));
        }
}

static void check_plan(const struct plan_facts *facts, const struct plan *plan) {
        for (size_t i = 0; i < plan->count; i++) {
                const struct setting *setting = &plan->settings[i];

                CHECK(setting->field && (i == 0 || plan->settings[i - 1].kind <= setting->kind));
                if (setting->kind == SETTING_FILE)
                        check_file(facts, setting);
                else if (setting->kind == SETTING_PROPERTY)
                        check_property(facts, setting);
                /* Only lines of the same file may come one after the other. */
                if (setting->kind != SETTING_FILE || (setting->file.flags & FILE_KEYED) == 0)
                        CHECK(find_last(plan, setting) == setting);
        }
        for (size_t i = 0; i < plan->warning_count; i++)
                CHECK(plan->warnings[i] && fuzz_is_one_line(plan->warnings[i]));
        check_bandwidth(plan);
}

static struct plan *make(const struct plan_facts *facts, const struct oci_resources *resources,
                         const struct oci_resources *before) {
        _cleanup_error_ struct error error = ERROR_INIT;
        struct plan *plan = NULL;
        int r = plan_new(resources, before, facts, &plan, &error);

        fuzz_check_error(r, &error);
        CHECK((r == 0) == (plan != NULL));
        return plan;
}

static void compare(struct plan *plan, const struct plan *before) {
        _cleanup_error_ struct error error = ERROR_INIT;

        CHECK(plan_compare(plan, before, &error) == 0);
}

static void check_unchanged(const struct plan_facts *facts, const struct oci_resources *resources,
                            const struct plan *plan) {
        _cleanup_(plan_freep) struct plan *again = make(facts, resources, resources);

        CHECK(again);
        compare(again, plan);
        CHECK(plan_changes(again) == 0);
}

/* After the first plan and the difference there is what the whole second plan would have made. */
static void check_difference(const struct plan *first, const struct plan *second,
                             const struct plan *difference) {
        check_json(first);
        check_json(second);
        check_json(difference);
        for (size_t i = 0; i < second->count; i++) {
                const struct setting *setting = &second->settings[i];
                const struct setting *changed = find_last(difference, setting),
                                     *kept = find_last(first, setting);

                if (find_last(second, setting) != setting)
                        continue;
                CHECK(changed && setting_equal(changed, setting));
                CHECK(!changed->unchanged || (kept && setting_equal(kept, setting)));
        }
        for (size_t i = 0; i < first->count; i++) {
                const struct setting *former = find_last(first, &first->settings[i]);
                const struct setting *reset = find_last(difference, former);

                /* What nobody names any more is taken back, unless it was set to just that. */
                if (former->kind == SETTING_FILE && former->file.reset && !find_last(second, former))
                        CHECK(strcmp((reset ? reset : former)->file.value, former->file.reset) == 0);
        }
}

/* What a later document sets, unified of an earlier one does not set any more. */
static void check_drop(const struct plan_facts *facts, const struct oci_resources *resources,
                       const struct plan *later) {
        _cleanup_(oci_resources_freep) struct oci_resources *former = oci_resources_copy(resources);
        const struct oci_unified *entries;

        CHECK(former);
        plan_drop_unified(former, later);
        entries = former->unified.items;
        CHECK(former->unified.count <= resources->unified.count);
        for (size_t i = 0; i < later->count; i++)
                for (size_t k = 0; k < former->unified.count; k++)
                        CHECK(later->settings[i].kind != SETTING_FILE ||
                              (later->settings[i].file.flags & FILE_KEYED) != 0 ||
                              strcmp(file_of(facts, &later->settings[i].file), entries[k].key) != 0);
}

static uint64_t limit_of(const struct oci_i64 *limit) {
        return limit->given && limit->value >= 0 && limit->value < OCI_MEMORY_UNLIMITED ? (uint64_t)limit->value
                                                                                        : UINT64_MAX;
}

/* v1 takes no memory limit above the one of memory and swap, after any single write. */
static void check_memory_order(const struct plan *plan, const struct oci_resources *before) {
        uint64_t limit = limit_of(&before->memory.limit), both = limit_of(&before->memory.swap);

        for (size_t i = 0; i < plan->count; i++) {
                const struct setting *setting = &plan->settings[i];
                uint64_t *held = setting->kind != SETTING_FILE                                    ? NULL
                                 : strcmp(setting->file.name, "memory.limit_in_bytes") == 0       ? &limit
                                 : strcmp(setting->file.name, "memory.memsw.limit_in_bytes") == 0 ? &both
                                                                                                  : NULL;

                if (held)
                        *held = setting->file.value[0] == '-' ? UINT64_MAX
                                                              : strtoull(setting->file.value, NULL, 10);
                CHECK(limit <= both);
        }
}

static void check_host(const struct plan_facts *facts, const struct oci_resources *resources,
                       const struct oci_resources *changed) {
        _cleanup_(plan_freep) struct plan *first = make(facts, resources, NULL), *second = NULL,
                                          *difference = NULL;

        if (!first)
                return;
        check_plan(facts, first);
        check_unified(facts, resources, first);
        check_json(first);
        check_drop(facts, resources, first);
        check_unchanged(facts, resources, first);
        if (!changed)
                return;
        second = make(facts, changed, resources);
        if (!second)
                return;
        check_plan(facts, second);
        check_memory_order(second, resources);
        difference = make(facts, changed, resources);
        CHECK(difference);
        compare(difference, first);
        check_memory_order(difference, resources);
        check_difference(first, second, difference);
}

static struct oci_resources *parse_text(const char *text, size_t size, struct oci_unknown *unknown) {
        _cleanup_error_ struct error error = ERROR_INIT;
        struct oci_resources *resources = NULL;
        int r = oci_resources_parse(&(struct oci_text){text, text, size}, NULL, unknown, &resources, &error);

        fuzz_check_error(r, &error);
        CHECK((r == 0) == (resources != NULL));
        return resources;
}

/* What is written is read again as it was, and in one form only. */
static void check_written(const struct oci_resources *resources) {
        _cleanup_(oci_resources_freep) struct oci_resources *copy = oci_resources_copy(resources),
                                                            *again = NULL;
        _cleanup_json_ json_t *written = oci_resources_to_json(resources), *rewritten = NULL;

        CHECK(copy && written && oci_resources_equal(resources, copy));
        CHECK(oci_resources_from_json(written, NULL, &again, NULL) == 0 &&
              oci_resources_equal(resources, again));
        rewritten = oci_resources_to_json(again);
        CHECK(rewritten && json_equal(written, rewritten));
}

/* What is strictly read is read leniently to the same, and nothing is unknown; and the other way round. */
static struct oci_resources *parse(const char *text, size_t size) {
        struct oci_unknown unknown = {0};
        struct oci_resources *resources = parse_text(text, size, &unknown);
        _cleanup_(oci_resources_freep) struct oci_resources *strict = parse_text(text, size, NULL);

        CHECK(!strict || (resources && oci_resources_equal(strict, resources)));
        CHECK(!resources || (strict != NULL) == (unknown.count == 0));
        for (size_t i = 0; i < unknown.count; i++)
                CHECK(unknown.paths[i]);
        oci_unknown_clear(&unknown);
        if (resources)
                check_written(resources);
        return resources;
}

/* The changed resources, where the change is one; each field of them by itself is in order then. */
static struct oci_resources *merge(const struct oci_resources *base, const char *text) {
        _cleanup_(oci_resources_freep) struct oci_resources *change = parse(text, strlen(text)), *merged = NULL,
                                                            *again = NULL;
        _cleanup_error_ struct error error = ERROR_INIT;
        int r;

        if (!change)
                return NULL;
        CHECK(oci_resources_merge(base, change, &merged, NULL) == 0);
        CHECK(oci_resources_merge(merged, change, &again, NULL) == 0 && oci_resources_equal(merged, again));
        check_written(merged);
        r = oci_resources_check(merged, &error);
        fuzz_check_error(r, &error);
        return r == 0 ? TAKE(merged) : NULL;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
        _cleanup_free_ char *text = fuzz_text(data, size);
        _cleanup_(oci_resources_freep) struct oci_resources *resources = NULL, *changed = NULL;
        const char *change;

        /* With all its bytes, be they NUL. */
        oci_resources_free(parse((const char *)data, size));
        change = fuzz_split(text);
        resources = parse(text, strlen(text));
        if (!resources || oci_resources_check(resources, NULL) < 0)
                return 0;
        changed = change ? merge(resources, change) : NULL;
        for (size_t i = 0; i < ARRAY_SIZE(hosts); i++)
                check_host(&hosts[i], resources, changed);
        return 0;
}
