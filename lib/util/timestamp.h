/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* Points in time as RFC 3339 text in UTC with microseconds, and deadlines on the monotonic clock. */

#include <stdint.h>

#define TIMESTAMP_SIZE sizeof("2026-01-01T00:00:00.000000Z")

/* Writes the present time. */
void timestamp_now(char out[static TIMESTAMP_SIZE]);

/* CLOCK_MONOTONIC in milliseconds. */
int64_t monotonic_ms(void);

/* What is left until a deadline of monotonic_ms(), in milliseconds: 0 to INT_MAX, as poll(2) wants. */
int deadline_left_ms(int64_t deadline);
