/* SPDX-License-Identifier: Apache-2.0 */
/*
 * complete: what a shell offers for the word at the cursor
 *
 * The scripts in completions/ call it with the words behind the program's name, the last of which is the one at the cursor.
 * It prints a candidate a line: the word, a tab, what it means. A line that begins with ':' tells the shell to complete by
 * itself (":file", ":directory", ":pid", ":command N", where another command line begins with word N, counted from 0), or
 * which part of the word the candidates do not repeat (":prefix --format=").
 */
#include <string.h>

#include "command.h"
#include "util/cleanup.h"

struct completion_state {
        const struct command *command;
        char root[4096];                      /* of --root; longer ones have no candidates */
        const struct command_option *pending; /* the option whose argument the word at the cursor is */
        bool options_ended;
        bool has_id;
        size_t rest; /* where another command line begins; 0: nowhere */
};

static const struct command_option *find_in(const struct command_option *options, const char *word,
                                            size_t length) {
        for (; options && options->name; options++) {
                if (length == 2 && word[0] == '-' && word[1] == options->key)
                        return options;
                if (length > 2 && strlen(options->name) == length - 2 &&
                    strncmp(options->name, word + 2, length - 2) == 0)
                        return options;
        }
        return NULL;
}

/* The option that a word names, up to its '='. */
static const struct command_option *find_option(const struct command *command, const char *word) {
        size_t length = strcspn(word, "=");
        const struct command_option *option = find_in(command->options, word, length);

        return option ? option : find_in(command_common_options, word, length);
}

static bool is_option(const struct completion_state *state, const char *word) {
        return !state->options_ended && word[0] == '-' && word[1] != '\0';
}

static void take_value(struct completion_state *state, const struct command_option *option, const char *value) {
        if (state->command == &command_program && strcmp(option->name, "root") == 0)
                (void)snprintf(state->root, sizeof(state->root), "%s", value);
}

/* A word before the one at the cursor; `next` is the word behind it. Whether that is its value. */
static bool take_option(struct completion_state *state, const char *word, const char *next) {
        const struct command_option *option = find_option(state->command, word);
        const char *value = strchr(word, '=');

        if (!option || !option->argument)
                return false;
        take_value(state, option, value ? value + 1 : next);
        return !value;
}

static void take_word(struct completion_state *state, const char *word, size_t index) {
        if (state->command == &command_program) {
                state->command = command_find(word);
                state->options_ended = false;
        } else if (state->command->id == ID_SEVERAL) {
                return;
        } else if (state->command->id != ID_NONE && !state->has_id) {
                state->has_id = true;
        } else if (state->command->takes_rest) {
                state->rest = index;
        }
}

/* Takes all words but the last. */
static void take_words(struct completion_state *state, char **words, size_t count) {
        for (size_t i = 0; i + 1 < count && state->command && state->rest == 0; i++) {
                if (!is_option(state, words[i]))
                        take_word(state, words[i], i);
                else if (strcmp(words[i], "--") == 0)
                        state->options_ended = true;
                else if (take_option(state, words[i], words[i + 1]) && ++i + 1 == count)
                        state->pending = find_option(state->command, words[i - 1]);
        }
}

static bool begins(const char *text, const char *beginning) {
        return strncmp(text, beginning, strlen(beginning)) == 0;
}

static void offer(const char *candidate, const char *meaning, const char *beginning) {
        if (begins(candidate, beginning))
                printf("%s\t%s\n", candidate, meaning);
}

static void offer_options(const struct command_option *options, const char *beginning) {
        for (; options && options->name; options++)
                if (begins(options->name, beginning))
                        printf("--%s\t%s\n", options->name, options->help);
}

static void offer_commands(const char *beginning) {
        for (const struct command *const *command = command_table; *command; command++)
                if (!(*command)->hidden)
                        offer((*command)->name, (*command)->summary, beginning);
}

static void offer_ids(const struct sandbox_environment *environment, const char *root, const char *beginning) {
        const struct sandbox_environment other = {.root = root[0] != '\0' ? root : environment->root};
        _cleanup_json_ json_t *list = NULL;
        const json_t *entry;
        size_t i;

        if (sandbox_list(&other, NULL, 0, SANDBOX_LIST_STATE, &list, NULL) < 0)
                return;
        json_array_foreach(list, i, entry) {
                const char *path = json_string_value(json_object_get(entry, "cgroupsPath"));

                offer(json_string_value(json_object_get(entry, "id")), path ? path : "cannot be examined",
                      beginning);
        }
}

/* Of "a|b|c". */
static void offer_words(const char *words, const char *beginning) {
        size_t length;

        for (; *words; words += length + (words[length] == '|')) {
                length = strcspn(words, "|");
                if (length >= strlen(beginning) && begins(words, beginning))
                        printf("%.*s\t\n", (int)length, words);
        }
}

/* The candidates are for the part of the word that begins at `beginning`. */
static void print_prefix(const char *word, const char *beginning) {
        if (beginning > word)
                printf(":prefix %.*s\n", (int)(beginning - word), word);
}

/* Behind the last comma. */
static void offer_fields(const char *word, const char *beginning) {
        const char *comma = strrchr(beginning, ',');
        _cleanup_free_ char *names = sandbox_field_names();
        char *rest = names, *name;

        if (comma)
                beginning = comma + 1;
        print_prefix(word, beginning);
        while ((name = strsep(&rest, " ,")))
                if (name[0] != '\0')
                        offer(name, "", beginning);
}

/* `beginning` is the part of the word that is the option's argument. */
static void offer_values(const struct command_option *option, const char *word, const char *beginning) {
        if (option->completion != COMPLETE_FIELD)
                print_prefix(word, beginning);
        switch (option->completion) {
        case COMPLETE_NONE:
                break;
        case COMPLETE_FILE:
                puts(":file");
                break;
        case COMPLETE_DIRECTORY:
                puts(":directory");
                break;
        case COMPLETE_PID:
                puts(":pid");
                break;
        case COMPLETE_FIELD:
                offer_fields(word, beginning);
                break;
        case COMPLETE_WORDS:
                offer_words(option->argument, beginning);
                break;
        }
}

static void complete_option(const struct completion_state *state, const char *word) {
        const char *value = strchr(word, '=');
        const struct command_option *option;

        if (!value) {
                const char *beginning = word + 1 + (word[1] == '-');

                offer_options(state->command->options, beginning);
                offer_options(command_common_options, beginning);
                return;
        }
        option = find_option(state->command, word);
        if (!option || !option->argument)
                return;
        offer_values(option, word, value + 1);
}

static void complete(const struct sandbox_environment *environment, const struct completion_state *state,
                     const char *word, size_t index) {
        const struct command *command = state->command;

        if (state->pending)
                offer_values(state->pending, word, word);
        else if (state->rest != 0)
                printf(":command %zu\n", state->rest);
        else if (is_option(state, word))
                complete_option(state, word);
        else if (command == &command_program || (command == &command_help && !state->has_id))
                offer_commands(word);
        else if (command->id != ID_NONE && command->id != ID_NEW && !state->has_id)
                offer_ids(environment, state->root, word);
        else if (command->takes_rest)
                printf(":command %zu\n", index);
}

static int run(const struct sandbox_environment *environment, int argc, char **argv, struct error *error) {
        struct completion_state state = {.command = &command_program};
        struct parsed parsed = {0};
        size_t count = 0;
        int r;

        r = command_parse(&command_complete, argc, argv, &parsed, error);
        if (r != 0 || !parsed.rest)
                return r;
        while (parsed.rest[count])
                count++;
        take_words(&state, parsed.rest, count);
        if (state.command)
                complete(environment, &state, parsed.rest[count - 1], count - 1);
        return 0;
}

const struct command command_complete = {
        .name = "complete",
        .summary = "print what the last word may become",
        .arguments = "-- WORD...",
        .description = "Print what the last of the words may become: for the completion of shells.",
        .takes_rest = true,
        .hidden = true,
        .run = run,
};
