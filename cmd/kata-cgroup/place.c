/* SPDX-License-Identifier: Apache-2.0 */
/* place: options */
#include <stdlib.h>

#include "command.h"

enum {
        KEY_PID = 0x100,
};

static const struct command_option options[] = {
        {"pid", KEY_PID, "PID", "a runtime process (shim, virtiofsd) to place; repeatable", COMPLETE_PID},
        {0},
};

struct place_options {
        struct parsed parsed;
        pid_t *pids;
        size_t pid_count;
};

static int parse(struct parsed *parsed, int key, const char *argument) {
        struct place_options *o = (struct place_options *)parsed;

        (void)key;
        return command_add_pid(&o->pids, &o->pid_count, argument, parsed->error);
}

static int run(const struct sandbox_environment *environment, int argc, char **argv, struct error *error) {
        struct place_options o = {0};
        int r;

        r = command_parse(&command_place, argc, argv, &o.parsed, error);
        if (r == 0 && o.pid_count == 0)
                r = error_set(error, EXIT_STATUS_USAGE, 0, NULL, "place: --pid is needed");
        if (r == 0)
                r = sandbox_place(environment, o.parsed.id, o.pids, o.pid_count, error);
        free(o.pids);
        return r;
}

const struct command command_place = {
        .name = "place",
        .summary = "place a runtime process that started after create",
        .arguments = "ID",
        .description = "Place runtime processes that started after create.",
        .id = ID_REQUIRED,
        .options = options,
        .parse = parse,
        .run = run,
};
