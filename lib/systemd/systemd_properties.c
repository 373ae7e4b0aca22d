/* SPDX-License-Identifier: Apache-2.0 */
/* A plan's properties as a D-Bus a(sv) */
#include "systemd/systemd_properties.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* ---- the types, one by one ---- */

static int append_number(const struct sd_bus_library *sd, sd_bus_message *message,
                         const struct property *property) {
        return sd->message_append(message, "t", property->number);
}

static int read_number(const struct sd_bus_library *sd, sd_bus_message *reply, struct plan *plan,
                       struct property *out) {
        (void)plan;
        return sd->message_read(reply, "t", &out->number);
}

static int append_bytes(const struct sd_bus_library *sd, sd_bus_message *message,
                        const struct property *property) {
        return sd->message_append_array(message, 'y', property->bytes.items, property->bytes.count);
}

static int read_bytes(const struct sd_bus_library *sd, sd_bus_message *reply, struct plan *plan,
                      struct property *out) {
        const void *bytes;
        size_t size;
        int r;

        (void)plan;
        r = sd->message_read_array(reply, 'y', &bytes, &size);
        if (r < 0)
                return r;
        out->bytes.items = malloc(size + 1);
        if (!out->bytes.items)
                return -ENOMEM;
        if (size > 0)
                memcpy(out->bytes.items, bytes, size);
        out->bytes.count = size;
        return 0;
}

static int append_text(const struct sd_bus_library *sd, sd_bus_message *message,
                       const struct property *property) {
        return sd->message_append(message, "s", property->text);
}

static int read_text(const struct sd_bus_library *sd, sd_bus_message *reply, struct plan *plan,
                     struct property *out) {
        const char *text;
        int r;

        r = sd->message_read(reply, "s", &text);
        if (r < 0)
                return r;
        out->text = plan_text(plan, "%s", text);
        return out->text ? 0 : -ENOMEM;
}

static int append_rates(const struct sd_bus_library *sd, sd_bus_message *message,
                        const struct property *property) {
        int r = sd->message_open_container(message, 'a', "(st)");

        for (size_t i = 0; r >= 0 && i < property->pairs.count; i++)
                r = sd->message_append(message, "(st)", property->pairs.items[i].path,
                                       property->pairs.items[i].number);
        return r < 0 ? r : sd->message_close_container(message);
}

static int append_accesses(const struct sd_bus_library *sd, sd_bus_message *message,
                           const struct property *property) {
        int r = sd->message_open_container(message, 'a', "(ss)");

        for (size_t i = 0; r >= 0 && i < property->pairs.count; i++)
                r = sd->message_append(message, "(ss)", property->pairs.items[i].path,
                                       property->pairs.items[i].access);
        return r < 0 ? r : sd->message_close_container(message);
}

static int read_pair(const struct sd_bus_library *sd, sd_bus_message *reply, struct plan *plan, bool rate,
                     struct property_pair *out) {
        const char *path, *access = NULL;
        int r;

        r = rate ? sd->message_read(reply, "(st)", &path, &out->number)
                 : sd->message_read(reply, "(ss)", &path, &access);
        if (r <= 0)
                return r;
        out->path = plan_text(plan, "%s", path);
        out->access = access ? plan_text(plan, "%s", access) : NULL;
        return out->path && (!access || out->access) ? 1 : -ENOMEM;
}

static int read_pairs(const struct sd_bus_library *sd, sd_bus_message *reply, struct plan *plan,
                      struct property *out) {
        bool rate = out->type == PROPERTY_RATES;
        struct property_pair pair = {0};
        int r;

        r = sd->message_enter_container(reply, 'a', rate ? "(st)" : "(ss)");
        while (r >= 0 && (r = read_pair(sd, reply, plan, rate, &pair)) > 0) {
                struct property_pair *larger =
                        reallocarray(out->pairs.items, out->pairs.count + 1, sizeof(*larger));

                if (!larger)
                        return -ENOMEM;
                out->pairs.items = larger;
                out->pairs.items[out->pairs.count++] = pair;
        }
        return r < 0 ? r : sd->message_exit_container(reply);
}

static const struct {
        const char *signature;
        bool list; /* systemd adds to the list that it has; an empty list empties it */
        int (*append)(const struct sd_bus_library *sd, sd_bus_message *message,
                      const struct property *property);
        /* Reads into a property whose type is set; the plan owns its texts. */
        int (*read)(const struct sd_bus_library *sd, sd_bus_message *reply, struct plan *plan,
                    struct property *out);
} types[PROPERTY_TYPE_COUNT] = {
        [PROPERTY_NUMBER] = {"t", false, append_number, read_number},
        [PROPERTY_BYTES] = {"ay", false, append_bytes, read_bytes},
        [PROPERTY_TEXT] = {"s", false, append_text, read_text},
        [PROPERTY_RATES] = {"a(st)", true, append_rates, read_pairs},
        [PROPERTY_ACCESSES] = {"a(ss)", true, append_accesses, read_pairs},
};

/* ---- sending ---- */

static bool is_sent(const struct setting *setting) {
        return setting->kind == SETTING_PROPERTY && !setting->unchanged;
}

bool systemd_properties_any(const struct plan *plan) {
        for (size_t i = 0; plan && i < plan->count; i++)
                if (is_sent(&plan->settings[i]))
                        return true;
        return false;
}

static int append_property(const struct sd_bus_library *sd, sd_bus_message *message,
                           const struct property *property) {
        int r;

        r = sd->message_open_container(message, 'r', "sv");
        if (r >= 0)
                r = sd->message_append(message, "s", property->name);
        if (r >= 0)
                r = sd->message_open_container(message, 'v', types[property->type].signature);
        if (r >= 0)
                r = types[property->type].append(sd, message, property);
        if (r >= 0)
                r = sd->message_close_container(message);
        return r < 0 ? r : sd->message_close_container(message);
}

static int append_setting(const struct sd_bus_library *sd, sd_bus_message *message,
                          const struct property *property) {
        int r = 0;

        if (types[property->type].list) {
                const struct property none = {.name = property->name, .type = property->type};

                r = append_property(sd, message, &none);
                if (r < 0 || property->pairs.count == 0)
                        return r;
        }
        return append_property(sd, message, property);
}

int systemd_properties_append(const struct sd_bus_library *sd, sd_bus_message *message,
                              const struct plan *plan) {
        for (size_t i = 0; plan && i < plan->count; i++) {
                int r = is_sent(&plan->settings[i]) ? append_setting(sd, message, &plan->settings[i].property)
                                                    : 0;

                if (r < 0)
                        return r;
        }
        return 0;
}

void systemd_properties_log(const struct log *log, const char *unit, const struct plan *plan) {
        for (size_t i = 0; log && log->debug && plan && i < plan->count; i++) {
                const struct property *property = &plan->settings[i].property;
                _cleanup_json_ json_t *value = NULL;
                _cleanup_free_ char *text = NULL;

                if (!is_sent(&plan->settings[i]))
                        continue;
                value = property_to_json(property);
                text = value ? json_dumps(value, JSON_COMPACT | JSON_ENCODE_ANY) : NULL;
                log_debug(log, "property %s %s=%s", unit, property->name, text ? text : "?");
        }
}

/* ---- reading ---- */

/* Called with a property whose value, a variant, is next in the reply. Returns 1 if it has read the value, 0 to skip it. */
typedef int (*property_fn)(const struct sd_bus_library *sd, sd_bus_message *reply, const char *name,
                           void *data);

/* Calls `each` for the entries of a reply's a{sv}. 0 or a negative errno. */
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

struct plan_reading {
        const struct plan *wanted;
        struct plan *plan;
};

/* The former values are collected as the settings of a plan, so that they can be sent back the same way. */
static int read_for_plan(const struct sd_bus_library *sd, sd_bus_message *reply, const char *name, void *data) {
        const struct plan_reading *reading = data;
        const struct setting *wanted = plan_find_property(reading->wanted, name);
        struct setting value;
        int r;

        if (!wanted)
                return 0;
        value = (struct setting){.kind = SETTING_PROPERTY,
                                 .field = wanted->field,
                                 .property = {.name = wanted->property.name, .type = wanted->property.type}};
        r = sd->message_enter_container(reply, 'v', types[value.property.type].signature);
        if (r >= 0)
                r = types[value.property.type].read(sd, reply, reading->plan, &value.property);
        if (r < 0) {
                setting_clear(&value);
                return r;
        }
        r = plan_add(reading->plan, &value);
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
