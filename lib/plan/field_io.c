/* SPDX-License-Identifier: Apache-2.0 */
/*
 * blockIO
 *
 * Subtle: which file takes a weight depends on the I/O scheduler: bfq brings its own, with weights of 1 to
 * 1000; otherwise v2's io.weight (iocost), of 1 to 10000, or v1's blkio.weight of old kernels. Which there is
 * shows when it is written, so one is the other's fallback.
 */
#include "plan/field_plans.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "plan/convert.h"

/* A weight, for the whole group ("default") or one device. */
static int add_weight(struct builder *builder, const struct field_row *row, enum cgroup_version version,
                      const char *key, const char *reset, uint64_t weight) {
        struct setting setting = builder_setting(row, version);

        if (version == CGROUP_V2) {
                setting.file = "io.bfq.weight";
                setting.value = builder_text(builder, "%s %" PRIu64, key, weight);
                setting.fallback_file = "io.weight";
                setting.fallback_value =
                        builder_text(builder, "%s %" PRIu64, key, convert_blkio_to_io_weight(weight));
                setting.flags = SETTING_KEYED;
                if (!setting.fallback_value)
                        return error_oom(builder->error);
        } else if (reset) {
                setting.file = "blkio.weight_device";
                setting.value = builder_text(builder, "%s %" PRIu64, key, weight);
                setting.fallback_file = "blkio.bfq.weight_device";
                setting.flags = SETTING_KEYED;
        } else {
                setting.file = "blkio.weight";
                setting.value = builder_text(builder, "%" PRIu64, weight);
                setting.fallback_file = "blkio.bfq.weight";
        }
        setting.reset = reset;
        return builder_add(builder, &setting);
}

int plan_io_weight(struct builder *builder, const struct field_row *row) {
        const struct oci_u64 *weight = &builder->resources->block_io.weight;
        enum cgroup_version version;
        uint64_t property;
        int r;

        if (!weight->given || weight->value == 0)
                return 0;
        r = builder_version(builder, row, &version);
        if (r < 0)
                return r;
        if (version == CGROUP_V1)
                property = weight->value;
        else
                property = builder->facts->bfq ? convert_bfq_to_io_weight(weight->value)
                                               : convert_blkio_to_io_weight(weight->value);
        r = builder_u64(builder, row, builder_property(builder, row), 0, property);
        return r < 0 ? r : add_weight(builder, row, version, "default", NULL, weight->value);
}

/* Of CFQ, which went with Linux 5.0. */
int plan_io_leaf_weight(struct builder *builder, const struct field_row *row) {
        const struct oci_u64 *weight = &builder->resources->block_io.leaf_weight;
        enum cgroup_version version;
        int r;

        if (!weight->given || weight->value == 0)
                return 0;
        r = builder_version(builder, row, &version);
        if (r < 0)
                return r;
        if (version == CGROUP_V2)
                return builder_refuse_on_v2(builder, row, "leaf weight");
        return builder_limit(builder, row, 0, GROUP_NONE, (int64_t)weight->value);
}

static int add_leaf_weight(struct builder *builder, const struct field_row *row, enum cgroup_version version,
                           const struct oci_weight_device *device) {
        if (!device->leaf_weight.given || device->leaf_weight.value == 0)
                return 0;
        if (version == CGROUP_V2)
                return builder_refuse_on_v2(builder, row, "leaf weight");
        return builder_keyed(
                builder, row, "blkio.leaf_weight_device",
                builder_text(builder, "%" PRId64 ":%" PRId64 " %" PRIu64, device->major.value,
                             device->minor.value, device->leaf_weight.value),
                builder_text(builder, "%" PRId64 ":%" PRId64 " 0", device->major.value, device->minor.value));
}

static int add_device_weight(struct builder *builder, const struct field_row *row, enum cgroup_version version,
                             const struct oci_weight_device *device) {
        const char *key =
                builder_text(builder, "%" PRId64 ":%" PRId64, device->major.value, device->minor.value);
        const char *reset = key ? builder_text(builder, "%s default", key) : NULL;
        int r;

        if (!reset)
                return error_oom(builder->error);
        if (!device->weight.given)
                return 0;
        if (device->weight.value == 0) {
                struct setting setting = builder_setting(row, version);

                setting.file = version == CGROUP_V1 ? "blkio.weight_device" : "io.bfq.weight";
                setting.fallback_file = version == CGROUP_V1 ? "blkio.bfq.weight_device" : "io.weight";
                setting.value = reset;
                setting.flags = SETTING_KEYED;
                return builder_add(builder, &setting);
        }
        r = add_weight(builder, row, version, key, reset, device->weight.value);
        return r;
}

/* "/dev/block/MAJOR:MINOR" is how systemd is told a device by its number. */
static int add_pair(struct builder *builder, struct property_pair *pairs, size_t *count, int64_t major,
                    int64_t minor, uint64_t number) {
        const char *path = builder_text(builder, "/dev/block/%" PRId64 ":%" PRId64, major, minor);

        if (!path)
                return error_oom(builder->error);
        pairs[(*count)++] = (struct property_pair){.path = path, .number = number};
        return 0;
}

static int add_weight_property(struct builder *builder, const struct field_row *row,
                               enum cgroup_version version) {
        const struct oci_array *devices = &builder->resources->block_io.weight_devices;
        const struct oci_weight_device *device = devices->items;
        struct property_pair *pairs = calloc(devices->count, sizeof(*pairs));
        size_t count = 0;
        int r = pairs ? 0 : error_oom(builder->error);

        for (size_t i = 0; r == 0 && i < devices->count; i++) {
                uint64_t weight = device[i].weight.value;

                if (!device[i].weight.given || weight == 0)
                        continue;
                if (version == CGROUP_V2)
                        weight = builder->facts->bfq ? convert_bfq_to_io_weight(weight)
                                                     : convert_blkio_to_io_weight(weight);
                r = add_pair(builder, pairs, &count, device[i].major.value, device[i].minor.value, weight);
        }
        if (r < 0) {
                free(pairs);
                return r;
        }
        return builder_pairs(builder, row, builder_property(builder, row), PROPERTY_NUMBERS, pairs, count);
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

static int add_throttle_property(struct builder *builder, const struct field_row *row,
                                 enum oci_throttle which) {
        const struct oci_array *devices = &builder->resources->block_io.throttles[which];
        const struct oci_throttle_device *device = devices->items;
        struct property_pair *pairs;
        size_t count = 0;
        int r = 0;

        if (devices->count == 0)
                return 0;
        pairs = calloc(devices->count, sizeof(*pairs));
        if (!pairs)
                return error_oom(builder->error);
        for (size_t i = 0; r == 0 && i < devices->count; i++)
                if (device[i].rate.value > 0)
                        r = add_pair(builder, pairs, &count, device[i].major.value, device[i].minor.value,
                                     device[i].rate.value);
        if (r < 0) {
                free(pairs);
                return r;
        }
        return builder_pairs(builder, row, builder_property(builder, row), PROPERTY_NUMBERS, pairs, count);
}

/* One of io.max's four numbers for a device: UINT64_MAX where there is no limit. */
static uint64_t rate_of(const struct oci_block_io *block_io, enum oci_throttle which,
                        const struct oci_throttle_device *wanted) {
        const struct oci_throttle_device *device = block_io->throttles[which].items;
        uint64_t rate = UINT64_MAX;

        for (size_t i = 0; i < block_io->throttles[which].count; i++)
                if (device[i].major.value == wanted->major.value &&
                    device[i].minor.value == wanted->minor.value)
                        rate = device[i].rate.value > 0 ? device[i].rate.value : UINT64_MAX;
        return rate;
}

static const char *rate_text(struct builder *builder, const char *name, uint64_t rate) {
        return rate == UINT64_MAX ? builder_text(builder, " %s=max", name)
                                  : builder_text(builder, " %s=%" PRIu64, name, rate);
}

/* A device's line of io.max, with all four numbers, whichever arrays name it. */
static int add_io_max(struct builder *builder, const struct field_row *row,
                      const struct oci_throttle_device *device) {
        static const char *const names[OCI_THROTTLE_COUNT] = {"rbps", "wbps", "riops", "wiops"};
        const char *key =
                builder_text(builder, "%" PRId64 ":%" PRId64, device->major.value, device->minor.value);
        const char *line = key;

        for (int which = 0; line && which < OCI_THROTTLE_COUNT; which++) {
                const char *part =
                        rate_text(builder, names[which],
                                  rate_of(&builder->resources->block_io, (enum oci_throttle)which, device));

                line = part ? builder_text(builder, "%s%s", line, part) : NULL;
        }
        return builder_keyed(builder, row, "io.max", line,
                             key ? builder_text(builder, "%s rbps=max wbps=max riops=max wiops=max", key)
                                 : NULL);
}

static bool is_named_before(const struct oci_block_io *block_io, int which, size_t index) {
        const struct oci_throttle_device *wanted =
                (const struct oci_throttle_device *)block_io->throttles[which].items + index;

        for (int w = 0; w <= which; w++) {
                const struct oci_throttle_device *device = block_io->throttles[w].items;

                for (size_t i = 0; i < (w == which ? index : block_io->throttles[w].count); i++)
                        if (device[i].major.value == wanted->major.value &&
                            device[i].minor.value == wanted->minor.value)
                                return true;
        }
        return false;
}

static int plan_io_max(struct builder *builder, const struct field_row *row) {
        const struct oci_block_io *block_io = &builder->resources->block_io;

        for (int which = 0; which < OCI_THROTTLE_COUNT; which++) {
                const struct oci_throttle_device *device = block_io->throttles[which].items;

                for (size_t i = 0; i < block_io->throttles[which].count; i++) {
                        int r = is_named_before(block_io, which, i) ? 0 : add_io_max(builder, row, &device[i]);

                        if (r < 0)
                                return r;
                }
        }
        return 0;
}

static int plan_throttle(struct builder *builder, const struct field_row *row, enum oci_throttle which) {
        const struct oci_array *devices = &builder->resources->block_io.throttles[which];
        const struct oci_throttle_device *device = devices->items;
        enum cgroup_version version = builder->facts->controllers[CONTROLLER_IO];
        int r;

        if (devices->count > 0) {
                r = builder_version(builder, row, &version);
                if (r == 0)
                        r = add_throttle_property(builder, row, which);
                if (r < 0)
                        return r;
        }
        /* v2 has one file for all four; it is written with the first. */
        if (version == CGROUP_V2)
                return which == OCI_READ_BPS ? plan_io_max(builder, row) : 0;
        for (size_t i = 0; i < devices->count; i++) {
                r = builder_keyed(builder, row, row->v1,
                                  builder_text(builder, "%" PRId64 ":%" PRId64 " %" PRIu64,
                                               device[i].major.value, device[i].minor.value,
                                               device[i].rate.value),
                                  builder_text(builder, "%" PRId64 ":%" PRId64 " 0", device[i].major.value,
                                               device[i].minor.value));
                if (r < 0)
                        return r;
        }
        return 0;
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
