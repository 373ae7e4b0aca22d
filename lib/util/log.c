/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Messages as text or JSON lines
 *
 * Subtle: each message is one line of valid UTF-8, which JSON can hold: text_one_line() has escaped everything else in it.
 */
#include "util/log.h"

#include <jansson.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "util/api.h"
#include "util/cleanup.h"
#include "util/text.h"
#include "util/timestamp.h"

static void write_json(const struct log *log, const char *level, const char *message,
                       const struct error *error) {
        char now[TIMESTAMP_SIZE];
        _cleanup_json_ json_t *object = NULL;

        timestamp_now(now);
        object = json_pack("{s:i, s:s, s:s, s:s}", "apiVersion", API_VERSION, "level", level, "msg", message,
                           "time", now);
        if (!object)
                return;
        if (error) {
                (void)json_object_set_new(object, "code", json_integer(error->status));
                if (error->field)
                        (void)json_object_set_new(object, "field", json_string(error->field));
        }
        (void)json_dumpf(object, log->stream, JSON_COMPACT | JSON_ENSURE_ASCII);
        fputc('\n', log->stream);
}

static void write_line(const struct log *log, const char *level, const char *message,
                       const struct error *error) {
        if (!log->stream)
                return;
        if (log->json)
                write_json(log, level, message, error);
        else
                fprintf(log->stream, "kata-cgroup: %s: %s\n", level, message);
        (void)fflush(log->stream);
}

static void write_formatted(const struct log *log, const char *level, const char *format, va_list arguments) {
        _cleanup_free_ char *message = NULL, *line = NULL;

        if (vasprintf(&message, format, arguments) < 0) {
                message = NULL;
                return;
        }
        line = text_one_line(message, TEXT_LINE_MAX);
        if (line)
                write_line(log, level, line, NULL);
}

#define LOG_FORMATTED(log, level, format)                                                                      \
        do {                                                                                                   \
                va_list arguments_;                                                                            \
                va_start(arguments_, format);                                                                  \
                write_formatted(log, level, format, arguments_);                                               \
                va_end(arguments_);                                                                            \
        } while (0)

void log_warning(const struct log *log, const char *format, ...) {
        if (log)
                LOG_FORMATTED(log, "warning", format);
}

void log_info(const struct log *log, const char *format, ...) {
        if (log)
                LOG_FORMATTED(log, "info", format);
}

void log_debug(const struct log *log, const char *format, ...) {
        if (log && log->debug)
                LOG_FORMATTED(log, "debug", format);
}

void log_error(const struct log *log, const struct error *error) {
        _cleanup_free_ char *with_field = NULL;
        const char *message = error->message ? error->message : "out of memory";

        if (!log)
                return;
        if (error->field && asprintf(&with_field, "%s: %s", error->field, message) < 0)
                with_field = NULL;
        write_line(log, "error", with_field ? with_field : message, error);
}
