/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The picture of a sandbox
 *
 * Two steps: what is to be shown becomes a tree of nodes, a text with notes and children, which are JSON because that has
 * strings and arrays; and that tree is drawn, which knows nothing of sandboxes.
 */
#include "report/tree.h"

#include <errno.h>
#include <stdarg.h>
#include <string.h>

#include "report/units.h"
#include "util/cleanup.h"
#include "util/text.h"

/* ---- nodes ---- */

static json_t *node_new(json_t *text) {
        return text ? json_pack("{s:o, s:[], s:[]}", "text", text, "notes", "children") : NULL;
}

static int add_child(json_t *parent, json_t *child) {
        return child ? json_array_append_new(json_object_get(parent, "children"), child) : -1;
}

__attribute__((format(printf, 2, 3))) static int add_note(json_t *node, const char *format, ...) {
        va_list arguments;
        json_t *text;

        va_start(arguments, format);
        text = json_vsprintf(format, arguments);
        va_end(arguments);
        return text ? json_array_append_new(json_object_get(node, "notes"), text) : -1;
}

/* ---- drawing ---- */

struct style {
        const char *branch, *last, *line, *gap;
};

/* A path or a name may have characters in it that drive a terminal. */
static void write_text(FILE *stream, const char *text) {
        _cleanup_free_ char *line = text_one_line(text, TEXT_LINE_MAX);

        fprintf(stream, "%s\n", line ? line : "?");
}

static void draw(FILE *stream, const json_t *node, const char *prefix, const struct style *style) {
        const json_t *notes = json_object_get(node, "notes"), *children = json_object_get(node, "children"),
                     *entry;
        size_t count = json_array_size(children), i;

        write_text(stream, json_string_value(json_object_get(node, "text")));
        json_array_foreach((json_t *)notes, i, entry) {
                fprintf(stream, "%s%s", prefix, count > 0 ? style->line : style->gap);
                write_text(stream, json_string_value(entry));
        }
        json_array_foreach((json_t *)children, i, entry) {
                bool is_last = i + 1 == count;
                _cleanup_free_ char *deeper = NULL;

                if (asprintf(&deeper, "%s%s", prefix, is_last ? style->gap : style->line) < 0)
                        deeper = NULL;
                fprintf(stream, "%s%s", prefix, is_last ? style->last : style->branch);
                draw(stream, entry, deeper ? deeper : prefix, style);
        }
}

/* ---- what is shown ---- */

static const json_t *find_member(const json_t *json, const char *outer, const char *inner) {
        return json_object_get(json_object_get(json, outer), inner);
}

static const char *text_of(const json_t *json, const char *name) {
        const char *text = json_string_value(json_object_get(json, name));

        return text ? text : "?";
}

/* "12MiB of 64MiB" or "5 of 100"; the limit may be null. */
static void format_use(const json_t *use, const json_t *limit, bool bytes,
                       char out[static 2 * UNITS_TEXT_SIZE + 4]) {
        char texts[2][UNITS_TEXT_SIZE];

        for (size_t i = 0; i < 2; i++) {
                json_int_t value = json_integer_value(i == 0 ? use : limit);

                if (bytes)
                        units_bytes(value, texts[i]);
                else
                        (void)snprintf(texts[i], sizeof(texts[i]), "%" JSON_INTEGER_FORMAT, value);
        }
        (void)snprintf(out, 2 * UNITS_TEXT_SIZE + 4, json_is_integer(limit) ? "%s of %s" : "%s", texts[0],
                       texts[1]);
}

static int add_use(json_t *node, const json_t *stats, const char *group, const char *title, bool bytes) {
        const json_t *current = find_member(stats, group, "current");
        char text[2 * UNITS_TEXT_SIZE + 4];

        if (!json_is_integer(current))
                return 0;
        format_use(current, find_member(stats, group, "limit"), bytes, text);
        return add_note(node, "%s %s", title, text);
}

/* The limit is the quota of a document of resources, as a number of CPUs. What is not known is left out. */
static int add_cpu(json_t *node, const json_t *stats, const json_t *resources) {
        const json_t *usage = find_member(stats, "cpu", "usageUsec"),
                     *throttled = find_member(stats, "cpu", "throttledUsec"),
                     *quota = find_member(resources, "cpu", "quota"),
                     *period = find_member(resources, "cpu", "period");
        double cpus = json_number_value(quota) / (json_is_integer(period) ? json_number_value(period) : 100000);
        char used[UNITS_TEXT_SIZE], time[UNITS_TEXT_SIZE];
        char limit[UNITS_TEXT_SIZE + 16] = "", held[UNITS_TEXT_SIZE + 16] = "";

        if (!json_is_integer(usage))
                return 0;
        units_duration(json_integer_value(usage), used);
        units_duration(json_integer_value(throttled), time);
        if (json_integer_value(quota) > 0)
                (void)snprintf(limit, sizeof(limit), ", limit %.4g CPUs", cpus);
        if (json_is_integer(throttled))
                (void)snprintf(held, sizeof(held), ", throttled for %s", time);
        return add_note(node, "CPU %s%s%s", used, limit, held);
}

static int add_pressure(json_t *node, const json_t *stats) {
        static const char *const kinds[] = {"cpu", "memory", "io"};
        double averages[3];

        for (size_t i = 0; i < ARRAY_SIZE(kinds); i++) {
                const json_t *some = json_object_get(find_member(stats, "pressure", kinds[i]), "some");

                if (!some || json_is_null(some))
                        return 0;
                averages[i] = json_number_value(json_object_get(some, "avg10"));
        }
        return add_note(node, "pressure of the last 10 s: cpu %.1f%%, memory %.1f%%, io %.1f%%", averages[0],
                        averages[1], averages[2]);
}

static json_t *thread_node(const json_t *thread) {
        const json_t *index = json_object_get(thread, "vcpu");
        const char *cpus = json_string_value(json_object_get(thread, "cpus"));
        json_int_t tid = json_integer_value(json_object_get(thread, "tid"));

        if (!json_is_integer(index))
                return node_new(json_sprintf("%" JSON_INTEGER_FORMAT " %s", tid, text_of(thread, "name")));
        return node_new(json_sprintf("%" JSON_INTEGER_FORMAT " vCPU %" JSON_INTEGER_FORMAT "%s%s", tid,
                                     json_integer_value(index), cpus ? ", on CPUs " : "", cpus ? cpus : ""));
}

/* The VMM with its threads, all others with their number. */
static json_t *process_node(const json_t *process) {
        const json_t *threads = json_object_get(process, "threads"), *thread;
        bool vmm = json_is_true(json_object_get(process, "vmm"));
        size_t count = json_array_size(threads), i;
        json_t *node = node_new(json_sprintf("%" JSON_INTEGER_FORMAT " %s (%s%zu thread%s)",
                                             json_integer_value(json_object_get(process, "pid")),
                                             text_of(process, "name"), vmm ? "VMM, " : "", count,
                                             count == 1 ? "" : "s"));

        if (!node || !vmm)
                return node;
        json_array_foreach((json_t *)threads, i, thread) {
                if (add_child(node, thread_node(thread)) < 0) {
                        json_decref(node);
                        return NULL;
                }
        }
        return node;
}

static int add_processes(json_t *node, const json_t *group) {
        const json_t *process;
        size_t i;

        json_array_foreach(json_object_get(group, "members"), i, process) {
                if (add_child(node, process_node(process)) < 0)
                        return -1;
        }
        return 0;
}

/* A group: where it is, what it uses and may use, who is in it. `name` is its own, and that of its members in `sandbox`;
 * `resources` is the member with its CPU limit, or "". */
static json_t *group_node(const json_t *sandbox, const char *name, const char *resources) {
        const json_t *group = json_object_get(sandbox, name), *stats = find_member(sandbox, "stats", name);
        bool exists = json_is_true(json_object_get(group, "exists"));
        json_t *node = node_new(json_sprintf("%s%s  %s", strcmp(name, "vcpuSubtree") == 0 ? "vCPUs" : name,
                                             exists ? "" : " (not there)", text_of(group, "path")));

        if (node && exists &&
            (add_cpu(node, stats, json_object_get(sandbox, resources)) < 0 ||
             add_use(node, stats, "memory", "memory", true) < 0 ||
             add_use(node, stats, "pids", "tasks", false) < 0 || add_pressure(node, stats) < 0 ||
             add_processes(node, group) < 0)) {
                json_decref(node);
                return NULL;
        }
        return node;
}

static int add_groups(json_t *root, const json_t *sandbox) {
        /* With a vCPU subtree, that one has the CPU limit. */
        bool subtree = json_is_object(json_object_get(sandbox, "vcpuSubtree"));
        json_t *node = group_node(sandbox, "sandbox", subtree ? "" : "resources");
        int r = node ? 0 : -1;

        if (r == 0 && subtree)
                r = add_child(node, group_node(sandbox, "vcpuSubtree", "resources"));
        if (r == 0 && json_is_object(json_object_get(sandbox, "overhead")))
                r = add_child(root, group_node(sandbox, "overhead", "overheadResources"));
        if (r == 0)
                return add_child(root, node);
        json_decref(node);
        return r;
}

/* What the whole sandbox is like. */
static int add_facts(json_t *root, const json_t *sandbox) {
        const char *problem = json_string_value(json_object_get(sandbox, "problem"));

        if (json_is_true(json_object_get(sandbox, "frozen")) && add_note(root, "frozen") < 0)
                return -1;
        return problem ? add_note(root, "problem: %s", problem) : 0;
}

static json_t *sandbox_node(const json_t *sandbox) {
        json_t *root = node_new(json_sprintf("%s  %s, cgroup v%" JSON_INTEGER_FORMAT ", created %s",
                                             text_of(sandbox, "id"), text_of(sandbox, "driver"),
                                             json_integer_value(json_object_get(sandbox, "cgroupVersion")),
                                             text_of(sandbox, "createdAt")));

        if (root && (add_facts(root, sandbox) < 0 || add_groups(root, sandbox) < 0)) {
                json_decref(root);
                return NULL;
        }
        return root;
}

int tree_write(FILE *stream, const json_t *sandbox, bool utf8) {
        static const struct style box = {"├─ ", "└─ ", "│  ", "   "}, ascii = {"|- ", "`- ", "|  ", "   "};
        _cleanup_json_ json_t *root = sandbox_node(sandbox);

        if (!root)
                return -ENOMEM;
        draw(stream, root, "", utf8 ? &box : &ascii);
        return 0;
}
