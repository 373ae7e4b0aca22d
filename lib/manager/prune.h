/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * Clearing up the groups and units that no sandbox has any more: of all hierarchies, and of systemd where there is one
 *
 * What can go, and what never does, is said in cgroup/sweep.h. Of systemd's units those are ours whose description says so
 * ("kata-cgroup ROLE of ID TOKEN"): a slice is stopped, and a failed one reset, if groups of its sandbox's life were found and have gone.
 */

#include "manager/manager.h"

/* What is known of the state of a sandbox's life. */
enum prune_state {
        PRUNE_STATE_NONE,  /* there is none under this root */
        PRUNE_STATE_LIVES, /* there is one, which stays */
        PRUNE_STATE_GOES,  /* dry run: there is one, which would go, and its groups with it */
};

enum prune_kind {
        PRUNE_STATE,
        PRUNE_GROUP,
        PRUNE_PARENT, /* a group that was made on the way to sandboxes */
        PRUNE_UNIT,
};

/* One thing that was removed, or not. */
struct prune_report {
        enum prune_kind kind;
        const char *id;     /* of the sandbox; NULL where there is none */
        const char *place;  /* the absolute path, or the unit; NULL for a state */
        const char *reason; /* why it goes, or why it stays */
        bool removed;
};

struct manager_prune {
        const char *root;         /* identity of the states' directory, as marks have it; NULL: there is none */
        const char *const *paths; /* relative to the mount points: below these, groups without a mark go, too */
        size_t path_count;
        const char *const *kept; /* the paths of the groups of all states that stay, likewise */
        size_t kept_count;
        bool dry_run;
        int64_t deadline; /* monotonic_ms(), for groups that the kernel still releases and slices that stop */
        /* What is known of this life's state. Asked after a group or unit of it was seen. */
        enum prune_state (*state)(const char *id, const char *token, void *data);
        void (*report)(const struct prune_report *report, void *data);
        void *data;
};

/* One thing that cannot be removed does not keep the others; the first such error is returned, when all is done. */
int manager_prune(struct manager_context *context, const struct manager_prune *prune, struct error *error);

/* Whether a unit's description is that of a sandbox's unit: then its ID, not terminated, and its token, "" where it has
 * none, which are parts of `description`. */
bool manager_is_sandbox_unit(const char *description, const char **id, size_t *id_length, const char **token);

/* Whether there is a process in the group or below it, whoever's the group is; also where the kernel does not say. */
bool manager_is_populated(struct manager *manager);

/* Status 1 where a hierarchy shows but a part of its groups: it is a bind mount of one of them. */
int manager_check_whole(const struct manager_context *context, struct error *error);

/* The set of the marks of all groups there are: an object with the keys "ID TOKEN". Where groups cannot be read, status 1. */
int manager_find_marks(const struct manager_context *context, json_t **out, struct error *error);
