/* SPDX-License-Identifier: Apache-2.0 */
/* Processes: what is one, whether it still is the same, and what a number means. */
#include "../test.h"

#include <pthread.h>
#include <signal.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "host/process.h"

static pid_t start_child(void) {
        pid_t pid = fork();

        if (pid == 0)
                for (;;)
                        (void)pause();
        return pid;
}

static void end_child(pid_t pid) {
        (void)kill(pid, SIGKILL);
        (void)waitpid(pid, NULL, 0);
}

static void assert_refused(pid_t pid, const char *message) {
        _cleanup_error_ struct error error = ERROR_INIT;
        struct process *process = NULL;

        assert_true(process_new(pid, "--pid", &process, &error) < 0);
        assert_null(process);
        assert_int_equal(error.status, EXIT_STATUS_REFUSED);
        assert_string_equal(error.field, "--pid");
        assert_non_null(strstr(error.message, message));
}

struct waiting {
        pthread_barrier_t barrier;
        pid_t tid;
};

static void *wait_in_thread(void *data) {
        struct waiting *waiting = data;

        waiting->tid = gettid();
        (void)pthread_barrier_wait(&waiting->barrier);
        (void)pthread_barrier_wait(&waiting->barrier);
        return NULL;
}

/* A number that is nobody's, or that of a thread, names no process. */
static void test_refused(void **state) {
        struct waiting waiting;
        pid_t child = start_child();
        pthread_t thread;
        char message[64];

        (void)state;
        end_child(child);
        assert_refused(child, "there is no process");
        assert_refused(4194304 + 7, "there is no process");

        (void)pthread_barrier_init(&waiting.barrier, NULL, 2);
        assert_int_equal(pthread_create(&thread, NULL, wait_in_thread, &waiting), 0);
        (void)pthread_barrier_wait(&waiting.barrier);
        (void)snprintf(message, sizeof(message), "is a thread of process %d", getpid());
        assert_refused(waiting.tid, message);
        (void)pthread_barrier_wait(&waiting.barrier);
        (void)pthread_join(thread, NULL);
}

/* What a state has recorded is found again as long as it lives, and by its start time told from who has the pid then. */
static void test_recall(void **state) {
        _cleanup_(process_freep) struct process *held = NULL, *recorded = NULL, *another = NULL;
        pid_t child = start_child();

        (void)state;
        assert_int_equal(process_new(child, "--pid", &held, NULL), 0);
        assert_non_null(held->former);
        recorded = process_recorded(child, held->start_time, NULL);
        another = process_recorded(child, held->start_time + 1, NULL);
        assert_true(process_is(held, recorded));
        assert_false(process_is(held, another));
        assert_false(process_is(held, NULL));
        assert_int_equal(process_recall(recorded, NULL), 0);
        assert_int_equal(process_recall(another, NULL), PROCESS_E_GONE);
        assert_true(process_is_alive(held));
        end_child(child);
        assert_false(process_is_alive(held));
        assert_int_equal(process_recall(recorded, NULL), PROCESS_E_GONE);
        assert_int_equal(process_look(held, NULL), PROCESS_E_GONE);
        assert_false(process_has_thread(held, child));
}

/* Nobody of another pid namespace: the numbers are the same, and there is nothing to translate. */
static void test_same_namespace(void **state) {
        _cleanup_(process_freep) struct process *self = NULL;
        struct thread_name *threads;
        size_t count;

        (void)state;
        assert_int_equal(process_self(&self, NULL), 0);
        assert_int_equal(process_inner_threads(self, &threads, &count, NULL), 0);
        assert_null(threads);
        assert_int_equal(count, 0);
}

/* Who has ended is no error, and whoever has the pid by then is not meant. */
static void test_kill(void **state) {
        _cleanup_(process_freep) struct process *held = NULL;
        struct process *again = NULL;
        pid_t child = start_child();

        (void)state;
        assert_int_equal(process_hold(child, &held), 0);
        assert_int_equal(process_kill(held), 0);
        (void)waitpid(child, NULL, 0);
        assert_int_equal(process_kill(held), PROCESS_E_GONE);
        assert_int_equal(process_hold(child, &again), PROCESS_E_GONE);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_refused),
                cmocka_unit_test(test_recall),
                cmocka_unit_test(test_same_namespace),
                cmocka_unit_test(test_kill),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
