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
        bool noprefix;     /* its files are called without the controller: see hierarchy_file() */
};

struct host {
        struct hierarchy *hierarchies;
        size_t count;
        /* Where cpu, memory and pids are: CGROUP_V1 where any of them is in a v1 hierarchy, so a hybrid host counts as v1, or
         * where there is no v2 tree. Others may be on v1 beside a v2 host's tree: VPN clients mount net_cls. */
        enum cgroup_version version;
        /* Where each controller is, NULL where it is mounted nowhere. */
        struct hierarchy *controllers[CONTROLLER_COUNT];
        struct hierarchy *unified; /* the v2 tree, or NULL */
        /* Where systemd keeps track of a unit's processes: name=systemd, on a v2 host the v2 tree. NULL where there is neither. */
        struct hierarchy *systemd;
};

/* Reads this host. Error: status 1 where no cgroup filesystem is mounted. */
int host_new(struct host **out, struct error *error);

/* The same from the text of a mountinfo file (proc_pid_mountinfo(5)) and of the v2 root's
 * cgroup.controllers (may be NULL); opens nothing. */
int host_parse(const char *mountinfo, const char *v2_controllers, struct host **out, struct error *error);

struct host *host_free(struct host *host);
DEFINE_CLEANUP(struct host *, host_free)

/* Of the hierarchy where the controller is; CGROUP_ABSENT where it is mounted nowhere. */
enum cgroup_version host_controller_version(const struct host *host, enum controller controller);

/* Whether systemd makes directories for its units in this hierarchy, and removes them: in its own one and in those of the
 * controllers that it manages, on v1 and on v2 each among its kind. All others are not its own. */
bool host_systemd_manages(const struct host *host, const struct hierarchy *hierarchy);

/* A name for messages and for inspect's `paths`: "unified" or the controllers ("cpu,cpuacct"). */
const char *hierarchy_name(const struct hierarchy *hierarchy);

/* What a file of a group is called in this hierarchy: "cpuset.cpus" is "cpus" where v1's cpuset is mounted with noprefix, as
 * mount -t cpuset does (cpusets.rst, 2.1). The kernel takes that option for the cpuset alone. Part of `file`. */
const char *hierarchy_file(const struct hierarchy *hierarchy, const char *file);

/* The path that a line set of /proc/PID/cgroup gives for this hierarchy, relative to its mount point and
 * without a leading slash ("" is the mount point itself); NULL where there is none, or where it is
 * outside of what the mount shows. A new string. */
char *hierarchy_path_of(const struct hierarchy *hierarchy, const char *proc_cgroup);

/* Whether it gives this path. False also without memory. */
bool hierarchy_has_at(const struct hierarchy *hierarchy, const char *proc_cgroup, const char *path);
