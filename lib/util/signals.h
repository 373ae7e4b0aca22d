/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * The signals by which a caller gives up: SIGTERM, SIGINT and SIGHUP
 *
 * Until a command has changed something, they do to it what they do to any program: input, sockets, vCPUs, locks and members
 * that end by themselves are waited for before that, so there is nothing to be taken back when one arrives. From the first change on they
 * are held back, so that none leaves the work half-done. The signal mask is the process's, and so is what these functions
 * remember of it.
 */

/* From here on the signals wait. May be called again. */
void signals_hold(void);

/* The mask is as it was before signals_hold(): what has arrived meanwhile takes effect. For a command that has changed
 * nothing, and for one that becomes another program. */
void signals_release(void);
