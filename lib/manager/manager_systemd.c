/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The systemd driver: a transient scope (or slice), and the hierarchies that systemd does not manage
 *
 * systemd makes a scope's directory in its own hierarchy and in those of the controllers that it manages and the unit needs. On
 * v1 this driver makes, joins and removes the others. It does not guess them from systemd's version: they are those in which the
 * unit's directory is missing after the start. On a hybrid host systemd makes the directory on the v2 tree but enables no
 * controllers there.
 *
 * Subtle, twice:
 *  - Undoing a start must not end the processes, as StopUnit would. So they are first moved back to their former groups; the empty
 *    scope then ends by itself.
 *  - A unit with our name may be somebody else's. So the driver checks the unit's description and invocation with systemd before
 *    it stops, changes or joins the unit. Directories that systemd makes for a unit of ours are marked when they are first seen.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "cgroup/freezer.h"
#include "manager/manager_internal.h"
#include "util/file.h"
#include "util/timestamp.h"

/* The first version with FreezeUnit, ThawUnit and FreezerState. */
#define SYSTEMD_FREEZER_VERSION 246

/* How long the undoing of a start waits for the end of the empty scope. */
#define UNDO_TIMEOUT_MS 5000

/* The time for a stop that was blocked by child groups, after their removal. */
#define LAST_STOP_MS 1000

/* The controllers that systemd enables by itself in the parents of a delegated unit on v2. */
#define SYSTEMD_MANAGES                                                                                        \
        (1U << CONTROLLER_CPU | 1U << CONTROLLER_CPUSET | 1U << CONTROLLER_IO | 1U << CONTROLLER_MEMORY |      \
         1U << CONTROLLER_PIDS)

/* ---- the owner of the unit ---- */

static bool is_own(const struct manager *manager, const struct unit_identity *identity) {
        const char *role_end = strstr(manager->description, " of ") + strlen(" of ");
        size_t length = (size_t)(role_end - manager->description);

        return strncmp(identity->description, manager->description, length) == 0 &&
               owner_is_named(manager->owner, identity->description + length) &&
               (manager->invocation[0] == '\0' || strcmp(manager->invocation, identity->invocation_id) == 0);
}

static enum unit_owner owner_of_unit(const struct manager *manager, const struct unit_identity *identity) {
        bool own = is_own(manager, identity);

        if (strcmp(identity->active_state, "inactive") == 0)
                return own ? UNIT_PENDING : UNIT_ABSENT;
        if (strcmp(identity->active_state, "failed") == 0)
                return own ? UNIT_FAILED : UNIT_ABSENT;
        return own ? UNIT_OWN : UNIT_OTHER;
}

/* Whether there is a unit of ours, or its start job, that a stop ends. */
static bool is_to_be_stopped(const struct manager *manager) {
        return manager->unit_owner == UNIT_OWN || manager->unit_owner == UNIT_PENDING;
}

/* Asks systemd for the unit's identity; `description` (or NULL) is set to the unit's. */
static int ask_unit(struct manager *manager, char **description, struct error *error) {
        _cleanup_(unit_identity_clear) struct unit_identity identity = {0};
        struct systemd_bus *bus;
        int r;

        r = manager_bus(manager->context, &bus, error);
        if (r == 0)
                r = systemd_bus_unit_identity(bus, manager->path->unit, &identity, error);
        if (r != 0)
                return r;
        manager->unit_owner = owner_of_unit(manager, &identity);
        if (manager->unit_owner == UNIT_OWN)
                (void)snprintf(manager->invocation, sizeof(manager->invocation), "%s", identity.invocation_id);
        if (description)
                *description = TAKE(identity.description);
        return 0;
}

/* Status 1 if the unit is somebody else's. */
static int check_unit(struct manager *manager, struct error *error) {
        _cleanup_free_ char *description = NULL;
        int r = ask_unit(manager, &description, error);

        if (r < 0 || manager->unit_owner != UNIT_OTHER)
                return r;
        return error_fail(error, 0, "unit %s is not of this sandbox \"%s\": its description is \"%s\"",
                          manager->path->unit, manager->owner->id, description);
}

/* Marks the directories that systemd has made for a unit of ours. */
static int adopt_directories(struct manager *manager, struct error *error) {
        const struct host *host = manager->context->host;
        int r = 0;

        for (size_t h = 0; r == 0 && h < host->count; h++) {
                const struct hierarchy *hierarchy = &host->hierarchies[h];

                if (host_systemd_manages(host, hierarchy))
                        r = cgroup_adopt(manager->cgroup, hierarchy, error);
        }
        return r;
}

static int check_free(struct manager *manager, struct error *error) {
        int r = check_unit(manager, error);

        return r < 0 ? r : cgroup_claim_all(manager->cgroup, false, error);
}

/* Claims all directories at the unit's path, for a change or a new process. MANAGER_E_GONE if there is no such unit. */
static int claim_unit(struct manager *manager, struct error *error) {
        int r = check_unit(manager, error);

        if (r == 0 && manager->unit_owner == UNIT_OWN)
                r = adopt_directories(manager, error);
        if (r == 0)
                r = cgroup_claim_all(manager->cgroup, false, error);
        return r < 0 || manager->unit_owner == UNIT_OWN ? r : MANAGER_E_GONE;
}

/* Claims the directories for removal: they must be ours. A foreign unit is not stopped. If a directory does not carry our mark, or
 * a command was killed, systemd is asked first: the directory may be one that systemd has made for our unit. */
static int claim(struct manager *manager, struct error *error) {
        int r;

        if (manager->owner->life == OWNER_WHOLE && cgroup_claim_all(manager->cgroup, true, NULL) == 0)
                return 0;
        r = ask_unit(manager, NULL, error);
        if (r == 0 && manager->unit_owner == UNIT_OWN)
                r = adopt_directories(manager, error);
        return r < 0 ? r : cgroup_claim_all(manager->cgroup, true, error);
}

/* ---- undoing ---- */

/* Does nothing if the unit is somebody else's by now: then ours has ended already. */
static int started_unit_undo(void *change, struct error *error) {
        struct manager *manager = change;
        int r;

        manager->invocation[0] = '\0';
        r = ask_unit(manager, NULL, error);
        if (r < 0 || !is_to_be_stopped(manager))
                return r;
        r = systemd_bus_stop(manager->context->bus, manager->path->unit, true, monotonic_ms() + UNDO_TIMEOUT_MS,
                             error);
        if (r == SYSTEMD_E_STILL_RUNNING)
                return error_fail(error, 0, "unit %s is still stopping", manager->path->unit);
        return r < 0 ? r : 0;
}

static int record_start(struct manager *manager, struct journal *journal, struct error *error) {
        return journal_add(journal, started_unit_undo, NULL, manager, error);
}

struct former_properties {
        struct manager *manager; /* outlives the journal */
        struct plan *plan;       /* owned */
};

static void former_properties_free(void *change) {
        struct former_properties *former = change;

        plan_free(former->plan);
        free(former);
}

static int former_properties_undo(void *change, struct error *error) {
        struct former_properties *former = change;
        int r = ask_unit(former->manager, NULL, error);

        if (r < 0 || former->manager->unit_owner != UNIT_OWN)
                return r;
        return systemd_bus_set_properties(former->manager->context->bus, former->manager->path->unit,
                                          former->plan, error);
}

/* Owns the plan. */
static int record_properties(struct manager *manager, struct plan *plan, struct journal *journal,
                             struct error *error) {
        struct former_properties *former = calloc(1, sizeof(*former));

        if (!former) {
                plan_free(plan);
                return error_oom(error);
        }
        *former = (struct former_properties){manager, plan};
        return journal_add(journal, former_properties_undo, former_properties_free, former, error);
}

/* ---- starting ---- */

/* Sets the path to the one that systemd has used, if it differs from the computed one. */
static int locate(struct manager *manager, struct error *error) {
        _cleanup_free_ char *control_group = NULL;
        int r;

        r = systemd_bus_unit_state(manager->context->bus, manager->path->unit, &control_group, NULL, error);
        if (r < 0)
                return r;
        if (control_group[0] != '/')
                return error_fail(error, 0, "unit %s has no control group: its processes have ended",
                                  manager->path->unit);
        return cgroup_relocate(manager->cgroup, control_group + 1) < 0 ? error_oom(error) : 0;
}

/* Checks with the kernel that the processes are in the group; JobRemoved only says that systemd has moved them. A process that
 * has ended meanwhile is skipped. */
static int check_placed(struct manager *manager, struct process *const *processes, size_t count,
                        struct error *error) {
        const struct hierarchy *hierarchy = manager->context->host->systemd;
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
                if (!pid_set_contains(&present, processes[i]->pid))
                        return error_fail(error, 0, "process %d is not in %s/%s after unit %s was started",
                                          processes[i]->pid, hierarchy->mount_point, manager->cgroup->path,
                                          manager->path->unit);
        return 0;
}

/* Makes the directories that systemd has not made, and on v2 enables the controllers that systemd has not enabled. */
static int make_directories(struct manager *manager, const struct plan *plan, bool members,
                            struct journal *journal, struct error *error) {
        const struct host *host = manager->context->host;
        unsigned required = cgroup_required(plan);
        int r = adopt_directories(manager, error);

        if (r == 0)
                r = manager_complete(manager, plan, members, journal, error);
        for (size_t h = 0; r == 0 && h < host->count; h++) {
                const struct hierarchy *hierarchy = &host->hierarchies[h];

                if (hierarchy->version == CGROUP_V2)
                        r = cgroup_enable_controllers(
                                manager->cgroup, hierarchy,
                                host->systemd == hierarchy ? required & ~SYSTEMD_MANAGES : required, error);
        }
        return r;
}

/* The same for a group with members, which are moved too. */
static int complete_directories(struct manager *manager, const struct plan *plan, struct journal *journal,
                                struct error *error) {
        return make_directories(manager, plan, true, journal, error);
}

/* Records the present groups of the processes in all hierarchies, since systemd decides in which of them it moves the processes. */
static int record_moves(struct manager *manager, struct process *const *processes, size_t count,
                        struct journal *journal, struct error *error) {
        const struct host *host = manager->context->host;

        for (size_t i = 0; i < count; i++)
                for (size_t h = 0; h < host->count; h++) {
                        int r = cgroup_record_moved(manager->cgroup, &host->hierarchies[h], processes[i],
                                                    journal, error);

                        if (r < 0)
                                return r;
                }
        return 0;
}

/* Moves the process in the hierarchies in which systemd has not. The recorded former groups are those of before the start. */
static int complete_moves(struct manager *manager, const struct process *process, struct journal *journal,
                          struct error *error) {
        const struct host *host = manager->context->host;
        _cleanup_free_ char *present = NULL;
        int r;

        r = process_thread_cgroup(process, process->pid, &present);
        if (r != 0)
                return error_fail(error, r < 0 ? -r : ESRCH, "process %d", process->pid);
        for (size_t h = 0; h < host->count; h++) {
                if (hierarchy_has_at(&host->hierarchies[h], present, manager->cgroup->path))
                        continue;
                r = cgroup_move(manager->cgroup, &host->hierarchies[h], process, journal, error);
                if (r < 0)
                        return r;
        }
        return 0;
}

static int complete_all_moves(struct manager *manager, struct process *const *processes, size_t count,
                              struct journal *journal, struct error *error) {
        int r = manager_complete(manager, NULL, true, journal, error);

        for (size_t i = 0; r == 0 && i < count; i++)
                r = complete_moves(manager, processes[i], journal, error);
        return r;
}

/* Whether systemd has the process in this unit already. */
static bool is_member(struct manager *manager, const struct process *process) {
        return hierarchy_has_at(manager->context->host->systemd, process->former, manager->cgroup->path);
}

static int attach_by_systemd(struct manager *manager, struct process *const *processes, size_t count,
                             struct error *error) {
        _cleanup_free_ pid_t *pids = calloc(count + 1, sizeof(*pids));
        size_t wanted = 0;
        int r;

        if (!pids)
                return error_oom(error);
        /* On v1 systemd would move a process that is already in the unit out of the directories that are ours. */
        for (size_t i = 0; i < count; i++)
                if (!is_member(manager, processes[i]))
                        pids[wanted++] = processes[i]->pid;
        /* systemd does not move processes into a slice, and systemd 257 not into a frozen scope; complete_moves() does. */
        if (manager->path->unit_is_slice || wanted == 0 || !manager_is_thawed(manager))
                return 0;
        r = systemd_bus_attach(manager->context->bus, manager->path->unit, pids, wanted, error);
        return r == SYSTEMD_E_NO_UNIT ? MANAGER_E_GONE : r;
}

/* An existing unit of our name is taken over if it is this sandbox's own: then the answer to its start was lost. */
static int take_over(struct manager *manager, const struct plan *plan, struct process *const *processes,
                     size_t count, struct journal *journal, struct error *error) {
        int r;

        manager->invocation[0] = '\0';
        r = check_unit(manager, error);
        if (r == 0 && !is_to_be_stopped(manager))
                r = MANAGER_E_GONE;
        if (r == 0)
                r = record_start(manager, journal, error);
        if (r == 0)
                r = record_moves(manager, processes, count, journal, error);
        if (r == 0 && plan)
                r = systemd_bus_set_properties(manager->context->bus, manager->path->unit, plan, error);
        if (r == 0)
                r = attach_by_systemd(manager, processes, count, error);
        if (r == MANAGER_E_GONE)
                return error_fail(error, 0, "unit %s has ended meanwhile", manager->path->unit);
        return r;
}

static int start(struct manager *manager, const struct plan *plan, struct process *const *processes,
                 size_t count, struct journal *journal, struct error *error) {
        _cleanup_free_ pid_t *pids = calloc(count + 1, sizeof(*pids));
        const struct transient_unit unit = {
                .name = manager->path->unit,
                .slice = manager->path->slice,
                .description = manager->description,
                .stop_timeout_us = manager->stop_timeout_us,
                .pids = pids,
                .pid_count = count,
        };
        bool perhaps = false;
        int r;

        if (!pids)
                return error_oom(error);
        for (size_t i = 0; i < count; i++)
                pids[i] = processes[i]->pid;
        r = systemd_bus_start(manager->context->bus, &unit, plan, &perhaps, error);
        if (r == SYSTEMD_E_UNIT_EXISTS)
                return take_over(manager, plan, processes, count, journal, error);
        /* Also after a failure: systemd may have moved the processes. */
        if (r < 0 && !perhaps)
                return r;
        {
                int recorded = record_start(manager, journal, error);

                if (recorded == 0 && r < 0)
                        recorded = record_moves(manager, processes, count, journal, error);
                return r < 0 ? r : recorded;
        }
}

static int create(struct manager *manager, const struct plan *plan, struct process *const *processes,
                  size_t count, struct journal *journal, struct error *error) {
        int r;

        r = check_free(manager, error);
        /* On v1 our own directories outlive a scope that has ended with its last process, with their limits. They are removed
         * first, unless they are in use. */
        if (r == 0) {
                (void)cgroup_remove_v1(manager->cgroup, false, 0, NULL);
                r = start(manager, plan, processes, count, journal, error);
        }
        cgroup_forget(manager->cgroup);
        if (r == 0)
                r = record_moves(manager, processes, count, journal, error);
        if (r == 0) {
                manager->invocation[0] = '\0';
                r = check_unit(manager, error);
        }
        if (r == 0)
                r = locate(manager, error);
        if (r == 0 && !manager->path->unit_is_slice)
                r = check_placed(manager, processes, count, error);
        /* The processes are moved after the limits are set. */
        if (r == 0)
                r = make_directories(manager, plan, false, journal, error);
        if (r == 0)
                r = manager_limit(manager, plan, journal, error);
        return r < 0 ? r : complete_all_moves(manager, processes, count, journal, error);
}

static int rehearse_call(struct manager *manager, struct process *const *processes, size_t count) {
        json_t *pids = json_array();

        for (size_t i = 0; pids && !manager->path->unit_is_slice && i < count; i++)
                (void)json_array_append_new(pids, json_integer(processes[i]->pid));
        return json_array_append_new(rehearsal_entries(manager->cgroup->rehearsal),
                                     json_pack("{s:s, s:s, s:o}", "call", "StartTransientUnit", "unit",
                                               manager->path->unit, "pids", pids));
}

/* On v1 systemd also makes a unit's directory in a hierarchy in which a sibling has one (unit_get_siblings_mask() in its
 * cgroup.c). The same holds for the slices above the unit. */
static int assume_beside_siblings(struct manager *manager, const struct hierarchy *hierarchy) {
        const char *path = manager->cgroup->path;

        for (size_t parent_end = 0, end; path[parent_end] != '\0'; parent_end = end) {
                size_t begin = parent_end + (parent_end > 0);
                _cleanup_free_ char *parent = strndup(path, parent_end), *directory = NULL;
                _cleanup_close_ int fd = -1;
                struct stat status;

                end = begin + strcspn(path + begin, "/");
                if (!parent || asprintf(&directory, "%s/%.*s", hierarchy->mount_point, (int)end, path) < 0) {
                        directory = NULL;
                        return -ENOMEM;
                }
                fd = file_open_beneath(hierarchy->fd, parent, O_RDONLY | O_DIRECTORY);
                if (fd < 0 || fstat(fd, &status) < 0 || status.st_nlink <= 2)
                        return 0;
                if (rehearsal_assume_directory(manager->cgroup->rehearsal, directory) < 0)
                        return -ENOMEM;
        }
        return 0;
}

/* Whether the unit needs its directory: for devices only if the plan has rules; for the others accounting is enabled. */
static bool unit_needs(const struct hierarchy *hierarchy, const struct plan *plan) {
        if (hierarchy->mask != 1U << CONTROLLER_DEVICES)
                return true;
        for (size_t i = 0; plan && i < plan->count; i++)
                if (plan->settings[i].kind == SETTING_PROPERTY &&
                    strncmp(plan->settings[i].property.name, "Device", strlen("Device")) == 0)
                        return true;
        return false;
}

/* In a rehearsal: assumes the unit's directory in systemd's own hierarchies and in those of the controllers that it manages. */
static int assume_unit(struct manager *manager, const struct plan *plan) {
        const struct host *host = manager->context->host;
        int r = 0;

        for (size_t h = 0; r == 0 && h < host->count; h++) {
                const struct hierarchy *hierarchy = &host->hierarchies[h];

                if (!host_systemd_manages(host, hierarchy))
                        continue;
                r = unit_needs(hierarchy, plan)
                            ? cgroup_assume_made(manager->cgroup, hierarchy, SYSTEMD_MANAGES)
                            : assume_beside_siblings(manager, hierarchy);
        }
        return r;
}

static int rehearse(struct manager *manager, const struct plan *plan, struct process *const *processes,
                    size_t count, struct error *error) {
        const struct host *host = manager->context->host;
        int r;

        if (rehearse_call(manager, processes, count) < 0 || assume_unit(manager, plan) < 0)
                return error_oom(error);
        r = manager_rehearse_plan(manager, plan, true, error);
        if (r == 0)
                r = make_directories(manager, plan, false, NULL, error);
        if (r == 0)
                r = manager_limit(manager, plan, NULL, error);
        /* If the v2 tree is the only hierarchy, the start of a scope places the processes. */
        if (r < 0 || (host->count == 1 && host->unified && !manager->path->unit_is_slice))
                return r;
        return manager_move(manager, processes, count, NULL, error);
}

/* systemd empties v1's list of devices before it writes it again. The processes are frozen meanwhile, so that devices that stay
 * allowed are not denied for that moment. */
static bool rewrites_devices(const struct manager *manager, const struct plan *plan) {
        const struct hierarchy *hierarchy = manager->context->host->controllers[CONTROLLER_DEVICES];

        for (size_t i = 0; hierarchy && i < plan->count; i++)
                if (plan->settings[i].kind == SETTING_PROPERTY && !plan->settings[i].unchanged &&
                    plan->settings[i].property.type == PROPERTY_ACCESSES)
                        return true;
        return false;
}

static int set_properties(struct manager *manager, const struct plan *plan, struct error *error) {
        struct freezing freezing = {0};
        int r = 0, thawed;

        if (rewrites_devices(manager, plan))
                r = freezer_freeze(manager->cgroup, &freezing, error);
        if (r == 0)
                r = systemd_bus_set_properties(manager->context->bus, manager->path->unit, plan, error);
        thawed = freezer_thaw(manager->cgroup, &freezing, r < 0 ? NULL : error);
        return r < 0 ? r : thawed;
}

/* On v1 systemd removes an empty directory of the unit, also one of ours, if the unit's properties do not need its controller. It
 * does so after it has answered a change of properties, and before it answers the next call
 * (manager_dispatch_cgroup_realize_queue() in systemd's manager_loop()). So another call is made first; directories that exist
 * then stay. */
static int see_trimmed(struct manager *manager, struct error *error) {
        int r;

        if (manager->context->host->systemd->version != CGROUP_V1)
                return 0;
        r = check_unit(manager, error);
        cgroup_forget(manager->cgroup);
        return r;
}

/* Selects the properties to be set: those that change, and those that somebody else has changed since. Of `held`, the unit's
 * present values, the others are marked as not to be restored. */
static void compare_with_unit(struct plan *plan, struct plan *held) {
        for (size_t i = 0; i < held->count; i++) {
                struct setting *setting = plan_find_property(plan, held->settings[i].property.name);

                if (!setting)
                        continue;
                setting->unchanged = setting->unchanged && setting_equal(setting, &held->settings[i]);
                held->settings[i].unchanged = setting->unchanged;
        }
}

/* Sets properties and files of a unit of ours. systemd writes more files than those of the properties, now and after an operator's
 * `systemctl set-property` or a daemon-reload. So values of the plan that the kernel no longer has are written again. */
static int set_all(struct manager *manager, struct plan *plan, struct journal *journal, struct error *error) {
        struct plan *held = NULL;
        int r;

        r = systemd_bus_read_properties(manager->context->bus, manager->path->unit, plan, &held, error);
        if (r < 0)
                return r;
        compare_with_unit(plan, held);
        /* An undo restores the files after the properties, since systemd does not write all of them. Files that cgroup_apply()
         * writes are also restored before the properties, in reverse order. */
        r = cgroup_record(manager->cgroup, plan, journal, error);
        if (r < 0) {
                plan_free(held);
                return r;
        }
        r = record_properties(manager, held, journal, error);
        if (r == 0)
                r = set_properties(manager, plan, error);
        if (r == 0)
                r = see_trimmed(manager, error);
        if (r == 0)
                r = complete_directories(manager, plan, journal, error);
        if (r == 0)
                r = cgroup_compare(manager->cgroup, plan, error);
        return r < 0 ? r : cgroup_apply(manager->cgroup, plan, journal, error);
}

static int update(struct manager *manager, struct plan *plan, struct journal *journal, struct error *error) {
        int r = claim_unit(manager, error);

        if (r == MANAGER_E_GONE)
                return error_fail(error, 0, "unit %s has ended", manager->path->unit);
        return r < 0 ? r : set_all(manager, plan, journal, error);
}

/* Whether the group's directory, with its limits, is missing in a hierarchy. */
static bool is_incomplete(struct manager *manager) {
        const struct host *host = manager->context->host;

        for (size_t h = 0; h < host->count; h++)
                if (cgroup_directory(manager->cgroup, &host->hierarchies[h]) < 0)
                        return true;
        return false;
}

/* After an operator's `systemctl set-property`, systemd may have removed empty directories on v1. */
static int place(struct manager *manager, struct process *process, struct journal *journal,
                 struct error *error) {
        int r;

        r = claim_unit(manager, error);
        if (r == 0 && is_incomplete(manager))
                return MANAGER_E_INCOMPLETE;
        if (r == 0)
                r = record_moves(manager, &process, 1, journal, error);
        if (r == 0)
                r = attach_by_systemd(manager, &process, 1, error);
        return r != 0 ? r : complete_all_moves(manager, &process, 1, journal, error);
}

/* Whether systemd can freeze units, which it does on v2 only. */
static int has_freezer(struct manager *manager, bool *out, struct error *error) {
        const struct host *host = manager->context->host;
        unsigned version = 0;
        int r = 0;

        if (host->systemd->version == CGROUP_V2)
                r = manager_systemd_version(manager->context, &version, error);
        *out = version >= SYSTEMD_FREEZER_VERSION;
        return r;
}

/* systemd comes first, so that its FreezerState agrees. If it declines or does not answer soon, the kernel's file is
 * written: systemd sees cgroup.events change and follows. */
static int freeze(struct manager *manager, bool frozen, const struct wait_limit *limit, struct error *error) {
        bool by_systemd = false;
        int r = claim_unit(manager, error);

        if (r == MANAGER_E_GONE && frozen)
                return error_fail(error, 0, "unit %s has ended", manager->path->unit);
        if (r == 0)
                r = has_freezer(manager, &by_systemd, error);
        if (r == 0 && by_systemd)
                r = systemd_bus_freeze(manager->context->bus, manager->path->unit, frozen, error);
        return r < 0 ? r : freezer_set(manager->cgroup, frozen, limit, error);
}

/* On v1 the kernel notifies systemd of an empty group only if it has no child groups (cgroup-v1/cgroups.rst, 1.4). With child
 * groups of others, even empty ones, a stop may last until its timeout. */
static int stop_unit(struct manager *manager, bool wait, int64_t deadline, struct error *error) {
        struct systemd_bus *bus = manager->context->bus;
        const char *unit = manager->path->unit;
        const struct hierarchy *hierarchy = manager->context->host->systemd;
        int r;

        if (!manager_kills_at_once(manager))
                return systemd_bus_stop(bus, unit, wait, deadline, error);
        cgroup_remove_children(manager->cgroup, hierarchy);
        r = systemd_bus_stop(bus, unit, wait, deadline, error);
        if (r != SYSTEMD_E_STILL_RUNNING)
                return r;
        /* Again, for child groups that still had processes before. */
        cgroup_remove_children(manager->cgroup, hierarchy);
        return systemd_bus_stop(bus, unit, true, monotonic_ms() + LAST_STOP_MS, error);
}

static int fail_still_running(struct manager *manager, struct error *error) {
        _cleanup_pid_set_ struct pid_set members = {0};
        _cleanup_free_ char *who = NULL;

        if (cgroup_own_processes(manager->cgroup, &members, NULL) == 0 && members.count > 0)
                who = pid_set_describe(&members);
        return error_fail(error, ETIMEDOUT, "unit %s is still stopping, with %s in it", manager->path->unit,
                          who ? who : "no process");
}

/* Ends a unit of ours, with all its processes. */
static int stop(struct manager *manager, const struct manager_destroy *how, bool caller_inside,
                struct error *error) {
        int r = 0;

        /* KillUnit is for a running unit and would also kill the caller. */
        if (how->kill && (caller_inside || manager->unit_owner == UNIT_PENDING))
                r = cgroup_kill(manager->cgroup, how->callers, how->deadline, error);
        else if (how->kill)
                r = systemd_bus_kill(manager->context->bus, manager->path->unit, error);
        /* With the caller inside, the stop is queued, and systemd removes its directories with the last process. Members have
         * already left the others (manager_release()). */
        if (r == 0 && caller_inside)
                r = cgroup_remove_v1(manager->cgroup, how->parents, how->deadline, error);
        if (r < 0)
                return r;
        r = stop_unit(manager, !caller_inside, how->deadline, error);
        if (r == SYSTEMD_E_STILL_RUNNING)
                return fail_still_running(manager, error);
        return r < 0 ? r : 0;
}

/* Removes what a stop has left: on v1 the directories that are ours, and processes that are only in these. */
static int remove_rest(struct manager *manager, const struct manager_destroy *how, struct error *error) {
        int r = 0;

        if (how->kill)
                r = cgroup_kill(manager->cgroup, how->callers, how->deadline, error);
        if (r == 0 && (is_to_be_stopped(manager) || manager->unit_owner == UNIT_FAILED))
                r = systemd_bus_reset_failed(manager->context->bus, manager->path->unit, error);
        return r < 0 ? r : cgroup_remove(manager->cgroup, how->parents, how->deadline, error);
}

static int destroy(struct manager *manager, const struct manager_destroy *how, struct error *error) {
        bool caller_inside = cgroup_has_any(manager->cgroup, how->callers) == 1;
        int r;

        r = manager->vcpu_subtree ? cgroup_dissolve_vcpu_subtree(manager->cgroup, how->deadline, error) : 0;
        if (r == 0)
                r = ask_unit(manager, NULL, error);
        if (r == 0 && is_to_be_stopped(manager)) {
                r = stop(manager, how, caller_inside, error);
                if (caller_inside)
                        return r;
        }
        return r < 0 ? r : remove_rest(manager, how, error);
}

/* Asks systemd, not the kernel: on v1 our own directories outlive a scope that has ended with its last process. */
static bool exists(struct manager *manager) {
        const struct hierarchy *tracking = manager->context->host->systemd;

        return tracking && cgroup_directory(manager->cgroup, tracking) >= 0;
}

const struct manager_ops manager_scope_ops = {
        .is_systemd = true,
        .needs_process = true,
        .stops_processes = true,
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

/* A slice can exist without processes, and systemd has no call that moves a process into one. */
const struct manager_ops manager_slice_ops = {
        .is_systemd = true,
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
