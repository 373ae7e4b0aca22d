/* SPDX-License-Identifier: Apache-2.0 */
/* The table of list. */
#include "report/listing.h"

#include <errno.h>
#include <stdbool.h>

#include "report/table.h"
#include "report/units.h"

static const char *const headings[] = {"ID",   "DRIVER",  "PHASE", "CGROUPS",
                                       ">CPU", ">MEMORY", "PATH",  "?PROBLEM"};

static const char *text_of(const json_t *entry, const char *name) {
        return json_string_value(json_object_get(entry, name));
}

/* What is wrong with a sandbox, or NULL. */
static const char *problem_of(const json_t *entry) {
        const char *error = text_of(entry, "error");

        return error ? error : text_of(entry, "problem");
}

/* The phase, or what hides it. */
static const char *phase_of(const json_t *entry) {
        if (text_of(entry, "error"))
                return "broken";
        return json_is_true(json_object_get(entry, "frozen")) ? "frozen" : text_of(entry, "phase");
}

/* NULL where nothing is known of it. */
static const char *existence_of(const json_t *entry) {
        const json_t *exists = json_object_get(entry, "exists");

        return !exists ? NULL : json_is_true(exists) ? "yes" : "no";
}

static int add_row(struct table *table, const json_t *entry) {
        const json_t *usage = json_object_get(entry, "cpuUsageUsec"),
                     *memory = json_object_get(entry, "memoryCurrent");
        const char *problem = problem_of(entry);
        char time[UNITS_TEXT_SIZE], size[UNITS_TEXT_SIZE];
        const char *cells[] = {
                text_of(entry, "id"),
                text_of(entry, "driver"),
                phase_of(entry),
                existence_of(entry),
                json_is_integer(usage) ? time : NULL,
                json_is_integer(memory) ? size : NULL,
                text_of(entry, "cgroupsPath"),
                problem ? problem : "",
        };

        units_duration(json_integer_value(usage), time);
        units_bytes(json_integer_value(memory), size);
        return table_add(table, cells);
}

int listing_write(FILE *stream, const json_t *sandboxes) {
        return table_write_array(stream, headings, ARRAY_SIZE(headings), sandboxes, add_row);
}
