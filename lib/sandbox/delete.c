/* SPDX-License-Identifier: Apache-2.0 */
/*
 * delete
 *
 * Groups first, then the state: a delete that is killed or fails is repeated with the same knowledge. Processes that have to
 * end first are waited for without the lock; then everything is looked at again.
 */
#include <errno.h>

#include "sandbox/cleanup.h"
#include "sandbox/lock.h"
#include "util/signals.h"

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

/* --force kills a kata-cgroup that has had its time with the lock, and clears up what that leaves half-done. */
static int lock(struct session *session, const char *id, const struct sandbox_delete *delete, int64_t *deadline,
                struct error *error) {
        int r;

        if (!delete->force)
                return session_lock(session, id, false, *deadline, error);
        r = store_lock(session->environment->root, id, false,
                       &(struct lock_wait){*deadline, session->environment->log}, &session->store, error);
        if (r != STORE_E_BUSY)
                return r;
        r = lock_end_holder(session->store.directory, id, error);
        store_close(&session->store);
        if (r < 0)
                return r;
        *deadline = monotonic_ms() + (int64_t) delete->timeout * 1000;
        return session_lock(session, id, false, monotonic_ms() + LOCK_TIMEOUT_MS, error);
}

/* An unreadable state does not say where the groups are. Unless the caller does, it stays. */
static int give_up_state(struct session *session, const struct sandbox_paths *paths, struct error *broken) {
        if (!paths->cgroups_path || (!paths->overhead_path && !paths->sandbox_cgroup_only)) {
                error_append(broken, "say where its groups are: --cgroups-path, and --overhead-path or "
                                     "--sandbox-cgroup-only");
                return -EBADMSG;
        }
        log_warning(session->environment->log, "%s", broken->message ? broken->message : "?");
        return 0;
}

static int load(struct session *session, const char *id, const struct sandbox_delete *delete, int64_t *deadline,
                struct error *error) {
        _cleanup_error_ struct error cause = ERROR_INIT;
        int r;

        r = lock(session, id, delete, deadline, error);
        if (r < 0)
                return r;
        if (r == 0)
                r = store_load(&session->store, &session->state, &cause);
        if (r == 0)
                return 0;
        if (r == -EBADMSG && delete->force)
                r = give_up_state(session, &delete->paths, &cause);
        if (r < 0) {
                error_move(error, &cause);
                return r;
        }
        return delete->force ? make_up_state(session, id, &delete->paths, error)
                             : session_fail_no_sandbox(session, id, error);
}

/* Whether the processes cannot end by themselves because they are frozen. */
static bool is_frozen(const struct session *session) {
        return session->sandbox && !manager_is_thawed(session->sandbox);
}

/* Once, under the lock; CLEANUP_E_OTHERS where somebody is in the way. */
static int delete_once(struct session *session, const struct sandbox_delete *delete, int64_t deadline,
                       struct pid_set *others, struct error *error) {
        const struct cleanup how = {.force = delete->force, .parents = true, .deadline = deadline};
        int r = 0;

        /* Control groups and units do not outlive a boot: what is there by now is others'. */
        if (!session->state->earlier_boot) {
                r = session_make_managers(session, error);
                if (r == 0)
                        r = cleanup_groups(session, &how, others, error);
        }
        if (r != 0 || session->store.directory < 0)
                return r;
        signals_hold();
        return store_remove(&session->store, error);
}

int sandbox_delete(const struct sandbox_environment *environment, const char *id,
                   const struct sandbox_delete *delete, struct error *error) {
        int64_t deadline = monotonic_ms() + (int64_t) delete->timeout * 1000;
        struct waiting waiting = waiting_begin(environment->log);
        struct session_life life = {0};
        int r;

        r = session_check(id, error);
        while (r == 0) {
                _cleanup_session_ struct session session = SESSION_INIT(environment);
                _cleanup_pid_set_ struct pid_set others = {0};

                r = load(&session, id, delete, &deadline, error);
                if (r == 0 && life.created_at[0] == '\0')
                        session_warn_of_age(&session);
                if (r == 0)
                        r = session_check_life(&session, &life, error);
                if (r == 0)
                        r = delete_once(&session, delete, deadline, &others, error);
                if (r != CLEANUP_E_OTHERS)
                        return r;
                store_close(&session.store);
                r = cleanup_wait(&others, id, deadline, &waiting, error);
                if (r < 0 && is_frozen(&session))
                        error_append(error, "the sandbox is frozen: thaw it so that they can end");
        }
        return r;
}
