/* SPDX-License-Identifier: Apache-2.0 */
/* Numbers as people read them. Integers all the way: a double would round large sizes before they are rounded here. */
#include "report/units.h"

#include <inttypes.h>
#include <stdio.h>

#include "util/cleanup.h"

void units_bytes(int64_t bytes, char out[static UNITS_TEXT_SIZE]) {
        static const char *const names[] = {"B", "KiB", "MiB", "GiB", "TiB", "PiB", "EiB"};
        uint64_t unit = 1, value = (uint64_t)bytes, tenths;
        size_t i = 0;

        /* 1023.95 KiB are 1 MiB: rounded to tenths they would be 1024 KiB. */
        while (i + 1 < ARRAY_SIZE(names) && value / unit + (i > 0 && value % unit * 20 >= unit * 19) >= 1024) {
                unit *= 1024;
                i++;
        }
        tenths = value / unit * 10 + (value % unit * 10 + unit / 2) / unit;
        if (tenths % 10 == 0)
                (void)snprintf(out, UNITS_TEXT_SIZE, "%" PRIu64 "%s", tenths / 10, names[i]);
        else
                (void)snprintf(out, UNITS_TEXT_SIZE, "%" PRIu64 ".%" PRIu64 "%s", tenths / 10, tenths % 10,
                               names[i]);
}

void units_duration(int64_t microseconds, char out[static UNITS_TEXT_SIZE]) {
        int64_t seconds = microseconds / 1000000, minutes = seconds / 60, hours = minutes / 60,
                days = hours / 24;

        if (minutes == 0)
                (void)snprintf(out, UNITS_TEXT_SIZE, "%" PRId64 ".%02" PRId64 "s", seconds,
                               microseconds % 1000000 / 10000);
        else if (hours == 0)
                (void)snprintf(out, UNITS_TEXT_SIZE, "%" PRId64 "m%02" PRId64 "s", minutes, seconds % 60);
        else if (days == 0)
                (void)snprintf(out, UNITS_TEXT_SIZE, "%" PRId64 "h%02" PRId64 "m", hours, minutes % 60);
        else
                (void)snprintf(out, UNITS_TEXT_SIZE, "%" PRId64 "d%02" PRId64 "h", days, hours % 24);
}

void units_percent(double percent, char out[static UNITS_TEXT_SIZE]) {
        (void)snprintf(out, UNITS_TEXT_SIZE, "%.1f%%", percent);
}
