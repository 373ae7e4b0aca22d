/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* inspect --tree: a sandbox's groups, and who is in them, in one picture. */

#include <jansson.h>
#include <stdbool.h>
#include <stdio.h>

/* `sandbox` is what sandbox_tree() tells. With `utf8` the lines are box-drawing characters, else ASCII. 0 or -ENOMEM. */
int tree_write(FILE *stream, const json_t *sandbox, bool utf8);
