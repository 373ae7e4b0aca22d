/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * systemd's manager over D-Bus
 *
 * Each run has one connection. Calls that queue a job wait for its JobRemoved signal and check the result:
 * StartTransientUnit and StopUnit answer before the work is done (org.freedesktop.systemd1(5)).
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "plan/plan.h"
#include "util/log.h"

struct systemd_bus;

/* Results that are not errors. */
enum {
        SYSTEMD_E_NO_UNIT = 1,       /* org.freedesktop.systemd1.NoSuchUnit: not loaded */
        SYSTEMD_E_UNIT_EXISTS = 2,   /* a transient unit of that name exists already */
        SYSTEMD_E_STILL_RUNNING = 3, /* the job was not done by the deadline */
        SYSTEMD_E_DECLINED = 4,      /* systemd refuses the call for this unit, or at this time */
};

/* How long a job may take before the start of a unit counts as failed: 30 s. */
#define SYSTEMD_JOB_TIMEOUT_MS 30000

/* Connects to the system bus and subscribes to job signals. `log` is not owned. Errors: status 1. */
int systemd_bus_new(const struct log *log, struct systemd_bus **out, struct error *error);
struct systemd_bus *systemd_bus_free(struct systemd_bus *bus);
DEFINE_CLEANUP(struct systemd_bus *, systemd_bus_free)

/* systemd's version (252), the number that its Version property starts with. */
int systemd_bus_version(struct systemd_bus *bus, unsigned *out, struct error *error);

/* A transient unit to be started. */
struct transient_unit {
        const char *name;  /* "prefix-name.scope" or "a-b.slice" */
        const char *slice; /* scopes: Slice=; slices: Wants= */
        const char *description;
        uint64_t stop_timeout_us; /* scopes: TimeoutStopUSec */
        const pid_t *pids;        /* scopes: at least one, or it fails to load */
        size_t pid_count;
};

/*
 * StartTransientUnit with the unit's own properties and all those of the plan at once; waits for the job
 * up to SYSTEMD_JOB_TIMEOUT_MS. A failed unit of the same name is reset and the start tried once more.
 * Returns SYSTEMD_E_UNIT_EXISTS if a live unit has the name; after a broken connection that may be the unit which this call
 * has started. Errors: status 1 with systemd's reason; `*perhaps` is set if the unit may have been started nevertheless.
 */
int systemd_bus_start(struct systemd_bus *bus, const struct transient_unit *unit, const struct plan *plan,
                      bool *perhaps, struct error *error);

/* AttachProcessesToUnit(unit, "", pids). SYSTEMD_E_NO_UNIT if the unit is gone. */
int systemd_bus_attach(struct systemd_bus *bus, const char *unit, const pid_t *pids, size_t count,
                       struct error *error);

/* SetUnitProperties(runtime = true) with the plan's properties: all or none. No call is made without properties. */
int systemd_bus_set_properties(struct systemd_bus *bus, const char *unit, const struct plan *plan,
                               struct error *error);

/* A plan with the unit's present values of the properties in `plan`, to restore them later. */
int systemd_bus_read_properties(struct systemd_bus *bus, const char *unit, const struct plan *plan,
                                struct plan **out, struct error *error);

/* StopUnit(unit, "replace"). With `wait`, waits for the job until the deadline (monotonic_ms()):
 * then SYSTEMD_E_STILL_RUNNING. SYSTEMD_E_NO_UNIT if the unit is gone already. */
int systemd_bus_stop(struct systemd_bus *bus, const char *unit, bool wait, int64_t deadline,
                     struct error *error);

/* KillUnit(unit, "all", SIGKILL). SYSTEMD_E_NO_UNIT if the unit is gone. */
int systemd_bus_kill(struct systemd_bus *bus, const char *unit, struct error *error);

/*
 * FreezeUnit or ThawUnit (systemd 246), which answer when the kernel is done; then the unit's FreezerState agrees. A unit that is
 * frozen or thawed already is not an error. SYSTEMD_E_STILL_RUNNING without an answer within 2 s;
 * SYSTEMD_E_DECLINED if systemd cannot freeze, if the unit has a job, or if systemd still waits for an earlier freezing;
 * SYSTEMD_E_NO_UNIT if the unit is gone.
 */
int systemd_bus_freeze(struct systemd_bus *bus, const char *unit, bool frozen, struct error *error);

/* ResetFailedUnit; a missing unit is not an error. */
int systemd_bus_reset_failed(struct systemd_bus *bus, const char *unit, struct error *error);

/* The unit's ControlGroup ("/a.slice/b.scope", a new string, "" if it has none) and ActiveState
 * ("active", "inactive", "failed"; either may be NULL). A unit that is not loaded is "inactive". */
int systemd_bus_unit_state(struct systemd_bus *bus, const char *unit, char **control_group, char **active_state,
                           struct error *error);

/* Calls `each` with every scope and slice that systemd knows, until it returns something else than 0. Returns that, or 0. */
typedef int (*systemd_bus_unit_fn)(const char *unit, const char *description, const char *active_state,
                                   void *data);
int systemd_bus_for_each_unit(struct systemd_bus *bus, systemd_bus_unit_fn each, void *data,
                              struct error *error);

/* An invocation ID (systemd.exec(5)) as hexadecimal digits. */
#define INVOCATION_ID_SIZE sizeof("0123456789abcdef0123456789abcdef")

/* The identity of a unit, which distinguishes it from other units that had, have or will have its name. */
struct unit_identity {
        char *description;                      /* of a unit that is not loaded: its name */
        char *active_state;                     /* "active", "inactive", "failed" ... */
        char invocation_id[INVOCATION_ID_SIZE]; /* of its present or last run; "" if it never ran */
};

void unit_identity_clear(struct unit_identity *identity);

/* Reads the identity in one call. A unit that is not loaded is "inactive". */
int systemd_bus_unit_identity(struct systemd_bus *bus, const char *unit, struct unit_identity *out,
                              struct error *error);
