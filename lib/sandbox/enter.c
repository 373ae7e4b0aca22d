/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Entering a sandbox before becoming its VMM
 *
 * Memory stays charged to the group in which it was first touched, so a VMM that is moved afterwards has its
 * first pages elsewhere for good. The process that calls this has touched little, and what it becomes starts
 * with a new address space.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "sandbox/session.h"

/* The kernel has the last word on where the process now is. */
static int check_entered(struct session *session, const struct manager *manager, struct error *error) {
        _cleanup_free_ char *present = NULL;
        int r;

        r = proc_read_cgroup(getpid(), &present);
        if (r < 0)
                return error_fail(error, -r, "/proc/self/cgroup");
        for (size_t i = 0; i < session->host->count; i++) {
                const struct hierarchy *hierarchy = &session->host->hierarchies[i];
                _cleanup_free_ char *path = hierarchy_path_of(hierarchy, present);

                if (!path || strcmp(path, manager->cgroup->path) != 0)
                        return error_fail(error, 0, "this process is in %s/%s, not in %s",
                                          hierarchy->mount_point, path ? path : "?", manager->cgroup->path);
        }
        return 0;
}

static int record(struct session *session, const struct task *self, bool threads, struct error *error) {
        struct vcpus *none = calloc(1, sizeof(*none));

        if (!none)
                return error_oom(error);
        vcpus_free(session->state->vmm.vcpus);
        session->state->vmm =
                (struct sandbox_vmm){self->pid, self->start_time, threads, session->state->vmm.pin, none};
        session->state->phase = PHASE_READY;
        return store_save(&session->store, session->state, error);
}

static int enter(struct session *session, struct error *error) {
        bool threads = session->overhead && manager_can_place_threads(session->sandbox) &&
                       manager_can_place_threads(session->overhead);
        struct manager *manager = threads ? session->overhead : session->sandbox;
        struct task self = {0};
        int r;

        r = task_read(getpid(), &self);
        if (r < 0)
                return error_fail(error, -r, "/proc/self");
        r = threads ? manager->ops->place(manager, &self, 1, session->journal, error)
                    : session_place_process(session, &self, error);
        if (r == 0)
                r = session_update_paths(session, error);
        if (r == 0)
                r = check_entered(session, manager, error);
        if (r == 0)
                r = record(session, &self, threads, error);
        task_clear(&self);
        return r;
}

int sandbox_enter(const struct sandbox_environment *environment, const char *id, struct error *error) {
        _cleanup_session_ struct session session = {.store = STORE_INIT};
        _cleanup_(state_freep) struct state *former = NULL;
        int r;

        r = session_open(&session, environment, id, error);
        if (r == 0)
                r = session_check_complete(&session, error);
        if (r == 0)
                r = store_load(&session.store, &former, error);
        if (r < 0)
                return r;
        r = enter(&session, error);
        if (r < 0) {
                journal_undo(session.journal, error);
                if (store_save(&session.store, former, NULL) < 0)
                        error_append(error, "the state could not be written either");
        }
        return r;
}
