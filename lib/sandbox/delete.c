/* SPDX-License-Identifier: Apache-2.0 */
/*
 * delete
 *
 * Groups first, then the state: a delete that is killed or fails is repeated with the same knowledge.
 */

#include "sandbox/cleanup.h"

/* The state that --force makes up from the options where none can be had. Of the token nothing is known. */
static int make_up_state(struct session *session, const char *id, const struct sandbox_paths *paths,
                         struct error *error) {
        state_free(session->state);
        session->state = state_new();
        if (!session->state)
                return error_oom(error);
        session->state->owner.any_life = true;
        timestamp_now(session->state->created_at);
        return session_set_paths(session->state, id, paths, error);
}

static int load(struct session *session, const char *id, const struct sandbox_delete *delete,
                struct error *error) {
        _cleanup_error_ struct error unreadable = ERROR_INIT;
        int r;

        r = store_lock(session->environment->root, id, false, &session->store, error);
        if (r == 0)
                r = store_load(&session->store, &session->state, delete->force ? &unreadable : error);
        if (r < 0 && unreadable.message)
                log_warning(session->environment->log, "%s", unreadable.message);
        if (r == 0 || (r < 0 && !delete->force) || (r < 0 && !unreadable.message))
                return r;
        if (!delete->force)
                return session_fail_no_sandbox(session, id, error);
        return make_up_state(session, id, &delete->paths, error);
}

int sandbox_delete(const struct sandbox_environment *environment, const char *id,
                   const struct sandbox_delete *delete, struct error *error) {
        _cleanup_session_ struct session session = SESSION_INIT(environment);
        int64_t deadline = monotonic_ms() + (int64_t) delete->timeout * 1000;
        int r;

        r = session_check_id(id, error);
        if (r == 0)
                r = process_check_kernel(error);
        if (r == 0)
                r = load(&session, id, delete, error);
        if (r < 0)
                return r;
        session_warn_of_age(&session);
        /* Control groups and units do not outlive a boot: what is there by now is others'. */
        if (!session.state->earlier_boot) {
                r = session_make_managers(&session, error);
                if (r == 0)
                        r = cleanup_groups(&session, delete->force, deadline, error);
        }
        if (r < 0 || session.store.directory < 0)
                return r;
        return store_remove(&session.store, error);
}
