/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Entering a sandbox before becoming its VMM
 *
 * Memory stays charged to the group in which it was first touched, so the first pages of a VMM that is moved later
 * stay charged elsewhere. The process that calls this has touched little memory, and the VMM that it executes starts
 * with a new address space.
 */
#include <stdlib.h>
#include <unistd.h>

#include "sandbox/session.h"
#include "util/signals.h"

#define SOURCE "exec"

static int record(struct session *session, struct process **self, bool threads, struct error *error) {
        struct vcpus *none = calloc(1, sizeof(*none));

        if (!none)
                return error_oom(error);
        state_set_vmm(session->state, TAKE(*self), threads, none);
        return 0;
}

/* In a frozen group the caller would stop until somebody thaws it. */
static int check_thawed(struct session *session, struct error *error) {
        struct manager *manager;

        for (size_t i = 0; (manager = session_group(session, i)); i++)
                if (!manager_is_thawed(manager))
                        return error_fail(error, 0, "sandbox \"%s\" is frozen: thaw it first",
                                          session->state->owner.id);
        return 0;
}

/* If vCPU threads are placed singly, the rest of the VMM is in the overhead group. The threads will be in the sandbox's group, so
 * it is checked now that this group is the sandbox's own. */
static int place(struct session *session, struct process *self, bool threads, struct error *error) {
        int r;

        if (!threads)
                return session_place_process(session, session->sandbox, self, error);
        r = manager_check_free(session->sandbox, error);
        return r < 0 ? r : manager_place(session->overhead, self, session->journal, error);
}

static int enter(struct session *session, struct process **self, struct error *error) {
        bool threads = session_places_threads(session);
        int r;

        signals_hold();
        r = session_settle(session, error);
        if (r == 0)
                r = check_thawed(session, error);
        if (r == 0)
                r = place(session, *self, threads, error);
        /* The kernel decides where the process is now. */
        if (r == 0)
                r = manager_check_member(threads ? session->overhead : session->sandbox, *self, error);
        return r < 0 ? r : record(session, self, threads, error);
}

int sandbox_enter(const struct sandbox_environment *environment, const char *id, struct error *error) {
        _cleanup_(process_freep) struct process *self = NULL;
        _cleanup_session_ struct session session = SESSION_INIT(environment);
        struct process *living;
        int r;

        r = session_begin(&session, id, error);
        if (r == 0)
                r = process_self(&self, error);
        if (r == 0)
                r = session_check_vmm(&session, self, SOURCE, &living, error);
        if (r == 0)
                r = manager_check_origin(session.sandbox, self, SOURCE, error);
        if (r < 0)
                return r;
        return session_finish(&session, enter(&session, &self, error), error);
}
