/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* One command on one sandbox: its lock, its state, and the managers of its groups. For lib/sandbox only. */

#include "util/journal.h"
#include "oci/resources.h"
#include "sandbox/sandbox.h"
#include "sandbox/store.h"

struct session {
        const struct sandbox_environment *environment;
        struct store store;
        struct state *state;
        struct host *host;
        struct manager_context context;
        struct manager *sandbox;
        struct manager *overhead; /* NULL in sandbox-only mode */
        struct journal *journal;
};

void session_clear(struct session *session);
#define _cleanup_session_ _cleanup_(session_clear)

/* Status 5 for anything that is not a sandbox ID. */
int session_check_id(const char *id, struct error *error);

/* Locks and loads an existing sandbox and makes its managers. Status 3 where there is none. */
int session_open(struct session *session, const struct sandbox_environment *environment, const char *id,
                 struct error *error);

/* Status 1 for a sandbox whose create was killed half-way. */
int session_check_complete(const struct session *session, struct error *error);

/* The managers for session->state; also finds out about the host. */
int session_make_managers(struct session *session, struct error *error);

/* The paths of the options, parsed, into the state. */
int session_set_paths(struct state *state, const char *id, const struct sandbox_paths *paths,
                      struct error *error);

/* The plan for `resources` (LinuxResources), after `before` (or NULL). */
int session_plan(struct session *session, const json_t *resources, const json_t *before, struct plan **out,
                 struct error *error);

/* The plan for what the state says: its resources and its containers' cpusets. */
int session_plan_state(struct session *session, struct plan **out, struct error *error);

/* Logs what the plan leaves out with a warning. */
void session_warn(const struct session *session, const struct plan *plan);

/* Follows the groups to where systemd has put them. */
int session_update_paths(struct session *session, struct error *error);

/* Places a process, the VMM, in the sandbox group. That exists by now, but for a scope that waits for the VMM or has
 * ended with a former one: then it is started, with the limits on it. */
int session_place_process(struct session *session, const struct task *vmm, struct error *error);

/* Pins or unpins the vCPUs to the sandbox's cpuset, recording the former affinities. */
int session_pin(struct session *session, const struct vcpus *vcpus, struct error *error);

/* {"plan": [...]} with these entries; takes them over. */
json_t *session_dry_run(json_t *entries);
