/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * systemd's manager over D-Bus
 *
 * One connection a run. Calls that queue a job wait for its JobRemoved signal and check the result:
 * StartTransientUnit and StopUnit answer long before the work is done (org.freedesktop.systemd1(5)).
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "plan/plan.h"
#include "util/log.h"

struct systemd_bus;

/* What can be wrong with a unit without it being an error. */
enum {
        SYSTEMD_E_NO_UNIT = 1,       /* org.freedesktop.systemd1.NoSuchUnit: not loaded */
        SYSTEMD_E_UNIT_EXISTS = 2,   /* a transient unit of that name is there already */
        SYSTEMD_E_STILL_RUNNING = 3, /* the job was not done by the deadline */
        SYSTEMD_E_DECLINED = 4,      /* systemd does not do this with the unit, or not now */
};

/* How long a job may take before the start of a unit counts as failed: 30 s. */
#define SYSTEMD_JOB_TIMEOUT_MS 30000

/* Connects to the system bus and subscribes to job signals. `log` is not owned. Errors: status 1. */
int systemd_bus_new(const struct log *log, struct systemd_bus **out, struct error *error);
struct systemd_bus *systemd_bus_free(struct systemd_bus *bus);
DEFINE_CLEANUP(struct systemd_bus *, systemd_bus_free)

/* systemd's version (252), the number that its Version property starts with. */
int systemd_bus_version(struct systemd_bus *bus, unsigned *out, struct error *error);

/* How a transient unit is to be made. */
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
 * Returns SYSTEMD_E_UNIT_EXISTS where a living one has the name; after a connection that broke, that may be the one
 * that was to be started. Errors: status 1 with systemd's reason; `*perhaps` tells whether the unit may have been
 * started all the same.
 */
int systemd_bus_start(struct systemd_bus *bus, const struct transient_unit *unit, const struct plan *plan,
                      bool *perhaps, struct error *error);

/* AttachProcessesToUnit(unit, "", pids). SYSTEMD_E_NO_UNIT where it is gone. */
int systemd_bus_attach(struct systemd_bus *bus, const char *unit, const pid_t *pids, size_t count,
                       struct error *error);

/* SetUnitProperties(runtime = true) with the plan's properties: all or none. Nothing to set is no call. */
int systemd_bus_set_properties(struct systemd_bus *bus, const char *unit, const struct plan *plan,
                               struct error *error);

/* A plan of the values that the unit now has for the properties in `plan`, to put them back. */
int systemd_bus_read_properties(struct systemd_bus *bus, const char *unit, const struct plan *plan,
                                struct plan **out, struct error *error);

/* StopUnit(unit, "replace"). With `wait`, waits for the job until the deadline (monotonic_ms()):
 * SYSTEMD_E_STILL_RUNNING then. SYSTEMD_E_NO_UNIT where it is gone already. */
int systemd_bus_stop(struct systemd_bus *bus, const char *unit, bool wait, int64_t deadline,
                     struct error *error);

/* KillUnit(unit, "all", SIGKILL). SYSTEMD_E_NO_UNIT where it is gone. */
int systemd_bus_kill(struct systemd_bus *bus, const char *unit, struct error *error);

/*
 * FreezeUnit or ThawUnit (systemd 246). systemd answers when the kernel is done; the unit's FreezerState then agrees. Repeating
 * it is no error. SYSTEMD_E_STILL_RUNNING if there is no answer by the deadline, or within 1 s if that is later.
 * SYSTEMD_E_DECLINED if systemd cannot freeze the unit, the unit has a job, or systemd still waits for an earlier freeze.
 * SYSTEMD_E_NO_UNIT if the unit is gone.
 */
int systemd_bus_freeze(struct systemd_bus *bus, const char *unit, bool frozen, int64_t deadline,
                       struct error *error);

/* ResetFailedUnit; a unit that is not there is fine. */
int systemd_bus_reset_failed(struct systemd_bus *bus, const char *unit, struct error *error);

/* The unit's ControlGroup ("/a.slice/b.scope", a new string, "" where it has none) and ActiveState
 * ("active", "inactive", "failed"; either may be NULL). A unit that is not loaded is "inactive". */
int systemd_bus_unit_state(struct systemd_bus *bus, const char *unit, char **control_group, char **active_state,
                           struct error *error);

/* Calls `each` with every scope and slice that systemd knows, until it says other than 0. Returns that, or 0. */
typedef int (*systemd_bus_unit_fn)(const char *unit, const char *description, const char *active_state,
                                   void *data);
int systemd_bus_for_each_unit(struct systemd_bus *bus, systemd_bus_unit_fn each, void *data,
                              struct error *error);

/* An invocation ID (systemd.exec(5)) as hexadecimal digits. */
#define INVOCATION_ID_SIZE sizeof("0123456789abcdef0123456789abcdef")

/* What tells a unit from others that had, have or will have its name. */
struct unit_identity {
        char *description;                      /* of a unit that is not loaded: its name */
        char *active_state;                     /* "active", "inactive", "failed" ... */
        char invocation_id[INVOCATION_ID_SIZE]; /* of its present or last run; "" where there was none */
};

void unit_identity_clear(struct unit_identity *identity);

/* Asks for all of that at once. A unit that is not loaded is "inactive". */
int systemd_bus_unit_identity(struct systemd_bus *bus, const char *unit, struct unit_identity *out,
                              struct error *error);
