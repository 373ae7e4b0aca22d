/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <stdlib.h>

#include "command.h"
#include "util/cleanup.h"

enum {
        KEY_CONTAINER = 0x100,
        KEY_REMOVE,
        KEY_OVERHEAD,
        KEY_DRY_RUN,
        KEY_ONLY,
        KEY_STRICT,
        KEY_ADD_DEVICE,
        KEY_REMOVE_DEVICE,
};

const struct argp_option command_update_options[] = {
        {"container", KEY_CONTAINER, "CID", 0,
         "the JSON is this container's; the cpuset becomes the union of all", 0},
        {"remove", KEY_REMOVE, NULL, 0, "forget that container; reads no JSON", 0},
        {"overhead", KEY_OVERHEAD, NULL, 0, "the JSON is the overhead cgroup's", 0},
        {"add-device", KEY_ADD_DEVICE, "PATH", 0,
         "allow a hotplugged device; reads no JSON unless -r is given; repeatable", 0},
        {"remove-device", KEY_REMOVE_DEVICE, "PATH", 0, "take that back; repeatable", 0},
        {"resources", 'r', "FILE", 0, "OCI LinuxResources JSON; - is standard input (default)", 0},
        {"only", KEY_ONLY, "FIELD[,FIELD...]", 0,
         "of the JSON, take only these, by the names in features: cpu.cpus, cpu, devices ...", 0},
        {"strict", KEY_STRICT, NULL, 0, "refuse members that the specification does not know", 0},
        {"dry-run", KEY_DRY_RUN, NULL, 0, "change nothing; print the plan as JSON", 0},
        OPTIONS_COMMON,
        {0},
};

struct update_options {
        struct parsed parsed;
        struct sandbox_update update;
        const char **add_devices, **remove_devices;
        const char *resources;
        struct reading reading;
        bool dry_run;
};

static error_t parse(int key, char *argument, struct argp_state *state) {
        struct update_options *o = state->input;

        switch (key) {
        case KEY_CONTAINER:
                o->update.container = argument;
                return 0;
        case KEY_REMOVE:
                o->update.remove = true;
                return 0;
        case KEY_OVERHEAD:
                o->update.overhead = true;
                return 0;
        case KEY_ADD_DEVICE:
                return command_add_text(&o->add_devices, &o->update.add_device_count, argument,
                                        o->parsed.error) < 0
                               ? ERANGE
                               : 0;
        case KEY_REMOVE_DEVICE:
                return command_add_text(&o->remove_devices, &o->update.remove_device_count, argument,
                                        o->parsed.error) < 0
                               ? ERANGE
                               : 0;
        case KEY_ONLY:
                return command_add_only(&o->reading, argument, o->parsed.error) < 0 ? ERANGE : 0;
        case KEY_STRICT:
                o->reading.strict = true;
                return 0;
        case KEY_DRY_RUN:
                o->dry_run = true;
                return 0;
        case 'r':
                o->resources = argument;
                return 0;
        default:
                return command_parse_common(key, argument, state);
        }
}

static const struct argp argp = {command_update_options,
                                 parse,
                                 "ID",
                                 "Change a sandbox's limits: all that the JSON names, or nothing.",
                                 NULL,
                                 command_help_filter,
                                 NULL};

/* Devices by themselves come without JSON. */
static bool reads_no_json(const struct update_options *o) {
        return o->update.remove || (!o->resources && (o->add_devices || o->remove_devices));
}

/* A container is told by its JSON only. */
static int check_options(const struct update_options *o, struct error *error) {
        bool devices = o->add_devices || o->remove_devices;

        if (o->reading.only.count > 0 && reads_no_json(o))
                return error_set(error, EXIT_STATUS_USAGE, 0, NULL,
                                 "update: --only is for JSON, and none is read");
        if (o->update.remove && !o->update.container)
                return error_set(error, EXIT_STATUS_USAGE, 0, NULL, "update: --remove needs --container");
        if (o->update.overhead && (o->update.container || devices))
                return error_set(error, EXIT_STATUS_USAGE, 0, NULL,
                                 "update: --overhead and %s exclude each other",
                                 o->update.container ? "--container"
                                 : o->add_devices    ? "--add-device"
                                                     : "--remove-device");
        if (devices && o->update.container && !o->update.remove && !o->resources)
                return error_set(error, EXIT_STATUS_USAGE, 0, NULL,
                                 "update: --container beside %s needs its JSON by --resources: devices are the "
                                 "sandbox's",
                                 o->add_devices ? "--add-device" : "--remove-device");
        return 0;
}

static int read_input(const struct sandbox_environment *environment, const struct update_options *o,
                      struct oci_resources **resources, struct error *error) {
        const char *file = o->resources ? o->resources : "-";

        if (reads_no_json(o))
                return 0;
        if (command_is_terminal(file))
                return error_set(error, EXIT_STATUS_USAGE, 0, NULL,
                                 "update: no JSON was given: standard input is a terminal");
        return command_read_resources(environment, file, &o->reading, resources, error);
}

int command_update(const struct sandbox_environment *environment, int argc, char **argv, struct error *error) {
        struct update_options o = {.parsed = {.takes_id = true}, .resources = NULL};
        _cleanup_(oci_resources_freep) struct oci_resources *resources = NULL;
        json_t *plan = NULL;
        int r;

        r = command_parse(&argp, "update", argc, argv, &o, error);
        if (r == 0)
                r = check_options(&o, error);
        if (r == 0)
                r = read_input(environment, &o, &resources, error);
        if (r == 0) {
                o.update.resources = resources;
                o.update.add_devices = o.add_devices;
                o.update.remove_devices = o.remove_devices;
                r = sandbox_update(environment, o.parsed.id, &o.update, o.dry_run ? &plan : NULL, error);
        }
        free(o.add_devices);
        free(o.remove_devices);
        oci_selection_clear(&o.reading.only);
        return r == 0 && plan ? command_print(plan, error) : r;
}
