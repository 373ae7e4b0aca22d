/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * Options: one table for each command, from which the parser, --help, features and shell completion all come
 *
 * The rules are those of getopt_long(3), with these differences: a long option is never abbreviated, since any new option
 * would make some abbreviation ambiguous; and POSIXLY_CORRECT changes nothing.
 */

#include <stdbool.h>
#include <stddef.h>

#include "util/error.h"

/* What a shell offers for an option's argument. */
enum completion {
        COMPLETE_NONE,
        COMPLETE_FILE,
        COMPLETE_DIRECTORY,
        COMPLETE_PID,
        COMPLETE_FIELD, /* of LinuxResources; a list with commas */
        COMPLETE_WORDS, /* those of the argument's name: "table|json" */
};

struct command_option {
        const char *name;     /* long, without the dashes */
        int key;              /* what the parser is given; a printable character is the short option, too */
        const char *argument; /* its name in --help; NULL: the option takes none */
        const char *help;
        enum completion completion;
};

enum id_argument {
        ID_NONE,
        ID_REQUIRED, /* of a sandbox that there is */
        ID_NEW,      /* required, of one that there is not */
        ID_OPTIONAL,
        ID_SEVERAL, /* any number of them, none included */
};

/* What a parsed command line says of every command. A command's own options begin with it. */
struct parsed {
        const char *id;   /* NULL: not given */
        const char **ids; /* with ID_SEVERAL, instead: all of them, in argv */
        size_t id_count;
        char **rest; /* NULL-terminated, in argv; NULL: there is none. Only with `takes_rest` */
        struct error *error;
};

struct sandbox_environment;

struct command {
        const char *name;
        const char *summary;     /* in the list of commands */
        const char *arguments;   /* in the usage line, behind the options */
        const char *description; /* in --help */
        enum id_argument id;
        bool takes_rest; /* what follows the ID, or the options where there is none, is another command line */
        bool hidden;     /* not in the list of commands */
        const struct command_option
                *options; /* up to one without a name; --help and --version come by themselves */
        /* Takes an option; 0, or a negative errno with parsed->error set. NULL where there are no options. */
        int (*parse)(struct parsed *parsed, int key, const char *argument);
        int (*run)(const struct sandbox_environment *environment, int argc, char **argv, struct error *error);
};

/* All commands, up to NULL; and the program itself, with the options that go before a command. */
extern const struct command *const command_table[];
extern const struct command command_program;

/* --help and --version, up to an option without a name. */
extern const struct command_option command_common_options[];

/* NULL where there is none. */
const struct command *command_find(const char *name);

/* Parses the arguments behind argv[0]. Returns 0, 1 where --help or --version was printed and nothing is left to do, or a
 * negative errno with `error` set: status 2, or what the command's parser has set. */
int command_parse(const struct command *command, int argc, char **argv, struct parsed *parsed,
                  struct error *error);

/* Status 2 for a word that is no command; names the nearest one. */
int command_fail_unknown(const char *word, struct error *error);

/* What --help and --version print. */
void command_print_help(const struct command *command);
void command_print_version(void);
