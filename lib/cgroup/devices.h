/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* Which devices a cgroup may use: v1's devices controller, or a program on v2. */

#include "cgroup/cgroup.h"

/* Parses a devices.list: a default to deny with its exceptions, or a default to allow, for which the kernel does not show the
 * exceptions. NULL without memory. */
struct device_filter *devices_parse_list(const char *text);

/* Applies the setting. With a journal, the former list or program is recorded. Errors: status 1. */
int devices_apply(struct cgroup *cgroup, const struct setting_devices *setting, struct journal *journal,
                  struct error *error);

/* Whether systemd or somebody else has written another list on v1 since the setting was applied. If that cannot be determined,
 * the list counts as lost, and `devices` becomes unsettled. */
int devices_compare(struct cgroup *cgroup, struct setting_devices *devices, bool *lost, struct error *error);
