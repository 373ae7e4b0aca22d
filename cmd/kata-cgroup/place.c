/* SPDX-License-Identifier: Apache-2.0 */
#include <stdlib.h>

#include "command.h"

enum {
        KEY_PID = 0x100,
};

const struct argp_option command_place_options[] = {
        {"pid", KEY_PID, "PID", 0, "a runtime process (shim, virtiofsd) to place; repeatable", 0},
        OPTIONS_COMMON,
        {0},
};

struct place_options {
        struct parsed parsed;
        pid_t *pids;
        size_t pid_count;
};

static error_t parse(int key, char *argument, struct argp_state *state) {
        struct place_options *o = state->input;

        if (key != KEY_PID)
                return command_parse_common(key, argument, state);
        return command_add_pid(&o->pids, &o->pid_count, argument, o->parsed.error) < 0 ? ERANGE : 0;
}

static const struct argp argp = {
        command_place_options, parse, "ID", "Place runtime processes that have come after create.", NULL,
        command_help_filter,   NULL};

int command_place(const struct sandbox_environment *environment, int argc, char **argv, struct error *error) {
        struct place_options o = {.parsed = {.takes_id = true}};
        int r;

        r = command_parse(&argp, "place", argc, argv, &o, error);
        if (r == 0 && o.pid_count == 0)
                r = error_set(error, EXIT_STATUS_USAGE, 0, NULL, "place: --pid is needed");
        if (r == 0)
                r = sandbox_place(environment, o.parsed.id, o.pids, o.pid_count, error);
        free(o.pids);
        return r;
}
