/* SPDX-License-Identifier: Apache-2.0 */
/* The sum of two groups' statistics, member by member. */
#include <errno.h>
#include <string.h>

#include "cgroup/stats.h"

static json_t *add(const json_t *a, const json_t *b);

/* Members without a sum: limits, since neither group may use what the other leaves; peaks, which were at different times; and
 * pressure, which is a share of time. */
static bool has_sum(const char *name) {
        static const char *const without[] = {"limit", "swapLimit", "peak", "pressure"};

        for (size_t i = 0; i < ARRAY_SIZE(without); i++)
                if (strcmp(name, without[i]) == 0)
                        return false;
        return true;
}

static json_t *add_numbers(const json_t *a, const json_t *b) {
        json_int_t sum = json_integer_value(a);

        if (!json_is_integer(a) || (b && !json_is_integer(b)))
                return json_null();
        if (__builtin_add_overflow(sum, json_integer_value(b), &sum))
                sum = INT64_MAX;
        return json_integer(sum);
}

/* Adds to `sum` the members of `a` that it does not have. A page size or a resource that `b` does not have was not used
 * there. */
static int add_members(json_t *sum, const json_t *a, const json_t *b) {
        for (void *i = json_object_iter((json_t *)a); i; i = json_object_iter_next((json_t *)a, i)) {
                const char *name = json_object_iter_key(i);

                if (has_sum(name) && !json_object_get(sum, name) &&
                    json_object_set_new(sum, name, add(json_object_iter_value(i), json_object_get(b, name))) <
                            0)
                        return -ENOMEM;
        }
        return 0;
}

static json_t *add_objects(const json_t *a, const json_t *b) {
        json_t *sum = json_object();

        if (sum && add_members(sum, a, b) == 0 && add_members(sum, b, a) == 0)
                return sum;
        json_decref(sum);
        return NULL;
}

static bool is_same_device(const json_t *a, const json_t *b) {
        return json_equal(json_object_get(a, "major"), json_object_get(b, "major")) &&
               json_equal(json_object_get(a, "minor"), json_object_get(b, "minor"));
}

static const json_t *find_device(const json_t *devices, const json_t *device) {
        for (size_t i = 0; i < json_array_size(devices); i++)
                if (is_same_device(json_array_get(devices, i), device))
                        return json_array_get(devices, i);
        return NULL;
}

static json_t *add_device(const json_t *a, const json_t *b) {
        json_t *sum = add_objects(a, b);

        /* The device's numbers are its name. */
        if (sum && json_object_set(sum, "major", json_object_get(a, "major")) == 0 &&
            json_object_set(sum, "minor", json_object_get(a, "minor")) == 0)
                return sum;
        json_decref(sum);
        return NULL;
}

/* Adds to `sum` the devices of `a` that it does not have. */
static int add_devices(json_t *sum, const json_t *a, const json_t *b) {
        for (size_t i = 0; i < json_array_size(a); i++) {
                const json_t *device = json_array_get(a, i);

                if (!find_device(sum, device) &&
                    json_array_append_new(sum, add_device(device, find_device(b, device))) < 0)
                        return -ENOMEM;
        }
        return 0;
}

static json_t *add_arrays(const json_t *a, const json_t *b) {
        json_t *sum = json_array();

        if (sum && add_devices(sum, a, b) == 0 && add_devices(sum, b, a) == 0)
                return sum;
        json_decref(sum);
        return NULL;
}

static json_t *add(const json_t *a, const json_t *b) {
        if (b && json_typeof(a) != json_typeof(b))
                return json_null();
        return json_is_object(a) ? add_objects(a, b) : json_is_array(a) ? add_arrays(a, b) : add_numbers(a, b);
}

/* A process with threads in both groups is among both groups' processes. */
static json_int_t count_processes(const struct stats *a, const struct stats *b) {
        size_t count = a->processes.count;

        for (size_t i = 0; i < b->processes.count; i++)
                if (!pid_set_contains(&a->processes, b->processes.pids[i]))
                        count++;
        return (json_int_t)count;
}

json_t *stats_total(const struct stats *a, const struct stats *b) {
        json_t *total = add(a->json, b ? b->json : NULL), *processes;

        processes = json_object_get(json_object_get(total, "pids"), "processes");
        if (b && json_is_integer(processes))
                (void)json_integer_set(processes, count_processes(a, b));
        return total;
}
