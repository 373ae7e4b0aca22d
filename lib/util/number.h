/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * Numbers from text. The whole text must be the number: no sign for unsigned types, no leading or
 * trailing blanks, no base prefixes, no overflow. `*out` is written on success only.
 * Return 0, -EINVAL (not a number) or -ERANGE (it does not fit).
 */

#include <stdint.h>
#include <sys/types.h>

int number_parse_u64(const char *text, uint64_t *out);
int number_parse_i64(const char *text, int64_t *out);
int number_parse_u32(const char *text, uint32_t *out);

/* A process or thread ID: 1 to INT32_MAX. */
int number_parse_pid(const char *text, pid_t *out);
