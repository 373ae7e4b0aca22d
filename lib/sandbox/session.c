/* SPDX-License-Identifier: Apache-2.0 */
#include "sandbox/session.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "util/file.h"
#include "vmm/affinity.h"

#define DEFAULT_SANDBOX "kata_sandboxed_pod/%s"
#define DEFAULT_OVERHEAD_CGROUPFS "kata_overhead/%s"
#define DEFAULT_OVERHEAD_SYSTEMD "kata-overhead.slice:kata-cgroup:%s"

void session_clear(struct session *session) {
        /* The journal refers to the managers' groups. */
        journal_free(session->journal);
        manager_free(session->sandbox);
        manager_free(session->overhead);
        systemd_bus_free(session->context.bus);
        free(session->context.hugepage_sizes);
        host_free(session->host);
        state_free(session->state);
        store_close(&session->store);
}

int session_check_id(const char *id, struct error *error) {
        if (!sandbox_id_is_valid(id))
                return error_refuse(error, "ID", "\"%s\" is not 1 to 255 of A-Z a-z 0-9 _ + - . ", id);
        return 0;
}

int session_open(struct session *session, const struct sandbox_environment *environment, const char *id,
                 struct error *error) {
        int r;

        session->environment = environment;
        r = session_check_id(id, error);
        if (r < 0)
                return r;
        r = store_lock(environment->root, id, false, &session->store, error);
        if (r == 0)
                r = store_load(&session->store, &session->state, error);
        if (r == STORE_E_NO_SANDBOX)
                return error_set(error, EXIT_STATUS_NO_SANDBOX, 0, NULL, "there is no sandbox \"%s\" in %s", id,
                                 environment->root);
        return r < 0 ? r : session_make_managers(session, error);
}

int session_check_complete(const struct session *session, struct error *error) {
        if (session->state->phase != PHASE_CREATING)
                return 0;
        return error_fail(error, 0,
                          "the create of sandbox \"%s\" did not finish: create it again, or delete --force",
                          session->state->id);
}

int session_make_managers(struct session *session, struct error *error) {
        struct state *state = session->state;
        int r;

        session->journal = journal_new();
        if (!session->journal)
                return error_oom(error);
        r = host_new(&session->host, error);
        if (r < 0)
                return r;
        session->context = (struct manager_context){
                .host = session->host,
                .log = session->environment->log,
                .owner = state->id,
                .stop_timeout_us = state->stop_timeout * 1000000,
        };
        r = manager_new(&session->context, state->sandbox, "sandbox", &session->sandbox, error);
        if (r == 0)
                session->sandbox->vcpu_subtree = state->vcpu_subtree;
        if (r == 0 && state->overhead)
                r = manager_new(&session->context, state->overhead, "overhead", &session->overhead, error);
        return r;
}

static int parse_path(const char *given, const char *pattern, const char *id, const char *option,
                      struct cgroup_path **out, struct error *error) {
        _cleanup_free_ char *made = NULL;

        if (!given) {
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wformat-nonliteral"
                if (asprintf(&made, pattern, id) < 0) {
                        made = NULL;
                        return error_oom(error);
                }
#pragma GCC diagnostic pop
                given = made;
        }
        return cgroup_path_parse(given, option, out, error);
}

/* One within the other would be removed with it. */
static bool overlap(const char *a, const char *b) {
        size_t length = strlen(a) < strlen(b) ? strlen(a) : strlen(b);

        return strncmp(a, b, length) == 0 && (a[length] == '\0' || a[length] == '/') &&
               (b[length] == '\0' || b[length] == '/');
}

int session_set_paths(struct state *state, const char *id, const struct sandbox_paths *paths,
                      struct error *error) {
        int r;

        state->id = strdup(id);
        if (!state->id)
                return error_oom(error);
        state->sandbox_cgroup_only = paths->sandbox_cgroup_only;
        r = parse_path(paths->cgroups_path, DEFAULT_SANDBOX, id, "--cgroups-path", &state->sandbox, error);
        if (r < 0 || state->sandbox_cgroup_only)
                return r;
        r = parse_path(paths->overhead_path,
                       state->sandbox->driver == DRIVER_SYSTEMD ? DEFAULT_OVERHEAD_SYSTEMD
                                                                : DEFAULT_OVERHEAD_CGROUPFS,
                       id, "--overhead-path", &state->overhead, error);
        if (r < 0)
                return r;
        if (overlap(state->sandbox->path, state->overhead->path))
                return error_refuse(error, "--overhead-path", "%s and the sandbox's %s overlap",
                                    state->overhead->path, state->sandbox->path);
        return 0;
}

int session_plan(struct session *session, const json_t *resources, const json_t *before, struct plan **out,
                 struct error *error) {
        _cleanup_(oci_resources_freep) struct oci_resources *parsed = NULL, *parsed_before = NULL;
        _cleanup_(plan_freep) struct plan *plan = NULL;
        struct plan_facts facts;
        int r;

        r = oci_resources_from_json(resources, OCI_CHECK_WHOLE, &parsed, error);
        if (r == 0 && before)
                r = oci_resources_from_json(before, OCI_CHECK_WHOLE, &parsed_before, error);
        if (r == 0)
                r = manager_facts(session->sandbox, parsed, &facts, error);
        if (r == 0)
                r = plan_new(parsed, parsed_before, &facts, &plan, error);
        if (r != 0)
                return r;
        *out = TAKE(plan);
        return 0;
}

int session_plan_state(struct session *session, struct plan **out, struct error *error) {
        _cleanup_json_ json_t *effective = NULL;
        int r;

        r = state_effective_resources(session->state, &effective, error);
        return r < 0 ? r : session_plan(session, effective, NULL, out, error);
}

void session_warn(const struct session *session, const struct plan *plan) {
        for (size_t i = 0; i < plan->warning_count; i++)
                log_warning(session->environment->log, "%s", plan->warnings[i]);
}

int session_place_process(struct session *session, const struct task *vmm, struct error *error) {
        struct manager *sandbox = session->sandbox;
        _cleanup_(plan_freep) struct plan *plan = NULL;
        enum phase phase = session->state->phase;
        bool exists = manager_exists(sandbox);
        int r;

        if (exists && phase == PHASE_READY) {
                r = sandbox->ops->place(sandbox, vmm, 1, session->journal, error);
                if (r != MANAGER_E_GONE)
                        return r;
                exists = false;
        }
        r = session_plan_state(session, &plan, error);
        if (r < 0)
                return r;
        session->state->phase = PHASE_CHANGING;
        r = store_save(&session->store, session->state, error);
        session->state->phase = phase;
        if (r < 0)
                return r;
        if (exists) {
                r = sandbox->ops->update(sandbox, plan, session->journal, error);
                if (r == 0)
                        r = sandbox->ops->place(sandbox, vmm, 1, session->journal, error);
                if (r != MANAGER_E_GONE)
                        return r;
        }
        return sandbox->ops->create(sandbox, plan, vmm, 1, session->journal, error);
}

static int update_path(struct cgroup_path *path, const struct manager *manager, struct error *error) {
        char *copy;

        if (!manager || strcmp(path->path, manager->cgroup->path) == 0)
                return 0;
        copy = strdup(manager->cgroup->path);
        if (!copy)
                return error_oom(error);
        free(path->path);
        path->path = copy;
        return 0;
}

int session_update_paths(struct session *session, struct error *error) {
        int r;

        r = update_path(session->state->sandbox, session->sandbox, error);
        return r < 0 ? r : update_path(session->state->overhead, session->overhead, error);
}

struct former_affinity {
        pid_t tid;
        struct cpulist cpus;
};

static int former_affinity_undo(void *change, struct error *error) {
        const struct former_affinity *former = change;
        int r = affinity_set(former->tid, &former->cpus);

        return r < 0 && r != -ESRCH ? error_fail(error, -r, "CPUs of thread %d", former->tid) : 0;
}

static int record_affinities(struct session *session, const struct vcpus *vcpus, struct error *error) {
        for (size_t i = 0; i < vcpus->count; i++) {
                struct former_affinity *former = calloc(1, sizeof(*former));
                int r;

                if (!former)
                        return error_oom(error);
                former->tid = vcpus->vcpus[i].tid;
                r = affinity_get(former->tid, &former->cpus);
                if (r < 0) {
                        free(former);
                        return error_fail(error, -r, "CPUs of thread %d", vcpus->vcpus[i].tid);
                }
                r = journal_add(session->journal, former_affinity_undo, free, former, error);
                if (r < 0)
                        return r;
        }
        return 0;
}

/* The sandbox's CPUs: its cpuset as it was given, or, where none was, what its threads may use at all. */
static int sandbox_cpus(struct session *session, struct cpulist *out, struct error *error) {
        const struct hierarchy *hierarchy = session->host->controllers[CONTROLLER_CPUSET];
        _cleanup_json_ json_t *effective = NULL;
        _cleanup_free_ char *text = NULL;
        const char *given;
        int r;

        r = state_effective_resources(session->state, &effective, error);
        if (r < 0)
                return r;
        given = json_string_value(json_object_get(json_object_get(effective, "cpu"), "cpus"));
        if (given && given[0] != '\0' && cpulist_parse(given, out) == 0)
                return 0;
        if (hierarchy)
                r = cgroup_read(session->sandbox->cgroup, hierarchy,
                                session->state->vcpu_subtree      ? PLAN_VCPU_SUBTREE "/cpuset.cpus.effective"
                                : hierarchy->version == CGROUP_V1 ? "cpuset.effective_cpus"
                                                                  : "cpuset.cpus.effective",
                                &text);
        if (hierarchy && r == 0) {
                file_chomp(text);
                r = cpulist_parse(text, out);
        } else {
                r = affinity_get(1, out);
        }
        return r < 0 ? error_fail(error, -r, "the CPUs of the sandbox cannot be found out") : 0;
}

int session_pin(struct session *session, const struct vcpus *vcpus, struct error *error) {
        struct cpulist cpus;
        int r;

        r = record_affinities(session, vcpus, error);
        if (r == 0)
                r = sandbox_cpus(session, &cpus, error);
        return r < 0 ? r : affinity_pin(vcpus, &cpus, error);
}

json_t *session_dry_run(json_t *entries) {
        return entries ? json_pack("{s:o}", "plan", entries) : NULL;
}
