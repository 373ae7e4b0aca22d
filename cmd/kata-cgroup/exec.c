/* SPDX-License-Identifier: Apache-2.0 */
/*
 * exec: enters the sandbox's group and executes the VMM
 *
 * Subtle: the options end at the ID; all that follows is the VMM's command line.
 */
#include <errno.h>
#include <unistd.h>

#include "command.h"

static int run(const struct sandbox_environment *environment, int argc, char **argv, struct error *error) {
        struct parsed parsed = {0};
        int r;

        r = command_parse(&command_exec, argc, argv, &parsed, error);
        if (r == 0 && !parsed.rest)
                r = error_set(error, EXIT_STATUS_USAGE, 0, NULL, "exec: the command is missing");
        if (r == 0)
                r = sandbox_enter(environment, parsed.id, error);
        if (r != 0)
                return r;
        command_restore_process();
        (void)execvp(parsed.rest[0], parsed.rest);
        r = errno;
        command_set_process();
        return error_set(error, r == ENOENT ? EXIT_STATUS_NOT_FOUND : EXIT_STATUS_CANNOT_EXECUTE, r, NULL,
                         "cannot execute %s", parsed.rest[0]);
}

const struct command command_exec = {
        .name = "exec",
        .summary = "start a VMM in the control group that it belongs to",
        .arguments = "ID [--] COMMAND [ARGUMENT...]",
        .description =
                "Enter the VMM's control group and execute the VMM, so that all its memory is charged there.",
        .id = ID_REQUIRED,
        .takes_rest = true,
        .run = run,
};
