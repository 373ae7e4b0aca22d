/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Hierarchies that were mounted after the group was made
 *
 * A hierarchy may be mounted while a sandbox lives (VPN clients mount net_cls on v2 hosts), and systemd removes directories on
 * v1 that no unit needs. So before a group is changed or joined, missing directories are made, and the group's members, which
 * are in the root of that hierarchy, are moved into them: a limit there applies to them too.
 *
 * If threads are placed singly, a process is in two groups at once, and only attach-vcpus knows which thread belongs where.
 * Then the members stay in the root until attach-vcpus places them again.
 */
#include <stdlib.h>

#include "manager/manager_internal.h"

/* Hierarchies that are in use from boot on, and so are not mounted while sandboxes live. If a directory is missing there,
 * somebody has removed it with its limits; it is not remade, unless systemd removed it by itself. */
#define FROM_BOOT                                                                                              \
        (1U << CONTROLLER_CPU | 1U << CONTROLLER_CPUSET | 1U << CONTROLLER_MEMORY | 1U << CONTROLLER_PIDS |    \
         1U << CONTROLLER_IO)

struct taken_along {
        struct cgroup *cgroup; /* not owned: outlives the journal, as does the next */
        const struct hierarchy *hierarchy;
        struct process **processes; /* owned, array and processes */
        size_t count;
};

static void taken_along_free(void *change) {
        struct taken_along *taken = change;

        for (size_t i = 0; i < taken->count; i++)
                process_free(taken->processes[i]);
        free(taken->processes);
        free(taken);
}

/* Moves back those that are still there. */
static int taken_along_undo(void *change, struct error *error) {
        const struct taken_along *taken = change;
        int result = 0;

        for (size_t i = 0; i < taken->count; i++) {
                const struct process *process = taken->processes[i];
                _cleanup_free_ char *present = NULL;
                int r;

                if (process_thread_cgroup(process, process->pid, &present) != 0 ||
                    !hierarchy_has_at(taken->hierarchy, present, taken->cgroup->path))
                        continue;
                r = cgroup_move_back(taken->cgroup, taken->hierarchy, process->pid, process->former, error);
                if (r < 0)
                        result = r;
        }
        return result;
}

/* Skips a member that has ended, and kernel threads, which the kernel places itself. */
static int take_along(struct taken_along *taken, pid_t pid, struct error *error) {
        _cleanup_error_ struct error refusal = ERROR_INIT;
        struct process *process;
        int r = process_new(pid, "", &process, &refusal);

        if (r < 0 && refusal.status == EXIT_STATUS_REFUSED)
                return 0;
        if (r == 0) {
                taken->processes[taken->count++] = process;
                r = cgroup_move(taken->cgroup, taken->hierarchy, process, NULL, &refusal);
                if (r < 0 && !process_is_alive(process))
                        return 0;
        }
        if (r < 0)
                error_move(error, &refusal);
        return r;
}

static int take_members_along(struct manager *manager, const struct hierarchy *hierarchy,
                              struct journal *journal, struct error *error) {
        _cleanup_pid_set_ struct pid_set members = {0};
        struct taken_along *taken;
        int r = cgroup_own_processes(manager->cgroup, &members, error);

        if (r < 0)
                return r;
        taken = calloc(1, sizeof(*taken));
        if (!taken)
                return error_oom(error);
        *taken = (struct taken_along){manager->cgroup, hierarchy, NULL, 0};
        taken->processes = calloc(members.count + 1, sizeof(struct process *));
        if (!taken->processes) {
                taken_along_free(taken);
                return error_oom(error);
        }
        r = journal_add(journal, taken_along_undo, taken_along_free, taken, error);
        for (size_t i = 0; r == 0 && i < members.count; i++)
                r = take_along(taken, members.pids[i], error);
        return r;
}

int manager_complete(struct manager *manager, const struct plan *plan, bool members, struct journal *journal,
                     struct error *error) {
        const struct host *host = manager->context->host;

        if (!cgroup_exists(manager->cgroup) && !manager->cgroup->rehearsal)
                return 0;
        for (size_t h = 0; h < host->count; h++) {
                const struct hierarchy *hierarchy = &host->hierarchies[h];
                int r = cgroup_claim(manager->cgroup, hierarchy, error);

                if (r == 0 ||
                    (r == CGROUP_E_ABSENT && !manager->ops->is_systemd && (hierarchy->mask & FROM_BOOT) != 0))
                        continue;
                if (r == CGROUP_E_ABSENT)
                        r = cgroup_make(manager->cgroup, hierarchy, plan, journal, error);
                if (r == 0 && members && !manager_can_place_threads(manager))
                        r = take_members_along(manager, hierarchy, journal, error);
                if (r < 0)
                        return r;
        }
        return 0;
}
