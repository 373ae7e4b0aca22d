/* SPDX-License-Identifier: Apache-2.0 */
/* freeze and thaw: one call with one flag. */
#include "command.h"

enum { KEY_TIMEOUT = 0x100 };

/* Less than the time that other commands wait for the sandbox's lock. */
#define TIMEOUT_MAX 25

static const struct command_option options[] = {
        {"timeout", KEY_TIMEOUT, "SECONDS", "for the processes to stop, or to go on (default: 10)",
         COMPLETE_NONE},
        {0},
};

struct freeze_options {
        struct parsed parsed;
        uint32_t timeout;
};

static int parse(struct parsed *parsed, int key, const char *argument) {
        struct freeze_options *o = (struct freeze_options *)parsed;

        (void)key;
        return command_number("--timeout", argument, 0, TIMEOUT_MAX, &o->timeout, parsed->error);
}

static int run(const struct command *command, bool frozen, const struct sandbox_environment *environment,
               int argc, char **argv, struct error *error) {
        struct freeze_options o = {.timeout = 10};
        int r = command_parse(command, argc, argv, &o.parsed, error);

        return r == 0 ? sandbox_freeze(environment, o.parsed.id, frozen, o.timeout, error) : r;
}

static int run_freeze(const struct sandbox_environment *environment, int argc, char **argv,
                      struct error *error) {
        return run(&command_freeze, true, environment, argc, argv, error);
}

static int run_thaw(const struct sandbox_environment *environment, int argc, char **argv, struct error *error) {
        return run(&command_thaw, false, environment, argc, argv, error);
}

const struct command command_freeze = {
        .name = "freeze",
        .summary = "stop the VMM of a sandbox",
        .arguments = "ID",
        .description =
                "Stop the processes in the sandbox's control group, with all threads of the VMM, until thaw.",
        .id = ID_REQUIRED,
        .options = options,
        .parse = parse,
        .run = run_freeze,
};

const struct command command_thaw = {
        .name = "thaw",
        .summary = "let a frozen sandbox go on",
        .arguments = "ID",
        .description = "Let the processes that freeze has stopped go on.",
        .id = ID_REQUIRED,
        .options = options,
        .parse = parse,
        .run = run_thaw,
};
