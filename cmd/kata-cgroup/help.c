/* SPDX-License-Identifier: Apache-2.0 */
/*
 * --help, help, --version and version
 *
 * The text comes from the commands' tables. Lines are as wide as a terminal of 80 columns: a pipe has no width.
 */
#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "command.h"

#include "util/version.h"

#define LINE_WIDTH 79
#define OPTION_INDENT 2
#define HELP_COLUMN 28

/* Prints the text from the column on, in lines of LINE_WIDTH that begin there; and the end of the line. */
static void print_wrapped(const char *text, int column) {
        int at = column;

        for (bool first = true; *text; first = false) {
                int length = (int)strcspn(text, " ");

                if (!first && at + 1 + length > LINE_WIDTH) {
                        printf("\n%*s", column, "");
                        at = column;
                } else if (!first) {
                        putchar(' ');
                        at++;
                }
                printf("%.*s", length, text);
                at += length;
                text += length + (text[length] == ' ');
        }
        putchar('\n');
}

static void print_option(const struct command_option *option) {
        char letter[] = "    ";
        int width;

        if (option->key <= 0x7f && isgraph(option->key))
                (void)snprintf(letter, sizeof(letter), "-%c, ", option->key);
        width = printf("%*s%s--%s%s%s", OPTION_INDENT, "", letter, option->name, option->argument ? "=" : "",
                       option->argument ? option->argument : "");
        if (width >= HELP_COLUMN - 1) {
                putchar('\n');
                width = 0;
        }
        printf("%*s", HELP_COLUMN - width, "");
        print_wrapped(option->help, HELP_COLUMN);
}

static void print_options(const struct command_option *options) {
        for (; options && options->name; options++)
                print_option(options);
}

static void print_commands(void) {
        printf("\nCommands:\n");
        for (const struct command *const *command = command_table; *command; command++) {
                if ((*command)->hidden)
                        continue;
                printf("  %-14s ", (*command)->name);
                print_wrapped((*command)->summary, 17);
        }
        printf("\n`kata-cgroup COMMAND --help' tells a command's options; see kata-cgroup(8).\n");
}

void command_print_help(const struct command *command) {
        bool program = command == &command_program;

        printf("Usage: kata-cgroup %s%s[OPTION...]%s%s\n", program ? "" : command->name, program ? "" : " ",
               command->arguments ? " " : "", command->arguments ? command->arguments : "");
        print_wrapped(command->description, 0);
        putchar('\n');
        print_options(command->options);
        print_options(command_common_options);
        if (program)
                print_commands();
}

void command_print_version(void) {
        printf("kata-cgroup %s (commit %s, %s)\n", version_number, version_commit, version_build);
}

/* The argument is a command's name, but not a sandbox's. */
static int run_help(const struct sandbox_environment *environment, int argc, char **argv, struct error *error) {
        struct parsed parsed = {0};
        const struct command *command = &command_program;
        int r = command_parse(&command_help, argc, argv, &parsed, error);

        (void)environment;
        if (r != 0)
                return r;
        if (parsed.id)
                command = command_find(parsed.id);
        if (!command)
                return command_fail_unknown(parsed.id, error);
        command_print_help(command);
        return 0;
}

static int run_version(const struct sandbox_environment *environment, int argc, char **argv,
                       struct error *error) {
        struct parsed parsed = {0};
        int r = command_parse(&command_version, argc, argv, &parsed, error);

        (void)environment;
        if (r == 0)
                command_print_version();
        return r;
}

const struct command command_help = {
        .name = "help",
        .summary = "print the options of a command, or these lines",
        .arguments = "[COMMAND]",
        .description = "Print the options of a command, or without one the list of commands.",
        .id = ID_OPTIONAL,
        .run = run_help,
};

const struct command command_version = {
        .name = "version",
        .summary = "print the version",
        .description = "Print the version.",
        .run = run_version,
};
