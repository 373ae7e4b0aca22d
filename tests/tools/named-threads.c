/* SPDX-License-Identifier: Apache-2.0 */
/*
 * named-threads NAME...
 *
 * A stand-in for a VMM in the tests: one thread for each name, all waiting, but for those whose name is given with
 * a "!" behind it, which compute. Prints a line once they are there, and ends with a signal. On SIGUSR1 the
 * first thread ends, whose ID is that of the process, and leaves the others.
 */
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

static pthread_barrier_t ready;

static void *run(void *given) {
        char *name = given, *busy = strchr(name, '!');

        if (busy)
                *busy = '\0';
        (void)pthread_setname_np(pthread_self(), name);
        (void)pthread_barrier_wait(&ready);
        for (volatile unsigned long n = 0; busy;)
                n++;
        for (;;)
                (void)pause();
        return NULL;
}

int main(int argc, char **argv) {
        sigset_t end_of_first;
        int signal;

        (void)sigemptyset(&end_of_first);
        (void)sigaddset(&end_of_first, SIGUSR1);
        (void)pthread_sigmask(SIG_BLOCK, &end_of_first, NULL);
        (void)pthread_barrier_init(&ready, NULL, (unsigned)argc);
        for (int i = 1; i < argc; i++) {
                pthread_t thread;

                if (pthread_create(&thread, NULL, run, argv[i]) != 0)
                        return 1;
        }
        (void)pthread_barrier_wait(&ready);
        puts("ready");
        (void)fflush(stdout);
        (void)sigwait(&end_of_first, &signal);
        pthread_exit(NULL);
}
