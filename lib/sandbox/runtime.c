/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Runtime processes that a command is given
 *
 * They are held by a pidfd before the command waits for the lock, and checked again under it.
 */
#include "sandbox/runtime.h"

#include <stdlib.h>

int runtime_hold(const pid_t *pids, size_t count, struct process ***processes, size_t *held,
                 struct error *error) {
        struct process **larger = reallocarray(*processes, *held + count + 1, sizeof(struct process *));

        if (!larger)
                return error_oom(error);
        *processes = larger;
        for (size_t i = 0; i < count; i++) {
                int r = process_new(pids[i], "--pid", &larger[*held], error);

                if (r < 0)
                        return r;
                ++*held;
        }
        return 0;
}

/* If the group's name is in use by another owner, that error is reported instead: it says more than that a process is in it. */
static int check_origin(struct session *session, const struct process *process, struct error *error) {
        struct manager *manager = session_runtime_manager(session);
        _cleanup_error_ struct error origin = ERROR_INIT;
        int r = manager_check_origin(manager, process, "--pid", &origin);

        if (r < 0 && manager_check_free(manager, error) == 0)
                error_move(error, &origin);
        return r;
}

int runtime_look(struct session *session, struct process *process, struct error *error) {
        int r = process_look(process, error);

        if (r == PROCESS_E_GONE)
                return error_refuse(error, "--pid", "there is no process %d any more", process->pid);
        return r < 0 ? r : check_origin(session, process, error);
}
