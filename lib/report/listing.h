/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* The table of list. */

#include <jansson.h>
#include <stdio.h>

/* The array of sandbox_list(), a line each. The column of what is wrong is there where something is. 0 or -ENOMEM. */
int listing_write(FILE *stream, const json_t *sandboxes);
