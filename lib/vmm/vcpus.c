/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The vCPU threads of a VMM
 *
 * Subtle: the VMM runs the tenant's code, so a thread ID that it names may be anybody's. One that is not a
 * thread of the VMM process fails the whole answer: a part of it is not better than none.
 */
#include "vmm/vcpus.h"

#include <dirent.h>
#include <errno.h>
#include <inttypes.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "util/file.h"
#include "util/number.h"
#include "util/timestamp.h"

#define PAUSE_FIRST_MS 50

struct vcpus *vcpus_free(struct vcpus *vcpus) {
        if (!vcpus)
                return NULL;
        free(vcpus->vcpus);
        free(vcpus);
        return NULL;
}

static struct vcpus *vcpus_new(size_t capacity) {
        struct vcpus *vcpus = calloc(1, sizeof(*vcpus));

        if (!vcpus)
                return NULL;
        vcpus->vcpus = calloc(capacity + 1, sizeof(*vcpus->vcpus));
        return vcpus->vcpus ? vcpus : vcpus_free(vcpus);
}

static int compare_index(const void *a, const void *b) {
        const struct vcpu *first = a, *second = b;

        return (first->index > second->index) - (first->index < second->index);
}

static int compare_tid(const void *a, const void *b) {
        const struct vcpu *first = a, *second = b;

        return (first->tid > second->tid) - (first->tid < second->tid);
}

bool vcpus_equal(const struct vcpus *a, const struct vcpus *b) {
        size_t count = a ? a->count : 0;

        if (count != (b ? b->count : 0))
                return false;
        for (size_t i = 0; i < count; i++)
                if (a->vcpus[i].index != b->vcpus[i].index || a->vcpus[i].tid != b->vcpus[i].tid)
                        return false;
        return true;
}

/* Refuses doubles, and leaves the list sorted by index. */
static int check_unique(struct vcpus *vcpus, struct error *error) {
        qsort(vcpus->vcpus, vcpus->count, sizeof(*vcpus->vcpus), compare_tid);
        for (size_t i = 1; i < vcpus->count; i++)
                if (vcpus->vcpus[i].tid == vcpus->vcpus[i - 1].tid)
                        return error_refuse(error, "QMP", "thread %d is named for two vCPUs",
                                            vcpus->vcpus[i].tid);
        qsort(vcpus->vcpus, vcpus->count, sizeof(*vcpus->vcpus), compare_index);
        for (size_t i = 1; i < vcpus->count; i++)
                if (vcpus->vcpus[i].index == vcpus->vcpus[i - 1].index)
                        return error_refuse(error, "QMP", "vCPU %u is named twice", vcpus->vcpus[i].index);
        return 0;
}

static int parse_number(const json_t *entry, size_t i, const char *member, json_int_t min, json_int_t max,
                        json_int_t *out, struct error *error) {
        const json_t *value = json_object_get(entry, member);
        char path[64];

        (void)snprintf(path, sizeof(path), "QMP return[%zu].%s", i, member);
        if (!json_is_integer(value))
                return error_refuse(error, path, "not an integer");
        *out = json_integer_value(value);
        if (*out < min || *out > max)
                return error_refuse(error, path,
                                    "%" JSON_INTEGER_FORMAT " is not between %" JSON_INTEGER_FORMAT
                                    " and %" JSON_INTEGER_FORMAT,
                                    *out, min, max);
        return 0;
}

int vcpus_parse(const json_t *answer, struct vcpus **out, struct error *error) {
        _cleanup_(vcpus_freep) struct vcpus *vcpus = NULL;
        const json_t *entry;
        size_t i;
        int r;

        if (!json_is_array(answer))
                return error_refuse(error, "QMP return", "not an array");
        if (json_array_size(answer) > VCPUS_MAX)
                return error_refuse(error, "QMP return", "more than %d vCPUs", VCPUS_MAX);
        vcpus = vcpus_new(json_array_size(answer));
        if (!vcpus)
                return error_oom(error);
        json_array_foreach((json_t *)answer, i, entry) {
                json_int_t index = 0, tid = 0;

                r = parse_number(entry, i, "cpu-index", 0, INT_MAX, &index, error);
                if (r == 0)
                        r = parse_number(entry, i, "thread-id", 1, INT_MAX, &tid, error);
                if (r < 0)
                        return r;
                vcpus->vcpus[vcpus->count++] = (struct vcpu){(unsigned)index, (pid_t)tid};
        }
        r = check_unique(vcpus, error);
        if (r < 0)
                return r;
        *out = TAKE(vcpus);
        return 0;
}

/* The thread's ID here, of one that is called `inner` in the VMM's own namespace; 0 where there is none. */
static pid_t find_inner(const struct thread_name *threads, size_t count, pid_t inner) {
        size_t low = 0, high = count;

        while (low < high) {
                size_t middle = low + (high - low) / 2;

                if (threads[middle].inner < inner)
                        low = middle + 1;
                else
                        high = middle;
        }
        return low < count && threads[low].inner == inner ? threads[low].tid : 0;
}

/* Makes the VMM's names of its threads ours, and refuses what is not its thread. */
static int resolve_threads(struct vcpus *vcpus, const struct process *vmm, const char *advice,
                           struct error *error) {
        _cleanup_free_ struct thread_name *inner = NULL;
        size_t count;
        int r;

        r = process_inner_threads(vmm, &inner, &count, error);
        if (r < 0)
                return r;
        for (size_t i = 0; i < vcpus->count; i++) {
                pid_t named = vcpus->vcpus[i].tid, tid = inner ? find_inner(inner, count, named) : named;

                if (tid == 0 || !process_has_thread(vmm, tid))
                        return error_refuse(error, "QMP",
                                            "thread %d of vCPU %u is not a thread of the VMM, process %d%s%s",
                                            named, vcpus->vcpus[i].index, vmm->pid, advice ? "; " : "",
                                            advice ? advice : "");
                vcpus->vcpus[i].tid = tid;
        }
        return 0;
}

int vcpus_index_from_name(const char *name) {
        static const struct {
                const char *prefix, *suffix;
        } patterns[] = {{"vcpu", ""}, {"fc_vcpu ", ""}, {"CPU ", "/KVM"}, {"CPU ", "/TCG"}};

        for (size_t i = 0; i < ARRAY_SIZE(patterns); i++) {
                size_t prefix = strlen(patterns[i].prefix), suffix = strlen(patterns[i].suffix);
                size_t length = strlen(name);
                _cleanup_free_ char *digits = NULL;
                uint32_t index;

                if (length <= prefix + suffix || strncmp(name, patterns[i].prefix, prefix) != 0 ||
                    strcmp(name + length - suffix, patterns[i].suffix) != 0)
                        continue;
                digits = strndup(name + prefix, length - prefix - suffix);
                if (digits && number_parse_u32(digits, &index) == 0 && index <= INT_MAX)
                        return (int)index;
        }
        return -1;
}

/* Adds the thread if its name is a vCPU's. */
static int add_thread(const struct process *vmm, const char *tid_text, struct vcpus *vcpus,
                      struct error *error) {
        char path[64];
        _cleanup_free_ char *name = NULL;
        pid_t tid;
        int index;

        if (number_parse_pid(tid_text, &tid) < 0)
                return 0;
        (void)snprintf(path, sizeof(path), "task/%d/comm", tid);
        if (file_read_at(vmm->proc_fd, path, FILE_SIZE_MAX, &name, NULL) < 0)
                return 0; /* it has just ended */
        file_chomp(name);
        index = vcpus_index_from_name(name);
        if (index < 0)
                return 0;
        if (vcpus->count == VCPUS_MAX)
                return error_refuse(error, "--vmm-pid", "more than %d vCPU threads", VCPUS_MAX);
        vcpus->vcpus[vcpus->count++] = (struct vcpu){(unsigned)index, tid};
        return 0;
}

static int read_names(const struct process *vmm, struct vcpus **out, struct error *error) {
        _cleanup_(vcpus_freep) struct vcpus *vcpus = vcpus_new(VCPUS_MAX);
        struct dirent *entry;
        DIR *stream;
        int r = 0;

        if (!vcpus)
                return error_oom(error);
        stream = file_open_stream(vmm->proc_fd, "task");
        if (!stream)
                return error_fail(error, errno, "threads of process %d", vmm->pid);
        while (r == 0 && (entry = readdir(stream)))
                r = add_thread(vmm, entry->d_name, vcpus, error);
        (void)closedir(stream);
        if (r == 0)
                r = check_unique(vcpus, error);
        if (r < 0)
                return r;
        *out = TAKE(vcpus);
        return 0;
}

/* Who is asked for the threads. */
struct source {
        struct qmp *qmp; /* NULL: the threads' names */
        const struct process *vmm;
        const char *advice;
};

static int ask_qmp(const struct source *source, int64_t deadline, struct vcpus **out, struct error *error) {
        _cleanup_(vcpus_freep) struct vcpus *vcpus = NULL;
        _cleanup_json_ json_t *answer = NULL;
        int r;

        r = qmp_execute(source->qmp, "query-cpus-fast", deadline, &answer, error);
        if (r == 0)
                r = vcpus_parse(answer, &vcpus, error);
        if (r == 0)
                r = resolve_threads(vcpus, source->vmm, source->advice, error);
        if (r != 0)
                return r;
        *out = TAKE(vcpus);
        return 0;
}

/* Without --expect one look is enough, and no vCPU at all is an error at once. */
static int ask_until(const struct source *source, unsigned expect, int64_t deadline, struct vcpus **out,
                     struct error *error) {
        size_t wanted = expect > 0 ? expect : 1;
        int pause_ms = PAUSE_FIRST_MS;

        for (;;) {
                _cleanup_(vcpus_freep) struct vcpus *vcpus = NULL;
                pid_t pid = source->vmm->pid;
                int r;

                r = source->qmp ? ask_qmp(source, deadline, &vcpus, error)
                                : read_names(source->vmm, &vcpus, error);
                if (r < 0)
                        return r;
                if (vcpus->count >= wanted) {
                        *out = TAKE(vcpus);
                        return 0;
                }
                if (!process_is_alive(source->vmm))
                        return error_fail(error, ESRCH, "the VMM, process %d, has ended", pid);
                if (expect == 0 || !deadline_pause(deadline, &pause_ms, INT_MAX))
                        return error_fail(error, 0, "process %d has %zu vCPU threads, %zu were expected", pid,
                                          vcpus->count, wanted);
        }
}

int vcpus_from_qmp(struct qmp *qmp, const struct process *vmm, const char *advice, unsigned expect,
                   int64_t deadline, struct vcpus **out, struct error *error) {
        const struct source source = {qmp, vmm, advice};

        return ask_until(&source, expect, deadline, out, error);
}

int vcpus_from_names(const struct process *vmm, unsigned expect, int64_t deadline, struct vcpus **out,
                     struct error *error) {
        const struct source source = {NULL, vmm, NULL};

        return ask_until(&source, expect, deadline, out, error);
}
