/* SPDX-License-Identifier: Apache-2.0 */
/* Plans and the table of fields as JSON, for --dry-run and features */
#include "plan/field.h"
#include "plan/plan.h"

json_t *plan_to_json(const struct plan *plan) {
        _cleanup_json_ json_t *array = json_array();

        for (size_t i = 0; array && i < plan->count; i++)
                if (!plan->settings[i].unchanged &&
                    json_array_append_new(array, setting_to_json(&plan->settings[i])) < 0)
                        return NULL;
        return TAKE(array);
}

static json_t *row_to_json(const struct field_row *row) {
        return json_pack("{s:s, s:s?, s:s*, s:s?, s:s*, s:s?, s:s?}", "field", row->path, "v1", row->v1.name,
                         "v1Fallback", row->v1.fallback, "v2", row->v2.name, "v2Fallback", row->v2.fallback,
                         "systemdV1", row->property_v1.name, "systemdV2", row->property_v2.name);
}

json_t *plan_fields_to_json(void) {
        json_t *array = json_array();
        const struct field_row *rows;
        size_t count;

        rows = field_rows(&count);
        for (size_t i = 0; array && i < count; i++)
                (void)json_array_append_new(array, row_to_json(&rows[i]));
        return array;
}
