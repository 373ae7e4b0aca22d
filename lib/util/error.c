/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Errors
 *
 * Subtle: when memory is exhausted, formatting the message could fail too. The message is then NULL, and whoever prints the
 * error prints strerror(ENOMEM) instead.
 */
#include "util/error.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "util/text.h"

void error_clear(struct error *error) {
        if (!error)
                return;
        free(error->field);
        free(error->message);
        *error = ERROR_INIT;
}

/* Message and field are one line, whatever they quote. */
static void set_message(struct error *error, enum exit_status status, int errnum, const char *field,
                        const char *format, va_list arguments) {
        char *text = NULL, *whole = NULL;

        error->status = status;
        error->errnum = errnum;
        if (field)
                error->field = text_one_line(field, TEXT_PART_MAX);

        if (vasprintf(&text, format, arguments) < 0)
                return;
        if (errnum != 0 && asprintf(&whole, "%s: %s", text, strerror(errnum)) >= 0) {
                free(text);
                text = whole;
        }
        error->message = text_one_line(text, TEXT_LINE_MAX);
        free(text);
}

int error_set_message(struct error *error, enum exit_status status, int errnum, const char *field,
                      const char *format, ...) {
        va_list arguments;

        if (error && error->status == EXIT_STATUS_DONE) {
                va_start(arguments, format);
                set_message(error, status, errnum, field, format, arguments);
                va_end(arguments);
        }
        return -errnum;
}

int error_refuse_message(struct error *error, const char *field, const char *format, ...) {
        va_list arguments;

        if (error && error->status == EXIT_STATUS_DONE) {
                va_start(arguments, format);
                set_message(error, EXIT_STATUS_REFUSED, 0, field, format, arguments);
                va_end(arguments);
        }
        return -EINVAL;
}

int error_oom_message(struct error *error) {
        if (error && error->status == EXIT_STATUS_DONE) {
                error->status = EXIT_STATUS_FAILED;
                error->errnum = ENOMEM;
                error->message = strdup("out of memory");
        }
        return -ENOMEM;
}

void error_move(struct error *to, struct error *from) {
        if (!to || to->status != EXIT_STATUS_DONE)
                return;
        *to = *from;
        *from = ERROR_INIT;
}

void error_append(struct error *error, const char *format, ...) {
        char *text = NULL, *line = NULL, *whole = NULL;
        va_list arguments;
        int r;

        if (!error || !error->message)
                return;
        va_start(arguments, format);
        r = vasprintf(&text, format, arguments);
        va_end(arguments);
        if (r < 0)
                return;
        line = text_one_line(text, TEXT_PART_MAX);
        free(text);
        if (line && asprintf(&whole, "%s; %s", error->message, line) >= 0) {
                free(error->message);
                error->message = whole;
        }
        free(line);
}
