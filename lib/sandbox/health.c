/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The health of a sandbox
 *
 * The causes come first: a group that is missing, after its VMM has ended, says no more than that the VMM has ended.
 *
 * Subtle: nothing is locked, and a sandbox that a command is working on is not broken. So the phases that are only left behind
 * by a killed command count only where nobody has the sandbox's lock.
 */
#include "sandbox/health.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

/* Whether the group has to be there: a scope is started with its first process. */
static bool is_due(const struct session *session, struct manager *manager, const struct process *vmm) {
        const struct state *state = session->state;
        const struct state_group *group = manager == session->overhead ? &state->overhead : &state->sandbox;

        return !manager_needs_process(manager) || group->invocation[0] != '\0' ||
               (vmm && manager == session->sandbox);
}

/* What is wrong with one of the groups, or NULL. */
static const char *check_group(const struct session *session, struct manager *manager,
                               const struct process *vmm) {
        static const char *const gone[2][2] = {
                {"its sandbox cgroup is gone: delete it", "its overhead cgroup is gone: delete it"},
                {"its sandbox scope has ended with its last process: delete it, or place another one",
                 "its overhead scope has ended with its last process: delete it, or place another one"},
        };
        bool overhead = manager == session->overhead;

        if (!manager_exists(manager))
                return is_due(session, manager, vmm) ? gone[manager_needs_process(manager)][overhead] : NULL;
        if (manager_is_shown(manager))
                return NULL;
        return overhead ? "at the place of its overhead cgroup is one that is not its own: delete it"
                        : "at the place of its sandbox cgroup is one that is not its own: delete it";
}

static const char *check_groups(const struct session *session, const struct process *vmm) {
        struct manager *manager;

        for (size_t i = 0; (manager = session_group(session, i)); i++) {
                const char *problem = check_group(session, manager, vmm);

                if (problem)
                        return problem;
        }
        return NULL;
}

static const char *check_phase(const struct session *session) {
        const struct state *state = session->state;

        if (state->phase == PHASE_READY || store_is_locked(session->environment->root, state->owner.id))
                return NULL;
        return state->phase == PHASE_CREATING
                       ? "its create did not finish: create it again, or delete --force"
                       : "a command that changed it was killed: the next update or attach-vcpus completes that";
}

int health_check(struct session *session, char **out, struct error *error) {
        const struct sandbox_vmm *vmm = &session->state->vmm;
        const char *problem = NULL;
        struct process *living = NULL;
        int r;

        *out = NULL;
        if (session->state->earlier_boot)
                problem = "it was made before this boot, and only its state is left: delete it, or prune";
        else
                problem = check_phase(session);
        if (!problem && session->state->phase == PHASE_READY) {
                r = session_living_vmm(session, &living, error);
                if (r < 0)
                        return r;
                if (vmm->process && !living)
                        return asprintf(out, "its VMM, process %d, has ended: delete it", vmm->process->pid) < 0
                                       ? error_oom(error)
                                       : 0;
                problem = check_groups(session, living);
        }
        if (!problem)
                return 0;
        *out = strdup(problem);
        return *out ? 0 : error_oom(error);
}
