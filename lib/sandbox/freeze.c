/* SPDX-License-Identifier: Apache-2.0 */
/*
 * freeze, thaw
 *
 * These commands act on the sandbox group. In overhead mode it holds the VMM, in sandbox-only mode the runtime processes as
 * well. The state has the intent and the former value before anything is changed, so session_settle() can complete a freeze
 * or thaw that was killed, and no command takes a user's freeze for one that a killed update has left.
 *
 * Subtle: if vCPU threads are placed singly, the VMM's other threads are in the overhead group, together with the runtime
 * processes. While the sandbox is frozen, they are in the sandbox group, in the freezer's hierarchy alone.
 */
#include <errno.h>
#include <stdlib.h>

#include "sandbox/session.h"
#include "util/timestamp.h"

/* The time for a freezing or thawing that a killed command has begun, or that is undone. */
#define FREEZE_TIMEOUT_MS 10000

/* The processes that a freeze would stop. `vmm`: the living VMM, or NULL. */
static int find_members(const struct session *session, const struct process *vmm, struct pid_set *out,
                        struct error *error) {
        const struct process *recorded = session->state->vmm.process;
        int r = manager_members(session->sandbox, out, error);

        if (r < 0)
                return r;
        /* A VMM whose vCPUs were not attached yet has no thread in the group. */
        if (vmm && session_places_threads(session) && pid_set_add(out, vmm->pid) < 0)
                return error_oom(error);
        if (out->count == 0)
                return error_fail(error, 0, "sandbox \"%s\" has no process that could be frozen",
                                  session->state->owner.id);
        if (vmm && !pid_set_contains(out, vmm->pid))
                return error_fail(error, 0, "the VMM, process %d, is not in %s", vmm->pid,
                                  manager_path(session->sandbox));
        /* The VMM is ending or cannot be looked at: the freeze would miss some of its threads. */
        if (!vmm && recorded && pid_set_contains(out, recorded->pid))
                return error_fail(error, ESRCH, "the VMM, process %d", recorded->pid);
        return 0;
}

/* A freeze that stops its caller would never return. */
static int check_caller(const struct session *session, const struct pid_set *members, struct error *error) {
        _cleanup_pid_set_ struct pid_set callers = {0}, inside = {0};
        _cleanup_free_ char *who = NULL;
        int r = proc_self_and_ancestors(&callers);

        if (r < 0)
                return error_fail(error, -r, "/proc");
        for (size_t i = 0; i < callers.count; i++)
                if (pid_set_contains(members, callers.pids[i]) && pid_set_add(&inside, callers.pids[i]) < 0)
                        return error_oom(error);
        if (inside.count == 0)
                return 0;
        who = pid_set_describe(&inside);
        return error_fail(error, 0, "freezing sandbox \"%s\" would freeze its caller: %s",
                          session->state->owner.id, who ? who : "?");
}

static int check_members(const struct session *session, struct error *error) {
        _cleanup_pid_set_ struct pid_set members = {0};
        struct process *vmm;
        int r = session_living_vmm(session, &vmm, error);

        if (r == 0)
                r = find_members(session, vmm, &members, error);
        return r < 0 ? r : check_caller(session, &members, error);
}

static int spread(struct session *session, struct process *vmm, struct error *error) {
        const struct vcpus *vcpus = session->state->vmm.vcpus;
        _cleanup_free_ pid_t *tids = calloc(vcpus->count + 1, sizeof(*tids));
        size_t count = 0;

        if (!tids)
                return error_oom(error);
        for (size_t i = 0; i < vcpus->count; i++)
                if (process_has_thread(vmm, vcpus->vcpus[i].tid))
                        tids[count++] = vcpus->vcpus[i].tid;
        return manager_spread_threads(session->sandbox, session->overhead, vmm, tids, count, error);
}

static int apply(struct session *session, bool frozen, const struct wait_limit *limit, struct error *error) {
        struct process *vmm;
        int r = session_living_vmm(session, &vmm, error);
        bool gathered = vmm && session_places_threads(session);

        if (r == 0 && frozen && gathered)
                r = manager_gather_threads(session->sandbox, vmm, error);
        if (r == 0)
                r = manager_freeze(session->sandbox, frozen, limit, error);
        return r == 0 && !frozen && gathered ? spread(session, vmm, error) : r;
}

/* For what a killed command has begun, and for an undo. A signal that has ended the first wait is still pending. */
static struct wait_limit unasked(void) {
        return (struct wait_limit){monotonic_ms() + FREEZE_TIMEOUT_MS, false};
}

int session_freeze(struct session *session, bool frozen, struct error *error) {
        const struct wait_limit limit = unasked();
        int r = frozen ? check_members(session, error) : 0;

        return r < 0 ? r : apply(session, frozen, &limit, error);
}

/* If the state does not change, somebody else has frozen or thawed the group. A freeze that fails is taken back then, too. A thaw
 * that fails is not tried again. */
static int freezing_undo(void *change, struct error *error) {
        struct session *session = change;
        const struct wait_limit limit = unasked();

        if (session->former->frozen != session->state->frozen)
                return apply(session, session->former->frozen, &limit, error);
        return session->state->frozen ? manager_freeze(session->sandbox, false, &limit, error) : 0;
}

static int change(struct session *session, bool frozen, const struct wait_limit *limit, struct error *error) {
        int r;

        session->state->frozen = frozen;
        r = session_save(session, PHASE_CHANGING, error);
        if (r == 0)
                r = journal_add(session->journal, freezing_undo, NULL, session, error);
        return r < 0 ? r : apply(session, frozen, limit, error);
}

/* Whether there is nothing to do. A freeze by somebody else is recorded as the user's, and can be thawed. */
static bool is_done(const struct session *session, bool frozen) {
        if (session->state->frozen != frozen)
                return false;
        return frozen ? manager_is_frozen(session->sandbox) : manager_is_thawed(session->sandbox);
}

int sandbox_freeze(const struct sandbox_environment *environment, const char *id, bool frozen, unsigned timeout,
                   struct error *error) {
        _cleanup_session_ struct session session = SESSION_INIT(environment);
        struct wait_limit limit = {.until_signal = true};
        int r = session_begin(&session, id, error);

        if (r == 0)
                r = session_settle(&session, error);
        if (r < 0 || is_done(&session, frozen))
                return r;
        r = frozen ? check_members(&session, error) : 0;
        if (r < 0)
                return r;
        limit.deadline = monotonic_ms() + (int64_t)timeout * 1000;
        return session_finish(&session, change(&session, frozen, &limit, error), error);
}
