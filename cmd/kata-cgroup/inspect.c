/* SPDX-License-Identifier: Apache-2.0 */
#include <inttypes.h>
#include <string.h>

#include "command.h"

const struct argp_option command_features_options[] = {OPTIONS_COMMON, {0}};

enum {
        KEY_STATS = 0x100,
        KEY_FORMAT,
};

const struct argp_option command_inspect_options[] = {
        {"stats", KEY_STATS, NULL, 0, "also what its cgroups have used", 0},
        OPTIONS_COMMON,
        {0},
};

struct inspect_options {
        struct parsed parsed;
        bool stats;
};

static error_t parse_inspect(int key, char *argument, struct argp_state *state) {
        struct inspect_options *o = state->input;

        if (key != KEY_STATS)
                return command_parse_common(key, argument, state);
        o->stats = true;
        return 0;
}

static const struct argp inspect_argp = {command_inspect_options,
                                         parse_inspect,
                                         "ID",
                                         "Print what a sandbox is, and what the kernel says of it, as JSON.",
                                         NULL,
                                         command_help_filter,
                                         NULL};

int command_inspect(const struct sandbox_environment *environment, int argc, char **argv, struct error *error) {
        struct inspect_options o = {.parsed = {.takes_id = true}};
        json_t *out = NULL;
        int r;

        r = command_parse(&inspect_argp, "inspect", argc, argv, &o, error);
        if (r == 0)
                r = sandbox_inspect(environment, o.parsed.id, o.stats, &out, error);
        return r == 0 ? command_print(out, error) : r;
}

static const struct argp features_argp = {command_features_options,
                                          command_parse_common,
                                          NULL,
                                          "Print what this build and this host can do, as JSON.",
                                          NULL,
                                          command_help_filter,
                                          NULL};

/* By their long names. */
static json_t *options_to_json(const struct argp_option *options) {
        json_t *array = json_array();

        for (; array && options->name; options++)
                (void)json_array_append_new(array, json_sprintf("--%s", options->name));
        return array;
}

static json_t *commands_to_json(void) {
        json_t *object = json_object();

        for (const struct command *command = command_table; object && command->name; command++)
                (void)json_object_set_new(object, command->name,
                                          json_pack("{s:o}", "options", options_to_json(command->options)));
        return object;
}

int command_features(const struct sandbox_environment *environment, int argc, char **argv,
                     struct error *error) {
        struct parsed parsed = {0};
        json_t *out = NULL;
        int r;

        r = command_parse(&features_argp, "features", argc, argv, &parsed, error);
        if (r == 0)
                r = sandbox_features(environment, &out, error);
        if (r != 0)
                return r;
        if (json_object_set_new(out, "options", options_to_json(command_global_options)) < 0 ||
            json_object_set_new(out, "commands", commands_to_json()) < 0) {
                json_decref(out);
                return error_oom(error);
        }
        return command_print(out, error);
}

const struct argp_option command_list_options[] = {
        {"format", KEY_FORMAT, "table|json", 0, "default: table", 0},
        OPTIONS_COMMON,
        {0},
};

struct list_options {
        struct parsed parsed;
        bool json;
};

static error_t parse_list(int key, char *argument, struct argp_state *state) {
        struct list_options *o = state->input;

        if (key != KEY_FORMAT)
                return command_parse_common(key, argument, state);
        o->json = strcmp(argument, "json") == 0;
        if (o->json || strcmp(argument, "table") == 0)
                return 0;
        (void)error_set(o->parsed.error, EXIT_STATUS_USAGE, 0, "--format", "\"%s\" is neither table nor json",
                        argument);
        return ERANGE;
}

static const struct argp list_argp = {
        command_list_options, parse_list, NULL, "Print every sandbox, and whether its cgroups are there.", NULL,
        command_help_filter,  NULL};

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

int command_list(const struct sandbox_environment *environment, int argc, char **argv, struct error *error) {
        struct list_options o = {0};
        json_t *list = NULL;
        int r;

        r = command_parse(&list_argp, "list", argc, argv, &o, error);
        if (r == 0)
                r = sandbox_list(environment, &list, error);
        if (r != 0)
                return r;
        if (o.json)
                return command_print(list, error);
        print_table(list);
        json_decref(list);
        return 0;
}
