/* SPDX-License-Identifier: Apache-2.0 */
/*
 * metrics: what all sandboxes use, for Prometheus
 *
 * The text is complete before anything is printed or replaced, so that a failure leaves the former file as it was.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "command.h"
#include "report/metrics.h"
#include "util/cleanup.h"
#include "util/file.h"
#include "util/signals.h"

enum {
        KEY_OUTPUT = 'o',
        KEY_FORMAT = 0x100,
};

struct metrics_options {
        struct parsed parsed;
        const char *output; /* NULL: standard output */
        enum metrics_format format;
};

static int parse_format(const char *text, enum metrics_format *out, struct error *error) {
        if (strcmp(text, "prometheus") != 0 && strcmp(text, "openmetrics") != 0)
                return error_set(error, EXIT_STATUS_USAGE, 0, "--format",
                                 "\"%s\" is neither prometheus nor openmetrics", text);
        *out = text[0] == 'p' ? METRICS_PROMETHEUS : METRICS_OPENMETRICS;
        return 0;
}

static int parse(struct parsed *parsed, int key, const char *argument) {
        struct metrics_options *o = (struct metrics_options *)parsed;

        if (key == KEY_FORMAT)
                return parse_format(argument, &o->format, parsed->error);
        o->output = strcmp(argument, "-") == 0 ? NULL : argument;
        return 0;
}

static int format_metrics(const json_t *sandboxes, enum metrics_format format, char **out, size_t *size,
                          struct error *error) {
        FILE *stream = open_memstream(out, size);
        bool failed;

        if (!stream)
                return error_oom(error);
        metrics_write(stream, sandboxes, format);
        failed = ferror(stream);
        return fclose(stream) == 0 && !failed ? 0 : error_oom(error);
}

static int write_output(const char *file, const char *text, size_t size, struct error *error) {
        int r;

        if (!file)
                return fwrite(text, 1, size, stdout) == size ? command_end_output(error)
                                                             : error_fail(error, errno, "standard output");
        /* For a signal not to leave the temporary file. */
        signals_hold();
        r = file_publish(file, text, size);
        signals_release();
        if (r == -ENOTSUP)
                return error_set(error, EXIT_STATUS_USAGE, 0, "--output", "%s is not a regular file", file);
        return r < 0 ? error_fail(error, -r, "cannot write %s", file) : 0;
}

static int run(const struct sandbox_environment *environment, int argc, char **argv, struct error *error) {
        struct metrics_options o = {0};
        _cleanup_json_ json_t *sandboxes = NULL;
        _cleanup_free_ char *text = NULL;
        size_t size = 0;
        int r;

        r = command_parse(&command_metrics, argc, argv, &o.parsed, error);
        if (r == 0)
                r = sandbox_list(environment, NULL, 0, SANDBOX_LIST_STATS, &sandboxes, error);
        if (r == 0)
                r = format_metrics(sandboxes, o.format, &text, &size, error);
        return r == 0 ? write_output(o.output, text, size, error) : r;
}

static const struct command_option options[] = {
        {"output", KEY_OUTPUT, "FILE", "replace FILE (default: standard output)", COMPLETE_FILE},
        {"format", KEY_FORMAT, "prometheus|openmetrics", "default: prometheus", COMPLETE_WORDS},
        {0},
};

const struct command command_metrics = {
        .name = "metrics",
        .summary = "print what all sandboxes use, for Prometheus",
        .description = "Print what all sandboxes use, as text for Prometheus.",
        .options = options,
        .parse = parse,
        .run = run,
};
