/* SPDX-License-Identifier: Apache-2.0 */
/* What both drivers do in the same way, hierarchy by hierarchy. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "cgroup/freezer.h"
#include "manager/manager_internal.h"

/* Replaces the file of a setting by its name in the hierarchy. */
static int name_file(const struct manager *manager, json_t *entry) {
        const struct hierarchy *cpuset = manager->context->host->controllers[CONTROLLER_CPUSET];
        const char *file = json_string_value(json_object_get(entry, "write"));

        if (!file || !cpuset || !cpuset->noprefix)
                return 0;
        return json_object_set_new(entry, "write", json_string(hierarchy_file(cpuset, file)));
}

int manager_rehearse_plan(struct manager *manager, const struct plan *plan, bool properties,
                          struct error *error) {
        _cleanup_json_ json_t *settings = plan ? plan_to_json(plan) : json_array();
        json_t *entry;
        size_t i;

        if (!settings)
                return error_oom(error);
        json_array_foreach(settings, i, entry) {
                if ((json_object_get(entry, "property") != NULL) != properties)
                        continue;
                if (name_file(manager, entry) < 0 ||
                    json_array_append(rehearsal_entries(manager->cgroup->rehearsal), entry) < 0)
                        return error_oom(error);
        }
        return 0;
}

static int rehearse_moves(struct manager *manager, struct process *const *processes, size_t count,
                          struct error *error) {
        for (size_t i = 0; i < count; i++)
                if (json_array_append_new(rehearsal_entries(manager->cgroup->rehearsal),
                                          json_pack("{s:i, s:s}", "place", processes[i]->pid, "path",
                                                    manager->cgroup->path)) < 0)
                        return error_oom(error);
        return 0;
}

int manager_move(struct manager *manager, struct process *const *processes, size_t count,
                 struct journal *journal, struct error *error) {
        const struct host *host = manager->context->host;

        if (manager->cgroup->rehearsal)
                return rehearse_moves(manager, processes, count, error);
        for (size_t i = 0; i < count; i++)
                for (size_t h = 0; h < host->count; h++) {
                        int r = cgroup_move(manager->cgroup, &host->hierarchies[h], processes[i], journal,
                                            error);

                        if (r < 0)
                                return r;
                }
        return 0;
}

int manager_limit(struct manager *manager, const struct plan *plan, struct journal *journal,
                  struct error *error) {
        int r = 0;

        if (manager->vcpu_subtree)
                r = cgroup_make_vcpu_subtree(manager->cgroup, cgroup_required(plan), journal, error);
        /* Parents that systemd has made are foreign and never changed: then this only reports one that has too little. */
        if (r == 0)
                r = cgroup_make_room(manager->cgroup, plan, journal, error);
        if (r == 0 && manager->cgroup->rehearsal)
                return manager_rehearse_plan(manager, plan, false, error);
        return r == 0 && plan ? cgroup_apply(manager->cgroup, plan, NULL, error) : r;
}

int manager_check_member(const struct manager *manager, const struct process *process, struct error *error) {
        const struct host *host = manager->context->host;
        _cleanup_free_ char *present = NULL;
        int r;

        r = process_thread_cgroup(process, process->pid, &present);
        if (r != 0)
                return error_fail(error, r < 0 ? -r : ESRCH, "process %d", process->pid);
        for (size_t h = 0; h < host->count; h++) {
                _cleanup_free_ char *path = hierarchy_path_of(&host->hierarchies[h], present);

                if (!path || strcmp(path, manager->cgroup->path) != 0)
                        return error_fail(error, 0, "process %d is in %s/%s, not in %s", process->pid,
                                          host->hierarchies[h].mount_point, path ? path : "?",
                                          manager->cgroup->path);
        }
        return 0;
}

/* ---- threads ---- */

/* A thread has ended, or its group cannot be read. */
static int fail_thread(pid_t tid, int r, struct error *error) {
        return error_fail(error, r < 0 ? -r : ESRCH, "vCPU thread %d", tid);
}

static int place_thread(struct manager *sandbox, const struct process *vmm, pid_t tid, struct journal *journal,
                        struct error *error) {
        const struct host *host = sandbox->context->host;
        _cleanup_free_ char *former = NULL;
        int r;

        r = process_thread_cgroup(vmm, tid, &former);
        if (r != 0)
                return fail_thread(tid, r, error);
        for (size_t h = 0; h < host->count; h++) {
                if (host->hierarchies[h].version != CGROUP_V1)
                        continue;
                r = cgroup_move_thread(sandbox->cgroup, &host->hierarchies[h], vmm, tid, former, journal,
                                       error);
                if (r < 0)
                        return r;
        }
        return 0;
}

int manager_place_threads(struct manager *sandbox, struct manager *overhead, struct process *vmm,
                          const pid_t *tids, size_t count, bool frozen, struct journal *journal,
                          struct error *error) {
        const struct host *host = sandbox->context->host;
        const struct hierarchy *freezer = frozen ? freezer_hierarchy(host) : NULL;
        int r;

        r = cgroup_claim_all(sandbox->cgroup, false, error);
        if (r == 0)
                r = cgroup_claim_all(overhead->cgroup, false, error);
        if (r == 0)
                r = manager_complete(sandbox, NULL, true, journal, error);
        if (r == 0)
                r = manager_complete(overhead, NULL, true, journal, error);
        for (size_t h = 0; r == 0 && h < host->count; h++) {
                /* The whole process, if its main thread is not there yet. */
                struct manager *rest =
                        host->hierarchies[h].version == CGROUP_V1 && &host->hierarchies[h] != freezer ? overhead
                                                                                                      : sandbox;

                r = cgroup_move(rest->cgroup, &host->hierarchies[h], vmm, journal, error);
        }
        for (size_t i = 0; r == 0 && i < count; i++)
                r = place_thread(sandbox, vmm, tids[i], journal, error);
        return r;
}

/* The freezer's hierarchy, if it is one where threads are placed singly. In the v2 tree the whole process is in the sandbox
 * group anyway. */
static const struct hierarchy *threaded_freezer(const struct manager *manager) {
        const struct hierarchy *freezer = freezer_hierarchy(manager->context->host);

        return freezer && freezer->version == CGROUP_V1 ? freezer : NULL;
}

int manager_gather_threads(struct manager *sandbox, struct process *vmm, struct error *error) {
        const struct hierarchy *freezer = threaded_freezer(sandbox);
        int r = freezer ? cgroup_claim_all(sandbox->cgroup, false, error) : 0;

        if (r == 0 && freezer)
                r = process_look(vmm, error);
        if (r == PROCESS_E_GONE)
                return error_fail(error, ESRCH, "the VMM, process %d", vmm->pid);
        /* The main thread may be a vCPU. */
        return r < 0 || !freezer ? r : cgroup_move_all_threads(sandbox->cgroup, freezer, vmm, error);
}

/* An error, unless it says that the task has ended: a VMM that was sent SIGKILL ends as soon as it is thawed. */
static int fail_unless_gone(int r, struct error *failure, struct error *error) {
        if (r >= 0 || r == -ESRCH)
                return 0;
        error_move(error, failure);
        return r;
}

static int put_thread_back(struct manager *sandbox, const struct hierarchy *freezer, const struct process *vmm,
                           pid_t tid, struct error *error) {
        _cleanup_error_ struct error failure = ERROR_INIT;
        _cleanup_free_ char *present = NULL;
        int r = process_thread_cgroup(vmm, tid, &present);

        if (r < 0)
                return fail_thread(tid, r, error);
        if (r == 0)
                r = cgroup_move_thread(sandbox->cgroup, freezer, vmm, tid, present, NULL, &failure);
        return fail_unless_gone(r, &failure, error);
}

int manager_spread_threads(struct manager *sandbox, struct manager *overhead, struct process *vmm,
                           const pid_t *tids, size_t count, struct error *error) {
        const struct hierarchy *freezer = threaded_freezer(sandbox);
        _cleanup_error_ struct error failure = ERROR_INIT;
        int r = freezer ? process_look(vmm, error) : PROCESS_E_GONE;

        if (r != 0)
                return r < 0 ? r : 0;
        r = cgroup_claim_all(overhead->cgroup, false, error);
        if (r < 0)
                return r;
        r = fail_unless_gone(cgroup_move(overhead->cgroup, freezer, vmm, NULL, &failure), &failure, error);
        for (size_t i = 0; r == 0 && i < count; i++)
                r = put_thread_back(sandbox, freezer, vmm, tids[i], error);
        return r;
}

int manager_place_in_subtree(struct manager *sandbox, struct process *vmm, const pid_t *tids, size_t count,
                             struct journal *journal, struct error *error) {
        const struct hierarchy *unified = sandbox->context->host->unified;
        _cleanup_(cgroup_freep) struct cgroup *subtree = cgroup_vcpu_subtree(sandbox->cgroup);
        int r;

        if (!subtree)
                return error_oom(error);
        r = cgroup_claim(sandbox->cgroup, unified, error);
        if (r == 0)
                r = cgroup_adopt(subtree, unified, error);
        for (size_t i = 0; r == 0 && i < count; i++) {
                _cleanup_free_ char *former = NULL;

                r = process_thread_cgroup(vmm, tids[i], &former);
                if (r != 0)
                        return fail_thread(tids[i], r, error);
                r = cgroup_move_thread(subtree, unified, vmm, tids[i], former, journal, error);
        }
        return r == CGROUP_E_ABSENT ? error_fail(error, ENOENT, "%s/%s", unified->mount_point, subtree->path)
                                    : r;
}

/* ---- processes that leave ---- */

/* A process that is moved may have forked just before, and its child is a member that the list did not have. After the move
 * it forks elsewhere, so each list is shorter than the one before. */
#define RELEASE_PASSES_MAX 64

/* The members that leave, and the group that the callers move to. */
struct leave {
        const struct people *people;
        bool runtime, callers;
        const char *callers_former;
};

/* The former group of the runtime process among the callers. */
static const char *former_of_callers(const struct people *people) {
        for (size_t i = 0; i < people->callers.count; i++)
                for (size_t j = 0; j < people->runtime_count; j++)
                        if (people->runtime[j]->pid == people->callers.pids[i] &&
                            process_is_alive(people->runtime[j]))
                                return people->runtime[j]->former;
        return NULL;
}

/* Whether a member leaves; `*former` is the group that it moves to. */
static bool leaves(const struct leave *leave, pid_t pid, const char **former) {
        const struct process *runtime = leave->runtime ? people_runtime_of(leave->people, pid) : NULL;

        *former = runtime ? runtime->former : leave->callers_former;
        return runtime || (leave->callers && pid_set_contains(&leave->people->callers, pid));
}

/* Sets `*moved` if a member had to leave. */
static int release_once(struct manager *manager, const struct hierarchy *hierarchy, const struct leave *leave,
                        bool *moved, struct error *error) {
        _cleanup_pid_set_ struct pid_set members = {0};
        int r = cgroup_own_processes_in(manager->cgroup, hierarchy, &members, error);

        *moved = false;
        for (size_t i = 0; r == 0 && i < members.count; i++) {
                const char *former;

                if (!leaves(leave, members.pids[i], &former))
                        continue;
                *moved = true;
                r = cgroup_move_back(manager->cgroup, hierarchy, members.pids[i], former, error);
        }
        return r;
}

/* `v2`: also in the v2 tree. */
static int release(struct manager *manager, bool v2, const struct leave *leave, struct error *error) {
        const struct host *host = manager->context->host;
        int r = 0;

        for (size_t h = 0; r == 0 && h < host->count; h++) {
                bool moved = v2 || host->hierarchies[h].version == CGROUP_V1;

                for (int i = 0; r == 0 && moved && i < RELEASE_PASSES_MAX; i++)
                        r = release_once(manager, &host->hierarchies[h], leave, &moved, error);
        }
        return r;
}

int manager_put_back(struct manager *manager, const struct people *people, struct error *error) {
        return release(manager, true, &(struct leave){.people = people, .runtime = true}, error);
}

int manager_release(struct manager *manager, const struct people *people, struct error *error) {
        struct leave leave = {.people = people,
                              .runtime = true,
                              .callers = true,
                              .callers_former = former_of_callers(people)};

        if (!manager->ops->stops_processes)
                return release(manager, true, &leave, error);
        if (manager_kills_at_once(manager)) {
                leave.runtime = false;
                return release(manager, true, &leave, error);
        }
        /* These v1 hierarchies are not systemd's. Their directories cannot be removed before the last process has ended; with
         * the caller inside, that is after the end of this command. */
        return release(manager, false, &leave, error);
}
