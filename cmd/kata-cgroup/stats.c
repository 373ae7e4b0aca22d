/* SPDX-License-Identifier: Apache-2.0 */
/*
 * stats: one line a sandbox, once or each second
 *
 * Subtle: a reading begins a second after the one before began, or at once where that one took longer; what was missed while the
 * process was stopped is not made up for. The interval between two is measured, not taken for a second. SIGINT ends it as it
 * ends any program: there is nothing to be put back.
 */
#include <errno.h>
#include <string.h>
#include <time.h>

#include "command.h"
#include "report/usage.h"
#include "util/cleanup.h"
#include "util/timestamp.h"

enum {
        KEY_ALL = 'a',
        KEY_WATCH = 'w',
        KEY_NO_STREAM = 0x100,
        KEY_FORMAT,
};

/* Cursor to the top left, and all below is cleared: the line that is gone, too. */
#define CLEAR_SCREEN "\033[H\033[J"

struct stats_options {
        struct parsed parsed;
        bool all, watch, no_stream, json;
};

/* The present reading and the one before. */
struct readings {
        json_t *now, *former;
        int64_t read_at; /* of `now`, microseconds */
};

static void readings_clear(struct readings *readings) {
        json_decref(readings->now);
        json_decref(readings->former);
}

static int parse(struct parsed *parsed, int key, const char *argument) {
        struct stats_options *o = (struct stats_options *)parsed;

        switch (key) {
        case KEY_ALL:
                o->all = true;
                return 0;
        case KEY_WATCH:
                o->watch = true;
                return 0;
        case KEY_NO_STREAM:
                o->no_stream = true;
                return 0;
        default:
                return command_format(argument, &o->json, parsed->error);
        }
}

static int check_options(const struct stats_options *o, struct error *error) {
        if (o->watch && o->no_stream)
                return error_set(error, EXIT_STATUS_USAGE, 0, NULL,
                                 "stats: --watch and --no-stream exclude each other");
        if (o->all && o->parsed.id_count > 0)
                return error_set(error, EXIT_STATUS_USAGE, 0, NULL,
                                 "stats: --all and an ID exclude each other");
        if (!o->all && o->parsed.id_count == 0)
                return error_set(error, EXIT_STATUS_USAGE, 0, NULL, "stats: an ID or --all is missing");
        return 0;
}

static int64_t monotonic_us(void) {
        struct timespec now;

        (void)clock_gettime(CLOCK_MONOTONIC, &now);
        return now.tv_sec * 1000000 + now.tv_nsec / 1000;
}

static bool has_id(const json_t *reading, const char *id) {
        for (size_t i = 0; i < json_array_size(reading); i++)
                if (strcmp(json_string_value(json_object_get(json_array_get(reading, i), "id")), id) == 0)
                        return true;
        return false;
}

/* At the first reading, all that were named have to be there. */
static int check_named(const struct sandbox_environment *environment, const struct stats_options *o,
                       const json_t *reading, struct error *error) {
        for (size_t i = 0; i < o->parsed.id_count; i++)
                if (!has_id(reading, o->parsed.ids[i]))
                        return error_set(error, EXIT_STATUS_NO_SANDBOX, 0, NULL,
                                         "there is no sandbox \"%s\" in %s", o->parsed.ids[i],
                                         environment->root);
        return 0;
}

static int print_lines(const struct stats_options *o, json_t *lines, bool clear, struct error *error) {
        const json_t *line;
        size_t i;

        if (!o->json) {
                if (clear)
                        fputs(CLEAR_SCREEN, stdout);
                return usage_write(stdout, lines) < 0 ? error_oom(error) : command_end_output(error);
        }
        json_array_foreach(lines, i, line) {
                int r = command_print_line(json_incref((json_t *)line), error);

                if (r < 0)
                        return r;
        }
        return 0;
}

/* Reads, and prints what has become of it since the reading before. */
static int show(const struct sandbox_environment *environment, const struct stats_options *o, bool clear,
                struct readings *readings, struct error *error) {
        _cleanup_json_ json_t *lines = NULL;
        int64_t former_at = readings->read_at;
        char now[TIMESTAMP_SIZE];
        bool first = !readings->now;
        int r;

        json_decref(readings->former);
        readings->former = TAKE(readings->now);
        readings->read_at = monotonic_us();
        timestamp_now(now);
        r = sandbox_list(environment, o->all ? NULL : o->parsed.ids, o->parsed.id_count, SANDBOX_LIST_STATS,
                         &readings->now, error);
        if (r == 0 && first)
                r = check_named(environment, o, readings->now, error);
        if (r < 0)
                return r;
        lines = usage_lines(readings->now, readings->former, readings->read_at - former_at, now);
        return lines ? print_lines(o, lines, clear, error) : error_oom(error);
}

static int stream(const struct sandbox_environment *environment, const struct stats_options *o,
                  struct error *error) {
        _cleanup_(readings_clear) struct readings readings = {0};
        bool terminal = command_is_output_terminal(), again = o->watch || (terminal && !o->no_stream);
        struct timespec next;
        int r;

        for (;;) {
                (void)clock_gettime(CLOCK_MONOTONIC, &next);
                r = show(environment, o, again && terminal, &readings, error);
                /* Those that were named are gone. */
                if (r < 0 || !again || (!o->all && json_array_size(readings.now) == 0))
                        return r;
                next.tv_sec++;
                (void)clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &next, NULL);
        }
}

static int run(const struct sandbox_environment *environment, int argc, char **argv, struct error *error) {
        struct stats_options o = {0};
        int r;

        r = command_parse(&command_stats, argc, argv, &o.parsed, error);
        if (r == 0)
                r = check_options(&o, error);
        if (r != 0)
                return r;
        (void)command_set_locale();
        return stream(environment, &o, error);
}

static const struct command_option options[] = {
        {"all", KEY_ALL, NULL, "all sandboxes, also those that are created later", COMPLETE_NONE},
        {"watch", KEY_WATCH, NULL, "each second (default on a terminal)", COMPLETE_NONE},
        {"no-stream", KEY_NO_STREAM, NULL, "once (default elsewhere)", COMPLETE_NONE},
        {"format", KEY_FORMAT, "table|json", "default: table", COMPLETE_WORDS},
        {0},
};

const struct command command_stats = {
        .name = "stats",
        .summary = "print what sandboxes use, once or each second",
        .arguments = "ID...",
        .description = "Print what sandboxes use, one line each: once, or each second.",
        .id = ID_SEVERAL,
        .options = options,
        .parse = parse,
        .run = run,
};
