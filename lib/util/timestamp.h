/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* Points in time as RFC 3339 text in UTC with microseconds, and deadlines on the monotonic clock. */

#include <stdbool.h>
#include <stdint.h>

#define TIMESTAMP_SIZE sizeof("2026-01-01T00:00:00.000000Z")

/* Writes the present time. */
void timestamp_now(char out[static TIMESTAMP_SIZE]);

/* CLOCK_MONOTONIC in milliseconds. */
int64_t monotonic_ms(void);

/* The time left until a deadline of monotonic_ms(), in milliseconds: 0 to INT_MAX, for poll(2). */
int deadline_left_ms(int64_t deadline);

/* Waits until the descriptor is readable or at its end. 0, -ETIMEDOUT after the deadline, or a negative errno. */
int deadline_poll(int fd, int64_t deadline);

/* For what has no event to wait for: sleeps for the pause, at most until the deadline, and doubles the pause up to
 * `max_ms`. False, without sleeping, where the deadline is over. */
bool deadline_pause(int64_t deadline, int *pause_ms, int max_ms);
