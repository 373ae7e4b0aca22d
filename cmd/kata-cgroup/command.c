/* SPDX-License-Identifier: Apache-2.0 */
/* What the commands share: what is set for the process, numbers and lists of options, input, output */
#include "command.h"

#include <errno.h>
#include <fcntl.h>
#include <langinfo.h>
#include <locale.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "oci/resources.h"
#include "util/api.h"
#include "util/cleanup.h"
#include "util/file.h"
#include "util/number.h"
#include "util/signals.h"
#include "util/waiting.h"

/* How long the input may be silent. */
#define INPUT_SILENCE_MS 60000

/* Nothing that a command makes can be written by others: the log, which is made with 0666, included. */
#define COMMAND_UMASK 022

/* SIGPIPE's disposition and the umask are the process's, and so is what they were: the one static of the commands. */
static struct {
        struct sigaction pipe;
        mode_t umask;
} former;

/* What is opened next must not become standard output. Reading and writing go on to fail with EBADF. */
static void occupy_standard_streams(void) {
        struct pollfd streams[] = {{.fd = STDIN_FILENO}, {.fd = STDOUT_FILENO}, {.fd = STDERR_FILENO}};

        (void)poll(streams, ARRAY_SIZE(streams), 0);
        for (size_t i = 0; i < ARRAY_SIZE(streams); i++)
                if (streams[i].revents & POLLNVAL)
                        (void)open("/dev/null", O_PATH);
}

void command_set_process(void) {
        const struct sigaction ignore = {.sa_handler = SIG_IGN};

        occupy_standard_streams();
        (void)sigaction(SIGPIPE, &ignore, &former.pipe);
        former.umask = umask(COMMAND_UMASK);
}

void command_restore_process(void) {
        (void)umask(former.umask);
        (void)sigaction(SIGPIPE, &former.pipe, NULL);
        signals_release();
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

int command_add_text(const char ***texts, size_t *count, const char *text, struct error *error) {
        const char **larger = reallocarray(*texts, *count + 1, sizeof(*larger));

        if (!larger)
                return error_oom(error);
        *texts = larger;
        larger[(*count)++] = text;
        return 0;
}

int command_add_pid(pid_t **pids, size_t *count, const char *text, struct error *error) {
        pid_t *larger = reallocarray(*pids, *count + 1, sizeof(*larger));

        if (!larger)
                return error_oom(error);
        *pids = larger;
        if (number_parse_pid(text, &larger[*count]) < 0)
                return error_refuse(error, "--pid", "\"%s\" is not a process ID", text);
        ++*count;
        return 0;
}

/* Also what never ends: a FIFO that nobody writes to, a pipe that somebody has kept open. */
static int read_limited(const struct sandbox_environment *environment, int fd, const char *name,
                        const struct command_input *input, char **out, size_t *size, struct error *error) {
        struct waiting waiting = waiting_begin(environment->log);
        const struct silence silence = {INPUT_SILENCE_MS, &waiting, name};
        int r;

        r = file_read_stream(fd, input->limit, &silence, out, size);
        if (r == -ETIMEDOUT)
                return error_fail(error, ETIMEDOUT, "%s: no byte within %d s", name, INPUT_SILENCE_MS / 1000);
        if (r == -EFBIG)
                return error_refuse(error, input->field, "%s is larger than %zu bytes", name, input->limit);
        return r < 0 ? error_fail(error, -r, "%s", name) : 0;
}

bool command_is_terminal(const char *file) {
        return strcmp(file, "-") == 0 && isatty(STDIN_FILENO);
}

bool command_is_output_terminal(void) {
        return isatty(STDOUT_FILENO);
}

bool command_set_locale(void) {
        (void)setlocale(LC_CTYPE, "");
        return strcmp(nl_langinfo(CODESET), "UTF-8") == 0;
}

int command_format(const char *text, bool *json, struct error *error) {
        *json = strcmp(text, "json") == 0;
        if (*json || strcmp(text, "table") == 0)
                return 0;
        return error_set(error, EXIT_STATUS_USAGE, 0, "--format", "\"%s\" is neither table nor json", text);
}

int command_add_only(struct reading *reading, const char *fields, struct error *error) {
        _cleanup_free_ char *copy = strdup(fields);
        char *rest = copy, *field;

        if (!copy)
                return error_oom(error);
        while ((field = strsep(&rest, ","))) {
                int r = sandbox_check_field(field, error);

                if (r < 0)
                        return r;
                if (oci_selection_add(&reading->only, field) < 0)
                        return error_oom(error);
        }
        return 0;
}

static int parse_resources(const struct sandbox_environment *environment, const struct oci_text *text,
                           const struct reading *reading, struct oci_resources **out, struct error *error) {
        struct oci_unknown unknown = {0};
        int r = oci_resources_parse(text, reading->only.count > 0 ? &reading->only : NULL,
                                    reading->strict ? NULL : &unknown, out, error);

        for (size_t i = 0; r == 0 && i < unknown.count; i++)
                log_warning(environment->log, "%s: no such field; ignored", unknown.paths[i]);
        oci_unknown_clear(&unknown);
        return r;
}

int command_read_file(const struct sandbox_environment *environment, const struct command_input *input,
                      char **out, size_t *size, struct error *error) {
        _cleanup_close_ int fd = -1;

        if (strcmp(input->file, "-") == 0)
                return read_limited(environment, STDIN_FILENO, "standard input", input, out, size, error);
        fd = open(input->file, O_RDONLY | O_NONBLOCK | O_CLOEXEC);
        if (fd < 0)
                return error_fail(error, errno, "%s", input->file);
        return read_limited(environment, fd, input->file, input, out, size, error);
}

int command_read_resources(const struct sandbox_environment *environment, const char *file,
                           const struct reading *reading, struct oci_resources **out, struct error *error) {
        _cleanup_free_ char *text = NULL;
        size_t size = 0;
        int r = 0;

        if (!command_is_terminal(file))
                r = command_read_file(environment,
                                      &(struct command_input){file, "resources", OCI_DOCUMENT_SIZE_MAX}, &text,
                                      &size, error);
        if (r < 0)
                return r;
        return parse_resources(environment, &(struct oci_text){text, text ? text : "", size}, reading, out,
                               error);
}

int command_read_bundle(const struct sandbox_environment *environment, const char *directory,
                        const struct reading *reading, struct oci_resources **resources, char **cgroups_path,
                        struct error *error) {
        _cleanup_free_ char *path = NULL, *text = NULL;
        struct oci_bundle bundle;
        size_t size;
        int r;

        if (asprintf(&path, "%s/config.json", directory) < 0) {
                path = NULL;
                return error_oom(error);
        }
        r = command_read_file(environment, &(struct command_input){path, "resources", OCI_BUNDLE_SIZE_MAX},
                              &text, &size, error);
        if (r == 0)
                r = oci_bundle_parse(text, size, path, &bundle, error);
        if (r < 0)
                return r;
        *cgroups_path = bundle.cgroups_path;
        return resources ? parse_resources(environment, &bundle.resources, reading, resources, error) : 0;
}

/* A document with its version, which comes first. Takes it over; NULL without memory. */
static json_t *add_version(json_t *rest) {
        json_t *document = rest ? json_pack("{s:i}", "apiVersion", API_VERSION) : NULL;

        if (document && json_object_update(document, rest) < 0) {
                json_decref(document);
                document = NULL;
        }
        json_decref(rest);
        return document;
}

/* An array has no member for it: each of its entries is a document. */
static json_t *add_versions(json_t *json) {
        json_t *array, *entry;
        size_t i;

        if (!json_is_array(json))
                return add_version(json);
        array = json_array();
        json_array_foreach(json, i, entry) {
                if (json_array_append_new(array, add_version(json_incref(entry))) < 0) {
                        json_decref(array);
                        array = NULL;
                        break;
                }
        }
        json_decref(json);
        return array;
}

/* A real number as it was worked out or read: 123.4. The 17 digits of jansson's default would be 123.40000000000001. */
#define REAL_DIGITS 15

static int print_json(json_t *json, size_t flags, struct error *error) {
        int r;

        json = add_versions(json);
        if (!json)
                return error_oom(error);
        r = json_dumpf(json, stdout, flags | JSON_ENSURE_ASCII | JSON_REAL_PRECISION(REAL_DIGITS));
        json_decref(json);
        if (r == 0)
                r = fputc('\n', stdout) == EOF ? -1 : 0;
        return r == 0 ? command_end_output(error) : error_fail(error, errno, "standard output");
}

int command_print(json_t *json, struct error *error) {
        return print_json(json, command_is_output_terminal() ? JSON_INDENT(2) : JSON_COMPACT, error);
}

int command_print_line(json_t *json, struct error *error) {
        return print_json(json, JSON_COMPACT, error);
}

/* What failed before the last write is known, but not why. */
int command_end_output(struct error *error) {
        if (fflush(stdout) != 0)
                return error_fail(error, errno, "standard output");
        return ferror(stdout) ? error_fail(error, EIO, "standard output") : 0;
}
