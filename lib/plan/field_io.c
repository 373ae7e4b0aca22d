/* SPDX-License-Identifier: Apache-2.0 */
/*
 * blockIO, and unified's io.max and io.weight, which set the same limits
 *
 * Subtle: the file for a weight depends on the I/O scheduler. bfq has its own file, with weights of 1 to 1000; otherwise there is
 * v2's io.weight (iocost), of 1 to 10000, or v1's blkio.weight of old kernels. Only the write reveals which file exists, so one
 * is the other's fallback.
 *
 * On v2, io.max has one line for each device with four rates. Rates from all sources (four arrays, unified) are merged first, and
 * both the line and the unit's properties are made from the result.
 */
#include "plan/field_plans.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "plan/convert.h"
#include "plan/kernel_text.h"
#include "plan/unified.h"

#define UNLIMITED UINT64_MAX
/* BFQ_MAX_WEIGHT of block/bfq-iosched.h, CGROUP_WEIGHT_MAX of include/linux/cgroup.h. */
#define BFQ_WEIGHT_MAX 1000U
#define IO_WEIGHT_MAX 10000U
#define BFQ_WEIGHT_FILE "io.bfq.weight"

/* ---- weights ---- */

/* The weight of the unit from which systemd computes this weight. */
static uint64_t property_weight(const struct builder *builder, enum cgroup_version version, uint64_t weight) {
        if (version == CGROUP_V1)
                return weight;
        return builder->facts->bfq ? convert_bfq_to_io_weight(weight) : convert_blkio_to_io_weight(weight);
}

/* Adds the setting of a weight, for the whole group ("default") or one device: v1 has a file for each, v2 one for both. */
static int add_weight(struct builder *builder, const struct field_row *row, enum cgroup_version version,
                      const char *key, const char *reset, uint64_t weight) {
        struct setting_file file = builder_file(row, version);

        file.reset = reset;
        if (version == CGROUP_V2) {
                file.flags |= FILE_KEYED;
                file.fallback_value =
                        builder_text(builder, "%s %" PRIu64, key, convert_blkio_to_io_weight(weight));
                if (!file.fallback_value)
                        return error_oom(builder->error);
        }
        file.value = (file.flags & FILE_KEYED) != 0 ? builder_text(builder, "%s %" PRIu64, key, weight)
                                                    : builder_text(builder, "%" PRIu64, weight);
        return builder_add_file(builder, row->path, &file);
}

int plan_io_weight(struct builder *builder, const struct field_row *row) {
        enum cgroup_version version;
        int64_t weight;
        int r;

        if (!field_value(row, builder->resources, &weight))
                return 0;
        r = builder_version(builder, row, &version);
        if (r == 0)
                r = builder_property_number(builder, row->path, row->controller,
                                            builder_row_property(builder, row),
                                            property_weight(builder, version, (uint64_t)weight));
        return r < 0 ? r : add_weight(builder, row, version, "default", NULL, (uint64_t)weight);
}

static int add_leaf_weight(struct builder *builder, const struct field_row *row, enum cgroup_version version,
                           const struct oci_weight_device *device) {
        if (!device->leaf_weight.given || device->leaf_weight.value == 0)
                return 0;
        if (version == CGROUP_V2)
                return builder_refuse_on_v2(builder, row->path, "leaf weight");
        return builder_add_line(
                builder, row, row->v1.also,
                builder_text(builder, "%" PRId64 ":%" PRId64 " %" PRIu64, device->major.value,
                             device->minor.value, device->leaf_weight.value),
                builder_text(builder, "%" PRId64 ":%" PRId64 " 0", device->major.value, device->minor.value));
}

static int add_device_weight(struct builder *builder, const struct field_row *row, enum cgroup_version version,
                             const struct oci_weight_device *device) {
        const char *key =
                builder_text(builder, "%" PRId64 ":%" PRId64, device->major.value, device->minor.value);
        const char *reset = key ? builder_text(builder, "%s default", key) : NULL;
        struct setting_file none;

        if (!reset)
                return error_oom(builder->error);
        if (!device->weight.given)
                return 0;
        if (device->weight.value > 0)
                return add_weight(builder, row, version, key, reset, device->weight.value);
        none = builder_file(row, version);
        none.value = none.reset = reset;
        return builder_add_file(builder, row->path, &none);
}

static int add_weight_property(struct builder *builder, const struct field_row *row,
                               enum cgroup_version version) {
        const struct oci_array *devices = &builder->resources->block_io.weight_devices;
        const struct oci_weight_device *device = devices->items;
        struct property_pair *pairs = calloc(devices->count, sizeof(*pairs));
        size_t count = 0;
        int r = pairs ? 0 : error_oom(builder->error);

        for (size_t i = 0; r == 0 && i < devices->count; i++)
                if (device[i].weight.given && device[i].weight.value > 0)
                        r = builder_add_pair(builder, pairs, &count, device[i].major.value,
                                             device[i].minor.value,
                                             property_weight(builder, version, device[i].weight.value));
        if (r < 0) {
                free(pairs);
                return r;
        }
        return builder_property_pairs(builder, row->path, builder_row_property(builder, row), PROPERTY_RATES,
                                      pairs, count);
}

int plan_io_weight_device(struct builder *builder, const struct field_row *row) {
        const struct oci_array *devices = &builder->resources->block_io.weight_devices;
        const struct oci_weight_device *device = devices->items;
        enum cgroup_version version;
        int r;

        if (devices->count == 0)
                return 0;
        r = builder_version(builder, row, &version);
        if (r == 0)
                r = add_weight_property(builder, row, version);
        for (size_t i = 0; r == 0 && i < devices->count; i++) {
                r = add_device_weight(builder, row, version, &device[i]);
                if (r == 0)
                        r = add_leaf_weight(builder, row, version, &device[i]);
        }
        return r;
}

/* ---- unified's weights ---- */

static bool parse_device(const char *text, int64_t *major, int64_t *minor) {
        int end = -1;
        unsigned a, b;

        if (sscanf(text, "%9u:%9u%n", &a, &b, &end) != 2 || text[end] != '\0')
                return false;
        *major = a;
        *minor = b;
        return true;
}

/* Replaces or adds a device's pair in the property; a weight of 0 removes it. */
static int set_pair(struct builder *builder, const char *field, const struct field_property *property,
                    int64_t major, int64_t minor, uint64_t weight) {
        struct setting *present = plan_find_property(builder->plan, property->name);
        size_t count = present ? present->property.pairs.count : 0, kept = 0;
        struct property_pair *pairs = calloc(count + 1, sizeof(*pairs));
        int r = pairs ? builder_add_pair(builder, pairs, &kept, major, minor, weight)
                      : error_oom(builder->error);

        if (r < 0) {
                free(pairs);
                return r;
        }
        if (weight == 0)
                kept = 0;
        for (size_t i = 0; i < count; i++)
                if (strcmp(present->property.pairs.items[i].path, pairs[0].path) != 0)
                        pairs[kept++] = present->property.pairs.items[i];
        unified_remove_property(builder->plan, property->name);
        return builder_property_pairs(builder, field, property, PROPERTY_RATES, pairs, kept);
}

/* Adds the unit's property for a weight that the kernel accepts; 0 means that a device has none. */
static int add_unified_property(struct builder *builder, const char *field, const char *name, bool bfq,
                                uint64_t weight) {
        static const struct field_property group_property = {.name = "IOWeight"},
                                           device_property = {.name = "IODeviceWeight"};
        int64_t major, minor;

        if (bfq && weight > 0)
                weight = convert_bfq_to_io_weight(weight);
        if (parse_device(name, &major, &minor))
                return set_pair(builder, field, &device_property, major, minor, weight);
        unified_remove_property(builder->plan, group_property.name);
        return builder_property_number(builder, field, CONTROLLER_IO, &group_property, weight);
}

/* Splits "DEVICE WEIGHT", "DEVICE default", "default WEIGHT" or "WEIGHT", as blkcg's files are read (ioc_weight_write() in
 * block/blk-iocost.c). A weight of 0 is a device's "default". False for any other text. */
static bool split_weight(char *line, const char **name, uint64_t *weight) {
        const char *text;
        int64_t major, minor;

        *name = strsep(&line, " \t");
        text = line ? line + strspn(line, " \t") : *name;
        if (text == *name)
                *name = "default";
        *weight = 0;
        if (strcmp(*name, "default") != 0 && !parse_device(*name, &major, &minor))
                return false;
        return (strcmp(*name, "default") != 0 && strcmp(text, "default") == 0) ||
               (kernel_parse_decimal(text, weight) == 0 && *weight > 0);
}

int unified_add_io_weight(struct builder *builder, const char *key, char *line) {
        bool bfq = strcmp(key, BFQ_WEIGHT_FILE) == 0;
        _cleanup_free_ char *given = strdup(line);
        const char *field = unified_field(builder, key), *name;
        struct setting_file file = {.controller = CONTROLLER_IO,
                                    .version = CGROUP_V2,
                                    .flags = FILE_KEYED,
                                    .name = bfq ? BFQ_WEIGHT_FILE : "io.weight"};
        uint64_t weight;
        int r;

        if (!field || !given)
                return error_oom(builder->error);
        if (!split_weight(line, &name, &weight))
                return unified_refuse(builder, key, given);
        file.value = weight > 0 ? builder_text(builder, "%s %" PRIu64, name, weight)
                                : builder_text(builder, "%s default", name);
        if (strcmp(name, "default") != 0)
                file.reset = builder_text(builder, "%s default", name);
        if (!file.value)
                return error_oom(builder->error);
        unified_remove_file(builder->plan, file.name, file.value);
        /* The kernel refuses a weight out of range, so it gets no property. */
        r = weight > (bfq ? BFQ_WEIGHT_MAX : IO_WEIGHT_MAX)
                    ? 0
                    : add_unified_property(builder, field, name, bfq, weight);
        return r < 0 ? r : builder_add_file(builder, field, &file);
}

/* ---- rates ---- */

/* v2's names of the rates, in the order of enum oci_throttle, which is also that of the rows of the table. */
static const char *const rate_names[OCI_THROTTLE_COUNT] = {"rbps", "wbps", "riops", "wiops"};

/* A device's line of io.max. */
struct device_limits {
        int64_t major, minor;
        uint64_t rates[OCI_THROTTLE_COUNT];
        const char *field; /* the field that names the device */
};

struct io_limits {
        struct device_limits *devices;
        size_t count;
};

static void io_limits_clear(struct io_limits *limits) {
        free(limits->devices);
}

/* The device's line, added if there is none; NULL without memory. */
static struct device_limits *find_device(struct io_limits *limits, int64_t major, int64_t minor,
                                         const char *field) {
        struct device_limits *larger;

        for (size_t i = 0; i < limits->count; i++)
                if (limits->devices[i].major == major && limits->devices[i].minor == minor)
                        return &limits->devices[i];
        larger = reallocarray(limits->devices, limits->count + 1, sizeof(*larger));
        if (!larger)
                return NULL;
        limits->devices = larger;
        larger[limits->count] =
                (struct device_limits){major, minor, {UNLIMITED, UNLIMITED, UNLIMITED, UNLIMITED}, field};
        return &larger[limits->count++];
}

static int add_arrays(struct builder *builder, const struct field_row *rows, struct io_limits *limits) {
        for (int which = 0; which < OCI_THROTTLE_COUNT; which++) {
                const struct oci_array *devices = &builder->resources->block_io.throttles[which];
                const struct oci_throttle_device *device = devices->items;

                for (size_t i = 0; i < devices->count; i++) {
                        struct device_limits *limit = find_device(limits, device[i].major.value,
                                                                  device[i].minor.value, rows[which].path);

                        if (!limit)
                                return error_oom(builder->error);
                        if (!strstr(limit->field, rows[which].path))
                                limit->field = builder_text(builder, "%s, %s", limit->field, rows[which].path);
                        if (!limit->field)
                                return error_oom(builder->error);
                        limit->rates[which] = device[i].rate.value > 0 ? device[i].rate.value : UNLIMITED;
                }
        }
        return 0;
}

/* "rbps=1048576", "wiops=max". False for text that the kernel refuses, such as a rate of 0. */
static bool read_rate(char *word, struct device_limits *limit) {
        const char *name = strsep(&word, "=");

        for (int which = 0; word && which < OCI_THROTTLE_COUNT; which++) {
                if (strcmp(name, rate_names[which]) != 0)
                        continue;
                limit->rates[which] = UNLIMITED;
                return strcmp(word, "max") == 0 ||
                       (kernel_parse_decimal(word, &limit->rates[which]) == 0 && limit->rates[which] > 0);
        }
        return false;
}

/* A line of unified's io.max; it replaces rates of the arrays. */
static int add_line(struct builder *builder, char *line, void *data) {
        const char *key = "io.max", *field = unified_field(builder, key), *name = strsep(&line, " \t");
        struct io_limits *limits = data;
        struct device_limits *limit;
        int64_t major, minor;

        if (!parse_device(name, &major, &minor))
                return unified_refuse(builder, key, name);
        limit = field ? find_device(limits, major, minor, field) : NULL;
        if (!limit)
                return error_oom(builder->error);
        limit->field = field;
        for (char *word; (word = strsep(&line, " \t"));) {
                _cleanup_free_ char *copy = strdup(word);

                if (!copy)
                        return error_oom(builder->error);
                if (word[0] != '\0' && !read_rate(copy, limit))
                        return unified_refuse(builder, key, word);
        }
        return 0;
}

static int add_io_max(struct builder *builder, const struct field_row *row, const struct device_limits *limit) {
        const char *key = builder_text(builder, "%" PRId64 ":%" PRId64, limit->major, limit->minor);
        struct setting_file file = builder_file(row, CGROUP_V2);

        file.value = key;
        for (int which = 0; file.value && which < OCI_THROTTLE_COUNT; which++)
                file.value = limit->rates[which] == UNLIMITED
                                     ? builder_text(builder, "%s %s=max", file.value, rate_names[which])
                                     : builder_text(builder, "%s %s=%" PRIu64, file.value, rate_names[which],
                                                    limit->rates[which]);
        file.reset = key ? builder_text(builder, "%s rbps=max wbps=max riops=max wiops=max", key) : NULL;
        return file.reset ? builder_add_file(builder, limit->field, &file) : error_oom(builder->error);
}

/* The property of one rate, unless neither this document nor the one before names the rate. */
static int add_rate_property(struct builder *builder, const struct field_row *row, enum oci_throttle which,
                             const struct io_limits *limits) {
        struct property_pair *pairs = calloc(limits->count + 1, sizeof(*pairs));
        size_t count = 0;
        int r = pairs ? 0 : error_oom(builder->error);

        for (size_t i = 0; r == 0 && i < limits->count; i++)
                if (limits->devices[i].rates[which] != UNLIMITED)
                        r = builder_add_pair(builder, pairs, &count, limits->devices[i].major,
                                             limits->devices[i].minor, limits->devices[i].rates[which]);
        if (r == 0 && (count > 0 || builder->resources->block_io.throttles[which].count > 0))
                return builder_property_pairs(builder, row->path, builder_row_property(builder, row),
                                              PROPERTY_RATES, pairs, count);
        free(pairs);
        return r;
}

/* Adds all rates of v2; called for the first of the rows. */
static int plan_io_max(struct builder *builder, const struct field_row *rows) {
        _cleanup_(io_limits_clear) struct io_limits limits = {0};
        const char *unified = builder_unified(builder, "io.max");
        int r;

        r = add_arrays(builder, rows, &limits);
        if (r == 0 && unified)
                r = unified_each_line(builder, unified, add_line, &limits);
        for (int which = 0; r == 0 && which < OCI_THROTTLE_COUNT; which++)
                r = add_rate_property(builder, &rows[which], (enum oci_throttle)which, &limits);
        for (size_t i = 0; r == 0 && i < limits.count; i++)
                r = add_io_max(builder, rows, &limits.devices[i]);
        return r;
}

/* Adds one rate of v1. */
static int plan_throttle_v1(struct builder *builder, const struct field_row *row, enum oci_throttle which) {
        const struct oci_array *devices = &builder->resources->block_io.throttles[which];
        const struct oci_throttle_device *device = devices->items;
        _cleanup_(io_limits_clear) struct io_limits limits = {0};
        int r = 0;

        for (size_t i = 0; i < devices->count; i++) {
                struct device_limits *limit =
                        find_device(&limits, device[i].major.value, device[i].minor.value, row->path);

                if (!limit)
                        return error_oom(builder->error);
                limit->rates[which] = device[i].rate.value > 0 ? device[i].rate.value : UNLIMITED;
        }
        r = add_rate_property(builder, row, which, &limits);
        for (size_t i = 0; r == 0 && i < limits.count; i++) {
                const struct device_limits *limit = &limits.devices[i];
                uint64_t rate = limit->rates[which] == UNLIMITED ? 0 : limit->rates[which];

                r = builder_add_line(
                        builder, row, row->v1.name,
                        builder_text(builder, "%" PRId64 ":%" PRId64 " %" PRIu64, limit->major, limit->minor,
                                     rate),
                        builder_text(builder, "%" PRId64 ":%" PRId64 " 0", limit->major, limit->minor));
        }
        return r;
}

static bool has_rate(const struct oci_array *devices) {
        const struct oci_throttle_device *device = devices->items;

        for (size_t i = 0; i < devices->count; i++)
                if (device[i].rate.value > 0)
                        return true;
        return false;
}

static int plan_throttle(struct builder *builder, const struct field_row *row, enum oci_throttle which) {
        const struct oci_array *devices = &builder->resources->block_io.throttles[which];
        enum cgroup_version version = builder->facts->controllers[CONTROLLER_IO];

        if (version == CGROUP_V2)
                return which == OCI_READ_BPS ? plan_io_max(builder, row) : 0;
        if (version == CGROUP_V1)
                return plan_throttle_v1(builder, row, which);
        return has_rate(devices) ? builder_version(builder, row, &version) : 0;
}

int plan_throttle_read_bps(struct builder *builder, const struct field_row *row) {
        return plan_throttle(builder, row, OCI_READ_BPS);
}

int plan_throttle_write_bps(struct builder *builder, const struct field_row *row) {
        return plan_throttle(builder, row, OCI_WRITE_BPS);
}

int plan_throttle_read_iops(struct builder *builder, const struct field_row *row) {
        return plan_throttle(builder, row, OCI_READ_IOPS);
}

int plan_throttle_write_iops(struct builder *builder, const struct field_row *row) {
        return plan_throttle(builder, row, OCI_WRITE_IOPS);
}
