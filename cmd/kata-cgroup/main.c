/* SPDX-License-Identifier: Apache-2.0 */
/*
 * kata-cgroup: global options, and the choice of the command
 *
 * Subtle: what a command writes to may be closed, which must not end it half-way, so SIGPIPE is ignored from the first line
 * on. The signals by which a caller gives up are the library's to hold back (util/signals.h). All waits have deadlines.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>

#include "command.h"
#include "util/cleanup.h"
#include "util/signals.h"

#define DEFAULT_ROOT "/run/kata-cgroup"

const struct command *const command_table[] = {
        &command_create,
        &command_attach_vcpus,
        &command_place,
        &command_update,
        &command_delete,
        &command_exec,
        &command_freeze,
        &command_thaw,
        &command_inspect,
        &command_list,
        &command_stats,
        &command_watch,
        &command_metrics,
        &command_prune,
        &command_features,
        &command_help,
        &command_version,
        &command_complete,
        NULL,
};

enum {
        KEY_ROOT = 0x100,
        KEY_LOG,
        KEY_LOG_FORMAT,
        KEY_DEBUG,
};

static const struct command_option options[] = {
        {"root", KEY_ROOT, "DIR", "where state is kept (default: " DEFAULT_ROOT ")", COMPLETE_DIRECTORY},
        {"log", KEY_LOG, "FILE", "where messages go (default: standard error)", COMPLETE_FILE},
        {"log-format", KEY_LOG_FORMAT, "text|json", "default: text", COMPLETE_WORDS},
        {"debug", KEY_DEBUG, NULL, "log every write and every D-Bus call, before it happens", COMPLETE_NONE},
        {0},
};

struct global_options {
        struct parsed parsed;
        struct sandbox_environment environment;
        struct log log;
        const char *log_file;
};

static int parse_log_format(struct global_options *o, const char *format) {
        o->log.json = strcmp(format, "json") == 0;
        if (o->log.json || strcmp(format, "text") == 0)
                return 0;
        return error_set(o->parsed.error, EXIT_STATUS_USAGE, 0, "--log-format",
                         "\"%s\" is neither text nor json", format);
}

static int parse(struct parsed *parsed, int key, const char *argument) {
        struct global_options *o = (struct global_options *)parsed;

        switch (key) {
        case KEY_ROOT:
                o->environment.root = argument;
                break;
        case KEY_LOG:
                o->log_file = argument;
                break;
        case KEY_LOG_FORMAT:
                return parse_log_format(o, argument);
        case KEY_DEBUG:
                o->log.debug = true;
                break;
        }
        return 0;
}

/* The command's words are the rest. */
const struct command command_program = {
        .name = "kata-cgroup",
        .arguments = "COMMAND [OPTION...] [ID]",
        .description = "Host control groups for VM-based container runtimes.",
        .takes_rest = true,
        .options = options,
        .parse = parse,
};

static int run_command(struct global_options *o, struct error *error) {
        char **words = o->parsed.rest;
        const struct command *command;
        int count = 0;

        if (!words)
                return error_set(error, EXIT_STATUS_USAGE, 0, NULL,
                                 "the command is missing; see kata-cgroup --help");
        command = command_find(words[0]);
        if (!command)
                return command_fail_unknown(words[0], error);
        while (words[count])
                count++;
        return command->run(&o->environment, count, words, error);
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
                .environment = {.root = DEFAULT_ROOT},
                .log = {.stream = stderr},
        };
        int r;

        command_set_process();
        o.environment.log = &o.log;
        r = command_parse(&command_program, argc, argv, &o.parsed, &error);
        if (r == 0)
                r = open_log(&o, &error);
        if (r == 0)
                r = run_command(&o, &error);
        if (r >= 0)
                r = command_end_output(&error);
        if (r < 0)
                log_error(&o.log, &error);
        if (o.log.stream != stderr)
                (void)fclose(o.log.stream);
        /* The command has rolled back, as one of the signals that it holds back wants. */
        if (r == -EINTR)
                signals_release();
        return r < 0 ? (int)error.status : EXIT_STATUS_DONE;
}
