/* SPDX-License-Identifier: Apache-2.0 */
#include "command.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "oci/resources.h"
#include "util/cleanup.h"
#include "util/file.h"
#include "util/number.h"
#include "util/signals.h"

/* How long the input may be silent. */
#define INPUT_SILENCE_MS 60000

/* Nothing that a command makes can be written by others: the log, which is made with 0666, included. */
#define COMMAND_UMASK 022

/* config.json of a bundle holds much besides resources. */
#define CONFIG_SIZE_MAX (16UL * 1024UL * 1024UL)

error_t command_parse_common(int key, char *argument, struct argp_state *state) {
        struct parsed *parsed = state->input;

        switch (key) {
        case 'h':
                /* argp_state_help() is silent under ARGP_NO_ERRS. */
                argp_help(state->root_argp, stdout, ARGP_HELP_USAGE | ARGP_HELP_LONG | ARGP_HELP_DOC,
                          state->name);
                parsed->done = true;
                return ECANCELED;
        case 'v':
                puts("kata-cgroup " KATA_CGROUP_VERSION);
                parsed->done = true;
                return ECANCELED;
        case ARGP_KEY_ARG:
                if (!parsed->takes_id || parsed->id)
                        return EEXIST; /* not E2BIG: that is ARGP_ERR_UNKNOWN */
                parsed->id = argument;
                return 0;
        default:
                return ARGP_ERR_UNKNOWN;
        }
}

/* SIGPIPE's disposition and the umask are the process's, and so is what they were: the one static of the commands. */
static struct {
        struct sigaction pipe;
        mode_t umask;
} former;

void command_set_process(void) {
        const struct sigaction ignore = {.sa_handler = SIG_IGN};

        (void)sigaction(SIGPIPE, &ignore, &former.pipe);
        former.umask = umask(COMMAND_UMASK);
}

void command_restore_process(void) {
        (void)umask(former.umask);
        (void)sigaction(SIGPIPE, &former.pipe, NULL);
        signals_release();
}

char *command_help_filter(int key, const char *text, void *input) {
        (void)input;
        return key == ARGP_KEY_HELP_DUP_ARGS_NOTE ? NULL : (char *)text;
}

/* The option that an argument of the command line names: exactly, by a prefix, or by its letter. */
static const struct argp_option *find_option(const struct argp_option *options, const char *argument) {
        size_t length = strcspn(argument, "=");

        for (const struct argp_option *option = options; option->name; option++) {
                if (argument[1] == '-' && length > 2 && strncmp(option->name, argument + 2, length - 2) == 0)
                        return option;
                if (argument[1] != '-' && argument[1] == option->key)
                        return option;
        }
        return NULL;
}

/* argp does not tell what it stumbled over: the first argument that it cannot have taken. */
static int fail_option(const struct argp_option *options, const char *name, int argc, char **argv,
                       struct error *error) {
        for (int i = 1; i < argc; i++) {
                const struct argp_option *option;

                if (argv[i][0] != '-' || argv[i][1] == '\0')
                        continue;
                option = find_option(options, argv[i]);
                if (!option)
                        return error_set(error, EXIT_STATUS_USAGE, 0, NULL, "%s: unknown option %s", name,
                                         argv[i]);
                if (option->arg && !strchr(argv[i], '=') && (argv[i][1] == '-' || argv[i][2] == '\0') &&
                    ++i == argc)
                        return error_set(error, EXIT_STATUS_USAGE, 0, NULL, "%s: option %s needs an argument",
                                         name, argv[i - 1]);
        }
        return error_set(error, EXIT_STATUS_USAGE, 0, NULL, "%s: an option is ambiguous or takes no argument",
                         name);
}

int command_parse(const struct argp *argp, const char *name, int argc, char **argv, void *input,
                  struct error *error) {
        struct parsed *parsed = input;
        error_t r;

        parsed->error = error;
        r = argp_parse(argp, argc, argv,
                       ARGP_NO_EXIT | ARGP_NO_ERRS | ARGP_NO_HELP | (parsed->in_order ? ARGP_IN_ORDER : 0U),
                       NULL, input);
        if (parsed->done)
                return 1;
        if (r == EEXIST)
                return error_set(error, EXIT_STATUS_USAGE, 0, NULL, "%s: too many arguments", name);
        /* A bad value: the parser has said so. */
        if (r == ERANGE)
                return -EINVAL;
        if (r != 0)
                return fail_option(argp->options, name, argc, argv, error);
        if (parsed->takes_id && !parsed->id)
                return error_set(error, EXIT_STATUS_USAGE, 0, NULL, "%s: the sandbox's ID is missing", name);
        return 0;
}

int command_number(const char *option, const char *text, uint32_t min, uint32_t max, uint32_t *out,
                   struct error *error) {
        uint32_t number;

        if (number_parse_u32(text, &number) < 0 || number < min || number > max)
                return error_set(error, EXIT_STATUS_USAGE, 0, option, "\"%s\" is not a number from %u to %u",
                                 text, min, max);
        *out = number;
        return 0;
}

/* Also what never ends: a FIFO that nobody writes to, a pipe that somebody has kept open. */
static int read_limited(int fd, const char *name, size_t limit, char **out, size_t *size, struct error *error) {
        int r;

        r = file_read_stream(fd, limit, INPUT_SILENCE_MS, out, size);
        if (r == -ETIMEDOUT)
                return error_fail(error, ETIMEDOUT, "%s: no byte within %d s", name, INPUT_SILENCE_MS / 1000);
        if (r == -EFBIG)
                return error_refuse(error, "resources", "%s is larger than %zu bytes", name, limit);
        return r < 0 ? error_fail(error, -r, "%s", name) : 0;
}

int command_read_resources(const char *file, json_t **out, struct error *error) {
        _cleanup_free_ char *text = NULL;
        _cleanup_close_ int fd = -1;
        bool standard_input = strcmp(file, "-") == 0;
        size_t size;
        int r;

        if (standard_input && isatty(STDIN_FILENO))
                return oci_document_parse("", 0, out, error);
        if (!standard_input) {
                fd = open(file, O_RDONLY | O_NONBLOCK | O_CLOEXEC);
                if (fd < 0)
                        return error_fail(error, errno, "%s", file);
        }
        r = read_limited(standard_input ? STDIN_FILENO : fd, standard_input ? "standard input" : file,
                         OCI_DOCUMENT_SIZE_MAX, &text, &size, error);
        return r < 0 ? r : oci_document_parse(text, size, out, error);
}

int command_read_bundle(const char *directory, json_t **resources, char **cgroups_path, struct error *error) {
        _cleanup_free_ char *path = NULL, *text = NULL;
        _cleanup_json_ json_t *config = NULL;
        _cleanup_close_ int fd = -1;
        json_t *linux_object, *found;
        json_error_t json_error;
        const char *value;
        size_t size;
        int r;

        if (asprintf(&path, "%s/config.json", directory) < 0) {
                path = NULL;
                return error_oom(error);
        }
        fd = open(path, O_RDONLY | O_NONBLOCK | O_CLOEXEC);
        if (fd < 0)
                return error_fail(error, errno, "%s", path);
        r = read_limited(fd, path, CONFIG_SIZE_MAX, &text, &size, error);
        if (r < 0)
                return r;
        config = json_loadb(text, size, JSON_REJECT_DUPLICATES, &json_error);
        if (!json_is_object(config))
                return error_refuse(error, "--bundle", "%s: not a JSON object: %s", path,
                                    config ? "another type" : json_error.text);
        linux_object = json_object_get(config, "linux");
        found = json_object_get(linux_object, "resources");
        value = json_string_value(json_object_get(linux_object, "cgroupsPath"));
        if (found && !json_is_object(found) && !json_is_null(found))
                return error_refuse(error, "linux.resources", "%s: not an object", path);
        *cgroups_path = value ? strdup(value) : NULL;
        *resources = json_is_object(found) ? json_incref(found) : json_object();
        if ((value && !*cgroups_path) || !*resources)
                return error_oom(error);
        return 0;
}

int command_print(json_t *json, struct error *error) {
        int r;

        r = json_dumpf(json, stdout, JSON_COMPACT);
        json_decref(json);
        if (r == 0)
                r = fputc('\n', stdout) == EOF ? -1 : 0;
        return r == 0 ? command_end_output(error) : error_fail(error, errno, "standard output");
}

/* What failed before the last write is known, but not why. */
int command_end_output(struct error *error) {
        if (fflush(stdout) != 0)
                return error_fail(error, errno, "standard output");
        return ferror(stdout) ? error_fail(error, EIO, "standard output") : 0;
}
