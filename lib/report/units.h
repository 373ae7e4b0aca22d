/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* Numbers as people read them, in a few characters. */

#include <stdint.h>

/* The longest size is "1023.9KiB", the longest time "106751991d04h", and a whole number has up to 20 characters. */
#define UNITS_TEXT_SIZE 32

/* "512B", "1.5KiB", "4GiB": powers of 1024, one decimal unless that is 0, rounded to the nearest. Not below 0. */
void units_bytes(int64_t bytes, char out[static UNITS_TEXT_SIZE]);

/* "3.24s", "2m05s", "3h12m", "12d03h": the two largest units, cut off. Not below 0. */
void units_duration(int64_t microseconds, char out[static UNITS_TEXT_SIZE]);

/* "12.3%" */
void units_percent(double percent, char out[static UNITS_TEXT_SIZE]);
