/* SPDX-License-Identifier: Apache-2.0 */
/*
 * attach-vcpus
 *
 * The command waits for the socket, the answer and the vCPUs without the sandbox's lock. Under the lock it checks again what it
 * found, and places it. If another attach has recorded vCPUs meanwhile, its answer may be newer, so QEMU is asked again.
 *
 * Subtle: between being found and being placed, a thread may end and its ID may be reused. The VMM is held by its pidfd all the
 * time, and its threads are checked again afterwards: a thread that is not the VMM's any more is moved back.
 */
#include <errno.h>
#include <stdlib.h>
#include <unistd.h>

#include "sandbox/session.h"
#include "util/signals.h"
#include "vmm/affinity.h"

/* The advice if the VMM is known only as the process that made the socket. */
#define PEER_ADVICE "it is the peer of the socket: if it is not the VMM, name that with --vmm-pid"

/* Results that are not errors. */
enum {
        ATTACH_E_OUTDATED = 1,
};

/* What is to be attached. */
struct found {
        struct qmp *qmp;       /* NULL: QEMU is not asked */
        struct process *vmm;   /* held */
        struct error not_held; /* why the named process is not held */
        const char *source;    /* the option that names it, for messages */
        const char *advice;    /* what to do if it turns out not to be the VMM, or NULL */
        struct vcpus *vcpus;
        struct vcpus *recorded; /* those of the state when the VMM was asked, or NULL */
};

static void found_clear(struct found *found) {
        qmp_free(found->qmp);
        process_free(found->vmm);
        error_clear(&found->not_held);
        vcpus_free(found->vcpus);
        vcpus_free(found->recorded);
}

static int hold_vmm(pid_t pid, struct found *found, struct error *error) {
        if (pid == 1 || pid == getpid())
                return error_refuse(error, found->source, "process %d cannot be the VMM", pid);
        return process_new(pid, found->source, &found->vmm, error);
}

/* If no VMM is named or recorded, the peer is the VMM, provided that the threads are the peer's. */
static int find_peer(struct found *found, struct error *error) {
        pid_t peer = qmp_peer(found->qmp);
        int r;

        if (peer == 0)
                return error_refuse(error, "--vmm-pid",
                                    "needed: the kernel does not tell the QMP socket's peer");
        found->advice = PEER_ADVICE;
        r = hold_vmm(peer, found, error);
        if (r < 0)
                error_append(error, PEER_ADVICE);
        return r;
}

/* Reads the state, which must be of the same life each time, and checks that the named VMM may be the sandbox's. `*living` is
 * the recorded VMM, owned by the state, or NULL. A missing sandbox is reported before a pid without a process. */
static int peek(struct session *peeked, const char *id, struct session_life *life, struct found *found,
                struct process **living, struct error *error) {
        int r;

        r = session_peek(peeked, id, error);
        if (r == 0 && found->not_held.status != EXIT_STATUS_DONE) {
                error_move(error, &found->not_held);
                return -EINVAL;
        }
        if (r == 0)
                r = session_check_life(peeked, life, error);
        return r < 0 ? r : session_check_vmm(peeked, found->vmm, found->source, living, error);
}

/* Waits for the vCPUs. The state is read when the QMP connection exists: if exec has started this QEMU, exec has recorded it by
 * then. */
static int find(const struct sandbox_environment *environment, const char *id,
                const struct sandbox_attach *attach, struct session_life *life, int64_t deadline,
                struct found *found, struct error *error) {
        _cleanup_session_ struct session peeked = SESSION_INIT(environment);
        struct process *living;
        int r;

        r = peek(&peeked, id, life, found, &living, error);
        /* The VMM is named, or recorded and alive. The socket's peer is then ignored: SO_PEERCRED reports the process that has
         * made the connection, which may be the shim, before there was a VMM. */
        if (r == 0 && !found->vmm && living)
                found->vmm = TAKE(peeked.state->vmm.process);
        else if (r == 0 && !found->vmm)
                r = find_peer(found, error);
        if (r < 0)
                return r;
        vcpus_free(found->recorded);
        found->recorded = TAKE(peeked.state->vmm.vcpus);
        found->vcpus = vcpus_free(found->vcpus);
        return vcpus_find(&(struct vcpus_source){found->qmp, attach->given, found->advice, environment->log},
                          found->vmm, attach->expect, deadline, &found->vcpus, error);
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
                                             session->state->frozen, session->journal, error);
        r = session_place_process(session, session->sandbox, vmm, error);
        if (r == 0 && session->state->vcpu_subtree)
                r = manager_place_in_subtree(session->sandbox, vmm, tids, vcpus->count, session->journal,
                                             error);
        return r;
}

/* Checks that the placed threads are still the VMM's. */
static int check_again(const struct process *vmm, const struct vcpus *vcpus, struct error *error) {
        if (!process_is_alive(vmm))
                return error_fail(error, ESRCH, "the VMM, process %d, ended while it was placed", vmm->pid);
        for (size_t i = 0; i < vcpus->count; i++)
                if (!process_has_thread(vmm, vcpus->vcpus[i].tid))
                        return error_fail(error, ESRCH, "vCPU %u, thread %d, ended while it was placed",
                                          vcpus->vcpus[i].index, vcpus->vcpus[i].tid);
        return 0;
}

static json_t *describe(const struct sandbox_vmm *vmm, const struct session_pins *pins) {
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
        return json_pack("{s:i, s:s, s:o, s:b, s:s*}", "vmmPid", vmm->process->pid, "placement",
                         vmm->threads ? "threads" : "process", "vcpus", vcpus, "pinned", pins->pinned,
                         "pinReason", pins->reason[0] != '\0' ? pins->reason : NULL);
}

/* The data of a transaction, besides what was found. */
struct attachment {
        const struct sandbox_attach *options;
        struct pinning recorded; /* of the same VMM, before */
        struct session_pins pins;
};

static void attachment_clear(struct attachment *attachment) {
        pinning_clear(&attachment->recorded);
}

/* Refuses a map with other vCPUs, or with CPUs that the sandbox does not have. */
static int check_map(struct session *session, const struct attachment *attachment, struct error *error) {
        const struct pinning *wanted = attachment->options->pinning;
        struct cpulist cpus;
        int r;

        if (!wanted || wanted->map_count == 0)
                return 0;
        r = session_cpus(session, &cpus, error);
        return r < 0 ? r : pinning_check_map(wanted, session->state->vmm.vcpus, &cpus, error);
}

/* Pins the vCPUs, or undoes a pinning. */
static int pin(struct session *session, struct attachment *attachment, struct error *error) {
        const struct pinning *wanted = attachment->options->pinning, *recorded = &attachment->recorded;
        struct pinning *pinning = &session->state->vmm.pinning;
        int r = check_map(session, attachment, error);

        if (r == 0 && pinning_copy(wanted ? wanted : recorded, pinning) < 0)
                r = error_oom(error);
        if (r < 0)
                return r;
        pinning->in_force = recorded->in_force;
        /* --no-pin also undoes a pinning that is not recorded. */
        if (!wanted && !pinning_is_wanted(recorded))
                return 0;
        return session_pin(session, session->state->vmm.vcpus, &attachment->pins, error);
}

static int attach_found(struct session *session, struct attachment *attachment, struct found *found,
                        struct error *error) {
        struct state *state = session->state;
        int r;

        signals_hold();
        r = session_settle(session, error);
        if (r == 0)
                r = place(session, found->vmm, found->vcpus, error);
        if (r == 0)
                r = check_again(found->vmm, found->vcpus, error);
        if (r < 0)
                return r;
        state_set_vmm(state, TAKE(found->vmm), session_places_threads(session) || state->vcpu_subtree,
                      TAKE(found->vcpus));
        return pin(session, attachment, error);
}

/* Under the lock: checks that the process may be the VMM, reads which groups it is in, for the roll-back, and checks that these
 * are not another sandbox's. `*living`: it is the recorded one. */
static int look_at_vmm(struct session *session, struct found *found, bool *living, struct error *error) {
        struct process *recorded;
        int r = session_check_vmm(session, found->vmm, found->source, &recorded, error);

        *living = recorded;
        if (r == 0)
                r = process_look(found->vmm, error);
        if (r == PROCESS_E_GONE)
                return error_fail(error, ESRCH, "the VMM, process %d, has ended", found->vmm->pid);
        return r < 0 ? r : manager_check_origin(session->sandbox, found->vmm, found->source, error);
}

/* Locks the sandbox. ATTACH_E_OUTDATED if what was found may be outdated. */
static int begin(struct session *session, const char *id, struct session_life *life, struct found *found,
                 bool *living, struct error *error) {
        int r;

        r = session_begin(session, id, error);
        if (r == 0)
                r = session_check_life(session, life, error);
        if (r == 0)
                r = look_at_vmm(session, found, living, error);
        if (r == 0 && !vcpus_equal(session->state->vmm.vcpus, found->recorded))
                return ATTACH_E_OUTDATED;
        return r;
}

static int attach_once(const struct sandbox_environment *environment, const char *id,
                       const struct sandbox_attach *attach, struct session_life *life, int64_t *deadline,
                       struct found *found, json_t **out, struct error *error) {
        _cleanup_session_ struct session session = SESSION_INIT(environment);
        _cleanup_(attachment_clear) struct attachment attachment = {.options = attach};
        int64_t begin_of_wait;
        bool living;
        int r;

        r = find(environment, id, attach, life, *deadline, found, error);
        if (r < 0)
                return r;
        begin_of_wait = monotonic_ms();
        r = begin(&session, id, life, found, &living, error);
        /* The wait for the lock has its own deadline and does not count. */
        *deadline += monotonic_ms() - begin_of_wait;
        if (r != 0)
                return r;
        if (living && pinning_copy(&session.state->vmm.pinning, &attachment.recorded) < 0)
                return error_oom(error);
        r = session_finish(&session, attach_found(&session, &attachment, found, error), error);
        if (r < 0)
                return r;
        *out = describe(&session.state->vmm, &attachment.pins);
        return *out ? 0 : error_oom(error);
}

/* Waits for the socket, if one was named, after checking that the sandbox exists and that the VMM may be its own. */
static int connect_qmp(const struct sandbox_environment *environment, const char *id,
                       const struct sandbox_attach *attach, struct session_life *life, int64_t deadline,
                       struct found *found, struct error *error) {
        _cleanup_session_ struct session peeked = SESSION_INIT(environment);
        struct process *living;
        int r;

        if (!attach->qmp && attach->qmp_fd < 0)
                return 0;
        r = peek(&peeked, id, life, found, &living, error);
        if (r < 0)
                return r;
        return attach->qmp ? qmp_connect(attach->qmp, deadline, environment->log, &found->qmp, error)
                           : qmp_adopt(attach->qmp_fd, deadline, environment->log, &found->qmp, error);
}

int sandbox_attach(const struct sandbox_environment *environment, const char *id,
                   const struct sandbox_attach *attach, json_t **out, struct error *error) {
        _cleanup_(found_clear) struct found found = {
                .not_held = ERROR_INIT,
                .source = attach->vmm_pid != 0 ? "--vmm-pid"
                          : attach->qmp        ? "--qmp"
                                               : "--qmp-fd",
        };
        int64_t deadline = monotonic_ms() + (int64_t)attach->timeout * 1000;
        struct session_life life = {0};
        int r;

        r = session_check(id, error);
        if (r < 0)
                return r;
        /* Opened before the command waits for anything. */
        if (attach->vmm_pid != 0)
                (void)hold_vmm(attach->vmm_pid, &found, &found.not_held);
        r = connect_qmp(environment, id, attach, &life, deadline, &found, error);
        if (r < 0)
                return r;
        do
                r = attach_once(environment, id, attach, &life, &deadline, &found, out, error);
        while (r == ATTACH_E_OUTDATED);
        return r;
}
