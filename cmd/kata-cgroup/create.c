/* SPDX-License-Identifier: Apache-2.0 */
#include <stdlib.h>

#include "command.h"
#include "util/cleanup.h"
#include "util/number.h"

enum {
        KEY_CGROUPS_PATH = 0x100,
        KEY_SANDBOX_ONLY,
        KEY_OVERHEAD_PATH,
        KEY_PID,
        KEY_STOP_TIMEOUT,
        KEY_DRY_RUN,
        KEY_STRICT,
        KEY_HYPERVISOR_DEVICES,
        KEY_VCPU_SUBTREE,
};

static const struct argp_option options[] = {
        {"cgroups-path", KEY_CGROUPS_PATH, "PATH", 0,
         "the OCI linux.cgroupsPath; slice:prefix:name selects systemd (default: kata_sandboxed_pod/ID)", 0},
        {"resources", 'r', "FILE", 0, "OCI LinuxResources JSON; - is standard input (default)", 0},
        {"bundle", 'b', "DIR", 0, "take linux.cgroupsPath and linux.resources from DIR/config.json", 0},
        {"sandbox-cgroup-only", KEY_SANDBOX_ONLY, NULL, 0,
         "no overhead cgroup: everything is in the sandbox cgroup", 0},
        {"overhead-path", KEY_OVERHEAD_PATH, "PATH", 0,
         "default: kata_overhead/ID, with systemd kata-overhead.slice:kata-cgroup:ID", 0},
        {"pid", KEY_PID, "PID", 0, "a runtime process (shim, virtiofsd) to place; repeatable", 0},
        {"stop-timeout", KEY_STOP_TIMEOUT, "SECONDS", 0, "a scope's TimeoutStopUSec (default: 300)", 0},
        {"hypervisor-devices", KEY_HYPERVISOR_DEVICES, NULL, 0,
         "allow what a VMM needs besides the devices of the resources, and nothing else", 0},
        {"vcpu-subtree", KEY_VCPU_SUBTREE, NULL, 0,
         "v2: vCPU threads get a threaded child group, with the limits of cpu and cpuset", 0},
        {"strict", KEY_STRICT, NULL, 0, "refuse members that the specification does not know", 0},
        {"dry-run", KEY_DRY_RUN, NULL, 0, "change nothing; print the plan as JSON", 0},
        OPTIONS_COMMON,
        {0},
};

struct create_options {
        struct parsed parsed;
        struct sandbox_create create;
        pid_t *pids;
        const char *resources, *bundle;
        bool strict, dry_run;
};

static int add_pid(struct create_options *o, const char *text) {
        pid_t *larger = reallocarray(o->pids, o->create.pid_count + 1, sizeof(*larger));

        if (!larger)
                return error_oom(o->parsed.error);
        o->pids = larger;
        o->create.pids = larger;
        if (number_parse_pid(text, &larger[o->create.pid_count]) < 0)
                return error_refuse(o->parsed.error, "--pid", "\"%s\" is not a process ID", text);
        o->create.pid_count++;
        return 0;
}

static error_t parse(int key, char *argument, struct argp_state *state) {
        struct create_options *o = state->input;
        uint32_t number;

        switch (key) {
        case KEY_CGROUPS_PATH:
                o->create.paths.cgroups_path = argument;
                return 0;
        case KEY_OVERHEAD_PATH:
                o->create.paths.overhead_path = argument;
                return 0;
        case KEY_SANDBOX_ONLY:
                o->create.paths.sandbox_cgroup_only = true;
                return 0;
        case KEY_HYPERVISOR_DEVICES:
                o->create.hypervisor_devices = true;
                return 0;
        case KEY_VCPU_SUBTREE:
                o->create.vcpu_subtree = true;
                return 0;
        case KEY_STRICT:
                o->strict = true;
                return 0;
        case KEY_DRY_RUN:
                o->dry_run = true;
                return 0;
        case KEY_PID:
                return add_pid(o, argument) < 0 ? ERANGE : 0;
        case KEY_STOP_TIMEOUT:
                if (command_number("--stop-timeout", argument, 0, UINT32_MAX, &number, o->parsed.error) < 0)
                        return ERANGE;
                o->create.stop_timeout = number;
                return 0;
        case 'r':
                o->resources = argument;
                return 0;
        case 'b':
                o->bundle = argument;
                return 0;
        default:
                return command_parse_common(key, argument, state);
        }
}

static const struct argp argp = {options, parse,
                                 "ID",    "Make a sandbox's control groups, and place its runtime processes.",
                                 NULL,    command_help_filter,
                                 NULL};

/* Options that are given win over the bundle. */
static int read_input(const struct sandbox_environment *environment, const struct create_options *o,
                      struct oci_resources **resources, char **bundle_path, struct error *error) {
        bool from_bundle = o->bundle && !o->resources;
        int r = 0;

        if (o->bundle)
                r = command_read_bundle(environment, o->bundle, o->strict, from_bundle ? resources : NULL,
                                        bundle_path, error);
        if (r == 0 && !from_bundle)
                r = command_read_resources(environment, o->resources ? o->resources : "-", o->strict, resources,
                                           error);
        return r;
}

int command_create(const struct sandbox_environment *environment, int argc, char **argv, struct error *error) {
        struct create_options o = {.parsed = {.takes_id = true}, .create = {.stop_timeout = 300}};
        _cleanup_(oci_resources_freep) struct oci_resources *resources = NULL;
        _cleanup_free_ char *bundle_path = NULL;
        json_t *plan = NULL;
        int r;

        r = command_parse(&argp, "create", argc, argv, &o, error);
        if (r == 0 && o.create.paths.sandbox_cgroup_only && o.create.paths.overhead_path)
                r = error_set(error, EXIT_STATUS_USAGE, 0, NULL,
                              "create: --overhead-path and --sandbox-cgroup-only exclude each other");
        if (r == 0)
                r = read_input(environment, &o, &resources, &bundle_path, error);
        if (r == 0) {
                o.create.resources = resources;
                if (!o.create.paths.cgroups_path)
                        o.create.paths.cgroups_path = bundle_path;
                r = sandbox_create(environment, o.parsed.id, &o.create, o.dry_run ? &plan : NULL, error);
        }
        free(o.pids);
        if (r == 0 && plan)
                r = command_print(plan, error);
        return r;
}
