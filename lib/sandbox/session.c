/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One command on one sandbox
 *
 * Subtle: the order of events. The state on disk says what is intended before the first change; the journal records each change;
 * a failure undoes the journal and restores the former state. The journal refers to managers and to processes of the state, so it
 * is freed first.
 */
#include "sandbox/session.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "sandbox/lock.h"
#include "util/signals.h"
#include "vmm/affinity.h"

void session_clear(struct session *session) {
        /* The journal refers to the managers and the state's processes, the managers to context and state. */
        journal_free(session->journal);
        manager_free(session->sandbox);
        manager_free(session->overhead);
        manager_context_free(session->context);
        state_free(session->state);
        state_free(session->former);
        store_close(&session->store);
        free(session->root);
}

int session_check_id(const char *id, struct error *error) {
        if (!sandbox_id_is_valid(id))
                return error_refuse(error, "ID", "\"%s\" is not 1 to 255 of A-Z a-z 0-9 _ + - . ", id);
        return 0;
}

int session_check(const char *id, struct error *error) {
        int r = session_check_id(id, error);

        return r < 0 ? r : process_check_kernel(error);
}

int session_fail_no_sandbox(const struct session *session, const char *id, struct error *error) {
        return error_set(error, EXIT_STATUS_NO_SANDBOX, 0, NULL, "there is no sandbox \"%s\" in %s", id,
                         session->environment->root);
}

/* What the marks of groups say of ROOT. It is the store's: groups are made and marked under the lock only. */
static int note_root(struct session *session, struct error *error) {
        char *root;
        int r = session->store.root_fd < 0 ? 0 : store_root_identity(session->store.root_fd, &root, error);

        if (r < 0 || session->store.root_fd < 0)
                return r;
        free(session->root);
        session->root = root;
        if (session->state)
                session->state->owner.root = root;
        return 0;
}

int session_lock(struct session *session, const char *id, bool create, int64_t deadline, struct error *error) {
        int r = store_lock(session->environment->root, id, create,
                           &(struct lock_wait){deadline, session->environment->log}, &session->store, error);

        if (r == STORE_E_BUSY)
                return lock_fail_busy(session->store.directory, id, error);
        return r == 0 ? note_root(session, error) : r;
}

int session_peek(struct session *session, const char *id, struct error *error) {
        int r;

        r = session_check_id(id, error);
        if (r == 0)
                r = store_peek(session->environment->root, id, &session->state, error);
        return r == STORE_E_NO_SANDBOX ? session_fail_no_sandbox(session, id, error) : r;
}

int session_check_life(const struct session *session, struct session_life *life, struct error *error) {
        const struct state *state = session->state;

        if (life->created_at[0] == '\0') {
                memcpy(life->token, state->owner.token, sizeof(life->token));
                memcpy(life->created_at, state->created_at, sizeof(life->created_at));
        }
        if (strcmp(life->token, state->owner.token) == 0 && strcmp(life->created_at, state->created_at) == 0)
                return 0;
        return error_set(error, EXIT_STATUS_NO_SANDBOX, 0, NULL,
                         "sandbox \"%s\" was deleted meanwhile, and another one is called so by now",
                         state->owner.id);
}

static int load(struct session *session, const char *id, struct error *error) {
        int r;

        r = session_lock(session, id, false, monotonic_ms() + LOCK_TIMEOUT_MS, error);
        if (r == 0)
                r = store_load(&session->store, &session->state, error);
        if (r == STORE_E_NO_SANDBOX)
                return session_fail_no_sandbox(session, id, error);
        if (r < 0)
                return r;
        if (session->state->phase == PHASE_CREATING)
                return error_fail(
                        error, 0,
                        "the create of sandbox \"%s\" did not finish: create it again, or delete --force", id);
        session->former = state_copy(session->state);
        return session->former ? 0 : error_oom(error);
}

void session_warn_of_age(const struct session *session) {
        const struct owner *owner = &session->state->owner;

        if (owner->token[0] == '\0' && !owner->any_life)
                log_warning(
                        session->environment->log,
                        "the state of \"%s\" is of an older build, without a token: what it owns is known by "
                        "its ID only",
                        owner->id);
}

int session_begin(struct session *session, const char *id, struct error *error) {
        int r;

        r = session_check(id, error);
        if (r == 0)
                r = load(session, id, error);
        if (r < 0)
                return r;
        session_warn_of_age(session);
        r = session_make_managers(session, error);
        if (r == 0 && session->state->vcpu_subtree && !manager_can_have_subtree(session->sandbox))
                return error_fail(
                        error, 0,
                        "sandbox \"%s\" has a threaded subtree for its vCPUs, which this host cannot have: "
                        "cpu or cpuset is on cgroup v1",
                        id);
        return r;
}

int session_save(struct session *session, enum phase phase, struct error *error) {
        enum phase present = session->state->phase;
        int r;

        signals_hold();
        /* If a change is already under way, `before` is known; while a killed change is settled, it is better than that of
         * `former`. */
        r = phase == PHASE_CHANGING && present != PHASE_CHANGING
                    ? state_keep_before(session->state, session->former, error)
                    : 0;
        if (r < 0)
                return r;
        if (phase == PHASE_READY)
                state_forget_before(session->state);
        session->state->phase = phase;
        r = store_save(&session->store, session->state, error);
        if (r < 0)
                session->state->phase = present;
        else
                session->saved = true;
        return r;
}

/* Updates the path of a group to the one that systemd has used, and the invocation ID of its unit. */
static int follow(struct state_group *group, const struct manager *manager, struct error *error) {
        if (!manager)
                return 0;
        (void)snprintf(group->invocation, sizeof(group->invocation), "%s", manager_invocation(manager));
        if (strcmp(group->path->path, manager_path(manager)) != 0) {
                char *copy = strdup(manager_path(manager));

                if (!copy)
                        return error_oom(error);
                free(group->path->path);
                group->path->path = copy;
        }
        return 0;
}

static void take_back(struct session *session, struct error *error) {
        journal_undo(session->journal, error);
        if (!session->former && store_remove(&session->store, NULL) < 0)
                error_append(error, "the state in %s stays", session->environment->root);
        if (session->former && session->saved && store_save(&session->store, session->former, NULL) < 0)
                error_append(error, "the state could not be written either");
}

int session_finish(struct session *session, int r, struct error *error) {
        if (r == 0)
                r = follow(&session->state->sandbox, session->sandbox, error);
        if (r == 0)
                r = follow(&session->state->overhead, session->overhead, error);
        if (r == 0)
                r = session_save(session, PHASE_READY, error);
        if (r < 0)
                take_back(session, error);
        return r;
}

/* Whether the sandbox's group contains only single threads, while the rest of the process is in the overhead group. */
static bool has_threads_only(const struct state *state) {
        return state->overhead.path && state->sandbox.path->driver == DRIVER_CGROUPFS &&
               state->overhead.path->driver == DRIVER_CGROUPFS;
}

static int make_manager(struct session *session, struct state_group *group, const char *role, bool is_sandbox,
                        struct manager **out, struct error *error) {
        struct state *state = session->state;
        const struct manager_group wanted = {
                .owner = &state->owner,
                .path = group->path,
                .role = role,
                .vcpu_subtree = is_sandbox && state->vcpu_subtree,
                .threads_only = is_sandbox && has_threads_only(state),
                .parents_stay = !is_sandbox,
                .stop_timeout_us = state->stop_timeout * 1000000,
                /* A killed command may have started the unit again. */
                .invocation = state->phase == PHASE_READY ? group->invocation : "",
        };

        return group->path ? manager_new(session->context, &wanted, out, error) : 0;
}

int session_make_managers(struct session *session, struct error *error) {
        struct state *state = session->state;
        int r;

        session->journal = journal_new();
        if (!session->journal)
                return error_oom(error);
        r = note_root(session, error);
        if (r == 0 && !session->context)
                r = manager_context_new(session->environment->log, &session->context, error);
        if (r == 0)
                r = make_manager(session, &state->sandbox, "sandbox", true, &session->sandbox, error);
        if (r == 0)
                r = make_manager(session, &state->overhead, "overhead", false, &session->overhead, error);
        return r;
}

static int parse_path(const char *given, const char *option, enum default_path otherwise, const char *id,
                      struct cgroup_path **out, struct error *error) {
        return given ? cgroup_path_parse(given, option, out, error)
                     : cgroup_path_default(otherwise, id, out, error);
}

/* Whether one path is within the other: it would be removed together with it. */
static bool overlap(const char *a, const char *b) {
        size_t length = strlen(a) < strlen(b) ? strlen(a) : strlen(b);

        return strncmp(a, b, length) == 0 && (a[length] == '\0' || a[length] == '/') &&
               (b[length] == '\0' || b[length] == '/');
}

int session_set_paths(struct state *state, const char *id, const struct sandbox_paths *paths,
                      struct error *error) {
        struct cgroup_path **sandbox = &state->sandbox.path, **overhead = &state->overhead.path;
        int r;

        state->owner.id = strdup(id);
        if (!state->owner.id)
                return error_oom(error);
        state->sandbox_cgroup_only = paths->sandbox_cgroup_only;
        r = parse_path(paths->cgroups_path, "--cgroups-path", DEFAULT_PATH_SANDBOX, id, sandbox, error);
        if (r < 0 || state->sandbox_cgroup_only)
                return r;
        r = parse_path(paths->overhead_path, "--overhead-path",
                       (*sandbox)->driver == DRIVER_SYSTEMD ? DEFAULT_PATH_OVERHEAD_SYSTEMD
                                                            : DEFAULT_PATH_OVERHEAD_CGROUPFS,
                       id, overhead, error);
        if (r < 0)
                return r;
        if (overlap((*sandbox)->path, (*overhead)->path))
                return error_refuse(error, paths->overhead_path ? "--overhead-path" : "--cgroups-path",
                                    "the overhead group's path %s and the sandbox's %s overlap",
                                    (*overhead)->path, (*sandbox)->path);
        return 0;
}

struct manager *session_group(const struct session *session, size_t i) {
        const size_t sandbox = session->overhead ? 1 : 0;

        if (i < sandbox)
                return session->overhead;
        return i == sandbox ? session->sandbox : NULL;
}

/* Without an overhead group, the runtime processes are in the sandbox group. */
struct manager *session_runtime_manager(const struct session *session) {
        return session_group(session, 0);
}

int session_wanted(const struct session *session, const struct manager *manager,
                   const struct configuration *configuration, struct oci_resources **out, struct error *error) {
        if (manager == session->sandbox)
                return configuration_effective(configuration, out, error);
        *out = oci_resources_copy(configuration->overhead);
        return *out ? 0 : error_oom(error);
}

int session_plan(struct manager *manager, const struct oci_resources *resources,
                 const struct oci_resources *before, struct plan **out, struct error *error) {
        int r = oci_resources_check(resources, error);

        return r < 0 ? r : manager_plan(manager, resources, before, out, error);
}

static int plan_of(struct session *session, struct manager *manager, const struct state *state,
                   struct plan **out, struct error *error) {
        _cleanup_(oci_resources_freep) struct oci_resources *wanted = NULL;
        int r = session_wanted(session, manager, state->configuration, &wanted, error);

        return r < 0 ? r : session_plan(manager, wanted, NULL, out, error);
}

int session_plan_state(struct session *session, struct manager *manager, struct plan **out,
                       struct error *error) {
        return plan_of(session, manager, session->state, out, error);
}

void session_warn(const struct session *session, const struct plan *plan) {
        for (size_t i = 0; i < plan->warning_count; i++)
                log_warning(session->environment->log, "%s", plan->warnings[i]);
}

bool session_places_threads(const struct session *session) {
        return session->overhead && manager_can_place_threads(session->sandbox) &&
               manager_can_place_threads(session->overhead);
}

int session_living_vmm(const struct session *session, struct process **out, struct error *error) {
        struct process *vmm = session->state->vmm.process;
        int r = vmm ? process_recall(vmm, error) : PROCESS_E_GONE;

        *out = r == 0 ? vmm : NULL;
        return r < 0 ? r : 0;
}

int session_find_people(struct session *session, struct people *out, struct error *error) {
        const struct state *state = session->state;
        struct process *vmm;
        int r = session_living_vmm(session, &vmm, error);

        out->vmm = vmm;
        out->runtime = calloc(state->runtime_count + 1, sizeof(struct process *));
        if (r == 0 && !out->runtime)
                return error_oom(error);
        for (size_t i = 0; r >= 0 && i < state->runtime_count; i++) {
                r = process_recall(state->runtime[i], error);
                if (r == 0)
                        out->runtime[out->runtime_count++] = state->runtime[i];
        }
        return r < 0 ? r : 0;
}

int session_check_vmm(const struct session *session, const struct process *named, const char *source,
                      struct process **out, struct error *error) {
        _cleanup_pid_set_ struct pid_set living = {0};
        _cleanup_free_ char *who = NULL;
        int r = session_living_vmm(session, out, error);

        if (r < 0 || !*out || !named || process_is(*out, named))
                return r;
        if (pid_set_add(&living, (*out)->pid) == 0)
                who = pid_set_describe(&living);
        return error_refuse(error, source, "sandbox \"%s\" has a VMM already, process %s, which lives",
                            session->state->owner.id, who ? who : "?");
}

bool session_has_group(struct manager *manager) {
        return !manager_needs_process(manager) || manager_exists(manager);
}

/* Restores limits that systemd has removed from the group. */
static int restore(struct session *session, struct manager *manager, struct error *error) {
        _cleanup_(plan_freep) struct plan *plan = NULL;
        int r = session_plan_state(session, manager, &plan, error);

        if (r < 0)
                return r;
        plan_set_unchanged(plan);
        return manager_update(manager, plan, session->journal, error);
}

static int place_in_group(struct session *session, struct manager *manager, struct process *process,
                          struct error *error) {
        int r;

        if (!manager_exists(manager))
                return MANAGER_E_GONE;
        r = manager_place(manager, process, session->journal, error);
        if (r != MANAGER_E_INCOMPLETE)
                return r;
        r = restore(session, manager, error);
        if (r == 0)
                r = manager_place(manager, process, session->journal, error);
        return r == MANAGER_E_INCOMPLETE
                       ? error_fail(error, 0, "systemd keeps removing directories of %s", manager_path(manager))
                       : r;
}

int session_place_process(struct session *session, struct manager *manager, struct process *process,
                          struct error *error) {
        _cleanup_(plan_freep) struct plan *plan = NULL;
        int r = place_in_group(session, manager, process, error);

        if (r != MANAGER_E_GONE)
                return r;
        /* The frozen group has gone with the former unit. */
        if (manager == session->sandbox)
                session->state->frozen = false;
        r = session_plan_state(session, manager, &plan, error);
        if (r == 0)
                r = session_save(session, PHASE_CHANGING, error);
        return r < 0 ? r : manager_create(manager, plan, &process, 1, session->journal, error);
}

struct former_affinity {
        const struct process *vmm; /* outlives the journal */
        pid_t tid;
        struct cpulist cpus;
};

static int former_affinity_undo(void *change, struct error *error) {
        const struct former_affinity *former = change;
        int r = process_has_thread(former->vmm, former->tid) ? affinity_set(former->tid, &former->cpus) : 0;

        return r < 0 && r != -ESRCH ? error_fail(error, -r, "CPUs of thread %d", former->tid) : 0;
}

static int record_affinities(struct session *session, const struct process *vmm, const struct vcpus *vcpus,
                             struct error *error) {
        for (size_t i = 0; i < vcpus->count; i++) {
                struct former_affinity *former = calloc(1, sizeof(*former));
                int r;

                if (!former)
                        return error_oom(error);
                former->vmm = vmm;
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

int session_cpus(struct session *session, struct cpulist *out, struct error *error) {
        int r = manager_effective_cpus(session->sandbox, out, error);

        if (r != MANAGER_E_NO_CPUSET)
                return r;
        r = affinity_get(1, out);
        return r < 0 ? error_fail(error, -r, "the CPUs of the sandbox cannot be found out") : 0;
}

/* Pinning requires a cpuset, as in Kata Containers. */
static int has_cpuset(struct session *session, bool *out, struct error *error) {
        _cleanup_(oci_resources_freep) struct oci_resources *wanted = NULL;
        int r = session_wanted(session, session->sandbox, session->state->configuration, &wanted, error);

        if (r == 0)
                *out = wanted->cpu.cpus || oci_resources_has_unified(wanted, "cpuset.cpus");
        return r;
}

/* The pinning that is possible: without a cpuset, not one CPU for each vCPU. */
static int pinning_to_be_had(struct session *session, struct pinning *out, struct session_pins *pins,
                             struct error *error) {
        bool cpuset = true;
        int r;

        *out = session->state->vmm.pinning;
        r = out->one_each ? has_cpuset(session, &cpuset, error) : 0;
        if (r == 0 && !cpuset)
                (void)snprintf(pins->reason, sizeof(pins->reason), "no cpuset was given for the sandbox");
        out->one_each = out->one_each && cpuset;
        return r;
}

static int begin_pinning(struct session *session, const struct pinning *pinning, const struct vcpus *vcpus,
                         struct error *error) {
        struct sandbox_vmm *vmm = &session->state->vmm;
        int r = 0;

        if (!vmm->pinning.in_force && pinning_is_wanted(pinning)) {
                vmm->pinning.in_force = true;
                r = session_save(session, PHASE_CHANGING, error);
        }
        return r < 0 ? r : record_affinities(session, vmm->process, vcpus, error);
}

int session_pin(struct session *session, const struct vcpus *vcpus, struct session_pins *out,
                struct error *error) {
        struct sandbox_vmm *vmm = &session->state->vmm;
        struct pinning pinning; /* its map is owned by the state */
        struct cpulist cpus;
        struct pinning_place place = {vmm->process, vcpus, &cpus, session->environment->log};
        int r;

        *out = (struct session_pins){0};
        r = pinning_to_be_had(session, &pinning, out, error);
        if (r < 0 || (out->reason[0] != '\0' && !pinning.in_force))
                return r;
        r = begin_pinning(session, &pinning, vcpus, error);
        if (r == 0)
                r = session_cpus(session, &cpus, error);
        if (r == 0)
                r = pinning_apply(&pinning, &place, &out->pinned, error);
        if (r < 0)
                return r;
        /* Also if there were too few CPUs: the affinities that were set then do not follow the cpuset. */
        vmm->pinning.in_force = pinning_is_wanted(&pinning);
        if (pinning.one_each && !out->pinned)
                (void)snprintf(out->reason, sizeof(out->reason),
                               "the cpuset has fewer CPUs, %zu, than there are vCPUs, %zu",
                               cpulist_count(&cpus), vcpus->count);
        else if (pinning_is_wanted(&pinning) && !out->pinned)
                (void)snprintf(out->reason, sizeof(out->reason),
                               "the sandbox has none of the map's CPUs any more");
        return 0;
}

int session_pin_again(struct session *session, struct error *error) {
        const struct vcpus *recorded = session->state->vmm.vcpus;
        _cleanup_free_ struct vcpu *living = NULL;
        struct vcpus vcpus = {0};
        struct session_pins pins;
        struct process *vmm;
        int r;

        if (!pinning_is_wanted(&session->state->vmm.pinning) || !recorded)
                return 0;
        r = session_living_vmm(session, &vmm, error);
        if (r < 0 || !vmm)
                return r;
        living = calloc(recorded->count + 1, sizeof(*living));
        if (!living)
                return error_oom(error);
        vcpus.vcpus = living;
        for (size_t i = 0; i < recorded->count; i++)
                if (process_has_thread(vmm, recorded->vcpus[i].tid))
                        living[vcpus.count++] = recorded->vcpus[i];
        return session_pin(session, &vcpus, &pins, error);
}

static int settle_group_to(struct session *session, struct manager *manager, const struct state *wanted,
                           const struct state *other, struct error *error) {
        _cleanup_(plan_freep) struct plan *plan = NULL, *other_plan = NULL;
        int r;

        r = plan_of(session, manager, wanted, &plan, error);
        if (r == 0 && other)
                r = plan_of(session, manager, other, &other_plan, error);
        if (r == 0 && other)
                r = plan_add_resets(plan, other_plan, error);
        return r < 0 ? r : manager_update(manager, plan, session->journal, error);
}

/* Changes the groups to the wanted configuration, from a mixture of both. */
static int settle_to(struct session *session, const struct state *wanted, const struct state *other,
                     struct error *error) {
        struct manager *manager;
        int r = 0;

        for (size_t i = 0; r == 0 && (manager = session_group(session, i)); i++)
                if (session_has_group(manager))
                        r = settle_group_to(session, manager, wanted, other, error);
        if (r == 0)
                r = session_pin_again(session, error);
        if (r == 0 && other && other->frozen != wanted->frozen)
                r = session_freeze(session, wanted->frozen, error);
        if (r < 0)
                journal_undo(session->journal, error);
        return r;
}

/* Finds the groups that exist and can be settled. */
static int look_at_groups(struct session *session, struct error *error) {
        struct manager *manager;
        int r = 0;

        for (size_t i = 0; r == 0 && (manager = session_group(session, i)); i++)
                r = session_has_group(manager) ? manager_mend_freezing(manager, error)
                                               : manager_check_free(manager, error);
        return r;
}

/* The kernel may refuse what the killed command wanted. Then the former configuration is restored. */
static int settle_groups(struct session *session, struct error *error) {
        _cleanup_(state_freep) struct state *before = NULL;
        int r = 0;

        if (session->state->before) {
                before = state_copy(session->state);
                r = before ? state_go_back(before, error) : error_oom(error);
        }
        if (r == 0)
                r = look_at_groups(session, error);
        if (r < 0)
                return r;
        r = settle_to(session, session->state, before, error);
        if (r == 0 || !before)
                return r;
        log_warning(session->environment->log, "a change that was killed is taken back, as it fails: %s",
                    error->message ? error->message : "?");
        error_clear(error);
        r = settle_to(session, before, session->former, error);
        return r < 0 ? r : state_go_back(session->state, error);
}

int session_settle(struct session *session, struct error *error) {
        struct state *settled;
        int r;

        if (session->former->phase != PHASE_CHANGING)
                return 0;
        signals_hold();
        r = settle_groups(session, error);
        if (r == 0)
                r = session_save(session, PHASE_READY, error);
        if (r < 0)
                return r;
        settled = state_copy(session->state);
        if (!settled)
                return error_oom(error);
        state_free(session->former);
        session->former = settled;
        session->saved = false;
        journal_forget(session->journal);
        return 0;
}

json_t *session_dry_run(json_t *entries) {
        return entries ? json_pack("{s:o}", "plan", entries) : NULL;
}
