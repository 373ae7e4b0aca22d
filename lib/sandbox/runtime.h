/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* Runtime processes that a command is given to be placed: shim, virtiofsd. For lib/sandbox only. */

#include "sandbox/session.h"

/* Opens the named processes and appends them to the array. Refuses (status 5) pids that are not processes. */
int runtime_hold(const pid_t *pids, size_t count, struct process ***processes, size_t *held,
                 struct error *error);

/* Checks a process again under the lock: that it is still alive, which groups it is in now, and that these are not another
 * sandbox's. */
int runtime_look(struct session *session, struct process *process, struct error *error);
