/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * The signals by which a caller gives up: SIGTERM, SIGINT and SIGHUP
 *
 * Before its first change, a command has nothing to undo, and these signals end it as they end any program. It waits for
 * input, sockets, vCPUs, locks and processes only in that phase. From the first change on the signals are blocked, so that
 * none leaves the work half-done.
 */

/* Blocks the signals. May be called again. */
void signals_hold(void);

/* Restores the mask of before signals_hold(): pending signals take effect. For a command that has changed nothing, and for one
 * that executes another program. */
void signals_release(void);
