/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Taking a sandbox's groups down
 *
 * Subtle: the caller, or the shim that has spawned it, may itself be in a group that goes. On cgroupfs it
 * is moved out like the other runtime processes. A systemd scope ends its processes, so there the stop is
 * only queued, and this process ignores the SIGTERM that comes with it; where systemd does not wait after
 * SIGTERM, the caller is moved out there too, or it would never hear how its delete ended.
 */
#include "sandbox/cleanup.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* The recorded runtime process, if this pid still is it. */
static const struct task *find_runtime(const struct state *state, pid_t pid) {
        for (size_t i = 0; i < state->runtime_count; i++) {
                uint64_t start_time;

                if (state->runtime[i].pid == pid && proc_start_time(pid, &start_time) == 0 &&
                    start_time == state->runtime[i].start_time)
                        return &state->runtime[i];
        }
        return NULL;
}

/* Members of both groups that are neither runtime processes nor the caller and its ancestors. */
static int find_others(struct session *session, const struct pid_set *ancestors, struct pid_set *out,
                       struct error *error) {
        _cleanup_pid_set_ struct pid_set members = {0};
        int r;

        r = cgroup_members(session->sandbox->cgroup, MEMBERS_PROCESSES, true, &members, error);
        if (r == 0 && session->overhead)
                r = cgroup_members(session->overhead->cgroup, MEMBERS_PROCESSES, true, &members, error);
        for (size_t i = 0; r == 0 && i < members.count; i++)
                if (!pid_set_contains(ancestors, members.pids[i]) &&
                    !find_runtime(session->state, members.pids[i]) && pid_set_add(out, members.pids[i]) < 0)
                        r = error_oom(error);
        return r;
}

/* The VMM is usually on its way out when delete is called: its end is waited for. */
static int wait_for_others(struct session *session, const struct pid_set *ancestors, int64_t deadline,
                           struct error *error) {
        for (;;) {
                _cleanup_pid_set_ struct pid_set others = {0};
                _cleanup_free_ char *who = NULL;
                int r;

                r = find_others(session, ancestors, &others, error);
                if (r < 0 || others.count == 0)
                        return r;
                if (deadline_left_ms(deadline) == 0) {
                        who = pid_set_describe(&others);
                        return error_fail(error, EBUSY, "sandbox \"%s\" still has processes (see --force): %s",
                                          session->state->id, who ? who : "?");
                }
                (void)proc_wait_any(&others, deadline_left_ms(deadline));
        }
}

/* Where the caller goes: with the runtime process that it is, or that has spawned it. */
static const char *former_of_caller(const struct session *session, const struct pid_set *ancestors) {
        for (size_t i = 0; i < ancestors->count; i++) {
                const struct task *task = find_runtime(session->state, ancestors->pids[i]);

                if (task)
                        return task->former;
        }
        return NULL;
}

static int move_out(struct session *session, struct manager *manager, const struct hierarchy *hierarchy,
                    const struct pid_set *ancestors, struct error *error) {
        bool only_caller = manager_stops_processes(manager);
        _cleanup_pid_set_ struct pid_set members = {0};
        _cleanup_free_ char *text = NULL;
        int r;

        r = cgroup_read(manager->cgroup, hierarchy, "cgroup.procs", &text);
        if (cgroup_is_gone(r))
                return 0;
        if (r < 0)
                return error_fail(error, -r, "%s/%s/cgroup.procs", hierarchy->mount_point,
                                  manager->cgroup->path);
        if (pid_set_add_text(&members, text) < 0)
                return error_oom(error);
        for (size_t i = 0; i < members.count; i++) {
                const struct task *task = only_caller ? NULL : find_runtime(session->state, members.pids[i]);

                if (!task && !pid_set_contains(ancestors, members.pids[i]))
                        continue;
                r = cgroup_move_back(session->environment->log, hierarchy, MEMBERS_PROCESSES, members.pids[i],
                                     task ? task->former : former_of_caller(session, ancestors), error);
                if (r < 0)
                        return r;
        }
        return 0;
}

/* Where stopping the group is what ends them, at most the caller leaves. */
static int move_runtime_out(struct session *session, struct manager *manager, const struct pid_set *ancestors,
                            struct error *error) {
        if (manager_stops_processes(manager) && !manager_kills_at_once(manager))
                return 0;
        for (size_t h = 0; h < session->host->count; h++) {
                int r = move_out(session, manager, &session->host->hierarchies[h], ancestors, error);

                if (r < 0)
                        return r;
        }
        return 0;
}

static bool is_inside(struct manager *manager, const struct pid_set *ancestors) {
        _cleanup_pid_set_ struct pid_set members = {0};

        if (cgroup_members(manager->cgroup, MEMBERS_PROCESSES, true, &members, NULL) < 0)
                return false;
        for (size_t i = 0; i < members.count; i++)
                if (pid_set_contains(ancestors, members.pids[i]))
                        return true;
        return false;
}

static int destroy(struct session *session, struct manager *manager, bool parents, bool force,
                   const struct pid_set *ancestors, int64_t deadline, struct error *error) {
        struct manager_destroy how = {
                .kill = force,
                .parents = parents,
                .deadline = deadline,
                .spare = ancestors,
        };
        int r;

        r = move_runtime_out(session, manager, ancestors, error);
        if (r < 0)
                return r;
        how.caller_inside = is_inside(manager, ancestors);
        return manager->ops->destroy(manager, &how, error);
}

int cleanup_groups(struct session *session, bool force, int64_t deadline, struct error *error) {
        _cleanup_pid_set_ struct pid_set ancestors = {0};
        int r, sandbox, overhead = 0;

        r = proc_self_and_ancestors(&ancestors);
        if (r < 0)
                return error_fail(error, -r, "/proc");
        if (!force) {
                r = wait_for_others(session, &ancestors, deadline, error);
                if (r < 0)
                        return r;
        }
        /* The overhead group's parent stays: operators put limits on it. One group that does not go does
         * not keep the other. */
        sandbox = destroy(session, session->sandbox, true, force, &ancestors, deadline, error);
        if (session->overhead)
                overhead = destroy(session, session->overhead, false, force, &ancestors, deadline, error);
        return sandbox < 0 ? sandbox : overhead;
}

/* A killed create may have got its scopes started. Stopping them would end the very shim that tries again,
 * so its processes are put back first; the empty scopes then go. */
static int release_runtime(struct session *session, struct error *error) {
        struct manager *manager = session->overhead ? session->overhead : session->sandbox;

        for (size_t i = 0; i < session->state->runtime_count; i++) {
                const struct task *task = &session->state->runtime[i];

                if (!find_runtime(session->state, task->pid))
                        continue;
                for (size_t h = 0; h < session->host->count; h++) {
                        const struct hierarchy *hierarchy = &session->host->hierarchies[h];
                        _cleanup_free_ char *present = NULL, *path = NULL;
                        int r;

                        if (proc_read_cgroup(task->pid, &present) < 0)
                                continue;
                        path = hierarchy_path_of(hierarchy, present);
                        if (!path || strcmp(path, manager->cgroup->path) != 0)
                                continue;
                        r = cgroup_move_back(session->environment->log, hierarchy, MEMBERS_PROCESSES, task->pid,
                                             task->former, error);
                        if (r < 0)
                                return r;
                }
        }
        return 0;
}

int cleanup_leftover(const struct sandbox_environment *environment, const struct state *former,
                     struct error *error) {
        _cleanup_session_ struct session session = {.environment = environment, .store = STORE_INIT};
        _cleanup_json_ json_t *json = state_to_json(former);
        int r;

        if (!json)
                return error_oom(error);
        r = state_from_json(json, &session.state, error);
        if (r == 0)
                r = session_make_managers(&session, error);
        if (r == 0)
                r = release_runtime(&session, error);
        if (r < 0)
                return r;
        return cleanup_groups(&session, false, monotonic_ms() + CLEANUP_TIMEOUT_MS, error);
}
