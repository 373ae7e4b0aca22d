/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * One command on one sandbox: its lock, its state, the managers of its groups, and the one transaction
 *
 * session_begin() locks and loads; the command changes session->state and the groups, recording what it does in the
 * journal; session_finish() saves, or takes everything back. Sockets, vCPUs and members that have to end are waited for
 * before session_begin(), without the lock; systemd's jobs and busy directories under it. For lib/sandbox only.
 */

#include "manager/manager.h"
#include "sandbox/sandbox.h"
#include "sandbox/store.h"

struct session {
        const struct sandbox_environment *environment;
        struct store store;
        char *root;           /* the environment's as an absolute path: what the marks of groups say */
        struct state *state;  /* as it is going to be */
        struct state *former; /* as it was; NULL while the sandbox is being created */
        bool saved;           /* the state on disk is not `former` any more */
        struct manager_context *context;
        struct manager *sandbox;
        struct manager *overhead; /* NULL in sandbox-only mode */
        struct journal *journal;
};

#define SESSION_INIT(environment_)                                                                             \
        { .environment = (environment_), .store = STORE_INIT }
void session_clear(struct session *session);
#define _cleanup_session_ _cleanup_(session_clear)

/* Status 5 for anything that is not a sandbox ID. */
int session_check_id(const char *id, struct error *error);

/* The same, and status 1 where the kernel lacks what a command needs that does more
 * than look. */
int session_check(const char *id, struct error *error);

/* Status 3. */
int session_fail_no_sandbox(const struct session *session, const char *id, struct error *error);

/* Locks the sandbox, making its directory with `create`. STORE_E_NO_SANDBOX where there is none. Status 1 after the deadline
 * (monotonic_ms()), naming who has the lock. */
int session_lock(struct session *session, const char *id, bool create, int64_t deadline, struct error *error);

/* Reads the state of a sandbox without its lock, to know what to wait for. Its create may not have finished. Status 3 where
 * there is none. */
int session_peek(struct session *session, const char *id, struct error *error);

/* Which life of an ID a sandbox is, for a command that looks more than once. */
struct session_life {
        char token[OWNER_TOKEN_SIZE];
        char created_at[TIMESTAMP_SIZE]; /* "": not looked at yet */
};

/* Remembers it at the first look. Later, status 3 where the sandbox is another one by now: it was deleted, and its ID used
 * again. */
int session_check_life(const struct session *session, struct session_life *life, struct error *error);

/* Locks and loads an existing sandbox, whose create has finished, and makes its managers. Status 3 where there is none,
 * status 1 for one whose create was killed half-way. */
int session_begin(struct session *session, const char *id, struct error *error);

/* Saves the state with this phase, before something is changed that a kill would leave half-done. From here on signals are
 * held back. */
int session_save(struct session *session, enum phase phase, struct error *error);

/* The end of a command that has changed something: `r` says whether it worked. Then the state is saved as ready; else, or
 * where that fails, what the journal has is undone and the former state put back (or, in create, removed). Returns `r` or
 * the error of saving. */
int session_finish(struct session *session, int r, struct error *error);

/* A warning for the state of a build that knew no tokens. */
void session_warn_of_age(const struct session *session);

/* The managers for session->state, in session->context, which is made where there is none. */
int session_make_managers(struct session *session, struct error *error);

/* The paths of the options, parsed, into the state, with the ID. */
int session_set_paths(struct state *state, const char *id, const struct sandbox_paths *paths,
                      struct error *error);

/* The managers of the sandbox's groups, one after the other from 0 on, the overhead's first where there is one; then NULL. */
struct manager *session_group(const struct session *session, size_t i);

/* The manager of the group that runtime processes belong to. */
struct manager *session_runtime_manager(const struct session *session);

/* What a configuration wants for one of the groups. Errors: memory only. */
int session_wanted(const struct session *session, const struct manager *manager,
                   const struct configuration *configuration, struct oci_resources **out, struct error *error);

/* The plan of one of the groups for `resources`, after `before` (or NULL). */
int session_plan(struct manager *manager, const struct oci_resources *resources,
                 const struct oci_resources *before, struct plan **out, struct error *error);

/* The plan for what the state wants for one of the groups. */
int session_plan_state(struct session *session, struct manager *manager, struct plan **out,
                       struct error *error);

/* Logs what the plan leaves out with a warning. */
void session_warn(const struct session *session, const struct plan *plan);

/* Whether vCPU threads are placed singly, apart from the rest of their process. */
bool session_places_threads(const struct session *session);

/* Holds the recorded VMM: `*out` is it, the state's, or NULL where there is none that lives. Errors: status 1. */
int session_living_vmm(const struct session *session, struct process **out, struct error *error);

/* Holds the processes that are recorded, into a zeroed struct: those that live. Errors: status 1. */
int session_find_people(struct session *session, struct people *out, struct error *error);

/* Refuses (status 5, field `source`) another VMM than the recorded one, as long as that lives; `*out` as above. `named`: NULL where none
 * is. */
int session_check_vmm(const struct session *session, const struct process *named, const char *source,
                      struct process **out, struct error *error);

/* Whether one of the groups is there: a scope may still wait for its first process. */
bool session_has_group(struct manager *manager);

/*
 * Where a command was killed while it changed the sandbox: completes what it has begun, or, where that fails, takes it back
 * with a warning. The state is ready then, on disk, too, and all that comes after it is a transaction of its own. To be
 * called before session->state is changed. Errors: status 1, and the state is as it was.
 */
int session_settle(struct session *session, struct error *error);

/* Places a process in one of the groups. That exists by now, but for a scope that waits for its first process or has ended
 * with its last one: then it is started, with the limits on it. */
int session_place_process(struct session *session, struct manager *manager, struct process *process,
                          struct error *error);

/* The CPUs that the sandbox's cpuset leaves it: not those that are offline, or that its parent has not. Without a cpuset, what
 * any process may use. Errors: status 1. */
int session_cpus(struct session *session, struct cpulist *out, struct error *error);

/* Whether vCPUs are pinned, and, where they were to be and are not, why; "" otherwise. */
struct session_pins {
        bool pinned;
        char reason[96];
};

/* Pins the VMM's vCPUs as the state says, to CPUs that the sandbox's cpuset leaves it, or gives every vCPU all of them. Without
 * any cpuset given, one CPU each is not to be had: then nothing is done, unless something was. Records the former
 * affinities. The state on disk says that they may be pinned from before the first one is until the last one is not any
 * more, for a kill not to leave pins that nobody knows of. */
int session_pin(struct session *session, const struct vcpus *vcpus, struct session_pins *out,
                struct error *error);

/* Pins the vCPUs of the state anew, if they are to be pinned. Both the VMM and its threads may have ended since they were
 * recorded, and their IDs been given to others: only what is a thread of the very process that was attached is touched. */
int session_pin_again(struct session *session, struct error *error);

/* The time for a freeze or thaw that completes what a killed command began, or that undoes one. */
#define FREEZE_TIMEOUT_MS 10000

/*
 * Freezes the sandbox group with all threads of the VMM, or thaws the group and moves the threads back. Does not change the state.
 * Repeating it does no harm. Errors: status 1, also if the freeze would stop the caller or no process at all. After an error
 * it may be done in part.
 */
int session_freeze(struct session *session, bool frozen, int64_t deadline, struct error *error);

/* {"plan": [...]} with these entries; takes them over. */
json_t *session_dry_run(json_t *entries);
