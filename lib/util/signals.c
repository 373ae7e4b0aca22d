/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Holding back SIGTERM, SIGINT and SIGHUP
 *
 * The former mask is a global variable, since the signal mask belongs to the process.
 */
#include "util/signals.h"

#include <signal.h>

#include "util/cleanup.h"

static const int signals[] = {SIGTERM, SIGINT, SIGHUP};
static sigset_t former;
static bool held;

void signals_hold(void) {
        sigset_t set;

        if (held)
                return;
        (void)sigemptyset(&set);
        for (size_t i = 0; i < ARRAY_SIZE(signals); i++)
                (void)sigaddset(&set, signals[i]);
        held = sigprocmask(SIG_BLOCK, &set, &former) == 0;
}

/* While a signal is blocked, it becomes pending even if it is ignored. */
static bool is_ignored(int number) {
        struct sigaction action;

        return sigaction(number, NULL, &action) == 0 && action.sa_handler == SIG_IGN;
}

bool signals_are_pending(void) {
        sigset_t pending;

        if (!held || sigpending(&pending) < 0)
                return false;
        for (size_t i = 0; i < ARRAY_SIZE(signals); i++)
                if (sigismember(&pending, signals[i]) == 1 && sigismember(&former, signals[i]) == 0 &&
                    !is_ignored(signals[i]))
                        return true;
        return false;
}

void signals_release(void) {
        if (!held)
                return;
        held = false;
        (void)sigprocmask(SIG_SETMASK, &former, NULL);
}
