/* SPDX-License-Identifier: Apache-2.0 */
/* list: every sandbox under a root, as a table or as JSON */
#include <string.h>

#include "command.h"

enum {
        KEY_FORMAT = 0x100,
};

struct list_options {
        struct parsed parsed;
        bool json;
};

static int parse(struct parsed *parsed, int key, const char *argument) {
        struct list_options *o = (struct list_options *)parsed;

        (void)key;
        o->json = strcmp(argument, "json") == 0;
        if (o->json || strcmp(argument, "table") == 0)
                return 0;
        return error_set(parsed->error, EXIT_STATUS_USAGE, 0, "--format", "\"%s\" is neither table nor json",
                         argument);
}

static const char *text_of(const json_t *entry, const char *name) {
        const char *text = json_string_value(json_object_get(entry, name));

        return text ? text : "-";
}

static void print_table(const json_t *list) {
        const json_t *entry;
        size_t i;

        printf("%-32s %-9s %-9s %-7s %s\n", "ID", "DRIVER", "PHASE", "CGROUPS", "PATH");
        json_array_foreach((json_t *)list, i, entry) {
                const char *problem = json_string_value(json_object_get(entry, "error"));

                printf("%-32s %-9s %-9s %-7s %s\n", text_of(entry, "id"), text_of(entry, "driver"),
                       problem ? "broken" : text_of(entry, "phase"),
                       json_is_true(json_object_get(entry, "exists")) ? "yes" : "no",
                       problem ? problem : text_of(entry, "cgroupsPath"));
        }
}

static int run(const struct sandbox_environment *environment, int argc, char **argv, struct error *error) {
        struct list_options o = {0};
        json_t *list = NULL;
        int r;

        r = command_parse(&command_list, argc, argv, &o.parsed, error);
        if (r == 0)
                r = sandbox_list(environment, NULL, 0, SANDBOX_LIST_USE, &list, error);
        if (r != 0)
                return r;
        if (o.json)
                return command_print(list, error);
        print_table(list);
        json_decref(list);
        return 0;
}

static const struct command_option options[] = {
        {"format", KEY_FORMAT, "table|json", "default: table", COMPLETE_WORDS},
        {0},
};

const struct command command_list = {
        .name = "list",
        .summary = "print every sandbox",
        .description = "Print every sandbox, and whether its cgroups are there.",
        .options = options,
        .parse = parse,
        .run = run,
};
