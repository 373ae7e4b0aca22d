/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * Numbers in the forms that the kernel's files take, which differ from file to file
 *
 * Stricter than the kernel only where it would take what is no number ("K", "50000abc"). 0 on success, -EINVAL, or -ERANGE
 * for what does not fit.
 */

#include <stdint.h>

/* A copy without the blanks in front and behind, as strstrip() does. NULL without memory. */
char *kernel_strip(const char *text);

/* kstrtoull() and kstrtoll() with base 0: decimal, 0x and octal with a 0 in front; a plus, and one line end behind. */
int kernel_parse_u64(const char *text, uint64_t *out);
int kernel_parse_i64(const char *text, int64_t *out);

/* memparse(): the same bases, no sign, and a suffix K, M, G, T, P or E, powers of 1024. */
int kernel_parse_bytes(const char *text, uint64_t *out);

/* sscanf("%llu"): decimal, zeroes in front. The whole text, without blanks. */
int kernel_parse_decimal(const char *text, uint64_t *out);
