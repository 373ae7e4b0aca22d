/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * The plan: which file gets which text, and which systemd property gets which value, in which order
 *
 * It is computed from resources and facts about the host, without I/O. The same plan is printed by
 * --dry-run, carried out by a manager (lib/manager), compared with the plan before an update so that
 * only differences are written, and undone in reverse.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "oci/resources.h"
#include "plan/setting.h"
#include "util/cleanup.h"
#include "util/error.h"

/* The threaded child of the sandbox cgroup that vCPU threads are in, with --vcpu-subtree. */
#define PLAN_VCPU_SUBTREE "vcpu"

/* The facts about the host that a plan needs. */
struct plan_facts {
        /* The version of each controller's hierarchy, or CGROUP_ABSENT. CONTROLLER_DEVICES counts as
         * CGROUP_V2 on a host without v1 devices. */
        enum cgroup_version controllers[CONTROLLER_COUNT];
        enum cgroup_version version; /* of the host as a whole: hybrid is CGROUP_V1 */
        bool systemd;                /* the systemd driver is used: properties are wanted as well */
        unsigned systemd_version;    /* 252, 257 …; 0 without systemd */
        bool has_unified;            /* a v2 tree is mounted, with or without controllers */
        bool bfq;                    /* the bfq I/O scheduler is available; it has its own weights */
        bool vcpu_subtree;           /* limits of cpu and cpuset go onto the vCPUs' group (v2 only) */
        bool threads_only; /* on v1, the group has vCPU threads only: the rest of the VMM is elsewhere */
        const char *hugepage_sizes; /* as the kernel names them, "2MB 1GB"; NULL: not needed */
};

struct plan {
        struct setting *settings; /* in the order in which they are carried out: properties first */
        size_t count;
        char **warnings; /* fields that are ignored or have no effect here; one line each */
        size_t warning_count;
        char **texts; /* the texts that settings point to */
        size_t text_count;
};

/* A text that lives as long as the plan; NULL without memory. */
__attribute__((format(printf, 2, 3))) const char *plan_text(struct plan *plan, const char *format, ...);

/* Adds a setting, and owns its parts also on failure. 0 or -ENOMEM. */
int plan_add(struct plan *plan, const struct setting *setting);

/*
 * Makes the complete plan for `resources`. `before` (or NULL) are the resources until now: they decide orders such as that
 * of v1's memory limit and memory+swap limit. Errors: EXIT_STATUS_REFUSED for a field that no host of this version can apply
 * (memory.swappiness on v2); EXIT_STATUS_FAILED, naming controller and field, if the controller is mounted nowhere, unless
 * the value limits nothing.
 */
int plan_new(const struct oci_resources *resources, const struct oci_resources *before,
             const struct plan_facts *facts, struct plan **out, struct error *error);

/* Marks the settings of `plan` that `before` has with the same value as unchanged; adds settings that reset those that only
 * `before` has (for a cpuset: the parent's); and drops the warnings that `before` has given already. */
int plan_compare(struct plan *plan, const struct plan *before, struct error *error);

/* The property of the plan with this name, or NULL. */
struct setting *plan_find_property(const struct plan *plan, const char *name);

/* Marks all settings as unchanged. */
void plan_set_unchanged(struct plan *plan);

/* How many settings are not marked as unchanged. */
size_t plan_changes(const struct plan *plan);

/* Adds settings that reset those that only `before` has, and marks nothing. May be called for several plans, each of which may
 * have been carried out in part. */
int plan_add_resets(struct plan *plan, const struct plan *before, struct error *error);

/*
 * A later document takes precedence: removes the entries of `unified` from `former` that set the same files as the plan of the
 * later document; in a file with a line for each device, only the lines of the same devices.
 */
void plan_drop_unified(struct oci_resources *former, const struct plan *later);

/* The properties, files and devices that change, as JSON, in order, for --dry-run: an array of
 * {"write":FILE,"value":TEXT,"controller":NAME,"field":FIELD}, {"property":NAME,"value":…,"field":FIELD} and
 * {"devices":"allow"|"deny","rules":[…],"field":FIELD}. A new reference, or NULL without memory. */
json_t *plan_to_json(const struct plan *plan);

/* The table of fields, for features: an array of {"field","v1","v2","systemdV1","systemdV2"}. A new reference, or NULL
 * without memory. */
json_t *plan_fields_to_json(void);

/* Whether this is the path of a field, or of an object with fields ("cpu"). */
bool plan_has_field(const char *path);

/* The fields' paths, "cpu.cpus, cpu.mems": a new string, or NULL without memory. */
char *plan_field_names(void);

struct plan *plan_free(struct plan *plan);
DEFINE_CLEANUP(struct plan *, plan_free)
