/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Use of sandboxes, line by line
 *
 * CPU time, memory, tasks and I/O are of both groups together, since that is what a sandbox costs the node. Limits, throttling
 * and pressure are the sandbox group's: they have no sum.
 */
#include "report/usage.h"

#include <errno.h>
#include <stdbool.h>
#include <string.h>
#include <time.h>

#include "report/table.h"
#include "report/units.h"

#define USEC_PER_SEC 1000000

/* The member at a path of two names below `group` of the statistics; NULL where there is none. */
static const json_t *find(const json_t *entry, const char *group, const char *kind, const char *name) {
        const json_t *stats = json_object_get(json_object_get(entry, "stats"), group);

        return json_object_get(json_object_get(stats, kind), name);
}

static json_t *copy(const json_t *value) {
        return json_is_number(value) ? json_incref((json_t *)value) : json_null();
}

/* Microseconds since 1970 of "2026-01-01T00:00:00.000000Z", or 0. */
static int64_t parse_time(const char *text) {
        struct tm tm = {0};
        const char *rest = text ? strptime(text, "%Y-%m-%dT%H:%M:%S", &tm) : NULL;
        long microseconds = 0;

        if (!rest)
                return 0;
        if (*rest == '.')
                (void)sscanf(rest, ".%6ld", &microseconds);
        return timegm(&tm) * USEC_PER_SEC + microseconds;
}

/* The same sandbox in the former reading: another one of that ID was created at another time. */
static const json_t *find_former(const json_t *former, const json_t *entry) {
        const json_t *candidate;
        size_t i;

        json_array_foreach((json_t *)former, i, candidate) {
                if (json_equal(json_object_get(candidate, "id"), json_object_get(entry, "id")) &&
                    json_equal(json_object_get(candidate, "createdAt"), json_object_get(entry, "createdAt")))
                        return candidate;
        }
        return NULL;
}

/* How much a counter has grown, or -1 where one of the readings does not tell. Without a former one: since the beginning. */
static json_int_t growth(const json_t *entry, const json_t *former, const char *group, const char *name) {
        const json_t *now = find(entry, group, "cpu", name), *before = find(former, group, "cpu", name);
        json_int_t difference = json_integer_value(now) - json_integer_value(before);

        if (!json_is_integer(now) || (former && !json_is_integer(before)))
                return -1;
        /* A group that was made anew counts from 0. */
        return difference < 0 ? json_integer_value(now) : difference;
}

/* The CPU time of both groups, or -1 where that is not known. The total's own growth would be wrong where one of them goes: the
 * total falls by all that this group has ever used. */
static json_int_t usage_growth(const json_t *entry, const json_t *former) {
        static const char *const groups[] = {"sandbox", "overhead"};
        json_int_t sum = 0;

        if (!json_is_integer(find(entry, "total", "cpu", "usageUsec")))
                return -1;
        for (size_t i = 0; i < ARRAY_SIZE(groups); i++) {
                json_int_t part = growth(entry, former, groups[i], "usageUsec");

                /* The total of a single group is that group's. */
                if (!json_is_integer(find(entry, groups[i], "cpu", "usageUsec")))
                        continue;
                if (part < 0)
                        return -1;
                sum += part;
        }
        return sum;
}

/* A part of a whole in per cent, to a tenth; null where there is no whole. */
static json_t *percentage(json_int_t part, json_int_t whole) {
        if (part < 0 || whole <= 0)
                return json_null();
        return json_real((double)(int64_t)((double)part * 1000 / (double)whole + 0.5) / 10);
}

/* The sum over devices; null where the host does not tell. */
static json_t *sum_io(const json_t *entry, const char *name) {
        const json_t *stats = json_object_get(entry, "stats"), *device;
        const json_t *devices = json_object_get(json_object_get(stats, "total"), "io");
        json_int_t sum = 0;
        size_t i;

        if (!json_is_array(devices))
                return json_null();
        json_array_foreach((json_t *)devices, i, device) {
                sum += json_integer_value(json_object_get(device, name));
        }
        return json_integer(sum);
}

static json_t *pressure_of(const json_t *entry, const char *kind) {
        return copy(
                json_object_get(json_object_get(find(entry, "sandbox", "pressure", kind), "some"), "avg10"));
}

static json_t *line_of(const json_t *entry, const json_t *former, int64_t interval, const char *now) {
        const json_t *before = find_former(former, entry);
        const char *problem = json_string_value(json_object_get(entry, "error"));
        int64_t elapsed =
                before ? interval
                       : parse_time(now) - parse_time(json_string_value(json_object_get(entry, "createdAt")));

        if (!problem)
                problem = json_string_value(json_object_get(entry, "problem"));
        return json_pack("{s:O, s:s, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:{s:o, s:o, s:o}, s:s?}",
                         "id", json_object_get(entry, "id"), "time", now, "cpuPercent",
                         percentage(usage_growth(entry, before), elapsed), "cpuUsageUsec",
                         copy(find(entry, "total", "cpu", "usageUsec")), "throttledPercent",
                         percentage(growth(entry, before, "sandbox", "throttledPeriods"),
                                    growth(entry, before, "sandbox", "periods")),
                         "memoryCurrent", copy(find(entry, "total", "memory", "current")), "memoryLimit",
                         copy(find(entry, "sandbox", "memory", "limit")), "tasks",
                         copy(find(entry, "total", "pids", "current")), "tasksLimit",
                         copy(find(entry, "sandbox", "pids", "limit")), "readBytes", sum_io(entry, "readBytes"),
                         "writtenBytes", sum_io(entry, "writeBytes"), "pressure", "cpu",
                         pressure_of(entry, "cpu"), "memory", pressure_of(entry, "memory"), "io",
                         pressure_of(entry, "io"), "problem", problem);
}

json_t *usage_lines(const json_t *reading, const json_t *former, int64_t interval, const char *now) {
        _cleanup_json_ json_t *lines = json_array();
        const json_t *entry;
        size_t i;

        json_array_foreach((json_t *)reading, i, entry) {
                if (json_array_append_new(lines, line_of(entry, former, interval, now)) < 0)
                        return NULL;
        }
        return TAKE(lines);
}

/* ---- as a table ---- */

static const char *const headings[] = {"ID",     ">CPU %", ">THROTTLED", ">MEMORY",         ">LIMIT",  ">TASKS",
                                       ">LIMIT", ">READ",  ">WRITTEN",   ">PSI CPU/MEM/IO", "?PROBLEM"};

static const char *format_percent(const json_t *value, char out[static UNITS_TEXT_SIZE]) {
        if (!json_is_number(value))
                return NULL;
        units_percent(json_number_value(value), out);
        return out;
}

static const char *format_bytes(const json_t *value, char out[static UNITS_TEXT_SIZE]) {
        if (!json_is_integer(value))
                return NULL;
        units_bytes(json_integer_value(value), out);
        return out;
}

static const char *format_number(const json_t *value, char out[static UNITS_TEXT_SIZE]) {
        if (!json_is_integer(value))
                return NULL;
        (void)snprintf(out, UNITS_TEXT_SIZE, "%" JSON_INTEGER_FORMAT, json_integer_value(value));
        return out;
}

/* "0.0/1.5/0.0" */
static const char *format_pressure(const json_t *pressure, char out[static UNITS_TEXT_SIZE]) {
        double cpu, memory, io;

        if (json_unpack((json_t *)pressure, "{s:F, s:F, s:F}", "cpu", &cpu, "memory", &memory, "io", &io) < 0)
                return NULL;
        (void)snprintf(out, UNITS_TEXT_SIZE, "%.1f/%.1f/%.1f", cpu, memory, io);
        return out;
}

static int add_row(struct table *table, const json_t *line) {
        const char *problem = json_string_value(json_object_get(line, "problem"));
        char texts[9][UNITS_TEXT_SIZE];
        const char *cells[] = {
                json_string_value(json_object_get(line, "id")),
                format_percent(json_object_get(line, "cpuPercent"), texts[0]),
                format_percent(json_object_get(line, "throttledPercent"), texts[1]),
                format_bytes(json_object_get(line, "memoryCurrent"), texts[2]),
                format_bytes(json_object_get(line, "memoryLimit"), texts[3]),
                format_number(json_object_get(line, "tasks"), texts[4]),
                format_number(json_object_get(line, "tasksLimit"), texts[5]),
                format_bytes(json_object_get(line, "readBytes"), texts[6]),
                format_bytes(json_object_get(line, "writtenBytes"), texts[7]),
                format_pressure(json_object_get(line, "pressure"), texts[8]),
                problem ? problem : "",
        };

        return table_add(table, cells);
}

int usage_write(FILE *stream, const json_t *lines) {
        return table_write_array(stream, headings, ARRAY_SIZE(headings), lines, add_row);
}
