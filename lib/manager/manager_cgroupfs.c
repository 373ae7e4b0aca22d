/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The cgroupfs driver: directories, hierarchy by hierarchy
 *
 * Limits are written before the first process is moved in, so that nothing ever runs in the group
 * without them.
 */
#include <errno.h>
#include <string.h>

#include "manager/manager_drivers.h"

unsigned manager_required(const struct plan *plan) {
        unsigned mask = 0;

        for (size_t i = 0; plan && i < plan->count; i++)
                if (plan->settings[i].kind == SETTING_FILE && plan->settings[i].controller < CONTROLLER_COUNT &&
                    (plan->settings[i].flags & SETTING_MISSING_OK) == 0)
                        mask |= 1U << plan->settings[i].controller;
        return mask;
}

int manager_move(struct manager *manager, const struct task *tasks, size_t count, struct journal *journal,
                 struct error *error) {
        for (size_t i = 0; i < count; i++)
                for (size_t h = 0; h < manager->context->host->count; h++) {
                        int r = cgroup_move(manager->cgroup, &manager->context->host->hierarchies[h],
                                            MEMBERS_PROCESSES, tasks[i].pid, tasks[i].former, journal, error);

                        if (r < 0)
                                return r;
                }
        return 0;
}

int manager_make_subtree(struct manager *manager, const struct plan *plan, struct journal *journal,
                         struct error *error) {
        if (!manager->vcpu_subtree)
                return 0;
        return cgroup_make_vcpu_subtree(manager->cgroup, manager_required(plan), journal, error);
}

static int make_everywhere(struct manager *manager, unsigned required, struct journal *journal,
                           struct error *error) {
        for (size_t h = 0; h < manager->context->host->count; h++) {
                int r = cgroup_make(manager->cgroup, &manager->context->host->hierarchies[h],
                                    manager->context->owner, required, journal, error);

                if (r < 0)
                        return r;
        }
        return 0;
}

static int create(struct manager *manager, const struct plan *plan, const struct task *tasks, size_t count,
                  struct journal *journal, struct error *error) {
        int r;

        r = make_everywhere(manager, manager_required(plan), journal, error);
        if (r == 0)
                r = manager_make_subtree(manager, plan, journal, error);
        if (r == 0 && plan)
                r = cgroup_apply(manager->cgroup, plan, NULL, error);
        return r < 0 ? r : manager_move(manager, tasks, count, journal, error);
}

static int update(struct manager *manager, const struct plan *plan, struct journal *journal,
                  struct error *error) {
        return cgroup_apply(manager->cgroup, plan, journal, error);
}

static int destroy(struct manager *manager, const struct manager_destroy *how, struct error *error) {
        int r;

        if (how->kill) {
                r = cgroup_kill(manager->cgroup, how->spare, how->deadline, error);
                if (r < 0)
                        return r;
        }
        return cgroup_remove(manager->cgroup, how->parents, how->deadline, error);
}

static bool exists(struct manager *manager) {
        return cgroup_exists(manager->cgroup);
}

const struct manager_ops manager_cgroupfs_ops = {
        .create = create,
        .place = manager_move,
        .update = update,
        .destroy = destroy,
        .exists = exists,
};

/* The whole process, where its main thread is neither in the overhead group nor in the sandbox's. */
static int place_rest(struct manager *overhead, const struct hierarchy *hierarchy, const struct task *vmm,
                      struct journal *journal, struct error *error) {
        return cgroup_move(overhead->cgroup, hierarchy, MEMBERS_PROCESSES, vmm->pid, vmm->former, journal,
                           error);
}

static int place_thread(struct manager *sandbox, pid_t tid, struct journal *journal, struct error *error) {
        _cleanup_free_ char *former = NULL;
        int r;

        r = proc_read_cgroup(tid, &former);
        if (r < 0)
                return error_fail(error, -r, "vCPU thread %d", tid);
        for (size_t h = 0; h < sandbox->context->host->count; h++) {
                const struct hierarchy *hierarchy = &sandbox->context->host->hierarchies[h];

                if (hierarchy->version != CGROUP_V1)
                        continue;
                r = cgroup_move(sandbox->cgroup, hierarchy, MEMBERS_THREADS, tid, former, journal, error);
                if (r < 0)
                        return r;
        }
        return 0;
}

int manager_place_threads(struct manager *sandbox, struct manager *overhead, const struct task *vmm,
                          const pid_t *tids, size_t count, struct journal *journal, struct error *error) {
        int r = 0;

        for (size_t h = 0; r == 0 && h < sandbox->context->host->count; h++) {
                const struct hierarchy *hierarchy = &sandbox->context->host->hierarchies[h];

                if (hierarchy->version == CGROUP_V1)
                        r = place_rest(overhead, hierarchy, vmm, journal, error);
                else
                        r = cgroup_move(sandbox->cgroup, hierarchy, MEMBERS_PROCESSES, vmm->pid, vmm->former,
                                        journal, error);
        }
        for (size_t i = 0; r == 0 && i < count; i++)
                r = place_thread(sandbox, tids[i], journal, error);
        return r;
}

int manager_place_in_subtree(struct manager *sandbox, const pid_t *tids, size_t count, struct journal *journal,
                             struct error *error) {
        _cleanup_(cgroup_freep) struct cgroup *subtree = cgroup_vcpu_subtree(sandbox->cgroup);
        int r = 0;

        if (!subtree)
                return error_oom(error);
        for (size_t i = 0; r == 0 && i < count; i++) {
                _cleanup_free_ char *former = NULL;

                r = proc_read_cgroup(tids[i], &former);
                if (r < 0)
                        return error_fail(error, -r, "vCPU thread %d", tids[i]);
                r = cgroup_move(subtree, sandbox->context->host->unified, MEMBERS_THREADS, tids[i], former,
                                journal, error);
        }
        return r;
}
