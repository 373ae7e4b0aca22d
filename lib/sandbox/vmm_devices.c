/* SPDX-License-Identifier: Apache-2.0 */
#include "sandbox/vmm_devices.h"

#include <sys/stat.h>
#include <sys/sysmacros.h>

/* What the VMMs of Kata Containers open (its hypervisor device list), and the terminals of consoles. */
static const char *const hypervisor_paths[] = {
        "/dev/null",      "/dev/zero",        "/dev/full",      "/dev/random",  "/dev/urandom",
        "/dev/tty",       "/dev/console",     "/dev/ptmx",      "/dev/kvm",     "/dev/mshv",
        "/dev/vhost-net", "/dev/vhost-vsock", "/dev/vfio/vfio", "/dev/net/tun",
};

/* The major number of unix98 terminals, /dev/pts/N (Documentation/admin-guide/devices.txt). */
#define PTS_MAJOR 136

/* Adds a device that exists; otherwise `*found` is false. A path that was added before may lead to another device by
 * now: the rule follows it. */
static int add_existing(struct state *state, const char *path, bool *found, struct error *error) {
        struct stat status;

        *found = stat(path, &status) == 0 && (S_ISCHR(status.st_mode) || S_ISBLK(status.st_mode));
        if (!*found)
                return 0;
        return configuration_set_device(state->configuration, path, S_ISBLK(status.st_mode) ? 'b' : 'c',
                                        (int64_t)major(status.st_rdev), (int64_t)minor(status.st_rdev)) < 0
                       ? error_oom(error)
                       : 0;
}

int vmm_devices_add_hypervisor(struct state *state, struct error *error) {
        bool found;
        int r = 0;

        state->configuration->hypervisor_devices = true;
        for (size_t i = 0; r == 0 && i < ARRAY_SIZE(hypervisor_paths); i++)
                r = add_existing(state, hypervisor_paths[i], &found, error);
        if (r == 0 && configuration_set_device(state->configuration, "/dev/pts", 'c', PTS_MAJOR, -1) < 0)
                r = error_oom(error);
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
