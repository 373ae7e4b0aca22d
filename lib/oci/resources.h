/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * OCI LinuxResources
 *
 * A mirror of LinuxResources of the OCI runtime specification 1.3 (config-linux.md, "Control
 * groups"), where each field knows whether it was given. Numbers are in the specification's units:
 * bytes, microseconds, bytes or operations per second. The strings and arrays are owned by the
 * struct.
 */

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "util/cleanup.h"
#include "util/error.h"

struct oci_u64 {
        bool given;
        uint64_t value;
};

struct oci_i64 {
        bool given;
        int64_t value;
};

struct oci_bool {
        bool given;
        bool value;
};

struct oci_cpu {
        struct oci_u64 shares;
        struct oci_i64 quota;
        struct oci_u64 burst;
        struct oci_u64 period;
        struct oci_i64 realtime_runtime;
        struct oci_u64 realtime_period;
        char *cpus; /* NULL: not given; otherwise a list in canonical form (cpulist_format()), not empty */
        char *mems;
        struct oci_i64 idle;
};

struct oci_memory {
        struct oci_i64 limit;
        struct oci_i64 reservation;
        struct oci_i64 swap;
        struct oci_i64 kernel;
        struct oci_i64 kernel_tcp;
        struct oci_u64 swappiness;
        struct oci_bool disable_oom_killer;
        struct oci_bool use_hierarchy;
        struct oci_bool check_before_update;
};

struct oci_pids {
        struct oci_i64 limit;
};

/* Elements of one kind, owned. */
struct oci_array {
        void *items; /* NULL: not given; an empty array is not NULL */
        size_t count;
};

struct oci_weight_device {
        struct oci_i64 major, minor;
        struct oci_u64 weight, leaf_weight; /* 10 to 1000; 0 removes the weight */
};

struct oci_throttle_device {
        struct oci_i64 major, minor;
        struct oci_u64 rate; /* 0: no limit */
};

enum oci_throttle { OCI_READ_BPS, OCI_WRITE_BPS, OCI_READ_IOPS, OCI_WRITE_IOPS, OCI_THROTTLE_COUNT };

struct oci_block_io {
        struct oci_u64 weight, leaf_weight;             /* 10 to 1000 */
        struct oci_array weight_devices;                /* struct oci_weight_device */
        struct oci_array throttles[OCI_THROTTLE_COUNT]; /* struct oci_throttle_device */
};

struct oci_hugepage {
        char *page_size; /* as the kernel names it: "2MB" */
        struct oci_u64 limit;
};

struct oci_priority {
        char *name; /* of the interface */
        struct oci_u64 priority;
};

struct oci_network {
        struct oci_u64 class_id;
        struct oci_array priorities; /* struct oci_priority */
};

struct oci_rdma {
        char *name; /* of the device */
        struct oci_u64 hca_handles, hca_objects;
};

struct oci_device {
        struct oci_bool allow;
        char *type;                  /* "b", "c", or "a" and NULL for all */
        struct oci_i64 major, minor; /* not given or -1: any */
        char *access;                /* of r, w and m; NULL: all */
};

/* Linux device numbers: 12 bits of major, 20 of minor (include/linux/kdev_t.h). */
#define OCI_DEVICE_MAJOR_MAX 4095
#define OCI_DEVICE_MINOR_MAX 1048575

enum oci_device_access { OCI_DEVICE_READ = 1, OCI_DEVICE_WRITE = 2, OCI_DEVICE_MKNOD = 4, OCI_DEVICE_ALL = 7 };

/* The rule's access as a mask. */
unsigned oci_device_access(const struct oci_device *rule);

struct oci_unified {
        char *key;   /* "memory.high" */
        char *value; /* not empty */
};

struct oci_resources {
        struct oci_cpu cpu;
        struct oci_memory memory;
        struct oci_pids pids;
        struct oci_block_io block_io;
        struct oci_array hugepages; /* struct oci_hugepage */
        struct oci_network network;
        struct oci_array rdma;    /* struct oci_rdma, by name */
        struct oci_array devices; /* struct oci_device, in order */
        struct oci_array unified; /* struct oci_unified, by key */
};

/* The kernel's limits of quota and period, in microseconds: max_cfs_runtime, min_cfs_quota_period and
 * max_cfs_quota_period of kernel/sched/core.c. */
#define OCI_CFS_RUNTIME_MAX INT64_C(17592186044415)
#define OCI_CFS_PERIOD_MIN 1000
#define OCI_CFS_PERIOD_MAX 1000000

/* From here on a size of memory means no limit, like -1: 2^63 - 1 rounded down to pages of 4 KiB, which the files of v1
 * show for a limit that is not set (PAGE_COUNTER_MAX of include/linux/page_counter.h). */
#define OCI_MEMORY_UNLIMITED INT64_C(9223372036854771712)

/* The versions of the runtime specification whose LinuxResources are handled. */
#define OCI_VERSION_MIN "1.0.0"
#define OCI_VERSION_MAX "1.3.0"

/* Limits of a document, far above any real one. */
#define OCI_DOCUMENT_SIZE_MAX (1024UL * 1024UL)
#define OCI_DOCUMENT_DEPTH_MAX 32

/* Members of a document that the specification does not know, as JSON paths ("cpu.foo"), in the document's order. */
struct oci_unknown {
        char **paths;
        size_t count;
};

void oci_unknown_clear(struct oci_unknown *unknown);

/* A document's text, which may be a part of a larger file; errors name the lines of that file. */
struct oci_text {
        const char *file; /* the beginning of the file's text */
        const char *text;
        size_t size;
};

/* The members of a document that are read, by their paths ("cpu", "cpu.cpus"); the rest is ignored. */
struct oci_selection {
        char **paths;
        size_t count;
};

void oci_selection_clear(struct oci_selection *selection);

/* Adds a path. Returns 0 or -ENOMEM. */
int oci_selection_add(struct oci_selection *selection, const char *path);

/*
 * Parses a LinuxResources document, or only its members in `only` (NULL: all). Empty or blank text and {} mean "nothing
 * given". Refused, with the JSON path as the field: syntax errors, duplicate keys, trailing text, documents larger than
 * OCI_DOCUMENT_SIZE_MAX or deeper than OCI_DOCUMENT_DEPTH_MAX, and what oci_resources_from_json() refuses. For `unknown`
 * see there.
 */
int oci_resources_parse(const struct oci_text *text, const struct oci_selection *only,
                        struct oci_unknown *unknown, struct oci_resources **out, struct error *error);

/*
 * Builds the struct from an object, and checks the type, range and list format of each field separately. null counts as an
 * absent field, as in Go's decoder, which the specification's own types use. So does 0 in fields in which other runtimes
 * treat it as "unset": cpu.shares, quota and period, the sizes of memory, and blockIO.weight and leafWeight. Unknown members
 * are ignored and added to `unknown`; if that is NULL, they are refused. Errors: EXIT_STATUS_REFUSED with the JSON path. The
 * caller frees `*out` with oci_resources_free().
 */
int oci_resources_from_json(const json_t *object, struct oci_unknown *unknown, struct oci_resources **out,
                            struct error *error);

/* The object from which oci_resources_from_json() reads the same resources; NULL without memory. */
json_t *oci_resources_to_json(const struct oci_resources *given);

/* Refuses fields that do not fit together: memory.swap and memory.limit. It is a separate function, since an update may give
 * one of the two, and the resources that it changes the other. */
int oci_resources_check(const struct oci_resources *given, struct error *error);

struct oci_resources *oci_resources_free(struct oci_resources *parsed);
DEFINE_CLEANUP(struct oci_resources *, oci_resources_free)

/* NULL without memory. */
struct oci_resources *oci_resources_copy(const struct oci_resources *given);

bool oci_resources_equal(const struct oci_resources *a, const struct oci_resources *b);

/*
 * The result of an update: `base`, with the fields of `change` replaced. `unified` and `rdma` are replaced by name, arrays
 * as a whole ([] empties one). Neither argument is changed. The caller passes `*out` to oci_resources_check(), since fields
 * depend on each other. Errors: memory only.
 */
int oci_resources_merge(const struct oci_resources *base, const struct oci_resources *change,
                        struct oci_resources **out, struct error *error);

/* Whether unified has an entry for this file. */
bool oci_resources_has_unified(const struct oci_resources *given, const char *key);

/* Removes the entry of unified for this file, if there is one. */
void oci_resources_drop_unified(struct oci_resources *parsed, const char *key);

/* Adds a copy of the rule behind the others. Returns 0 or -ENOMEM. */
int oci_resources_add_device(struct oci_resources *given, const struct oci_device *rule);

/* The members of a bundle's config.json that concern resources. */
struct oci_bundle {
        char *cgroups_path;        /* linux.cgroupsPath, or NULL */
        struct oci_text resources; /* linux.resources, not parsed; blank if there are none */
};

/* Limits of a config.json, above any real one. */
#define OCI_BUNDLE_SIZE_MAX (16UL * 1024UL * 1024UL)
#define OCI_BUNDLE_DEPTH_MAX 1000

/*
 * Finds these two members in the text of a config.json, which outlives `*out`. The rest must be JSON and is skipped; it may
 * have numbers of any size and duplicate members. `name` is the file's name, for messages. Errors: EXIT_STATUS_REFUSED. The
 * caller frees `cgroups_path`.
 */
int oci_bundle_parse(const char *text, size_t size, const char *name, struct oci_bundle *out,
                     struct error *error);
