/* SPDX-License-Identifier: Apache-2.0 */
/*
 * systemd's manager over D-Bus: the connection, calls and jobs
 *
 * Subtle: a job may end before its path has been read, but its signal is not lost: sd-bus queues signals
 * during a call and delivers them in sd_bus_process(). A signal is lost if systemd re-executes itself in
 * between, so a wait without a signal for some time asks whether the job still exists.
 */
#include "systemd/systemd_bus.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "systemd/sd_bus.h"
#include "systemd/systemd_properties.h"
#include "util/number.h"
#include "util/timestamp.h"
#include "util/waiting.h"

#define DESTINATION "org.freedesktop.systemd1"
#define MANAGER_PATH "/org/freedesktop/systemd1"
#define MANAGER "org.freedesktop.systemd1.Manager"
#define UNIT_PATH MANAGER_PATH "/unit"
#define UNIT "org.freedesktop.systemd1.Unit"

/* The time without a signal after which a wait asks for the job. */
#define JOB_ASK_MS 5000

/* How long after the deadline a wait continues after its last question. */
#define JOB_LAST_MS 1000
/* The time for the answer to a freezing. It is short, since no signal ends it. */
#define FREEZE_TIMEOUT_US (2 * UINT64_C(1000000))
#define CALL_TIMEOUT_US (25ULL * 1000 * 1000)
/* How long a call is repeated while systemd re-executes and is not on the bus, and the pauses. */
#define AWAY_MS 10000
#define AWAY_PAUSE_FIRST_MS 10
#define AWAY_PAUSE_MAX_MS 320

struct systemd_bus {
        const struct sd_bus_library *sd;
        sd_bus *bus;
        sd_bus_slot *job_slot;
        const struct log *log;
        bool broken; /* a call has failed without an answer: the next one uses a new connection */
        /* The job of the present wait, and its result. */
        char *job;
        char *job_result;
};

static void disconnect_bus(struct systemd_bus *bus) {
        if (bus->job_slot)
                bus->sd->slot_unref(bus->job_slot);
        if (bus->bus)
                bus->sd->flush_close_unref(bus->bus);
        bus->job_slot = NULL;
        bus->bus = NULL;
}

struct systemd_bus *systemd_bus_free(struct systemd_bus *bus) {
        if (!bus)
                return NULL;
        disconnect_bus(bus);
        free(bus->job);
        free(bus->job_result);
        free(bus);
        return NULL;
}

/* JobRemoved(u id, o job, s unit, s result) */
static int on_job_removed(sd_bus_message *message, void *userdata, sd_bus_error *error) {
        struct systemd_bus *bus = userdata;
        const char *job, *unit, *result;
        uint32_t id;

        (void)error;
        if (bus->sd->message_read(message, "uoss", &id, &job, &unit, &result) < 0)
                return 0;
        if (bus->job && strcmp(job, bus->job) == 0 && !bus->job_result)
                bus->job_result = strdup(result);
        return 0;
}

struct call {
        struct systemd_bus *bus;
        sd_bus_message *message;
        sd_bus_message *reply;
        sd_bus_error error;
};

static void call_clear(struct call *call) {
        if (call->message)
                call->bus->sd->message_unref(call->message);
        if (call->reply)
                call->bus->sd->message_unref(call->reply);
        call->bus->sd->error_free(&call->error);
}
#define _cleanup_call_ _cleanup_(call_clear)

static int fail_bus(int r, const char *what, struct error *error) {
        return error_fail(error, -r, "systemd: %s", what);
}

static bool is_named(const sd_bus_error *error, const char *name) {
        return error->name && strcmp(error->name, name) == 0;
}

/* Whether the error means that systemd is not on the bus at the moment, or left it before it answered. */
static bool is_away(const sd_bus_error *error) {
        return is_named(error, "org.freedesktop.DBus.Error.ServiceUnknown") ||
               is_named(error, "org.freedesktop.DBus.Error.NameHasNoOwner") ||
               is_named(error, "org.freedesktop.DBus.Error.NoReply");
}

/* Whether the error is one of the connection, not of the callee, which may have carried out the call. sd-bus names its own errors
 * System.Error.E...; if systemd uses such a name, checking again does no harm. */
static bool is_uncertain(const sd_bus_error *error) {
        return !error->name || is_away(error) ||
               strncmp(error->name, "System.Error.", strlen("System.Error.")) == 0 ||
               is_named(error, "org.freedesktop.DBus.Error.Timeout") ||
               is_named(error, "org.freedesktop.DBus.Error.Disconnected");
}

static int connect_bus(struct systemd_bus *bus, struct error *error);

static int call_new(struct call *call, const char *path, const char *interface, const char *method,
                    struct error *error) {
        int r;

        if (call->bus->broken) {
                r = connect_bus(call->bus, error);
                if (r < 0)
                        return r;
        }
        r = call->bus->sd->message_new_method_call(call->bus->bus, &call->message, DESTINATION, path, interface,
                                                   method);
        return r < 0 ? fail_bus(r, method, error) : 0;
}

/*
 * Sends the call; negative errno with call->error filled, and no `struct error` set.
 *
 * Subtle: a systemd that re-executes may have carried out a call without answering. All calls but StartTransientUnit can be
 * repeated without harm; that one is then answered with UnitExists. Waiting for systemd's return by a match on
 * NameOwnerChanged would cost every run a call, for a rare event.
 */
static int call_send_for(struct call *call, const char *method, const char *subject, uint64_t timeout_us) {
        int64_t deadline = monotonic_ms() + AWAY_MS;
        int r, pause_ms = AWAY_PAUSE_FIRST_MS;

        log_debug(call->bus->log, "D-Bus call %s %s", method, subject);
        do {
                call->bus->sd->error_free(&call->error);
                r = call->bus->sd->call(call->bus->bus, call->message, timeout_us, &call->error, &call->reply);
        } while (r < 0 && is_away(&call->error) && deadline_pause(deadline, &pause_ms, AWAY_PAUSE_MAX_MS));
        if (r < 0 && is_uncertain(&call->error))
                call->bus->broken = true;
        return r;
}

static int call_send(struct call *call, const char *method, const char *subject) {
        return call_send_for(call, method, subject, CALL_TIMEOUT_US);
}

static int call_fail(const struct call *call, int r, const char *method, const char *subject,
                     struct error *error) {
        const char *reason = call->error.message ? call->error.message : call->error.name;

        return error_fail(error, reason ? 0 : -r, "systemd: %s %s%s%s", method, subject, reason ? ": " : "",
                          reason ? reason : "");
}

/* A call of the manager with one string argument. */
static int call_simple(struct call *call, const char *method, const char *argument, struct error *error) {
        int r;

        r = call_new(call, MANAGER_PATH, MANAGER, method, error);
        if (r < 0)
                return r;
        r = argument ? call->bus->sd->message_append(call->message, "s", argument) : 0;
        return r < 0 ? fail_bus(r, method, error) : 0;
}

static int subscribe(struct systemd_bus *bus, struct error *error) {
        _cleanup_call_ struct call call = {.bus = bus};
        int r;

        r = bus->sd->match_signal(bus->bus, &bus->job_slot, DESTINATION, MANAGER_PATH, MANAGER, "JobRemoved",
                                  on_job_removed, bus);
        if (r < 0)
                return fail_bus(r, "cannot listen to JobRemoved", error);
        r = call_simple(&call, "Subscribe", NULL, error);
        if (r < 0)
                return r;
        r = call_send(&call, "Subscribe", "");
        if (r < 0 && !is_named(&call.error, "org.freedesktop.systemd1.AlreadySubscribed"))
                return call_fail(&call, r, "Subscribe", "", error);
        return 0;
}

static int connect_bus(struct systemd_bus *bus, struct error *error) {
        int r;

        disconnect_bus(bus);
        bus->broken = true;
        r = bus->sd->open_system(&bus->bus);
        if (r < 0)
                return error_fail(error, -r, "cannot connect to systemd over the system bus");
        bus->broken = false;
        return subscribe(bus, error);
}

int systemd_bus_new(const struct log *log, struct systemd_bus **out, struct error *error) {
        _cleanup_(systemd_bus_freep) struct systemd_bus *bus = NULL;
        const struct sd_bus_library *sd;
        int r;

        r = sd_bus_load(&sd, error);
        if (r < 0)
                return r;
        bus = calloc(1, sizeof(*bus));
        if (!bus)
                return error_oom(error);
        bus->sd = sd;
        bus->log = log;
        r = connect_bus(bus, error);
        if (r < 0)
                return r;
        *out = TAKE(bus);
        return 0;
}

/* org.freedesktop.DBus.Properties.Get; the reply is inside its variant of this type. */
static int get_property(struct call *call, const char *path, const char *interface, const char *property,
                        const char *type, struct error *error) {
        int r;

        r = call_new(call, path, "org.freedesktop.DBus.Properties", "Get", error);
        if (r < 0)
                return r;
        r = call->bus->sd->message_append(call->message, "ss", interface, property);
        if (r >= 0)
                r = call_send(call, "Get", property);
        if (r < 0)
                return call_fail(call, r, "Get", property, error);
        r = call->bus->sd->message_enter_container(call->reply, 'v', type);
        return r < 0 ? fail_bus(r, property, error) : 0;
}

int systemd_bus_version(struct systemd_bus *bus, unsigned *out, struct error *error) {
        _cleanup_call_ struct call call = {.bus = bus};
        _cleanup_free_ char *digits = NULL;
        const char *version;
        uint32_t number;
        int r;

        r = get_property(&call, MANAGER_PATH, MANAGER, "Version", "s", error);
        if (r < 0)
                return r;
        r = bus->sd->message_read(call.reply, "s", &version);
        if (r < 0)
                return fail_bus(r, "Version", error);
        /* "252.38-1~deb12u1"; old versions have "systemd 239". */
        version += strcspn(version, "0123456789");
        digits = strndup(version, strspn(version, "0123456789"));
        if (!digits)
                return error_oom(error);
        if (number_parse_u32(digits, &number) < 0)
                return error_fail(error, 0, "systemd: its version is not a number");
        *out = number;
        return 0;
}

static int unit_object(struct systemd_bus *bus, const char *unit, char **out, struct error *error) {
        int r = bus->sd->path_encode(UNIT_PATH, unit, out);

        return r < 0 ? fail_bus(r, unit, error) : 0;
}

static const char *unit_interface(const char *unit) {
        const char *dot = strrchr(unit, '.');

        return dot && strcmp(dot, ".slice") == 0 ? DESTINATION ".Slice" : DESTINATION ".Scope";
}

static int read_string_property(struct systemd_bus *bus, const char *object, const char *interface,
                                const char *property, char **out, struct error *error) {
        _cleanup_call_ struct call call = {.bus = bus};
        const char *value;
        int r;

        r = get_property(&call, object, interface, property, "s", error);
        if (r < 0)
                return r;
        r = bus->sd->message_read(call.reply, "s", &value);
        if (r < 0)
                return fail_bus(r, property, error);
        *out = strdup(value);
        return *out ? 0 : error_oom(error);
}

int systemd_bus_unit_state(struct systemd_bus *bus, const char *unit, char **control_group, char **active_state,
                           struct error *error) {
        _cleanup_free_ char *object = NULL, *group = NULL, *state = NULL;
        int r;

        r = unit_object(bus, unit, &object, error);
        if (r == 0 && active_state)
                r = read_string_property(bus, object, UNIT, "ActiveState", &state, error);
        if (r == 0 && control_group)
                r = read_string_property(bus, object, unit_interface(unit), "ControlGroup", &group, error);
        if (r < 0)
                return r;
        if (active_state)
                *active_state = TAKE(state);
        if (control_group)
                *control_group = TAKE(group);
        return 0;
}

/* org.freedesktop.DBus.Properties.GetAll of one of the unit's interfaces. */
static int get_all(struct call *call, const char *unit, const char *interface, struct error *error) {
        _cleanup_free_ char *object = NULL;
        int r;

        r = unit_object(call->bus, unit, &object, error);
        if (r == 0)
                r = call_new(call, object, "org.freedesktop.DBus.Properties", "GetAll", error);
        if (r < 0)
                return r;
        r = call->bus->sd->message_append(call->message, "s", interface);
        if (r < 0)
                return fail_bus(r, unit, error);
        r = call_send(call, "GetAll", unit);
        return r < 0 ? call_fail(call, r, "GetAll", unit, error) : 0;
}

int systemd_bus_unit_identity(struct systemd_bus *bus, const char *unit, struct unit_identity *out,
                              struct error *error) {
        _cleanup_call_ struct call call = {.bus = bus};
        int r = get_all(&call, unit, UNIT, error);

        return r < 0 ? r : unit_identity_read(bus->sd, call.reply, out, error);
}

/* Reads the job's path from a reply, and starts to wait for its signal. */
static int expect_job(struct systemd_bus *bus, sd_bus_message *reply, const char *method, struct error *error) {
        const char *job;
        int r;

        r = bus->sd->message_read(reply, "o", &job);
        if (r < 0)
                return fail_bus(r, method, error);
        free(bus->job);
        free(bus->job_result);
        bus->job_result = NULL;
        bus->job = strdup(job);
        return bus->job ? 0 : error_oom(error);
}

/* Whether the job still exists, that is, its object answers. Only an answer of systemd counts: if systemd cannot be reached at the
 * moment, it may still have the job. */
static bool job_exists(struct systemd_bus *bus) {
        _cleanup_call_ struct call call = {.bus = bus};
        _cleanup_error_ struct error ignored = ERROR_INIT;

        return get_property(&call, bus->job, DESTINATION ".Job", "State", "s", &ignored) == 0 ||
               !is_named(&call.error, "org.freedesktop.DBus.Error.UnknownObject");
}

/* A job that has ended without a signal gets the result "lost". */
static int ask_for_job(struct systemd_bus *bus, struct error *error) {
        if (job_exists(bus) || bus->job_result)
                return 0;
        bus->job_result = strdup("lost");
        return bus->job_result ? 0 : error_oom(error);
}

/* If the connection breaks during the wait, the signal may be lost: a new connection asks for the job. */
static int wait_on_new_connection(struct systemd_bus *bus, bool *tried, int r, struct error *error) {
        if (*tried)
                return fail_bus(r, "the bus connection broke while a job was waited for", error);
        *tried = true;
        r = connect_bus(bus, error);
        return r < 0 ? r : ask_for_job(bus, error);
}

/* Returns 0 with bus->job_result, or SYSTEMD_E_STILL_RUNNING after the deadline.
 *
 * Subtle: if the whole machine stalled, the deadline passes before systemd could do the job. So the wait ends only after a
 * last question, and a last short wait for what systemd does after its answer. */
static int wait_for_job(struct systemd_bus *bus, const char *unit, int64_t deadline, struct error *error) {
        struct waiting waiting = waiting_begin(bus->log);
        int64_t ask_at = monotonic_ms() + JOB_ASK_MS;
        bool last = false, reconnected = false;

        while (!bus->job_result) {
                int r = bus->sd->process(bus->bus, NULL);
                int64_t until = ask_at < deadline || last ? ask_at : deadline;

                if (r < 0) {
                        r = wait_on_new_connection(bus, &reconnected, r, error);
                        if (r < 0)
                                return r;
                        continue;
                }
                if (r > 0)
                        continue;
                if (deadline_left_ms(until) == 0) {
                        if (last)
                                return SYSTEMD_E_STILL_RUNNING;
                        r = ask_for_job(bus, error);
                        if (r < 0)
                                return r;
                        last = deadline_left_ms(deadline) == 0;
                        ask_at = monotonic_ms() + (last ? JOB_LAST_MS : JOB_ASK_MS);
                        continue;
                }
                r = bus->sd->wait(bus->bus, (uint64_t)deadline_left_ms(waiting_until(&waiting, until)) * 1000);
                if (waiting_is_due(&waiting))
                        waiting_say(&waiting, "systemd's job for %s", unit);
                if (r < 0 && r != -EINTR) {
                        r = wait_on_new_connection(bus, &reconnected, r, error);
                        if (r < 0)
                                return r;
                }
        }
        return 0;
}

static int append_own_properties(struct systemd_bus *bus, sd_bus_message *message,
                                 const struct transient_unit *unit) {
        const struct sd_bus_library *sd = bus->sd;
        bool scope = strcmp(unit_interface(unit->name), DESTINATION ".Scope") == 0;
        int r;

        r = sd->message_append(message, "(sv)(sv)(sv)(sv)(sv)(sv)", "Description", "s", unit->description,
                               "DefaultDependencies", "b", 0, "CPUAccounting", "b", 1, "IOAccounting", "b", 1,
                               "MemoryAccounting", "b", 1, "TasksAccounting", "b", 1);
        if (r < 0)
                return r;
        if (!scope)
                return sd->message_append(message, "(sv)", "Wants", "as", 1, unit->slice);
        /* CollectMode: a scope that failed to stop in time must not stay behind as "failed". */
        r = sd->message_append(message, "(sv)(sv)(sv)(sv)", "Slice", "s", unit->slice, "Delegate", "b", 1,
                               "TimeoutStopUSec", "t", unit->stop_timeout_us, "CollectMode", "s",
                               "inactive-or-failed");
        if (r < 0)
                return r;
        r = sd->message_open_container(message, 'r', "sv");
        if (r >= 0)
                r = sd->message_append(message, "s", "PIDs");
        if (r >= 0)
                r = sd->message_open_container(message, 'v', "au");
        if (r >= 0)
                r = sd->message_append_array(message, 'u', unit->pids, unit->pid_count * sizeof(*unit->pids));
        if (r >= 0)
                r = sd->message_close_container(message);
        return r < 0 ? r : sd->message_close_container(message);
}

static int start_message(struct call *call, const struct transient_unit *unit, const struct plan *plan,
                         struct error *error) {
        const struct sd_bus_library *sd = call->bus->sd;
        int r;

        r = call_new(call, MANAGER_PATH, MANAGER, "StartTransientUnit", error);
        if (r < 0)
                return r;
        r = sd->message_append(call->message, "ss", unit->name, "fail");
        if (r >= 0)
                r = sd->message_open_container(call->message, 'a', "(sv)");
        if (r >= 0)
                r = append_own_properties(call->bus, call->message, unit);
        if (r >= 0)
                r = systemd_properties_append(sd, call->message, plan);
        if (r >= 0)
                r = sd->message_close_container(call->message);
        if (r >= 0)
                r = sd->message_append(call->message, "a(sa(sv))", 0);
        return r < 0 ? fail_bus(r, unit->name, error) : 0;
}

static int start_once(struct systemd_bus *bus, const struct transient_unit *unit, const struct plan *plan,
                      bool *uncertain, struct error *error) {
        _cleanup_call_ struct call call = {.bus = bus};
        int r;

        r = start_message(&call, unit, plan, error);
        if (r < 0)
                return r;
        systemd_properties_log(bus->log, unit->name, plan);
        r = call_send(&call, "StartTransientUnit", unit->name);
        *uncertain = r < 0 && is_uncertain(&call.error);
        if (r < 0 && is_named(&call.error, "org.freedesktop.systemd1.UnitExists"))
                return SYSTEMD_E_UNIT_EXISTS;
        if (r < 0)
                return call_fail(&call, r, "StartTransientUnit", unit->name, error);
        return expect_job(bus, call.reply, "StartTransientUnit", error);
}

/* A lost job has succeeded if the unit is active. */
static bool start_succeeded(struct systemd_bus *bus, const char *unit) {
        _cleanup_error_ struct error ignored = ERROR_INIT;
        _cleanup_free_ char *state = NULL;

        if (strcmp(bus->job_result, "done") == 0)
                return true;
        return strcmp(bus->job_result, "lost") == 0 &&
               systemd_bus_unit_state(bus, unit, NULL, &state, &ignored) == 0 && strcmp(state, "active") == 0;
}

int systemd_bus_start(struct systemd_bus *bus, const struct transient_unit *unit, const struct plan *plan,
                      bool *perhaps, struct error *error) {
        int r;

        r = start_once(bus, unit, plan, perhaps, error);
        /* Without an answer the call is repeated once on a new connection. If the first call has started the unit, the second
         * returns UnitExists, and the unit is taken over. */
        if (r < 0 && *perhaps) {
                error_clear(error);
                r = start_once(bus, unit, plan, perhaps, error);
        }
        if (r == SYSTEMD_E_UNIT_EXISTS) {
                r = systemd_bus_reset_failed(bus, unit->name, error);
                if (r == 0)
                        r = start_once(bus, unit, plan, perhaps, error);
        }
        if (r != 0)
                return r;
        *perhaps = true;
        r = wait_for_job(bus, unit->name, monotonic_ms() + SYSTEMD_JOB_TIMEOUT_MS, error);
        if (r == SYSTEMD_E_STILL_RUNNING)
                return error_fail(error, ETIMEDOUT, "systemd: the start of %s was not done within %d s",
                                  unit->name, SYSTEMD_JOB_TIMEOUT_MS / 1000);
        if (r < 0)
                return r;
        *perhaps = false;
        if (!start_succeeded(bus, unit->name))
                return error_fail(error, 0, "systemd: the start of %s ended with \"%s\"", unit->name,
                                  bus->job_result);
        return 0;
}

static bool is_no_unit(const sd_bus_error *error) {
        return is_named(error, "org.freedesktop.systemd1.NoSuchUnit") ||
               is_named(error, "org.freedesktop.DBus.Error.UnknownObject");
}

int systemd_bus_attach(struct systemd_bus *bus, const char *unit, const pid_t *pids, size_t count,
                       struct error *error) {
        _cleanup_call_ struct call call = {.bus = bus};
        int r;

        r = call_new(&call, MANAGER_PATH, MANAGER, "AttachProcessesToUnit", error);
        if (r < 0)
                return r;
        r = bus->sd->message_append(call.message, "ss", unit, "");
        if (r >= 0)
                r = bus->sd->message_append_array(call.message, 'u', pids, count * sizeof(*pids));
        if (r < 0)
                return fail_bus(r, unit, error);
        r = call_send(&call, "AttachProcessesToUnit", unit);
        if (r < 0 && is_no_unit(&call.error))
                return SYSTEMD_E_NO_UNIT;
        return r < 0 ? call_fail(&call, r, "AttachProcessesToUnit", unit, error) : 0;
}

int systemd_bus_set_properties(struct systemd_bus *bus, const char *unit, const struct plan *plan,
                               struct error *error) {
        _cleanup_call_ struct call call = {.bus = bus};
        const struct sd_bus_library *sd = bus->sd;
        int r;

        if (!systemd_properties_any(plan))
                return 0;
        r = call_new(&call, MANAGER_PATH, MANAGER, "SetUnitProperties", error);
        if (r < 0)
                return r;
        r = sd->message_append(call.message, "sb", unit, 1);
        if (r >= 0)
                r = sd->message_open_container(call.message, 'a', "(sv)");
        if (r >= 0)
                r = systemd_properties_append(sd, call.message, plan);
        if (r >= 0)
                r = sd->message_close_container(call.message);
        if (r < 0)
                return fail_bus(r, unit, error);
        systemd_properties_log(bus->log, unit, plan);
        r = call_send(&call, "SetUnitProperties", unit);
        return r < 0 ? call_fail(&call, r, "SetUnitProperties", unit, error) : 0;
}

int systemd_bus_read_properties(struct systemd_bus *bus, const char *unit, const struct plan *plan,
                                struct plan **out, struct error *error) {
        _cleanup_call_ struct call call = {.bus = bus};
        int r = get_all(&call, unit, unit_interface(unit), error);

        return r < 0 ? r : systemd_properties_read(bus->sd, call.reply, plan, out, error);
}

int systemd_bus_stop(struct systemd_bus *bus, const char *unit, bool wait, int64_t deadline,
                     struct error *error) {
        _cleanup_call_ struct call call = {.bus = bus};
        int r;

        r = call_simple(&call, "StopUnit", unit, error);
        if (r < 0)
                return r;
        r = bus->sd->message_append(call.message, "s", "replace");
        if (r < 0)
                return fail_bus(r, unit, error);
        r = call_send(&call, "StopUnit", unit);
        if (r < 0 && is_no_unit(&call.error))
                return SYSTEMD_E_NO_UNIT;
        if (r < 0)
                return call_fail(&call, r, "StopUnit", unit, error);
        if (!wait)
                return 0;
        r = expect_job(bus, call.reply, "StopUnit", error);
        if (r == 0)
                r = wait_for_job(bus, unit, deadline, error);
        if (r != 0)
                return r;
        if (strcmp(bus->job_result, "done") != 0 && strcmp(bus->job_result, "lost") != 0)
                return error_fail(error, 0, "systemd: the stop of %s ended with \"%s\"", unit, bus->job_result);
        return 0;
}

int systemd_bus_kill(struct systemd_bus *bus, const char *unit, struct error *error) {
        _cleanup_call_ struct call call = {.bus = bus};
        int r;

        r = call_simple(&call, "KillUnit", unit, error);
        if (r < 0)
                return r;
        r = bus->sd->message_append(call.message, "si", "all", 9);
        if (r < 0)
                return fail_bus(r, unit, error);
        r = call_send(&call, "KillUnit", unit);
        if (r < 0 && is_no_unit(&call.error))
                return SYSTEMD_E_NO_UNIT;
        return r < 0 ? call_fail(&call, r, "KillUnit", unit, error) : 0;
}

/* Whether systemd's answer is a refusal that the caller handles. */
static bool has_declined(const sd_bus_error *error) {
        return is_named(error, "org.freedesktop.systemd1.UnitBusy") ||
               is_named(error, "org.freedesktop.systemd1.UnitInactive") ||
               is_named(error, "org.freedesktop.DBus.Error.NotSupported") ||
               is_named(error, "org.freedesktop.DBus.Error.UnknownMethod");
}

int systemd_bus_freeze(struct systemd_bus *bus, const char *unit, bool frozen, struct error *error) {
        const char *method = frozen ? "FreezeUnit" : "ThawUnit";
        _cleanup_call_ struct call call = {.bus = bus};
        int r;

        r = call_simple(&call, method, unit, error);
        if (r < 0)
                return r;
        r = call_send_for(&call, method, unit, FREEZE_TIMEOUT_US);
        if (r < 0 && is_no_unit(&call.error))
                return SYSTEMD_E_NO_UNIT;
        if (r < 0 && has_declined(&call.error))
                return SYSTEMD_E_DECLINED;
        if (r == -ETIMEDOUT)
                return SYSTEMD_E_STILL_RUNNING;
        return r < 0 ? call_fail(&call, r, method, unit, error) : 0;
}

int systemd_bus_reset_failed(struct systemd_bus *bus, const char *unit, struct error *error) {
        _cleanup_call_ struct call call = {.bus = bus};
        int r;

        r = call_simple(&call, "ResetFailedUnit", unit, error);
        if (r < 0)
                return r;
        r = call_send(&call, "ResetFailedUnit", unit);
        return r < 0 && !is_no_unit(&call.error) ? call_fail(&call, r, "ResetFailedUnit", unit, error) : 0;
}

/* ListUnitsByPatterns(as states, as patterns): a(ssssssouso), which begin with name, description, load state and active
 * state. */
int systemd_bus_for_each_unit(struct systemd_bus *bus, systemd_bus_unit_fn each, void *data,
                              struct error *error) {
        static const char method[] = "ListUnitsByPatterns";
        _cleanup_call_ struct call call = {.bus = bus};
        const char *text[7], *job_type, *job;
        uint32_t job_id;
        int r;

        r = call_new(&call, MANAGER_PATH, MANAGER, method, error);
        if (r < 0)
                return r;
        r = bus->sd->message_append(call.message, "asas", 0, 2, "*.scope", "*.slice");
        if (r < 0)
                return fail_bus(r, method, error);
        r = call_send(&call, method, "*.scope *.slice");
        if (r < 0)
                return call_fail(&call, r, method, "", error);
        r = bus->sd->message_enter_container(call.reply, 'a', "(ssssssouso)");
        while (r >= 0) {
                r = bus->sd->message_read(call.reply, "(ssssssouso)", &text[0], &text[1], &text[2], &text[3],
                                          &text[4], &text[5], &text[6], &job_id, &job_type, &job);
                if (r == 0)
                        return 0;
                if (r > 0)
                        r = each(text[0], text[1], text[3], data);
                if (r > 0)
                        return r;
        }
        return fail_bus(r, method, error);
}
