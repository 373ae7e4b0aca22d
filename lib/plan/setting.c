/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Settings: one table of operations for each kind (property, file, devices)
 *
 * Subtle: whether a file holds a value is not a comparison of texts. The kernel rounds sizes to pages, has its own numbers for
 * "unlimited", and shows some files in another format than they are written in.
 */
#include "plan/setting.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "util/number.h"

/* ---- properties ---- */

static void clear_property(struct setting *setting) {
        property_clear(&setting->property);
}

static bool same_property(const struct setting *a, const struct setting *b) {
        return strcmp(a->property.name, b->property.name) == 0;
}

static bool equal_properties(const struct setting *a, const struct setting *b) {
        return property_equal(&a->property, &b->property);
}

static int reset_property(struct setting *setting) {
        return property_make_reset(&setting->property);
}

static json_t *property_setting_to_json(const struct setting *setting) {
        return json_pack("{s:s, s:o, s:s}", "property", setting->property.name, "value",
                         property_to_json(&setting->property), "field", setting->field);
}

/* ---- files ---- */

static void clear_file(struct setting *setting) {
        (void)setting;
}

bool setting_same_key(const char *a, const char *b) {
        size_t length = strcspn(a, " ");

        return strncmp(a, b, length) == 0 && (b[length] == ' ' || b[length] == '\0');
}

static bool same_file(const struct setting *a, const struct setting *b) {
        return strcmp(a->file.name, b->file.name) == 0 &&
               ((a->file.flags & FILE_KEYED) == 0 || setting_same_key(a->file.value, b->file.value));
}

static bool equal_files(const struct setting *a, const struct setting *b) {
        return strcmp(a->file.value, b->file.value) == 0;
}

static int reset_file(struct setting *setting) {
        setting->file.value = setting->file.reset;
        /* The fallback is reset by the same text. */
        setting->file.fallback_value = NULL;
        return setting->file.reset ? 0 : PROPERTY_E_NO_RESET;
}

static json_t *file_to_json(const struct setting *setting) {
        const struct setting_file *file = &setting->file;

        return json_pack("{s:s, s:s, s:s*, s:s}", "write", file->name, "value", file->value, "controller",
                         controller_name(file->controller, file->version), "field", setting->field);
}

char *setting_keyed_line(const char *text, const char *line) {
        size_t key = strcspn(line, " ");

        for (const char *rest = text; rest && *rest; rest = strchr(rest, '\n') ? strchr(rest, '\n') + 1 : NULL)
                if (strncmp(rest, line, key) == 0 && rest[key] == ' ')
                        return strndup(rest, strcspn(rest, "\n"));
        return NULL;
}

static bool line_holds(const struct setting_file *file, const char *value, const char *text) {
        _cleanup_free_ char *line = setting_keyed_line(text, value);

        return line ? strcmp(line, value) == 0 : file->reset && strcmp(value, file->reset) == 0;
}

bool setting_value_is_unlimited(const char *value) {
        return strcmp(value, "max") == 0 || strcmp(value, "-1") == 0;
}

static bool number_holds(const struct setting_file *file, const char *value, const char *text) {
        uint64_t wanted, held, page = (uint64_t)sysconf(_SC_PAGESIZE);

        if (number_parse_u64(text, &held) < 0)
                return false;
        if (setting_value_is_unlimited(value))
                return (file->flags & FILE_BYTES) != 0 && held >= OCI_MEMORY_UNLIMITED;
        if (number_parse_u64(value, &wanted) < 0)
                return false;
        return held == wanted || ((file->flags & FILE_BYTES) != 0 && held == wanted / page * page);
}

bool setting_file_holds(const struct setting_file *file, const char *value, const char *text) {
        _cleanup_free_ char *held = NULL;

        if ((file->flags & FILE_KEYED) != 0)
                return line_holds(file, value, text);
        /* memory.oom_control is read in another format than it is written: "oom_kill_disable 0\n...". */
        if (strcmp(file->name, "memory.oom_control") == 0 &&
            strncmp(text, "oom_kill_disable ", strlen("oom_kill_disable ")) == 0)
                text += strlen("oom_kill_disable ");
        held = strndup(text, strcspn(text, "\n"));
        if (!held)
                return false;
        return strcmp(held, value) == 0 || number_holds(file, value, held);
}

/* ---- devices ---- */

static void clear_devices(struct setting *setting) {
        device_filter_free(setting->devices.filter);
        device_filter_free(setting->devices.former);
}

static bool same_devices(const struct setting *a, const struct setting *b) {
        (void)a;
        (void)b;
        return true;
}

static bool equal_devices(const struct setting *a, const struct setting *b) {
        return device_filter_equal(a->devices.filter, b->devices.filter);
}

static int reset_devices(struct setting *setting) {
        setting->devices.filter = NULL;
        setting->devices.former = NULL;
        return 0;
}

static json_t *rules_to_json(const struct device_filter *filter) {
        json_t *rules = json_array();

        for (size_t i = 0; rules && filter && i < filter->count; i++) {
                const struct device_rule *rule = &filter->rules[i];
                char access[DEVICE_ACCESS_SIZE], type[2] = {rule->type, '\0'};

                device_access_text(rule->access, access);
                if (json_array_append_new(rules,
                                          json_pack("{s:b, s:s, s:I, s:I, s:s}", "allow", rule->allow, "type",
                                                    type, "major", (json_int_t)rule->major, "minor",
                                                    (json_int_t)rule->minor, "access", access)) < 0)
                        break;
        }
        return rules;
}

static json_t *devices_to_json(const struct setting *setting) {
        const struct device_filter *filter = setting->devices.filter;

        return json_pack("{s:s, s:o, s:s}", "devices", !filter || filter->allow ? "allow" : "deny", "rules",
                         rules_to_json(filter), "field", setting->field);
}

static const struct {
        void (*clear)(struct setting *setting);
        bool (*same_target)(const struct setting *a, const struct setting *b);
        bool (*equal)(const struct setting *a, const struct setting *b);
        int (*make_reset)(struct setting *setting);
        json_t *(*to_json)(const struct setting *setting);
} kinds[SETTING_KIND_COUNT] = {
        [SETTING_PROPERTY] = {clear_property, same_property, equal_properties, reset_property,
                              property_setting_to_json},
        [SETTING_FILE] = {clear_file, same_file, equal_files, reset_file, file_to_json},
        [SETTING_DEVICES] = {clear_devices, same_devices, equal_devices, reset_devices, devices_to_json},
};

void setting_clear(struct setting *setting) {
        kinds[setting->kind].clear(setting);
}

bool setting_same_target(const struct setting *a, const struct setting *b) {
        return a->kind == b->kind && kinds[a->kind].same_target(a, b);
}

bool setting_equal(const struct setting *a, const struct setting *b) {
        return kinds[a->kind].equal(a, b);
}

int setting_make_reset(struct setting *setting) {
        setting->unchanged = false;
        return kinds[setting->kind].make_reset(setting);
}

json_t *setting_to_json(const struct setting *setting) {
        return kinds[setting->kind].to_json(setting);
}
