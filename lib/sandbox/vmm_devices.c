/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The devices of a VMM, and hotplugged ones
 *
 * Subtle: a rule has the numbers that a path has now. If the path is added again and leads to another device, that device replaces
 * the former one.
 */
#include "sandbox/vmm_devices.h"

#include <glob.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>

/* What the VMMs of Kata Containers open (sandboxDevices() of its runtime and the devices of its VFIO driver), the terminals of
 * consoles, and the devices of confidential guests (for TDX, /dev/kvm and, for quotes, those of SGX). A "*" stands for the files
 * that exist at this time; devices that are plugged in later are added by update --add-device. */
static const char *const hypervisor_paths[] = {
        "/dev/null",          "/dev/zero",
        "/dev/full",          "/dev/random",
        "/dev/urandom",       "/dev/tty",
        "/dev/console",       "/dev/ptmx",
        "/dev/kvm",           "/dev/mshv",
        "/dev/vhost-net",     "/dev/vhost-vsock",
        "/dev/vfio/vfio",     "/dev/vfio/devices/*",
        "/dev/iommu",         "/dev/net/tun",
        "/dev/sev",           "/dev/sgx_vepc",
        "/dev/sgx_provision", "/dev/sgx_enclave",
};

/* Accesses of a VMM or a shim to kinds of devices. Making a node gives no access to its device. The numbers are those of
 * Documentation/admin-guide/devices.txt. */
static const struct kind {
        const char *name;
        char type;
        int64_t major, minor; /* -1: any */
        const char *access;
        bool shim; /* only if the shim is in the group too */
} kinds[] = {
        {"/dev/pts", 'c', 136, -1, "rwm", false}, {"c *:*", 'c', -1, -1, "m", false},
        {"b *:*", 'b', -1, -1, "m", false},       {"/dev/loop-control", 'c', 10, 237, "rwm", true},
        {"/dev/loop*", 'b', 7, -1, "rwm", true},
};

static int add_kind(struct state *state, const struct kind *kind, struct error *error) {
        return configuration_set_device(state->configuration, kind->name, kind->type, kind->major, kind->minor,
                                        kind->access) < 0
                       ? error_oom(error)
                       : 0;
}

/* Adds a device that exists; otherwise `*found` is false. A path that was added before may lead to another device now: the rule
 * follows the path. */
static int add_existing(struct state *state, const char *path, bool *found, struct error *error) {
        struct stat status;

        *found = stat(path, &status) == 0 && (S_ISCHR(status.st_mode) || S_ISBLK(status.st_mode));
        if (!*found)
                return 0;
        return add_kind(state,
                        &(struct kind){path, S_ISBLK(status.st_mode) ? 'b' : 'c',
                                       (int64_t)major(status.st_rdev), (int64_t)minor(status.st_rdev), "rwm",
                                       false},
                        error);
}

static int add_matching(struct state *state, const char *pattern, struct error *error) {
        glob_t matches = {0};
        bool found;
        int r = glob(pattern, 0, NULL, &matches) == GLOB_NOSPACE ? error_oom(error) : 0;

        for (size_t i = 0; r == 0 && i < matches.gl_pathc; i++)
                r = add_existing(state, matches.gl_pathv[i], &found, error);
        globfree(&matches);
        return r;
}

int vmm_devices_add_hypervisor(struct state *state, struct error *error) {
        int r = 0;

        state->configuration->hypervisor_devices = true;
        for (size_t i = 0; r == 0 && i < ARRAY_SIZE(hypervisor_paths); i++)
                r = add_matching(state, hypervisor_paths[i], error);
        for (size_t i = 0; r == 0 && i < ARRAY_SIZE(kinds); i++)
                if (!kinds[i].shim || state->sandbox_cgroup_only)
                        r = add_kind(state, &kinds[i], error);
        return r;
}

int vmm_devices_add(struct state *state, const char *path, struct error *error) {
        bool found;
        int r;

        r = add_existing(state, path, &found, error);
        if (r == 0 && !found)
                return error_refuse(error, "--add-device", "%s is not a device file", path);
        return r;
}

int vmm_devices_remove(struct state *state, const char *path, struct error *error) {
        if (configuration_forget_device(state->configuration, path))
                return 0;
        return error_refuse(error, "--remove-device", "%s is not a device of sandbox \"%s\"", path,
                            state->owner.id);
}
