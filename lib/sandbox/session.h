/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * One command on one sandbox: its lock, its state, the managers of its groups, and the one transaction
 *
 * session_begin() locks and loads. The command then changes session->state and the groups, and records its changes in the
 * journal. session_finish() saves the state, or undoes everything. A command waits for sockets, vCPUs and the end of processes
 * before session_begin(), without the lock; for systemd's jobs, busy directories and the freezer under it. For lib/sandbox only.
 */

#include "manager/manager.h"
#include "sandbox/sandbox.h"
#include "sandbox/store.h"

struct session {
        const struct sandbox_environment *environment;
        struct store store;
        char *root; /* the identity of ROOT, for the marks of groups; NULL while the lock is not held */
        struct state *state;  /* the new state */
        struct state *former; /* the state at the beginning; NULL while the sandbox is being created */
        bool saved;           /* the state on disk is no longer `former` */
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

/* Sets the error for a missing sandbox: status 3. */
int session_fail_no_sandbox(const struct session *session, const char *id, struct error *error);

/* Locks the sandbox; with `create` it makes the directory. STORE_E_NO_SANDBOX if there is none. Status 1 after the deadline
 * (monotonic_ms()), naming the holder of the lock. */
int session_lock(struct session *session, const char *id, bool create, int64_t deadline, struct error *error);

/* Reads the state of a sandbox without its lock, to know what to wait for. Its create may not have finished. Status 3 if there
 * is none. */
int session_peek(struct session *session, const char *id, struct error *error);

/* Identifies one life of an ID, for a command that reads the state more than once. */
struct session_life {
        char token[OWNER_TOKEN_SIZE];
        char created_at[TIMESTAMP_SIZE]; /* "": not read yet */
};

/* Remembers the life at the first call. Later calls return status 3 if the sandbox was deleted and its ID used again. */
int session_check_life(const struct session *session, struct session_life *life, struct error *error);

/* Locks and loads an existing sandbox, whose create has finished, and makes its managers. Status 3 if there is none, status 1
 * if its create was killed. */
int session_begin(struct session *session, const char *id, struct error *error);

/* Saves the state with this phase, before a change that a kill would leave incomplete. From here on signals are held back. */
int session_save(struct session *session, enum phase phase, struct error *error);

/* The end of a command that has changed something. If `r` is 0, the state is saved as ready. Otherwise, or if saving fails, the
 * journal is undone and the former state restored (in create, removed). Returns `r` or the error of saving. */
int session_finish(struct session *session, int r, struct error *error);

/* Warns of a state that was written by a build without tokens. */
void session_warn_of_age(const struct session *session);

/* Makes the managers for session->state, and session->context if there is none. */
int session_make_managers(struct session *session, struct error *error);

/* Parses the paths of the options into the state, and sets its ID. */
int session_set_paths(struct state *state, const char *id, const struct sandbox_paths *paths,
                      struct error *error);

/* The i-th manager of the sandbox's groups: the overhead's first, if there is one, then the sandbox's, then NULL. */
struct manager *session_group(const struct session *session, size_t i);

/* The manager of the group that runtime processes belong to. */
struct manager *session_runtime_manager(const struct session *session);

/* The resources that a configuration wants for one of the groups. Errors: memory only. */
int session_wanted(const struct session *session, const struct manager *manager,
                   const struct configuration *configuration, struct oci_resources **out, struct error *error);

/* The plan of one of the groups for `resources`, after `before` (or NULL). */
int session_plan(struct manager *manager, const struct oci_resources *resources,
                 const struct oci_resources *before, struct plan **out, struct error *error);

/* The plan for the resources that the state wants for one of the groups. */
int session_plan_state(struct session *session, struct manager *manager, struct plan **out,
                       struct error *error);

/* Logs the warnings of the plan. */
void session_warn(const struct session *session, const struct plan *plan);

/* Whether vCPU threads are placed singly, apart from the rest of their process. */
bool session_places_threads(const struct session *session);

/* Opens the recorded VMM: `*out` is the process, owned by the state, or NULL if none is alive. Errors: status 1. */
int session_living_vmm(const struct session *session, struct process **out, struct error *error);

/* Opens the recorded processes that are alive, into a zeroed struct. Errors: status 1. */
int session_find_people(struct session *session, struct people *out, struct error *error);

/* While the recorded VMM is alive, refuses another one (status 5, field `source`); `*out` as above. `named` is NULL if no VMM is
 * named. */
int session_check_vmm(const struct session *session, const struct process *named, const char *source,
                      struct process **out, struct error *error);

/* Whether the group exists: a scope may still wait for its first process. */
bool session_has_group(struct manager *manager);

/*
 * If a command was killed while it changed the sandbox: completes its change or, if that fails, undoes it with a warning. Then
 * the state is ready, on disk too, and later changes are a separate transaction. To be called before session->state is changed.
 * Errors: status 1, and the state is unchanged.
 */
int session_settle(struct session *session, struct error *error);

/* Places a process in one of the groups. A scope that waits for its first process, or has ended with its last one, is started
 * with the limits on it. */
int session_place_process(struct session *session, struct manager *manager, struct process *process,
                          struct error *error);

/* The effective CPUs of the sandbox's cpuset: without those that are offline or that its parent does not have. Without a
 * cpuset, all that any process may use. Errors: status 1. */
int session_cpus(struct session *session, struct cpulist *out, struct error *error);

/* Whether vCPUs are pinned, and the reason if they should be and are not; "" otherwise. */
struct session_pins {
        bool pinned;
        char reason[96];
};

/* Pins the VMM's vCPUs as the state says, to effective CPUs of the sandbox's cpuset, or gives every vCPU all of them. Without a
 * cpuset, pinning to one CPU each is not possible: then nothing is done, unless an earlier pinning must be undone. Records the
 * former affinities. The state on disk says that threads may be pinned from before the first is pinned until after the last is
 * released, so that a kill leaves no unknown pins. */
int session_pin(struct session *session, const struct vcpus *vcpus, struct session_pins *out,
                struct error *error);

/* Pins the vCPUs of the state again, if the state says so. The VMM and its threads may have ended since they were recorded, and
 * their IDs may have been reused: only threads of the process that was attached are touched. */
int session_pin_again(struct session *session, struct error *error);

/*
 * Completes or takes back a killed freeze or thaw, within 10 s: freezes the sandbox group after moving all threads of the VMM into
 * it, or thaws it and moves these back. It does not change the state, and repeats what is done already. Errors: status 1, also if freezing would stop the caller, or if there is nothing
 * to freeze; then it may be done in part.
 */
int session_freeze(struct session *session, bool frozen, struct error *error);

/* {"plan": [...]} with these entries, which it owns. */
json_t *session_dry_run(json_t *entries);
