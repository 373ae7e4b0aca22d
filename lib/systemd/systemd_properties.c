/* SPDX-License-Identifier: Apache-2.0 */
/* A plan's properties as a D-Bus a(sv) */
#include "systemd/systemd_properties.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

static const char *const signatures[] = {
        [PROPERTY_U64] = "t",         [PROPERTY_BYTES] = "ay",       [PROPERTY_TEXT] = "s",
        [PROPERTY_NUMBERS] = "a(st)", [PROPERTY_ACCESSES] = "a(ss)",
};

bool systemd_properties_any(const struct plan *plan) {
        for (size_t i = 0; plan && i < plan->count; i++)
                if (plan->settings[i].kind == SETTING_PROPERTY)
                        return true;
        return false;
}

static int append_pairs(const struct sd_bus_library *sd, sd_bus_message *message, const struct setting *setting,
                        size_t count) {
        bool numbers = setting->type == PROPERTY_NUMBERS;
        int r;

        r = sd->message_open_container(message, 'a', numbers ? "(st)" : "(ss)");
        for (size_t i = 0; r >= 0 && i < count; i++) {
                const struct property_pair *pair = &setting->pairs[i];

                r = numbers ? sd->message_append(message, "(st)", pair->path, pair->number)
                            : sd->message_append(message, "(ss)", pair->path, pair->access);
        }
        return r < 0 ? r : sd->message_close_container(message);
}

static int append_value(const struct sd_bus_library *sd, sd_bus_message *message, const struct setting *setting,
                        size_t count) {
        switch (setting->type) {
        case PROPERTY_U64:
                return sd->message_append(message, "t", setting->u64);
        case PROPERTY_BYTES:
                return sd->message_append_array(message, 'y', setting->bytes, setting->count);
        case PROPERTY_TEXT:
                return sd->message_append(message, "s", setting->text);
        case PROPERTY_NUMBERS:
        case PROPERTY_ACCESSES:
                return append_pairs(sd, message, setting, count);
        }
        return -EINVAL;
}

static int append_property(const struct sd_bus_library *sd, sd_bus_message *message,
                           const struct setting *setting, size_t count) {
        const char *signature = signatures[setting->type];
        int r;

        r = sd->message_open_container(message, 'r', "sv");
        if (r >= 0)
                r = sd->message_append(message, "s", setting->property);
        if (r >= 0)
                r = sd->message_open_container(message, 'v', signature);
        if (r >= 0)
                r = append_value(sd, message, setting, count);
        if (r >= 0)
                r = sd->message_close_container(message);
        return r < 0 ? r : sd->message_close_container(message);
}

/* systemd adds to a list that it has; an empty one empties it. */
static int append_setting(const struct sd_bus_library *sd, sd_bus_message *message,
                          const struct setting *setting) {
        bool list = setting->type == PROPERTY_NUMBERS || setting->type == PROPERTY_ACCESSES;
        int r;

        r = list ? append_property(sd, message, setting, 0) : 0;
        if (r < 0 || (list && setting->count == 0))
                return r;
        return append_property(sd, message, setting, setting->count);
}

int systemd_properties_append(const struct sd_bus_library *sd, sd_bus_message *message,
                              const struct plan *plan) {
        for (size_t i = 0; plan && i < plan->count; i++) {
                int r;

                if (plan->settings[i].kind != SETTING_PROPERTY)
                        continue;
                r = append_setting(sd, message, &plan->settings[i]);
                if (r < 0)
                        return r;
        }
        return 0;
}

void systemd_properties_log(const struct log *log, const char *unit, const struct plan *plan) {
        for (size_t i = 0; log && log->debug && plan && i < plan->count; i++) {
                const struct setting *setting = &plan->settings[i];

                if (setting->kind != SETTING_PROPERTY)
                        continue;
                if (setting->type == PROPERTY_U64)
                        log_debug(log, "property %s %s=%" PRIu64, unit, setting->property, setting->u64);
                else if (setting->type == PROPERTY_TEXT)
                        log_debug(log, "property %s %s=%s", unit, setting->property, setting->text);
                else
                        log_debug(log, "property %s %s=(%zu %s)", unit, setting->property, setting->count,
                                  setting->type == PROPERTY_BYTES ? "bytes" : "entries");
        }
}

/* The former values are collected as the settings of a plan, so that they can be sent back the same way. */
static int add_setting(struct plan *plan, const struct setting *setting) {
        struct setting *larger = reallocarray(plan->settings, plan->count + 1, sizeof(*larger));

        if (!larger)
                return -ENOMEM;
        plan->settings = larger;
        plan->settings[plan->count++] = *setting;
        return 0;
}

static int read_bytes(const struct sd_bus_library *sd, sd_bus_message *reply, struct setting *value) {
        const void *bytes;
        size_t size;
        int r;

        r = sd->message_read_array(reply, 'y', &bytes, &size);
        if (r < 0)
                return r;
        value->bytes = malloc(size + 1);
        if (!value->bytes)
                return -ENOMEM;
        if (size > 0)
                memcpy(value->bytes, bytes, size);
        value->count = size;
        return 0;
}

static int read_pair(const struct sd_bus_library *sd, sd_bus_message *reply, struct plan *plan, bool number,
                     struct property_pair *out) {
        const char *path, *access = NULL;
        int r;

        r = number ? sd->message_read(reply, "(st)", &path, &out->number)
                   : sd->message_read(reply, "(ss)", &path, &access);
        if (r <= 0)
                return r;
        out->path = plan_text(plan, "%s", path);
        out->access = access ? plan_text(plan, "%s", access) : NULL;
        return out->path && (!access || out->access) ? 1 : -ENOMEM;
}

static int read_pairs(const struct sd_bus_library *sd, sd_bus_message *reply, struct plan *plan,
                      struct setting *value) {
        bool number = value->type == PROPERTY_NUMBERS;
        struct property_pair pair = {0};
        int r;

        r = sd->message_enter_container(reply, 'a', number ? "(st)" : "(ss)");
        while (r >= 0 && (r = read_pair(sd, reply, plan, number, &pair)) > 0) {
                struct property_pair *larger = reallocarray(value->pairs, value->count + 1, sizeof(*larger));

                if (!larger)
                        return -ENOMEM;
                value->pairs = larger;
                value->pairs[value->count++] = pair;
        }
        return r < 0 ? r : sd->message_exit_container(reply);
}

static int read_text(const struct sd_bus_library *sd, sd_bus_message *reply, struct plan *plan,
                     struct setting *value) {
        const char *text;
        int r;

        r = sd->message_read(reply, "s", &text);
        if (r < 0)
                return r;
        value->text = plan_text(plan, "%s", text);
        return value->text ? 0 : -ENOMEM;
}

static int read_value(const struct sd_bus_library *sd, sd_bus_message *reply, const struct setting *wanted,
                      struct plan *plan) {
        struct setting value = {.kind = SETTING_PROPERTY,
                                .field = wanted->field,
                                .property = wanted->property,
                                .type = wanted->type};
        int r;

        switch (wanted->type) {
        case PROPERTY_U64:
                r = sd->message_read(reply, "t", &value.u64);
                break;
        case PROPERTY_BYTES:
                r = read_bytes(sd, reply, &value);
                break;
        case PROPERTY_TEXT:
                r = read_text(sd, reply, plan, &value);
                break;
        default:
                r = read_pairs(sd, reply, plan, &value);
                break;
        }
        if (r >= 0)
                r = add_setting(plan, &value);
        if (r < 0)
                setting_clear(&value);
        return r < 0 ? r : 0;
}

/* Called with a property whose value, a variant, is next in the reply. 1: it was read; 0: it is to be skipped. */
typedef int (*property_fn)(const struct sd_bus_library *sd, sd_bus_message *reply, const char *name,
                           void *data);

/* Goes through the a{sv} of a reply. 0 or a negative errno. */
static int for_each_property(const struct sd_bus_library *sd, sd_bus_message *reply, property_fn each,
                             void *data) {
        int r;

        r = sd->message_enter_container(reply, 'a', "{sv}");
        if (r < 0)
                return r;
        while ((r = sd->message_enter_container(reply, 'e', "sv")) > 0) {
                const char *name;

                r = sd->message_read(reply, "s", &name);
                if (r >= 0)
                        r = each(sd, reply, name, data);
                if (r == 0)
                        r = sd->message_skip(reply, "v");
                if (r >= 0)
                        r = sd->message_exit_container(reply);
                if (r < 0)
                        return r;
        }
        return r;
}

static const struct setting *find_property(const struct plan *plan, const char *name) {
        for (size_t i = 0; i < plan->count; i++)
                if (plan->settings[i].kind == SETTING_PROPERTY && strcmp(plan->settings[i].property, name) == 0)
                        return &plan->settings[i];
        return NULL;
}

struct plan_reading {
        const struct plan *wanted;
        struct plan *plan;
};

static int read_for_plan(const struct sd_bus_library *sd, sd_bus_message *reply, const char *name, void *data) {
        const struct plan_reading *reading = data;
        const struct setting *setting = find_property(reading->wanted, name);
        int r;

        if (!setting)
                return 0;
        r = sd->message_enter_container(reply, 'v', signatures[setting->type]);
        if (r >= 0)
                r = read_value(sd, reply, setting, reading->plan);
        if (r >= 0)
                r = sd->message_exit_container(reply);
        return r < 0 ? r : 1;
}

int systemd_properties_read(const struct sd_bus_library *sd, sd_bus_message *reply, const struct plan *plan,
                            struct plan **out, struct error *error) {
        _cleanup_(plan_freep) struct plan *former = calloc(1, sizeof(*former));
        int r;

        if (!former)
                return error_oom(error);
        r = for_each_property(sd, reply, read_for_plan, &(struct plan_reading){plan, former});
        if (r < 0)
                return error_fail(error, -r, "systemd: the unit's properties cannot be read");
        *out = TAKE(former);
        return 0;
}

/* A text within its variant. */
static int read_variant_text(const struct sd_bus_library *sd, sd_bus_message *reply, char **out) {
        const char *text;
        int r;

        r = sd->message_read(reply, "v", "s", &text);
        if (r < 0)
                return r;
        free(*out);
        *out = strdup(text);
        return *out ? 1 : -ENOMEM;
}

/* 16 bytes within their variant, or none for a unit that was never started. */
static int read_invocation(const struct sd_bus_library *sd, sd_bus_message *reply,
                           struct unit_identity *identity) {
        const unsigned char *bytes;
        size_t size;
        int r;

        r = sd->message_enter_container(reply, 'v', "ay");
        if (r >= 0)
                r = sd->message_read_array(reply, 'y', (const void **)&bytes, &size);
        if (r < 0)
                return r;
        for (size_t i = 0; i < size && 2 * i + 2 < sizeof(identity->invocation_id); i++)
                (void)snprintf(identity->invocation_id + 2 * i, 3, "%02x", bytes[i]);
        r = sd->message_exit_container(reply);
        return r < 0 ? r : 1;
}

static int read_for_identity(const struct sd_bus_library *sd, sd_bus_message *reply, const char *name,
                             void *data) {
        struct unit_identity *identity = data;

        if (strcmp(name, "Description") == 0)
                return read_variant_text(sd, reply, &identity->description);
        if (strcmp(name, "ActiveState") == 0)
                return read_variant_text(sd, reply, &identity->active_state);
        return strcmp(name, "InvocationID") == 0 ? read_invocation(sd, reply, identity) : 0;
}

void unit_identity_clear(struct unit_identity *identity) {
        free(identity->description);
        free(identity->active_state);
        *identity = (struct unit_identity){0};
}

int unit_identity_read(const struct sd_bus_library *sd, sd_bus_message *reply, struct unit_identity *out,
                       struct error *error) {
        _cleanup_(unit_identity_clear) struct unit_identity identity = {0};
        int r;

        r = for_each_property(sd, reply, read_for_identity, &identity);
        if (r < 0)
                return error_fail(error, -r, "systemd: the unit's properties cannot be read");
        if (!identity.description || !identity.active_state)
                return error_fail(error, 0, "systemd: the unit has no Description or ActiveState");
        *out = identity;
        identity = (struct unit_identity){0};
        return 0;
}
