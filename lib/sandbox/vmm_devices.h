/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* Devices that a sandbox may use besides those of its resources: a VMM's, and hotplugged ones. */

#include "sandbox/state.h"

/* Adds the devices that a VMM needs, as far as this host has them, to the state's devices, and restricts the sandbox's devices
 * even if its resources have no rules. */
int vmm_devices_add_hypervisor(struct state *state, struct error *error);

/* Adds the device file at `path`, for reading, writing and mknod. It replaces a device that was added with this path before.
 * Errors: status 5 if it is not a device file. */
int vmm_devices_add(struct state *state, const char *path, struct error *error);

/* Removes the device that was added with this path; the file need not exist any more. Status 5 if there is none. */
int vmm_devices_remove(struct state *state, const char *path, struct error *error);
