/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The limits that are wanted for a sandbox
 *
 * Subtle: the effective resources are computed each time from the sandbox's own, the containers' and the devices; none of the
 * parts is ever changed by another, so removing a container restores the former value.
 */
#include "sandbox/configuration.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "util/cpulist.h"

struct configuration *configuration_new(void) {
        _cleanup_(configuration_freep) struct configuration *configuration = calloc(1, sizeof(*configuration));

        if (!configuration)
                return NULL;
        configuration->resources = calloc(1, sizeof(*configuration->resources));
        configuration->overhead = calloc(1, sizeof(*configuration->overhead));
        return configuration->resources && configuration->overhead ? TAKE(configuration) : NULL;
}

static void clear_container(struct container *container) {
        free(container->id);
        oci_resources_free(container->resources);
}

struct configuration *configuration_free(struct configuration *configuration) {
        if (!configuration)
                return NULL;
        oci_resources_free(configuration->resources);
        oci_resources_free(configuration->overhead);
        for (size_t i = 0; i < configuration->container_count; i++)
                clear_container(&configuration->containers[i]);
        free(configuration->containers);
        for (size_t i = 0; i < configuration->device_count; i++)
                free(configuration->devices[i].path);
        free(configuration->devices);
        free(configuration);
        return NULL;
}

struct configuration *configuration_copy(const struct configuration *configuration) {
        _cleanup_(configuration_freep) struct configuration *copy = configuration_new();

        if (!copy)
                return NULL;
        oci_resources_free(copy->resources);
        oci_resources_free(copy->overhead);
        copy->resources = oci_resources_copy(configuration->resources);
        copy->overhead = oci_resources_copy(configuration->overhead);
        if (!copy->resources || !copy->overhead)
                return NULL;
        copy->hypervisor_devices = configuration->hypervisor_devices;
        for (size_t i = 0; i < configuration->container_count; i++) {
                const struct container *container = &configuration->containers[i];

                if (configuration_set_container(copy, container->id, container->resources) < 0)
                        return NULL;
        }
        for (size_t i = 0; i < configuration->device_count; i++) {
                const struct device *device = &configuration->devices[i];

                if (configuration_set_device(copy, device->path, device->type, device->major, device->minor,
                                             device->access) < 0)
                        return NULL;
        }
        return TAKE(copy);
}

static bool is_device(const struct device *a, const struct device *b) {
        return strcmp(a->path, b->path) == 0 && a->type == b->type && a->major == b->major &&
               a->minor == b->minor && strcmp(a->access, b->access) == 0;
}

bool configuration_equal(const struct configuration *a, const struct configuration *b) {
        if (a->container_count != b->container_count || a->device_count != b->device_count ||
            a->hypervisor_devices != b->hypervisor_devices ||
            !oci_resources_equal(a->resources, b->resources) || !oci_resources_equal(a->overhead, b->overhead))
                return false;
        for (size_t i = 0; i < a->container_count; i++)
                if (strcmp(a->containers[i].id, b->containers[i].id) != 0 ||
                    !oci_resources_equal(a->containers[i].resources, b->containers[i].resources))
                        return false;
        for (size_t i = 0; i < a->device_count; i++)
                if (!is_device(&a->devices[i], &b->devices[i]))
                        return false;
        return true;
}

/* The container, or NULL; `*place` is its index or the index at which it would be inserted. */
static struct container *find_container(const struct configuration *configuration, const char *id,
                                        size_t *place) {
        size_t low = 0, high = configuration->container_count;

        while (low < high) {
                size_t middle = low + (high - low) / 2;

                if (strcmp(configuration->containers[middle].id, id) < 0)
                        low = middle + 1;
                else
                        high = middle;
        }
        *place = low;
        if (low == configuration->container_count || strcmp(configuration->containers[low].id, id) != 0)
                return NULL;
        return &configuration->containers[low];
}

/* Owns `resources`. */
static int set_container(struct configuration *configuration, const char *id, struct oci_resources *resources) {
        _cleanup_(oci_resources_freep) struct oci_resources *owned = resources;
        struct container *container, *larger;
        char *copy;
        size_t i;

        container = find_container(configuration, id, &i);
        if (container) {
                oci_resources_free(container->resources);
                container->resources = TAKE(owned);
                return 0;
        }
        larger = reallocarray(configuration->containers, configuration->container_count + 1, sizeof(*larger));
        if (!larger)
                return -ENOMEM;
        configuration->containers = larger;
        copy = strdup(id);
        if (!copy)
                return -ENOMEM;
        memmove(&larger[i + 1], &larger[i], (configuration->container_count - i) * sizeof(*larger));
        larger[i] = (struct container){copy, TAKE(owned)};
        configuration->container_count++;
        return 0;
}

int configuration_set_container(struct configuration *configuration, const char *id,
                                const struct oci_resources *resources) {
        struct oci_resources *copy = oci_resources_copy(resources);

        return copy ? set_container(configuration, id, copy) : -ENOMEM;
}

void configuration_forget_container(struct configuration *configuration, const char *id) {
        struct container *container;
        size_t i;

        container = find_container(configuration, id, &i);
        if (!container)
                return;
        clear_container(container);
        configuration->container_count--;
        memmove(container, container + 1, (configuration->container_count - i) * sizeof(*container));
}

static struct device *find_device(const struct configuration *configuration, const char *path) {
        for (size_t i = 0; i < configuration->device_count; i++)
                if (strcmp(configuration->devices[i].path, path) == 0)
                        return &configuration->devices[i];
        return NULL;
}

int configuration_set_device(struct configuration *configuration, const char *path, char type,
                             int64_t major_number, int64_t minor_number, const char *access) {
        struct device *device = find_device(configuration, path), *larger;
        char *copy;

        if (!device) {
                larger = reallocarray(configuration->devices, configuration->device_count + 1, sizeof(*larger));
                if (!larger)
                        return -ENOMEM;
                configuration->devices = larger;
                copy = strdup(path);
                if (!copy)
                        return -ENOMEM;
                device = &larger[configuration->device_count++];
                device->path = copy;
        }
        *device = (struct device){device->path, type, major_number, minor_number, ""};
        (void)snprintf(device->access, sizeof(device->access), "%s", access);
        return 0;
}

bool configuration_forget_device(struct configuration *configuration, const char *path) {
        struct device *device = find_device(configuration, path);
        size_t behind;

        if (!device)
                return false;
        free(device->path);
        configuration->device_count--;
        behind = configuration->device_count - (size_t)(device - configuration->devices);
        memmove(device, device + 1, behind * sizeof(*device));
        return true;
}

static json_t *containers_to_json(const struct configuration *configuration) {
        _cleanup_json_ json_t *object = json_object();

        for (size_t i = 0; object && i < configuration->container_count; i++) {
                const struct container *container = &configuration->containers[i];

                if (json_object_set_new(object, container->id, oci_resources_to_json(container->resources)) < 0)
                        return NULL;
        }
        return TAKE(object);
}

static json_t *devices_to_json(const struct configuration *configuration) {
        _cleanup_json_ json_t *array = json_array();

        for (size_t i = 0; array && i < configuration->device_count; i++) {
                const struct device *device = &configuration->devices[i];
                const char type[] = {device->type, '\0'};
                json_t *entry = json_pack("{s:s, s:b, s:s, s:I, s:I, s:s}", "path", device->path, "allow", 1,
                                          "type", type, "major", (json_int_t)device->major, "minor",
                                          (json_int_t)device->minor, "access", device->access);

                /* Fails for a path that is not UTF-8, which JSON cannot hold. */
                if (json_array_append_new(array, entry) < 0)
                        return NULL;
        }
        return TAKE(array);
}

json_t *configuration_to_json(const struct configuration *configuration) {
        return json_pack("{s:o, s:o, s:o, s:b, s:o}", "resources",
                         oci_resources_to_json(configuration->resources), "containers",
                         containers_to_json(configuration), "devices", devices_to_json(configuration),
                         "hypervisorDevices", configuration->hypervisor_devices, "overheadResources",
                         oci_resources_to_json(configuration->overhead));
}

int configuration_fail_file(struct error *error, const char *what) {
        return error_fail(error, 0, "the state file is not one of kata-cgroup: %s", what);
}

/* Resources that would be refused as input mean that the state is damaged, or of a newer build. */
static int read_resources(const json_t *json, struct oci_resources **out, struct error *error) {
        _cleanup_error_ struct error cause = ERROR_INIT;
        _cleanup_free_ char *what = NULL;
        int r = oci_resources_from_json(json, NULL, out, &cause);

        if (r == 0)
                return 0;
        if (cause.status != EXIT_STATUS_REFUSED) {
                error_move(error, &cause);
                return r;
        }
        if (asprintf(&what, "%s: %s", cause.field ? cause.field : "?", cause.message ? cause.message : "?") <
            0) {
                what = NULL;
                return error_oom(error);
        }
        return configuration_fail_file(error, what);
}

static int replace_resources(const json_t *json, struct oci_resources **place, struct error *error) {
        struct oci_resources *resources;
        int r = read_resources(json, &resources, error);

        if (r < 0)
                return r;
        oci_resources_free(*place);
        *place = resources;
        return 0;
}

static int read_containers(const json_t *json, struct configuration *configuration, struct error *error) {
        const char *id;
        json_t *value;

        if (!json_is_object(json))
                return configuration_fail_file(error, "containers");
        json_object_foreach((json_t *)json, id, value) {
                struct oci_resources *resources;
                int r = read_resources(value, &resources, error);

                if (r < 0)
                        return r;
                if (set_container(configuration, id, resources) < 0)
                        return error_oom(error);
        }
        return 0;
}

static bool is_access(const char *text) {
        return text[0] != '\0' && strlen(text) <= strlen("rwm") && strspn(text, "rwm") == strlen(text);
}

static int read_device(const json_t *json, struct configuration *configuration, struct error *error) {
        const char *path, *type, *access;
        json_int_t major_number, minor_number;
        int allow;

        if (json_unpack((json_t *)json, "{s:s, s:b, s:s, s:I, s:I, s:s!}", "path", &path, "allow", &allow,
                        "type", &type, "major", &major_number, "minor", &minor_number, "access", &access) < 0 ||
            !allow || (strcmp(type, "b") != 0 && strcmp(type, "c") != 0) || major_number < -1 ||
            major_number > OCI_DEVICE_MAJOR_MAX || minor_number < -1 || minor_number > OCI_DEVICE_MINOR_MAX ||
            !is_access(access) || find_device(configuration, path))
                return configuration_fail_file(error, "devices");
        return configuration_set_device(configuration, path, type[0], major_number, minor_number, access) < 0
                       ? error_oom(error)
                       : 0;
}

static int read_devices(const json_t *json, struct configuration *configuration, struct error *error) {
        const json_t *entry;
        size_t i;

        if (!json_is_array(json))
                return configuration_fail_file(error, "devices");
        json_array_foreach((json_t *)json, i, entry) {
                int r = read_device(entry, configuration, error);

                if (r < 0)
                        return r;
        }
        return 0;
}

int configuration_from_json(const json_t *json, struct configuration **out, struct error *error) {
        _cleanup_(configuration_freep) struct configuration *configuration = configuration_new();
        const json_t *hypervisor_devices = json_object_get(json, "hypervisorDevices"),
                     *overhead = json_object_get(json, "overheadResources");
        int r;

        if (!configuration)
                return error_oom(error);
        if (!json_is_boolean(hypervisor_devices))
                return configuration_fail_file(error, "hypervisorDevices");
        configuration->hypervisor_devices = json_is_true(hypervisor_devices);
        r = replace_resources(json_object_get(json, "resources"), &configuration->resources, error);
        /* States of older builds have no overhead resources. */
        if (r == 0 && overhead)
                r = replace_resources(overhead, &configuration->overhead, error);
        if (r == 0)
                r = read_containers(json_object_get(json, "containers"), configuration, error);
        if (r == 0)
                r = read_devices(json_object_get(json, "devices"), configuration, error);
        if (r < 0)
                return r;
        *out = TAKE(configuration);
        return 0;
}

static void add_list(struct cpulist *all, const char *text) {
        struct cpulist list;

        if (text && cpulist_parse(text, &list) == 0)
                cpulist_union(all, &list);
}

/* Replaces the sandbox's list by the union of the containers' lists, if a container has one. */
static int replace_list(struct oci_resources *resources, char **text, const char *file,
                        const struct cpulist *all) {
        char *formatted;

        if (cpulist_is_empty(all))
                return 0;
        formatted = cpulist_format(all);
        if (!formatted)
                return -ENOMEM;
        free(*text);
        *text = formatted;
        /* The containers' lists take precedence over the sandbox's unified. */
        oci_resources_drop_unified(resources, file);
        return 0;
}

static int unite_cpusets(const struct configuration *configuration, struct oci_resources *resources) {
        struct cpulist cpus = {0}, mems = {0};
        int r;

        for (size_t i = 0; i < configuration->container_count; i++) {
                const struct oci_cpu *own = &configuration->containers[i].resources->cpu;

                add_list(&cpus, own->cpus);
                add_list(&mems, own->mems);
        }
        r = replace_list(resources, &resources->cpu.cpus, "cpuset.cpus", &cpus);
        return r < 0 ? r : replace_list(resources, &resources->cpu.mems, "cpuset.mems", &mems);
}

/* The rules of the resources, then those of VMM devices and hotplugged devices. Without rules there is no restriction, so none
 * are added. */
static int add_devices(const struct configuration *configuration, struct oci_resources *resources) {
        const struct oci_device deny_all = {.allow = {true, false}};
        int r = 0;

        if (resources->devices.count == 0 && !configuration->hypervisor_devices)
                return 0;
        if (resources->devices.count == 0)
                r = oci_resources_add_device(resources, &deny_all);
        for (size_t i = 0; r == 0 && i < configuration->device_count; i++) {
                struct device *device = &configuration->devices[i];
                char type[] = {device->type, '\0'};
                const struct oci_device rule = {.allow = {true, true},
                                                .type = type,
                                                .major = {true, device->major},
                                                .minor = {true, device->minor},
                                                .access = device->access};

                r = oci_resources_add_device(resources, &rule);
        }
        return r;
}

int configuration_effective(const struct configuration *configuration, struct oci_resources **out,
                            struct error *error) {
        _cleanup_(oci_resources_freep) struct oci_resources *effective =
                oci_resources_copy(configuration->resources);

        if (!effective || unite_cpusets(configuration, effective) < 0 ||
            add_devices(configuration, effective) < 0)
                return error_oom(error);
        *out = TAKE(effective);
        return 0;
}
