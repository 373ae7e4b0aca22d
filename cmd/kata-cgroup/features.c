/* SPDX-License-Identifier: Apache-2.0 */
/* features: what this build and this host can do, the commands' options included */
#include "command.h"

/* By their long names. */
static void add_options(const struct command_option *options, json_t *array) {
        for (; options && options->name; options++)
                (void)json_array_append_new(array, json_sprintf("--%s", options->name));
}

static json_t *options_to_json(const struct command *command) {
        json_t *array = json_array();

        if (!array)
                return NULL;
        add_options(command->options, array);
        add_options(command_common_options, array);
        return array;
}

static json_t *commands_to_json(void) {
        json_t *object = json_object();

        for (const struct command *const *command = command_table; object && *command; command++)
                if (!(*command)->hidden)
                        (void)json_object_set_new(object, (*command)->name,
                                                  json_pack("{s:o}", "options", options_to_json(*command)));
        return object;
}

static int run(const struct sandbox_environment *environment, int argc, char **argv, struct error *error) {
        struct parsed parsed = {0};
        json_t *out = NULL;
        int r;

        r = command_parse(&command_features, argc, argv, &parsed, error);
        if (r == 0)
                r = sandbox_features(environment, &out, error);
        if (r != 0)
                return r;
        if (json_object_set_new(out, "options", options_to_json(&command_program)) < 0 ||
            json_object_set_new(out, "commands", commands_to_json()) < 0) {
                json_decref(out);
                return error_oom(error);
        }
        return command_print(out, error);
}

const struct command command_features = {
        .name = "features",
        .summary = "print what this build and this host can do, as JSON",
        .description = "Print what this build and this host can do, as JSON.",
        .run = run,
};
