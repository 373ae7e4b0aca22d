/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* The limits that are wanted for a sandbox: its own resources, those of its containers, its VMM's devices, and the resources of
 * its overhead group. */

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "oci/resources.h"

struct container {
        char *id;
        struct oci_resources *resources;
};

/* A device that is allowed. */
struct device {
        char *path;           /* the path with which it was added; for a kind of devices, its name */
        char type;            /* 'b' or 'c' */
        int64_t major, minor; /* -1: any */
        char access[4];       /* of r(ead), w(rite) and m(knod) */
};

struct configuration {
        struct oci_resources *resources; /* the sandbox's own */
        struct oci_resources *overhead;  /* those of the overhead group */
        struct container *containers;    /* the ledger, by ID */
        size_t container_count;
        /* A VMM's devices and hotplugged ones, in order. Their rules follow those of the resources, if there are any
         * rules. */
        struct device *devices;
        size_t device_count;
        bool hypervisor_devices; /* devices are restricted even if the resources have no rules */
};

/* Without any limit. NULL without memory. */
struct configuration *configuration_new(void);
struct configuration *configuration_free(struct configuration *configuration);
DEFINE_CLEANUP(struct configuration *, configuration_free)

/* NULL without memory. */
struct configuration *configuration_copy(const struct configuration *configuration);
bool configuration_equal(const struct configuration *a, const struct configuration *b);

/* Replaces or adds a container with a copy of its resources. Returns 0 or -ENOMEM. */
int configuration_set_container(struct configuration *configuration, const char *id,
                                const struct oci_resources *resources);
void configuration_forget_container(struct configuration *configuration, const char *id);

/* Replaces the device of the same path, or appends it. `access`: some of "rwm". Returns 0 or -ENOMEM. */
int configuration_set_device(struct configuration *configuration, const char *path, char type,
                             int64_t major_number, int64_t minor_number, const char *access);

/* Returns whether there was one. */
bool configuration_forget_device(struct configuration *configuration, const char *path);

/* The members "resources", "containers", "devices", "hypervisorDevices" and "overheadResources" of a state; NULL without
 * memory. */
json_t *configuration_to_json(const struct configuration *configuration);

/* Sets the error for a state file that no kata-cgroup has written; `what` says what is wrong in it. Status 1, -EIO. */
int configuration_fail_file(struct error *error, const char *what);

/* Reads these members from the object, and ignores others. Resources that this build does not know are an error, since it could
 * not write them again. Status 1. */
int configuration_from_json(const json_t *json, struct configuration **out, struct error *error);

/* The effective resources of the sandbox cgroup: its own, with the union of its containers' cpusets and with the
 * devices. Errors: memory only. */
int configuration_effective(const struct configuration *configuration, struct oci_resources **out,
                            struct error *error);
