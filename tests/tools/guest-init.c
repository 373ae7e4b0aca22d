/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The only program of a real guest (tests/guest/guest.bash): /init of its initramfs.
 *
 * One thread a vCPU counts as fast as it can. Each second of the guest's clock a line goes to the console,
 *     guest UPTIME TOUCHED COUNT...
 * with the uptime in seconds, the MiB that have been touched, and what each vCPU has counted since the line before.
 * A line "touch N" that comes in has N more MiB written to.
 */
#include <poll.h>
#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <termios.h>
#include <time.h>
#include <unistd.h>

enum {
        VCPUS_MAX = 64,
        BATCH = 1000,
        SECOND_MS = 1000,
};

static struct counter {
        _Alignas(64) atomic_ulong count;
        unsigned long printed;
} counters[VCPUS_MAX];
static unsigned long touched;

static uint64_t uptime_ms(void) {
        struct timespec now;

        (void)clock_gettime(CLOCK_MONOTONIC, &now);
        return (uint64_t)now.tv_sec * SECOND_MS + (uint64_t)now.tv_nsec / 1000000;
}

/* SCHED_IDLE: the thread that prints runs as soon as it wants to. */
static void *count(void *given) {
        struct counter *counter = given;
        struct sched_param none = {0};
        cpu_set_t own;

        CPU_ZERO(&own);
        CPU_SET((size_t)(counter - counters), &own);
        (void)sched_setaffinity(0, sizeof(own), &own);
        (void)sched_setscheduler(0, SCHED_IDLE, &none);
        for (;;) {
                for (volatile unsigned i = 0; i < BATCH;)
                        i++;
                atomic_fetch_add_explicit(&counter->count, BATCH, memory_order_relaxed);
        }
        return NULL;
}

static int start_counters(void) {
        cpu_set_t all;
        int vcpus;

        if (sched_getaffinity(0, sizeof(all), &all) < 0)
                return 0;
        vcpus = CPU_COUNT(&all) < VCPUS_MAX ? CPU_COUNT(&all) : VCPUS_MAX;
        for (int i = 0; i < vcpus; i++) {
                pthread_t thread;

                if (pthread_create(&thread, NULL, count, &counters[i]) != 0)
                        return i;
        }
        return vcpus;
}

static void print_counts(int vcpus) {
        uint64_t now = uptime_ms();

        printf("guest %lu.%03lu %lu", (unsigned long)(now / SECOND_MS), (unsigned long)(now % SECOND_MS),
               touched);
        for (int i = 0; i < vcpus; i++) {
                unsigned long counted = atomic_load_explicit(&counters[i].count, memory_order_relaxed);

                printf(" %lu", counted - counters[i].printed);
                counters[i].printed = counted;
        }
        puts("");
}

/* The memory is kept until the guest ends; that somebody could read it keeps the compiler from leaving it out. */
static void touch(unsigned long mebibytes) {
        static char *volatile newest;
        char *memory = malloc(mebibytes << 20);

        if (!memory)
                return;
        newest = memset(memory, 1, mebibytes << 20);
        if (newest[0] == 1)
                touched += mebibytes;
}

static void obey(const char *line) {
        unsigned long mebibytes;

        if (strncmp(line, "touch ", strlen("touch ")) != 0)
                return;
        mebibytes = strtoul(line + strlen("touch "), NULL, 10);
        if (mebibytes > 0 && mebibytes <= SIZE_MAX >> 20)
                touch(mebibytes);
}

/* Waits until then, and does meanwhile what comes in. */
static void wait_until_ms(uint64_t then) {
        for (uint64_t now = uptime_ms(); now < then; now = uptime_ms()) {
                struct pollfd input = {.fd = STDIN_FILENO, .events = POLLIN};
                char line[64];

                if (poll(&input, 1, (int)(then - now)) > 0 && fgets(line, sizeof(line), stdin))
                        obey(line);
        }
}

int main(void) {
        struct termios terminal;
        int vcpus;

        /* What is read is not to come back as an echo, and stdio is not to keep a second line from poll(). */
        if (tcgetattr(STDIN_FILENO, &terminal) == 0) {
                terminal.c_lflag &= ~(tcflag_t)ECHO;
                terminal.c_oflag &= ~(tcflag_t)OPOST;
                (void)tcsetattr(STDIN_FILENO, TCSANOW, &terminal);
        }
        (void)setvbuf(stdin, NULL, _IONBF, 0);
        (void)setvbuf(stdout, NULL, _IOLBF, 0);
        vcpus = start_counters();
        for (uint64_t then = uptime_ms() + SECOND_MS;; then += SECOND_MS) {
                wait_until_ms(then);
                print_counts(vcpus);
                /* Seconds that the guest has slept through, since its vCPUs did not run, are not made up for. */
                while (then + SECOND_MS <= uptime_ms())
                        then += SECOND_MS;
        }
}
