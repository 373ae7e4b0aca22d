/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Real-time bandwidth of parents on v1
 *
 * A new group has none, and the shares of a group's children may not exceed its own (sched-rt-group.rst, 2.1;
 * tg_rt_schedulable() of kernel/sched/rt.c, whose arithmetic is repeated here). So parents that a kata-cgroup made get what the
 * group below them needs, from the topmost parent that has too little downwards. Foreign parents are not changed.
 */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "cgroup/level.h"
#include "util/file.h"
#include "util/number.h"
#include "util/timestamp.h"

#define PERIOD_FILE "cpu.rt_period_us"
#define RUNTIME_FILE "cpu.rt_runtime_us"

/* The whole of a CPU's time: BW_UNIT of kernel/sched/sched.h. */
#define WHOLE (UINT64_C(1) << 20)

/* The longest period that is accepted, so that nothing overflows; sched_setattr(2) has a similar limit. */
#define PERIOD_MAX (UINT64_C(1) << 40)

struct bandwidth {
        uint64_t period, runtime; /* microseconds */
};

static uint64_t share_of(const struct bandwidth *bandwidth) {
        return bandwidth->period == 0 ? 0 : bandwidth->runtime * WHOLE / bandwidth->period;
}

/* The shortest run time that has this share of the period. */
static uint64_t runtime_of(uint64_t share, uint64_t period) {
        return (share * period + WHOLE - 1) / WHOLE;
}

/* -ERANGE for no limit (-1) or a number that is too large. */
static int parse(const char *text, uint64_t *out) {
        return number_parse_u64(text, out) < 0 || *out > PERIOD_MAX ? -ERANGE : 0;
}

/* The period of a new group. */
static int new_period(const struct hierarchy *hierarchy, uint64_t *out) {
        _cleanup_free_ char *text = NULL;
        int r = file_read_at(hierarchy->fd, PERIOD_FILE, FILE_SIZE_MAX, &text, NULL);

        if (r < 0)
                return r;
        file_chomp(text);
        return parse(text, out);
}

static int read_bandwidth(const struct level *level, struct bandwidth *out) {
        _cleanup_free_ char *period = NULL, *runtime = NULL;
        int r = level_read(level, PERIOD_FILE, &period);

        if (r == 0)
                r = level_read(level, RUNTIME_FILE, &runtime);
        if (r == 0 && level->fd < 0 && runtime[0] == '\0') {
                /* It would be made. */
                out->runtime = 0;
                return new_period(level->hierarchy, &out->period);
        }
        if (r == 0)
                r = parse(period, &out->period);
        return r < 0 ? r : parse(runtime, &out->runtime);
}

struct change {
        struct cgroup *cgroup; /* outlives the journal */
        const struct hierarchy *hierarchy;
        char *path;
        struct bandwidth former;
};

static void change_free(void *data) {
        struct change *change = data;

        free(change->path);
        free(change);
}

static int write_number(const struct level *level, const char *file, uint64_t number) {
        char text[32];

        (void)snprintf(text, sizeof(text), "%" PRIu64, number);
        return level_write(level, file, text);
}

/* Repeats the write for a while: the kernel counts the bandwidth of a removed group a moment longer. */
static int write_runtime(const struct level *level, uint64_t number) {
        int64_t deadline = monotonic_ms() + SETTING_RELEASE_MS;
        int r, pause_ms = 1;

        do
                r = write_number(level, RUNTIME_FILE, number);
        while (r == -EINVAL && deadline_pause(deadline, &pause_ms, SETTING_RELEASE_PAUSE_MAX_MS));
        return r;
}

/* A parent that others use by now is not changed back; neither is one that is gone. */
static int change_undo(void *data, struct error *error) {
        const struct change *change = data;
        _cleanup_close_ int fd = file_open_beneath(change->hierarchy->fd, change->path, O_RDONLY | O_DIRECTORY);
        const struct level level = {change->cgroup, change->hierarchy, fd, change->path};
        char mark[OWNER_MARK_SIZE];

        (void)error;
        if (fd >= 0 && owner_ask(change->cgroup->owner, fd, mark) == OWNERSHIP_PARENT &&
            write_number(&level, RUNTIME_FILE, change->former.runtime) == 0)
                (void)write_number(&level, PERIOD_FILE, change->former.period);
        return 0;
}

static int record_change(const struct level *level, const struct bandwidth *former, struct journal *journal,
                         struct error *error) {
        struct change *change = calloc(1, sizeof(*change));

        if (change)
                *change = (struct change){level->cgroup, level->hierarchy, strdup(level->path), *former};
        if (!change || !change->path) {
                free(change);
                return error_oom(error);
        }
        return journal_add(journal, change_undo, change_free, change, error);
}

/* The bandwidth of all children but one. */
struct siblings {
        const char *but;
        uint64_t share;
};

static int add_sibling(const struct level *child, const char *name, void *data) {
        struct siblings *siblings = data;
        struct bandwidth bandwidth;

        if (strcmp(name, siblings->but) != 0 && read_bandwidth(child, &bandwidth) == 0)
                siblings->share += share_of(&bandwidth);
        return 0;
}

static int fail_room(const struct level *level, const struct bandwidth *own, uint64_t share,
                     struct error *error) {
        _cleanup_free_ char *file = level_file(level, RUNTIME_FILE);

        return error_fail(error, EINVAL,
                          "cpu.realtimeRuntime: what is below %s would need %" PRIu64 " of " PERIOD_FILE
                          " %" PRIu64 ", it holds %" PRIu64,
                          file ? file : RUNTIME_FILE, runtime_of(share, own->period), own->period,
                          own->runtime);
}

/* The period is written first: a group without run time may have any period. */
static int write_bandwidth(const struct level *level, const struct bandwidth *former,
                           const struct bandwidth *wanted, struct error *error) {
        const char *file = PERIOD_FILE;
        int r = wanted->period != former->period ? write_number(level, file, wanted->period) : 0;

        if (r == 0) {
                file = RUNTIME_FILE;
                r = write_runtime(level, wanted->runtime);
        }
        return r < 0 ? level_fail(level, file, r, error) : 0;
}

/* Makes room for a child with this bandwidth in the group at `path`, in those above it first. */
static int make_room(struct cgroup *cgroup, const struct hierarchy *hierarchy, const char *path,
                     const char *child, const struct bandwidth *needed, struct journal *journal,
                     struct error *error) {
        _cleanup_close_ int fd = file_open_beneath(hierarchy->fd, path, O_RDONLY | O_DIRECTORY);
        const struct level level = {cgroup, hierarchy, fd >= 0 ? fd : -1, path};
        _cleanup_free_ char *parent = strdup(path);
        struct siblings siblings = {.but = child};
        struct bandwidth own, wanted = *needed;
        char mark[OWNER_MARK_SIZE], *slash;
        uint64_t share;
        int r;

        if (!parent)
                return error_oom(error);
        /* If the kernel lacks these files or the group, the later write reports it. */
        if ((fd < 0 && !cgroup->rehearsal) || read_bandwidth(&level, &own) < 0)
                return 0;
        (void)level_for_each_child(&level, add_sibling, &siblings);
        share = siblings.share + share_of(needed);
        if (share_of(&own) >= share)
                return 0;
        if (path[0] == '\0' || (fd >= 0 && owner_ask(cgroup->owner, fd, mark) != OWNERSHIP_PARENT))
                return fail_room(&level, &own, share, error);
        if (own.runtime != 0)
                wanted = (struct bandwidth){own.period, runtime_of(share, own.period)};
        slash = strrchr(parent, '/');
        *(slash ? slash : parent) = '\0';
        r = make_room(cgroup, hierarchy, parent, slash ? slash + 1 : path, &wanted, journal, error);
        if (r == 0)
                r = write_bandwidth(&level, &own, &wanted, error);
        return r < 0 ? r : record_change(&level, &own, journal, error);
}

/* The bandwidth that the plan gives the group, unless it is nothing or out of range. Without a period in the plan it is the
 * present one, or that of a new group. */
static int needed_bandwidth(struct cgroup *cgroup, const struct hierarchy *hierarchy, const struct plan *plan,
                            struct bandwidth *out) {
        _cleanup_free_ char *present = NULL;
        const char *period = NULL, *runtime = NULL;

        for (size_t i = 0; plan && i < plan->count; i++) {
                const struct setting *setting = &plan->settings[i];

                if (setting->kind != SETTING_FILE)
                        continue;
                if (strcmp(setting->file.name, PERIOD_FILE) == 0)
                        period = setting->file.value;
                else if (strcmp(setting->file.name, RUNTIME_FILE) == 0)
                        runtime = setting->file.value;
        }
        if (!runtime || parse(runtime, &out->runtime) < 0 || out->runtime == 0)
                return -ENODATA;
        if (!period && (cgroup_read(cgroup, hierarchy, PERIOD_FILE, &present) == 0 ||
                        file_read_at(hierarchy->fd, PERIOD_FILE, FILE_SIZE_MAX, &present, NULL) == 0)) {
                file_chomp(present);
                period = present;
        }
        if (!period || parse(period, &out->period) < 0)
                return -ENODATA;
        return out->runtime <= out->period ? 0 : -ENODATA;
}

int cgroup_make_room(struct cgroup *cgroup, const struct plan *plan, struct journal *journal,
                     struct error *error) {
        const struct hierarchy *hierarchy = cgroup->host->controllers[CONTROLLER_CPU];
        _cleanup_free_ char *parent = strdup(cgroup->path);
        struct bandwidth needed;
        char *slash;

        if (!parent)
                return error_oom(error);
        if (!hierarchy || hierarchy->version != CGROUP_V1 ||
            needed_bandwidth(cgroup, hierarchy, plan, &needed) < 0)
                return 0;
        slash = strrchr(parent, '/');
        *(slash ? slash : parent) = '\0';
        return make_room(cgroup, hierarchy, parent, slash ? slash + 1 : cgroup->path, &needed, journal, error);
}
