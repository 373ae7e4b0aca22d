/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Watching one group
 *
 * Counters are compared with what was told of them, so it does not matter how often, or for what, somebody is woken.
 *
 * Subtle: a group may go with its last process, and its files with it (systemd's scopes do). The kernel counts a kill before
 * the process ends, and notifies then, so a reader is usually in time. Where it is not, v2's parent still has the numbers of OOM:
 * memory.events of a group counts all groups below it. What the parent has counted beyond this group is known from when both
 * were read, so the rest is this group's. v1 has no such number. A group that was empty when its own number was read has no
 * rest: what its parent counts later is others'. Its end wakes nobody, so it may be noticed long after.
 *
 * Subtle: v1's eventfd of memory.oom_control comes before the kill, and is also signalled for a group above this one and
 * when the group is removed. So after it the file is read again for a second, or until it has changed.
 */
#include "cgroup/watch.h"

#include <fcntl.h>
#include <inttypes.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/eventfd.h>

#include "cgroup/watch_source.h"
#include "plan/kernel_text.h"
#include "util/file.h"
#include "util/timestamp.h"

#define TICK_MS 1000

/* What may come many times a second is told once a second. */
#define TELL_INTERVAL_MS 1000

/* How long, and how often, oom_control is read after its eventfd. */
#define RECHECK_MS 1000
#define RECHECK_PAUSE_MIN_MS 2
#define RECHECK_PAUSE_MAX_MS 50

#define PARENT_EVENTS_FILE "memory.events"

/* All of these files but v1's tasks are shorter, and of that only the beginning counts. */
#define TEXT_SIZE 4096

struct open_source {
        struct wake wake;
        int fd; /* -1: not open. Where nothing tells of changes, of the directory: v1's tasks does not change in an open file */
        int eventfd;
        int frozen; /* as last read */
};

/* memory.events of the group above, on v2. */
struct parent {
        struct wake wake;
        int fd;
        bool waits;                          /* it is waited for */
        int64_t others[WATCH_COUNTER_COUNT]; /* what it has counted that was not in the group */
};

struct pressure {
        struct wake wake;
        const struct pressure_trigger *trigger;
        int fd;          /* the pressure file, or v1's memory.pressure_level */
        int eventfd;     /* of v1's */
        uint64_t count;  /* not told yet; v1's have no window, so it is kept here */
        int64_t told_at; /* monotonic_ms() */
};

struct group_watch {
        struct group_watch_options options;
        struct open_source sources[WATCH_SOURCE_COUNT];
        struct parent parent;
        struct pressure *pressures; /* one a trigger */
        uint64_t seen[WATCH_COUNTER_COUNT];
        uint64_t told[WATCH_COUNTER_COUNT];
        int64_t told_at[WATCH_COUNTER_COUNT];
        unsigned known;        /* of 1 << enum watch_counter */
        int frozen, populated; /* -1: not known */
        int64_t next_tick;
        int64_t recheck_until, next_recheck; /* 0: not now */
        int recheck_pause_ms;
};

struct group_watch *group_watch_new(const struct group_watch_options *options) {
        _cleanup_(group_watch_freep) struct group_watch *watch = calloc(1, sizeof(*watch));

        if (!watch)
                return NULL;
        watch->options = *options;
        watch->frozen = watch->populated = -1;
        watch->parent = (struct parent){.wake = {.owner = options->owner, .shared = true}, .fd = -1};
        for (size_t i = 0; i < WATCH_SOURCE_COUNT; i++)
                watch->sources[i] = (struct open_source){
                        .wake.owner = options->owner, .fd = -1, .eventfd = -1, .frozen = -1};
        watch->pressures = calloc(options->trigger_count + 1, sizeof(*watch->pressures));
        if (!watch->pressures)
                return NULL;
        for (size_t i = 0; i < options->trigger_count; i++)
                watch->pressures[i] = (struct pressure){.wake.owner = options->owner,
                                                        .trigger = &options->triggers[i],
                                                        .fd = -1,
                                                        .eventfd = -1};
        return TAKE(watch);
}

static void close_fd(int *fd) {
        cleanup_close(fd);
        *fd = -1;
}

static void close_source(struct open_source *source) {
        close_fd(&source->fd);
        close_fd(&source->eventfd);
        source->frozen = -1;
}

static void close_pressure(struct pressure *pressure) {
        close_fd(&pressure->fd);
        close_fd(&pressure->eventfd);
        pressure->wake.woken = false;
        pressure->count = 0;
}

static void close_parent(struct parent *parent) {
        close_fd(&parent->fd);
        parent->wake.woken = parent->waits = false;
}

struct group_watch *group_watch_free(struct group_watch *watch) {
        if (!watch)
                return NULL;
        for (size_t i = 0; i < WATCH_SOURCE_COUNT; i++)
                close_source(&watch->sources[i]);
        for (size_t i = 0; watch->pressures && i < watch->options.trigger_count; i++)
                close_pressure(&watch->pressures[i]);
        close_parent(&watch->parent);
        free(watch->pressures);
        free(watch);
        return NULL;
}

bool group_watch_is_open(const struct group_watch *watch) {
        for (size_t i = 0; i < WATCH_SOURCE_COUNT; i++)
                if (watch->sources[i].fd >= 0)
                        return true;
        return false;
}

/* ---- opening ---- */

/* Where a file is opened. */
struct place {
        struct cgroup *cgroup;
        const struct hierarchy *hierarchy;
        int directory;
};

static int fail_file(const struct place *place, const char *file, int r, struct error *error) {
        return error_fail(error, -r, "%s/%s/%s", place->hierarchy->mount_point, place->cgroup->path, file);
}

/* Finds the group's directory: 1, or 0 where the group has none in this hierarchy. */
static int find_place(struct cgroup *cgroup, const struct hierarchy *hierarchy, struct place *out,
                      struct error *error) {
        int directory = hierarchy ? cgroup_directory(cgroup, hierarchy) : -ENOENT;

        *out = (struct place){cgroup, hierarchy, directory};
        if (cgroup_is_gone(directory))
                return 0;
        return directory < 0 ? fail_file(out, "", directory, error) : 1;
}

/* Has an eventfd signalled for an open file of v1 (cgroups.rst of v1, 2.4). 0, or a negative errno without an error set. */
static int register_eventfd(const struct place *place, int fd, const char *argument, int *out) {
        _cleanup_close_ int counter = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
        char line[64];
        int r;

        if (counter < 0)
                return error_negative(-errno);
        (void)snprintf(line, sizeof(line), "%d %d%s", counter, fd, argument);
        r = file_write_at(place->directory, "cgroup.event_control", line);
        if (r == 0)
                *out = TAKE_FD(counter);
        return r;
}

static int wait_for(const struct group_watch *watch, int fd, uint32_t events, struct wake *wake) {
        return wake_add(watch->options.epoll_fd, fd, events, wake);
}

static int open_wakes(const struct group_watch *watch, const struct place *place, enum watch_waking waking,
                      struct open_source *source) {
        int r = 0;

        if (waking == WATCH_NOTIFIES)
                return wait_for(watch, source->fd, EPOLLPRI, &source->wake);
        if (waking == WATCH_EVENTFD)
                r = register_eventfd(place, source->fd, "", &source->eventfd);
        return source->eventfd >= 0 ? wait_for(watch, source->eventfd, EPOLLIN, &source->wake) : r;
}

/* 0 also where the kernel has no such file. */
static int open_source(struct group_watch *watch, const struct watch_source *type, const struct place *place,
                       struct open_source *source, struct error *error) {
        bool ticks = type->waking == WATCH_TICKS;
        int r = 0;

        if (ticks && !file_exists_at(place->directory, type->file))
                return 0;
        source->fd = ticks ? file_open_beneath(place->directory, ".", O_RDONLY | O_DIRECTORY)
                           : file_open_beneath(place->directory, type->file, O_RDONLY);
        r = source->fd < 0 ? source->fd : open_wakes(watch, place, type->waking, source);
        if (r == 0)
                return 0;
        close_source(source);
        return cgroup_is_gone(r) ? 0 : fail_file(place, type->file, r, error);
}

static int open_sources(struct group_watch *watch, struct cgroup *cgroup, struct error *error) {
        const struct host *host = cgroup->host;
        bool in_v2 = false;

        for (size_t i = 0; i < WATCH_SOURCE_COUNT; i++) {
                const struct watch_source *type = &watch_sources[i];
                const struct hierarchy *hierarchy = type->controller == CONTROLLER_COUNT
                                                            ? host->unified
                                                            : host->controllers[type->controller];
                struct open_source *source = &watch->sources[i];
                struct place place;
                int r = 0;

                if (source->fd < 0 && hierarchy && hierarchy->version == type->version &&
                    !(type->unless_v2 && in_v2))
                        r = find_place(cgroup, hierarchy, &place, error);
                if (r > 0) {
                        r = open_source(watch, type, &place, source, error);
                        for (int c = 0; c < WATCH_COUNTER_COUNT; c++)
                                if (type->counters & (1U << c))
                                        watch->seen[c] = watch->told[c] = 0;
                }
                if (r < 0)
                        return r;
                in_v2 = in_v2 || (type->controller == CONTROLLER_COUNT && source->fd >= 0);
        }
        return 0;
}

/* The root has no memory.events; nor has a parent without the controller. */
static int open_parent(struct group_watch *watch, struct cgroup *cgroup, struct error *error) {
        const struct hierarchy *memory = cgroup->host->controllers[CONTROLLER_MEMORY];
        const char *slash = strrchr(cgroup->path, '/');
        _cleanup_free_ char *path = NULL;
        int r;

        if (!memory || memory->version != CGROUP_V2 || !slash || watch->parent.fd >= 0)
                return 0;
        if (asprintf(&path, "%.*s/" PARENT_EVENTS_FILE, (int)(slash - cgroup->path), cgroup->path) < 0) {
                path = NULL;
                return error_oom(error);
        }
        r = watch->parent.fd = file_open_beneath(memory->fd, path, O_RDONLY);
        for (int c = 0; c < WATCH_COUNTER_COUNT; c++)
                watch->parent.others[c] = INT64_MIN;
        return r < 0 && !cgroup_is_gone(r) ? error_fail(error, -r, "%s/%s", memory->mount_point, path) : 0;
}

/* Waits for the parent while there are processes to be killed: all groups below it are woken by each kill. */
static void set_parent_waits(struct group_watch *watch) {
        struct parent *parent = &watch->parent;
        bool wanted = watch->populated == 1 && watch->sources[WATCH_MEMORY_EVENTS].fd >= 0;
        int r = 0;

        if (parent->fd < 0 || parent->waits == wanted)
                return;
        if (wanted)
                r = wait_for(watch, parent->fd, EPOLLPRI, &parent->wake);
        else
                (void)epoll_ctl(watch->options.epoll_fd, EPOLL_CTL_DEL, parent->fd, NULL);
        parent->waits = wanted;
        if (r < 0)
                close_parent(parent);
}

/* A trigger that holds for as long as the file is open. 0 or a negative errno. */
static int open_trigger(const struct group_watch *watch, const struct place *place, struct pressure *pressure,
                        const char *file) {
        char line[64];
        int length = snprintf(line, sizeof(line), "some %" PRIu64 " %" PRIu64, pressure->trigger->threshold_us,
                              pressure->trigger->window_us);

        pressure->fd = file_open_beneath(place->directory, file, O_RDWR | O_NONBLOCK);
        if (pressure->fd < 0)
                return pressure->fd;
        if (write(pressure->fd, line, (size_t)length) < 0)
                return error_negative(-errno);
        return wait_for(watch, pressure->fd, EPOLLPRI, &pressure->wake);
}

static int open_level(const struct group_watch *watch, const struct place *place, struct pressure *pressure,
                      const char *file) {
        int r;

        pressure->fd = file_open_beneath(place->directory, file, O_RDONLY);
        if (pressure->fd < 0)
                return pressure->fd;
        r = register_eventfd(place, pressure->fd, " medium", &pressure->eventfd);
        return r < 0 ? r : wait_for(watch, pressure->eventfd, EPOLLIN, &pressure->wake);
}

/* PSI where the group is in a v2 tree; otherwise v1's levels, of memory alone. */
static int open_pressure(struct group_watch *watch, struct cgroup *cgroup, struct pressure *pressure,
                         struct error *error) {
        const struct hierarchy *memory = cgroup->host->controllers[CONTROLLER_MEMORY];
        bool is_memory = strcmp(pressure->trigger->resource, "memory") == 0;
        char file[sizeof("memory.pressure_level")];
        struct place place;
        int r;

        (void)snprintf(file, sizeof(file), "%s.pressure", pressure->trigger->resource);
        r = find_place(cgroup, cgroup->host->unified, &place, error);
        if (r == 0 && is_memory && memory && memory->version == CGROUP_V1) {
                (void)snprintf(file, sizeof(file), "memory.pressure_level");
                r = find_place(cgroup, memory, &place, error);
        }
        if (r <= 0)
                return r;
        r = place.hierarchy->version == CGROUP_V2 ? open_trigger(watch, &place, pressure, file)
                                                  : open_level(watch, &place, pressure, file);
        if (r == 0)
                return 0;
        close_pressure(pressure);
        if (r == -EINVAL)
                return error_fail(error, EINVAL,
                                  "%s/%s/%s: without CAP_SYS_RESOURCE, a window has to be a multiple of 2 s",
                                  place.hierarchy->mount_point, cgroup->path, file);
        /* The group may just have gone; otherwise the kernel has no such file. */
        return file_exists_at(place.directory, "cgroup.procs") ? fail_file(&place, file, r, error) : 0;
}

/* ---- reading ---- */

/* The beginning of a file: 0 and the text, or a negative errno. */
static int read_text(const struct open_source *source, const struct watch_source *type,
                     char out[static TEXT_SIZE]) {
        _cleanup_close_ int opened =
                type->waking == WATCH_TICKS ? file_open_beneath(source->fd, type->file, O_RDONLY) : -1;
        ssize_t length;

        if (type->waking == WATCH_TICKS && opened < 0)
                return opened;
        length = pread(opened >= 0 ? opened : source->fd, out, TEXT_SIZE - 1, 0);
        if (length < 0)
                return error_negative(-errno);
        out[length] = '\0';
        return 0;
}

/* How often it was signalled since the last call. */
static uint64_t read_eventfd(int fd) {
        uint64_t count;

        return fd >= 0 && read(fd, &count, sizeof(count)) == (ssize_t)sizeof(count) ? count : 0;
}

static void begin_recheck(struct group_watch *watch, int64_t now) {
        watch->recheck_until = now + RECHECK_MS;
        watch->recheck_pause_ms = RECHECK_PAUSE_MIN_MS;
        watch->next_recheck = now + watch->recheck_pause_ms;
}

/* After the eventfd, until a kill was counted. */
static void go_on_rechecking(struct group_watch *watch, int64_t now) {
        if (watch->recheck_until == 0)
                return;
        if (watch->seen[WATCH_OOM_KILL] > watch->told[WATCH_OOM_KILL] || now >= watch->recheck_until) {
                watch->recheck_until = watch->next_recheck = 0;
        } else if (now >= watch->next_recheck) {
                watch->recheck_pause_ms = watch->recheck_pause_ms < RECHECK_PAUSE_MAX_MS / 2
                                                  ? 2 * watch->recheck_pause_ms
                                                  : RECHECK_PAUSE_MAX_MS;
                watch->next_recheck = now + watch->recheck_pause_ms;
        }
}

static void take_reading(struct group_watch *watch, const struct watch_reading *reading) {
        for (int c = 0; c < WATCH_COUNTER_COUNT; c++)
                if (reading->known & (1U << c))
                        watch->seen[c] = reading->counters[c];
        watch->known |= reading->known;
        if (reading->populated >= 0)
                watch->populated = reading->populated;
}

static void read_source(struct group_watch *watch, const struct watch_source *type, struct open_source *source,
                        int64_t now) {
        struct watch_reading reading = WATCH_READING_INIT;
        uint64_t signals = read_eventfd(source->eventfd);
        char text[TEXT_SIZE];

        source->wake.woken = false;
        if (read_text(source, type, text) < 0) {
                close_source(source);
                return;
        }
        type->parse(text, &reading);
        source->frozen = reading.frozen;
        take_reading(watch, &reading);
        if (signals > 0) {
                watch->seen[WATCH_OOM] += signals;
                begin_recheck(watch, now);
        }
}

/* What a parent is asked for: the rest may rise in another group at any time. */
#define PARENT_COUNTERS ((1U << WATCH_OOM) | (1U << WATCH_OOM_KILL))

static void read_parent(struct parent *parent, struct watch_reading *out) {
        const struct watch_source *type = &watch_sources[WATCH_MEMORY_EVENTS];
        const struct open_source source = {.fd = parent->fd};
        char text[TEXT_SIZE];

        parent->wake.woken = false;
        if (parent->fd < 0)
                return;
        if (read_text(&source, type, text) < 0) {
                close_parent(parent);
                return;
        }
        type->parse(text, out);
        out->known &= PARENT_COUNTERS;
}

/* `before`: what the parent had counted before the group was read. The group's own number is then at least as new, so the
 * difference is never too large; and it never falls. */
static void learn_from_parent(struct group_watch *watch, const struct watch_reading *before) {
        for (int c = 0; c < WATCH_COUNTER_COUNT; c++) {
                int64_t others = (int64_t)(before->counters[c] - watch->seen[c]);

                if ((before->known & (1U << c)) && others > watch->parent.others[c])
                        watch->parent.others[c] = others;
        }
}

/* The group has gone: what the parent has counted and nobody else had. */
static void ask_parent(struct group_watch *watch) {
        struct watch_reading now = WATCH_READING_INIT;

        read_parent(&watch->parent, &now);
        for (int c = 0; c < WATCH_COUNTER_COUNT; c++) {
                int64_t own = (int64_t)(now.counters[c] - (uint64_t)watch->parent.others[c]);

                if ((now.known & (1U << c)) && watch->parent.others[c] != INT64_MIN &&
                    own > (int64_t)watch->seen[c])
                        watch->seen[c] = (uint64_t)own;
        }
        close_parent(&watch->parent);
}

static int combine_frozen(const struct group_watch *watch) {
        int frozen = -1;

        for (size_t i = 0; i < WATCH_SOURCE_COUNT; i++)
                if (watch->sources[i].fd >= 0 && watch->sources[i].frozen > frozen)
                        frozen = watch->sources[i].frozen;
        return frozen;
}

/* Only what is empty can be removed. */
static void close_gone(struct group_watch *watch) {
        if (watch->populated == 1)
                watch->populated = 0;
        for (size_t i = 0; i < watch->options.trigger_count; i++)
                close_pressure(&watch->pressures[i]);
        close_parent(&watch->parent);
}

static void read_files(struct group_watch *watch, int64_t now) {
        watch->next_tick = now + TICK_MS;
        for (size_t i = 0; i < WATCH_SOURCE_COUNT; i++)
                if (watch->sources[i].fd >= 0)
                        read_source(watch, &watch_sources[i], &watch->sources[i], now);
}

/* `shared`: only what the parent has said is looked at, unless the group has gone. */
static void read_sources(struct group_watch *watch, bool shared) {
        struct open_source *memory = &watch->sources[WATCH_MEMORY_EVENTS];
        struct watch_reading parent = WATCH_READING_INIT;
        int64_t now = monotonic_ms();
        bool was_open = group_watch_is_open(watch), had_memory = memory->fd >= 0,
             was_empty = watch->populated == 0;

        read_parent(&watch->parent, &parent);
        if (shared && had_memory)
                read_source(watch, &watch_sources[WATCH_MEMORY_EVENTS], memory, now);
        if (!shared || memory->fd < 0)
                read_files(watch, now);
        if (memory->fd >= 0)
                learn_from_parent(watch, &parent);
        else if (had_memory && !was_empty)
                ask_parent(watch);
        go_on_rechecking(watch, now);
        watch->frozen = combine_frozen(watch);
        if (was_open && !group_watch_is_open(watch))
                close_gone(watch);
        set_parent_waits(watch);
}

int group_watch_open(struct group_watch *watch, struct cgroup *cgroup, bool fresh, struct error *error) {
        int r;

        r = open_sources(watch, cgroup, error);
        if (r == 0 && group_watch_is_open(watch))
                r = open_parent(watch, cgroup, error);
        for (size_t i = 0; r == 0 && i < watch->options.trigger_count; i++)
                if (watch->pressures[i].fd < 0)
                        r = open_pressure(watch, cgroup, &watch->pressures[i], error);
        if (!fresh) {
                read_sources(watch, false);
                memcpy(watch->told, watch->seen, sizeof(watch->told));
        }
        return r;
}

/* ---- telling ---- */

static json_t *number(uint64_t value) {
        return json_integer(value < INT64_MAX ? (json_int_t)value : INT64_MAX);
}

json_t *group_watch_counters(const struct group_watch *watch) {
        json_t *counters = json_object();

        for (int c = 0; counters && c < WATCH_COUNTER_COUNT; c++)
                (void)json_object_set_new(counters, watch_counter_name((enum watch_counter)c),
                                          (watch->known & (1U << c)) != 0 ? number(watch->seen[c])
                                                                          : json_null());
        return counters;
}

/* Appends an event with its own members (taken over). */
static int tell(const struct group_watch *watch, json_t *events, const char *name, json_t *members) {
        _cleanup_json_ json_t *own = members;
        json_t *event = own ? json_pack("{s:s}", "event", name) : NULL;

        if (!event || json_object_update(event, own) < 0 ||
            json_object_set_new(event, "counters", group_watch_counters(watch)) < 0) {
                json_decref(event);
                return -ENOMEM;
        }
        return json_array_append_new(events, event) < 0 ? -ENOMEM : 0;
}

/* A kill is told at once, and so is what is the first for a while. */
static bool is_due(const struct group_watch *watch, int counter, int64_t now) {
        return counter == WATCH_OOM_KILL || !group_watch_is_open(watch) ||
               now - watch->told_at[counter] >= TELL_INTERVAL_MS;
}

static int tell_counters(struct group_watch *watch, json_t *events, int64_t now) {
        int r = 0;

        for (int c = 0; r == 0 && c < WATCH_COUNTER_COUNT; c++) {
                if (watch->seen[c] <= watch->told[c] || !is_due(watch, c, now))
                        continue;
                r = tell(watch, events, watch_counter_name((enum watch_counter)c),
                         json_pack("{s:o}", "count", number(watch->seen[c] - watch->told[c])));
                watch->told[c] = watch->seen[c];
                watch->told_at[c] = now;
        }
        return r;
}

/* "some ... total=123": microseconds, or null. */
static json_t *pressure_total(const struct pressure *pressure, const char *text) {
        const char *total = pressure->eventfd < 0 ? strstr(text, "total=") : NULL;

        return total ? number(strtoull(total + strlen("total="), NULL, 10)) : json_null();
}

static json_t *pressure_members(const struct pressure *pressure, const char *text) {
        const struct pressure_trigger *trigger = pressure->trigger;
        bool level = pressure->eventfd >= 0;

        return json_pack("{s:s, s:I, s:s?, s:o, s:o, s:o}", "resource", trigger->resource, "count",
                         (json_int_t)pressure->count, "level", level ? "medium" : NULL, "thresholdUsec",
                         level ? json_null() : number(trigger->threshold_us), "windowUsec",
                         number(trigger->window_us), "totalUsec", pressure_total(pressure, text));
}

/* The kernel has at most one event a window; with v1's levels that is seen to here. */
static int tell_pressure(struct group_watch *watch, struct pressure *pressure, json_t *events, int64_t now) {
        static const struct watch_source file = {.waking = WATCH_NOTIFIES};
        const struct open_source source = {.fd = pressure->fd};
        char text[TEXT_SIZE] = "";
        int r;

        if (pressure->fd < 0 || (!pressure->wake.woken && pressure->count == 0))
                return 0;
        if (pressure->eventfd < 0 && read_text(&source, &file, text) < 0) {
                close_pressure(pressure);
                return 0;
        }
        pressure->count += pressure->eventfd >= 0 ? read_eventfd(pressure->eventfd) : pressure->wake.woken;
        pressure->wake.woken = false;
        if (pressure->count == 0 || (pressure->eventfd >= 0 &&
                                     now < pressure->told_at + (int64_t)(pressure->trigger->window_us / 1000)))
                return 0;
        r = tell(watch, events, "pressure", pressure_members(pressure, text));
        pressure->count = 0;
        pressure->told_at = now;
        return r;
}

int group_watch_read(struct group_watch *watch, bool shared, json_t *events) {
        int was_frozen = watch->frozen, was_populated = watch->populated, r = 0;
        int64_t now = monotonic_ms();

        if (shared && !watch->parent.wake.woken)
                return 0;
        read_sources(watch, shared);
        r = tell_counters(watch, events, now);
        for (size_t i = 0; r == 0 && i < watch->options.trigger_count; i++)
                r = tell_pressure(watch, &watch->pressures[i], events, now);
        if (r == 0 && watch->frozen != was_frozen &&
            (watch->frozen == 1 || (was_frozen == 1 && watch->frozen == 0)))
                r = tell(watch, events, watch->frozen == 1 ? "frozen" : "thawed", json_object());
        if (r == 0 && was_populated == 1 && watch->populated == 0)
                r = tell(watch, events, "empty", json_object());
        return r;
}

/* ---- time ---- */

static int64_t earlier(int64_t a, int64_t b) {
        return a < b ? a : b;
}

/* On v1 what has events is read once a second, too: a kill for a lack of memory on the whole host has none, and since Linux
 * 6.9 pids.events has none either. */
static bool has_ticks(const struct group_watch *watch) {
        for (size_t i = 0; i < WATCH_SOURCE_COUNT; i++)
                if (watch->sources[i].fd >= 0 && watch_sources[i].version == CGROUP_V1)
                        return true;
        return false;
}

int group_watch_timeout_ms(const struct group_watch *watch) {
        int64_t next = INT64_MAX;

        if (!group_watch_is_open(watch))
                return -1;
        if (has_ticks(watch))
                next = watch->next_tick;
        if (watch->next_recheck > 0)
                next = earlier(next, watch->next_recheck);
        for (int c = 0; c < WATCH_COUNTER_COUNT; c++)
                if (watch->seen[c] > watch->told[c])
                        next = earlier(next, watch->told_at[c] + TELL_INTERVAL_MS);
        for (size_t i = 0; i < watch->options.trigger_count; i++)
                if (watch->pressures[i].count > 0)
                        next = earlier(next, watch->pressures[i].told_at +
                                                     (int64_t)(watch->pressures[i].trigger->window_us / 1000));
        return next == INT64_MAX ? -1 : deadline_left_ms(next);
}
