/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The files of a group that tell of events
 *
 * Subtle: v1's memory.oom_control tells how many processes were killed, and its eventfd that memory has run out, before
 * anything is killed. Nothing counts that, so WATCH_OOM is not among its counters.
 */
#include "cgroup/watch_source.h"

#include <stdlib.h>
#include <string.h>

#include "plan/kernel_text.h"

const char *watch_counter_name(enum watch_counter counter) {
        static const char *const names[WATCH_COUNTER_COUNT] = {
                [WATCH_OOM] = "oom",
                [WATCH_OOM_KILL] = "oomKill",
                [WATCH_MEMORY_HIGH] = "memoryHigh",
                [WATCH_MEMORY_MAX] = "memoryMax",
                [WATCH_PIDS_MAX] = "pidsMax",
        };

        return names[counter];
}

static void find(const char *text, const char *line, enum watch_counter counter, struct watch_reading *out) {
        if (kernel_find_value(text, line, &out->counters[counter]))
                out->known |= 1U << counter;
}

static void parse_memory_events(const char *text, struct watch_reading *out) {
        find(text, "oom", WATCH_OOM, out);
        find(text, "oom_kill", WATCH_OOM_KILL, out);
        find(text, "high", WATCH_MEMORY_HIGH, out);
        find(text, "max", WATCH_MEMORY_MAX, out);
}

static void parse_oom_control(const char *text, struct watch_reading *out) {
        find(text, "oom_kill", WATCH_OOM_KILL, out);
}

static void parse_failcnt(const char *text, struct watch_reading *out) {
        char *end;

        out->counters[WATCH_MEMORY_MAX] = strtoull(text, &end, 10);
        if (end != text)
                out->known |= 1U << WATCH_MEMORY_MAX;
}

static void parse_pids_events(const char *text, struct watch_reading *out) {
        find(text, "max", WATCH_PIDS_MAX, out);
}

static void parse_cgroup_events(const char *text, struct watch_reading *out) {
        uint64_t value;

        if (kernel_find_value(text, "populated", &value))
                out->populated = value != 0;
        if (kernel_find_value(text, "frozen", &value))
                out->frozen = value != 0;
}

/* FREEZING: not all have stopped yet. */
static void parse_freezer_state(const char *text, struct watch_reading *out) {
        out->frozen = strcmp(text, "FROZEN\n") == 0;
}

static void parse_tasks(const char *text, struct watch_reading *out) {
        out->populated = text[0] != '\0';
}

#define COUNTS(counter) (1U << (counter))

const struct watch_source watch_sources[WATCH_SOURCE_COUNT] = {
        {CONTROLLER_COUNT, CGROUP_V2, "cgroup.events", WATCH_NOTIFIES, 0, false, parse_cgroup_events},
        {CONTROLLER_MEMORY, CGROUP_V2, "memory.events", WATCH_NOTIFIES,
         COUNTS(WATCH_OOM) | COUNTS(WATCH_OOM_KILL) | COUNTS(WATCH_MEMORY_HIGH) | COUNTS(WATCH_MEMORY_MAX),
         false, parse_memory_events},
        {CONTROLLER_MEMORY, CGROUP_V1, "memory.oom_control", WATCH_EVENTFD, COUNTS(WATCH_OOM_KILL), false,
         parse_oom_control},
        {CONTROLLER_MEMORY, CGROUP_V1, "memory.failcnt", WATCH_TICKS, COUNTS(WATCH_MEMORY_MAX), false,
         parse_failcnt},
        {CONTROLLER_PIDS, CGROUP_V2, "pids.events", WATCH_NOTIFIES, COUNTS(WATCH_PIDS_MAX), false,
         parse_pids_events},
        {CONTROLLER_PIDS, CGROUP_V1, "pids.events", WATCH_NOTIFIES, COUNTS(WATCH_PIDS_MAX), false,
         parse_pids_events},
        {CONTROLLER_FREEZER, CGROUP_V1, "freezer.state", WATCH_TICKS, 0, false, parse_freezer_state},
        {CONTROLLER_CPU, CGROUP_V1, "tasks", WATCH_TICKS, 0, true, parse_tasks},
};
