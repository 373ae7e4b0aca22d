/* SPDX-License-Identifier: Apache-2.0 */
#include <inttypes.h>

#include "plan/field.h"
#include "plan/plan.h"

static json_t *bytes_to_json(const struct setting *setting) {
        json_t *array = json_array();

        for (size_t i = 0; array && i < setting->count; i++)
                if (json_array_append_new(array, json_integer(setting->bytes[i])) < 0)
                        break;
        return array;
}

static json_t *pairs_to_json(const struct setting *setting) {
        json_t *array = json_array();

        for (size_t i = 0; array && i < setting->count; i++) {
                const struct property_pair *pair = &setting->pairs[i];
                json_t *entry = setting->type == PROPERTY_NUMBERS
                                        ? json_pack("[s, I]", pair->path, (json_int_t)pair->number)
                                        : json_pack("[s, s]", pair->path, pair->access);

                if (json_array_append_new(array, entry) < 0)
                        break;
        }
        return array;
}

/* UINT64_MAX is systemctl's own word. jansson's integers end at 2^63: what is above is text. */
static json_t *number_to_json(uint64_t number) {
        if (number == UINT64_MAX)
                return json_string("infinity");
        return number > INT64_MAX ? json_sprintf("%" PRIu64, number) : json_integer((json_int_t)number);
}

static json_t *property_value(const struct setting *setting) {
        switch (setting->type) {
        case PROPERTY_BYTES:
                return bytes_to_json(setting);
        case PROPERTY_TEXT:
                return json_string(setting->text);
        case PROPERTY_NUMBERS:
        case PROPERTY_ACCESSES:
                return pairs_to_json(setting);
        case PROPERTY_U64:
                break;
        }
        return number_to_json(setting->u64);
}

static json_t *devices_to_json(const struct device_filter *filter) {
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

static json_t *setting_to_json(const struct setting *setting) {
        switch (setting->kind) {
        case SETTING_PROPERTY:
                return json_pack("{s:s, s:o, s:s}", "property", setting->property, "value",
                                 property_value(setting), "field", setting->field);
        case SETTING_DEVICES:
                return json_pack("{s:s, s:o, s:s}", "devices",
                                 !setting->devices || setting->devices->allow ? "allow" : "deny", "rules",
                                 devices_to_json(setting->devices), "field", setting->field);
        case SETTING_FILE:
                break;
        }
        return json_pack("{s:s, s:s, s:s*, s:s}", "write", setting->file, "value", setting->value, "controller",
                         controller_name(setting->controller, setting->version), "field", setting->field);
}

json_t *plan_to_json(const struct plan *plan) {
        _cleanup_json_ json_t *array = json_array();

        for (size_t i = 0; array && i < plan->count; i++)
                if (json_array_append_new(array, setting_to_json(&plan->settings[i])) < 0)
                        return NULL;
        return TAKE(array);
}

json_t *plan_fields_to_json(void) {
        json_t *array = json_array();
        const struct field_row *rows;
        size_t count;

        rows = field_rows(&count);
        for (size_t i = 0; array && i < count; i++)
                (void)json_array_append_new(array,
                                            json_pack("{s:s, s:s?, s:s?, s:s?, s:s?}", "field", rows[i].path,
                                                      "v1", rows[i].v1, "v2", rows[i].v2, "systemdV1",
                                                      rows[i].property_v1, "systemdV2", rows[i].property_v2));
        return array;
}
