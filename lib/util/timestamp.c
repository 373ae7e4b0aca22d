/* SPDX-License-Identifier: Apache-2.0 */
/* Time stamps, and deadlines on the monotonic clock */
#include "util/timestamp.h"

#include <errno.h>
#include <limits.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "util/error.h"

void timestamp_now(char out[static TIMESTAMP_SIZE]) {
        struct timespec now;
        struct tm fields;
        size_t length;

        (void)clock_gettime(CLOCK_REALTIME, &now);
        if (!gmtime_r(&now.tv_sec, &fields))
                memset(&fields, 0, sizeof(fields));
        length = strftime(out, TIMESTAMP_SIZE, "%Y-%m-%dT%H:%M:%S", &fields);
        (void)snprintf(out + length, TIMESTAMP_SIZE - length, ".%06uZ",
                       (unsigned)(now.tv_nsec / 1000) % 1000000U);
}

int64_t monotonic_ms(void) {
        struct timespec now;

        (void)clock_gettime(CLOCK_MONOTONIC, &now);
        return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

int deadline_left_ms(int64_t deadline) {
        int64_t left = deadline - monotonic_ms();

        if (left <= 0)
                return 0;
        return left > INT_MAX ? INT_MAX : (int)left;
}

int deadline_poll(int fd, int64_t deadline) {
        struct pollfd poll_fd = {.fd = fd, .events = POLLIN};
        int r;

        do
                r = poll(&poll_fd, 1, deadline_left_ms(deadline));
        while (r < 0 && errno == EINTR);
        if (r == 0)
                return -ETIMEDOUT;
        return r < 0 ? error_negative(-errno) : 0;
}

bool deadline_pause(int64_t deadline, int *pause_ms, int max_ms) {
        int left = deadline_left_ms(deadline), ms = *pause_ms < left ? *pause_ms : left;
        const struct timespec duration = {.tv_sec = ms / 1000, .tv_nsec = ms % 1000 * 1000000L};

        if (left == 0)
                return false;
        (void)nanosleep(&duration, NULL);
        *pause_ms = *pause_ms < max_ms / 2 ? *pause_ms * 2 : max_ms;
        return true;
}
