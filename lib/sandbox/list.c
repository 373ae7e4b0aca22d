/* SPDX-License-Identifier: Apache-2.0 */
/*
 * list, and what metrics and stats are made of: all sandboxes, or some, at one moment
 *
 * Like inspect this only reads, and takes no lock. One sandbox that is broken, or that goes while it is looked at, is not to
 * keep the others from being seen: it has its error in its entry, or no entry.
 */
#include <errno.h>
#include <string.h>

#include "sandbox/health.h"
#include "sandbox/session.h"

struct listing {
        const struct sandbox_environment *environment;
        struct manager_context *context;
        enum sandbox_list_detail detail;
        json_t *array;
};

/* A member of what is used, or null. */
static json_t *use_of(const json_t *use, const char *kind, const char *name) {
        json_t *value = json_object_get(json_object_get(use, kind), name);

        return value ? json_incref(value) : json_null();
}

/* Adds what the listing is to tell of the use. */
static int add_use(json_t *entry, struct session *session, enum sandbox_list_detail detail) {
        _cleanup_json_ json_t *use = NULL;

        if (detail == SANDBOX_LIST_STATE)
                return 0;
        if (detail == SANDBOX_LIST_STATS)
                return json_object_set_new(entry, "stats", manager_stats(session->sandbox, session->overhead));
        use = manager_use(session->sandbox, session->overhead);
        if (!use || json_object_set_new(entry, "cpuUsageUsec", use_of(use, "cpu", "usageUsec")) < 0)
                return -ENOMEM;
        return json_object_set_new(entry, "memoryCurrent", use_of(use, "memory", "current"));
}

static json_t *make_entry(struct session *session, const char *problem, enum sandbox_list_detail detail) {
        const struct state *state = session->state;
        bool shown = manager_is_shown(session->sandbox);
        json_t *entry;

        entry = json_pack("{s:s, s:s, s:s, s:s, s:b, s:b, s:b, s:s, s:s?}", "id", state->owner.id, "driver",
                          driver_name(state->sandbox.path->driver), "phase", phase_name(state->phase),
                          "cgroupsPath", state->sandbox.path->text, "exists", shown, "frozen",
                          shown && manager_is_frozen(session->sandbox), "overheadExists",
                          session->overhead && manager_is_shown(session->overhead), "createdAt",
                          state->created_at, "problem", problem);
        if (entry && add_use(entry, session, detail) < 0) {
                json_decref(entry);
                return NULL;
        }
        return entry;
}

static int list_one(const char *id, void *data) {
        struct listing *listing = data;
        _cleanup_session_ struct session session = SESSION_INIT(listing->environment);
        _cleanup_error_ struct error error = ERROR_INIT;
        _cleanup_free_ char *problem = NULL;
        json_t *entry = NULL;
        int r;

        session.context = listing->context;
        r = health_examine(&session, id, &problem, &error);
        if (r == 0)
                entry = make_entry(&session, problem, listing->detail);
        if (r == 0 && !entry)
                r = error_oom(&error);
        session.context = NULL; /* it is the listing's */
        if (r == STORE_E_NO_SANDBOX)
                return 0;
        if (r == -EBADMSG)
                error_append(&error, "%s", HEALTH_UNREADABLE_ADVICE);
        if (r < 0)
                entry = json_pack("{s:s, s:s}", "id", id, "error", error.message ? error.message : "?");
        return entry && json_array_append_new(listing->array, entry) == 0 ? 0 : -ENOMEM;
}

static int list_named(struct listing *listing, const char *const *ids, size_t count, struct error *error) {
        int r = 0;

        for (size_t i = 0; r == 0 && i < count; i++) {
                r = session_check_id(ids[i], error);
                if (r == 0)
                        r = list_one(ids[i], listing);
        }
        return r;
}

int sandbox_list(const struct sandbox_environment *environment, const char *const *ids, size_t count,
                 enum sandbox_list_detail detail, json_t **out, struct error *error) {
        _cleanup_(manager_context_freep) struct manager_context *context = NULL;
        _cleanup_json_ json_t *array = json_array();
        struct listing listing = {environment, NULL, detail, array};
        int r;

        r = array ? manager_context_new(environment->log, &context, error) : -ENOMEM;
        if (r < 0)
                return r == -ENOMEM ? error_oom(error) : r;
        listing.context = context;
        r = ids ? list_named(&listing, ids, count, error)
                : store_list(environment->root, list_one, &listing, error);
        if (r < 0)
                return r == -ENOMEM ? error_oom(error) : r;
        *out = TAKE(array);
        return 0;
}
