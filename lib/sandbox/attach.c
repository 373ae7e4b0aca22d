/* SPDX-License-Identifier: Apache-2.0 */
/*
 * attach-vcpus
 *
 * Subtle: a thread may end, and its ID be given to another, between the moment it was found and the moment
 * it was placed. The VMM is held by its pidfd all the time, and its threads are looked at again afterwards:
 * what is not the VMM's any more is put back.
 */
#include <errno.h>
#include <stdlib.h>
#include <unistd.h>

#include "sandbox/session.h"
#include "vmm/affinity.h"

/* Said where the VMM is known only as the one who made the socket. */
#define PEER_ADVICE "it is the peer of the socket: if it is not the VMM, name that with --vmm-pid"

/* What is to be attached. */
struct found {
        struct process *vmm; /* the recorded one, which is the state's, or `held` */
        struct process *held;
        const char *source; /* the option that names it, for messages */
        struct vcpus *vcpus;
};

static void found_clear(struct found *found) {
        process_free(found->held);
        vcpus_free(found->vcpus);
}

static int hold_vmm(pid_t pid, struct found *found, struct error *error) {
        if (pid == 1 || pid == getpid())
                return error_refuse(error, found->source, "process %d cannot be the VMM", pid);
        return process_new(pid, found->source, &found->held, error);
}

/* The VMM that the caller names and holds, or that is recorded and lives. Whoever the socket's peer is said to be does not
 * matter then: SO_PEERCRED names who has made the connection, and that may have been the shim, before there was a VMM. */
static int find_named(struct session *session, struct found *found, struct error *error) {
        struct process *living;
        int r = session_check_vmm(session, found->held, found->source, &living, error);

        if (r == 0)
                found->vmm = living ? living : found->held;
        return r;
}

/* Without any other word, the peer is the VMM if the threads are its. */
static int find_peer(const struct qmp *qmp, struct found *found, struct error *error) {
        pid_t peer = qmp_peer(qmp);
        int r;

        if (peer == 0)
                return error_refuse(error, "--vmm-pid",
                                    "needed: the kernel does not tell the QMP socket's peer");
        r = hold_vmm(peer, found, error);
        if (r < 0)
                error_append(error, PEER_ADVICE);
        found->vmm = found->held;
        return r;
}

static int find_by_qmp(const struct sandbox_attach *attach, const struct log *log, int64_t deadline,
                       struct found *found, struct error *error) {
        _cleanup_(qmp_freep) struct qmp *qmp = NULL;
        const char *advice = found->vmm ? NULL : PEER_ADVICE;
        int r;

        r = attach->qmp ? qmp_connect(attach->qmp, deadline, log, &qmp, error)
                        : qmp_adopt(attach->qmp_fd, deadline, log, &qmp, error);
        if (r == 0 && !found->vmm)
                r = find_peer(qmp, found, error);
        return r < 0 ? r
                     : vcpus_from_qmp(qmp, found->vmm, advice, attach->expect, deadline, &found->vcpus, error);
}

static int find(struct session *session, const struct sandbox_attach *attach, struct found *found,
                struct error *error) {
        int64_t deadline = monotonic_ms() + (int64_t)attach->timeout * 1000;
        int r;

        r = find_named(session, found, error);
        if (r < 0)
                return r;
        if (attach->qmp || attach->qmp_fd >= 0)
                return find_by_qmp(attach, session->environment->log, deadline, found, error);
        return vcpus_from_names(found->vmm, attach->expect, deadline, &found->vcpus, error);
}

static int place(struct session *session, struct process *vmm, const struct vcpus *vcpus, struct error *error) {
        _cleanup_free_ pid_t *tids = calloc(vcpus->count + 1, sizeof(*tids));
        int r;

        if (!tids)
                return error_oom(error);
        for (size_t i = 0; i < vcpus->count; i++)
                tids[i] = vcpus->vcpus[i].tid;
        if (session_places_threads(session))
                return manager_place_threads(session->sandbox, session->overhead, vmm, tids, vcpus->count,
                                             session->journal, error);
        r = session_place_process(session, vmm, error);
        if (r == 0 && session->state->vcpu_subtree)
                r = manager_place_in_subtree(session->sandbox, vmm, tids, vcpus->count, session->journal,
                                             error);
        return r;
}

/* Whether what has been placed still is what was found. */
static int check_again(const struct process *vmm, const struct vcpus *vcpus, struct error *error) {
        if (!process_is_alive(vmm))
                return error_fail(error, ESRCH, "the VMM, process %d, ended while it was placed", vmm->pid);
        for (size_t i = 0; i < vcpus->count; i++)
                if (!process_has_thread(vmm, vcpus->vcpus[i].tid))
                        return error_fail(error, ESRCH, "vCPU %u, thread %d, ended while it was placed",
                                          vcpus->vcpus[i].index, vcpus->vcpus[i].tid);
        return 0;
}

static json_t *describe(const struct sandbox_vmm *vmm) {
        json_t *vcpus = json_array();

        for (size_t i = 0; vcpus && i < vmm->vcpus->count; i++) {
                const struct vcpu *vcpu = &vmm->vcpus->vcpus[i];
                _cleanup_free_ char *text = NULL;
                struct cpulist cpus;

                text = affinity_get(vcpu->tid, &cpus) == 0 ? cpulist_format(&cpus) : NULL;
                if (json_array_append_new(vcpus, json_pack("{s:I, s:i, s:s?}", "index", (json_int_t)vcpu->index,
                                                           "tid", vcpu->tid, "cpus", text)) < 0) {
                        json_decref(vcpus);
                        return NULL;
                }
        }
        return json_pack("{s:i, s:s, s:o}", "vmmPid", vmm->process->pid, "placement",
                         vmm->threads ? "threads" : "process", "vcpus", vcpus);
}

static int attach_found(struct session *session, const struct sandbox_attach *attach, struct found *found,
                        struct error *error) {
        struct state *state = session->state;
        bool pin = attach->pin || state->vmm.pin;
        int r;

        r = place(session, found->vmm, found->vcpus, error);
        if (r == 0)
                r = check_again(found->vmm, found->vcpus, error);
        if (r == 0 && pin)
                r = session_pin(session, found->vmm, found->vcpus, error);
        if (r == 0)
                state_set_vmm(state, found->vmm == found->held ? TAKE(found->held) : found->vmm,
                              session_places_threads(session) || state->vcpu_subtree, pin, TAKE(found->vcpus));
        return r;
}

/* Where the VMM is now, for the roll-back, and that it is no place of another sandbox. */
static int look_at_vmm(struct session *session, struct found *found, struct error *error) {
        int r = process_look(found->vmm, error);

        if (r == PROCESS_E_GONE)
                return error_fail(error, ESRCH, "the VMM, process %d, has ended", found->vmm->pid);
        return r < 0 ? r : manager_check_origin(session->sandbox, found->vmm, found->source, error);
}

int sandbox_attach(const struct sandbox_environment *environment, const char *id,
                   const struct sandbox_attach *attach, json_t **out, struct error *error) {
        _cleanup_(found_clear) struct found found = {
                .source = attach->vmm_pid != 0 ? "--vmm-pid"
                          : attach->qmp        ? "--qmp"
                                               : "--qmp-fd",
        };
        _cleanup_session_ struct session session = SESSION_INIT(environment);
        _cleanup_error_ struct error not_held = ERROR_INIT;
        int r;

        /* Held from the moment it is named; the lock may have to be waited for. That there is no such sandbox comes first,
         * though. */
        if (attach->vmm_pid != 0)
                (void)hold_vmm(attach->vmm_pid, &found, &not_held);
        r = session_begin(&session, id, error);
        if (r == 0 && not_held.status != EXIT_STATUS_DONE) {
                error_move(error, &not_held);
                return -EINVAL;
        }
        if (r == 0)
                r = find(&session, attach, &found, error);
        if (r == 0)
                r = look_at_vmm(&session, &found, error);
        if (r != 0)
                return r;
        r = session_finish(&session, attach_found(&session, attach, &found, error), error);
        if (r < 0)
                return r;
        *out = describe(&session.state->vmm);
        return *out ? 0 : error_oom(error);
}
