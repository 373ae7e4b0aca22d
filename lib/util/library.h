/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * Shared libraries that only some runs need
 *
 * libsystemd and libbpf load half a dozen further libraries; loading and relocating them costs more
 * than a whole cgroupfs run. So a library is loaded at the first call that needs it, as systemd does
 * with its own optional libraries. It stays loaded until the process ends.
 */

#include <stddef.h>

#include "util/error.h"

/* One function to look up: its name, and where its address goes. */
struct library_symbol {
        const char *name;
        void **address;
};

#define LIBRARY_SYMBOL(pointer, symbol)                                                                        \
        { #symbol, (void **)&(pointer) }

/* Opens `soname` ("libsystemd.so.0") and fills in all addresses, or none. Errors: status 1 naming the
 * library or the missing function. */
int library_open(const char *soname, const struct library_symbol *symbols, size_t count, struct error *error);
