/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* Devices that a sandbox may use besides those that its resources name: a VMM's, and hotplugged ones. */

#include "sandbox/state.h"

/* Adds what a VMM needs, as far as this host has it, to the state's devices, and makes the state's rules
 * hold even where its resources name none. */
int vmm_devices_add_hypervisor(struct state *state, struct error *error);

/* Adds the device file at `path`, for reading, writing and mknod, in the place of what was added with this path
 * before. Errors: status 5 where it is no device file. */
int vmm_devices_add(struct state *state, const char *path, struct error *error);

/* Removes what was added with this path, which need not exist any more. Status 5 where nothing was. */
int vmm_devices_remove(struct state *state, const char *path, struct error *error);
