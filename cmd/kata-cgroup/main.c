/* SPDX-License-Identifier: Apache-2.0 */
/*
 * kata-cgroup: global options, and the choice of the command
 *
 * Subtle: what a command writes to may be closed, which must not end it half-way, so SIGPIPE is ignored from the first line
 * on. The signals by which a caller gives up are the library's to hold back (util/signals.h). All waits have deadlines.
 */
#include <argp.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>

#include "command.h"
#include "util/cleanup.h"

#define DEFAULT_ROOT "/run/kata-cgroup"

const struct command command_table[] = {
        {"create", "make a sandbox's control groups, place its runtime processes", command_create_options,
         command_create},
        {"attach-vcpus", "place the VMM or its vCPU threads", command_attach_vcpus_options,
         command_attach_vcpus},
        {"place", "place a runtime process that has come after create", command_place_options, command_place},
        {"update", "change a sandbox's limits", command_update_options, command_update},
        {"delete", "take a sandbox's control groups, units and state down", command_delete_options,
         command_delete},
        {"exec", "start a VMM in the control group that it belongs to", command_exec_options, command_exec},
        {"inspect", "print what a sandbox is, as JSON", command_inspect_options, command_inspect},
        {"list", "print every sandbox", command_list_options, command_list},
        {"features", "print what this build and this host can do, as JSON", command_features_options,
         command_features},
        {0},
};

enum {
        KEY_ROOT = 0x100,
        KEY_LOG,
        KEY_LOG_FORMAT,
        KEY_DEBUG,
};

const struct argp_option command_global_options[] = {
        {"root", KEY_ROOT, "DIR", 0, "where state is kept (default: " DEFAULT_ROOT ")", 0},
        {"log", KEY_LOG, "FILE", 0, "where messages go (default: standard error)", 0},
        {"log-format", KEY_LOG_FORMAT, "text|json", 0, "default: text", 0},
        {"debug", KEY_DEBUG, NULL, 0, "log every write and every D-Bus call, before it happens", 0},
        OPTIONS_COMMON,
        {0},
};

struct global_options {
        struct parsed parsed;
        struct sandbox_environment environment;
        struct log log;
        const char *log_file;
        int command_index; /* in argv; 0: none */
};

static int parse_log_format(struct global_options *o, const char *format) {
        o->log.json = strcmp(format, "json") == 0;
        if (o->log.json || strcmp(format, "text") == 0)
                return 0;
        (void)error_set(o->parsed.error, EXIT_STATUS_USAGE, 0, "--log-format",
                        "\"%s\" is neither text nor json", format);
        return ERANGE;
}

static error_t parse(int key, char *argument, struct argp_state *state) {
        struct global_options *o = state->input;

        switch (key) {
        case KEY_ROOT:
                o->environment.root = argument;
                return 0;
        case KEY_LOG:
                o->log_file = argument;
                return 0;
        case KEY_LOG_FORMAT:
                return parse_log_format(o, argument);
        case KEY_DEBUG:
                o->log.debug = true;
                return 0;
        case ARGP_KEY_ARG:
                /* The command: what follows is its own. */
                o->command_index = state->next - 1;
                state->next = state->argc;
                return 0;
        default:
                return command_parse_common(key, argument, state);
        }
}

/* argp prints this behind the options; the list comes from the table. */
static char *help_filter(int key, const char *text, void *input) {
        char *out = NULL;
        size_t size = 0;
        FILE *stream;

        if (key != ARGP_KEY_HELP_POST_DOC)
                return command_help_filter(key, text, input);
        stream = open_memstream(&out, &size);
        if (!stream)
                return NULL;
        fputs("Commands:\n", stream);
        for (const struct command *command = command_table; command->name; command++)
                fprintf(stream, "  %-14s %s\n", command->name, command->summary);
        fputs("\n`kata-cgroup COMMAND --help' tells a command's options; see kata-cgroup(8).", stream);
        if (fclose(stream) != 0) {
                free(out);
                return NULL;
        }
        return out;
}

static const struct argp argp = {command_global_options,
                                 parse,
                                 "COMMAND [OPTION...] [ID]",
                                 "Host control groups for VM-based container runtimes.\v ",
                                 NULL,
                                 help_filter,
                                 NULL};

static const struct command *find_command(const char *name) {
        for (const struct command *command = command_table; command->name; command++)
                if (strcmp(command->name, name) == 0)
                        return command;
        return NULL;
}

static int run_command(struct global_options *o, int argc, char **argv, struct error *error) {
        _cleanup_free_ char *name = NULL;
        const struct command *command;

        if (o->command_index == 0)
                return error_set(error, EXIT_STATUS_USAGE, 0, NULL,
                                 "the command is missing; see kata-cgroup --help");
        command = find_command(argv[o->command_index]);
        if (!command)
                return error_set(error, EXIT_STATUS_USAGE, 0, NULL, "unknown command: %s",
                                 argv[o->command_index]);
        argc -= o->command_index;
        argv += o->command_index;
        /* For the usage line of its --help. */
        if (asprintf(&name, "kata-cgroup %s", argv[0]) < 0) {
                name = NULL;
                return error_oom(error);
        }
        argv[0] = name;
        return command->run(&o->environment, argc, argv, error);
}

static int open_log(struct global_options *o, struct error *error) {
        FILE *stream;
        int fd;

        if (!o->log_file)
                return 0;
        /* O_APPEND: several commands write to one log. O_NONBLOCK: a FIFO without a reader is an error, and
         * lines for which one has no room are lost: neither is waited for. */
        fd = open(o->log_file, O_WRONLY | O_CREAT | O_APPEND | O_NONBLOCK | O_CLOEXEC, 0666);
        stream = fd >= 0 ? fdopen(fd, "a") : NULL;
        if (!stream)
                return error_fail(error, errno, "cannot open log %s", o->log_file);
        o->log.stream = stream;
        return 0;
}

int main(int argc, char **argv) {
        _cleanup_error_ struct error error = ERROR_INIT;
        struct global_options o = {
                .parsed = {.in_order = true},
                .environment = {.root = DEFAULT_ROOT},
                .log = {.stream = stderr},
        };
        int r;

        command_set_process();
        o.environment.log = &o.log;
        r = command_parse(&argp, "kata-cgroup", argc, argv, &o, &error);
        if (r == 0)
                r = open_log(&o, &error);
        if (r == 0)
                r = run_command(&o, argc, argv, &error);
        if (r >= 0)
                r = command_end_output(&error);
        if (r < 0)
                log_error(&o.log, &error);
        if (o.log.stream != stderr)
                (void)fclose(o.log.stream);
        return r < 0 ? (int)error.status : EXIT_STATUS_DONE;
}
