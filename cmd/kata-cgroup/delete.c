/* SPDX-License-Identifier: Apache-2.0 */
/* delete: options */
#include <errno.h>

#include "command.h"

enum {
        KEY_FORCE = 0x100,
        KEY_TIMEOUT,
        KEY_CGROUPS_PATH,
        KEY_OVERHEAD_PATH,
        KEY_SANDBOX_ONLY,
};

static const struct command_option options[] = {
        {"force", KEY_FORCE, NULL, "kill what is still in the cgroups; no state is not an error",
         COMPLETE_NONE},
        {"timeout", KEY_TIMEOUT, "SECONDS", "for the lock, processes, units and busy directories (default: 10)",
         COMPLETE_NONE},
        {"cgroups-path", KEY_CGROUPS_PATH, "PATH",
         "with --force and a state that is lost or cannot be read: where the sandbox was", COMPLETE_NONE},
        {"overhead-path", KEY_OVERHEAD_PATH, "PATH", "the same: where its overhead was", COMPLETE_NONE},
        {"sandbox-cgroup-only", KEY_SANDBOX_ONLY, NULL, "the same: it had no overhead cgroup", COMPLETE_NONE},
        {0},
};

struct delete_options {
        struct parsed parsed;
        struct sandbox_delete delete;
};

static int parse(struct parsed *parsed, int key, const char *argument) {
        struct delete_options *o = (struct delete_options *)parsed;
        uint32_t number;

        switch (key) {
        case KEY_FORCE:
                o->delete.force = true;
                break;
        case KEY_TIMEOUT:
                if (command_number("--timeout", argument, 0, 86400, &number, parsed->error) < 0)
                        return -EINVAL;
                o->delete.timeout = number;
                break;
        case KEY_CGROUPS_PATH:
                o->delete.paths.cgroups_path = argument;
                break;
        case KEY_OVERHEAD_PATH:
                o->delete.paths.overhead_path = argument;
                break;
        case KEY_SANDBOX_ONLY:
                o->delete.paths.sandbox_cgroup_only = true;
                break;
        }
        return 0;
}

static int run(const struct sandbox_environment *environment, int argc, char **argv, struct error *error) {
        struct delete_options o = {.delete = {.timeout = 10}};
        const struct sandbox_paths *paths = &o.delete.paths;
        int r;

        r = command_parse(&command_delete, argc, argv, &o.parsed, error);
        if (r == 0 && !o.delete.force &&
            (paths->cgroups_path || paths->overhead_path || paths->sandbox_cgroup_only))
                r = error_set(error, EXIT_STATUS_USAGE, 0, NULL, "delete: paths are for --force only");
        return r == 0 ? sandbox_delete(environment, o.parsed.id, &o.delete, error) : r;
}

const struct command command_delete = {
        .name = "delete",
        .summary = "take a sandbox's control groups, units and state down",
        .arguments = "ID",
        .description = "Take a sandbox's control groups, units and state down.",
        .id = ID_REQUIRED,
        .options = options,
        .parse = parse,
        .run = run,
};
