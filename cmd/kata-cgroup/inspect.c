/* SPDX-License-Identifier: Apache-2.0 */
/* inspect: one sandbox, as JSON or as a picture */
#include "command.h"
#include "report/tree.h"
#include "util/cleanup.h"

enum {
        KEY_STATS = 0x100,
        KEY_TREE,
};

struct inspect_options {
        struct parsed parsed;
        bool stats, tree;
};

static int parse(struct parsed *parsed, int key, const char *argument) {
        struct inspect_options *o = (struct inspect_options *)parsed;

        (void)argument;
        *(key == KEY_STATS ? &o->stats : &o->tree) = true;
        return 0;
}

static int print_tree(const struct sandbox_environment *environment, const char *id, struct error *error) {
        _cleanup_json_ json_t *sandbox = NULL;
        int r;

        r = sandbox_tree(environment, id, &sandbox, error);
        if (r < 0)
                return r;
        return tree_write(stdout, sandbox, command_set_locale()) < 0 ? error_oom(error) : 0;
}

static int run(const struct sandbox_environment *environment, int argc, char **argv, struct error *error) {
        struct inspect_options o = {0};
        json_t *out = NULL;
        int r;

        r = command_parse(&command_inspect, argc, argv, &o.parsed, error);
        if (r == 0 && o.stats && o.tree)
                return error_set(error, EXIT_STATUS_USAGE, 0, NULL,
                                 "inspect: --stats and --tree exclude each other: the tree shows what is used");
        if (r == 0 && o.tree)
                return print_tree(environment, o.parsed.id, error);
        if (r == 0)
                r = sandbox_inspect(environment, o.parsed.id, o.stats, &out, error);
        return r == 0 ? command_print(out, error) : r;
}

static const struct command_option options[] = {
        {"stats", KEY_STATS, NULL, "also what its cgroups have used", COMPLETE_NONE},
        {"tree", KEY_TREE, NULL, "as a picture: groups, processes, threads", COMPLETE_NONE},
        {0},
};

const struct command command_inspect = {
        .name = "inspect",
        .summary = "print what a sandbox is, as JSON or as a picture",
        .arguments = "ID",
        .description =
                "Print what a sandbox is, and what the kernel says of it, as JSON, or for people as a picture.",
        .id = ID_REQUIRED,
        .options = options,
        .parse = parse,
        .run = run,
};
