/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* What the running kernel has, found out by asking it; nothing is changed. For pidfds see process_check_kernel(). */

#include <stdbool.h>

#include "host/hierarchy.h"

/* openat2(2), Linux 5.6. */
bool kernel_has_openat2(void);

/* clone3(2) with CLONE_INTO_CGROUP, Linux 5.7. */
bool kernel_has_clone_into_cgroup(void);

/* cgroup.kill in the groups of the v2 tree, Linux 5.14. False without such a tree. */
bool kernel_has_cgroup_kill(const struct host *host);
