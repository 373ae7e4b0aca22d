/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * Errors
 *
 * Two kinds, told apart by the sign of a function's return value:
 *
 *  - negative: fatal to the operation. The value is a negative errno, the `struct error` holds what
 *    the user will read, and the caller passes the value on unchanged.
 *  - positive: named by the module (HIERARCHY_E_NOT_FOUND), part of its interface, and to be handled
 *    by the caller. The `struct error` is untouched.
 *
 * A `struct error` holds at most one error: the first one set stays, since it is the cause; what
 * happens while clearing up is added with error_append(). Every function here accepts a NULL error
 * from callers who only need the value.
 */

#include <errno.h>

/* The exit statuses of kata-cgroup(8), EXIT STATUS; an error has the status that it leads to. */
enum exit_status {
        EXIT_STATUS_DONE = 0,
        EXIT_STATUS_FAILED = 1,
        EXIT_STATUS_USAGE = 2,
        EXIT_STATUS_NO_SANDBOX = 3,
        EXIT_STATUS_SANDBOX_EXISTS = 4,
        EXIT_STATUS_REFUSED = 5,
        /* Of exec, as in a shell: sh(1), EXIT STATUS. */
        EXIT_STATUS_CANNOT_EXECUTE = 126,
        EXIT_STATUS_NOT_FOUND = 127,
};

struct error {
        enum exit_status status; /* EXIT_STATUS_DONE: nothing is set */
        int errnum;              /* positive errno, or 0 if the error is not the kernel's */
        char *field;             /* owned; JSON path or option of refused input, one line, or NULL */
        char *message;           /* owned; one line, no newline */
};

#define ERROR_INIT ((struct error){0})

/* Frees what the error holds, and makes it empty again. */
void error_clear(struct error *error);

/* The value itself if it is negative, otherwise -EIO: a failure is negative even if errno was 0. It is inline so that the
 * compiler knows that a failure returns less than 0, and that outputs are set otherwise. */
#define error_negative(value)                                                                                  \
        ({                                                                                                     \
                int negative_ = (value);                                                                       \
                negative_ < 0 ? negative_ : -EIO;                                                              \
        })

/* Sets an error with any status. Appends ": strerror(errnum)" where errnum is not 0.
 * Returns -errnum, or -EIO where errnum is 0. */
#define error_set(error, status, errnum, field, ...)                                                           \
        error_negative(error_set_message((error), (status), (errnum), (field), __VA_ARGS__))

/* The operation failed (status 1). errnum is positive, or 0. Returns -errnum or -EIO. */
#define error_fail(error, errnum, ...) error_set((error), EXIT_STATUS_FAILED, (errnum), NULL, __VA_ARGS__)

/* Input was refused (status 5). `field` is the JSON path ("cpu.cpus", "devices[2].type") or the
 * option ("--cgroups-path"), copied. Returns -EINVAL. The message need not repeat the field. */
#define error_refuse(error, field, ...) error_negative(error_refuse_message((error), (field), __VA_ARGS__))

/* Memory ran out. Returns -ENOMEM. */
#define error_oom(error) error_negative(error_oom_message(error))

/* Moves the error of `from`, if there is one, to `to`, unless `to` has one already. */
void error_move(struct error *to, struct error *from);

/* The functions behind these macros. */
__attribute__((format(printf, 5, 6))) int error_set_message(struct error *error, enum exit_status status,
                                                            int errnum, const char *field, const char *format,
                                                            ...);
__attribute__((format(printf, 3, 4))) int error_refuse_message(struct error *error, const char *field,
                                                               const char *format, ...);
int error_oom_message(struct error *error);

/* Adds "; TEXT" to an error that is already set. */
__attribute__((format(printf, 2, 3))) void error_append(struct error *error, const char *format, ...);
