/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* The commands: options in, a call of lib/sandbox, output out. No logic. */

#include <jansson.h>
#include <stdint.h>
#include <sys/types.h>

#include "oci/resources.h"
#include "options.h"
#include "sandbox/sandbox.h"

extern const struct command command_create;
extern const struct command command_attach_vcpus;
extern const struct command command_place;
extern const struct command command_update;
extern const struct command command_delete;
extern const struct command command_exec;
extern const struct command command_freeze;
extern const struct command command_thaw;
extern const struct command command_inspect;
extern const struct command command_list;
extern const struct command command_watch;
extern const struct command command_metrics;
extern const struct command command_prune;
extern const struct command command_stats;
extern const struct command command_features;
extern const struct command command_help;
extern const struct command command_version;
extern const struct command command_complete;

/* What the caller's process has that must not show in what a command does: SIGPIPE, which would end it half-way, and the
 * umask, since the modes of what is made are ours. exec's command gets both as they were, and the signals that were held. */
void command_set_process(void);
void command_restore_process(void);

/* Numbers of options: status 2 where they are none. */
int command_number(const char *option, const char *text, uint32_t min, uint32_t max, uint32_t *out,
                   struct error *error);

/* Adds an argument to those of a repeatable option; the array is the caller's to free. */
int command_add_text(const char ***texts, size_t *count, const char *text, struct error *error);

/* The same for a --pid: status 5 where it is none. */
int command_add_pid(pid_t **pids, size_t *count, const char *text, struct error *error);

/* Whether FILE ("-" is standard input) is a terminal: nothing is read from that. */
bool command_is_terminal(const char *file);

/* A file of the command line. */
struct command_input {
        const char *file;  /* "-": standard input */
        const char *field; /* what is named where it is refused */
        size_t limit;      /* more bytes are refused (status 5) */
};

/* Reads it whole; a new text with a NUL behind it. */
int command_read_file(const struct sandbox_environment *environment, const struct command_input *input,
                      char **out, size_t *size, struct error *error);

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

/* What --format of a table says: status 2 for what is neither "table" nor "json". */
int command_format(const char *text, bool *json, struct error *error);

/* Makes the locale of the environment that of text, and says whether that is UTF-8. */
bool command_set_locale(void);

/* Whether standard output is one: then people read it. */
bool command_is_output_terminal(void);

/* Prints an object as one line, as for a stream of documents. Takes it over. */
int command_print_line(json_t *json, struct error *error);

/* Prints a JSON document and a newline: an object with the API's version before the rest, or an array of such; on one line, or, on a
 * terminal, indented. Takes it over. */
int command_print(json_t *json, struct error *error);

/* Status 1 where what was printed has not arrived. */
int command_end_output(struct error *error);
