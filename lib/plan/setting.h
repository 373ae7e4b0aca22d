/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * One thing that a plan sets: a property of the unit, a file of the group, or which devices may be used
 */

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>

#include "plan/controller.h"
#include "plan/device_filter.h"
#include "plan/property.h"

/* How long the kernel may need to release the budget of a removed group, and the longest pause between two tries to get it, in
 * milliseconds. */
#define SETTING_RELEASE_MS 1000
#define SETTING_RELEASE_PAUSE_MAX_MS 50

enum setting_kind {
        SETTING_PROPERTY, /* a property of the sandbox's systemd unit */
        SETTING_FILE,     /* a text is written to a file of the sandbox cgroup */
        SETTING_DEVICES,  /* the devices that may be used: v1's devices.allow and .deny, or a program on v2 */
        SETTING_KIND_COUNT,
};

enum file_flags {
        /* The file may be missing (ENOENT): the value is what applies on a host without it. */
        FILE_MISSING_OK = 1 << 0,
        /* A refusal by the kernel is a warning, not an error (obsolete limits). */
        FILE_REFUSED_WARN = 1 << 1,
        /* The kernel may accept the value silently and store another one: the file is read back, and a different value is an
         * error. */
        FILE_VERIFY = 1 << 2,
        /* On a v1 cpuset an empty value means that the parent's value is copied. */
        FILE_INHERIT = 1 << 3,
        /* memory.checkBeforeUpdate: refuse a limit (the number in `value`) below the current usage
         * (memory.usage_in_bytes, memory.current) before anything is changed. */
        FILE_CHECK_USAGE = 1 << 4,
        /* The file holds a line for each key (a device, an interface), and the value is one such line: it
         * replaces the line that begins with the same word. */
        FILE_KEYED = 1 << 5,
        /* A file of the sandbox cgroup even if the vCPUs have a group: its weight among other sandboxes. */
        FILE_OF_SANDBOX = 1 << 6,
        /* Resets a limit that may never have been set: an unknown device is not an error. */
        FILE_UNSURE = 1 << 7,
        /* A number of bytes, which the kernel rounds down to a page. */
        FILE_BYTES = 1 << 8,
        /* Uses a part of the parent's budget. The kernel counts the part of a removed group as used for some ms more (until its
         * last reference is gone), so a refused write is repeated for SETTING_RELEASE_MS. */
        FILE_SHARES_BUDGET = 1 << 9,
};

/* Texts belong to the plan. */
struct setting_file {
        enum controller controller;
        enum cgroup_version version;
        unsigned flags; /* of enum file_flags */
        /* Settings of the same group (not 0) depend on each other: one that the kernel refuses with
         * EINVAL or EBUSY is tried again once another of its group has been written. */
        unsigned group;
        const char *name;  /* "cpu.max"; below the sandbox cgroup, "vcpu/cpu.max" */
        const char *value; /* without newline */
        /* If the file is missing (ENOENT), this one is written; NULL: none. A NULL value means the same value. */
        const char *fallback, *fallback_value;
        /* The value that resets the setting when it is no longer given; NULL: it cannot be reset. */
        const char *reset;
};

struct setting_devices {
        enum cgroup_version version;
        struct device_filter *filter; /* owned; NULL: any device may be used */
        /* The filter that was applied before, from plan_compare(); owned. With `unsettled`, from plan_add_resets(): all devices
         * that may be denied while the default is to allow. */
        struct device_filter *former;
        bool unsettled;
};

struct setting {
        enum setting_kind kind;
        const char *field; /* the OCI field that it comes from, "cpu.quota"; owned by the plan */
        bool unchanged;    /* from plan_compare(): the plan before has the same */
        bool lost; /* from cgroup_compare(): the group had the value, and somebody else has changed it */
        union {
                struct property property;
                struct setting_file file;
                struct setting_devices devices;
        };
};

/* Frees what it owns. */
void setting_clear(struct setting *setting);

/* Whether both set the same property, file (of a keyed one: the same line), or devices. */
bool setting_same_target(const struct setting *a, const struct setting *b);

/* Whether two settings with the same target set the same value. */
bool setting_equal(const struct setting *a, const struct setting *b);

/* Turns a copy, which shares owned parts with the original, into the setting that resets the original: 0, -ENOMEM, or
 * PROPERTY_E_NO_RESET. */
int setting_make_reset(struct setting *setting);

/*
 * Whether a file with this text holds the value, which is the setting's or its fallback's. Also false if this cannot be
 * determined: writing the value again does no harm. The kernel shows values in its own formats: bytes rounded to pages, v1's
 * unlimited as a number near 2^63, memory.oom_control with words. A line that a keyed file does not have means unlimited.
 */
bool setting_file_holds(const struct setting_file *file, const char *value, const char *text);

/* Whether the text means "no limit", on v1 or on v2. */
bool setting_value_is_unlimited(const char *value);

/* Whether two lines of a keyed file begin with the same word, and so set the same limit. */
bool setting_same_key(const char *a, const char *b);

/* The line of a keyed file's text that begins with the same word as `line`: a new string, or NULL. */
char *setting_keyed_line(const char *text, const char *line);

/* As --dry-run shows it. A new reference, or NULL without memory. */
json_t *setting_to_json(const struct setting *setting);
