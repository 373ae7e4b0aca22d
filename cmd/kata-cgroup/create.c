/* SPDX-License-Identifier: Apache-2.0 */
/* create: options, and reading the resources from files, standard input or a bundle */
#include <errno.h>
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

static const struct command_option options[] = {
        {"cgroups-path", KEY_CGROUPS_PATH, "PATH",
         "the OCI linux.cgroupsPath; slice:prefix:name selects systemd (default: kata_sandboxed_pod/ID)",
         COMPLETE_NONE},
        {"resources", 'r', "FILE", "OCI LinuxResources JSON; - is standard input (default)", COMPLETE_FILE},
        {"bundle", 'b', "DIR", "take linux.cgroupsPath and linux.resources from DIR/config.json",
         COMPLETE_DIRECTORY},
        {"sandbox-cgroup-only", KEY_SANDBOX_ONLY, NULL,
         "no overhead cgroup: everything is in the sandbox cgroup", COMPLETE_NONE},
        {"overhead-path", KEY_OVERHEAD_PATH, "PATH",
         "default: kata_overhead/ID, with systemd kata-overhead.slice:kata-cgroup:ID", COMPLETE_NONE},
        {"overhead-resources", KEY_OVERHEAD_RESOURCES, "FILE",
         "OCI LinuxResources JSON for the overhead cgroup; - is standard input", COMPLETE_FILE},
        {"pid", KEY_PID, "PID", "a runtime process (shim, virtiofsd) to place; repeatable", COMPLETE_PID},
        {"stop-timeout", KEY_STOP_TIMEOUT, "SECONDS", "a scope's TimeoutStopUSec (default: 300)",
         COMPLETE_NONE},
        {"hypervisor-devices", KEY_HYPERVISOR_DEVICES, NULL,
         "allow what a VMM needs besides the devices of the resources, and nothing else", COMPLETE_NONE},
        {"vcpu-subtree", KEY_VCPU_SUBTREE, NULL,
         "v2: give the vCPU threads a threaded child group, with the limits of the OCI object cpu",
         COMPLETE_NONE},
        {"only", KEY_ONLY, "FIELD[,FIELD...]",
         "of the resources, take only these, by the names in features: cpu.cpus, cpu, devices ...",
         COMPLETE_FIELD},
        {"strict", KEY_STRICT, NULL, "refuse members that the specification does not know", COMPLETE_NONE},
        {"dry-run", KEY_DRY_RUN, NULL, "change nothing; print the plan as JSON", COMPLETE_NONE},
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

static int parse(struct parsed *parsed, int key, const char *argument) {
        struct create_options *o = (struct create_options *)parsed;
        uint32_t number;

        switch (key) {
        case KEY_CGROUPS_PATH:
                o->create.paths.cgroups_path = argument;
                break;
        case KEY_OVERHEAD_PATH:
                o->create.paths.overhead_path = argument;
                break;
        case KEY_OVERHEAD_RESOURCES:
                o->overhead_resources = argument;
                break;
        case KEY_SANDBOX_ONLY:
                o->create.paths.sandbox_cgroup_only = true;
                break;
        case KEY_HYPERVISOR_DEVICES:
                o->create.hypervisor_devices = true;
                break;
        case KEY_VCPU_SUBTREE:
                o->create.vcpu_subtree = true;
                break;
        case KEY_ONLY:
                return command_add_only(&o->reading, argument, parsed->error);
        case KEY_STRICT:
                o->reading.strict = true;
                break;
        case KEY_DRY_RUN:
                o->dry_run = true;
                break;
        case KEY_PID:
                return command_add_pid(&o->pids, &o->create.pid_count, argument, parsed->error);
        case KEY_STOP_TIMEOUT:
                if (command_number("--stop-timeout", argument, 0, UINT32_MAX, &number, parsed->error) < 0)
                        return -EINVAL;
                o->create.stop_timeout = number;
                break;
        case 'r':
                o->resources = argument;
                break;
        case 'b':
                o->bundle = argument;
                break;
        }
        return 0;
}

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

static int run(const struct sandbox_environment *environment, int argc, char **argv, struct error *error) {
        struct create_options o = {.create = {.stop_timeout = 300}};
        _cleanup_(input_clear) struct input input = {0};
        json_t *plan = NULL;
        int r;

        r = command_parse(&command_create, argc, argv, &o.parsed, error);
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

const struct command command_create = {
        .name = "create",
        .summary = "make a sandbox's control groups and place its runtime processes",
        .arguments = "ID",
        .description = "Make a sandbox's control groups, and place its runtime processes.",
        .id = ID_NEW,
        .options = options,
        .parse = parse,
        .run = run,
};
