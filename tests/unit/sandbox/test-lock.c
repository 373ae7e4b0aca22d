/* SPDX-License-Identifier: Apache-2.0 */
/* The lock's deadline, and who is named and ended when it is over. */
#include "../test.h"

#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/wait.h>

#include "sandbox/lock.h"
#include "util/cleanup.h"
#include "util/timestamp.h"

/* A process that has locked a directory, and lets it go when it is told to. */
struct other {
        char directory[32];
        int fd;
        pid_t pid;
        int tell;
};

static void start_other(struct other *other) {
        int said[2], told[2];
        char byte;

        strcpy(other->directory, "/tmp/test-lock.XXXXXX");
        assert_non_null(mkdtemp(other->directory));
        other->fd = open(other->directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        assert_true(other->fd >= 0);
        assert_int_equal(pipe(said), 0);
        assert_int_equal(pipe(told), 0);
        other->pid = fork();
        assert_true(other->pid >= 0);
        if (other->pid == 0) {
                int fd = open(other->directory, O_RDONLY | O_DIRECTORY);

                (void)close(told[1]);
                if (flock(fd, LOCK_EX) < 0 || write(said[1], "", 1) != 1)
                        _exit(1);
                _exit(read(told[0], &byte, 1) < 0 ? 1 : 0);
        }
        (void)close(told[0]);
        (void)close(said[1]);
        assert_int_equal(read(said[0], &byte, 1), 1);
        (void)close(said[0]);
        other->tell = told[1];
}

static void end_other(struct other *other) {
        (void)close(other->tell);
        (void)waitpid(other->pid, NULL, 0);
        (void)close(other->fd);
        (void)rmdir(other->directory);
}

/* A lock that nobody has is there at once, also after its deadline. */
static void test_nobody(void **state) {
        char directory[] = "/tmp/test-lock.XXXXXX";
        _cleanup_close_ int fd = -1;

        (void)state;
        assert_non_null(mkdtemp(directory));
        fd = open(directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        assert_int_equal(lock_take(fd, NULL), 0);
        (void)rmdir(directory);
}

/* The deadline ends the wait, and the message names the holder. */
static void test_deadline(void **state) {
        _cleanup_error_ struct error error = ERROR_INIT;
        char wanted[64];
        struct other other;

        (void)state;
        start_other(&other);
        assert_int_equal(lock_take(other.fd, NULL), LOCK_E_BUSY);
        assert_int_equal(lock_take(other.fd, &(struct lock_wait){.deadline = monotonic_ms() + 50}),
                         LOCK_E_BUSY);
        assert_true(lock_fail_busy(other.fd, "sb", &error) < 0);
        /* And its command, which may be that of a tool that runs the test. */
        (void)snprintf(wanted, sizeof(wanted), "sandbox \"sb\" stays locked, by process %d (", other.pid);
        assert_non_null(strstr(error.message, wanted));
        end_other(&other);
}

/* The deadline holds also for a caller that has blocked all signals, as those do who read them from a descriptor. */
static void test_blocked_signals(void **state) {
        sigset_t all, former;
        struct other other;

        (void)state;
        start_other(&other);
        (void)sigfillset(&all);
        assert_int_equal(sigprocmask(SIG_BLOCK, &all, &former), 0);
        assert_int_equal(lock_take(other.fd, &(struct lock_wait){.deadline = monotonic_ms() + 50}),
                         LOCK_E_BUSY);
        assert_int_equal(sigprocmask(SIG_SETMASK, &former, NULL), 0);
        end_other(&other);
}

/* Who waits gets it when it is let go. */
static void test_handed_on(void **state) {
        struct other other;

        (void)state;
        start_other(&other);
        (void)close(other.tell);
        other.tell = -1;
        assert_int_equal(lock_take(other.fd, &(struct lock_wait){.deadline = monotonic_ms() + 30000}), 0);
        end_other(&other);
}

/* A holder that is no kata-cgroup is not ended. */
static void test_stranger(void **state) {
        _cleanup_error_ struct error error = ERROR_INIT;
        struct other other;

        (void)state;
        start_other(&other);
        assert_true(lock_end_holder(other.fd, "sb", &error) < 0);
        assert_int_equal(kill(other.pid, 0), 0);
        assert_int_equal(lock_take(other.fd, NULL), LOCK_E_BUSY);
        end_other(&other);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_nobody),          cmocka_unit_test(test_deadline),
                cmocka_unit_test(test_blocked_signals), cmocka_unit_test(test_handed_on),
                cmocka_unit_test(test_stranger),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
