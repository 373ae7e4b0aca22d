/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* A table of text whose columns are as wide as their widest cell. */

#include <jansson.h>
#include <stdio.h>

#include "util/cleanup.h"

#define TABLE_COLUMNS_MAX 12

struct table;

/* The first row are the headings. A column whose heading begins with '>' is aligned to the right. A last one whose
 * heading begins with '?' is left out while nothing is below it. Neither mark is shown. NULL without memory. */
struct table *table_new(const char *const *headings, size_t columns);
struct table *table_free(struct table *table);
DEFINE_CLEANUP(struct table *, table_free)

/* Adds a row of as many cells as there are headings, copied; NULL is "-". What could drive a terminal is escaped. Returns 0 or
 * -ENOMEM. */
int table_add(struct table *table, const char *const *cells);

/* Two blanks are between columns; no line ends with blanks. */
void table_write(const struct table *table, FILE *stream);

/* Writes a table with a row for each entry of an array; `add` adds it, and returns what table_add() does. Returns 0 or -ENOMEM. */
typedef int (*table_row_fn)(struct table *table, const json_t *entry);
int table_write_array(FILE *stream, const char *const *headings, size_t columns, const json_t *array,
                      table_row_fn add);
