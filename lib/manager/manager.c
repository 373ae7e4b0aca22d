/* SPDX-License-Identifier: Apache-2.0 */
#include "manager/manager.h"

#include <errno.h>
#include <stdlib.h>

#include "host/facts.h"
#include "manager/manager_drivers.h"

void task_clear(struct task *task) {
        free(task->former);
        *task = (struct task){0};
}

int task_read(pid_t pid, struct task *out) {
        struct task task = {.pid = pid};
        int r;

        r = proc_start_time(pid, &task.start_time);
        if (r == 0)
                r = proc_read_cgroup(pid, &task.former);
        if (r < 0)
                return r;
        *out = task;
        return 0;
}

struct manager *manager_free(struct manager *manager) {
        if (!manager)
                return NULL;
        cgroup_free(manager->cgroup);
        free(manager->description);
        free(manager);
        return NULL;
}

int manager_new(struct manager_context *context, const struct cgroup_path *path, const char *role,
                struct manager **out, struct error *error) {
        _cleanup_(manager_freep) struct manager *manager = NULL;
        int r;

        manager = calloc(1, sizeof(*manager));
        if (!manager)
                return error_oom(error);
        manager->context = context;
        manager->path = path;
        manager->ops = path->driver == DRIVER_SYSTEMD ? &manager_systemd_ops : &manager_cgroupfs_ops;
        manager->cgroup = cgroup_new(context->host, context->log, path->path);
        if (!manager->cgroup ||
            asprintf(&manager->description, "kata-cgroup %s of %s", role, context->owner) < 0) {
                manager->description = NULL;
                return error_oom(error);
        }
        if (path->driver == DRIVER_SYSTEMD && !context->bus) {
                r = systemd_bus_new(context->log, &context->bus, error);
                if (r < 0)
                        return r;
        }
        *out = TAKE(manager);
        return 0;
}

bool manager_needs_process(const struct manager *manager) {
        return manager->path->driver == DRIVER_SYSTEMD && !manager->path->unit_is_slice;
}

bool manager_stops_processes(const struct manager *manager) {
        return manager_needs_process(manager);
}

bool manager_kills_at_once(const struct manager *manager) {
        return manager_stops_processes(manager) && manager->context->host->version == CGROUP_V1;
}

bool manager_can_place_threads(const struct manager *manager) {
        return manager->path->driver == DRIVER_CGROUPFS && manager->context->host->version == CGROUP_V1;
}

bool manager_exists(struct manager *manager) {
        return manager->ops->exists(manager);
}

/* What only some documents need is looked up for these. */
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

int manager_facts(struct manager *manager, const struct oci_resources *resources, struct plan_facts *out,
                  struct error *error) {
        const struct host *host = manager->context->host;
        struct plan_facts facts = {
                .version = host->version,
                .has_unified = host->unified,
                .vcpu_subtree = manager->vcpu_subtree,
        };
        int r;

        for (int c = 0; c < CONTROLLER_COUNT; c++)
                if (host->controllers[c])
                        facts.controllers[c] = host->controllers[c]->version;
        if (manager->path->driver == DRIVER_SYSTEMD) {
                unsigned *version = &manager->context->systemd_version;

                r = *version == 0 ? systemd_bus_version(manager->context->bus, version, error) : 0;
                if (r < 0)
                        return r;
                facts.systemd = true;
                facts.systemd_version = *version;
        }
        r = read_rare_facts(manager->context, resources, &facts, error);
        if (r < 0)
                return r;
        *out = facts;
        return 0;
}
