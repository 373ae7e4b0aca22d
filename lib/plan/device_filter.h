/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * Which devices may be used: OCI's ordered rules, in a form that kernel and systemd accept
 *
 * The rules are evaluated in order, and the last one that matches decides, separately for each kind of access. A device that
 * no rule matches is denied. A rule for all devices overrides those before it, so a filter is a default and the rules after it.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "oci/resources.h"
#include "util/cleanup.h"

struct device_rule {
        bool allow;
        char type;            /* 'b' or 'c' */
        int64_t major, minor; /* -1: any */
        unsigned access;      /* of enum oci_device_access */
};

struct device_filter {
        bool allow; /* the default, for a device that no rule matches */
        struct device_rule *rules;
        size_t count;
};

/* From LinuxResources.devices (struct oci_device). NULL without memory. */
struct device_filter *device_filter_new(const struct oci_array *devices);
struct device_filter *device_filter_copy(const struct device_filter *filter);
struct device_filter *device_filter_free(struct device_filter *filter);
DEFINE_CLEANUP(struct device_filter *, device_filter_free)

/* Appends the rules of the other filter. Returns 0 or -ENOMEM. */
int device_filter_append(struct device_filter *filter, const struct device_filter *other);

bool device_filter_equal(const struct device_filter *a, const struct device_filter *b);

/*
 * The same as a default and unordered exceptions from it: the form of v1's devices.list and of systemd's DeviceAllow. All
 * rules of `*out` have allow = !filter->allow, each also with the access of those that include it. -EOPNOTSUPP if a rule
 * removes a part of a wider exception, which this form cannot express; -ENOMEM.
 */
int device_filter_exceptions(const struct device_filter *filter, struct device_filter **out);

/* Whether every device of `inner` is one of `outer`, whatever the access. */
bool device_rule_includes(const struct device_rule *outer, const struct device_rule *inner);

/* "rwm" and the like. */
#define DEVICE_ACCESS_SIZE sizeof("rwm")
void device_access_text(unsigned access, char out[static DEVICE_ACCESS_SIZE]);
