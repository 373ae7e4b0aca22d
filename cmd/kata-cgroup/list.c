/* SPDX-License-Identifier: Apache-2.0 */
/* list: every sandbox under a root, as a table, as JSON, or by ID alone */
#include <string.h>

#include "command.h"
#include "report/listing.h"
#include "util/cleanup.h"

enum {
        KEY_QUIET = 'q',
        KEY_FORMAT = 0x100,
};

struct list_options {
        struct parsed parsed;
        bool quiet, json;
};

static int parse(struct parsed *parsed, int key, const char *argument) {
        struct list_options *o = (struct list_options *)parsed;

        if (key == KEY_FORMAT)
                return command_format(argument, &o->json, parsed->error);
        o->quiet = true;
        return 0;
}

static void print_ids(const json_t *list) {
        const json_t *entry;
        size_t i;

        json_array_foreach((json_t *)list, i, entry) {
                puts(json_string_value(json_object_get(entry, "id")));
        }
}

static int print_table(const json_t *list, struct error *error) {
        (void)command_set_locale();
        return listing_write(stdout, list) < 0 ? error_oom(error) : 0;
}

static int run(const struct sandbox_environment *environment, int argc, char **argv, struct error *error) {
        struct list_options o = {0};
        _cleanup_json_ json_t *list = NULL;
        int r;

        r = command_parse(&command_list, argc, argv, &o.parsed, error);
        if (r == 0 && o.quiet && o.json)
                return error_set(error, EXIT_STATUS_USAGE, 0, NULL,
                                 "list: --quiet and --format json exclude each other");
        if (r == 0)
                r = sandbox_list(environment, NULL, 0, o.quiet ? SANDBOX_LIST_STATE : SANDBOX_LIST_USE, &list,
                                 error);
        if (r != 0)
                return r;
        if (o.json)
                return command_print(TAKE(list), error);
        if (!o.quiet)
                return print_table(list, error);
        print_ids(list);
        return 0;
}

static const struct command_option options[] = {
        {"quiet", KEY_QUIET, NULL, "print IDs only", COMPLETE_NONE},
        {"format", KEY_FORMAT, "table|json", "default: table", COMPLETE_WORDS},
        {0},
};

const struct command command_list = {
        .name = "list",
        .summary = "print every sandbox",
        .description = "Print every sandbox, what it uses, and what is wrong with it.",
        .options = options,
        .parse = parse,
        .run = run,
};
