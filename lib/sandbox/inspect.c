/* SPDX-License-Identifier: Apache-2.0 */
/*
 * inspect, features
 *
 * These commands only read, and take no lock: a state is always replaced as a whole, and an operator who
 * investigates must not wait for a command that hangs.
 */
#include <errno.h>
#include <stdlib.h>

#include "sandbox/health.h"
#include "sandbox/session.h"
#include "util/cpulist.h"
#include "util/version.h"
#include "vmm/affinity.h"

/* The CPUs of a recorded thread, if it still is the VMM's. A new string, or NULL. */
static char *cpus_of(const struct process *vmm, pid_t tid) {
        struct cpulist cpus;

        if (!vmm || !process_has_thread(vmm, tid) || affinity_get(tid, &cpus) < 0)
                return NULL;
        return cpulist_format(&cpus);
}

static json_t *vmm_to_json(const struct session *session) {
        const struct sandbox_vmm *vmm = &session->state->vmm;
        struct process *living;
        json_t *vcpus;

        if (!vmm->process)
                return json_null();
        (void)session_living_vmm(session, &living, NULL);
        vcpus = json_array();
        for (size_t i = 0; vcpus && i < vmm->vcpus->count; i++) {
                const struct vcpu *vcpu = &vmm->vcpus->vcpus[i];
                _cleanup_free_ char *text = cpus_of(living, vcpu->tid);

                (void)json_array_append_new(vcpus,
                                            json_pack("{s:I, s:i, s:s?}", "index", (json_int_t)vcpu->index,
                                                      "tid", vcpu->tid, "cpus", text));
        }
        return json_pack("{s:i, s:s, s:o}", "pid", vmm->process->pid, "placement",
                         vmm->threads ? "threads" : "process", "vcpus", vcpus);
}

static json_t *overhead_to_json(struct session *session, struct error *error) {
        return session->overhead ? manager_describe(session->overhead, error) : json_null();
}

static json_t *session_to_json(struct session *session, bool stats, struct error *error) {
        const struct state *state = session->state;
        _cleanup_json_ json_t *configuration = configuration_to_json(state->configuration);

        if (!configuration)
                return NULL;
        return json_pack("{s:s, s:s, s:i, s:b, s:s, s:o, s:o, s:o, s:o, s:O, s:O, s:O, s:O, s:b, s:o*}", "id",
                         state->owner.id, "driver", driver_name(state->sandbox.path->driver), "cgroupVersion",
                         manager_context_version(session->context), "sandboxCgroupOnly",
                         state->sandbox_cgroup_only, "createdAt", state->created_at, "sandbox",
                         manager_describe(session->sandbox, error), "vcpuSubtree",
                         manager_describe_subtree(session->sandbox, error), "overhead",
                         overhead_to_json(session, error), "vmm", vmm_to_json(session), "containers",
                         json_object_get(configuration, "containers"), "resources",
                         json_object_get(configuration, "resources"), "devices",
                         json_object_get(configuration, "devices"), "overheadResources",
                         session->overhead ? json_object_get(configuration, "overheadResources") : json_null(),
                         "frozen", manager_is_shown(session->sandbox) && manager_is_frozen(session->sandbox),
                         "stats", stats ? manager_stats(session->sandbox, session->overhead) : NULL);
}

int sandbox_inspect(const struct sandbox_environment *environment, const char *id, bool stats, json_t **out,
                    struct error *error) {
        _cleanup_session_ struct session session = SESSION_INIT(environment);
        _cleanup_free_ char *problem = NULL;
        _cleanup_json_ json_t *json = NULL;
        int r;

        r = session_check_id(id, error);
        if (r == 0)
                r = health_examine(&session, id, &problem, error);
        if (r < 0)
                return r;
        if (r == STORE_E_NO_SANDBOX || !session.state)
                return session_fail_no_sandbox(&session, id, error);
        json = session_to_json(&session, stats, error);
        if (!json || json_object_set_new(json, "problem", problem ? json_string(problem) : json_null()) < 0)
                return error_oom(error);
        *out = TAKE(json);
        return 0;
}

int sandbox_features(const struct sandbox_environment *environment, json_t **out, struct error *error) {
        _cleanup_json_ json_t *host = NULL;
        int r;

        r = manager_describe_host(environment->log, &host, error);
        if (r < 0)
                return r;
        *out = json_pack("{s:s, s:s, s:s, s:s, s:s}", "version", version_number, "commit", version_commit,
                         "build", version_build, "ociVersionMin", OCI_VERSION_MIN, "ociVersionMax",
                         OCI_VERSION_MAX);
        return *out && json_object_update(*out, host) == 0 ? 0 : error_oom(error);
}

char *sandbox_field_names(void) {
        return plan_field_names();
}

int sandbox_check_field(const char *path, struct error *error) {
        _cleanup_free_ char *names = NULL;

        if (plan_has_field(path))
                return 0;
        names = plan_field_names();
        if (!names)
                return error_oom(error);
        return error_set(error, EXIT_STATUS_USAGE, 0, "--only",
                         "\"%s\" is no field, nor an object of fields; there are: %s", path, names);
}
