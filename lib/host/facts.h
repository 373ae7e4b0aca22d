/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* Facts about the host beyond its hierarchies, for plans that need them; each costs some system calls. */

#include <stdbool.h>

/* The sizes of huge pages as the kernel's files name them, "2MB 1GB": a new string, NULL without memory. */
char *facts_hugepage_sizes(void);

/* Whether the bfq I/O scheduler is there: some block device could be given it. */
bool facts_bfq(void);
