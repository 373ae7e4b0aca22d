/* SPDX-License-Identifier: Apache-2.0 */
/*
 * create
 *
 * The intent (phase "creating", with all paths and the former groups of the runtime processes) is on disk
 * before the first directory is made. A create that finds such an intent knows that an earlier one was
 * killed, clears up after it and starts again.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "sandbox/cleanup.h"
#include "sandbox/lock.h"
#include "sandbox/runtime.h"
#include "sandbox/session.h"
#include "sandbox/vmm_devices.h"
#include "util/signals.h"

static int look_at_runtime(struct session *session, struct error *error) {
        int r = 0;

        for (size_t i = 0; r == 0 && i < session->state->runtime_count; i++)
                r = runtime_look(session, session->state->runtime[i], error);
        return r;
}

static int replace_resources(struct oci_resources **place, const struct oci_resources *resources) {
        oci_resources_free(*place);
        *place = oci_resources_copy(resources);
        return *place ? 0 : -ENOMEM;
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
                r = owner_make_token(state->owner.token, error);
        if (r == 0)
                r = state_enter_boot(state, error);
        if (r < 0)
                return r;
        if (replace_resources(&state->configuration->resources, create->resources) < 0 ||
            (create->overhead_resources &&
             replace_resources(&state->configuration->overhead, create->overhead_resources) < 0))
                return error_oom(error);
        r = create->hypervisor_devices ? vmm_devices_add_hypervisor(state, error) : 0;
        return r < 0 ? r
                     : runtime_hold(create->pids, create->pid_count, &state->runtime, &state->runtime_count,
                                    error);
}

/* Threaded groups exist on v2 only; on v1, cgroupfs places single threads anyway. */
static int check_subtree(const struct session *session, struct error *error) {
        if (!session->state->vcpu_subtree || manager_can_have_subtree(session->sandbox))
                return 0;
        return error_refuse(error, "--vcpu-subtree",
                            "cpu or cpuset is on cgroup v1 on this host, which has no threaded subtrees");
}

static bool is_deferred(const struct session *session, const struct manager *manager) {
        return manager_needs_process(manager) &&
               (manager != session_runtime_manager(session) || session->state->runtime_count == 0);
}

/* The processes that a group is created with. */
static size_t process_count(const struct session *session, const struct manager *manager) {
        return manager == session_runtime_manager(session) ? session->state->runtime_count : 0;
}

static int create_group(struct session *session, struct manager *manager, const struct plan *plan,
                        struct error *error) {
        if (is_deferred(session, manager))
                return manager_check_free(manager, error);
        return manager_create(manager, plan, session->state->runtime, process_count(session, manager),
                              session->journal, error);
}

/* The plans of the groups. Even without resources there is a plan: systemd would otherwise limit the tasks. */
struct plans {
        struct plan *sandbox;
        struct plan *overhead; /* NULL: there is no such group */
};

static void plans_clear(struct plans *plans) {
        plan_free(plans->sandbox);
        plan_free(plans->overhead);
}

static int make_plans(struct session *session, struct plans *plans, struct error *error) {
        int r = session_plan_state(session, session->sandbox, &plans->sandbox, error);

        if (r < 0)
                return r;
        if (session->overhead) {
                r = session_plan_state(session, session->overhead, &plans->overhead, error);
                if (r < 0) {
                        error_append(error, "in --overhead-resources");
                        return r;
                }
        }
        session_warn(session, plans->sandbox);
        if (plans->overhead)
                session_warn(session, plans->overhead);
        return 0;
}

static int create_groups(struct session *session, const struct plans *plans, struct error *error) {
        int r = 0;

        if (session->overhead)
                r = create_group(session, session->overhead, plans->overhead, error);
        return r < 0 ? r : create_group(session, session->sandbox, plans->sandbox, error);
}

/* Clears up what an earlier, killed create of this ID has left; CLEANUP_E_OTHERS if processes must end first. A complete sandbox
 * is an error. */
static int clear_leftover(struct session *session, struct pid_set *others, struct error *error) {
        _cleanup_(state_freep) struct state *leftover = NULL;
        int r;

        r = store_load(&session->store, &leftover, error);
        if (r == STORE_E_NO_SANDBOX)
                return 0;
        if (r < 0)
                return r;
        if (leftover->phase != PHASE_CREATING)
                return error_set(error, EXIT_STATUS_SANDBOX_EXISTS, 0, NULL,
                                 "sandbox \"%s\" exists already in %s", leftover->owner.id,
                                 session->environment->root);
        return cleanup_leftover(session->environment, TAKE(leftover), others, error);
}

/* Locks the sandbox and clears leftovers; waits without the lock for processes that must end first. */
static int lock_and_clear(struct session *session, const char *id, struct error *error) {
        struct waiting waiting = waiting_begin(session->environment->log);
        int64_t deadline = 0;
        int r;

        do {
                _cleanup_pid_set_ struct pid_set others = {0};

                r = session_lock(session, id, true, monotonic_ms() + LOCK_TIMEOUT_MS, error);
                if (r < 0)
                        return r;
                r = clear_leftover(session, &others, error);
                if (r < 0)
                        store_remove_empty(&session->store);
                if (r != CLEANUP_E_OTHERS)
                        return r;
                store_close(&session->store);
                if (deadline == 0)
                        deadline = monotonic_ms() + CLEANUP_TIMEOUT_MS;
                r = cleanup_wait(&others, id, deadline, &waiting, error);
        } while (r == 0);
        return r;
}

static bool has_unit(const struct state *state, const char *unit) {
        const struct state_group *groups[] = {&state->sandbox, &state->overhead};

        for (size_t i = 0; i < ARRAY_SIZE(groups); i++)
                if (groups[i]->path && groups[i]->path->unit && strcmp(groups[i]->path->unit, unit) == 0)
                        return true;
        return false;
}

/* The search for another sandbox with the name of one of our units. */
struct search {
        const struct session *session;
        struct error *error;
};

static int compare_units(const char *id, void *data) {
        const struct search *search = data;
        const struct state *state = search->session->state;
        const struct state_group *groups[] = {&state->sandbox, &state->overhead};
        _cleanup_(state_freep) struct state *other = NULL;
        _cleanup_error_ struct error unreadable = ERROR_INIT;

        if (strcmp(id, state->owner.id) == 0 ||
            store_peek(search->session->environment->root, id, &other, &unreadable) != 0 || other->earlier_boot)
                return 0;
        for (size_t i = 0; i < ARRAY_SIZE(groups); i++)
                if (groups[i]->path && groups[i]->path->unit && has_unit(other, groups[i]->path->unit))
                        return error_fail(search->error, 0, "unit %s is taken by sandbox \"%s\"",
                                          groups[i]->path->unit, id);
        return 0;
}

/* A unit's name is unique on the host, whatever its slice, and systemd does not know units that wait for their VMM yet, so the
 * states of the other sandboxes are read. Our own state is already on disk, for others that do the same. */
static int check_units(struct session *session, struct error *error) {
        struct search search = {session, error};

        if (!session->state->sandbox.path->unit && (!session->overhead || !session->state->overhead.path->unit))
                return 0;
        return store_list(session->environment->root, compare_units, &search, error);
}

static int create_locked(struct session *session, const struct plans *plans, struct error *error) {
        int r;

        signals_hold();
        r = look_at_runtime(session, error);
        if (r == 0)
                r = session_save(session, PHASE_CREATING, error);
        if (r == 0)
                r = check_units(session, error);
        if (r == 0)
                r = create_groups(session, plans, error);
        return session_finish(session, r, error);
}

static int add_to_dry_run(struct session *session, struct manager *manager, const struct plan *plan,
                          json_t *entries, struct error *error) {
        return manager_dry_run_create(manager, plan, session->state->runtime, process_count(session, manager),
                                      is_deferred(session, manager), entries, error);
}

static int dry_run_create(struct session *session, const struct plans *plans, json_t **out,
                          struct error *error) {
        _cleanup_json_ json_t *entries = json_array();
        int r = 0;

        if (!entries)
                return error_oom(error);
        if (session->overhead)
                r = add_to_dry_run(session, session->overhead, plans->overhead, entries, error);
        if (r == 0)
                r = add_to_dry_run(session, session->sandbox, plans->sandbox, entries, error);
        if (r < 0)
                return r;
        *out = session_dry_run(TAKE(entries));
        return *out ? 0 : error_oom(error);
}

int sandbox_create(const struct sandbox_environment *environment, const char *id,
                   const struct sandbox_create *create, json_t **dry_run, struct error *error) {
        _cleanup_session_ struct session session = SESSION_INIT(environment);
        _cleanup_(plans_clear) struct plans plans = {0};
        int r;

        r = session_check(id, error);
        if (r == 0)
                r = oci_resources_check(create->resources, error);
        if (r == 0)
                r = make_state(&session, id, create, error);
        if (r == 0)
                r = state_check_size(session.state, error);
        if (r == 0)
                r = session_make_managers(&session, error);
        if (r == 0)
                r = check_subtree(&session, error);
        if (r == 0)
                r = make_plans(&session, &plans, error);
        if (r != 0)
                return r;
        if (dry_run)
                return dry_run_create(&session, &plans, dry_run, error);
        r = lock_and_clear(&session, id, error);
        return r < 0 ? r : create_locked(&session, &plans, error);
}
