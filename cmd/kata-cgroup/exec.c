/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <unistd.h>

#include "command.h"

const struct argp_option command_exec_options[] = {
        OPTIONS_COMMON,
        {0},
};

struct exec_options {
        struct parsed parsed;
        char **command; /* in argv, NULL-terminated */
};

static error_t parse(int key, char *argument, struct argp_state *state) {
        struct exec_options *o = state->input;

        if (key != ARGP_KEY_ARG || !o->parsed.id)
                return command_parse_common(key, argument, state);
        /* What follows is the command's own. */
        o->command = &state->argv[state->next - 1];
        state->next = state->argc;
        return 0;
}

static const struct argp argp = {command_exec_options,
                                 parse,
                                 "ID [--] COMMAND [ARGUMENT...]",
                                 "Become a VMM in the control group that it belongs to from its first page on.",
                                 NULL,
                                 command_help_filter,
                                 NULL};

int command_exec(const struct sandbox_environment *environment, int argc, char **argv, struct error *error) {
        struct exec_options o = {.parsed = {.takes_id = true, .in_order = true}};
        int r;

        r = command_parse(&argp, "exec", argc, argv, &o, error);
        if (r == 0 && !o.command)
                r = error_set(error, EXIT_STATUS_USAGE, 0, NULL, "exec: the command is missing");
        if (r == 0)
                r = sandbox_enter(environment, o.parsed.id, error);
        if (r != 0)
                return r;
        command_restore_process();
        (void)execvp(o.command[0], o.command);
        r = errno;
        command_set_process();
        return error_set(error, r == ENOENT ? EXIT_STATUS_NOT_FOUND : EXIT_STATUS_CANNOT_EXECUTE, r, NULL,
                         "cannot execute %s", o.command[0]);
}
