/* SPDX-License-Identifier: Apache-2.0 */
/* inspect: one sandbox, as JSON */
#include "command.h"

enum {
        KEY_STATS = 0x100,
};

struct inspect_options {
        struct parsed parsed;
        bool stats;
};

static int parse(struct parsed *parsed, int key, const char *argument) {
        struct inspect_options *o = (struct inspect_options *)parsed;

        (void)key;
        (void)argument;
        o->stats = true;
        return 0;
}

static int run(const struct sandbox_environment *environment, int argc, char **argv, struct error *error) {
        struct inspect_options o = {0};
        json_t *out = NULL;
        int r;

        r = command_parse(&command_inspect, argc, argv, &o.parsed, error);
        if (r == 0)
                r = sandbox_inspect(environment, o.parsed.id, o.stats, &out, error);
        return r == 0 ? command_print(out, error) : r;
}

static const struct command_option options[] = {
        {"stats", KEY_STATS, NULL, "also what its cgroups have used", COMPLETE_NONE},
        {0},
};

const struct command command_inspect = {
        .name = "inspect",
        .summary = "print what a sandbox is, as JSON",
        .arguments = "ID",
        .description = "Print what a sandbox is, and what the kernel says of it, as JSON.",
        .id = ID_REQUIRED,
        .options = options,
        .parse = parse,
        .run = run,
};
