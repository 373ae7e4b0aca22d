/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * OCI cgroupsPath
 *
 * "slice:prefix:name" selects systemd, anything else is a path below the cgroup mount point. Both come
 * from outside: a path that could lead elsewhere is refused.
 */

#include <stdbool.h>

#include "util/cleanup.h"
#include "util/error.h"

enum driver {
        DRIVER_CGROUPFS,
        DRIVER_SYSTEMD,
};

/* "cgroupfs", "systemd". */
const char *driver_name(enum driver driver);

struct cgroup_path {
        enum driver driver;
        char *text; /* as it was given */
        /* Relative to the mount points, no leading slash: "kubepods/podX/ID", or the path that systemd
         * will use for the unit: "kubepods.slice/kubepods-podX.slice/cri-containerd-ID.scope". */
        char *path;
        char *slice; /* systemd: "kubepods-podX.slice"; NULL otherwise */
        char *unit;  /* systemd: "cri-containerd-ID.scope"; NULL otherwise */
        bool unit_is_slice;
};

/* Refuses (status 5, with `option` as the field) "", "/", empty components, ".", "..", control
 * characters, text that is not UTF-8, names reserved by the kernel or systemd, and names that are too long. */
int cgroup_path_parse(const char *text, const char *option, struct cgroup_path **out, struct error *error);

/* The default paths of a sandbox's groups. */
enum default_path {
        DEFAULT_PATH_SANDBOX,           /* kata_sandboxed_pod/ID */
        DEFAULT_PATH_OVERHEAD_CGROUPFS, /* kata_overhead/ID */
        DEFAULT_PATH_OVERHEAD_SYSTEMD,  /* kata-overhead.slice:kata-cgroup:ID */
};

/* Every valid ID has one: an ID that cannot be part of the path is escaped, or shortened with a hash, in the same way by every
 * build (default_path.c). */
int cgroup_path_default(enum default_path which, const char *id, struct cgroup_path **out, struct error *error);

/* Whether the path is valid below the mount points, as the `path` of a cgroup_path always is. */
bool cgroup_place_is_valid(const char *place);

/* NULL without memory. */
struct cgroup_path *cgroup_path_copy(const struct cgroup_path *path);

struct cgroup_path *cgroup_path_free(struct cgroup_path *path);
DEFINE_CLEANUP(struct cgroup_path *, cgroup_path_free)

/* "a-b-c.slice" → "a.slice/a-b.slice/a-b-c.slice"; "-.slice" → "". See systemd.slice(5). Directories are escaped as systemd
 * does: "memory-x.slice" → "_memory.slice/memory-x.slice". Returns 0 and a new string, -EINVAL if it is not a slice's name,
 * or -ENOMEM. */
int slice_expand(const char *slice, char **out);

/* systemd's limit in bytes. */
#define UNIT_NAME_MAX 255

/* Whether systemd would accept this unit name: systemd.unit(5), and unit_name_is_valid() of its unit-name.c. */
bool unit_name_is_valid(const char *name);

/* Whether the kernel could have a file of this name in a cgroup directory: "memory.x", "tasks". */
bool cgroup_name_is_kernels(const char *name);

/* 1 to 255 of A-Z a-z 0-9 _ + - . and neither "." nor "..". */
bool sandbox_id_is_valid(const char *id);
