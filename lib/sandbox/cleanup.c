/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Removing a sandbox's groups
 *
 * Subtle: the caller, or the shim that has started it, may itself be in a group that is removed. On cgroupfs it
 * is moved out like the other runtime processes. A systemd scope ends its processes, so there the stop is only
 * queued, and this process holds back the SIGTERM that the stop sends. If systemd does not wait between SIGTERM
 * and SIGKILL (v1), the caller is moved out too; otherwise it would never learn how its delete ended.
 */
#include "sandbox/cleanup.h"

#include <errno.h>
#include <stdlib.h>

#include "util/signals.h"

/* If the VMM is the caller, it is a part of the shim (Dragonball), and so a runtime process. */
static int find_people(struct session *session, struct people *out, struct error *error) {
        int r = proc_self_and_ancestors(&out->callers);

        if (r < 0)
                return error_fail(error, -r, "/proc");
        r = session_find_people(session, out, error);
        if (out->vmm && pid_set_contains(&out->callers, out->vmm->pid))
                out->vmm = NULL;
        return r;
}

/* Finds the VMM, wherever it is, and members of both groups that are neither runtime processes nor callers. */
static int find_others(struct session *session, const struct people *people, struct pid_set *out,
                       struct error *error) {
        _cleanup_pid_set_ struct pid_set members = {0};
        struct manager *manager;
        int r = 0;

        if (people->vmm && process_is_alive(people->vmm) && pid_set_add(out, people->vmm->pid) < 0)
                r = error_oom(error);
        for (size_t i = 0; r == 0 && (manager = session_group(session, i)); i++)
                r = manager_members(manager, &members, error);
        for (size_t i = 0; r == 0 && i < members.count; i++)
                if (!pid_set_contains(&people->callers, members.pids[i]) &&
                    !people_runtime_of(people, members.pids[i]) && pid_set_add(out, members.pids[i]) < 0)
                        r = error_oom(error);
        return r;
}

/* The VMM is usually ending when delete is called. */
int cleanup_wait(const struct pid_set *others, const char *id, int64_t deadline, struct waiting *waiting,
                 struct error *error) {
        _cleanup_free_ char *who = NULL;

        if (deadline_left_ms(deadline) > 0)
                process_wait_any(others, deadline_left_ms(waiting_until(waiting, deadline)));
        who = pid_set_describe(others);
        if (waiting_is_due(waiting))
                waiting_say(waiting, "processes of sandbox \"%s\" to end: %s", id, who ? who : "?");
        if (deadline_left_ms(deadline) > 0)
                return 0;
        return error_fail(error, EBUSY, "sandbox \"%s\" still has processes (see --force): %s", id,
                          who ? who : "?");
}

static int destroy(const struct people *people, struct manager *manager, const struct cleanup *how,
                   bool parents, struct error *error) {
        const struct manager_destroy destroy = {
                .kill = how->force,
                .parents = parents,
                .deadline = how->deadline,
                .callers = &people->callers,
        };
        int r;

        r = manager_release(manager, people, error);
        return r < 0 ? r : manager_destroy(manager, &destroy, error);
}

static int claim_groups(struct session *session, struct error *error) {
        int r = manager_claim(session->sandbox, error);

        return r == 0 && session->overhead ? manager_claim(session->overhead, error) : r;
}

static int destroy_groups(struct session *session, const struct people *people, const struct cleanup *how,
                          struct error *error) {
        int sandbox, overhead = 0;

        /* The overhead group's parent stays, since operators put limits on it. If one group cannot be removed, the
         * other is removed nevertheless. */
        sandbox = destroy(people, session->sandbox, how, how->parents, error);
        if (session->overhead)
                overhead = destroy(people, session->overhead, how, false, error);
        return sandbox < 0 ? sandbox : overhead;
}

/* Finds the processes, and whether others are in the groups. On success, signals are held back from here on. */
static int look(struct session *session, bool force, struct people *people, struct pid_set *others,
                struct error *error) {
        struct manager *manager;
        int r = claim_groups(session, error);

        for (size_t i = 0; r == 0 && (manager = session_group(session, i)); i++)
                r = manager_mend_freezing(manager, error);
        if (r == 0)
                r = find_people(session, people, error);
        /* Any descendant of the shim may be a VMM that was started and never attached, which --force must kill. */
        people->recorded_only = force && !session->state->vmm.process;
        if (r == 0 && !force)
                r = find_others(session, people, others, error);
        if (r < 0)
                return r;
        if (others->count > 0)
                return CLEANUP_E_OTHERS;
        signals_hold();
        return 0;
}

int cleanup_groups(struct session *session, const struct cleanup *how, struct pid_set *others,
                   struct error *error) {
        _cleanup_(people_clear) struct people people = {0};
        int r = look(session, how->force, &people, others, error);

        return r != 0 ? r : destroy_groups(session, &people, how, error);
}

/* A killed create may have started its scopes. Stopping them would end the shim that tries again, so the processes are moved
 * back first; the empty scopes then end by themselves. */
int cleanup_leftover(const struct sandbox_environment *environment, struct state *leftover,
                     struct pid_set *others, struct error *error) {
        _cleanup_session_ struct session session = SESSION_INIT(environment);
        _cleanup_(people_clear) struct people people = {0};
        struct cleanup how = {.parents = true};
        int r;

        session.state = leftover;
        if (leftover->earlier_boot)
                return 0;
        r = session_make_managers(&session, error);
        if (r == 0)
                r = look(&session, false, &people, others, error);
        if (r == 0)
                r = manager_put_back(session.overhead ? session.overhead : session.sandbox, &people, error);
        how.deadline = monotonic_ms() + CLEANUP_TIMEOUT_MS;
        return r != 0 ? r : destroy_groups(&session, &people, &how, error);
}
