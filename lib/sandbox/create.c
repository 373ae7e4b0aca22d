/* SPDX-License-Identifier: Apache-2.0 */
/*
 * create
 *
 * The intent ("creating", with all paths and where the runtime processes come from) is on disk before the
 * first directory is made. A create that finds such an intent knows that an earlier one was killed, clears
 * up after it and begins anew.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "sandbox/cleanup.h"
#include "sandbox/session.h"
#include "sandbox/vmm_devices.h"

static int read_task(pid_t pid, struct task *out, struct error *error) {
        int r;

        r = task_read(pid, out);
        if (r == -ESRCH)
                return error_refuse(error, "--pid", "there is no process %d", pid);
        return r < 0 ? error_fail(error, -r, "process %d", pid) : 0;
}

static int read_runtime(struct state *state, const struct sandbox_create *create, struct error *error) {
        state->runtime = calloc(create->pid_count + 1, sizeof(*state->runtime));
        if (!state->runtime)
                return error_oom(error);
        for (size_t i = 0; i < create->pid_count; i++) {
                int r = read_task(create->pids[i], &state->runtime[i], error);

                if (r < 0)
                        return r;
                state->runtime_count++;
        }
        return 0;
}

/* Once more after leftovers were cleared up, which has put the processes back where they came from. */
static int read_runtime_again(struct state *state, struct error *error) {
        for (size_t i = 0; i < state->runtime_count; i++) {
                struct task task;
                int r = read_task(state->runtime[i].pid, &task, error);

                if (r < 0)
                        return r;
                task_clear(&state->runtime[i]);
                state->runtime[i] = task;
        }
        return 0;
}

static int make_state(struct session *session, const char *id, const struct sandbox_create *create,
                      struct error *error) {
        struct state *state = state_new();
        int r;

        if (!state)
                return error_oom(error);
        session->state = state;
        timestamp_now(state->created_at);
        state->stop_timeout = create->stop_timeout;
        state->vcpu_subtree = create->vcpu_subtree;
        r = session_set_paths(state, id, &create->paths, error);
        if (r == 0)
                r = state_enter_boot(state, error);
        if (r < 0)
                return r;
        json_decref(state->resources);
        state->resources = json_deep_copy(create->resources);
        if (!state->resources)
                return error_oom(error);
        r = create->hypervisor_devices ? vmm_devices_add_hypervisor(state, error) : 0;
        return r < 0 ? r : read_runtime(state, create, error);
}

/* Threads within a group are v2's; on v1, cgroupfs places them singly by itself. */
static int check_subtree(const struct session *session, struct error *error) {
        if (!session->state->vcpu_subtree || session->host->version == CGROUP_V2)
                return 0;
        return error_refuse(error, "--vcpu-subtree",
                            "the controllers of this host are on cgroup v1, which has no threaded subtrees");
}

/* Which group the runtime processes go to. */
static struct manager *runtime_manager(const struct session *session) {
        return session->overhead ? session->overhead : session->sandbox;
}

static bool is_deferred(const struct session *session, const struct manager *manager) {
        return manager_needs_process(manager) &&
               (manager != runtime_manager(session) || session->state->runtime_count == 0);
}

static int create_group(struct session *session, struct manager *manager, const struct plan *plan,
                        struct error *error) {
        bool runtime = manager == runtime_manager(session);

        if (is_deferred(session, manager))
                return 0;
        return manager->ops->create(manager, plan, session->state->runtime,
                                    runtime ? session->state->runtime_count : 0, session->journal, error);
}

/* Nothing is limited in the overhead group; but systemd would limit its tasks unless told otherwise. */
static int plan_overhead(struct session *session, struct plan **out, struct error *error) {
        _cleanup_(oci_resources_freep) struct oci_resources *none = calloc(1, sizeof(*none));
        struct plan_facts facts;
        int r;

        if (!none)
                return error_oom(error);
        r = manager_facts(session->overhead, none, &facts, error);
        return r < 0 ? r : plan_new(none, NULL, &facts, out, error);
}

static int create_groups(struct session *session, const struct plan *plan, struct error *error) {
        _cleanup_(plan_freep) struct plan *overhead = NULL;
        int r = 0;

        if (session->overhead) {
                r = plan_overhead(session, &overhead, error);
                if (r == 0)
                        r = create_group(session, session->overhead, overhead, error);
        }
        return r < 0 ? r : create_group(session, session->sandbox, plan, error);
}

/* What an earlier create of this ID has left is taken down; a sandbox that is complete is in the way. */
static int clear_leftover(struct session *session, struct error *error) {
        _cleanup_(state_freep) struct state *former = NULL;
        int r;

        r = store_load(&session->store, &former, error);
        if (r == STORE_E_NO_SANDBOX)
                return 0;
        if (r < 0)
                return r;
        if (former->phase != PHASE_CREATING)
                return error_set(error, EXIT_STATUS_SANDBOX_EXISTS, 0, NULL,
                                 "sandbox \"%s\" exists already in %s", former->id, session->environment->root);
        r = cleanup_leftover(session->environment, former, error);
        return r < 0 ? r : read_runtime_again(session->state, error);
}

static int create_locked(struct session *session, const struct plan *plan, struct error *error) {
        int r;

        r = clear_leftover(session, error);
        if (r < 0)
                return r;
        session->state->phase = PHASE_CREATING;
        r = store_save(&session->store, session->state, error);
        if (r == 0)
                r = create_groups(session, plan, error);
        if (r == 0)
                r = session_update_paths(session, error);
        if (r == 0) {
                session->state->phase = PHASE_READY;
                r = store_save(&session->store, session->state, error);
        }
        if (r < 0) {
                journal_undo(session->journal, error);
                if (store_remove(&session->store, NULL) < 0)
                        error_append(error, "the state in %s stays", session->environment->root);
        }
        return r;
}

static int add_mkdir(const struct cgroup *cgroup, const struct hierarchy *hierarchy, json_t *entries) {
        _cleanup_free_ char *path = cgroup_absolute_path(cgroup, hierarchy);

        return path ? json_array_append_new(entries, json_pack("{s:s}", "mkdir", path)) : -1;
}

/* mkdir, write, property and call, in the order in which they would be done. */
static int add_group_to_dry_run(struct session *session, struct manager *manager, const struct plan *plan,
                                json_t *entries) {
        _cleanup_json_ json_t *settings = plan_to_json(plan);
        bool deferred = is_deferred(session, manager);
        int r = settings ? 0 : -1;

        if (manager->path->unit)
                r |= json_array_append_new(entries,
                                           json_pack("{s:s, s:s, s:b}", "call", "StartTransientUnit", "unit",
                                                     manager->path->unit, "deferred", deferred));
        for (size_t i = 0; !manager->path->unit && i < session->host->count; i++)
                r |= add_mkdir(manager->cgroup, &session->host->hierarchies[i], entries);
        if (manager->vcpu_subtree) {
                _cleanup_(cgroup_freep) struct cgroup *subtree = cgroup_vcpu_subtree(manager->cgroup);

                r |= subtree ? add_mkdir(subtree, session->host->unified, entries) : -1;
        }
        if (r == 0)
                r = json_array_extend(entries, settings);
        for (size_t i = 0; manager == runtime_manager(session) && i < session->state->runtime_count; i++)
                r |= json_array_append_new(entries,
                                           json_pack("{s:i, s:s}", "place", session->state->runtime[i].pid,
                                                     "path", manager->cgroup->path));
        return r;
}

static int dry_run_create(struct session *session, const struct plan *plan, json_t **out, struct error *error) {
        _cleanup_(plan_freep) struct plan *overhead = NULL;
        json_t *entries = json_array();
        int r = entries ? 0 : -1;

        if (session->overhead && r == 0) {
                r = plan_overhead(session, &overhead, error);
                if (r < 0) {
                        json_decref(entries);
                        return r;
                }
                r = add_group_to_dry_run(session, session->overhead, overhead, entries);
        }
        if (r == 0)
                r = add_group_to_dry_run(session, session->sandbox, plan, entries);
        *out = r == 0 ? session_dry_run(entries) : NULL;
        if (r != 0)
                json_decref(entries);
        return *out ? 0 : error_oom(error);
}

int sandbox_create(const struct sandbox_environment *environment, const char *id,
                   const struct sandbox_create *create, json_t **dry_run, struct error *error) {
        _cleanup_session_ struct session session = {.environment = environment, .store = STORE_INIT};
        _cleanup_(oci_resources_freep) struct oci_resources *checked = NULL;
        _cleanup_(plan_freep) struct plan *plan = NULL;
        int r;

        r = session_check_id(id, error);
        if (r == 0)
                r = oci_resources_from_json(create->resources, OCI_CHECK_WHOLE, &checked, error);
        if (r == 0)
                r = make_state(&session, id, create, error);
        if (r == 0)
                r = session_make_managers(&session, error);
        if (r == 0)
                r = check_subtree(&session, error);
        if (r == 0)
                r = session_plan_state(&session, &plan, error);
        if (r != 0)
                return r;
        session_warn(&session, plan);
        if (dry_run)
                return dry_run_create(&session, plan, dry_run, error);
        r = store_lock(environment->root, id, true, &session.store, error);
        return r < 0 ? r : create_locked(&session, plan, error);
}
