/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The freezer
 *
 * Subtle: on v1, SIGKILL does not act on a frozen process, and the group stays frozen when the one who froze it is killed. So
 * before something is frozen a guard is forked, which waits for the end of a pipe: then its parent is gone, and it thaws. It
 * has a session of its own, so that killing the parent's process group spares it. The parent kills it after having thawed.
 * Should both be killed, the directory has a mark, where the kernel can store one, by which the next command recognises the
 * freezing as ours.
 */
#include "cgroup/freezer.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <sys/wait.h>
#include <sys/xattr.h>
#include <time.h>
#include <unistd.h>

#include "util/file.h"

#define STATE_FILE "freezer.state"
#define FROZEN_ATTRIBUTE "trusted.kata_cgroup_frozen"

/* How often, and how far apart, the freezer is asked whether all processes have stopped. */
#define FREEZE_TRIES 100
#define FREEZE_PAUSE_MS 5

static const struct hierarchy *v1_freezer(const struct cgroup *cgroup) {
        const struct hierarchy *freezer = cgroup->host->controllers[CONTROLLER_FREEZER];

        return freezer && freezer->version == CGROUP_V1 ? freezer : NULL;
}

static int fail_state(const struct cgroup *cgroup, const struct hierarchy *freezer, int r,
                      struct error *error) {
        return error_fail(error, -r, "%s/%s/" STATE_FILE, freezer->mount_point, cgroup->path);
}

/* Whether the file says this; false where it says nothing. */
static bool is_in_state(struct cgroup *cgroup, const struct hierarchy *freezer, const char *wanted) {
        _cleanup_free_ char *state = NULL;

        return cgroup_read(cgroup, freezer, STATE_FILE, &state) == 0 && strcmp(state, wanted) == 0;
}

/* The mark goes last: until then the next command would thaw once more. */
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

/* `thawed`: it has nothing to do any more, and may be stopped. Otherwise it tries once more. */
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

/* Whether there is somebody to be stopped, who may be: 1 or 0, or an error. */
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

struct thawing {
        const char *file, *word;
};

/* Children first: a parent that is thawed lets none go that is frozen by itself. */
static void thaw_tree(int directory, const struct thawing *how) {
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
        (void)file_write_at(directory, how->file, how->word);
}

static void thaw_in(struct cgroup *cgroup, const struct hierarchy *hierarchy, const struct thawing *how) {
        if (!hierarchy || cgroup_claim(cgroup, hierarchy, NULL) != 0)
                return;
        log_debug(cgroup->log, "thaw %s/%s", hierarchy->mount_point, cgroup->path);
        thaw_tree(cgroup_directory(cgroup, hierarchy), how);
}

/* Either freezer stops a process by itself. */
void freezer_thaw_all(struct cgroup *cgroup) {
        static const struct thawing v1 = {STATE_FILE, "THAWED"}, v2 = {"cgroup.freeze", "0"};

        thaw_in(cgroup, v1_freezer(cgroup), &v1);
        thaw_in(cgroup, cgroup->host->unified, &v2);
}
