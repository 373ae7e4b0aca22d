/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * Numbers in the formats of the kernel's files, which differ from file to file
 *
 * The functions are stricter than the kernel only where the kernel accepts text that is not a number ("K", "50000abc"). 0 on
 * success, -EINVAL, or -ERANGE if the number does not fit.
 */

#include <stdbool.h>
#include <stdint.h>

/* A copy without leading and trailing blanks, as by the kernel's strstrip(). NULL without memory. */
char *kernel_strip(const char *text);

/* kstrtoull() and kstrtoll() with base 0: decimal, hexadecimal with 0x, octal with a leading 0; a plus sign, and one line end. */
int kernel_parse_u64(const char *text, uint64_t *out);
int kernel_parse_i64(const char *text, int64_t *out);

/* memparse(): the same bases, no sign, and a suffix K, M, G, T, P or E, powers of 1024. */
int kernel_parse_bytes(const char *text, uint64_t *out);

/* sscanf("%llu"): decimal, with leading zeroes. The whole text, without blanks. */
int kernel_parse_decimal(const char *text, uint64_t *out);

/* The number behind a word at the start of a line: "nr_periods 5". False where there is no such line. */
bool kernel_find_value(const char *text, const char *name, uint64_t *out);
