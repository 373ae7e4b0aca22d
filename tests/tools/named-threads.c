/* SPDX-License-Identifier: Apache-2.0 */
/*
 * named-threads NAME...
 *
 * A stand-in for a VMM in the tests: one thread for each name, all waiting, but for those whose name is given with
 * a "!" behind it, which compute, and those with a "+", which are not there before SIGUSR2 (a hotplug), and say so with a
 * line, too. "OLD=NEW" is called OLD until SIGUSR2. The shell command in $ON_SIGUSR2 is run then, before the line. Prints a line once the others are there, and ends with a signal. On SIGUSR1 the first thread ends, whose ID is
 * that of the process, and leaves the others.
 */
#include <pthread.h>
#include <semaphore.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static sem_t ready;

static void compute(void) {
        for (volatile unsigned long n = 0;; n++)
                ;
}

static void *run(void *given) {
        const char *text = given;
        bool busy = strchr(text, '!');
        char name[16] = "";

        (void)snprintf(name, sizeof(name), "%.*s", (int)strcspn(text, "!+="), text);
        (void)pthread_setname_np(pthread_self(), name);
        (void)sem_post(&ready);
        if (busy)
                compute();
        for (;;)
                (void)pause();
        return NULL;
}

/* Those that are plugged in later, or the others. */
static int start(int argc, char **argv, pthread_t *threads, bool later) {
        for (int i = 1; i < argc; i++) {
                const char *name = strchr(argv[i], '=');

                if (later && name)
                        (void)pthread_setname_np(threads[i], name + 1);
                if ((strchr(argv[i], '+') != NULL) != later)
                        continue;
                if (pthread_create(&threads[i], NULL, run, argv[i]) != 0)
                        return -1;
                (void)sem_wait(&ready);
        }
        if (later && getenv("ON_SIGUSR2"))
                (void)!system(getenv("ON_SIGUSR2")); // NOLINT(cert-env33-c)
        puts("ready");
        return fflush(stdout);
}

int main(int argc, char **argv) {
        pthread_t *threads = calloc((size_t)argc, sizeof(*threads));
        sigset_t signals;
        int signal = 0;

        (void)sigemptyset(&signals);
        (void)sigaddset(&signals, SIGUSR1);
        (void)sigaddset(&signals, SIGUSR2);
        (void)pthread_sigmask(SIG_BLOCK, &signals, NULL);
        (void)sem_init(&ready, 0, 0);
        if (!threads || start(argc, argv, threads, false) < 0)
                return 1;
        while (sigwait(&signals, &signal) == 0 && signal == SIGUSR2)
                if (start(argc, argv, threads, true) < 0)
                        return 1;
        pthread_exit(NULL);
}
