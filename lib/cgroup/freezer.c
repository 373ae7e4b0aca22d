/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The freezer
 *
 * Subtle, twice:
 *
 * On v2 cgroup.events says that all processes have stopped, and poll(2) reports a change of that file (POLLPRI). The wait must
 * read the file through the descriptor that it polls, because the kernel records per open file what was read last. v1 has no
 * event, so the state is read with pauses. FROZEN is written each time: a process that was forked meanwhile can keep a v1
 * group FREEZING.
 *
 * On v1, SIGKILL does not act on a frozen process, and the group stays frozen if the command that froze it is killed. So the
 * command forks a guard before it freezes. The guard waits for the end of a pipe, which means that its parent has ended, and then
 * thaws the group. It has its own session, so that killing the parent's process group spares it. The parent kills it after thawing.
 * If both are killed, the directory has a mark, unless the kernel cannot store one, by which the next command recognises the
 * freezing as ours.
 */
#include "cgroup/freezer.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/wait.h>
#include <sys/xattr.h>
#include <time.h>
#include <unistd.h>

#include "util/file.h"
#include "util/signals.h"
#include "util/timestamp.h"

#define STATE_FILE "freezer.state"
#define EVENTS_FILE "cgroup.events"
#define EVENT_FROZEN "frozen 1"
#define EVENT_THAWED "frozen 0"
#define FROZEN_ATTRIBUTE "trusted.kata_cgroup_frozen"

/* How often, and at which intervals, a command reads whether all processes have stopped. */
#define FREEZE_TRIES 100
#define FREEZE_PAUSE_MS 5
#define FREEZE_PAUSE_MAX_MS 40

/* How often a wait looks for a signal. The signals are blocked, so none interrupts poll(2). */
#define SIGNAL_PAUSE_MS 200

/* How a group is frozen and thawed. */
struct freezer {
        const char *file, *freeze, *thaw;
};

static const struct freezer freezer_v1 = {STATE_FILE, "FROZEN", "THAWED"},
                            freezer_v2 = {"cgroup.freeze", "1", "0"};

static const struct hierarchy *v1_freezer_of(const struct host *host) {
        const struct hierarchy *freezer = host->controllers[CONTROLLER_FREEZER];

        return freezer && freezer->version == CGROUP_V1 ? freezer : NULL;
}

static const struct hierarchy *v1_freezer(const struct cgroup *cgroup) {
        return v1_freezer_of(cgroup->host);
}

static int fail_state(const struct cgroup *cgroup, const struct hierarchy *freezer, int r,
                      struct error *error) {
        return error_fail(error, -r, "%s/%s/" STATE_FILE, freezer->mount_point, cgroup->path);
}

/* Whether the file has this text; false if it cannot be read. */
static bool says(struct cgroup *cgroup, const struct hierarchy *hierarchy, const char *file,
                 const char *wanted) {
        _cleanup_free_ char *text = NULL;

        return cgroup_read(cgroup, hierarchy, file, &text) == 0 && strcmp(text, wanted) == 0;
}

static bool is_in_state(struct cgroup *cgroup, const struct hierarchy *freezer, const char *wanted) {
        return says(cgroup, freezer, STATE_FILE, wanted);
}

/* The mark is removed last: until then the next command would thaw again. */
static int thaw_group(struct cgroup *cgroup, const struct hierarchy *freezer, struct error *error) {
        int r = cgroup_write(cgroup, freezer, STATE_FILE, "THAWED");

        if (r == 0)
                (void)fremovexattr(cgroup_directory(cgroup, freezer), FROZEN_ATTRIBUTE);
        return r < 0 && !cgroup_is_gone(r) ? fail_state(cgroup, freezer, r, error) : 0;
}

/* In the guard. */
_Noreturn static void guard(int end_of_parent, struct cgroup *cgroup, const struct hierarchy *freezer) {
        char byte;

        (void)setsid();
        while (read(end_of_parent, &byte, 1) < 0 && errno == EINTR)
                ;
        _exit(thaw_group(cgroup, freezer, NULL) == 0 ? 0 : 1);
}

static int start_guard(struct cgroup *cgroup, const struct hierarchy *freezer, struct freezing *out,
                       struct error *error) {
        _cleanup_close_ int read_end = -1, write_end = -1;
        int ends[2];
        pid_t pid;

        if (pipe2(ends, O_CLOEXEC) < 0)
                return error_fail(error, errno, "cannot make a pipe");
        read_end = ends[0];
        write_end = ends[1];
        pid = fork();
        if (pid < 0)
                return error_fail(error, errno, "cannot start a process that guards the freezer");
        if (pid == 0) {
                (void)close(write_end);
                guard(read_end, cgroup, freezer);
        }
        *out = (struct freezing){pid, TAKE_FD(write_end)};
        return 0;
}

/* `thawed`: the guard is not needed any more and is killed. Otherwise it tries to thaw once more. */
static void end_guard(struct freezing *freezing, bool thawed) {
        if (thawed)
                (void)kill(freezing->guard, SIGKILL);
        (void)close(freezing->release);
        while (thawed && waitpid(freezing->guard, NULL, 0) < 0 && errno == EINTR)
                ;
        *freezing = (struct freezing){0};
}

static void wait_until_frozen(struct cgroup *cgroup, const struct hierarchy *freezer) {
        const struct timespec pause = {.tv_nsec = FREEZE_PAUSE_MS * 1000000L};

        for (int i = 0; i < FREEZE_TRIES && !is_in_state(cgroup, freezer, "FROZEN\n"); i++)
                (void)nanosleep(&pause, NULL);
}

/* Whether the group has processes that may be frozen: 1 or 0, or an error. */
static int may_freeze(struct cgroup *cgroup, const struct hierarchy *freezer, struct error *error) {
        _cleanup_pid_set_ struct pid_set members = {0};
        int r = cgroup_own_processes_in(cgroup, freezer, &members, error);

        if (r < 0)
                return r;
        return members.count > 0 && !pid_set_contains(&members, getpid()) &&
               is_in_state(cgroup, freezer, "THAWED\n");
}

int freezer_freeze(struct cgroup *cgroup, struct freezing *out, struct error *error) {
        const struct hierarchy *freezer = v1_freezer(cgroup);
        int r, directory;

        *out = (struct freezing){0};
        r = freezer ? may_freeze(cgroup, freezer, error) : 0;
        if (r <= 0)
                return r;
        directory = cgroup_directory(cgroup, freezer);
        r = start_guard(cgroup, freezer, out, error);
        if (r < 0)
                return r;
        (void)fsetxattr(directory, FROZEN_ATTRIBUTE, "1", 1, 0);
        r = cgroup_write(cgroup, freezer, STATE_FILE, "FROZEN");
        if (r < 0) {
                (void)fremovexattr(directory, FROZEN_ATTRIBUTE);
                end_guard(out, true);
                return fail_state(cgroup, freezer, r, error);
        }
        wait_until_frozen(cgroup, freezer);
        return 0;
}

int freezer_thaw(struct cgroup *cgroup, struct freezing *freezing, struct error *error) {
        const struct hierarchy *freezer = v1_freezer(cgroup);
        int r;

        if (freezing->guard == 0 || !freezer)
                return 0;
        r = thaw_group(cgroup, freezer, error);
        end_guard(freezing, r == 0);
        return r;
}

int freezer_mend(struct cgroup *cgroup, struct error *error) {
        const struct hierarchy *freezer = v1_freezer(cgroup);

        if (!freezer || cgroup_claim(cgroup, freezer, NULL) != 0 ||
            fgetxattr(cgroup_directory(cgroup, freezer), FROZEN_ATTRIBUTE, NULL, 0) < 0)
                return 0;
        return thaw_group(cgroup, freezer, error);
}

/* Children first: thawing a parent does not thaw a child that was frozen itself. */
static void thaw_tree(int directory, const struct freezer *how) {
        DIR *stream = file_open_stream(directory, ".");
        struct dirent *entry;

        while (stream && (entry = readdir(stream))) {
                _cleanup_close_ int child = -1;

                if (!file_is_child_directory(entry))
                        continue;
                child = file_open_beneath(directory, entry->d_name, O_RDONLY | O_DIRECTORY);
                if (child >= 0)
                        thaw_tree(child, how);
        }
        if (stream)
                (void)closedir(stream);
        (void)file_write_at(directory, how->file, how->thaw);
}

static void thaw_in(struct cgroup *cgroup, const struct hierarchy *hierarchy, const struct freezer *how) {
        if (!hierarchy || cgroup_claim(cgroup, hierarchy, NULL) != 0)
                return;
        log_debug(cgroup->log, "thaw %s/%s", hierarchy->mount_point, cgroup->path);
        thaw_tree(cgroup_directory(cgroup, hierarchy), how);
}

/* Thaws in both freezers, since each of them alone freezes a process. */
void freezer_thaw_all(struct cgroup *cgroup) {
        thaw_in(cgroup, v1_freezer(cgroup), &freezer_v1);
        thaw_in(cgroup, cgroup->host->unified, &freezer_v2);
}

/* ---- freeze and thaw by a user ---- */

/* On a v2 host the v2 tree is used even if v1's freezer is mounted: systemd uses it, too. */
const struct hierarchy *freezer_hierarchy(const struct host *host) {
        const struct hierarchy *v1 = v1_freezer_of(host);

        return v1 && (host->version == CGROUP_V1 || !host->unified) ? v1 : host->unified;
}

static const struct freezer *freezer_in(const struct hierarchy *hierarchy) {
        return hierarchy->version == CGROUP_V1 ? &freezer_v1 : &freezer_v2;
}

enum freezer_state freezer_state(struct cgroup *cgroup) {
        const struct hierarchy *hierarchy = freezer_hierarchy(cgroup->host);
        _cleanup_free_ char *events = NULL;

        if (!hierarchy)
                return FREEZER_THAWED;
        if (hierarchy->version == CGROUP_V1) {
                if (is_in_state(cgroup, hierarchy, "FROZEN\n"))
                        return FREEZER_FROZEN;
                return is_in_state(cgroup, hierarchy, "FREEZING\n") ? FREEZER_FREEZING : FREEZER_THAWED;
        }
        if (cgroup_read(cgroup, hierarchy, EVENTS_FILE, &events) == 0 && strstr(events, EVENT_FROZEN))
                return FREEZER_FROZEN;
        return says(cgroup, hierarchy, freezer_v2.file, "1\n") ? FREEZER_FREEZING : FREEZER_THAWED;
}

/* Reads a file again from its start. */
static int read_again(int fd, char *out, size_t size) {
        ssize_t length = pread(fd, out, size - 1, 0);

        if (length < 0)
                return -errno;
        out[length] = '\0';
        return 0;
}

static void say_waiting(const struct cgroup *cgroup, struct waiting *waiting) {
        if (waiting_is_due(waiting))
                waiting_say(waiting, "the processes of cgroup %s to be frozen or thawed", cgroup->path);
}

/* 0, or the reason to give up. */
static int check_limit(const struct wait_limit *limit) {
        if (limit->until_signal && signals_are_pending())
                return -EINTR;
        return deadline_left_ms(limit->deadline) == 0 ? -ETIMEDOUT : 0;
}

static int await_event(struct cgroup *cgroup, const struct hierarchy *hierarchy, const char *wanted,
                       const struct wait_limit *limit) {
        struct waiting waiting = waiting_begin(cgroup->log);
        int directory = cgroup_directory(cgroup, hierarchy);
        _cleanup_close_ int fd =
                directory < 0 ? directory : file_open_beneath(directory, EVENTS_FILE, O_RDONLY);

        if (fd < 0)
                return fd;
        for (;;) {
                struct pollfd changed = {.fd = fd, .events = POLLPRI};
                char events[128];
                int r = read_again(fd, events, sizeof(events));
                int64_t turn = monotonic_ms() + SIGNAL_PAUSE_MS;

                if (r < 0 || strstr(events, wanted))
                        return r;
                r = check_limit(limit);
                if (r < 0)
                        return r;
                turn = turn < limit->deadline ? turn : limit->deadline;
                r = poll(&changed, 1, deadline_left_ms(waiting_until(&waiting, turn)));
                if (r < 0 && errno != EINTR)
                        return -errno;
                say_waiting(cgroup, &waiting);
        }
}

/* Repeats the write until the kernel confirms it. */
static int await_state(struct cgroup *cgroup, const struct hierarchy *hierarchy, const char *word,
                       const struct wait_limit *limit) {
        const char *wanted = strcmp(word, freezer_v1.freeze) == 0 ? "FROZEN\n" : "THAWED\n";
        struct waiting waiting = waiting_begin(cgroup->log);
        int pause_ms = FREEZE_PAUSE_MS, r;

        while (!is_in_state(cgroup, hierarchy, wanted)) {
                r = check_limit(limit);
                if (r < 0)
                        return r;
                (void)deadline_pause(limit->deadline, &pause_ms, FREEZE_PAUSE_MAX_MS);
                say_waiting(cgroup, &waiting);
                r = cgroup_write(cgroup, hierarchy, STATE_FILE, word);
                if (r < 0)
                        return r;
        }
        return 0;
}

static int fail_set(struct cgroup *cgroup, const struct hierarchy *hierarchy, bool frozen, int r,
                    struct error *error) {
        _cleanup_pid_set_ struct pid_set members = {0};
        _cleanup_free_ char *who = NULL;

        if (r == -EINTR)
                return error_fail(error, EINTR, "a signal has ended the wait for %s/%s to be %s",
                                  hierarchy->mount_point, cgroup->path, frozen ? "frozen" : "thawed");
        if (r != -ETIMEDOUT)
                return error_fail(error, -r, "cannot %s %s/%s by %s", frozen ? "freeze" : "thaw",
                                  hierarchy->mount_point, cgroup->path, freezer_in(hierarchy)->file);
        if (!frozen)
                return error_fail(error, ETIMEDOUT, "%s/%s stays frozen: a cgroup above it is frozen",
                                  hierarchy->mount_point, cgroup->path);
        if (cgroup_own_processes_in(cgroup, hierarchy, &members, NULL) == 0)
                who = pid_set_describe(&members);
        return error_fail(error, ETIMEDOUT, "%s/%s cannot be frozen, with %s in it", hierarchy->mount_point,
                          cgroup->path, who ? who : "?");
}

int freezer_set(struct cgroup *cgroup, bool frozen, const struct wait_limit *limit, struct error *error) {
        const struct hierarchy *hierarchy = freezer_hierarchy(cgroup->host);
        const struct freezer *freezer = hierarchy ? freezer_in(hierarchy) : NULL;
        const char *word;
        int r;

        if (!hierarchy)
                return error_fail(error, 0, "this host has no freezer: v1's is not mounted, nor is a v2 tree");
        word = frozen ? freezer->freeze : freezer->thaw;
        r = cgroup_write(cgroup, hierarchy, freezer->file, word);
        /* A mark is from a command that was killed. From now on the freeze is the user's, and freezer_mend() must leave it alone. */
        if (r == 0 && hierarchy->version == CGROUP_V1)
                (void)fremovexattr(cgroup_directory(cgroup, hierarchy), FROZEN_ATTRIBUTE);
        if (r == 0)
                r = hierarchy->version == CGROUP_V1
                            ? await_state(cgroup, hierarchy, word, limit)
                            : await_event(cgroup, hierarchy, frozen ? EVENT_FROZEN : EVENT_THAWED, limit);
        if (r == 0 || (!frozen && cgroup_is_gone(r)))
                return 0;
        return fail_set(cgroup, hierarchy, frozen, r, error);
}
