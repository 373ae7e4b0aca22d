/* SPDX-License-Identifier: Apache-2.0 */
/*
 * place
 *
 * The processes and their former groups are on disk before the first move: if the command is killed, delete knows the processes
 * that it has moved.
 */
#include <stdlib.h>

#include "sandbox/runtime.h"
#include "util/signals.h"

/* The named processes, held. They outlive the session, whose journal refers to them. */
struct newcomers {
        struct process **processes;
        size_t count;
};

static void newcomers_clear(struct newcomers *newcomers) {
        for (size_t i = 0; i < newcomers->count; i++)
                process_free(newcomers->processes[i]);
        free(newcomers->processes);
}

static bool is_inside(const struct session *session, const struct process *process) {
        struct manager *manager;

        for (size_t i = 0; (manager = session_group(session, i)); i++)
                if (manager_check_member(manager, process, NULL) == 0)
                        return true;
        return false;
}

static bool is_recorded(const struct state *state, const struct process *process) {
        for (size_t i = 0; i < state->runtime_count; i++)
                if (process_is(state->runtime[i], process))
                        return true;
        return false;
}

/* A process that was born in one of the groups, as a child of a runtime process, gets the former group of its parent. */
static int record(struct session *session, const struct people *people, const struct process *process,
                  struct error *error) {
        const struct process *ancestor;
        struct process *copy;

        if (is_recorded(session->state, process))
                return 0;
        ancestor = people_runtime_of(people, process->pid);
        copy = process_recorded(process->pid, process->start_time,
                                ancestor && is_inside(session, process) ? ancestor->former : process->former);
        return copy && state_add_runtime(session->state, copy) == 0 ? 0 : error_oom(error);
}

static int record_all(struct session *session, const struct newcomers *newcomers, struct error *error) {
        _cleanup_(people_clear) struct people people = {0};
        int r = session_find_people(session, &people, error);

        /* A VMM that is a part of the shim (Dragonball). */
        if (is_recorded(session->state, people.vmm))
                people.vmm = NULL;
        for (size_t i = 0; r == 0 && i < newcomers->count; i++)
                r = record(session, &people, newcomers->processes[i], error);
        return r;
}

static int check_newcomer(struct session *session, struct process *process, struct error *error) {
        struct process *vmm;
        int r = session_living_vmm(session, &vmm, error);

        if (r < 0)
                return r;
        if (process_is(vmm, process))
                return error_refuse(error, "--pid", "process %d is the VMM of sandbox \"%s\"", process->pid,
                                    session->state->owner.id);
        return runtime_look(session, process, error);
}

/* In a frozen group the caller would stop until somebody thaws it. */
static int check_caller(const struct session *session, const struct newcomers *newcomers, struct error *error) {
        _cleanup_pid_set_ struct pid_set callers = {0};
        int r;

        if (manager_is_thawed(session_runtime_manager(session)))
                return 0;
        r = proc_self_and_ancestors(&callers);
        if (r < 0)
                return error_fail(error, -r, "/proc");
        for (size_t i = 0; i < newcomers->count; i++)
                if (pid_set_contains(&callers, newcomers->processes[i]->pid))
                        return error_fail(
                                error, 0,
                                "sandbox \"%s\" is frozen: placing process %d would freeze the caller",
                                session->state->owner.id, newcomers->processes[i]->pid);
        return 0;
}

static int place_locked(struct session *session, const struct newcomers *newcomers, struct error *error) {
        struct manager *manager = session_runtime_manager(session);
        int r;

        signals_hold();
        r = session_settle(session, error);
        if (r == 0)
                r = check_caller(session, newcomers, error);
        if (r == 0)
                r = record_all(session, newcomers, error);
        if (r == 0)
                r = session_save(session, PHASE_CHANGING, error);
        for (size_t i = 0; r == 0 && i < newcomers->count; i++) {
                struct process *process = newcomers->processes[i];

                r = session_place_process(session, manager, process, error);
                if (r == 0)
                        r = manager_check_member(manager, process, error);
        }
        return r;
}

int sandbox_place(const struct sandbox_environment *environment, const char *id, const pid_t *pids,
                  size_t count, struct error *error) {
        _cleanup_error_ struct error not_held = ERROR_INIT;
        _cleanup_(newcomers_clear) struct newcomers newcomers = {0};
        _cleanup_session_ struct session session = SESSION_INIT(environment);
        int r;

        r = session_check(id, error);
        if (r < 0)
                return r;
        /* A missing sandbox is reported before a pid without a process. */
        (void)runtime_hold(pids, count, &newcomers.processes, &newcomers.count, &not_held);
        r = session_begin(&session, id, error);
        if (r == 0 && not_held.status != EXIT_STATUS_DONE) {
                error_move(error, &not_held);
                return -EINVAL;
        }
        for (size_t i = 0; r == 0 && i < newcomers.count; i++)
                r = check_newcomer(&session, newcomers.processes[i], error);
        return r < 0 ? r : session_finish(&session, place_locked(&session, &newcomers, error), error);
}
