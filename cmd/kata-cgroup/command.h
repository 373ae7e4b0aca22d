/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* The commands: options in, a call of lib/sandbox, output out. No logic. */

#include <argp.h>
#include <jansson.h>

#include "sandbox/sandbox.h"

struct command {
        const char *name;
        const char *summary;
        const struct argp_option *options;
        int (*run)(const struct sandbox_environment *environment, int argc, char **argv, struct error *error);
};

/* All of them, up to one without a name, and the options before them. */
extern const struct command command_table[];
extern const struct argp_option command_global_options[];

extern const struct argp_option command_create_options[], command_attach_vcpus_options[],
        command_place_options[], command_update_options[], command_delete_options[], command_exec_options[],
        command_inspect_options[], command_list_options[], command_features_options[];

int command_create(const struct sandbox_environment *environment, int argc, char **argv, struct error *error);
int command_attach_vcpus(const struct sandbox_environment *environment, int argc, char **argv,
                         struct error *error);
int command_place(const struct sandbox_environment *environment, int argc, char **argv, struct error *error);
int command_update(const struct sandbox_environment *environment, int argc, char **argv, struct error *error);
int command_delete(const struct sandbox_environment *environment, int argc, char **argv, struct error *error);
int command_inspect(const struct sandbox_environment *environment, int argc, char **argv, struct error *error);
int command_list(const struct sandbox_environment *environment, int argc, char **argv, struct error *error);
int command_exec(const struct sandbox_environment *environment, int argc, char **argv, struct error *error);
int command_features(const struct sandbox_environment *environment, int argc, char **argv, struct error *error);

/* What every command's parser begins with; `input` of argp_parse() points at a struct that starts so. */
struct parsed {
        const char *id; /* the ID argument, or NULL */
        bool takes_id;
        bool in_order;       /* options end at the first argument */
        bool done;           /* help was printed */
        struct error *error; /* set by the parser for a bad option argument */
};

#define OPTIONS_COMMON                                                                                         \
        {"help", 'h', NULL, 0, "print this help and exit", -1}, {                                              \
                "version", 'v', NULL, 0, "print the version and exit", -1                                      \
        }

/* Runs argp without its own messages: one error line is ours to write. Returns 0, 1 where help was printed
 * and nothing is left to do, or a negative errno (status 2, or what the parser has set). */
int command_parse(const struct argp *argp, const char *name, int argc, char **argv, void *input,
                  struct error *error);

/* What the caller's process has that must not show in what a command does: SIGPIPE, which would end it half-way, and the
 * umask, since the modes of what is made are ours. exec's command gets both as they were, and the signals that were held. */
void command_set_process(void);
void command_restore_process(void);

/* Leaves out of --help what argp says of every program. */
char *command_help_filter(int key, const char *text, void *input);

/* What all parsers share: --help, --version, the ID. For the `default` of a parser's switch. */
error_t command_parse_common(int key, char *argument, struct argp_state *state);

/* Numbers of options: status 2 where they are none. */
int command_number(const char *option, const char *text, uint32_t min, uint32_t max, uint32_t *out,
                   struct error *error);

/* Adds an argument to those of a repeatable option; the array is the caller's to free. */
int command_add_text(const char ***texts, size_t *count, const char *text, struct error *error);

/* The same for a --pid: status 5 where it is none. */
int command_add_pid(pid_t **pids, size_t *count, const char *text, struct error *error);

/* Whether FILE ("-" is standard input) is a terminal: nothing is read from that. */
bool command_is_terminal(const char *file);

/* Reads FILE, a new text with a NUL behind it. More than `limit` bytes are refused (status 5, field `field`). */
int command_read_file(const char *file, const char *field, size_t limit, char **out, size_t *size,
                      struct error *error);

/* How LinuxResources are read. */
struct reading {
        bool strict; /* members that are not known are refused; otherwise ignored with a warning */
        struct oci_selection only; /* without any: all members */
};

/* Adds the fields of an --only: status 2, with the names that there are, for one that is none. */
int command_add_only(struct reading *reading, const char *fields, struct error *error);

/* Reads FILE as LinuxResources; a terminal is empty. */
int command_read_resources(const struct sandbox_environment *environment, const char *file,
                           const struct reading *reading, struct oci_resources **out, struct error *error);

/* The same for linux.resources of DIR/config.json, which are not looked at where `resources` is NULL; and
 * linux.cgroupsPath (NULL where it has none). */
int command_read_bundle(const struct sandbox_environment *environment, const char *directory,
                        const struct reading *reading, struct oci_resources **resources, char **cgroups_path,
                        struct error *error);

/* Prints a JSON document and a newline: an object with the API's version before the rest, or an array of such. Takes it over. */
int command_print(json_t *json, struct error *error);

/* Status 1 where what was printed has not arrived. */
int command_end_output(struct error *error);
