/* SPDX-License-Identifier: Apache-2.0 */
#include <stdlib.h>
#include <string.h>

#include "command.h"
#include "util/cleanup.h"

enum {
        KEY_CGROUPS_PATH = 0x100,
        KEY_SANDBOX_ONLY,
        KEY_OVERHEAD_PATH,
        KEY_OVERHEAD_RESOURCES,
        KEY_PID,
        KEY_STOP_TIMEOUT,
        KEY_DRY_RUN,
        KEY_ONLY,
        KEY_STRICT,
        KEY_HYPERVISOR_DEVICES,
        KEY_VCPU_SUBTREE,
};

const struct argp_option command_create_options[] = {
        {"cgroups-path", KEY_CGROUPS_PATH, "PATH", 0,
         "the OCI linux.cgroupsPath; slice:prefix:name selects systemd (default: kata_sandboxed_pod/ID)", 0},
        {"resources", 'r', "FILE", 0, "OCI LinuxResources JSON; - is standard input (default)", 0},
        {"bundle", 'b', "DIR", 0, "take linux.cgroupsPath and linux.resources from DIR/config.json", 0},
        {"sandbox-cgroup-only", KEY_SANDBOX_ONLY, NULL, 0,
         "no overhead cgroup: everything is in the sandbox cgroup", 0},
        {"overhead-path", KEY_OVERHEAD_PATH, "PATH", 0,
         "default: kata_overhead/ID, with systemd kata-overhead.slice:kata-cgroup:ID", 0},
        {"overhead-resources", KEY_OVERHEAD_RESOURCES, "FILE", 0,
         "OCI LinuxResources JSON for the overhead cgroup; - is standard input", 0},
        {"pid", KEY_PID, "PID", 0, "a runtime process (shim, virtiofsd) to place; repeatable", 0},
        {"stop-timeout", KEY_STOP_TIMEOUT, "SECONDS", 0, "a scope's TimeoutStopUSec (default: 300)", 0},
        {"hypervisor-devices", KEY_HYPERVISOR_DEVICES, NULL, 0,
         "allow what a VMM needs besides the devices of the resources, and nothing else", 0},
        {"vcpu-subtree", KEY_VCPU_SUBTREE, NULL, 0,
         "v2: vCPU threads get a threaded child group, with the limits of cpu and cpuset", 0},
        {"only", KEY_ONLY, "FIELD[,FIELD...]", 0,
         "of the resources, take only these, by the names in features: cpu.cpus, cpu, devices ...", 0},
        {"strict", KEY_STRICT, NULL, 0, "refuse members that the specification does not know", 0},
        {"dry-run", KEY_DRY_RUN, NULL, 0, "change nothing; print the plan as JSON", 0},
        OPTIONS_COMMON,
        {0},
};

struct create_options {
        struct parsed parsed;
        struct sandbox_create create;
        pid_t *pids;
        const char *resources, *bundle, *overhead_resources;
        struct reading reading;
        bool dry_run;
};

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
        case KEY_OVERHEAD_RESOURCES:
                o->overhead_resources = argument;
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
        case KEY_ONLY:
                return command_add_only(&o->reading, argument, o->parsed.error) < 0 ? ERANGE : 0;
        case KEY_STRICT:
                o->reading.strict = true;
                return 0;
        case KEY_DRY_RUN:
                o->dry_run = true;
                return 0;
        case KEY_PID:
                return command_add_pid(&o->pids, &o->create.pid_count, argument, o->parsed.error) < 0 ? ERANGE
                                                                                                      : 0;
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

static const struct argp argp = {command_create_options,
                                 parse,
                                 "ID",
                                 "Make a sandbox's control groups, and place its runtime processes.",
                                 NULL,
                                 command_help_filter,
                                 NULL};

/* What the options name, read and parsed. */
struct input {
        struct oci_resources *resources, *overhead;
        char *bundle_path; /* the bundle's linux.cgroupsPath, or NULL */
};

static void input_clear(struct input *input) {
        oci_resources_free(input->resources);
        oci_resources_free(input->overhead);
        free(input->bundle_path);
}

static bool is_standard_input(const char *file) {
        return file && strcmp(file, "-") == 0;
}

static int check_options(const struct create_options *o, struct error *error) {
        bool from_bundle = o->bundle && !o->resources;

        if (o->create.paths.sandbox_cgroup_only && (o->create.paths.overhead_path || o->overhead_resources))
                return error_set(error, EXIT_STATUS_USAGE, 0, NULL,
                                 "create: --overhead-%s and --sandbox-cgroup-only exclude each other",
                                 o->create.paths.overhead_path ? "path" : "resources");
        if (is_standard_input(o->overhead_resources) &&
            (is_standard_input(o->resources) || (!o->resources && !from_bundle)))
                return error_set(error, EXIT_STATUS_USAGE, 0, NULL,
                                 "create: both --resources and --overhead-resources are standard input");
        return 0;
}

/* Options that are given win over the bundle. */
static int read_input(const struct sandbox_environment *environment, const struct create_options *o,
                      struct input *input, struct error *error) {
        bool from_bundle = o->bundle && !o->resources;
        int r = 0;

        if (o->bundle)
                r = command_read_bundle(environment, o->bundle, &o->reading,
                                        from_bundle ? &input->resources : NULL, &input->bundle_path, error);
        if (r == 0 && !from_bundle)
                r = command_read_resources(environment, o->resources ? o->resources : "-", &o->reading,
                                           &input->resources, error);
        if (r < 0 || !o->overhead_resources)
                return r;
        /* --only is said of the sandbox's. */
        r = command_read_resources(environment, o->overhead_resources,
                                   &(struct reading){.strict = o->reading.strict}, &input->overhead, error);
        if (r < 0)
                error_append(error, "in --overhead-resources");
        return r;
}

int command_create(const struct sandbox_environment *environment, int argc, char **argv, struct error *error) {
        struct create_options o = {.parsed = {.takes_id = true}, .create = {.stop_timeout = 300}};
        _cleanup_(input_clear) struct input input = {0};
        json_t *plan = NULL;
        int r;

        r = command_parse(&argp, "create", argc, argv, &o, error);
        if (r == 0)
                r = check_options(&o, error);
        if (r == 0)
                r = read_input(environment, &o, &input, error);
        if (r == 0) {
                o.create.pids = o.pids;
                o.create.resources = input.resources;
                o.create.overhead_resources = input.overhead;
                if (!o.create.paths.cgroups_path)
                        o.create.paths.cgroups_path = input.bundle_path;
                r = sandbox_create(environment, o.parsed.id, &o.create, o.dry_run ? &plan : NULL, error);
        }
        free(o.pids);
        oci_selection_clear(&o.reading.only);
        if (r == 0 && plan)
                r = command_print(plan, error);
        return r;
}
