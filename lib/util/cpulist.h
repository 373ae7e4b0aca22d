/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * Sets of CPUs or memory nodes in the kernel's list format ("0-3,7"), as in cpuset(7), FORMATS.
 *
 * The parser accepts what bitmap_parselist() of the kernel's lib/bitmap.c accepts: ranges in any order that may overlap,
 * blanks and commas between and around them, strides ("0-7:2/4" is 0-1,4-5), and a line end. It refuses "N" (the last
 * CPU) and "all", which depend on the host, and a list of two lines, of which the kernel would use only the first. A
 * text that names nothing is the empty set.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* One above the highest number of a list: the kernel's limit of CONFIG_NR_CPUS on x86 (8192). Its MAX_NUMNODES (1024)
 * is lower. */
#define CPULIST_LIMIT 8192U

struct cpulist {
        uint64_t bits[CPULIST_LIMIT / 64];
};

/* Returns 0, -EINVAL (malformed) or -ERANGE (a number is CPULIST_LIMIT or more). */
int cpulist_parse(const char *text, struct cpulist *out);

/* The shortest text: ascending, ranges joined. Returns a new string, or NULL without memory. */
char *cpulist_format(const struct cpulist *list);

bool cpulist_is_empty(const struct cpulist *list);
bool cpulist_equal(const struct cpulist *a, const struct cpulist *b);
bool cpulist_contains(const struct cpulist *list, unsigned number);
size_t cpulist_count(const struct cpulist *list);
void cpulist_add(struct cpulist *list, unsigned number);

/* Adds all of `other`. */
void cpulist_union(struct cpulist *list, const struct cpulist *other);

/* Removes all of `other`. */
void cpulist_subtract(struct cpulist *list, const struct cpulist *other);

/* The number of the i-th member (from 0), or -1 if there are fewer. */
int cpulist_nth(const struct cpulist *list, size_t i);

/* In the form of systemd's AllowedCPUs=: byte i, bit j stands for number 8 * i + j; no trailing zero
 * bytes. Writes at most CPULIST_LIMIT / 8 bytes and returns how many. */
size_t cpulist_to_mask(const struct cpulist *list, uint8_t mask[static CPULIST_LIMIT / 8]);
