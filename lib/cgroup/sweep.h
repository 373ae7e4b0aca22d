/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * Clearing up what nobody has any more, in every hierarchy
 *
 * What can go: the groups of a sandbox's life (an ID with its token, see cgroup/owner.h) that has no state any more; empty
 * parents that were made for sandboxes; and, below paths that the caller gives, empty groups that have no mark.
 *
 * There are two walks over all hierarchies. sweep_look() finds the lives, and which groups have processes. The caller then
 * says which lives have a state (`state`), and sweep_decide() decides. sweep_remove() removes, deepest first; in a dry run
 * it reports the same and changes nothing. A group with processes never goes, nor does any group of a life of which one
 * group has processes: on v1 a sandbox has groups that are empty while it lives. Without a mark, nor does what is below a
 * group of a life that stays, below a group that has processes itself, or at the path of a group of a kept state: it may be a
 * sandbox's all the same.
 */

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "cgroup/cgroup.h"

/* What is known of the state of a life. */
enum sweep_state {
        SWEEP_STATE_NONE,  /* there is none under the caller's root */
        SWEEP_STATE_LIVES, /* there is one, which stays */
        SWEEP_STATE_GOES,  /* dry run: there is one, which would go, and its groups with it */
};

/* Which root the mark of a life names. */
enum sweep_root {
        SWEEP_ROOT_OWN,     /* the caller's */
        SWEEP_ROOT_OTHER,   /* another one: whether there is a state is not the caller's to say */
        SWEEP_ROOT_UNKNOWN, /* none: an older build has made the group */
};

enum sweep_fate {
        SWEEP_STAYS,
        SWEEP_GOES,
        SWEEP_GOES_WITH_STATE, /* without a report of its own */
};

/* A sandbox's life, by the mark of its groups. */
struct sweep_life {
        char *mark;
        char *id, *token; /* token: "" for an older build's */
        char *place;      /* the absolute path of the first of its groups that was found */
        enum sweep_root root;
        bool below_path; /* one of its groups is below one of the paths */
        bool populated;  /* one of its groups has a process, in it or below */
        enum sweep_fate fate;
        bool remains; /* after sweep_remove(): one of its groups is still there */
};

/* One thing that was done, or not. */
struct sweep_report {
        bool is_parent;     /* otherwise a group */
        const char *id;     /* of the sandbox; NULL where there is none */
        const char *path;   /* absolute */
        const char *reason; /* why it goes, or why it stays */
        bool removed;
        int errnum; /* positive where the removal has failed */
};

struct sweep {
        const struct host *host; /* not owned */
        const struct log *log;   /* not owned */
        const char *root; /* not owned; identity of the caller's; NULL: there is none, no group is of it */
        const char *const *paths; /* not owned; relative to the mount points, no leading slash */
        size_t path_count;
        const char *const *kept; /* not owned; the paths of the groups of all states that stay, likewise */
        size_t kept_count;
        bool dry_run;
        int64_t deadline; /* for groups that the kernel still releases */
        /* Whether systemd has a unit of this name: its group is systemd's to remove. */
        bool (*is_unit)(const char *name, void *data);
        /* Whether it may have one, but cannot be asked: then no group of this name goes. */
        bool (*is_unasked)(const char *name, void *data);
        void (*report)(const struct sweep_report *report, void *data);
        void *data;
        /* Made by sweep_look(). */
        struct sweep_life *lives;
        size_t life_count;
        bool incomplete; /* some groups could not be read: lives and unmarked groups stay */
        json_t *occupied; /* at or below the paths: the set of paths that have processes themselves in any hierarchy */
        json_t *populated; /* below the paths: the set of paths that have processes in any hierarchy */
};

void sweep_clear(struct sweep *sweep);
#define _cleanup_sweep_ _cleanup_(sweep_clear)

/* The reason of what stays since groups could not be read. */
#define SWEEP_INCOMPLETE "not all groups of this host could be read"

/* 0, or -ENOMEM with an error. */
int sweep_look(struct sweep *sweep, struct error *error);

/* What becomes of a life's groups. `*reason`: why, or NULL where that is not worth a report. */
enum sweep_fate sweep_judge(const struct sweep_life *life, enum sweep_state state, const char **reason);

/* Sets the fate of a life, and reports one that stays though it has no state. */
void sweep_decide(struct sweep *sweep, struct sweep_life *life, enum sweep_state state);

/* 0, or -ENOMEM with an error; what cannot be removed is reported. */
int sweep_remove(struct sweep *sweep, struct error *error);

/* Whether the path is below one of the paths, and none of them itself. */
bool sweep_is_below(const struct sweep *sweep, const char *path);

/* Whether there is a process in the group or below it, in any hierarchy and whoever's the group is; also where the kernel
 * does not say. */
bool sweep_is_populated(struct cgroup *cgroup);
