/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * The host's control group hierarchies
 *
 * A host is an array of hierarchies, each of its own kind: pure v1, pure v2 and every mixture are then
 * the same code, hierarchy by hierarchy. All of it comes from one read of /proc/self/mountinfo and, for
 * a v2 tree, one of its cgroup.controllers.
 */

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

#include "plan/controller.h"
#include "util/cleanup.h"
#include "util/error.h"

struct hierarchy {
        enum cgroup_version version;
        char *controllers; /* as the kernel names them: "cpu,cpuacct", "name=systemd", "cpu io memory", "" */
        unsigned mask;     /* of 1 << enum controller */
        char *mount_point; /* absolute */
        char *root;        /* the cgroup that the mount point shows; "/" but in bind mounts */
        int fd;            /* O_PATH of the mount point, or -1 for an invented host */
};

struct host {
        struct hierarchy *hierarchies;
        size_t count;
        /* CGROUP_V1 where any controller is in a v1 hierarchy: a hybrid host counts as v1. */
        enum cgroup_version version;
        /* Where each controller is, NULL where it is mounted nowhere. */
        struct hierarchy *controllers[CONTROLLER_COUNT];
        struct hierarchy *unified; /* the v2 tree, or NULL */
        struct hierarchy *systemd; /* name=systemd, or NULL */
};

/* Reads this host. Error: status 1 where no cgroup filesystem is mounted. */
int host_new(struct host **out, struct error *error);

/* The same from the text of a mountinfo file (proc_pid_mountinfo(5)) and of the v2 root's
 * cgroup.controllers (may be NULL); opens nothing. */
int host_parse(const char *mountinfo, const char *v2_controllers, struct host **out, struct error *error);

struct host *host_free(struct host *host);
DEFINE_CLEANUP(struct host *, host_free)

/* A name for messages and for inspect's `paths`: "unified" or the controllers ("cpu,cpuacct"). */
const char *hierarchy_name(const struct hierarchy *hierarchy);

/* The path that a line set of /proc/PID/cgroup gives for this hierarchy, relative to its mount point and
 * without a leading slash ("" is the mount point itself); NULL where there is none, or where it is
 * outside of what the mount shows. A new string. */
char *hierarchy_path_of(const struct hierarchy *hierarchy, const char *proc_cgroup);

/* Whether it gives this path. False also without memory. */
bool hierarchy_has_at(const struct hierarchy *hierarchy, const char *proc_cgroup, const char *path);
