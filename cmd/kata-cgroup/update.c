/* SPDX-License-Identifier: Apache-2.0 */
/* update: options, and the checks of which of its four forms is meant */
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

static const struct command_option options[] = {
        {"container", KEY_CONTAINER, "CID", "the JSON is this container's; the cpuset becomes the union of all",
         COMPLETE_NONE},
        {"remove", KEY_REMOVE, NULL, "forget that container; reads no JSON", COMPLETE_NONE},
        {"overhead", KEY_OVERHEAD, NULL, "the JSON is the overhead cgroup's", COMPLETE_NONE},
        {"add-device", KEY_ADD_DEVICE, "PATH",
         "allow a hotplugged device; reads no JSON unless -r is given; repeatable", COMPLETE_FILE},
        {"remove-device", KEY_REMOVE_DEVICE, "PATH", "no longer allow this device; repeatable", COMPLETE_FILE},
        {"resources", 'r', "FILE", "OCI LinuxResources JSON; - is standard input (default)", COMPLETE_FILE},
        {"only", KEY_ONLY, "FIELD[,FIELD...]",
         "of the JSON, take only these, by the names in features: cpu.cpus, cpu, devices ...", COMPLETE_FIELD},
        {"strict", KEY_STRICT, NULL, "refuse members that the specification does not know", COMPLETE_NONE},
        {"dry-run", KEY_DRY_RUN, NULL, "change nothing; print the plan as JSON", COMPLETE_NONE},
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

static int parse(struct parsed *parsed, int key, const char *argument) {
        struct update_options *o = (struct update_options *)parsed;

        switch (key) {
        case KEY_CONTAINER:
                o->update.container = argument;
                break;
        case KEY_REMOVE:
                o->update.remove = true;
                break;
        case KEY_OVERHEAD:
                o->update.overhead = true;
                break;
        case KEY_ADD_DEVICE:
                return command_add_text(&o->add_devices, &o->update.add_device_count, argument, parsed->error);
        case KEY_REMOVE_DEVICE:
                return command_add_text(&o->remove_devices, &o->update.remove_device_count, argument,
                                        parsed->error);
        case KEY_ONLY:
                return command_add_only(&o->reading, argument, parsed->error);
        case KEY_STRICT:
                o->reading.strict = true;
                break;
        case KEY_DRY_RUN:
                o->dry_run = true;
                break;
        case 'r':
                o->resources = argument;
                break;
        }
        return 0;
}

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

static int run(const struct sandbox_environment *environment, int argc, char **argv, struct error *error) {
        struct update_options o = {.resources = NULL};
        _cleanup_(oci_resources_freep) struct oci_resources *resources = NULL;
        json_t *plan = NULL;
        int r;

        r = command_parse(&command_update, argc, argv, &o.parsed, error);
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

const struct command command_update = {
        .name = "update",
        .summary = "change a sandbox's limits",
        .arguments = "ID",
        .description = "Change a sandbox's limits: all that the JSON names, or nothing.",
        .id = ID_REQUIRED,
        .options = options,
        .parse = parse,
        .run = run,
};
