/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* What is wrong with a sandbox, and what to do about it. For lib/sandbox only. */

#include "sandbox/session.h"

/* Of a session that has been peeked at and has its managers. Returns 0 or an error; `*out` is a new string, one sentence with
 * the advice in it, or NULL where nothing is wrong. */
int health_check(struct session *session, char **out, struct error *error);

/* What to do about a state that cannot be read, as part of a sentence. */
#define HEALTH_UNREADABLE_ADVICE                                                                               \
        "delete --force clears it up, if told where its groups are: --cgroups-path, and --overhead-path or "   \
        "--sandbox-cgroup-only"
