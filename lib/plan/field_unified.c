/* SPDX-License-Identifier: Apache-2.0 */
/*
 * unified: files of v2 by their own names
 *
 * Subtle: keys take precedence over other fields, so the file and the property that a key replaces are removed
 * from the plan. Known keys are in unified_files.c; an unknown key is written as it is.
 */
#include <stdlib.h>
#include <string.h>

#include "plan/field_plans.h"
#include "plan/kernel_text.h"
#include "plan/unified.h"

/* ---- helpers for other rows ---- */

/* The key of a file, whichever group it is of. */
static const char *key_of(const char *file) {
        size_t length = strlen(PLAN_VCPU_SUBTREE);

        return strncmp(file, PLAN_VCPU_SUBTREE, length) == 0 && file[length] == '/' ? file + length + 1 : file;
}

static bool sets_file(const struct setting_file *file, const char *name, const char *line) {
        if (strcmp(key_of(file->name), name) != 0 && (!file->fallback || strcmp(file->fallback, name) != 0))
                return false;
        return !line || (file->flags & FILE_KEYED) == 0 || setting_same_key(file->value, line);
}

/* Removes the settings for which `matches` is true. */
static void remove_matching(struct plan *plan, bool (*matches)(const struct setting *, const void *),
                            const void *data) {
        size_t kept = 0;

        for (size_t i = 0; i < plan->count; i++)
                if (matches(&plan->settings[i], data))
                        setting_clear(&plan->settings[i]);
                else
                        plan->settings[kept++] = plan->settings[i];
        plan->count = kept;
}

static bool is_property(const struct setting *setting, const void *name) {
        return setting->kind == SETTING_PROPERTY && strcmp(setting->property.name, name) == 0;
}

void unified_remove_property(struct plan *plan, const char *name) {
        remove_matching(plan, is_property, name);
}

struct file_line {
        const char *name, *line;
};

static bool is_file(const struct setting *setting, const void *data) {
        const struct file_line *wanted = data;

        return setting->kind == SETTING_FILE && sets_file(&setting->file, wanted->name, wanted->line);
}

void unified_remove_file(struct plan *plan, const char *name, const char *line) {
        remove_matching(plan, is_file, &(struct file_line){name, line});
}

const char *unified_field(struct builder *builder, const char *key) {
        return builder_text(builder, "unified.%s", key);
}

int unified_refuse(struct builder *builder, const char *key, const char *value) {
        const char *field = unified_field(builder, key);

        return field ? error_refuse(builder->error, field, "\"%s\" is not what the file takes", value)
                     : error_oom(builder->error);
}

int unified_each_line(struct builder *builder, const char *text,
                      int (*each)(struct builder *builder, char *line, void *data), void *data) {
        _cleanup_free_ char *copy = strdup(text);
        char *rest = copy, *part;
        int r = copy ? 0 : error_oom(builder->error);

        while (r == 0 && (part = strsep(&rest, "\n"))) {
                _cleanup_free_ char *line = kernel_strip(part);

                if (!line)
                        return error_oom(builder->error);
                if (line[0] != '\0')
                        r = each(builder, line, data);
        }
        return r;
}

/* ---- which controller ---- */

/* Whether a value limits nothing: "max", or lines that all have only "max". */
static bool is_unlimited(const char *text) {
        _cleanup_free_ char *copy = strdup(text);
        char *rest = copy, *word;
        bool unlimited = false;

        /* In cpu.max a period follows. */
        if (strncmp(text, "max ", strlen("max ")) == 0)
                return true;
        while (copy && (word = strsep(&rest, " \t\n"))) {
                const char *value = strchr(word, '=');

                if (word[0] == '\0' || strcmp(word, "default") == 0 || (strchr(word, ':') && !value))
                        continue;
                if (strcmp(value ? value + 1 : word, "max") != 0)
                        return false;
                unlimited = true;
        }
        return unlimited;
}

/* The controller of a key such as "memory.high"; the core's files ("cgroup.max.depth") need none. `*moot`: the controller is
 * missing and the value limits nothing. */
static int find_controller(struct unified_entry *entry, enum controller *out, bool *moot) {
        const struct plan_facts *facts = entry->builder->facts;
        _cleanup_free_ char *name = strndup(entry->key, strcspn(entry->key, "."));
        enum cgroup_version version = CGROUP_ABSENT;
        int controller;

        if (!name)
                return error_oom(entry->builder->error);
        *out = CONTROLLER_COUNT;
        *moot = false;
        if (facts->version == CGROUP_V1 && !facts->has_unified)
                return error_refuse(entry->builder->error, entry->field, "cgroup v1 has no unified files");
        if (strcmp(name, "cgroup") == 0)
                return 0;
        controller = strcmp(name, "blkio") == 0 ? -1 : controller_from_name(name);
        if (controller >= 0)
                version = facts->controllers[controller];
        if (version == CGROUP_V1)
                return error_refuse(entry->builder->error, entry->field,
                                    "controller %s is on cgroup v1 here, which has no unified files", name);
        *moot = version == CGROUP_ABSENT && is_unlimited(entry->text);
        if (version == CGROUP_ABSENT && !*moot)
                return error_fail(entry->builder->error, 0, "%s: this host has no controller %s", entry->field,
                                  name);
        *out = (enum controller)controller;
        return 0;
}

/* ---- planning ---- */

static bool is_weight_name(const char *name) {
        return strcmp(name, "cpu.weight") == 0 || strcmp(name, "cpu.weight.nice") == 0;
}

static int add_file(struct unified_entry *entry, enum controller controller, const char *value,
                    unsigned flags) {
        const struct setting_file file = {
                .controller = controller,
                .version = CGROUP_V2,
                .name = builder_text(entry->builder, "%s", entry->key),
                .value = value,
                .flags = flags,
                .reset = (flags & FILE_INHERIT) != 0 ? "" : NULL,
        };

        return builder_add_file(entry->builder, entry->field, &file);
}

static int add_known(struct unified_entry *entry, enum controller controller) {
        struct builder *builder = entry->builder;
        const struct unified_file *file = entry->file;
        int r;

        r = file->read(entry);
        if (r == 0 && is_weight_name(entry->key) && unified_is_idle(builder))
                return builder_warn(builder, "%s: %s has no effect while cpu.idle is 1", entry->field,
                                    entry->value);
        if (r == 0)
                r = unified_add_properties(entry);
        if (r < 0)
                return r;
        unified_remove_file(builder->plan, entry->key, NULL);
        if (file->weight && builder_in_subtree(builder, controller))
                r = add_file(entry, controller, entry->value, file->flags | FILE_OF_SANDBOX);
        return r < 0 ? r : add_file(entry, controller, entry->value, file->flags);
}

/* Files with a line for each device take several lines, one per write. */
static bool is_keyed(const char *key) {
        static const char *const keyed[] = {"io.latency", "io.prio.class", "rdma.max", "misc.max",
                                            "dmem.max",   "dmem.min",      "dmem.low"};

        for (size_t i = 0; i < ARRAY_SIZE(keyed); i++)
                if (strcmp(key, keyed[i]) == 0)
                        return true;
        return false;
}

struct line_of {
        struct unified_entry *entry;
        enum controller controller;
};

static int add_line(struct builder *builder, char *line, void *data) {
        const struct line_of *of = data;

        unified_remove_file(builder->plan, of->entry->key, line);
        return add_file(of->entry, of->controller, builder_text(builder, "%s", line), FILE_KEYED);
}

static int add_weight_line(struct builder *builder, char *line, void *data) {
        const struct line_of *of = data;

        return unified_add_io_weight(builder, of->entry->key, line);
}

static int add_entry(struct unified_entry *entry, enum controller controller) {
        struct builder *builder = entry->builder;
        struct line_of of = {entry, controller};

        if (entry->file)
                return add_known(entry, controller);
        /* With the throttles (field_io.c). */
        if (strcmp(entry->key, "io.max") == 0)
                return 0;
        if (strcmp(entry->key, "io.weight") == 0 || strcmp(entry->key, "io.bfq.weight") == 0)
                return unified_each_line(builder, entry->text, add_weight_line, &of);
        if (is_keyed(entry->key))
                return unified_each_line(builder, entry->text, add_line, &of);
        unified_remove_file(builder->plan, entry->key, NULL);
        return add_file(entry, controller, builder_text(builder, "%s", entry->text), 0);
}

static int plan_entry(struct builder *builder, const struct oci_unified *given) {
        struct unified_entry entry = {.builder = builder, .key = given->key, .text = given->value};
        enum controller controller;
        bool moot;
        int r;

        entry.file = unified_find_file(given->key);
        entry.field = unified_field(builder, given->key);
        if (!entry.field)
                return error_oom(builder->error);
        r = find_controller(&entry, &controller, &moot);
        return r < 0 || moot ? r : add_entry(&entry, controller);
}

int plan_unified(struct builder *builder, const struct field_row *row) {
        const struct oci_array *unified = &builder->resources->unified;
        const struct oci_unified *entries = unified->items;
        int r = 0;

        (void)row;
        /* In the order of their names: cpuset.cpus.partition after cpuset.cpus, from which the partition is made. */
        for (size_t i = 0; r == 0 && i < unified->count; i++)
                r = plan_entry(builder, &entries[i]);
        return r;
}

/* ---- a later document ---- */

static bool replaces(const struct setting_file *later, const char *key) {
        return sets_file(later, key, NULL) || (is_weight_name(key_of(later->name)) && is_weight_name(key));
}

/* Whether the line has the key of the value. A value of "50" stands for "default 50". */
static bool is_line_of(const char *line, const char *value) {
        return setting_same_key(strchr(line, ' ') || strchr(line, ':') ? line : "default", value);
}

/* Removes the lines that the later value replaces, in place. */
static void remove_lines(char *text, const char *value) {
        size_t size = strlen(text), kept = 0;

        for (size_t begin = 0, length; begin < size; begin += length + 1) {
                const char *line = text + begin;

                length = strcspn(line, "\n");
                text[begin + length] = '\0';
                if (length == 0 || is_line_of(line + strspn(line, " \t"), value))
                        continue;
                if (kept > 0)
                        text[kept++] = '\n';
                memmove(text + kept, line, length);
                kept += length;
        }
        text[kept] = '\0';
}

static void drop_entries(struct oci_resources *former, const struct setting_file *later) {
        struct oci_unified *entries = former->unified.items;

        for (size_t i = entries ? former->unified.count : 0; i-- > 0;) {
                if (!replaces(later, entries[i].key))
                        continue;
                if ((later->flags & FILE_KEYED) != 0)
                        remove_lines(entries[i].value, later->value);
                if ((later->flags & FILE_KEYED) == 0 || entries[i].value[0] == '\0')
                        oci_resources_drop_unified(former, entries[i].key);
        }
}

void plan_drop_unified(struct oci_resources *former, const struct plan *later) {
        for (size_t i = 0; i < later->count; i++)
                if (later->settings[i].kind == SETTING_FILE)
                        drop_entries(former, &later->settings[i].file);
}
