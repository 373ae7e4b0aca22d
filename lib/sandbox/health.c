/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The health of a sandbox
 *
 * The causes come first: a group that is missing, after its VMM has ended, says no more than that the VMM has ended.
 *
 * Subtle: nothing is locked, and a sandbox that a command is working on is not broken. So a phase that is not ready, and a group
 * that is missing, count only where nobody has the sandbox's lock. The command may also have finished between the look at the
 * state and the look at the lock. So the order is state, groups, lock, and the state once more: only where that has not changed
 * was the lock free while the state was this one.
 */
#include "sandbox/health.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* A state that changes this often is worked on, and nothing is known to be wrong. */
#define TRIES 3

/* Whether the group has to be there: a scope is started with its first process. */
static bool is_due(const struct session *session, struct manager *manager, const struct process *vmm) {
        const struct state *state = session->state;
        const struct state_group *group = manager == session->overhead ? &state->overhead : &state->sandbox;

        return !manager_needs_process(manager) || group->invocation[0] != '\0' ||
               (vmm && manager == session->sandbox);
}

/* Of a group that is not there. A scope is started again by what places the processes that belong to it. */
static const char *describe_gone(const struct session *session, struct manager *manager) {
        bool overhead = manager == session->overhead;

        if (!manager_needs_process(manager))
                return overhead ? "its overhead cgroup is gone: delete it"
                                : "its sandbox cgroup is gone: delete it";
        if (overhead)
                return "its overhead scope has ended with its last process: delete it, or place another "
                       "process";
        return session->overhead
                       ? "its sandbox scope has ended with its last process: delete it, or attach a VMM, by "
                         "attach-vcpus or exec"
                       : "its sandbox scope has ended with its last process: delete it, or place another "
                         "process";
}

/* What is wrong with one of the groups, or NULL. */
static const char *check_group(const struct session *session, struct manager *manager,
                               const struct process *vmm) {
        if (!manager_exists(manager))
                return is_due(session, manager, vmm) ? describe_gone(session, manager) : NULL;
        if (manager_is_shown(manager))
                return NULL;
        return manager == session->overhead
                       ? "at the place of its overhead cgroup is one that is not its own: delete it"
                       : "at the place of its sandbox cgroup is one that is not its own: delete it";
}

/* Whether a command is working on the sandbox. */
static bool is_locked(const struct session *session) {
        return store_is_locked(session->environment->root, session->state->owner.id);
}

/* The groups first, then the lock: a delete that begins in between is not missed. */
static const char *check_groups(const struct session *session, const struct process *vmm) {
        const char *problem = NULL;
        struct manager *manager;

        for (size_t i = 0; !problem && (manager = session_group(session, i)); i++)
                problem = check_group(session, manager, vmm);
        return problem && !is_locked(session) ? problem : NULL;
}

/* Of a state that is not ready. */
static const char *check_phase(const struct session *session) {
        if (is_locked(session))
                return NULL;
        return session->state->phase == PHASE_CREATING
                       ? "its create did not finish: create it again, or delete --force"
                       : "a command that changed it was killed: the next update or attach-vcpus completes that";
}

static int check_ready(const struct session *session, char **out, struct error *error) {
        const struct process *recorded = session->state->vmm.process;
        struct process *living = NULL;
        const char *problem;
        char *text;
        int r;

        r = session_living_vmm(session, &living, error);
        if (r < 0)
                return r;
        if (recorded && !living) {
                if (asprintf(&text, "its VMM, process %d, has ended: delete it", recorded->pid) < 0)
                        return -ENOMEM;
                *out = text;
                return 0;
        }
        problem = check_groups(session, living);
        *out = problem ? strdup(problem) : NULL;
        return problem && !*out ? -ENOMEM : 0;
}

/* What is wrong by one look at the state: a new string, or NULL. */
static int check(const struct session *session, char **out, struct error *error) {
        const struct state *state = session->state;
        const char *problem;

        if (state->earlier_boot)
                problem = "it was made before this boot, and only its state is left: delete it, or prune";
        else if (state->phase != PHASE_READY)
                problem = check_phase(session);
        else
                return check_ready(session, out, error);
        *out = problem ? strdup(problem) : NULL;
        return problem && !*out ? -ENOMEM : 0;
}

/* A check that fails is a problem, too: it does not keep the rest from being seen. Without memory, nothing goes on. */
static int look(struct session *session, char **out, struct error *error) {
        _cleanup_error_ struct error cause = ERROR_INIT;
        int r;

        r = session_make_managers(session, error);
        if (r < 0)
                return r;
        r = check(session, out, &cause);
        if (r < 0 && r != -ENOMEM) {
                *out = strdup(cause.message ? cause.message : strerror(-r));
                r = *out ? 0 : -ENOMEM;
        }
        return r < 0 ? error_oom(error) : 0;
}

static void forget(struct session *session) {
        session->journal = journal_free(session->journal);
        session->sandbox = manager_free(session->sandbox);
        session->overhead = manager_free(session->overhead);
        session->state = state_free(session->state);
}

/* `*out` is whether the state on disk is still the session's. 0, STORE_E_NO_SANDBOX, or an error. */
static int compare_state(const struct session *session, bool *out, struct error *error) {
        _cleanup_(state_freep) struct state *present = NULL;
        _cleanup_json_ json_t *then = NULL, *now = NULL;
        int r;

        r = store_peek(session->environment->root, session->state->owner.id, &present, error);
        if (r != 0)
                return r;
        then = state_to_json(session->state);
        now = state_to_json(present);
        if (!then || !now)
                return error_oom(error);
        *out = json_equal(then, now);
        return 0;
}

int health_examine(struct session *session, const char *id, char **out, struct error *error) {
        bool unchanged = false;

        for (int i = 0; i < TRIES; i++) {
                _cleanup_free_ char *problem = NULL;
                int r;

                forget(session);
                r = store_peek(session->environment->root, id, &session->state, error);
                if (r == 0)
                        r = look(session, &problem, error);
                if (r == 0 && problem)
                        r = compare_state(session, &unchanged, error);
                if (r != 0)
                        return r;
                if (!problem || unchanged) {
                        *out = TAKE(problem);
                        return 0;
                }
        }
        *out = NULL;
        return 0;
}
