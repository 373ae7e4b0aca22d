/* SPDX-License-Identifier: Apache-2.0 */
#include "sandbox/vmm_devices.h"

#include <errno.h>
#include <string.h>
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

static int add_rule(struct state *state, const char *path, char type, int64_t major_number,
                    int64_t minor_number, struct error *error) {
        const char type_text[] = {type, '\0'};
        json_t *rule = json_pack("{s:s, s:b, s:s, s:I, s:I, s:s}", "path", path, "allow", 1, "type", type_text,
                                 "major", (json_int_t)major_number, "minor", (json_int_t)minor_number, "access",
                                 "rwm");

        return json_array_append_new(state->devices, rule) < 0 ? error_oom(error) : 0;
}

static bool find(const struct state *state, const char *path, size_t *out) {
        const json_t *rule;
        size_t i;

        json_array_foreach(state->devices, i, rule) {
                const char *present = json_string_value(json_object_get(rule, "path"));

                if (present && strcmp(present, path) == 0) {
                        *out = i;
                        return true;
                }
        }
        return false;
}

/* Adds a device that exists; 0 if it does not, a negative errno of stat(2) otherwise. */
static int add_existing(struct state *state, const char *path, bool *found, struct error *error) {
        struct stat status;
        size_t i;

        *found = stat(path, &status) == 0 && (S_ISCHR(status.st_mode) || S_ISBLK(status.st_mode));
        if (!*found || find(state, path, &i))
                return 0;
        return add_rule(state, path, S_ISBLK(status.st_mode) ? 'b' : 'c', (int64_t)major(status.st_rdev),
                        (int64_t)minor(status.st_rdev), error);
}

int vmm_devices_add_hypervisor(struct state *state, struct error *error) {
        bool found;
        int r = 0;

        state->hypervisor_devices = true;
        for (size_t i = 0; r == 0 && i < ARRAY_SIZE(hypervisor_paths); i++)
                r = add_existing(state, hypervisor_paths[i], &found, error);
        return r < 0 ? r : add_rule(state, "/dev/pts", 'c', PTS_MAJOR, -1, error);
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
        size_t i;

        if (!find(state, path, &i))
                return error_refuse(error, "--remove-device", "%s is not a device of sandbox \"%s\"", path,
                                    state->owner.id);
        return json_array_remove(state->devices, i) < 0 ? error_oom(error) : 0;
}
