/* SPDX-License-Identifier: Apache-2.0 */
/*
 * update
 *
 * The update writes the difference between two plans: those of the resources before and after. So an update that
 * changes nothing writes nothing, neither to the kernel nor to the state. Before the first write the state gets the
 * phase "changing", and keeps the former resources too; a command that finds this phase settles the change first
 * (session_settle()).
 */
#include <stdlib.h>

#include "sandbox/session.h"
#include "sandbox/vmm_devices.h"

static int change_devices(struct state *state, const struct sandbox_update *update, struct error *error) {
        int r = 0;

        for (size_t i = 0; r == 0 && i < update->add_device_count; i++)
                r = vmm_devices_add(state, update->add_devices[i], error);
        for (size_t i = 0; r == 0 && i < update->remove_device_count; i++)
                r = vmm_devices_remove(state, update->remove_devices[i], error);
        return r;
}

/* The group that an update changes. */
static struct manager *manager_of(const struct session *session, const struct sandbox_update *update) {
        return update->overhead ? session->overhead : session->sandbox;
}

/* Removes entries of unified in an earlier document for files that this one sets. */
static int drop_replaced(struct manager *manager, struct oci_resources *resources,
                         const struct oci_resources *change, struct error *error) {
        _cleanup_(plan_freep) struct plan *plan = NULL;
        int r;

        if (resources->unified.count == 0)
                return 0;
        r = manager_plan(manager, change, NULL, &plan, error);
        if (r == 0)
                plan_drop_unified(resources, plan);
        return r;
}

/* Changes the ledger, or the sandbox's own resources, in the new state. */
static int change_resources(struct session *session, const struct sandbox_update *update, struct error *error) {
        struct configuration *configuration = session->state->configuration;
        struct oci_resources **own = update->overhead ? &configuration->overhead : &configuration->resources;
        struct oci_resources *merged;
        int r;

        if (update->remove)
                configuration_forget_container(configuration, update->container);
        if (!update->resources)
                return 0;
        if (update->container)
                return configuration_set_container(configuration, update->container, update->resources) < 0
                               ? error_oom(error)
                               : 0;
        r = drop_replaced(manager_of(session, update), *own, update->resources, error);
        if (r == 0)
                r = oci_resources_merge(*own, update->resources, &merged, error);
        if (r != 0)
                return r;
        oci_resources_free(*own);
        *own = merged;
        return 0;
}

static int change(struct session *session, struct manager *manager, struct plan *plan, struct error *error) {
        int r;

        /* A scope that waits for its first process gets its limits when it starts. */
        if (plan_changes(plan) == 0 || !session_has_group(manager))
                return 0;
        r = session_save(session, PHASE_CHANGING, error);
        if (r == 0)
                r = manager_update(manager, plan, session->journal, error);
        return r < 0 ? r : session_pin_again(session, error);
}

/* The plan of the writes that lead from the former state to the new one. */
static int plan_difference(struct session *session, struct manager *manager, struct plan **out,
                           struct error *error) {
        const struct state *former = session->former;
        _cleanup_(plan_freep) struct plan *plan = NULL, *before = NULL;
        _cleanup_(oci_resources_freep) struct oci_resources *resources = NULL, *resources_before = NULL;
        int r;

        r = session_wanted(session, manager, former->configuration, &resources_before, error);
        if (r == 0)
                r = session_wanted(session, manager, session->state->configuration, &resources, error);
        if (r == 0)
                r = session_plan(manager, resources, resources_before, &plan, error);
        if (r == 0)
                r = session_plan(manager, resources_before, NULL, &before, error);
        if (r == 0)
                r = plan_compare(plan, before, error);
        if (r != 0)
                return r;
        *out = TAKE(plan);
        return 0;
}

static int dry_run_update(struct manager *manager, const struct plan *plan, json_t **out, struct error *error) {
        _cleanup_json_ json_t *entries = json_array();
        int r = entries ? manager_dry_run_update(manager, plan, entries, error) : error_oom(error);

        if (r < 0)
                return r;
        *out = session_dry_run(TAKE(entries));
        return *out ? 0 : error_oom(error);
}

static int check_update(const struct sandbox_update *update, struct error *error) {
        if (update->container && !sandbox_id_is_valid(update->container))
                return error_refuse(error, "--container", "\"%s\" is not 1 to 255 of A-Z a-z 0-9 _ + - .",
                                    update->container);
        return 0;
}

static int check_overhead(const struct session *session, const struct sandbox_update *update,
                          struct error *error) {
        if (!update->overhead || session->overhead)
                return 0;
        return error_refuse(error, "--overhead", "sandbox \"%s\" has no overhead group",
                            session->state->owner.id);
}

int sandbox_update(const struct sandbox_environment *environment, const char *id,
                   const struct sandbox_update *update, json_t **dry_run, struct error *error) {
        _cleanup_session_ struct session session = SESSION_INIT(environment);
        _cleanup_(plan_freep) struct plan *plan = NULL;
        struct manager *manager;
        int r;

        r = check_update(update, error);
        if (r == 0)
                r = session_begin(&session, id, error);
        if (r == 0)
                r = check_overhead(&session, update, error);
        if (r < 0)
                return r;
        manager = manager_of(&session, update);
        r = dry_run ? 0 : session_settle(&session, error);
        if (r == 0)
                r = change_resources(&session, update, error);
        if (r == 0)
                r = change_devices(session.state, update, error);
        if (r == 0)
                r = state_check_size(session.state, error);
        if (r == 0)
                r = plan_difference(&session, manager, &plan, error);
        if (r != 0)
                return r;
        if (dry_run)
                return dry_run_update(manager, plan, dry_run, error);
        if (configuration_equal(session.state->configuration, session.former->configuration))
                return 0;
        session_warn(&session, plan);
        r = session_has_group(manager) ? manager_check_usage(manager, plan, error) : 0;
        return r < 0 ? r : session_finish(&session, change(&session, manager, plan, error), error);
}
