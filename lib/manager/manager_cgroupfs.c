/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The cgroupfs driver: directories, hierarchy by hierarchy
 *
 * Limits are written before the first process is moved in, so that nothing ever runs in the group
 * without them.
 */
#include "cgroup/freezer.h"
#include "manager/manager_internal.h"

static int check_free(struct manager *manager, struct error *error) {
        return cgroup_claim_all(manager->cgroup, false, error);
}

static int claim(struct manager *manager, struct error *error) {
        return cgroup_claim_all(manager->cgroup, true, error);
}

static int make_everywhere(struct manager *manager, const struct plan *plan, struct journal *journal,
                           struct error *error) {
        const struct host *host = manager->context->host;

        for (size_t h = 0; h < host->count; h++) {
                int r = cgroup_make(manager->cgroup, &host->hierarchies[h], plan, journal, error);

                if (r < 0)
                        return r;
        }
        return 0;
}

static int create(struct manager *manager, const struct plan *plan, struct process *const *processes,
                  size_t count, struct journal *journal, struct error *error) {
        int r;

        r = make_everywhere(manager, plan, journal, error);
        if (r == 0)
                r = manager_limit(manager, plan, journal, error);
        return r < 0 ? r : manager_move(manager, processes, count, journal, error);
}

static int rehearse(struct manager *manager, const struct plan *plan, struct process *const *processes,
                    size_t count, struct error *error) {
        return create(manager, plan, processes, count, NULL, error);
}

static int place(struct manager *manager, struct process *process, struct journal *journal,
                 struct error *error) {
        int r = cgroup_claim_all(manager->cgroup, false, error);

        if (r == 0)
                r = manager_complete(manager, NULL, true, journal, error);
        return r < 0 ? r : manager_move(manager, &process, 1, journal, error);
}

static int update(struct manager *manager, struct plan *plan, struct journal *journal, struct error *error) {
        int r = cgroup_claim_all(manager->cgroup, false, error);

        /* A limit in a hierarchy without the members would have no effect. */
        if (r == 0 && !manager_can_place_threads(manager))
                r = manager_complete(manager, plan, true, journal, error);
        if (r == 0)
                r = cgroup_make_room(manager->cgroup, plan, journal, error);
        return r < 0 ? r : cgroup_apply(manager->cgroup, plan, journal, error);
}

static int freeze(struct manager *manager, bool frozen, const struct wait_limit *limit, struct error *error) {
        int r = cgroup_claim_all(manager->cgroup, false, error);

        return r < 0 ? r : freezer_set(manager->cgroup, frozen, limit, error);
}

static int destroy(struct manager *manager, const struct manager_destroy *how, struct error *error) {
        if (how->kill) {
                int r = cgroup_kill(manager->cgroup, how->callers, how->deadline, error);

                if (r < 0)
                        return r;
        }
        return cgroup_remove(manager->cgroup, how->parents, how->deadline, error);
}

static bool exists(struct manager *manager) {
        return cgroup_exists(manager->cgroup);
}

const struct manager_ops manager_cgroupfs_ops = {
        .places_threads = true,
        .check_free = check_free,
        .claim = claim,
        .create = create,
        .rehearse = rehearse,
        .place = place,
        .update = update,
        .freeze = freeze,
        .destroy = destroy,
        .exists = exists,
};
