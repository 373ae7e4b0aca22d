/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* The files of a group that tell of events: which they are in each hierarchy, how they wake a reader, and what they say. For
 * lib/cgroup only. */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "plan/controller.h"

/* What is counted. Each is an event by this name when it rises. */
enum watch_counter {
        WATCH_OOM,
        WATCH_OOM_KILL,
        WATCH_MEMORY_HIGH,
        WATCH_MEMORY_MAX,
        WATCH_PIDS_MAX,
        WATCH_COUNTER_COUNT,
};

/* "oom", "oomKill" and so on. */
const char *watch_counter_name(enum watch_counter counter);

/* What one file says. */
struct watch_reading {
        uint64_t counters[WATCH_COUNTER_COUNT];
        unsigned known; /* of 1 << enum watch_counter: those that the file has told */
        int frozen;     /* -1: the file does not tell */
        int populated;  /* likewise */
};

#define WATCH_READING_INIT ((struct watch_reading){.frozen = -1, .populated = -1})

/* How it is known that a file says something new. */
enum watch_waking {
        WATCH_NOTIFIES, /* the kernel notifies who polls the open file (EPOLLPRI) */
        WATCH_EVENTFD, /* the same by an eventfd, through v1's cgroup.event_control; it comes before the file changes */
        WATCH_TICKS, /* nothing tells: it is read once a second */
};

struct watch_source {
        enum controller controller; /* whose hierarchy; CONTROLLER_COUNT: the v2 tree */
        enum cgroup_version version;
        const char *file;
        enum watch_waking waking;
        unsigned counters; /* of 1 << enum watch_counter: those that it tells */
        bool unless_v2;    /* only where the group is not in the v2 tree, whose cgroup.events tells the same */
        void (*parse)(const char *text, struct watch_reading *out);
};

#define WATCH_SOURCE_COUNT 8
#define WATCH_MEMORY_EVENTS 1 /* the place of v2's */
/* In the order in which they are to be read. v2's cgroup.events is the first: if a group is empty, what is read then is final. */
extern const struct watch_source watch_sources[WATCH_SOURCE_COUNT];
