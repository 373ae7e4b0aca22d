/* SPDX-License-Identifier: Apache-2.0 */
/*
 * watch: what happens in sandboxes, one JSON object a line
 *
 * Subtle: a reader that goes away is no error of the watch, be it noticed by a write (EPIPE) or before.
 */
#include <unistd.h>

#include "command.h"
#include "util/cleanup.h"

enum {
        KEY_ALL = 0x100,
        KEY_PSI,
};

struct watch_options {
        struct parsed parsed;
        bool all;
        const char **psi;
        size_t psi_count;
};

static int parse(struct parsed *parsed, int key, const char *argument) {
        struct watch_options *o = (struct watch_options *)parsed;

        if (key == KEY_PSI)
                return command_add_text(&o->psi, &o->psi_count, argument, parsed->error);
        o->all = true;
        return 0;
}

static int print(json_t *event, void *data, struct error *error) {
        bool *closed = data;
        int r = command_print_line(event, error);

        *closed = r == -EPIPE;
        return r;
}

static int watch(const struct sandbox_environment *environment, const struct watch_options *o,
                 struct error *error) {
        bool closed = false;
        const struct sandbox_watch watch = {o->parsed.id, o->psi, o->psi_count, STDOUT_FILENO, print, &closed};
        int r;

        if (o->all && o->parsed.id)
                return error_set(error, EXIT_STATUS_USAGE, 0, NULL,
                                 "watch: an ID and --all exclude each other");
        if (!o->all && !o->parsed.id)
                return error_set(error, EXIT_STATUS_USAGE, 0, NULL,
                                 "watch: the sandbox's ID is missing, or --all");
        r = sandbox_watch(environment, &watch, error);
        if (closed) {
                error_clear(error);
                return 0;
        }
        return r;
}

static int run(const struct sandbox_environment *environment, int argc, char **argv, struct error *error) {
        struct watch_options o = {0};
        int r;

        r = command_parse(&command_watch, argc, argv, &o.parsed, error);
        if (r == 0)
                r = watch(environment, &o, error);
        free(o.psi);
        return r;
}

static const struct command_option options[] = {
        {"all", KEY_ALL, NULL, "every sandbox, also those that come later", COMPLETE_NONE},
        {"psi", KEY_PSI, "cpu|memory|io:THRESHOLD/WINDOW",
         "tell of pressure, for example memory:150ms/1s (may be repeated)", COMPLETE_NONE},
        {0},
};

const struct command command_watch = {
        .name = "watch",
        .summary = "print what happens in sandboxes, as JSON lines",
        .arguments = "ID | --all",
        .description = "Print OOM kills, limits that are hit, pressure, freezing and the end of groups, VMMs "
                       "and sandboxes "
                       "as they happen, one JSON object a line.",
        .id = ID_OPTIONAL,
        .options = options,
        .parse = parse,
        .run = run,
};
