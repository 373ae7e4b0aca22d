/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The parser of command lines
 *
 * getopt_long(3) splits the words; its own messages are off, since a failure is exactly one line of our own.
 *
 * Subtle: getopt_long takes an abbreviation for the option. So the word is compared with the name of the option that
 * getopt_long has found. The leading '-' of the short options makes getopt_long report the other words in order,
 * whatever POSIXLY_CORRECT says.
 */
#include "options.h"

#include <ctype.h>
#include <errno.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "nearest.h"
#include "util/cleanup.h"

/* What getopt_long returns for a word that is no option. */
#define WORD 1

enum {
        KEY_HELP = 'h',
        KEY_VERSION = 'v',
};

const struct command_option command_common_options[] = {
        {"help", KEY_HELP, NULL, "print this help and exit", COMPLETE_NONE},
        {"version", KEY_VERSION, NULL, "print the version and exit", COMPLETE_NONE},
        {0},
};

/* The tables in getopt_long's form. */
struct tables {
        struct option *longs;
        char *shorts;
};

static void tables_clear(struct tables *tables) {
        free(tables->longs);
        free(tables->shorts);
}

static size_t count_options(const struct command_option *options) {
        size_t count = 0;

        while (options && options[count].name)
                count++;
        return count;
}

static void add_options(const struct command_option *options, struct option **longs, char **shorts) {
        for (; options && options->name; options++) {
                *(*longs)++ = (struct option){
                        options->name, options->argument ? required_argument : no_argument, NULL, options->key};
                if (options->key > 0x7f || !isgraph(options->key))
                        continue;
                *(*shorts)++ = (char)options->key;
                if (options->argument)
                        *(*shorts)++ = ':';
        }
}

static int tables_make(const struct command *command, struct tables *out) {
        size_t count = count_options(command->options) + count_options(command_common_options);
        struct option *longs;
        char *shorts;

        out->longs = longs = calloc(count + 1, sizeof(*longs));
        out->shorts = shorts = calloc(1, 2 * count + sizeof("-:"));
        if (!longs || !shorts)
                return -ENOMEM;
        shorts = stpcpy(shorts, "-:");
        add_options(command->options, &longs, &shorts);
        add_options(command_common_options, &longs, &shorts);
        return 0;
}

static bool is_program(const struct command *command) {
        return command == &command_program;
}

/* Status 2. `what` and `more` are around the word. */
static int fail_usage(const struct command *command, const char *what, const char *word, size_t length,
                      const char *more, struct error *error) {
        const char *name = is_program(command) ? "" : command->name;

        return error_set(error, EXIT_STATUS_USAGE, 0, NULL, "%s%s%s%.*s%s; see kata-cgroup %s%s--help", name,
                         name[0] != '\0' ? ": " : "", what, (int)length, word, more, name,
                         name[0] != '\0' ? " " : "");
}

static bool has_option(const struct command_option *options, const char *name) {
        for (; options && options->name; options++)
                if (strcmp(options->name, name) == 0)
                        return true;
        return false;
}

static void consider_options(const struct command_option *options, struct nearest *nearest) {
        for (; options && options->name; options++)
                nearest_consider(nearest, options->name);
}

/* `name`: without the dashes and the argument. */
static int fail_unknown_long(const struct command *command, const char *name, struct error *error) {
        _cleanup_free_ char *hint = NULL;
        struct nearest nearest = {.word = name};

        if (!is_program(command) && has_option(command_program.options, name))
                return error_set(error, EXIT_STATUS_USAGE, 0, NULL,
                                 "%s: --%s goes before the command: kata-cgroup --%s ... %s", command->name,
                                 name, name, command->name);
        consider_options(command->options, &nearest);
        consider_options(command_common_options, &nearest);
        if (nearest.name && asprintf(&hint, "; the nearest is --%s", nearest.name) < 0) {
                hint = NULL;
                return error_oom(error);
        }
        return fail_usage(command, "unknown option --", name, strlen(name), hint ? hint : "", error);
}

static bool is_known(const struct command *command, const char *name) {
        return has_option(command->options, name) || has_option(command_common_options, name);
}

static int fail_long(const struct command *command, const char *word, struct error *error) {
        size_t length = strcspn(word + 2, "=");
        _cleanup_free_ char *name = strndup(word + 2, length);

        if (!name)
                return error_oom(error);
        if (word[2 + length] == '=' && is_known(command, name))
                return fail_usage(command, "option --", name, length, " takes no argument", error);
        return fail_unknown_long(command, name, error);
}

/* What getopt_long has stumbled over: `word` is a long option, or `letter` is in a word of short ones. */
static int fail_option(const struct command *command, const char *word, int letter, struct error *error) {
        const char text = (char)letter;

        if (strncmp(word, "--", 2) == 0)
                return fail_long(command, word, error);
        return fail_usage(command, "unknown option -", &text, 1, "", error);
}

static int fail_argument(const struct command *command, const char *word, int letter, struct error *error) {
        const char text = (char)letter;

        /* getopt_long has also taken an abbreviation for the option. */
        if (strncmp(word, "--", 2) == 0 && !is_known(command, word + 2))
                return fail_long(command, word, error);
        if (strncmp(word, "--", 2) == 0)
                return fail_usage(command, "option ", word, strlen(word), " needs an argument", error);
        return fail_usage(command, "option -", &text, 1, " needs an argument", error);
}

/* Whether the word is the option's whole name. */
static bool is_spelt_out(const char *word, const struct option *option) {
        size_t length = strcspn(word + 2, "=");

        return option->name && strlen(option->name) == length && strncmp(word + 2, option->name, length) == 0;
}

/* A word that is no option. */
static int take_word(const struct command *command, char **word, struct parsed *parsed) {
        /* They move up to the first one: what is between has been looked at. */
        if (command->id == ID_SEVERAL) {
                parsed->ids = parsed->ids ? parsed->ids : (const char **)word;
                parsed->ids[parsed->id_count++] = *word;
                return 0;
        }
        if (command->id != ID_NONE && !parsed->id) {
                parsed->id = *word;
                return 0;
        }
        if (!command->takes_rest)
                return fail_usage(command, "superfluous argument \"", *word, strlen(*word), "\"",
                                  parsed->error);
        parsed->rest = word;
        return 0;
}

/* 0, 1 where nothing is left to do, or an error. */
static int take_option(const struct command *command, int key, const char *argument, struct parsed *parsed) {
        switch (key) {
        case KEY_HELP:
                command_print_help(command);
                return 1;
        case KEY_VERSION:
                command_print_version();
                return 1;
        default:
                return command->parse(parsed, key, argument);
        }
}

/* `word` is what getopt_long has looked at, `found` the long option that it took it for. */
static int parse_one(const struct command *command, int key, const char *word, const struct option *found,
                     struct parsed *parsed) {
        switch (key) {
        case ':':
                return fail_argument(command, word, optopt, parsed->error);
        case '?':
                return fail_option(command, word, optopt, parsed->error);
        default:
                if (found && !is_spelt_out(word, found))
                        return fail_long(command, word, parsed->error);
                return take_option(command, key, optarg, parsed);
        }
}

/* Options and words up to the end, to "--" or to the rest; then `optind` is the first word that is left. */
static int parse_options(const struct command *command, int argc, char **argv, const struct tables *tables,
                         struct parsed *parsed) {
        int r = 0;

        optind = 0; /* glibc and musl begin anew */
        opterr = 0;
        while (r == 0 && !parsed->rest) {
                int at = optind == 0 ? 1 : optind, found = -1;
                int key = getopt_long(argc, argv, tables->shorts, tables->longs, &found);

                if (key == -1)
                        break;
                if (key == WORD)
                        r = take_word(command, &argv[optind - 1], parsed);
                else
                        r = parse_one(command, key, argv[at], found >= 0 ? &tables->longs[found] : NULL,
                                      parsed);
        }
        return r;
}

int command_parse(const struct command *command, int argc, char **argv, struct parsed *parsed,
                  struct error *error) {
        _cleanup_(tables_clear) struct tables tables = {0};
        int r;

        parsed->error = error;
        if (tables_make(command, &tables) < 0)
                return error_oom(error);
        r = parse_options(command, argc, argv, &tables, parsed);
        /* Behind "--". */
        for (int i = optind; r == 0 && !parsed->rest && i < argc; i++)
                r = take_word(command, &argv[i], parsed);
        if (r == 0 && (command->id == ID_REQUIRED || command->id == ID_NEW) && !parsed->id)
                return error_set(error, EXIT_STATUS_USAGE, 0, NULL, "%s: the sandbox's ID is missing",
                                 command->name);
        return r;
}

const struct command *command_find(const char *name) {
        for (const struct command *const *command = command_table; *command; command++)
                if (strcmp((*command)->name, name) == 0)
                        return *command;
        return NULL;
}

int command_fail_unknown(const char *word, struct error *error) {
        struct nearest nearest = {.word = word};

        for (const struct command *const *command = command_table; *command; command++)
                if (!(*command)->hidden)
                        nearest_consider(&nearest, (*command)->name);
        return error_set(error, EXIT_STATUS_USAGE, 0, NULL, "unknown command: %s%s%s; see kata-cgroup --help",
                         word, nearest.name ? "; the nearest is " : "", nearest.name ? nearest.name : "");
}
