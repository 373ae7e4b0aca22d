/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * A wait that somebody may wonder about
 *
 * Once it has lasted two seconds, it says once what it waits for, where somebody reads along: on a terminal, and in JSON logs.
 * In other logs a wait that ends well is no news.
 */

#include <stdbool.h>
#include <stdint.h>

#include "util/log.h"

struct waiting {
        const struct log *log; /* not owned; NULL: it says nothing */
        int64_t tell_at;       /* monotonic_ms(); INT64_MAX: never, or not again */
};

/* When a wait ends without success. */
struct wait_limit {
        int64_t deadline;  /* monotonic_ms() */
        bool until_signal; /* a held signal (util/signals.h) ends it, too */
};

/* The wait begins now. */
struct waiting waiting_begin(const struct log *log);

/* The deadline of the next step of the wait: its own, or earlier, when it is time to say something. */
int64_t waiting_until(const struct waiting *waiting, int64_t deadline);

/* Whether it is time to say something: true once. */
bool waiting_is_due(struct waiting *waiting);

/* Says "waiting for ...". */
__attribute__((format(printf, 2, 3))) void waiting_say(const struct waiting *waiting, const char *format, ...);

/* deadline_poll(), which says that it waits for `what`. */
int waiting_poll(struct waiting *waiting, int fd, int64_t deadline, const char *what);
