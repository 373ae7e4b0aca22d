/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Managers: what does not depend on the driver
 *
 * It selects the driver, answers what a manager can do, reads the facts for a plan, and passes the rest on to the driver's
 * functions.
 */
#include "manager/manager.h"

#include <stdio.h>
#include <stdlib.h>

#include "cgroup/freezer.h"
#include "host/facts.h"
#include "manager/manager_internal.h"
#include "util/file.h"
#include "util/timestamp.h"

struct manager_context *manager_context_free(struct manager_context *context) {
        if (!context)
                return NULL;
        systemd_bus_free(context->bus);
        rehearsal_free(context->rehearsal);
        free(context->hugepage_sizes);
        host_free(context->host);
        free(context);
        return NULL;
}

int manager_context_new(const struct log *log, struct manager_context **out, struct error *error) {
        _cleanup_(manager_context_freep) struct manager_context *context = calloc(1, sizeof(*context));
        int r;

        if (!context)
                return error_oom(error);
        context->log = log;
        r = host_new(&context->host, error);
        if (r < 0)
                return r;
        *out = TAKE(context);
        return 0;
}

int manager_context_version(const struct manager_context *context) {
        return (int)context->host->version;
}

int manager_bus(struct manager_context *context, struct systemd_bus **out, struct error *error) {
        int r = context->bus ? 0 : systemd_bus_new(context->log, &context->bus, error);

        if (r == 0)
                *out = context->bus;
        return r;
}

struct manager *manager_free(struct manager *manager) {
        if (!manager)
                return NULL;
        cgroup_free(manager->cgroup);
        free(manager->description);
        free(manager);
        return NULL;
}

static const struct manager_ops *ops_for(const struct cgroup_path *path) {
        if (path->driver == DRIVER_CGROUPFS)
                return &manager_cgroupfs_ops;
        return path->unit_is_slice ? &manager_slice_ops : &manager_scope_ops;
}

int manager_new(struct manager_context *context, const struct manager_group *group, struct manager **out,
                struct error *error) {
        _cleanup_(manager_freep) struct manager *manager = calloc(1, sizeof(*manager));

        if (!manager)
                return error_oom(error);
        manager->ops = ops_for(group->path);
        manager->context = context;
        manager->owner = group->owner;
        manager->path = group->path;
        manager->vcpu_subtree = group->vcpu_subtree;
        manager->threads_only = group->threads_only;
        manager->stop_timeout_us = group->stop_timeout_us;
        (void)snprintf(manager->invocation, sizeof(manager->invocation), "%s", group->invocation);
        manager->cgroup = cgroup_new(context->host, context->log, group->owner, group->path->path);
        if (!manager->cgroup)
                return error_oom(error);
        manager->cgroup->parents_stay = group->parents_stay;
        if (asprintf(&manager->description, "kata-cgroup %s of %s%s%s", group->role, group->owner->id,
                     group->owner->token[0] != '\0' ? " " : "", group->owner->token) < 0) {
                manager->description = NULL;
                return error_oom(error);
        }
        *out = TAKE(manager);
        return 0;
}

bool manager_needs_process(const struct manager *manager) {
        return manager->ops->needs_process;
}

/* Placing single threads is only useful for the controller cpu. */
bool manager_can_place_threads(const struct manager *manager) {
        return manager->ops->places_threads &&
               host_controller_version(manager->context->host, CONTROLLER_CPU) == CGROUP_V1;
}

/* A threaded group has the controllers cpu and cpuset; without cpuset it works with cpu alone. */
bool manager_can_have_subtree(const struct manager *manager) {
        const struct host *host = manager->context->host;

        return host_controller_version(host, CONTROLLER_CPU) == CGROUP_V2 &&
               host_controller_version(host, CONTROLLER_CPUSET) != CGROUP_V1;
}

bool manager_kills_at_once(const struct manager *manager) {
        const struct hierarchy *tracking = manager->context->host->systemd;

        return manager->ops->stops_processes && tracking && tracking->version == CGROUP_V1;
}

bool manager_exists(struct manager *manager) {
        return manager->ops->exists(manager);
}

const char *manager_path(const struct manager *manager) {
        return manager->cgroup->path;
}

const char *manager_invocation(const struct manager *manager) {
        return manager->invocation;
}

int manager_check_free(struct manager *manager, struct error *error) {
        return manager->ops->check_free(manager, error);
}

int manager_claim(struct manager *manager, struct error *error) {
        return manager->ops->claim(manager, error);
}

int manager_check_origin(const struct manager *manager, const struct process *process, const char *source,
                         struct error *error) {
        return cgroup_check_origin(manager->cgroup, process, source, error);
}

int manager_members(struct manager *manager, struct pid_set *out, struct error *error) {
        return cgroup_own_processes(manager->cgroup, out, error);
}

int manager_create(struct manager *manager, const struct plan *plan, struct process *const *processes,
                   size_t count, struct journal *journal, struct error *error) {
        return manager->ops->create(manager, plan, processes, count, journal, error);
}

int manager_place(struct manager *manager, struct process *process, struct journal *journal,
                  struct error *error) {
        return manager->ops->place(manager, process, journal, error);
}

int manager_mend_freezing(struct manager *manager, struct error *error) {
        return freezer_mend(manager->cgroup, error);
}

bool manager_is_frozen(struct manager *manager) {
        return freezer_state(manager->cgroup) == FREEZER_FROZEN;
}

bool manager_is_thawed(struct manager *manager) {
        return freezer_state(manager->cgroup) == FREEZER_THAWED;
}

int manager_freeze(struct manager *manager, bool frozen, const struct wait_limit *limit, struct error *error) {
        return manager->ops->freeze(manager, frozen, limit, error);
}

int manager_update(struct manager *manager, struct plan *plan, struct journal *journal, struct error *error) {
        return manager->ops->update(manager, plan, journal, error);
}

int manager_check_usage(struct manager *manager, const struct plan *plan, struct error *error) {
        return cgroup_check_usage(manager->cgroup, plan, error);
}

/* How long the thaw may take that comes before a group is taken down. Below a frozen group it never ends. */
#define THAW_TIMEOUT_MS 2000

static void thaw_before_end(struct manager *manager, int64_t deadline) {
        int64_t own = monotonic_ms() + THAW_TIMEOUT_MS;
        const struct wait_limit limit = {.deadline = deadline < own ? deadline : own};

        (void)manager->ops->freeze(manager, false, &limit, NULL);
}

int manager_destroy(struct manager *manager, const struct manager_destroy *how, struct error *error) {
        /* The stop of a unit has to end the runtime processes, and systemd 257 does not stop a unit that it takes for frozen. On v1
         * SIGKILL reaches a frozen task only after it is thawed. */
        if (!manager_is_thawed(manager))
                thaw_before_end(manager, how->deadline);
        /* Also the groups below. v2 kills frozen tasks; thawing makes their exit visible at once. */
        if (how->kill || !manager_is_thawed(manager))
                freezer_thaw_all(manager->cgroup);
        return manager->ops->destroy(manager, how, error);
}

/* Reads facts that only some documents need, if this one does. */
static int read_rare_facts(struct manager_context *context, const struct oci_resources *resources,
                           struct plan_facts *facts, struct error *error) {
        if (resources->hugepages.count > 0 && !context->hugepage_sizes) {
                context->hugepage_sizes = facts_hugepage_sizes();
                if (!context->hugepage_sizes)
                        return error_oom(error);
        }
        facts->hugepage_sizes = context->hugepage_sizes;
        if (facts->systemd &&
            (resources->block_io.weight.given || resources->block_io.weight_devices.count > 0))
                facts->bfq = facts_bfq();
        return 0;
}

int manager_systemd_version(struct manager_context *context, unsigned *out, struct error *error) {
        struct systemd_bus *bus;
        int r = 0;

        if (context->systemd_version == 0) {
                r = manager_bus(context, &bus, error);
                if (r == 0)
                        r = systemd_bus_version(bus, &context->systemd_version, error);
        }
        if (r == 0)
                *out = context->systemd_version;
        return r;
}

static int read_systemd_facts(struct manager_context *context, struct plan_facts *facts, struct error *error) {
        facts->systemd = true;
        return manager_systemd_version(context, &facts->systemd_version, error);
}

/* The facts about the host that a plan for these resources and this manager needs. */
static int read_facts(struct manager *manager, const struct oci_resources *resources, struct plan_facts *out,
                      struct error *error) {
        const struct host *host = manager->context->host;
        struct plan_facts facts = {
                .version = host->version,
                .has_unified = host->unified,
                .vcpu_subtree = manager->vcpu_subtree,
                .threads_only = manager->threads_only && manager_can_place_threads(manager),
        };
        int r;

        for (int c = 0; c < CONTROLLER_COUNT; c++)
                facts.controllers[c] = host_controller_version(host, (enum controller)c);
        r = manager->ops->is_systemd ? read_systemd_facts(manager->context, &facts, error) : 0;
        if (r == 0)
                r = read_rare_facts(manager->context, resources, &facts, error);
        if (r < 0)
                return r;
        *out = facts;
        return 0;
}

int manager_plan(struct manager *manager, const struct oci_resources *resources,
                 const struct oci_resources *before, struct plan **out, struct error *error) {
        struct plan_facts facts;
        int r = read_facts(manager, resources, &facts, error);

        return r < 0 ? r : plan_new(resources, before, &facts, out, error);
}

static const char *effective_cpus_file(const struct manager *manager, const struct hierarchy *hierarchy) {
        if (manager->vcpu_subtree)
                return PLAN_VCPU_SUBTREE "/cpuset.cpus.effective";
        return hierarchy->version == CGROUP_V1 ? "cpuset.effective_cpus" : "cpuset.cpus.effective";
}

int manager_effective_cpus(struct manager *manager, struct cpulist *out, struct error *error) {
        const struct hierarchy *hierarchy = manager->context->host->controllers[CONTROLLER_CPUSET];
        _cleanup_free_ char *text = NULL;
        int r;

        if (!hierarchy ||
            cgroup_read(manager->cgroup, hierarchy, effective_cpus_file(manager, hierarchy), &text) < 0)
                return MANAGER_E_NO_CPUSET;
        file_chomp(text);
        r = cpulist_parse(text, out);
        return r < 0 ? error_fail(error, -r, "the CPUs of the sandbox cannot be found out") : 0;
}
