/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * The plan: which file gets which text, and which systemd property which value, in which order
 *
 * Pure: from resources and facts about the host, without I/O. The same plan is printed by --dry-run,
 * carried out by a manager (lib/cgroup), compared with the plan before an update so that only
 * differences are written, and undone in reverse.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "oci/resources.h"
#include "plan/controller.h"
#include "plan/device_filter.h"
#include "util/cleanup.h"
#include "util/error.h"

/* The threaded child of the sandbox cgroup that vCPU threads are in, with --vcpu-subtree. */
#define PLAN_VCPU_SUBTREE "vcpu"

/* What a plan has to know of the host. */
struct plan_facts {
        /* Where each controller is: nowhere, in a v1 hierarchy, or on the v2 tree (also on a hybrid
         * host). CONTROLLER_DEVICES counts as CGROUP_V2 on a host without v1 devices. */
        enum cgroup_version controllers[CONTROLLER_COUNT];
        enum cgroup_version version; /* of the host as a whole: hybrid is CGROUP_V1 */
        bool systemd;                /* the systemd driver is used: properties are wanted as well */
        unsigned systemd_version;    /* 252, 257 …; 0 without systemd */
        bool has_unified;            /* a v2 tree is mounted, be it only for other things */
        bool bfq;                    /* the bfq I/O scheduler is there, with weights of its own */
        bool vcpu_subtree;           /* limits of cpu and cpuset go onto the vCPUs' group (v2 only) */
        const char *hugepage_sizes;  /* as the kernel names them, "2MB 1GB"; NULL: not asked for */
};

enum setting_kind {
        SETTING_PROPERTY, /* a property of the sandbox's systemd unit */
        SETTING_FILE,     /* a text is written to a file of the sandbox cgroup */
        SETTING_DEVICES,  /* the devices that may be used: v1's devices.allow and .deny, or a program on v2 */
};

enum property_type {
        PROPERTY_U64,      /* t */
        PROPERTY_BYTES,    /* ay */
        PROPERTY_TEXT,     /* s */
        PROPERTY_NUMBERS,  /* a(st): path and number */
        PROPERTY_ACCESSES, /* a(ss): path and access */
};

struct property_pair {
        const char *path;   /* the plan's */
        uint64_t number;    /* PROPERTY_NUMBERS */
        const char *access; /* PROPERTY_ACCESSES; the plan's */
};

enum setting_flags {
        /* The file may be missing (ENOENT): the value is what a host without it does anyway. */
        SETTING_MISSING_OK = 1 << 0,
        /* What the kernel refuses is a warning, not an error (obsolete limits). */
        SETTING_REFUSED_WARN = 1 << 1,
        /* The kernel may clamp without a word: read back, and a value that did not arrive is an error. */
        SETTING_VERIFY = 1 << 2,
        /* An empty value on v1 cpuset means: what the parent has, copied down. */
        SETTING_INHERIT = 1 << 3,
        /* memory.checkBeforeUpdate: refuse a limit (the number in `value`) below the current usage
         * (memory.usage_in_bytes, memory.current) before anything is changed. */
        SETTING_CHECK_USAGE = 1 << 4,
        /* The file holds a line for each key (a device, an interface), and the value is one such line: it
         * replaces the line that begins with the same word. */
        SETTING_KEYED = 1 << 5,
        /* The sandbox cgroup's own, also where the vCPUs have a group: what it weighs among other sandboxes. */
        SETTING_OF_SANDBOX = 1 << 6,
        /* Takes back what may never have been there: a device that the kernel does not know is no error. */
        SETTING_UNSURE = 1 << 7,
};

/* All texts belong to the plan. */
struct setting {
        enum setting_kind kind;
        const char *field; /* the OCI field that it comes from, "cpu.quota" */
        unsigned flags;
        /* Settings of the same group (not 0) depend on each other: one that the kernel refuses with
         * EINVAL or EBUSY is tried again once another of its group has been written. */
        unsigned group;

        /* SETTING_FILE and SETTING_DEVICES */
        enum controller controller;
        enum cgroup_version version;

        /* SETTING_FILE */
        const char *file;  /* "cpu.max"; below the sandbox cgroup, "vcpu/cpu.max" */
        const char *value; /* without newline */
        /* Where there is no such file (ENOENT), this one is meant; NULL: none. A NULL value: the same one. */
        const char *fallback_file, *fallback_value;
        /* What takes the setting back once nobody names it any more; NULL: it cannot cease to be given. */
        const char *reset;

        /* SETTING_DEVICES; NULL: any device may be used */
        struct device_filter *devices; /* owned */
        /* What was carried out before, from plan_subtract(); owned. With `devices_unsettled`, from plan_add_resets(), all
         * that may be denied where the default is to allow. */
        struct device_filter *devices_former;
        bool devices_unsettled;

        /* SETTING_PROPERTY */
        const char *property; /* "CPUQuotaPerSecUSec" */
        enum property_type type;
        uint64_t u64;                /* PROPERTY_U64; UINT64_MAX is systemd's infinity */
        uint8_t *bytes;              /* PROPERTY_BYTES; owned; `count` bytes, little end first */
        const char *text;            /* PROPERTY_TEXT */
        struct property_pair *pairs; /* PROPERTY_NUMBERS, PROPERTY_ACCESSES; owned; `count` of them */
        size_t count;
};

struct plan {
        struct setting *settings; /* in the order in which they are carried out: properties first */
        size_t count;
        char **warnings; /* what mission.md has ignored with a warning; one line each */
        size_t warning_count;
        char **texts; /* what settings point at */
        size_t text_count;
};

/* A text that lives as long as the plan; NULL without memory. */
__attribute__((format(printf, 2, 3))) const char *plan_text(struct plan *plan, const char *format, ...);

/* Frees what one setting owns. */
void setting_clear(struct setting *setting);

/*
 * Makes the plan for `resources`. `before` (or NULL) is what the cgroup had until now: it decides
 * orders such as v1's memory limit and memory+swap limit; the plan is complete all the same.
 * Errors: EXIT_STATUS_REFUSED for what no such host can apply (memory.swappiness on v2);
 * EXIT_STATUS_FAILED naming controller and field where the controller is mounted nowhere.
 */
int plan_new(const struct oci_resources *resources, const struct oci_resources *before,
             const struct plan_facts *facts, struct plan **out, struct error *error);

/* Removes from `plan` the settings that `before` has with the same value, and adds what takes back
 * those that only `before` has (a cpuset without containers: the parent's). */
int plan_subtract(struct plan *plan, const struct plan *before, struct error *error);

/* Adds what takes back the settings that only `before` has, and removes nothing. May be called for several plans, of which
 * each may have been carried out in part. */
int plan_add_resets(struct plan *plan, const struct plan *before, struct error *error);

/* Removes all settings. */
void plan_clear(struct plan *plan);

/* The properties and files as JSON, in order, for --dry-run: an array of
 * {"write":FILE,"value":TEXT,"controller":NAME,"field":FIELD} and
 * {"property":NAME,"value":…,"field":FIELD}. A new reference, or NULL without memory. */
json_t *plan_to_json(const struct plan *plan);

/* The table of fields, for features: an array of {"field","v1","v2","systemdV1","systemdV2"}. A new reference, or NULL
 * without memory. */
json_t *plan_fields_to_json(void);

struct plan *plan_free(struct plan *plan);
DEFINE_CLEANUP(struct plan *, plan_free)
