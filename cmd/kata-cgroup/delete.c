/* SPDX-License-Identifier: Apache-2.0 */
#include "command.h"

enum {
        KEY_FORCE = 0x100,
        KEY_TIMEOUT,
        KEY_CGROUPS_PATH,
        KEY_OVERHEAD_PATH,
        KEY_SANDBOX_ONLY,
};

const struct argp_option command_delete_options[] = {
        {"force", KEY_FORCE, NULL, 0, "kill what is still in the cgroups; no state is not an error", 0},
        {"timeout", KEY_TIMEOUT, "SECONDS", 0,
         "for the lock, processes, units and busy directories (default: 10)", 0},
        {"cgroups-path", KEY_CGROUPS_PATH, "PATH", 0,
         "with --force and a state that is lost or cannot be read: where the sandbox was", 0},
        {"overhead-path", KEY_OVERHEAD_PATH, "PATH", 0, "the same: where its overhead was", 0},
        {"sandbox-cgroup-only", KEY_SANDBOX_ONLY, NULL, 0, "the same: it had no overhead cgroup", 0},
        OPTIONS_COMMON,
        {0},
};

struct delete_options {
        struct parsed parsed;
        struct sandbox_delete delete;
};

static error_t parse(int key, char *argument, struct argp_state *state) {
        struct delete_options *o = state->input;
        uint32_t number;

        switch (key) {
        case KEY_FORCE:
                o->delete.force = true;
                return 0;
        case KEY_TIMEOUT:
                if (command_number("--timeout", argument, 0, 86400, &number, o->parsed.error) < 0)
                        return ERANGE;
                o->delete.timeout = number;
                return 0;
        case KEY_CGROUPS_PATH:
                o->delete.paths.cgroups_path = argument;
                return 0;
        case KEY_OVERHEAD_PATH:
                o->delete.paths.overhead_path = argument;
                return 0;
        case KEY_SANDBOX_ONLY:
                o->delete.paths.sandbox_cgroup_only = true;
                return 0;
        default:
                return command_parse_common(key, argument, state);
        }
}

static const struct argp argp = {
        command_delete_options, parse, "ID", "Take a sandbox's control groups, units and state down.", NULL,
        command_help_filter,    NULL};

int command_delete(const struct sandbox_environment *environment, int argc, char **argv, struct error *error) {
        struct delete_options o = {.parsed = {.takes_id = true}, .delete = {.timeout = 10}};
        const struct sandbox_paths *paths = &o.delete.paths;
        int r;

        r = command_parse(&argp, "delete", argc, argv, &o, error);
        if (r == 0 && !o.delete.force &&
            (paths->cgroups_path || paths->overhead_path || paths->sandbox_cgroup_only))
                r = error_set(error, EXIT_STATUS_USAGE, 0, NULL, "delete: paths are for --force only");
        return r == 0 ? sandbox_delete(environment, o.parsed.id, &o.delete, error) : r;
}
