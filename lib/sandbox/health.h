/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* What is wrong with a sandbox, and what to do about it. For lib/sandbox only. */

#include "sandbox/session.h"

/*
 * Peeks at a sandbox, makes its managers, and says what is wrong with it. A session->context that is there is used.
 *
 * 0, STORE_E_NO_SANDBOX where there is none, or where it goes meanwhile, or an error. `*out` is a new string, one sentence with the
 * advice in it, or NULL where nothing is wrong; where that cannot be checked, the reason.
 */
int health_examine(struct session *session, const char *id, char **out, struct error *error);

/* What to do about a state that cannot be read, as part of a sentence. */
#define HEALTH_UNREADABLE_ADVICE                                                                               \
        "delete --force clears it up, if told where its groups are: --cgroups-path, and --overhead-path or "   \
        "--sandbox-cgroup-only"
