/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* Runtime processes that a command is given to be placed: shim, virtiofsd. For lib/sandbox only. */

#include "sandbox/session.h"

/* Holds the processes from the moment they are named, adding them to the array. Refuses (status 5) what is none. */
int runtime_hold(const pid_t *pids, size_t count, struct process ***processes, size_t *held,
                 struct error *error);

/* Under the lock, which may have been waited for: whether it still is there, where it is now, and that this is no place of
 * another sandbox. */
int runtime_look(struct session *session, struct process *process, struct error *error);
