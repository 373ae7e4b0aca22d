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
#include <string.h>

#include "sandbox/session.h"
#include "vmm/affinity.h"

static int find_by_qmp(const struct sandbox_attach *attach, const struct log *log, int64_t deadline,
                       struct process **vmm, struct vcpus **vcpus, struct error *error) {
        _cleanup_(qmp_freep) struct qmp *qmp = NULL;
        pid_t peer, pid = attach->vmm_pid;
        int r;

        r = attach->qmp ? qmp_connect(attach->qmp, deadline, log, &qmp, error)
                        : qmp_adopt(attach->qmp_fd, deadline, log, &qmp, error);
        if (r < 0)
                return r;
        peer = qmp_peer(qmp);
        if (pid == 0 && peer == 0)
                return error_refuse(error, "--vmm-pid",
                                    "needed: the kernel does not tell the QMP socket's peer");
        if (pid != 0 && peer != 0 && pid != peer)
                return error_refuse(error, "--vmm-pid", "%d is not the QMP socket's peer, which is process %d",
                                    pid, peer);
        r = process_new(pid != 0 ? pid : peer, pid != 0 ? "--vmm-pid" : "--qmp", vmm, error);
        return r < 0 ? r : vcpus_from_qmp(qmp, *vmm, attach->expect, deadline, vcpus, error);
}

static int find(const struct sandbox_attach *attach, const struct log *log, struct process **vmm,
                struct vcpus **vcpus, struct error *error) {
        int64_t deadline = monotonic_ms() + (int64_t)attach->timeout * 1000;
        int r;

        if (attach->qmp || attach->qmp_fd >= 0)
                return find_by_qmp(attach, log, deadline, vmm, vcpus, error);
        r = process_new(attach->vmm_pid, "--vmm-pid", vmm, error);
        return r < 0 ? r : vcpus_from_names(*vmm, attach->expect, deadline, vcpus, error);
}

static int place(struct session *session, const struct task *vmm, bool threads, const struct vcpus *vcpus,
                 struct error *error) {
        _cleanup_free_ pid_t *tids = calloc(vcpus->count + 1, sizeof(*tids));
        int r;

        if (!tids)
                return error_oom(error);
        for (size_t i = 0; i < vcpus->count; i++)
                tids[i] = vcpus->vcpus[i].tid;
        if (threads)
                return manager_place_threads(session->sandbox, session->overhead, vmm, tids, vcpus->count,
                                             session->journal, error);
        r = session_place_process(session, vmm, error);
        if (r == 0 && session->sandbox->vcpu_subtree)
                r = manager_place_in_subtree(session->sandbox, tids, vcpus->count, session->journal, error);
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
        return json_pack("{s:i, s:s, s:o}", "vmmPid", vmm->pid, "placement",
                         vmm->threads ? "threads" : "process", "vcpus", vcpus);
}

static int attach_found(struct session *session, const struct sandbox_attach *attach, const struct process *vmm,
                        struct vcpus **vcpus, struct error *error) {
        bool threads = session->overhead && manager_can_place_threads(session->sandbox) &&
                       manager_can_place_threads(session->overhead);
        struct task task = {0};
        int r;

        r = task_read(vmm->pid, &task);
        if (r < 0)
                return error_fail(error, -r, "process %d", vmm->pid);
        r = place(session, &task, threads, *vcpus, error);
        if (r == 0)
                r = check_again(vmm, *vcpus, error);
        if (r == 0 && (attach->pin || session->state->vmm.pin))
                r = session_pin(session, *vcpus, error);
        if (r == 0) {
                vcpus_free(session->state->vmm.vcpus);
                session->state->vmm =
                        (struct sandbox_vmm){vmm->pid, task.start_time, threads || session->state->vcpu_subtree,
                                             attach->pin || session->state->vmm.pin, TAKE(*vcpus)};
        }
        task_clear(&task);
        return r;
}

/* The state as it was before, should it have been marked as changing. */
static int save(struct session *session, struct error *error) {
        session->state->phase = PHASE_READY;
        return store_save(&session->store, session->state, error);
}

int sandbox_attach(const struct sandbox_environment *environment, const char *id,
                   const struct sandbox_attach *attach, json_t **out, struct error *error) {
        _cleanup_session_ struct session session = {.store = STORE_INIT};
        _cleanup_(process_freep) struct process *vmm = NULL;
        _cleanup_(vcpus_freep) struct vcpus *vcpus = NULL;
        _cleanup_(state_freep) struct state *former = NULL;
        int r;

        r = session_open(&session, environment, id, error);
        if (r == 0)
                r = session_check_complete(&session, error);
        if (r == 0)
                r = store_load(&session.store, &former, error);
        if (r == 0)
                r = find(attach, environment->log, &vmm, &vcpus, error);
        if (r != 0)
                return r;
        r = attach_found(&session, attach, vmm, &vcpus, error);
        if (r == 0)
                r = session_update_paths(&session, error);
        if (r == 0)
                r = save(&session, error);
        if (r < 0) {
                journal_undo(session.journal, error);
                if (store_save(&session.store, former, NULL) < 0)
                        error_append(error, "the state could not be written either");
                return r;
        }
        *out = describe(&session.state->vmm);
        return *out ? 0 : error_oom(error);
}
