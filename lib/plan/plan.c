/* SPDX-License-Identifier: Apache-2.0 */
#include "plan/plan.h"

#include <errno.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "plan/builder.h"

void setting_clear(struct setting *setting) {
        free(setting->bytes);
        free(setting->pairs);
        device_filter_free(setting->devices);
        device_filter_free(setting->devices_former);
}

void plan_clear(struct plan *plan) {
        for (size_t i = 0; i < plan->count; i++)
                setting_clear(&plan->settings[i]);
        plan->count = 0;
}

struct plan *plan_free(struct plan *plan) {
        if (!plan)
                return NULL;
        plan_clear(plan);
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

/* Properties first, then files, then devices; each kind in the order of the table. */
static int sort_by_kind(struct plan *plan, struct error *error) {
        struct setting *sorted = calloc(plan->count + 1, sizeof(*sorted));
        size_t n = 0;

        if (!sorted)
                return error_oom(error);
        for (int kind = SETTING_PROPERTY; kind <= SETTING_DEVICES; kind++)
                for (size_t i = 0; i < plan->count; i++)
                        if ((int)plan->settings[i].kind == kind)
                                sorted[n++] = plan->settings[i];
        free(plan->settings);
        plan->settings = sorted;
        return 0;
}

static struct setting *find_file(struct plan *plan, const char *file) {
        for (size_t i = 0; i < plan->count; i++)
                if (plan->settings[i].kind == SETTING_FILE && strcmp(plan->settings[i].file, file) == 0)
                        return &plan->settings[i];
        return NULL;
}

/* The memory+swap limit of v1; unlimited where none was ever given. */
static uint64_t memsw_limit(const struct oci_resources *resources) {
        if (!resources || !resources->memory.swap.given || resources->memory.swap.value < 0)
                return UINT64_MAX;
        return (uint64_t)resources->memory.swap.value;
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
                r = rows[i].plan ? rows[i].plan(&builder, &rows[i]) : 0;
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

/* Lines of a keyed file are the same if their first words are. */
static bool same_key(const char *a, const char *b) {
        size_t length = strcspn(a, " ");

        return strncmp(a, b, length) == 0 && (b[length] == ' ' || b[length] == '\0');
}

static bool same_target(const struct setting *a, const struct setting *b) {
        if (a->kind != b->kind)
                return false;
        switch (a->kind) {
        case SETTING_PROPERTY:
                return strcmp(a->property, b->property) == 0;
        case SETTING_FILE:
                return strcmp(a->file, b->file) == 0 &&
                       ((a->flags & SETTING_KEYED) == 0 || same_key(a->value, b->value));
        case SETTING_DEVICES:
                return true;
        }
        return false;
}

static bool same_text(const char *a, const char *b) {
        return a == b || (a && b && strcmp(a, b) == 0);
}

static bool same_pairs(const struct setting *a, const struct setting *b) {
        if (a->count != b->count)
                return false;
        for (size_t i = 0; i < a->count; i++)
                if (strcmp(a->pairs[i].path, b->pairs[i].path) != 0 ||
                    a->pairs[i].number != b->pairs[i].number ||
                    !same_text(a->pairs[i].access, b->pairs[i].access))
                        return false;
        return true;
}

static bool same_property(const struct setting *a, const struct setting *b) {
        switch (a->type) {
        case PROPERTY_U64:
                return a->u64 == b->u64;
        case PROPERTY_BYTES:
                return a->count == b->count && memcmp(a->bytes, b->bytes, a->count) == 0;
        case PROPERTY_TEXT:
                return strcmp(a->text, b->text) == 0;
        case PROPERTY_NUMBERS:
        case PROPERTY_ACCESSES:
                return same_pairs(a, b);
        }
        return false;
}

static bool same_value(const struct setting *a, const struct setting *b) {
        if (a->kind == SETTING_PROPERTY)
                return same_property(a, b);
        if (a->kind == SETTING_DEVICES)
                return device_filter_equal(a->devices, b->devices);
        return strcmp(a->value, b->value) == 0;
}

static struct setting *find_target(const struct plan *plan, const struct setting *setting) {
        for (size_t i = 0; i < plan->count; i++)
                if (same_target(&plan->settings[i], setting))
                        return &plan->settings[i];
        return NULL;
}

/* Devices that may be used have no "not given": without rules, all of them may. */
static int reset_accesses(struct setting *setting, struct error *error) {
        setting->pairs = calloc(2, sizeof(*setting->pairs));
        if (!setting->pairs)
                return error_oom(error);
        setting->pairs[0] = (struct property_pair){.path = "char-*", .access = "rwm"};
        setting->pairs[1] = (struct property_pair){.path = "block-*", .access = "rwm"};
        setting->count = 2;
        return 0;
}

/* Turns a copy of a former setting into what takes it back; false where it cannot cease to be given. */
static bool make_reset(struct setting *setting) {
        setting->bytes = NULL;
        setting->pairs = NULL;
        setting->devices = NULL;
        setting->devices_former = NULL;
        setting->count = 0;
        if (setting->kind == SETTING_DEVICES)
                return true;
        if (setting->kind == SETTING_FILE) {
                setting->value = setting->reset;
                /* The fallback takes the same words. */
                setting->fallback_value = NULL;
                return setting->reset;
        }
        /* Empty lists: of devices, or of CPUs, which is "all". */
        return setting->type != PROPERTY_U64 && setting->type != PROPERTY_TEXT;
}

/* The texts of a former plan's setting, as texts of this one. */
static int adopt_texts(struct plan *plan, struct setting *setting, struct error *error) {
        const char **const texts[] = {
                &setting->field,          &setting->file,  &setting->value,    &setting->fallback_file,
                &setting->fallback_value, &setting->reset, &setting->property, &setting->text};

        for (size_t i = 0; i < ARRAY_SIZE(texts); i++) {
                if (!*texts[i])
                        continue;
                *texts[i] = plan_text(plan, "%s", *texts[i]);
                if (!*texts[i])
                        return error_oom(error);
        }
        return 0;
}

static int add_reset(struct plan *plan, const struct setting *former, struct error *error) {
        struct setting reset = *former, *larger;
        int r;

        if (!make_reset(&reset))
                return 0;
        r = adopt_texts(plan, &reset, error);
        if (r < 0)
                return r;
        larger = reallocarray(plan->settings, plan->count + 1, sizeof(*larger));
        if (!larger)
                return error_oom(error);
        plan->settings = larger;
        if (former->devices) {
                reset.devices_former = device_filter_copy(former->devices);
                if (!reset.devices_former)
                        return error_oom(error);
        }
        if (reset.kind == SETTING_PROPERTY && reset.type == PROPERTY_BYTES) {
                reset.bytes = calloc(1, 1);
                if (!reset.bytes)
                        return error_oom(error);
        }
        if (reset.kind == SETTING_PROPERTY && reset.type == PROPERTY_ACCESSES) {
                r = reset_accesses(&reset, error);
                if (r < 0)
                        return r;
        }
        plan->settings[plan->count++] = reset;
        return 0;
}

/* Whether both plans set the same in the same way. It may take several settings: lines with one key in a file of
 * lines, of which the last one counts, or (unified io.max) each a part. */
static bool same_settings(const struct plan *a, const struct plan *b, const struct setting *target) {
        for (size_t i = 0, k = 0;; i++, k++) {
                while (i < a->count && !same_target(&a->settings[i], target))
                        i++;
                while (k < b->count && !same_target(&b->settings[k], target))
                        k++;
                if (i == a->count || k == b->count)
                        return i == a->count && k == b->count;
                if (!same_value(&a->settings[i], &b->settings[k]))
                        return false;
        }
}

/* Removes the settings that `unchanged` says. */
static void remove_settings(struct plan *plan, const bool *unchanged) {
        size_t kept = 0;

        for (size_t i = 0; i < plan->count; i++)
                if (unchanged[i])
                        setting_clear(&plan->settings[i]);
                else
                        plan->settings[kept++] = plan->settings[i];
        plan->count = kept;
}

/* A setting of devices learns what it replaces. */
static int add_former_devices(struct setting *setting, const struct setting *former, struct error *error) {
        if (!former->devices || setting->devices_former)
                return 0;
        setting->devices_former = device_filter_copy(former->devices);
        return setting->devices_former ? 0 : error_oom(error);
}

/* It learns what else may be denied. A list that cannot be said as a default and exceptions was refused at the time. */
static int add_unsettled_devices(struct setting *setting, const struct setting *former, struct error *error) {
        _cleanup_(device_filter_freep) struct device_filter *exceptions = NULL;
        int r;

        if (!setting->devices_unsettled) {
                device_filter_free(setting->devices_former);
                setting->devices_former = calloc(1, sizeof(*setting->devices_former));
                if (!setting->devices_former)
                        return error_oom(error);
                setting->devices_former->allow = true;
                setting->devices_unsettled = true;
        }
        if (!former->devices || !former->devices->allow)
                return 0;
        r = device_filter_exceptions(former->devices, &exceptions);
        if (r == 0)
                r = device_filter_append(setting->devices_former, exceptions);
        return r < 0 && r != -EOPNOTSUPP ? error_oom(error) : 0;
}

/* `unsure`: neither plan is known to have been carried out. */
static int add_resets(struct plan *plan, const struct plan *before, bool unsure, struct error *error) {
        int r = 0;

        for (size_t i = 0; r == 0 && i < before->count; i++) {
                const struct setting *former = &before->settings[i];
                struct setting *target = find_target(plan, former);

                if (!target) {
                        r = add_reset(plan, former, error);
                        target = r == 0 ? find_target(plan, former) : NULL;
                        if (target && unsure)
                                target->flags |= SETTING_UNSURE;
                }
                if (target && target->kind == SETTING_DEVICES)
                        r = unsure ? add_unsettled_devices(target, former, error)
                                   : add_former_devices(target, former, error);
        }
        return r < 0 ? r : sort_by_kind(plan, error);
}

int plan_add_resets(struct plan *plan, const struct plan *before, struct error *error) {
        return add_resets(plan, before, true, error);
}

int plan_subtract(struct plan *plan, const struct plan *before, struct error *error) {
        _cleanup_free_ bool *unchanged = NULL;
        int r;

        r = add_resets(plan, before, false, error);
        if (r < 0)
                return r;
        unchanged = calloc(plan->count + 1, sizeof(*unchanged));
        if (!unchanged)
                return error_oom(error);
        for (size_t i = 0; i < plan->count; i++)
                unchanged[i] = same_settings(plan, before, &plan->settings[i]);
        remove_settings(plan, unchanged);
        return 0;
}
