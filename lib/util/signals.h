/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * The signals by which a caller gives up: SIGTERM, SIGINT and SIGHUP
 *
 * Before its first change, a command has nothing to undo, and these signals end it as they end any program. It waits for
 * input, sockets, vCPUs, locks and the end of processes only in that phase. From the first change on the signals are blocked,
 * so that none leaves the work half-done. What is waited for then: systemd, busy directories, and processes that freeze and thaw
 * stop or let go on. Of these, a freeze or thaw that the user has asked for can be given up: it looks at the pending signals,
 * rolls back, and ends by the signal.
 */

#include <stdbool.h>

/* Blocks the signals. May be called again. */
void signals_hold(void);

/* Whether one of the signals has arrived since signals_hold(), and will end the program once they are released. */
bool signals_are_pending(void);

/* Restores the mask of before signals_hold(): pending signals take effect. For a command that has changed nothing or has undone
 * its changes, and for one that executes another program. */
void signals_release(void);
