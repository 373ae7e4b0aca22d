/* SPDX-License-Identifier: Apache-2.0 */
/* A wait that somebody may wonder about; see the header */
#include "util/waiting.h"

#include <errno.h>
#include <stdarg.h>
#include <stdlib.h>
#include <unistd.h>

#include "util/cleanup.h"
#include "util/timestamp.h"

#define TELL_AFTER_MS 2000

static bool is_followed(const struct log *log) {
        return log && log->stream && (log->json || isatty(fileno(log->stream)));
}

struct waiting waiting_begin(const struct log *log) {
        return (struct waiting){log, is_followed(log) ? monotonic_ms() + TELL_AFTER_MS : INT64_MAX};
}

int64_t waiting_until(const struct waiting *waiting, int64_t deadline) {
        return waiting->tell_at < deadline ? waiting->tell_at : deadline;
}

bool waiting_is_due(struct waiting *waiting) {
        if (waiting->tell_at == INT64_MAX || deadline_left_ms(waiting->tell_at) > 0)
                return false;
        waiting->tell_at = INT64_MAX;
        return true;
}

void waiting_say(const struct waiting *waiting, const char *format, ...) {
        _cleanup_free_ char *text = NULL;
        va_list arguments;

        va_start(arguments, format);
        if (vasprintf(&text, format, arguments) < 0)
                text = NULL;
        va_end(arguments);
        if (text)
                log_info(waiting->log, "waiting for %s", text);
}

int waiting_poll(struct waiting *waiting, int fd, int64_t deadline, const char *what) {
        int r = deadline_poll(fd, waiting_until(waiting, deadline));

        if (r != -ETIMEDOUT || !waiting_is_due(waiting))
                return r;
        waiting_say(waiting, "%s", what);
        return deadline_poll(fd, deadline);
}
