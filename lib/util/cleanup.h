/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * Scope-bound ownership
 *
 * `_cleanup_(fn)` calls fn with the variable's address as its scope ends. DEFINE_CLEANUP makes the
 * pointer-to-pointer form ("freep") of a `type *fn(type *)`-like destructor.
 */

#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "util/error.h"

#define _cleanup_(function) __attribute__((cleanup(function)))

#define DEFINE_CLEANUP(type, function)                                                                         \
        static inline void function##p(type *pointer) { /* NOLINT(bugprone-macro-parentheses) */               \
                if (*pointer)                                                                                  \
                        function(*pointer);                                                                    \
        }

static inline void cleanup_free(void *pointer) {
        free(*(void **)pointer);
}

/* Closes a descriptor, unless it is negative. */
static inline void cleanup_close(int *fd) {
        if (*fd >= 0)
                (void)close(*fd);
}

DEFINE_CLEANUP(FILE *, fclose)

#define _cleanup_free_ _cleanup_(cleanup_free)
#define _cleanup_close_ _cleanup_(cleanup_close)
#define _cleanup_json_ _cleanup_(json_decrefp)
#define _cleanup_file_ _cleanup_(fclosep)
#define _cleanup_error_ _cleanup_(error_clear)

/* Returns the value of a pointer, and sets the pointer to NULL. */
#define TAKE(pointer)                                                                                          \
        ({                                                                                                     \
                __typeof__(pointer) taken_ = (pointer);                                                        \
                (pointer) = NULL;                                                                              \
                taken_;                                                                                        \
        })

/* The same for a descriptor, leaving -1. */
#define TAKE_FD(fd)                                                                                            \
        ({                                                                                                     \
                int taken_ = (fd);                                                                             \
                (fd) = -1;                                                                                     \
                taken_;                                                                                        \
        })

#define ARRAY_SIZE(array) (sizeof(array) / sizeof((array)[0]))
