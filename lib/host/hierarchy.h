/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * The host's control group hierarchies
 *
 * A host is an array of hierarchies, each with its own version, so pure v1, pure v2 and every mixture
 * are handled by the same code, hierarchy by hierarchy. It is read from /proc/self/mountinfo and, for a
 * v2 tree, from the root's cgroup.controllers.
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
        char *root;        /* the cgroup that the mount point shows: "/", except in bind mounts */
        int fd;            /* O_PATH of the mount point, or -1 for an invented host */
        bool noprefix;     /* file names do not begin with the controller: see hierarchy_file() */
};

struct host {
        struct hierarchy *hierarchies;
        size_t count;
        /* CGROUP_V1 if cpu, memory or pids is in a v1 hierarchy (so a hybrid host counts as v1), or without a v2 tree. A v2 host
         * may have other controllers on v1: VPN clients mount net_cls. */
        enum cgroup_version version;
        /* The hierarchy of each controller, or NULL if it is mounted nowhere. */
        struct hierarchy *controllers[CONTROLLER_COUNT];
        struct hierarchy *unified; /* the v2 tree, or NULL */
        /* The hierarchy in which systemd tracks a unit's processes: name=systemd, or the v2 tree on a v2 host; or NULL. */
        struct hierarchy *systemd;
};

/* Reads this host. Error: status 1 if no cgroup filesystem is mounted. */
int host_new(struct host **out, struct error *error);

/* The same from the text of a mountinfo file (proc_pid_mountinfo(5)) and of the v2 root's
 * cgroup.controllers (may be NULL); opens nothing. */
int host_parse(const char *mountinfo, const char *v2_controllers, struct host **out, struct error *error);

struct host *host_free(struct host *host);
DEFINE_CLEANUP(struct host *, host_free)

/* The version of the controller's hierarchy; CGROUP_ABSENT if it is mounted nowhere. */
enum cgroup_version host_controller_version(const struct host *host, enum controller controller);

/* Whether systemd makes and removes directories for its units in this hierarchy: its own hierarchy, and those of the
 * controllers that it manages. */
bool host_systemd_manages(const struct host *host, const struct hierarchy *hierarchy);

/* A name for messages and for inspect's `paths`: "unified" or the controllers ("cpu,cpuacct"). */
const char *hierarchy_name(const struct hierarchy *hierarchy);

/* The name of a group's file in this hierarchy: "cpuset.cpus" is "cpus" if v1's cpuset is mounted with noprefix, as by
 * mount -t cpuset (cpusets.rst, 2.1). The kernel accepts that option for cpuset only. The result points into `file`. */
const char *hierarchy_file(const struct hierarchy *hierarchy, const char *file);

/* The path that the text of /proc/PID/cgroup has for this hierarchy, relative to its mount point and
 * without a leading slash ("" is the mount point itself); NULL if there is none, or if it is outside of
 * what the mount shows. A new string. */
char *hierarchy_path_of(const struct hierarchy *hierarchy, const char *proc_cgroup);

/* Whether the text has this path. Also false without memory. */
bool hierarchy_has_at(const struct hierarchy *hierarchy, const char *proc_cgroup, const char *path);
