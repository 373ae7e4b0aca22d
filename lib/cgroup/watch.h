/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * Watching one group: what happens in it, as JSON objects
 *
 * A watch has the group's files open and adds them to an epoll instance; whoever waits there calls group_watch_read() when
 * one of them is reported, or when group_watch_timeout_ms() is over. It never writes to the group, but for registering with
 * cgroup.event_control (v1) and for the pressure triggers, both of which end with their descriptors.
 *
 * An event is {"event": NAME, ..., "counters": {...}}. `counters` has all counters of the group (enum watch_counter) as they
 * are then, null where the kernel does not count that.
 */

#include <jansson.h>

#include "cgroup/cgroup.h"
#include "host/pressure.h"
#include "util/wake.h"

struct group_watch_options {
        int epoll_fd;
        void *owner; /* of the wakes of its descriptors */
        const struct pressure_trigger *triggers;
        size_t trigger_count;
};

struct group_watch;

/* It has nothing open yet. The options are copied, the triggers outlive it. NULL without memory. */
struct group_watch *group_watch_new(const struct group_watch_options *options);
struct group_watch *group_watch_free(struct group_watch *watch);
DEFINE_CLEANUP(struct group_watch *, group_watch_free)

/*
 * Opens those files of the group that are there and not open yet: all of them, unless the watch has seen the group before.
 * `fresh`: the group was made while somebody watches, so that all that it has counted is an event; otherwise only what
 * happens from now on is one. A group that is not there is no error. Errors: status 1.
 */
int group_watch_open(struct group_watch *watch, struct cgroup *cgroup, bool fresh, struct error *error);

/* Whether the group is there, as far as its files have said. */
bool group_watch_is_open(const struct group_watch *watch);

/* Appends what has happened since the last call, in order. The files of a group that has gone are closed. `shared`: only what a
 * shared wake is about is read. 0 or -ENOMEM. */
int group_watch_read(struct group_watch *watch, bool shared, json_t *events);

/* When it is to be read without being woken: in so many milliseconds, or never (-1). */
int group_watch_timeout_ms(const struct group_watch *watch);

/* A new reference, or NULL without memory. */
json_t *group_watch_counters(const struct group_watch *watch);
