/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The systemd driver: a transient scope (or slice), and what systemd does not manage
 *
 * systemd makes a scope's directory in its own hierarchy and in those of the controllers that it manages
 * and the unit needs. On v1 all others are ours to make, join and remove; which these are is not guessed
 * from a version but read off the kernel after the start: wherever the unit's directory is missing. On a
 * hybrid host systemd makes the directory on the v2 tree but enables no controllers there.
 *
 * Subtle: undoing a start must not end the processes, which a StopUnit would. So they are put back into
 * their former groups first; the scope, empty, then goes by itself.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "cgroup/devices.h"
#include "manager/manager_drivers.h"
#include "util/timestamp.h"

/* How long the undoing of a start waits for the emptied scope to go. */
#define UNDO_TIMEOUT_MS 5000

/* How long a stop that was kept up by child groups has after these are gone. */
#define LAST_STOP_MS 1000

/* What systemd enables by itself on the way to a delegated unit on v2. */
#define SYSTEMD_MANAGES                                                                                        \
        (1U << CONTROLLER_CPU | 1U << CONTROLLER_CPUSET | 1U << CONTROLLER_IO | 1U << CONTROLLER_MEMORY |      \
         1U << CONTROLLER_PIDS)

struct started_unit {
        struct systemd_bus *bus;
        char *unit;
};

static void started_unit_free(void *change) {
        struct started_unit *started = change;

        free(started->unit);
        free(started);
}

static int started_unit_undo(void *change, struct error *error) {
        struct started_unit *started = change;
        int r;

        r = systemd_bus_stop(started->bus, started->unit, true, monotonic_ms() + UNDO_TIMEOUT_MS, error);
        if (r == SYSTEMD_E_STILL_RUNNING)
                return error_fail(error, 0, "unit %s is still stopping", started->unit);
        return r < 0 ? r : 0;
}

static int record_start(struct manager *manager, struct journal *journal, struct error *error) {
        struct started_unit *started = calloc(1, sizeof(*started));

        if (started)
                *started = (struct started_unit){manager->context->bus, strdup(manager->path->unit)};
        if (!started || !started->unit) {
                free(started);
                return error_oom(error);
        }
        return journal_add(journal, started_unit_undo, started_unit_free, started, error);
}

struct former_properties {
        struct systemd_bus *bus;
        char *unit;
        struct plan *plan;
};

static void former_properties_free(void *change) {
        struct former_properties *former = change;

        free(former->unit);
        plan_free(former->plan);
        free(former);
}

static int former_properties_undo(void *change, struct error *error) {
        struct former_properties *former = change;

        return systemd_bus_set_properties(former->bus, former->unit, former->plan, error);
}

static int record_properties(struct manager *manager, struct plan *plan, struct journal *journal,
                             struct error *error) {
        struct former_properties *former = calloc(1, sizeof(*former));

        if (former)
                *former = (struct former_properties){manager->context->bus, strdup(manager->path->unit), plan};
        if (!former || !former->unit) {
                free(former);
                plan_free(plan);
                return error_oom(error);
        }
        return journal_add(journal, former_properties_undo, former_properties_free, former, error);
}

/* systemd's own hierarchy: where it keeps track of a unit's processes. */
static const struct hierarchy *tracking_hierarchy(const struct host *host) {
        return host->systemd && host->version == CGROUP_V1 ? host->systemd : host->unified;
}

/* Follows the unit to where systemd has put it, should that differ from what was computed. */
static int locate(struct manager *manager, struct error *error) {
        _cleanup_free_ char *control_group = NULL;
        struct cgroup *cgroup;
        int r;

        r = systemd_bus_unit_state(manager->context->bus, manager->path->unit, &control_group, NULL, error);
        if (r < 0)
                return r;
        if (control_group[0] != '/')
                return error_fail(error, 0, "unit %s has no control group: its processes have ended",
                                  manager->path->unit);
        if (strcmp(control_group + 1, manager->cgroup->path) == 0)
                return 0;
        cgroup = cgroup_new(manager->context->host, manager->context->log, control_group + 1);
        if (!cgroup)
                return error_oom(error);
        cgroup_free(manager->cgroup);
        manager->cgroup = cgroup;
        return 0;
}

/* JobRemoved says that systemd has moved the processes; the kernel has the last word. A process that has
 * ended meanwhile is nowhere. */
static int check_placed(struct manager *manager, const struct task *tasks, size_t count, struct error *error) {
        const struct hierarchy *hierarchy = tracking_hierarchy(manager->context->host);
        _cleanup_free_ char *text = NULL;
        _cleanup_pid_set_ struct pid_set present = {0};
        int r;

        r = cgroup_read(manager->cgroup, hierarchy, "cgroup.procs", &text);
        if (r < 0)
                return error_fail(error, -r, "%s/%s/cgroup.procs", hierarchy->mount_point,
                                  manager->cgroup->path);
        if (pid_set_add_text(&present, text) < 0)
                return error_oom(error);
        for (size_t i = 0; i < count; i++)
                if (!pid_set_contains(&present, tasks[i].pid))
                        return error_fail(error, 0, "process %d is not in %s/%s after unit %s was started",
                                          tasks[i].pid, hierarchy->mount_point, manager->cgroup->path,
                                          manager->path->unit);
        return 0;
}

/* Makes the group where systemd has not, and enables on v2 what systemd does not. */
static int complete_directories(struct manager *manager, const struct plan *plan, struct journal *journal,
                                struct error *error) {
        const struct host *host = manager->context->host;
        unsigned required = manager_required(plan);

        for (size_t h = 0; h < host->count; h++) {
                const struct hierarchy *hierarchy = &host->hierarchies[h];
                int r = 0, directory = cgroup_directory(manager->cgroup, hierarchy);

                if (directory == -ENOENT)
                        r = cgroup_make(manager->cgroup, hierarchy, manager->context->owner, required, journal,
                                        error);
                else if (hierarchy->version == CGROUP_V2)
                        r = cgroup_enable_controllers(
                                manager->cgroup, hierarchy,
                                host->version == CGROUP_V2 ? required & ~SYSTEMD_MANAGES : required, error);
                if (r < 0)
                        return r;
        }
        return 0;
}

/* Where the processes are before systemd moves them: in which hierarchies it is going to is its own affair, and
 * putting a process where it is costs nothing. */
static int record_moves(struct manager *manager, const struct task *tasks, size_t count,
                        struct journal *journal, struct error *error) {
        const struct host *host = manager->context->host;

        for (size_t i = 0; i < count; i++)
                for (size_t h = 0; h < host->count; h++) {
                        int r = cgroup_record_moved(manager->cgroup, &host->hierarchies[h], tasks[i].pid,
                                                    tasks[i].former, journal, error);

                        if (r < 0)
                                return r;
                }
        return 0;
}

/* Joins where systemd has not moved the process. */
static int complete_moves(struct manager *manager, const struct task *task, struct journal *journal,
                          struct error *error) {
        const struct host *host = manager->context->host;
        _cleanup_free_ char *present = NULL;
        int r;

        r = proc_read_cgroup(task->pid, &present);
        if (r < 0)
                return error_fail(error, -r, "process %d", task->pid);
        for (size_t h = 0; h < host->count; h++) {
                r = cgroup_move(manager->cgroup, &host->hierarchies[h], MEMBERS_PROCESSES, task->pid, present,
                                journal, error);
                if (r < 0)
                        return r;
        }
        return 0;
}

static int complete_all_moves(struct manager *manager, const struct task *tasks, size_t count,
                              struct journal *journal, struct error *error) {
        for (size_t i = 0; i < count; i++) {
                int r = complete_moves(manager, &tasks[i], journal, error);

                if (r < 0)
                        return r;
        }
        return 0;
}

/* Whether systemd has the process in this unit already. */
static bool is_member(struct manager *manager, const struct task *task) {
        _cleanup_free_ char *path = hierarchy_path_of(tracking_hierarchy(manager->context->host), task->former);

        return path && strcmp(path, manager->cgroup->path) == 0;
}

static int attach_by_systemd(struct manager *manager, const struct task *tasks, size_t count,
                             struct error *error) {
        _cleanup_free_ pid_t *pids = calloc(count + 1, sizeof(*pids));
        size_t wanted = 0;
        int r;

        if (!pids)
                return error_oom(error);
        /* On v1 systemd would take one that it has already out of the directories that are ours. */
        for (size_t i = 0; i < count; i++)
                if (!is_member(manager, &tasks[i]))
                        pids[wanted++] = tasks[i].pid;
        /* A slice takes no processes from systemd; complete_moves() writes them. */
        if (manager->path->unit_is_slice || wanted == 0)
                return 0;
        r = systemd_bus_attach(manager->context->bus, manager->path->unit, pids, wanted, error);
        return r == SYSTEMD_E_NO_UNIT ? MANAGER_E_GONE : r;
}

/* A unit of our name that is there already is taken over if it is this sandbox's own, left by a run that
 * was killed after its start. */
static int take_over(struct manager *manager, const struct plan *plan, const struct task *tasks, size_t count,
                     struct journal *journal, struct error *error) {
        _cleanup_free_ char *description = NULL;
        int r;

        r = systemd_bus_unit_description(manager->context->bus, manager->path->unit, &description, error);
        if (r < 0)
                return r;
        if (strcmp(description, manager->description) != 0)
                return error_fail(error, 0, "unit %s exists already and is not this sandbox's: \"%s\"",
                                  manager->path->unit, description);
        r = record_start(manager, journal, error);
        if (r == 0)
                r = record_moves(manager, tasks, count, journal, error);
        if (r == 0 && plan)
                r = systemd_bus_set_properties(manager->context->bus, manager->path->unit, plan, error);
        if (r == 0)
                r = attach_by_systemd(manager, tasks, count, error);
        if (r == MANAGER_E_GONE)
                return error_fail(error, 0, "unit %s has ended meanwhile", manager->path->unit);
        return r;
}

static int start(struct manager *manager, const struct plan *plan, const struct task *tasks, size_t count,
                 struct journal *journal, struct error *error) {
        _cleanup_free_ pid_t *pids = calloc(count + 1, sizeof(*pids));
        const struct transient_unit unit = {
                .name = manager->path->unit,
                .slice = manager->path->slice,
                .description = manager->description,
                .stop_timeout_us = manager->context->stop_timeout_us,
                .pids = pids,
                .pid_count = count,
        };
        bool perhaps = false;
        int r;

        if (!pids)
                return error_oom(error);
        for (size_t i = 0; i < count; i++)
                pids[i] = tasks[i].pid;
        r = systemd_bus_start(manager->context->bus, &unit, plan, &perhaps, error);
        if (r == SYSTEMD_E_UNIT_EXISTS)
                return take_over(manager, plan, tasks, count, journal, error);
        /* Also after a failure: systemd may have got as far as moving the processes. */
        if (r < 0 && !perhaps)
                return r;
        {
                int recorded = record_start(manager, journal, error);

                if (recorded == 0 && r < 0)
                        recorded = record_moves(manager, tasks, count, journal, error);
                return r < 0 ? r : recorded;
        }
}

static int create(struct manager *manager, const struct plan *plan, const struct task *tasks, size_t count,
                  struct journal *journal, struct error *error) {
        int r;

        r = start(manager, plan, tasks, count, journal, error);
        cgroup_forget(manager->cgroup);
        if (r == 0)
                r = record_moves(manager, tasks, count, journal, error);
        if (r == 0)
                r = locate(manager, error);
        if (r == 0 && !manager->path->unit_is_slice)
                r = check_placed(manager, tasks, count, error);
        if (r == 0)
                r = complete_directories(manager, plan, journal, error);
        if (r == 0)
                r = manager_make_subtree(manager, plan, journal, error);
        if (r == 0 && plan)
                r = cgroup_apply(manager->cgroup, plan, NULL, error);
        return r < 0 ? r : complete_all_moves(manager, tasks, count, journal, error);
}

static int place(struct manager *manager, const struct task *tasks, size_t count, struct journal *journal,
                 struct error *error) {
        int r;

        r = record_moves(manager, tasks, count, journal, error);
        if (r == 0)
                r = attach_by_systemd(manager, tasks, count, error);
        return r != 0 ? r : complete_all_moves(manager, tasks, count, journal, error);
}

/* systemd rewrites v1's list of devices from nothing: without a stop, what stays allowed would be denied for that
 * moment. */
static bool rewrites_devices(const struct manager *manager, const struct plan *plan) {
        const struct hierarchy *hierarchy = manager->context->host->controllers[CONTROLLER_DEVICES];

        for (size_t i = 0; hierarchy && i < plan->count; i++)
                if (plan->settings[i].kind == SETTING_PROPERTY && plan->settings[i].type == PROPERTY_ACCESSES)
                        return true;
        return false;
}

static int set_properties(struct manager *manager, const struct plan *plan, struct error *error) {
        bool frozen = false;
        int r = 0, thawed = 0;

        if (rewrites_devices(manager, plan))
                r = devices_freeze(manager->cgroup, &frozen, error);
        if (r == 0)
                r = systemd_bus_set_properties(manager->context->bus, manager->path->unit, plan, error);
        if (frozen)
                thawed = devices_thaw(manager->cgroup, r < 0 ? NULL : error);
        return r < 0 ? r : thawed;
}

static int update(struct manager *manager, const struct plan *plan, struct journal *journal,
                  struct error *error) {
        struct plan *former = NULL;
        int r;

        r = systemd_bus_read_properties(manager->context->bus, manager->path->unit, plan, &former, error);
        if (r < 0)
                return r;
        r = record_properties(manager, former, journal, error);
        if (r == 0)
                r = set_properties(manager, plan, error);
        if (r == 0)
                r = complete_directories(manager, plan, journal, error);
        return r < 0 ? r : cgroup_apply(manager->cgroup, plan, journal, error);
}

/* On v1 the kernel tells systemd that a group is empty only where it has no child groups (cgroups.txt of v1, 1.4): with
 * some that others have made, however empty, a stop may last until its time-out. */
static int stop_unit(struct manager *manager, const struct manager_destroy *how, struct error *error) {
        struct systemd_bus *bus = manager->context->bus;
        const char *unit = manager->path->unit;
        const struct hierarchy *hierarchy = tracking_hierarchy(manager->context->host);
        int r;

        if (!manager_kills_at_once(manager))
                return systemd_bus_stop(bus, unit, !how->caller_inside, how->deadline, error);
        cgroup_remove_children(manager->cgroup, hierarchy);
        r = systemd_bus_stop(bus, unit, !how->caller_inside, how->deadline, error);
        if (r != SYSTEMD_E_STILL_RUNNING)
                return r;
        /* Those that had processes then. */
        cgroup_remove_children(manager->cgroup, hierarchy);
        return systemd_bus_stop(bus, unit, true, monotonic_ms() + LAST_STOP_MS, error);
}

static int stop(struct manager *manager, const struct manager_destroy *how, struct error *error) {
        struct systemd_bus *bus = manager->context->bus;
        const char *unit = manager->path->unit;
        int r;

        r = manager->vcpu_subtree ? cgroup_dissolve_vcpu_subtree(manager->cgroup, how->deadline, error) : 0;
        if (r < 0)
                return r;
        if (how->kill && !how->caller_inside)
                r = systemd_bus_kill(bus, unit, error);
        else
                r = how->kill ? cgroup_kill(manager->cgroup, how->spare, how->deadline, error) : 0;
        if (r < 0)
                return r;
        r = stop_unit(manager, how, error);
        if (r == SYSTEMD_E_STILL_RUNNING) {
                _cleanup_pid_set_ struct pid_set members = {0};
                _cleanup_free_ char *who = NULL;

                if (cgroup_members(manager->cgroup, MEMBERS_PROCESSES, true, &members, NULL) == 0 &&
                    members.count > 0)
                        who = pid_set_describe(&members);
                return error_fail(error, ETIMEDOUT, "unit %s is still stopping, with %s in it", unit,
                                  who ? who : "no process");
        }
        return r < 0 ? r : 0;
}

static int destroy(struct manager *manager, const struct manager_destroy *how, struct error *error) {
        int r;

        r = stop(manager, how, error);
        /* With the caller inside, the stop is queued; on v2 the only directory is systemd's, and goes with it. */
        if (how->caller_inside)
                return r;
        if (r == 0)
                r = systemd_bus_reset_failed(manager->context->bus, manager->path->unit, error);
        return r < 0 ? r : cgroup_remove(manager->cgroup, how->parents, how->deadline, error);
}

/* As systemd has it: on v1 the directories that are ours outlive a scope that has ended with its last process. */
static bool exists(struct manager *manager) {
        return cgroup_directory(manager->cgroup, tracking_hierarchy(manager->context->host)) >= 0;
}

const struct manager_ops manager_systemd_ops = {
        .create = create,
        .place = place,
        .update = update,
        .destroy = destroy,
        .exists = exists,
};
