/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* Which devices a cgroup may use: v1's devices controller, or a program on v2. */

#include "cgroup/cgroup.h"

/* What a devices.list says: a default to deny with its exceptions, or a default to allow, of which the kernel does not
 * tell the exceptions. NULL without memory. */
struct device_filter *devices_parse_list(const char *text);

/* Carries it out. With a journal, what was before is recorded. Errors: status 1. */
int devices_apply(struct cgroup *cgroup, const struct setting_devices *setting, struct journal *journal,
                  struct error *error);

/* Whether somebody else (systemd) has written another list on v1 since it was carried out. Where that cannot be told, it counts
 * as lost, and `devices` becomes unsettled. */
int devices_compare(struct cgroup *cgroup, struct setting_devices *devices, bool *lost, struct error *error);
