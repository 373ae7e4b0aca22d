/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * Sandboxes: the commands of kata-cgroup, without their options and output
 *
 * Every function that takes an ID validates it (status 5) and holds the sandbox's lock while it changes something. On failure
 * it has undone its changes, or its error says what is left.
 */

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "oci/resources.h"
#include "util/error.h"
#include "util/log.h"
#include "vmm/pinning.h"
#include "vmm/vcpus.h"

/* What all commands share. */
struct sandbox_environment {
        const char *root; /* the directory of the states */
        const struct log *log;
};

/* The paths of a sandbox's groups from the options. */
struct sandbox_paths {
        const char *cgroups_path;  /* or NULL: kata_sandboxed_pod/ID */
        const char *overhead_path; /* or NULL: kata_overhead/ID, kata-overhead.slice:kata-cgroup:ID */
        bool sandbox_cgroup_only;
};

struct sandbox_create {
        struct sandbox_paths paths;
        const struct oci_resources *resources;
        const struct oci_resources *overhead_resources; /* or NULL; not with sandbox_cgroup_only */
        const pid_t *pids;                              /* runtime processes */
        size_t pid_count;
        uint64_t stop_timeout; /* seconds */
        bool vcpu_subtree; /* give the vCPU threads a threaded child group, with the limits of cpu and cpuset */
        bool hypervisor_devices; /* allow the devices that a VMM needs, besides those of the resources */
};

/* With `dry_run` nothing is changed, and `*dry_run` becomes the plan: {"plan":[...]}. */
int sandbox_create(const struct sandbox_environment *environment, const char *id,
                   const struct sandbox_create *create, json_t **dry_run, struct error *error);

struct sandbox_attach {
        const char *qmp; /* path of the socket, or NULL */
        int qmp_fd;      /* or -1 */
        /* The threads of `vmm_pid`, or NULL; not with `qmp` or `qmp_fd`. */
        const struct vcpus_given *given;
        pid_t vmm_pid;                 /* or 0 */
        unsigned expect;               /* the minimum number of vCPUs; 0: at least one, without waiting */
        unsigned timeout;              /* seconds */
        const struct pinning *pinning; /* NULL: do not change it */
};

/* `*out` is the document that attach-vcpus prints. */
int sandbox_attach(const struct sandbox_environment *environment, const char *id,
                   const struct sandbox_attach *attach, json_t **out, struct error *error);

/* Places more runtime processes in the group in which create places them, and records them. */
int sandbox_place(const struct sandbox_environment *environment, const char *id, const pid_t *pids,
                  size_t count, struct error *error);

/*
 * Moves the calling process into the group of the VMM, and records it as the VMM. The group is the sandbox group or, if vCPU
 * threads are placed singly, the overhead group. The caller then executes the VMM, so that all memory of the VMM is charged
 * to this group.
 */
int sandbox_enter(const struct sandbox_environment *environment, const char *id, struct error *error);

struct sandbox_update {
        const char *container; /* NULL: the sandbox itself */
        bool overhead;         /* the resources are the overhead group's; not with a container or devices */
        bool remove;           /* forget that container */
        /* NULL: none are given. Always NULL with `remove`, never NULL with only `container`. */
        const struct oci_resources *resources;
        const char *const *add_devices, *const *remove_devices; /* paths of device files */
        size_t add_device_count, remove_device_count;
};

/* `dry_run` as for sandbox_create(). */
int sandbox_update(const struct sandbox_environment *environment, const char *id,
                   const struct sandbox_update *update, json_t **dry_run, struct error *error);

/*
 * Freezes or thaws the sandbox. When it returns, all processes in the sandbox group and all threads of the VMM have stopped, or
 * run again. A sandbox that is in the wanted state already is left alone. After `timeout` seconds the change is undone: status 1,
 * naming the processes. Also status 1 if the caller is one of them, or if there are none. -EINTR after a signal, which
 * signals_release() delivers: the change is undone.
 */
int sandbox_freeze(const struct sandbox_environment *environment, const char *id, bool frozen, unsigned timeout,
                   struct error *error);

struct sandbox_delete {
        bool force;
        unsigned timeout;           /* seconds */
        struct sandbox_paths paths; /* with `force`, if the state is lost */
};

int sandbox_delete(const struct sandbox_environment *environment, const char *id,
                   const struct sandbox_delete *delete, struct error *error);

struct sandbox_prune {
        const char *const *paths; /* OCI cgroupsPaths: below these, empty groups of anybody go, too */
        size_t path_count;
        bool dry_run;
};

/* Clears what dead sandboxes have left. `*out` is what prune prints, {"dryRun","removed","kept"}; it is also there after an
 * error where only some of it could not be removed, and NULL otherwise. */
int sandbox_prune(const struct sandbox_environment *environment, const struct sandbox_prune *prune,
                  json_t **out, struct error *error);

/* What inspect prints, with its cgroups' statistics where `stats`; a new reference. */
int sandbox_inspect(const struct sandbox_environment *environment, const char *id, bool stats, json_t **out,
                    struct error *error);

/* The same with statistics; and each group has "members": an array of its processes, {"pid","name","vmm","threads"}, with those
 * of their threads that are in it, {"tid","name","vcpu","cpus"}. A new reference. */
int sandbox_tree(const struct sandbox_environment *environment, const char *id, json_t **out,
                 struct error *error);

/* What sandbox_list() tells of each sandbox. */
enum sandbox_list_detail {
        SANDBOX_LIST_STATE, /* what its state has, and whether anything is wrong with it */
        SANDBOX_LIST_USE,   /* also "cpuUsageUsec", "memoryCurrent" */
        SANDBOX_LIST_STATS, /* or "stats", as inspect has them */
};

/* An array of what list prints, by ID: all sandboxes, or those of `ids` that there are. One that cannot be
 * examined has an "error" instead. One that goes meanwhile is left out. Status 5 for what is no ID. */
int sandbox_list(const struct sandbox_environment *environment, const char *const *ids, size_t count,
                 enum sandbox_list_detail detail, json_t **out, struct error *error);

struct sandbox_watch {
        const char *id;         /* NULL: all sandboxes, also those that come later */
        const char *const *psi; /* pressure triggers, "memory:150ms/1s" */
        size_t psi_count;
        int reader; /* a pipe or socket: the watch ends when it has no reader any more; other files are ignored */
        /* Gets each event, which it owns. Returns 0, or an error that ends the watch. */
        int (*each)(json_t *event, void *data, struct error *error);
        void *data;
};

/* Reports events of sandboxes, until the sandbox `id` is deleted. It takes no lock and changes nothing. Status 2 for a malformed
 * trigger. */
int sandbox_watch(const struct sandbox_environment *environment, const struct sandbox_watch *watch,
                  struct error *error);

/* Status 2, with all valid names, unless it is a handled field of LinuxResources or an object with such fields. */
int sandbox_check_field(const char *path, struct error *error);

/* The names of all fields, separated by ", ": a new string, or NULL without memory. */
char *sandbox_field_names(void);

/* What features prints. */
int sandbox_features(const struct sandbox_environment *environment, json_t **out, struct error *error);
