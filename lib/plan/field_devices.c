/* SPDX-License-Identifier: Apache-2.0 */
/*
 * devices
 *
 * Subtle: the group's own filter expresses the rules exactly, on v1 and on v2. systemd gets the same as DevicePolicy and
 * DeviceAllow if these can express it, otherwise all devices. On v2 both apply, and a device may be used if both allow it. So
 * while an update changes first one and then the other, a device that the old or the new rules forbid is never allowed, and one
 * that both allow stays allowed.
 */
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>

#include "plan/field_plans.h"

/* "/dev/char/1:3", "char-136", "char-*": systemd.resource-control(5). NULL if it has no form for the rule. */
static const char *systemd_name(struct builder *builder, const struct device_rule *rule, bool *expressible) {
        const char *kind = rule->type == 'b' ? "block" : "char";

        *expressible = rule->major >= 0 || rule->minor < 0;
        if (rule->major < 0)
                return builder_text(builder, "%s-*", kind);
        if (rule->minor < 0)
                return builder_text(builder, "%s-%" PRId64, kind, rule->major);
        return builder_text(builder, "/dev/%s/%" PRId64 ":%" PRId64, kind, rule->major, rule->minor);
}

static const char *access_text(struct builder *builder, unsigned access) {
        char text[DEVICE_ACCESS_SIZE];

        device_access_text(access, text);
        return builder_text(builder, "%s", text);
}

/* All devices, in systemd's form. */
static int set_all(struct builder *builder, struct property_pair *pairs, size_t *count) {
        pairs[0] = (struct property_pair){.path = builder_text(builder, "char-*"),
                                          .access = access_text(builder, OCI_DEVICE_ALL)};
        pairs[1] = (struct property_pair){.path = builder_text(builder, "block-*"),
                                          .access = access_text(builder, OCI_DEVICE_ALL)};
        *count = 2;
        return pairs[0].path && pairs[0].access && pairs[1].path && pairs[1].access ? 0
                                                                                    : error_oom(builder->error);
}

/* DeviceAllow for the exceptions from a default to deny; all devices if it cannot express them. */
static int set_pairs(struct builder *builder, const struct device_filter *exceptions,
                     struct property_pair *pairs, size_t *count) {
        bool expressible = exceptions && !exceptions->allow;

        for (size_t i = 0; expressible && i < exceptions->count; i++) {
                pairs[i].path = systemd_name(builder, &exceptions->rules[i], &expressible);
                pairs[i].access = access_text(builder, exceptions->rules[i].access);
                if (!pairs[i].path || !pairs[i].access)
                        return error_oom(builder->error);
        }
        if (!expressible)
                return set_all(builder, pairs, count);
        *count = exceptions->count;
        return 0;
}

/*
 * The policy is always strict. If a unit goes back to "auto", systemd does not remove its filter (unit_update_cgroup() applies
 * only what the unit needs, and then it needs no filter): it leaves the last filter in force on v2, and moves the unit out of
 * v1's devices hierarchy.
 */
static int add_properties(struct builder *builder, const struct field_row *row,
                          const struct device_filter *exceptions) {
        static const struct field_property policy = {.name = "DevicePolicy"};
        struct property_pair *pairs;
        size_t count = 0;
        int r;

        if (!builder->facts->systemd)
                return 0;
        pairs = calloc((exceptions ? exceptions->count : 0) + 2, sizeof(*pairs));
        if (!pairs)
                return error_oom(builder->error);
        r = set_pairs(builder, exceptions, pairs, &count);
        if (r == 0)
                r = builder_property_text(builder, row->path, &policy, "strict");
        if (r < 0) {
                free(pairs);
                return r;
        }
        return builder_property_pairs(builder, row->path, builder_row_property(builder, row), PROPERTY_ACCESSES,
                                      pairs, count);
}

/* Owns the filter in every case. */
static int add_filter(struct builder *builder, const struct field_row *row, enum cgroup_version version,
                      struct device_filter *filter) {
        const struct setting setting = {
                .kind = SETTING_DEVICES, .field = row->path, .devices = {.version = version, .filter = filter}};

        return plan_add(builder->plan, &setting) < 0 ? error_oom(builder->error) : 0;
}

/* Without rules nothing is restricted. */
int plan_devices(struct builder *builder, const struct field_row *row) {
        _cleanup_(device_filter_freep) struct device_filter *filter = NULL, *exceptions = NULL;
        enum cgroup_version version = builder->facts->controllers[CONTROLLER_DEVICES];
        int r;

        if (builder->resources->devices.count == 0)
                return 0;
        /* v2 has no such controller but uses programs, which the kernel always supports. */
        if (version == CGROUP_ABSENT)
                version = builder->facts->has_unified ? CGROUP_V2 : CGROUP_ABSENT;
        if (version == CGROUP_ABSENT)
                return builder_version(builder, row, &version);
        filter = device_filter_new(&builder->resources->devices);
        if (!filter)
                return error_oom(builder->error);
        r = device_filter_exceptions(filter, &exceptions);
        if (r == -ENOMEM)
                return error_oom(builder->error);
        if (r < 0 && version == CGROUP_V1)
                return error_refuse(builder->error, row->path,
                                    "a rule takes a part out of a wider one, which cgroup v1 cannot express");
        r = add_properties(builder, row, exceptions);
        return r < 0 ? r : add_filter(builder, row, version, TAKE(filter));
}
