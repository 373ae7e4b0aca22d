/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * What stats shows: what each sandbox uses at one moment, or used since the moment before
 *
 * A reading is the array of sandbox_list() with statistics. What was used per time is worked out between two readings of the
 * same sandbox; for one that the former reading has not, or has as another sandbox of the same ID, since it was created.
 */

#include <jansson.h>
#include <stdint.h>
#include <stdio.h>

/* An array of what stats --format json prints, a line each: see doc/json/stats-line.schema.json. `former` may be NULL; else it
 * was read `interval` microseconds before. `now` is the time of the reading, as timestamp_now() has it. NULL without
 * memory. */
json_t *usage_lines(const json_t *reading, const json_t *former, int64_t interval, const char *now);

/* Those lines as a table. 0 or -ENOMEM. */
int usage_write(FILE *stream, const json_t *lines);
