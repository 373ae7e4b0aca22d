/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Holding back SIGTERM, SIGINT and SIGHUP
 *
 * The former mask is a global variable, since the signal mask belongs to the process.
 */
#include "util/signals.h"

#include <signal.h>
#include <stdbool.h>

static sigset_t former;
static bool held;

void signals_hold(void) {
        sigset_t set;

        if (held)
                return;
        (void)sigemptyset(&set);
        (void)sigaddset(&set, SIGTERM);
        (void)sigaddset(&set, SIGINT);
        (void)sigaddset(&set, SIGHUP);
        held = sigprocmask(SIG_BLOCK, &set, &former) == 0;
}

void signals_release(void) {
        if (!held)
                return;
        held = false;
        (void)sigprocmask(SIG_SETMASK, &former, NULL);
}
