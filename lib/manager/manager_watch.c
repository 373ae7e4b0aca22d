/* SPDX-License-Identifier: Apache-2.0 */
/* Watching a group (cgroup/watch.h), for rooms that know managers only. */
#include <string.h>

#include "cgroup/watch.h"
#include "manager/manager_internal.h"

/* PSI is the v2 tree's; v1 has levels of memory alone. */
int manager_context_check_pressure(const struct manager_context *context,
                                   const struct pressure_trigger *trigger, struct error *error) {
        const struct host *host = context->host;

        if (host->unified || (strcmp(trigger->resource, "memory") == 0 &&
                              host_controller_version(host, CONTROLLER_MEMORY) == CGROUP_V1))
                return 0;
        return error_fail(error, 0, "this host has no cgroup v2 tree, so nothing tells of pressure on %s",
                          trigger->resource);
}

int manager_watch_new(int epoll_fd, void *owner, const struct pressure_trigger *triggers, size_t trigger_count,
                      struct group_watch **out, struct error *error) {
        const struct group_watch_options options = {epoll_fd, owner, triggers, trigger_count};
        struct group_watch *watch = group_watch_new(&options);

        if (!watch)
                return error_oom(error);
        *out = watch;
        return 0;
}

struct group_watch *manager_watch_free(struct group_watch *watch) {
        return group_watch_free(watch);
}

int manager_watch_open(struct manager *manager, struct group_watch *watch, bool fresh, struct error *error) {
        return manager_is_shown(manager) ? group_watch_open(watch, manager->cgroup, fresh, error) : 0;
}

bool manager_watch_is_open(const struct group_watch *watch) {
        return group_watch_is_open(watch);
}

int manager_watch_read(struct group_watch *watch, bool shared, json_t *events) {
        return group_watch_read(watch, shared, events);
}

int manager_watch_timeout_ms(const struct group_watch *watch) {
        return group_watch_timeout_ms(watch);
}

json_t *manager_watch_counters(const struct group_watch *watch) {
        return group_watch_counters(watch);
}
