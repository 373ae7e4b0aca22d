/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Ending the processes of a control group
 *
 * Subtle: cgroup.procs is a list of numbers that may be out of date once it was read. So the processes are opened first, and
 * the list is read again: a held process that is alive and listed is a member. (Its own /proc/PID/cgroup is not enough: on v1
 * a single thread of it may be in the group.) If the kernel has cgroup.kill (v2, Linux 5.14) and no process is to be spared,
 * that file kills all at once, also processes that are being forked.
 */
#include <errno.h>
#include <string.h>

#include "cgroup/cgroup.h"
#include "util/timestamp.h"
#include "util/waiting.h"

/* How many processes are held at a time: well below the limit of open descriptors. */
#define BATCH 64

/* The pause for members that have ended but are still listed, until the kernel has released them. */
#define PAUSE_FIRST_MS 1
#define PAUSE_MAX_MS 100

/* The outcome of one round. */
struct round {
        size_t members;       /* that are not spared */
        struct pid_set alive; /* wait for the end of these, including those that could not be killed */
        struct error failure; /* the first that could not be killed, and why */
};

static void round_clear(struct round *round) {
        pid_set_clear(&round->alive);
        error_clear(&round->failure);
}

static int add_alive(struct round *round, pid_t pid, struct error *error) {
        return pid_set_add(&round->alive, pid) < 0 ? error_oom(error) : 0;
}

static int kill_one(const struct process *process, struct round *round, struct error *error) {
        int r = process_kill(process);

        if (r == PROCESS_E_GONE)
                return 0;
        if (r < 0)
                (void)error_fail(&round->failure, -r, "cannot kill process %d", process->pid);
        return add_alive(round, process->pid, error);
}

/* Kills those of the held processes that are members now. */
static int kill_held(struct cgroup *cgroup, struct process *const *held, size_t count, struct round *round,
                     struct error *error) {
        _cleanup_pid_set_ struct pid_set members = {0};
        int r = cgroup_own_processes(cgroup, &members, error);

        for (size_t i = 0; r == 0 && i < count; i++)
                if (pid_set_contains(&members, held[i]->pid))
                        r = kill_one(held[i], round, error);
        return r;
}

static int kill_batch(struct cgroup *cgroup, const pid_t *pids, size_t pid_count, const struct pid_set *spare,
                      struct round *round, struct error *error) {
        struct process *held[BATCH];
        size_t count = 0;
        int r = 0;

        for (size_t i = 0; i < pid_count && i < BATCH; i++) {
                int opened;

                if (pid_set_contains(spare, pids[i]))
                        continue;
                round->members++;
                opened = process_hold(pids[i], &held[count]);
                if (opened == 0)
                        count++;
                if (opened < 0 && r == 0) {
                        (void)error_fail(&round->failure, -opened, "cannot kill process %d", pids[i]);
                        r = add_alive(round, pids[i], error);
                }
        }
        if (r == 0 && count > 0)
                r = kill_held(cgroup, held, count, round, error);
        for (size_t i = 0; i < count; i++)
                process_free(held[i]);
        return r;
}

static int kill_members(struct cgroup *cgroup, const struct pid_set *spare, struct round *round,
                        struct error *error) {
        _cleanup_pid_set_ struct pid_set members = {0};
        int r = cgroup_own_processes(cgroup, &members, error);

        for (size_t i = 0; r == 0 && i < members.count; i += BATCH)
                r = kill_batch(cgroup, &members.pids[i], members.count - i, spare, round, error);
        return r;
}

/* Errors are ignored: the rounds kill the processes that remain. */
static void kill_at_once(struct cgroup *cgroup, const struct pid_set *spare) {
        if (cgroup->host->unified && cgroup_has_any(cgroup, spare) == 0)
                (void)cgroup_write(cgroup, cgroup->host->unified, "cgroup.kill", "1");
}

static void say_alive(const struct cgroup *cgroup, const struct round *round, const struct waiting *waiting) {
        _cleanup_free_ char *who = pid_set_describe(&round->alive);

        waiting_say(waiting, "processes of cgroup %s that were killed: %s", cgroup->path, who ? who : "?");
}

static int fail_alive(const struct cgroup *cgroup, const struct round *round, struct error *error) {
        _cleanup_free_ char *who = pid_set_describe(&round->alive);

        if (round->failure.message)
                return error_fail(error, 0, "%s", round->failure.message);
        return error_fail(error, ETIMEDOUT, "processes of cgroup %s do not end: %s", cgroup->path,
                          who ? who : "?");
}

int cgroup_kill(struct cgroup *cgroup, const struct pid_set *spare, int64_t deadline, struct error *error) {
        int r = cgroup_claim_all(cgroup, true, error), pause_ms = PAUSE_FIRST_MS;
        struct waiting waiting = waiting_begin(cgroup->log);

        if (r < 0)
                return r;
        kill_at_once(cgroup, spare);
        for (;;) {
                _cleanup_(round_clear) struct round round = {0};

                r = kill_members(cgroup, spare, &round, error);
                if (r < 0 || round.members == 0)
                        return r;
                if (round.alive.count == 0) {
                        /* A process that stays listed makes rmdir fail, which reports it. */
                        if (!deadline_pause(deadline, &pause_ms, PAUSE_MAX_MS))
                                return 0;
                        continue;
                }
                if (deadline_left_ms(deadline) == 0)
                        return fail_alive(cgroup, &round, error);
                process_wait_any(&round.alive, deadline_left_ms(waiting_until(&waiting, deadline)));
                if (waiting_is_due(&waiting))
                        say_alive(cgroup, &round, &waiting);
        }
}
