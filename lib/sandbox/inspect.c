/* SPDX-License-Identifier: Apache-2.0 */
/*
 * inspect, list, features
 *
 * These only read, and take no lock: a state is replaced whole or not at all, and an operator who asks what
 * goes on must not wait for the command that hangs.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "cgroup/stats.h"
#include "systemd/systemd_bus.h"
#include "plan/field.h"
#include "sandbox/session.h"
#include "util/cpulist.h"
#include "vmm/affinity.h"

static json_t *pids_to_json(struct cgroup *cgroup, enum members members, struct error *error) {
        _cleanup_pid_set_ struct pid_set set = {0};
        json_t *array;

        if (cgroup_members(cgroup, members, false, &set, error) < 0)
                return NULL;
        array = json_array();
        for (size_t i = 0; array && i < set.count; i++)
                if (json_array_append_new(array, json_integer(set.pids[i])) < 0)
                        break;
        return array;
}

static int add_path(json_t *paths, const char *name, struct cgroup *cgroup, const struct hierarchy *hierarchy) {
        _cleanup_free_ char *path = cgroup_absolute_path(cgroup, hierarchy);

        return path ? json_object_set_new(paths, name, json_string(path)) : -1;
}

/* By controller on v1 ("cpu", "cpuacct", "name=systemd"), "unified" on v2; existing directories only. */
static json_t *paths_to_json(struct cgroup *cgroup) {
        json_t *paths = json_object();

        for (size_t i = 0; paths && i < cgroup->host->count; i++) {
                const struct hierarchy *hierarchy = &cgroup->host->hierarchies[i];
                _cleanup_free_ char *names = strdup(hierarchy_name(hierarchy));
                char *rest = names, *name;

                if (!names || cgroup_directory(cgroup, hierarchy) < 0)
                        continue;
                while ((name = strsep(&rest, ",")))
                        if (add_path(paths, name, cgroup, hierarchy) < 0)
                                break;
        }
        return paths;
}

/* The directory to look at first: the memory controller's, or the first one there is. */
static char *main_path(struct cgroup *cgroup) {
        const struct host *host = cgroup->host;
        const struct hierarchy *hierarchy = host->controllers[CONTROLLER_MEMORY];

        if (!hierarchy)
                hierarchy = host->unified ? host->unified : &host->hierarchies[0];
        return cgroup_absolute_path(cgroup, hierarchy);
}

static json_t *group_to_json(struct manager *manager, struct error *error) {
        _cleanup_free_ char *path = NULL;
        json_t *processes, *threads;

        if (!manager)
                return json_null();
        path = main_path(manager->cgroup);
        processes = pids_to_json(manager->cgroup, MEMBERS_PROCESSES, error);
        threads = pids_to_json(manager->cgroup, MEMBERS_THREADS, error);
        return json_pack("{s:s, s:s?, s:s, s:o, s:b, s:o, s:o}", "cgroupsPath", manager->path->text, "unit",
                         manager->path->unit, "path", path, "paths", paths_to_json(manager->cgroup), "exists",
                         manager_exists(manager), "processes", processes, "threads", threads);
}

/* The vCPUs' group with the threads in it, or null. */
static json_t *subtree_to_json(const struct manager *manager, struct error *error) {
        _cleanup_(cgroup_freep) struct cgroup *subtree = NULL;
        _cleanup_free_ char *path = NULL;

        if (!manager->vcpu_subtree || !manager->context->host->unified)
                return json_null();
        subtree = cgroup_vcpu_subtree(manager->cgroup);
        path = subtree ? cgroup_absolute_path(subtree, manager->context->host->unified) : NULL;
        if (!path)
                return NULL;
        return json_pack("{s:s, s:b, s:o}", "path", path, "exists", cgroup_exists(subtree), "threads",
                         pids_to_json(subtree, MEMBERS_THREADS, error));
}

static json_t *vmm_to_json(const struct sandbox_vmm *vmm) {
        json_t *vcpus;

        if (vmm->pid == 0)
                return json_null();
        vcpus = json_array();
        for (size_t i = 0; vcpus && i < vmm->vcpus->count; i++) {
                const struct vcpu *vcpu = &vmm->vcpus->vcpus[i];
                _cleanup_free_ char *text = NULL;
                struct cpulist cpus;

                text = affinity_get(vcpu->tid, &cpus) == 0 ? cpulist_format(&cpus) : NULL;
                (void)json_array_append_new(vcpus,
                                            json_pack("{s:I, s:i, s:s?}", "index", (json_int_t)vcpu->index,
                                                      "tid", vcpu->tid, "cpus", text));
        }
        return json_pack("{s:i, s:s, s:o}", "pid", vmm->pid, "placement", vmm->threads ? "threads" : "process",
                         "vcpus", vcpus);
}

int sandbox_inspect(const struct sandbox_environment *environment, const char *id, bool stats, json_t **out,
                    struct error *error) {
        _cleanup_session_ struct session session = {.environment = environment, .store = STORE_INIT};
        const struct state *state;
        json_t *sandbox, *overhead;
        int r;

        r = session_check_id(id, error);
        if (r == 0)
                r = store_peek(environment->root, id, &session.state, error);
        if (r == STORE_E_NO_SANDBOX)
                return error_set(error, EXIT_STATUS_NO_SANDBOX, 0, NULL, "there is no sandbox \"%s\" in %s", id,
                                 environment->root);
        if (r == 0)
                r = session_make_managers(&session, error);
        if (r != 0)
                return r;
        state = session.state;
        sandbox = group_to_json(session.sandbox, error);
        overhead = group_to_json(session.overhead, error);
        *out = json_pack("{s:s, s:s, s:i, s:b, s:s, s:o, s:o, s:o, s:o, s:O, s:O, s:O, s:o*}", "id", state->id,
                         "driver", driver_name(state->sandbox->driver), "cgroupVersion",
                         (int)session.host->version, "sandboxCgroupOnly", state->sandbox_cgroup_only,
                         "createdAt", state->created_at, "sandbox", sandbox, "vcpuSubtree",
                         subtree_to_json(session.sandbox, error), "overhead", overhead, "vmm",
                         vmm_to_json(&state->vmm), "containers", state->containers, "resources",
                         state->resources, "devices", state->devices, "stats",
                         stats ? stats_read(session.sandbox->cgroup, state->vcpu_subtree) : NULL);
        return *out ? 0 : error_oom(error);
}

struct listing {
        const struct sandbox_environment *environment;
        struct host *host;
        json_t *array;
};

static const char *phase_name(enum phase phase) {
        return phase == PHASE_CREATING ? "creating" : phase == PHASE_CHANGING ? "changing" : "ready";
}

static json_t *entry_to_json(struct listing *listing, const struct state *state) {
        _cleanup_(cgroup_freep) struct cgroup *sandbox = NULL, *overhead = NULL;
        bool exists;

        sandbox = cgroup_new(listing->host, listing->environment->log, state->sandbox->path);
        if (state->overhead)
                overhead = cgroup_new(listing->host, listing->environment->log, state->overhead->path);
        exists = sandbox && cgroup_exists(sandbox);
        return json_pack("{s:s, s:s, s:s, s:s, s:b, s:b, s:s}", "id", state->id, "driver",
                         driver_name(state->sandbox->driver), "phase", phase_name(state->phase), "cgroupsPath",
                         state->sandbox->text, "exists", exists, "overheadExists",
                         overhead && cgroup_exists(overhead), "createdAt", state->created_at);
}

static int list_one(const char *id, void *data) {
        struct listing *listing = data;
        _cleanup_error_ struct error error = ERROR_INIT;
        _cleanup_(state_freep) struct state *state = NULL;
        json_t *entry;
        int r;

        r = store_peek(listing->environment->root, id, &state, &error);
        if (r == STORE_E_NO_SANDBOX)
                return 0;
        entry = r == 0 ? entry_to_json(listing, state)
                       : json_pack("{s:s, s:s}", "id", id, "error", error.message ? error.message : "?");
        return entry && json_array_append_new(listing->array, entry) == 0 ? 0 : -ENOMEM;
}

int sandbox_list(const struct sandbox_environment *environment, json_t **out, struct error *error) {
        struct listing listing = {.environment = environment};
        int r;

        r = host_new(&listing.host, error);
        if (r < 0)
                return r;
        listing.array = json_array();
        r = listing.array ? store_list(environment->root, list_one, &listing, error) : -ENOMEM;
        host_free(listing.host);
        if (r < 0) {
                json_decref(listing.array);
                return r == -ENOMEM ? error_oom(error) : r;
        }
        *out = listing.array;
        return 0;
}

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

static json_t *fields_to_json(void) {
        json_t *array = json_array();
        const struct field_row *rows;
        size_t count;

        rows = field_rows(&count);
        for (size_t i = 0; array && i < count; i++)
                (void)json_array_append_new(array,
                                            json_pack("{s:s, s:s?, s:s?, s:s?, s:s?}", "field", rows[i].path,
                                                      "v1", rows[i].v1, "v2", rows[i].v2, "systemdV1",
                                                      rows[i].property_v1, "systemdV2", rows[i].property_v2));
        return array;
}

/* 0 where there is no systemd on the bus: a fact, not an error. */
static unsigned systemd_version(const struct log *log) {
        _cleanup_error_ struct error ignored = ERROR_INIT;
        _cleanup_(systemd_bus_freep) struct systemd_bus *bus = NULL;
        unsigned version = 0;

        if (systemd_bus_new(log, &bus, &ignored) == 0)
                (void)systemd_bus_version(bus, &version, &ignored);
        return version;
}

int sandbox_features(const struct sandbox_environment *environment, json_t **out, struct error *error) {
        _cleanup_(host_freep) struct host *host = NULL;
        unsigned systemd;
        json_t *drivers;
        int r;

        r = host_new(&host, error);
        if (r < 0)
                return r;
        systemd = systemd_version(environment->log);
        drivers = systemd > 0 ? json_pack("[s, s]", "cgroupfs", "systemd") : json_pack("[s]", "cgroupfs");
        *out = json_pack("{s:s, s:i, s:o, s:o, s:o, s:o, s:o}", "version", KATA_CGROUP_VERSION, "cgroupVersion",
                         (int)host->version, "hierarchies", hierarchies_to_json(host), "controllers",
                         controllers_to_json(host), "systemdVersion",
                         systemd > 0 ? json_integer(systemd) : json_null(), "drivers", drivers, "fields",
                         fields_to_json());
        return *out ? 0 : error_oom(error);
}
