/* SPDX-License-Identifier: Apache-2.0 */
/* Groups and the host as JSON, for inspect, features and --dry-run. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "cgroup/bpf.h"
#include "cgroup/stats.h"
#include "host/kernel.h"
#include "manager/manager_internal.h"

/* Whether the group is shown in this hierarchy: a foreign group at its path is not. A directory without a mark may be one that
 * systemd has made for a unit of ours. */
static bool is_shown(struct manager *manager, const struct hierarchy *hierarchy) {
        int directory = cgroup_directory(manager->cgroup, hierarchy);
        char mark[OWNER_MARK_SIZE];
        enum ownership ownership;

        if (directory < 0)
                return false;
        ownership = owner_ask(manager->owner, directory, mark);
        return ownership == OWNERSHIP_OWN || (ownership == OWNERSHIP_NONE && manager->ops->is_systemd);
}

bool manager_is_shown(struct manager *manager) {
        const struct host *host = manager->context->host;

        if (!manager_exists(manager))
                return false;
        for (size_t i = 0; i < host->count; i++)
                if (is_shown(manager, &host->hierarchies[i]))
                        return true;
        return false;
}

static json_t *set_to_json(const struct pid_set *set) {
        json_t *array = json_array();

        for (size_t i = 0; array && i < set->count; i++)
                if (json_array_append_new(array, json_integer(set->pids[i])) < 0)
                        break;
        return array;
}

static json_t *pids_to_json(struct manager *manager, enum members members, struct error *error) {
        const struct host *host = manager->context->host;
        enum cgroup_version threads = manager_can_place_threads(manager) ? CGROUP_V1 : host->version;
        _cleanup_pid_set_ struct pid_set set = {0};

        for (size_t i = 0; i < host->count; i++) {
                const struct hierarchy *hierarchy = &host->hierarchies[i];

                /* If threads are placed singly, on v1 or in a child group on v2, the hierarchies of the other version contain
                 * whole processes. */
                if ((members == MEMBERS_THREADS && hierarchy->version != threads) ||
                    !is_shown(manager, hierarchy))
                        continue;
                if (cgroup_members(manager->cgroup, hierarchy, members, &set, error) < 0)
                        return NULL;
        }
        return set_to_json(&set);
}

static int add_path(json_t *paths, const char *name, const struct cgroup *cgroup,
                    const struct hierarchy *hierarchy) {
        _cleanup_free_ char *path = cgroup_absolute_path(cgroup, hierarchy);

        return path ? json_object_set_new(paths, name, json_string(path)) : -1;
}

/* By controller on v1 ("cpu", "cpuacct", "name=systemd"), "unified" on v2; existing directories only. */
static json_t *paths_to_json(struct manager *manager) {
        struct cgroup *cgroup = manager->cgroup;
        json_t *paths = json_object();

        for (size_t i = 0; paths && i < cgroup->host->count; i++) {
                const struct hierarchy *hierarchy = &cgroup->host->hierarchies[i];
                _cleanup_free_ char *names = strdup(hierarchy_name(hierarchy));
                char *rest = names, *name;

                if (!names || !is_shown(manager, hierarchy))
                        continue;
                while ((name = strsep(&rest, ",")))
                        if (add_path(paths, name, cgroup, hierarchy) < 0)
                                break;
        }
        return paths;
}

/* The main directory: the memory controller's, or the first that exists. */
static char *main_path(const struct cgroup *cgroup) {
        const struct host *host = cgroup->host;
        const struct hierarchy *hierarchy = host->controllers[CONTROLLER_MEMORY];

        if (!hierarchy)
                hierarchy = host->unified ? host->unified : &host->hierarchies[0];
        return cgroup_absolute_path(cgroup, hierarchy);
}

json_t *manager_describe(struct manager *manager, struct error *error) {
        _cleanup_free_ char *path = main_path(manager->cgroup);
        json_t *processes = pids_to_json(manager, MEMBERS_PROCESSES, error);
        json_t *threads = pids_to_json(manager, MEMBERS_THREADS, error);
        json_t *description =
                json_pack("{s:s, s:s?, s:s, s:o, s:b, s:o, s:o}", "cgroupsPath", manager->path->text, "unit",
                          manager->path->unit, "path", path, "paths", paths_to_json(manager), "exists",
                          manager_is_shown(manager), "processes", processes, "threads", threads);

        if (!description)
                (void)error_oom(error);
        return description;
}

json_t *manager_describe_subtree(struct manager *manager, struct error *error) {
        const struct hierarchy *unified = manager->context->host->unified;
        _cleanup_(cgroup_freep) struct cgroup *subtree = NULL;
        _cleanup_pid_set_ struct pid_set threads = {0};
        _cleanup_free_ char *path = NULL;
        bool shown;

        if (!manager->vcpu_subtree || !unified)
                return json_null();
        shown = is_shown(manager, unified);
        subtree = cgroup_vcpu_subtree(manager->cgroup);
        path = subtree ? cgroup_absolute_path(subtree, unified) : NULL;
        if (!path) {
                (void)error_oom(error);
                return NULL;
        }
        if (shown && cgroup_members(subtree, unified, MEMBERS_THREADS, &threads, error) < 0)
                return NULL;
        return json_pack("{s:s, s:b, s:o}", "path", path, "exists", shown && cgroup_exists(subtree), "threads",
                         set_to_json(&threads));
}

/* Whether a foreign group is at the group's path. */
static bool is_others(struct manager *manager) {
        return manager_exists(manager) && !manager_is_shown(manager);
}

static json_t *subtree_stats(struct manager *manager) {
        _cleanup_(cgroup_freep) struct cgroup *subtree = NULL;

        if (!manager->vcpu_subtree)
                return json_null();
        subtree = cgroup_vcpu_subtree(manager->cgroup);
        return subtree ? stats_read_vcpu_subtree(subtree) : NULL;
}

static json_t *total_stats(struct manager *sandbox, const struct stats *own, struct manager *overhead,
                           const struct stats *other) {
        if (!other->json || !manager_exists(overhead))
                return stats_total(own, NULL);
        return manager_exists(sandbox) ? stats_total(own, other) : stats_total(other, NULL);
}

json_t *manager_use(struct manager *sandbox, struct manager *overhead) {
        _cleanup_stats_ struct stats own = {0}, other = {0};

        if (is_others(sandbox))
                return json_null();
        if (stats_read_use(sandbox->cgroup, &own) < 0)
                return NULL;
        if (overhead && !is_others(overhead) && stats_read_use(overhead->cgroup, &other) < 0)
                return NULL;
        return total_stats(sandbox, &own, overhead, &other);
}

json_t *manager_stats(struct manager *sandbox, struct manager *overhead) {
        _cleanup_stats_ struct stats own = {0}, other = {0};
        _cleanup_json_ json_t *groups = NULL;
        json_t *stats;

        if (is_others(sandbox))
                return json_null();
        if (stats_read(sandbox->cgroup, sandbox->vcpu_subtree, &own) < 0)
                return NULL;
        if (overhead && !is_others(overhead) && stats_read(overhead->cgroup, false, &other) < 0)
                return NULL;
        groups = json_pack("{s:O, s:O?, s:o, s:o}", "sandbox", own.json, "overhead", other.json, "total",
                           total_stats(sandbox, &own, overhead, &other), "vcpuSubtree", subtree_stats(sandbox));
        stats = groups ? json_copy(own.json) : NULL;
        if (stats && json_object_update(stats, groups) == 0)
                return stats;
        json_decref(stats);
        return NULL;
}

/* ---- dry runs ---- */

/* The array is the same for all managers of a context. */
static int begin_rehearsal(struct manager *manager, json_t *entries) {
        struct manager_context *context = manager->context;

        if (!context->rehearsal)
                context->rehearsal = rehearsal_new(entries);
        manager->cgroup->rehearsal = context->rehearsal;
        return context->rehearsal ? 0 : -ENOMEM;
}

int manager_dry_run_create(struct manager *manager, const struct plan *plan, struct process *const *processes,
                           size_t count, bool deferred, json_t *entries, struct error *error) {
        size_t first = json_array_size(entries);
        int r = manager_check_free(manager, error);

        if (r < 0)
                return r;
        r = begin_rehearsal(manager, entries);
        r = r < 0 ? error_oom(error) : manager->ops->rehearse(manager, plan, processes, count, error);
        for (size_t i = first; r == 0 && i < json_array_size(entries); i++) {
                json_t *entry = json_array_get(entries, i);

                if ((deferred || json_object_get(entry, "call")) &&
                    json_object_set_new(entry, "deferred", json_boolean(deferred)) < 0)
                        r = error_oom(error);
        }
        return r;
}

int manager_dry_run_update(struct manager *manager, const struct plan *plan, json_t *entries,
                           struct error *error) {
        int r = begin_rehearsal(manager, entries);

        r = r < 0 ? error_oom(error) : manager_rehearse_plan(manager, plan, true, error);
        if (r == 0)
                r = cgroup_make_room(manager->cgroup, plan, NULL, error);
        return r < 0 ? r : manager_rehearse_plan(manager, plan, false, error);
}

/* ---- the host ---- */

static json_t *hierarchies_to_json(const struct host *host) {
        json_t *array = json_array();

        for (size_t i = 0; array && i < host->count; i++) {
                const struct hierarchy *hierarchy = &host->hierarchies[i];

                (void)json_array_append_new(
                        array, json_pack("{s:i, s:s, s:s}", "version", (int)hierarchy->version, "controllers",
                                         hierarchy->controllers, "mountPoint", hierarchy->mount_point));
        }
        return array;
}

static json_t *controllers_to_json(const struct host *host) {
        json_t *object = json_object();

        for (int c = 0; object && c < CONTROLLER_COUNT; c++) {
                const struct hierarchy *hierarchy = host->controllers[c];

                if (hierarchy)
                        (void)json_object_set_new(object,
                                                  controller_name((enum controller)c, hierarchy->version),
                                                  json_integer(hierarchy->version));
        }
        return object;
}

/* 0 without systemd on the bus, which is not an error. */
static unsigned systemd_version(const struct log *log) {
        _cleanup_error_ struct error ignored = ERROR_INIT;
        _cleanup_(systemd_bus_freep) struct systemd_bus *bus = NULL;
        unsigned version = 0;

        if (systemd_bus_new(log, &bus, &ignored) == 0)
                (void)systemd_bus_version(bus, &version, &ignored);
        return version;
}

static json_t *kernel_to_json(const struct host *host) {
        return json_pack("{s:b, s:b, s:b, s:b, s:b}", "pidfd", process_check_kernel(NULL) == 0, "openat2",
                         kernel_has_openat2(), "cgroupKill", kernel_has_cgroup_kill(host), "cloneIntoCgroup",
                         kernel_has_clone_into_cgroup(), "bpf", bpf_is_available());
}

int manager_describe_host(const struct log *log, json_t **out, struct error *error) {
        _cleanup_(host_freep) struct host *host = NULL;
        unsigned systemd;
        json_t *drivers;
        int r;

        r = host_new(&host, error);
        if (r < 0)
                return r;
        systemd = systemd_version(log);
        drivers = systemd > 0 ? json_pack("[s, s]", "cgroupfs", "systemd") : json_pack("[s]", "cgroupfs");
        *out = json_pack("{s:i, s:o, s:o, s:o, s:o, s:o, s:o}", "cgroupVersion", (int)host->version,
                         "hierarchies", hierarchies_to_json(host), "controllers", controllers_to_json(host),
                         "systemdVersion", systemd > 0 ? json_integer(systemd) : json_null(), "drivers",
                         drivers, "kernel", kernel_to_json(host), "fields", plan_fields_to_json());
        return *out ? 0 : error_oom(error);
}
