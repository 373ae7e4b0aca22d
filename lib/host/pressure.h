/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* Triggers of the kernel's pressure stall information (Documentation/accounting/psi.rst, "Monitoring for pressure thresholds") */

#include <stdint.h>

#include "util/error.h"

/* At most one event a window, when tasks have waited for the resource for `threshold_us` within it. */
struct pressure_trigger {
        const char *resource; /* "cpu", "memory", "io"; static */
        uint64_t threshold_us;
        uint64_t window_us;
};

/* The kernel's limits of a window. */
#define PRESSURE_WINDOW_MIN_US 500000U
#define PRESSURE_WINDOW_MAX_US 10000000U

/* From "memory:150ms/1s": the units are us, ms and s. Status 2, naming `option`, for anything that the kernel would refuse: a
 * window outside its limits, a threshold of 0 or above the window. */
int pressure_parse(const char *text, const char *option, struct pressure_trigger *out, struct error *error);
