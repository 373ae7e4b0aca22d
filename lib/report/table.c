/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Tables
 *
 * Widths are in columns of a terminal: a character of UTF-8 may take two, or none. The locale says whether text is UTF-8; in
 * the C locale each byte is a column.
 */
#include "report/table.h"

#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <wchar.h>

#include "util/text.h"

#define GAP 2

struct table {
        size_t columns;
        bool to_the_right[TABLE_COLUMNS_MAX];
        bool last_is_optional;
        char **cells; /* row by row */
        size_t count;
};

/* Bytes, where they are no text in this locale. */
static size_t width_of(const char *text) {
        size_t length = mbstowcs(NULL, text, 0);
        _cleanup_free_ wchar_t *wide = NULL;
        int width;

        if (length == (size_t)-1)
                return strlen(text);
        wide = calloc(length + 1, sizeof(*wide));
        if (!wide || mbstowcs(wide, text, length + 1) == (size_t)-1)
                return strlen(text);
        width = wcswidth(wide, length);
        return width < 0 ? strlen(text) : (size_t)width;
}

struct table *table_new(const char *const *headings, size_t columns) {
        _cleanup_(table_freep) struct table *table = calloc(1, sizeof(*table));
        const char *names[TABLE_COLUMNS_MAX];

        if (!table)
                return NULL;
        table->columns = columns < TABLE_COLUMNS_MAX ? columns : TABLE_COLUMNS_MAX;
        for (size_t i = 0; i < table->columns; i++) {
                table->to_the_right[i] = headings[i][0] == '>';
                table->last_is_optional = headings[i][0] == '?';
                names[i] = headings[i] + (table->to_the_right[i] || table->last_is_optional);
        }
        return table_add(table, names) < 0 ? NULL : TAKE(table);
}

struct table *table_free(struct table *table) {
        if (!table)
                return NULL;
        for (size_t i = 0; i < table->count; i++)
                free(table->cells[i]);
        free(table->cells);
        free(table);
        return NULL;
}

int table_add(struct table *table, const char *const *cells) {
        char **larger = reallocarray(table->cells, table->count + table->columns, sizeof(*larger));
        size_t begin = table->count;

        if (!larger)
                return -ENOMEM;
        table->cells = larger;
        for (size_t i = 0; i < table->columns; i++) {
                char *cell = text_one_line(cells[i] ? cells[i] : "-", TEXT_LINE_MAX);

                if (!cell) {
                        while (table->count > begin)
                                free(table->cells[--table->count]);
                        return -ENOMEM;
                }
                table->cells[table->count++] = cell;
        }
        return 0;
}

static size_t count_shown(const struct table *table) {
        if (!table->last_is_optional)
                return table->columns;
        for (size_t i = 2 * table->columns - 1; i < table->count; i += table->columns)
                if (table->cells[i][0] != '\0')
                        return table->columns;
        return table->columns - 1;
}

static void write_row(const struct table *table, char *const *row, const size_t *widths, size_t columns,
                      FILE *stream) {
        size_t owed = 0; /* blanks, which are written once something follows them */

        for (size_t i = 0; i < columns; i++) {
                size_t padding = widths[i] - width_of(row[i]);

                if (row[i][0] != '\0') {
                        fprintf(stream, "%*s%s", (int)(owed + (table->to_the_right[i] ? padding : 0)), "",
                                row[i]);
                        owed = table->to_the_right[i] ? 0 : padding;
                } else {
                        owed += padding;
                }
                owed += GAP;
        }
        fputc('\n', stream);
}

void table_write(const struct table *table, FILE *stream) {
        size_t widths[TABLE_COLUMNS_MAX] = {0}, columns = count_shown(table);

        for (size_t i = 0; i < table->count; i++) {
                size_t width = width_of(table->cells[i]), column = i % table->columns;

                if (width > widths[column])
                        widths[column] = width;
        }
        for (size_t i = 0; i < table->count; i += table->columns)
                write_row(table, table->cells + i, widths, columns, stream);
}

int table_write_array(FILE *stream, const char *const *headings, size_t columns, const json_t *array,
                      table_row_fn add) {
        _cleanup_(table_freep) struct table *table = table_new(headings, columns);
        int r = table ? 0 : -ENOMEM;

        for (size_t i = 0; r == 0 && i < json_array_size(array); i++)
                r = add(table, json_array_get(array, i));
        if (r == 0)
                table_write(table, stream);
        return r;
}
