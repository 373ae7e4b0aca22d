/* SPDX-License-Identifier: Apache-2.0 */
/* prune: what dead sandboxes have left. What was done is printed also where something could not be removed. */
#include "command.h"

enum {
        KEY_DRY_RUN = 0x100,
        KEY_PATH,
};

static const struct command_option options[] = {
        {"dry-run", KEY_DRY_RUN, NULL, "print what would be removed, and change nothing", COMPLETE_NONE},
        {"path", KEY_PATH, "PATH", "below this cgroupsPath, remove empty cgroups of anybody, too; repeatable",
         COMPLETE_NONE},
        {0},
};

struct prune_options {
        struct parsed parsed;
        const char **paths;
        struct sandbox_prune prune;
};

static int parse(struct parsed *parsed, int key, const char *argument) {
        struct prune_options *o = (struct prune_options *)parsed;

        if (key == KEY_PATH)
                return command_add_text(&o->paths, &o->prune.path_count, argument, parsed->error);
        o->prune.dry_run = true;
        return 0;
}

static int run(const struct sandbox_environment *environment, int argc, char **argv, struct error *error) {
        struct prune_options o = {0};
        json_t *out = NULL;
        int r, printed;

        r = command_parse(&command_prune, argc, argv, &o.parsed, error);
        o.prune.paths = o.paths;
        if (r == 0)
                r = sandbox_prune(environment, &o.prune, &out, error);
        free(o.paths);
        if (!out)
                return r;
        printed = command_print(out, error);
        return r < 0 ? r : printed;
}

const struct command command_prune = {
        .name = "prune",
        .summary = "clear what dead sandboxes have left",
        .description = "Remove the states, control groups and units that dead sandboxes have left, and print "
                       "what was done "
                       "as JSON.",
        .id = ID_NONE,
        .options = options,
        .parse = parse,
        .run = run,
};
