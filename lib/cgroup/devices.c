/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Devices
 *
 * v1 has a default and exceptions from it. Between two lists with the same default, allowed devices are
 * written first and denied devices second: a device that both lists deny is never allowed, and one that
 * both allow stays allowed. A change of the default empties the list (devcgroup_update_access() of
 * security/device_cgroup.c), so the group's processes are frozen for that moment, unless the caller is one
 * of them. A new group has no processes.
 *
 * Subtle: while the default is to allow, devices.list does not show the exceptions. They are known only from
 * the former plan, which the setting contains.
 */
#include "cgroup/devices.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cgroup/bpf.h"
#include "cgroup/freezer.h"
#include "util/number.h"

#define RULE_TEXT_SIZE (sizeof("c 4294967295:4294967295 rwm") + 2)

static int fail_file(const struct cgroup *cgroup, const char *file, int r, struct error *error) {
        return error_fail(error, -r, "devices: %s/%s/%s",
                          cgroup->host->controllers[CONTROLLER_DEVICES]->mount_point, cgroup->path, file);
}

/* "c 1:3 rwm", with * for any number. */
static int parse_rule(const char *line, struct device_rule *out) {
        char type, major[16], minor[16], access[8];
        uint32_t number;

        if (sscanf(line, "%c %15[0-9*]:%15[0-9*] %7[rwm]", &type, major, minor, access) != 4 ||
            !strchr("abc", type))
                return -EINVAL;
        *out = (struct device_rule){.allow = true, .type = type, .major = -1, .minor = -1};
        if (strcmp(major, "*") != 0) {
                if (number_parse_u32(major, &number) < 0)
                        return -EINVAL;
                out->major = number;
        }
        if (strcmp(minor, "*") != 0) {
                if (number_parse_u32(minor, &number) < 0)
                        return -EINVAL;
                out->minor = number;
        }
        out->access = (strchr(access, 'r') ? OCI_DEVICE_READ : 0U) |
                      (strchr(access, 'w') ? OCI_DEVICE_WRITE : 0U) |
                      (strchr(access, 'm') ? OCI_DEVICE_MKNOD : 0U);
        return 0;
}

static int add_rule(struct device_filter *filter, const struct device_rule *rule) {
        struct device_rule *larger = reallocarray(filter->rules, filter->count + 1, sizeof(*larger));

        if (!larger)
                return -ENOMEM;
        filter->rules = larger;
        filter->rules[filter->count++] = *rule;
        return 0;
}

struct device_filter *devices_parse_list(const char *text) {
        _cleanup_(device_filter_freep) struct device_filter *filter = calloc(1, sizeof(*filter));
        _cleanup_free_ char *copy = strdup(text);
        char *rest, *line;

        if (!filter || !copy)
                return NULL;
        for (rest = copy; (line = strsep(&rest, "\n"));) {
                struct device_rule rule;

                if (line[0] == '\0' || parse_rule(line, &rule) < 0)
                        continue;
                if (rule.type == 'a')
                        filter->allow = true;
                else if (add_rule(filter, &rule) < 0)
                        return NULL;
        }
        return TAKE(filter);
}

static int read_list(struct cgroup *cgroup, const struct hierarchy *hierarchy, struct device_filter **out,
                     struct error *error) {
        _cleanup_free_ char *text = NULL;
        struct device_filter *filter;
        int r;

        r = cgroup_read(cgroup, hierarchy, "devices.list", &text);
        if (r < 0)
                return fail_file(cgroup, "devices.list", r, error);
        filter = devices_parse_list(text);
        if (!filter)
                return error_oom(error);
        *out = filter;
        return 0;
}

static void rule_text(const struct device_rule *rule, unsigned access, char out[static RULE_TEXT_SIZE]) {
        char major[12] = "*", minor[12] = "*", letters[DEVICE_ACCESS_SIZE];

        if (rule->major >= 0)
                (void)snprintf(major, sizeof(major), "%u", (unsigned)rule->major);
        if (rule->minor >= 0)
                (void)snprintf(minor, sizeof(minor), "%u", (unsigned)rule->minor);
        device_access_text(access, letters);
        (void)snprintf(out, RULE_TEXT_SIZE, "%c %s:%s %s", rule->type, major, minor, letters);
}

static int write_file(struct cgroup *cgroup, const struct hierarchy *hierarchy, const char *file,
                      const char *value, struct error *error) {
        int r = cgroup_write(cgroup, hierarchy, file, value);

        if (r == -EPERM)
                return error_fail(error, EPERM, "devices: \"%s\" in %s of %s/%s: the parent does not allow it",
                                  value, file, hierarchy->mount_point, cgroup->path);
        return r < 0 ? fail_file(cgroup, file, r, error) : 0;
}

/* The accesses that the list has for exactly these devices. */
static unsigned access_in(const struct device_filter *filter, const struct device_rule *rule) {
        for (size_t i = 0; filter && i < filter->count; i++)
                if (device_rule_includes(&filter->rules[i], rule) &&
                    device_rule_includes(rule, &filter->rules[i]))
                        return filter->rules[i].access;
        return 0;
}

/* Writes the accesses of the exceptions, without those that `but` has. */
static int write_exceptions(struct cgroup *cgroup, const struct hierarchy *hierarchy, const char *file,
                            const struct device_filter *exceptions, const struct device_filter *but,
                            struct error *error) {
        for (size_t i = 0; exceptions && i < exceptions->count; i++) {
                unsigned access = exceptions->rules[i].access & ~access_in(but, &exceptions->rules[i]);
                char text[RULE_TEXT_SIZE];
                int r;

                if (access == 0)
                        continue;
                rule_text(&exceptions->rules[i], access, text);
                r = write_file(cgroup, hierarchy, file, text, error);
                if (r < 0)
                        return r;
        }
        return 0;
}

/* With the same default: allow first, then deny. In a list of denials the roles are reversed. `unsettled`: the present
 * exceptions are uncertain, so all wanted ones are written. */
static int change_exceptions(struct cgroup *cgroup, const struct hierarchy *hierarchy,
                             const struct device_filter *present, const struct device_filter *wanted,
                             bool unsettled, struct error *error) {
        int r;

        if (unsettled && wanted->allow) {
                r = write_exceptions(cgroup, hierarchy, "devices.allow", present, wanted, error);
                return r < 0 ? r : write_exceptions(cgroup, hierarchy, "devices.deny", wanted, NULL, error);
        }

        r = write_exceptions(cgroup, hierarchy, "devices.allow", wanted->allow ? present : wanted,
                             wanted->allow ? wanted : present, error);
        return r < 0 ? r
                     : write_exceptions(cgroup, hierarchy, "devices.deny", wanted->allow ? wanted : present,
                                        wanted->allow ? present : wanted, error);
}

/* Writes the other default, then its exceptions. */
static int change_default(struct cgroup *cgroup, const struct hierarchy *hierarchy,
                          const struct device_filter *wanted, struct error *error) {
        const char *file = wanted->allow ? "devices.deny" : "devices.allow";
        struct freezing freezing;
        int r, thawed;

        r = freezer_freeze(cgroup, &freezing, error);
        if (r == 0)
                r = write_file(cgroup, hierarchy, wanted->allow ? "devices.allow" : "devices.deny", "a", error);
        if (r == 0)
                r = write_exceptions(cgroup, hierarchy, file, wanted, NULL, error);
        thawed = freezer_thaw(cgroup, &freezing, r < 0 ? NULL : error);
        return r < 0 ? r : thawed;
}

static int change_list(struct cgroup *cgroup, const struct hierarchy *hierarchy,
                       const struct device_filter *present, const struct device_filter *wanted, bool unsettled,
                       struct error *error) {
        if (present->allow != wanted->allow)
                return change_default(cgroup, hierarchy, wanted, error);
        return change_exceptions(cgroup, hierarchy, present, wanted, unsettled, error);
}

struct former_list {
        struct cgroup *cgroup; /* outlives the journal */
        const struct hierarchy *hierarchy;
        struct device_filter *present, *wanted;
};

static void former_list_free(void *change) {
        struct former_list *former = change;

        device_filter_free(former->present);
        device_filter_free(former->wanted);
        free(former);
}

/* Restores the former list from the wanted one, or from the part of it that was written. */
static int former_list_undo(void *change, struct error *error) {
        struct former_list *former = change;
        _cleanup_(device_filter_freep) struct device_filter *held = NULL;
        int r;

        r = read_list(former->cgroup, former->hierarchy, &held, error);
        if (r < 0)
                return r;
        return change_list(former->cgroup, former->hierarchy, held->allow ? former->wanted : held,
                           former->present, false, error);
}

static int record_list(struct cgroup *cgroup, const struct hierarchy *hierarchy, struct device_filter *present,
                       struct device_filter *wanted, struct journal *journal, struct error *error) {
        struct former_list *former = calloc(1, sizeof(*former));

        if (!former) {
                device_filter_free(present);
                device_filter_free(wanted);
                return error_oom(error);
        }
        *former = (struct former_list){cgroup, hierarchy, present, wanted};
        return journal_add(journal, former_list_undo, former_list_free, former, error);
}

/* NULL means any device: a default to allow without exceptions. */
static struct device_filter *exceptions_of(const struct device_filter *filter) {
        struct device_filter *out = NULL;

        if (!filter) {
                out = calloc(1, sizeof(*out));
                if (out)
                        out->allow = true;
                return out;
        }
        return device_filter_exceptions(filter, &out) < 0 ? NULL : out;
}

static int apply_v1(struct cgroup *cgroup, const struct setting_devices *setting, struct journal *journal,
                    struct error *error) {
        const struct hierarchy *hierarchy = cgroup->host->controllers[CONTROLLER_DEVICES];
        _cleanup_(device_filter_freep) struct device_filter *present = NULL, *wanted = NULL;
        int r;

        wanted = exceptions_of(setting->filter);
        if (!wanted)
                return error_oom(error);
        r = read_list(cgroup, hierarchy, &present, error);
        if (r < 0)
                return r;
        if (present->allow && setting->former) {
                device_filter_free(present);
                present = setting->unsettled ? device_filter_copy(setting->former)
                                             : exceptions_of(setting->former);
                if (!present)
                        return error_oom(error);
        }
        if (journal) {
                struct device_filter *present_copy = device_filter_copy(present);
                struct device_filter *wanted_copy = device_filter_copy(wanted);

                if (!present_copy || !wanted_copy) {
                        device_filter_free(present_copy);
                        device_filter_free(wanted_copy);
                        return error_oom(error);
                }
                r = record_list(cgroup, hierarchy, present_copy, wanted_copy, journal, error);
                if (r < 0)
                        return r;
        }
        /* The present exceptions are not known: the list is written from the beginning. */
        return change_list(cgroup, hierarchy, present, wanted, present->allow && setting->unsettled, error);
}

struct former_program {
        int directory, program, former;
};

static void former_program_free(void *change) {
        struct former_program *replaced = change;

        cleanup_close(&replaced->directory);
        cleanup_close(&replaced->program);
        cleanup_close(&replaced->former);
        free(replaced);
}

static int former_program_undo(void *change, struct error *error) {
        struct former_program *replaced = change;

        return bpf_devices_replace(replaced->directory, replaced->former, replaced->program, error);
}

/* A descriptor of the owner's directory, which the journal keeps. */
static int claim_directory(struct cgroup *cgroup, int *out, struct error *error) {
        const struct hierarchy *unified = cgroup->host->unified;
        int r = cgroup_claim(cgroup, unified, error);

        if (r < 0)
                return r;
        *out = r == CGROUP_E_ABSENT ? -1 : fcntl(cgroup_directory(cgroup, unified), F_DUPFD_CLOEXEC, 0);
        if (*out < 0)
                return error_fail(error, r == CGROUP_E_ABSENT ? ENOENT : errno, "%s/%s", unified->mount_point,
                                  cgroup->path);
        return 0;
}

static int apply_v2(struct cgroup *cgroup, const struct setting_devices *setting, struct journal *journal,
                    struct error *error) {
        struct former_program *replaced = calloc(1, sizeof(*replaced));
        int r = 0;

        if (!replaced)
                return error_oom(error);
        *replaced = (struct former_program){-1, -1, -1};
        log_debug(cgroup->log, "eBPF program %s/%s: devices", cgroup->host->unified->mount_point, cgroup->path);
        r = claim_directory(cgroup, &replaced->directory, error);
        if (r == 0)
                r = bpf_devices_find(replaced->directory, &replaced->former, error);
        if (r >= 0 && setting->filter) {
                replaced->program = bpf_devices_load(setting->filter, error);
                r = replaced->program;
        }
        if (r >= 0)
                r = bpf_devices_replace(replaced->directory, replaced->program, replaced->former, error);
        if (r < 0 || !journal) {
                former_program_free(replaced);
                return r;
        }
        return journal_add(journal, former_program_undo, former_program_free, replaced, error);
}

int devices_apply(struct cgroup *cgroup, const struct setting_devices *setting, struct journal *journal,
                  struct error *error) {
        return setting->version == CGROUP_V1 ? apply_v1(cgroup, setting, journal, error)
                                             : apply_v2(cgroup, setting, journal, error);
}

/* Whether a list with the default to deny has exactly these exceptions. */
static bool same_exceptions(const struct device_filter *a, const struct device_filter *b) {
        for (size_t i = 0; i < a->count; i++)
                if (access_in(b, &a->rules[i]) != a->rules[i].access)
                        return false;
        return a->count == b->count;
}

int devices_compare(struct cgroup *cgroup, struct setting_devices *devices, bool *lost, struct error *error) {
        const struct hierarchy *hierarchy = cgroup->host->controllers[CONTROLLER_DEVICES];
        _cleanup_(device_filter_freep) struct device_filter *present = NULL, *wanted = NULL;
        int r;

        *lost = false;
        if (devices->version != CGROUP_V1)
                return 0;
        wanted = exceptions_of(devices->filter);
        if (!wanted)
                return error_oom(error);
        r = read_list(cgroup, hierarchy, &present, error);
        if (r < 0)
                return r;
        /* The exceptions from a default to allow cannot be read. */
        devices->unsettled = present->allow && wanted->allow && wanted->count > 0;
        *lost = present->allow != wanted->allow || devices->unsettled ||
                (!wanted->allow && !same_exceptions(present, wanted));
        return 0;
}
