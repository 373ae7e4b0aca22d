/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The lock of a sandbox
 *
 * Subtle: flock(2) has no deadline, so a timer interrupts it: at the deadline, and repeatedly after that, in case the first
 * signal arrived just before flock(2) began to wait. Polling with LOCK_NB instead would let later callers overtake.
 */
#include "sandbox/lock.h"

#include <errno.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <time.h>

#include "host/process.h"
#include "util/timestamp.h"
#include "util/waiting.h"

#define ALARM_AGAIN_MS 10

/* How long the kernel may take to end a process that was sent SIGKILL. */
#define END_TIMEOUT_MS 10000

/* Does nothing but interrupt flock(2). */
static void on_alarm(int signal) {
        (void)signal;
}

/* The holder of the lock, from /proc/locks (proc_locks(5)): "1: FLOCK  ADVISORY  WRITE 708 08:01:13548 0 EOF". Some file
 * systems (btrfs, overlayfs) show another device there than stat(2); then a match of the inode is enough, unless `exact`. 0:
 * nobody, or a process in another pid namespace. */
static pid_t find_holder(int directory, bool exactly) {
        _cleanup_file_ FILE *stream = fopen("/proc/locks", "re");
        _cleanup_free_ char *line = NULL;
        pid_t by_inode = 0;
        struct stat status;
        size_t size = 0;

        if (!stream || fstat(directory, &status) < 0)
                return 0;
        while (getline(&line, &size, stream) > 0) {
                unsigned major_number, minor_number;
                unsigned long inode;
                int pid;

                if (sscanf(line, "%*d: FLOCK %*s %*s %d %x:%x:%lu", &pid, &major_number, &minor_number,
                           &inode) != 4 ||
                    inode != status.st_ino)
                        continue;
                if (major_number == major(status.st_dev) && minor_number == minor(status.st_dev))
                        return pid;
                by_inode = pid;
        }
        return exactly ? 0 : by_inode;
}

char *lock_describe_holder(int directory) {
        _cleanup_pid_set_ struct pid_set holder = {0};
        _cleanup_free_ char *who = NULL;
        char *text = NULL;
        pid_t pid = find_holder(directory, false);

        if (pid == 0)
                return strdup("a process that /proc/locks does not name");
        if (pid_set_add(&holder, pid) == 0)
                who = pid_set_describe(&holder);
        return who && asprintf(&text, "process %s", who) >= 0 ? text : NULL;
}

/* The timer's first signal comes then. */
static void set_timer(timer_t timer, int64_t at) {
        const struct itimerspec times = {
                .it_value = {.tv_sec = at / 1000, .tv_nsec = at % 1000 * 1000000L},
                .it_interval = {.tv_nsec = ALARM_AGAIN_MS * 1000000L},
        };

        (void)timer_settime(timer, TIMER_ABSTIME, &times, NULL);
}

static void say_locked(int directory, const struct waiting *waiting) {
        _cleanup_free_ char *who = lock_describe_holder(directory);

        waiting_say(waiting, "the sandbox's lock, held by %s", who ? who : "?");
}

static int wait_for_lock(int directory, const struct lock_wait *wait) {
        const struct sigaction interrupt = {.sa_handler = on_alarm};
        struct waiting waiting = waiting_begin(wait->log);
        struct sigaction former;
        sigset_t alarm, mask;
        timer_t timer;
        int r;

        if (timer_create(CLOCK_MONOTONIC, NULL, &timer) < 0)
                return error_negative(-errno);
        (void)sigaction(SIGALRM, &interrupt, &former);
        /* The caller may have blocked it, and a mask is inherited. */
        (void)sigemptyset(&alarm);
        (void)sigaddset(&alarm, SIGALRM);
        (void)sigprocmask(SIG_UNBLOCK, &alarm, &mask);
        set_timer(timer, waiting_until(&waiting, wait->deadline));
        do {
                r = flock(directory, LOCK_EX) == 0 ? 0 : error_negative(-errno);
                if (r == -EINTR && waiting_is_due(&waiting)) {
                        say_locked(directory, &waiting);
                        set_timer(timer, wait->deadline);
                }
        } while (r == -EINTR && deadline_left_ms(wait->deadline) > 0);
        (void)timer_delete(timer);
        (void)sigprocmask(SIG_SETMASK, &mask, NULL);
        (void)sigaction(SIGALRM, &former, NULL);
        return r == -EINTR ? LOCK_E_BUSY : r;
}

int lock_take(int directory, const struct lock_wait *wait) {
        int r;

        do
                r = flock(directory, LOCK_EX | LOCK_NB) == 0 ? 0 : error_negative(-errno);
        while (r == -EINTR);
        if (r != -EWOULDBLOCK)
                return r;
        return wait && deadline_left_ms(wait->deadline) > 0 ? wait_for_lock(directory, wait) : LOCK_E_BUSY;
}

bool lock_is_held(int directory) {
        return find_holder(directory, false) > 0;
}

int lock_fail_busy(int directory, const char *id, struct error *error) {
        _cleanup_free_ char *who = lock_describe_holder(directory);

        return error_fail(error, 0, "sandbox \"%s\" stays locked, by %s", id, who ? who : "?");
}

int lock_end_holder(int directory, const char *id, struct error *error) {
        _cleanup_(process_freep) struct process *holder = NULL;
        pid_t pid = find_holder(directory, true);
        int r;

        if (pid == 0)
                return 0;
        r = process_hold(pid, &holder);
        /* Once the process is held, its pid cannot be reused. */
        if (r == PROCESS_E_GONE || (r == 0 && find_holder(directory, true) != pid))
                return 0;
        if (r < 0)
                return error_fail(error, -r, "process %d", pid);
        if (!process_is_program(holder, "kata-cgroup"))
                return lock_fail_busy(directory, id, error);
        r = process_kill(holder);
        if (r < 0)
                return error_fail(error, -r, "cannot end process %d, which has locked sandbox \"%s\"", pid, id);
        return process_wait(holder, END_TIMEOUT_MS) ? 0 : lock_fail_busy(directory, id, error);
}
