/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Making and comparing plans
 *
 * Subtle: a plan is made from the table in the order of its rows. Afterwards its settings are sorted into properties, files and
 * devices, and v1's memory limits are ordered by what the group has now.
 */
#include "plan/plan.h"

#include <errno.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "plan/builder.h"

static void remove_settings(struct plan *plan) {
        for (size_t i = 0; i < plan->count; i++)
                setting_clear(&plan->settings[i]);
        plan->count = 0;
}

struct plan *plan_free(struct plan *plan) {
        if (!plan)
                return NULL;
        remove_settings(plan);
        for (size_t i = 0; i < plan->warning_count; i++)
                free(plan->warnings[i]);
        for (size_t i = 0; i < plan->text_count; i++)
                free(plan->texts[i]);
        free(plan->settings);
        free(plan->warnings);
        free(plan->texts);
        free(plan);
        return NULL;
}

const char *plan_text(struct plan *plan, const char *format, ...) {
        char **larger = reallocarray(plan->texts, plan->text_count + 1, sizeof(*larger));
        va_list arguments;
        int r;

        if (!larger)
                return NULL;
        plan->texts = larger;
        va_start(arguments, format);
        r = vasprintf(&plan->texts[plan->text_count], format, arguments);
        va_end(arguments);
        return r < 0 ? NULL : plan->texts[plan->text_count++];
}

int plan_add(struct plan *plan, const struct setting *setting) {
        struct setting *larger = reallocarray(plan->settings, plan->count + 1, sizeof(*larger));

        if (!larger) {
                struct setting owned = *setting;

                setting_clear(&owned);
                return -ENOMEM;
        }
        plan->settings = larger;
        plan->settings[plan->count++] = *setting;
        return 0;
}

/* Properties first, then files, then devices; each kind in the order of the table. */
static int sort_by_kind(struct plan *plan, struct error *error) {
        struct setting *sorted;
        size_t n = 0;

        if (plan->count == 0)
                return 0;
        sorted = calloc(plan->count, sizeof(*sorted));
        if (!sorted)
                return error_oom(error);
        for (int kind = 0; kind < SETTING_KIND_COUNT; kind++)
                for (size_t i = 0; i < plan->count; i++)
                        if ((int)plan->settings[i].kind == kind)
                                sorted[n++] = plan->settings[i];
        free(plan->settings);
        plan->settings = sorted;
        return 0;
}

static struct setting *find_file(struct plan *plan, const char *name) {
        for (size_t i = 0; i < plan->count; i++)
                if (plan->settings[i].kind == SETTING_FILE && strcmp(plan->settings[i].file.name, name) == 0)
                        return &plan->settings[i];
        return NULL;
}

/* The memory+swap limit of v1; unlimited if none was ever given. */
static uint64_t memsw_limit(const struct oci_resources *resources) {
        return resources && resources->memory.swap.given
                       ? builder_property_limit(field_bytes(resources->memory.swap.value))
                       : UINT64_MAX;
}

/* v1 keeps limit ≤ memory+swap after every single write: raise the latter first, lower the former first. */
static void order_memory_limits(struct plan *plan, const struct oci_resources *resources,
                                const struct oci_resources *before) {
        struct setting *limit = find_file(plan, "memory.limit_in_bytes");
        struct setting *memsw = find_file(plan, "memory.memsw.limit_in_bytes");

        if (limit && memsw && memsw_limit(resources) > memsw_limit(before)) {
                struct setting first = *memsw;

                *memsw = *limit;
                *limit = first;
        }
}

int plan_new(const struct oci_resources *resources, const struct oci_resources *before,
             const struct plan_facts *facts, struct plan **out, struct error *error) {
        _cleanup_(plan_freep) struct plan *plan = calloc(1, sizeof(*plan));
        struct builder builder = {resources, before, facts, plan, error};
        const struct field_row *rows;
        size_t count;
        int r;

        if (!plan)
                return error_oom(error);
        rows = field_rows(&count);
        for (size_t i = 0; i < count; i++) {
                r = rows[i].plan(&builder, &rows[i]);
                if (r < 0)
                        return r;
        }
        r = sort_by_kind(plan, error);
        if (r < 0)
                return r;
        order_memory_limits(plan, resources, before);
        *out = TAKE(plan);
        return 0;
}

void plan_set_unchanged(struct plan *plan) {
        for (size_t i = 0; i < plan->count; i++)
                plan->settings[i].unchanged = true;
}

size_t plan_changes(const struct plan *plan) {
        size_t changes = 0;

        for (size_t i = 0; i < plan->count; i++)
                changes += !plan->settings[i].unchanged;
        return changes;
}

static struct setting *find_target(const struct plan *plan, const struct setting *setting) {
        for (size_t i = 0; i < plan->count; i++)
                if (setting_same_target(&plan->settings[i], setting))
                        return &plan->settings[i];
        return NULL;
}

struct setting *plan_find_property(const struct plan *plan, const char *name) {
        return find_target(plan, &(struct setting){.kind = SETTING_PROPERTY, .property = {.name = name}});
}

/* Replaces a text of a former plan by a copy that this plan owns. False without memory. */
static bool adopt(struct plan *plan, const char **text) {
        if (*text)
                *text = plan_text(plan, "%s", *text);
        return *text;
}

static bool adopt_texts(struct plan *plan, struct setting *setting) {
        struct setting_file *file = &setting->file;

        if (!adopt(plan, &setting->field))
                return false;
        if (setting->kind == SETTING_PROPERTY)
                return adopt(plan, &setting->property.name);
        if (setting->kind != SETTING_FILE)
                return true;
        file->reset = NULL;
        return adopt(plan, &file->name) && adopt(plan, &file->value) &&
               (!file->fallback || adopt(plan, &file->fallback));
}

static int add_reset(struct plan *plan, const struct setting *former, struct error *error) {
        struct setting reset = *former;
        int r;

        r = setting_make_reset(&reset);
        if (r == PROPERTY_E_NO_RESET)
                return 0;
        if (r < 0)
                return error_oom(error);
        if (!adopt_texts(plan, &reset)) {
                setting_clear(&reset);
                return error_oom(error);
        }
        return plan_add(plan, &reset) < 0 ? error_oom(error) : 0;
}

/* Adds to a setting of devices the filter that it replaces. */
static int add_former_devices(struct setting_devices *devices, const struct device_filter *former,
                              struct error *error) {
        if (!former || devices->former)
                return 0;
        devices->former = device_filter_copy(former);
        return devices->former ? 0 : error_oom(error);
}

/* Adds to it the devices that the former filter may deny. A filter that cannot be expressed as a default and exceptions was
 * refused when it was given. */
static int add_unsettled_devices(struct setting_devices *devices, const struct device_filter *former,
                                 struct error *error) {
        _cleanup_(device_filter_freep) struct device_filter *exceptions = NULL;
        int r;

        if (!devices->unsettled) {
                device_filter_free(devices->former);
                devices->former = calloc(1, sizeof(*devices->former));
                if (!devices->former)
                        return error_oom(error);
                devices->former->allow = true;
                devices->unsettled = true;
        }
        if (!former || !former->allow)
                return 0;
        r = device_filter_exceptions(former, &exceptions);
        if (r == 0)
                r = device_filter_append(devices->former, exceptions);
        return r < 0 && r != -EOPNOTSUPP ? error_oom(error) : 0;
}

/* `unsure`: it is unknown whether either plan was carried out. */
static int add_resets(struct plan *plan, const struct plan *before, bool unsure, struct error *error) {
        int r = 0;

        for (size_t i = 0; r == 0 && i < before->count; i++) {
                const struct setting *former = &before->settings[i];
                struct setting *target = find_target(plan, former);

                if (!target) {
                        r = add_reset(plan, former, error);
                        target = r == 0 ? find_target(plan, former) : NULL;
                        if (target && target->kind == SETTING_FILE && unsure)
                                target->file.flags |= FILE_UNSURE;
                }
                if (target && target->kind == SETTING_DEVICES)
                        r = unsure ? add_unsettled_devices(&target->devices, former->devices.filter, error)
                                   : add_former_devices(&target->devices, former->devices.filter, error);
        }
        return r < 0 ? r : sort_by_kind(plan, error);
}

int plan_add_resets(struct plan *plan, const struct plan *before, struct error *error) {
        return add_resets(plan, before, true, error);
}

/* Whether both plans set the same target to the same value. A file of lines may have several settings with one key; the last
 * one counts. */
static bool same_settings(const struct plan *a, const struct plan *b, const struct setting *target) {
        for (size_t i = 0, k = 0;; i++, k++) {
                while (i < a->count && !setting_same_target(&a->settings[i], target))
                        i++;
                while (k < b->count && !setting_same_target(&b->settings[k], target))
                        k++;
                if (i == a->count || k == b->count)
                        return i == a->count && k == b->count;
                if (!setting_equal(&a->settings[i], &b->settings[k]))
                        return false;
        }
}

static bool has_warning(const struct plan *plan, const char *warning) {
        for (size_t i = 0; i < plan->warning_count; i++)
                if (strcmp(plan->warnings[i], warning) == 0)
                        return true;
        return false;
}

static void drop_warnings(struct plan *plan, const struct plan *before) {
        size_t kept = 0;

        for (size_t i = 0; i < plan->warning_count; i++)
                if (has_warning(before, plan->warnings[i]))
                        free(plan->warnings[i]);
                else
                        plan->warnings[kept++] = plan->warnings[i];
        plan->warning_count = kept;
}

int plan_compare(struct plan *plan, const struct plan *before, struct error *error) {
        int r = add_resets(plan, before, false, error);

        if (r < 0)
                return r;
        for (size_t i = 0; i < plan->count; i++)
                plan->settings[i].unchanged = same_settings(plan, before, &plan->settings[i]);
        drop_warnings(plan, before);
        return 0;
}
