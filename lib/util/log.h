/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * Messages for people and for log collectors
 *
 * Nothing is global: a `struct log` is made from the options and handed down. Text lines are
 * "kata-cgroup: LEVEL: MESSAGE"; JSON lines are objects with `level`, `msg`, `time` (RFC 3339, UTC),
 * as runc's --log-format json writes them, and for errors `code` and `field`.
 */

#include <stdbool.h>
#include <stdio.h>

#include "util/error.h"

struct log {
        FILE *stream; /* not owned */
        bool json;
        bool debug; /* whether log_debug() writes */
};

__attribute__((format(printf, 2, 3))) void log_warning(const struct log *log, const char *format, ...);
__attribute__((format(printf, 2, 3))) void log_info(const struct log *log, const char *format, ...);

/* Called before every write and every D-Bus call; without --debug it only tests a flag. */
__attribute__((format(printf, 2, 3))) void log_debug(const struct log *log, const char *format, ...);

/* The one error line of a failed command. */
void log_error(const struct log *log, const struct error *error);
