/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The vCPU threads of a VMM
 *
 * Subtle: the VMM runs the tenant's code, so a thread ID that it reports may be that of any process. An answer
 * with a thread that is not the VMM's is refused as a whole.
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
#include "util/text.h"
#include "util/timestamp.h"
#include "util/waiting.h"

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

struct vcpus *vcpus_copy(const struct vcpus *vcpus) {
        struct vcpus *copy = vcpus_new(vcpus->count);

        if (!copy)
                return NULL;
        for (size_t i = 0; i < vcpus->count; i++)
                copy->vcpus[copy->count++] = vcpus->vcpus[i];
        return copy;
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

/* Sorts the list by index and refuses duplicates. `field` is the source of the threads. */
static int check_unique(struct vcpus *vcpus, const char *field, struct error *error) {
        qsort(vcpus->vcpus, vcpus->count, sizeof(*vcpus->vcpus), compare_tid);
        for (size_t i = 1; i < vcpus->count; i++)
                if (vcpus->vcpus[i].tid == vcpus->vcpus[i - 1].tid)
                        return error_refuse(error, field, "thread %d is named for two vCPUs",
                                            vcpus->vcpus[i].tid);
        qsort(vcpus->vcpus, vcpus->count, sizeof(*vcpus->vcpus), compare_index);
        for (size_t i = 1; i < vcpus->count; i++)
                if (vcpus->vcpus[i].index == vcpus->vcpus[i - 1].index)
                        return error_refuse(error, field, "vCPU %u is named twice", vcpus->vcpus[i].index);
        return 0;
}

static int parse_number(const json_t *entry, const char *field, size_t i, const char *member, json_int_t min,
                        json_int_t max, json_int_t *out, struct error *error) {
        const json_t *value = json_object_get(entry, member);
        char path[64];

        (void)snprintf(path, sizeof(path), "%s[%zu].%s", field, i, member);
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

static int fail_too_many(const char *field, struct error *error) {
        return error_refuse(error, field, "more than %d vCPUs", VCPUS_MAX);
}

int vcpus_parse(const json_t *answer, const char *field, struct vcpus **out, struct error *error) {
        _cleanup_(vcpus_freep) struct vcpus *vcpus = NULL;
        const json_t *entry;
        size_t i;
        int r;

        if (!json_is_array(answer))
                return error_refuse(error, field, "not an array");
        if (json_array_size(answer) > VCPUS_MAX)
                return fail_too_many(field, error);
        vcpus = vcpus_new(json_array_size(answer));
        if (!vcpus)
                return error_oom(error);
        json_array_foreach((json_t *)answer, i, entry) {
                json_int_t index = 0, tid = 0;

                r = parse_number(entry, field, i, "cpu-index", 0, INT_MAX, &index, error);
                if (r == 0)
                        r = parse_number(entry, field, i, "thread-id", 1, INT_MAX, &tid, error);
                if (r < 0)
                        return r;
                vcpus->vcpus[vcpus->count++] = (struct vcpu){(unsigned)index, (pid_t)tid};
        }
        r = check_unique(vcpus, field, error);
        if (r < 0)
                return r;
        *out = TAKE(vcpus);
        return 0;
}

int vcpus_parse_answer(const char *text, size_t size, const char *field, struct vcpus **out,
                       struct error *error) {
        _cleanup_json_ json_t *answer = NULL;
        _cleanup_free_ char *path = NULL;
        const char *description;
        json_error_t json_error;

        answer = json_loadb(text, size, JSON_REJECT_DUPLICATES, &json_error);
        if (!answer)
                return error_refuse(error, field, "invalid JSON: %s", json_error.text);
        if (json_is_array(answer))
                return vcpus_parse(answer, field, out, error);
        description = json_string_value(json_object_get(json_object_get(answer, "error"), "desc"));
        if (description)
                return error_refuse(error, field, "QEMU has answered with an error: %s", description);
        if (asprintf(&path, "%s return", field) < 0) {
                path = NULL;
                return error_oom(error);
        }
        return vcpus_parse(json_object_get(answer, "return"), path, out, error);
}

/* "INDEX:TID" */
static bool parse_pair(const char *text, struct vcpu *out) {
        const char *colon = strchr(text, ':');
        _cleanup_free_ char *digits = colon ? strndup(text, (size_t)(colon - text)) : NULL;
        uint32_t index;

        if (!digits || number_parse_u32(digits, &index) < 0 || index > INT_MAX ||
            number_parse_pid(colon + 1, &out->tid) < 0)
                return false;
        out->index = index;
        return true;
}

int vcpus_parse_pairs(const char *const *pairs, size_t count, const char *field, struct vcpus **out,
                      struct error *error) {
        _cleanup_(vcpus_freep) struct vcpus *vcpus = NULL;
        int r;

        if (count > VCPUS_MAX)
                return fail_too_many(field, error);
        vcpus = vcpus_new(count);
        if (!vcpus)
                return error_oom(error);
        for (size_t i = 0; i < count; i++)
                if (!parse_pair(pairs[i], &vcpus->vcpus[vcpus->count++]))
                        return error_refuse(error, field, "\"%s\" is not INDEX:TID", pairs[i]);
        r = check_unique(vcpus, field, error);
        if (r < 0)
                return r;
        *out = TAKE(vcpus);
        return 0;
}

/* The caller's ID of the thread with ID `inner` in the VMM's namespace; 0 if there is none. */
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

/* With `inner`, translates the VMM's thread IDs to the caller's; refuses threads that are not the VMM's. */
static int resolve_threads(struct vcpus *vcpus, const struct process *vmm, bool inner, const char *field,
                           const char *advice, struct error *error) {
        _cleanup_free_ struct thread_name *names = NULL;
        size_t count = 0;
        int r;

        r = inner ? process_inner_threads(vmm, &names, &count, error) : 0;
        if (r < 0)
                return r;
        for (size_t i = 0; i < vcpus->count; i++) {
                pid_t named = vcpus->vcpus[i].tid, tid = names ? find_inner(names, count, named) : named;

                if (tid == 0 || !process_has_thread(vmm, tid))
                        return error_refuse(error, field,
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
        } patterns[] = {
                {"vcpu", ""},     {"fc_vcpu ", ""}, {"CPU ", "/KVM"},
                {"CPU ", "/TCG"}, {"db_vcpu", ""},  {"vp-", ""},
        };

        for (size_t i = 0; i < ARRAY_SIZE(patterns); i++) {
                size_t prefix = strlen(patterns[i].prefix), suffix = strlen(patterns[i].suffix);
                size_t length = strlen(name);
                _cleanup_free_ char *digits = NULL;
                uint32_t index;

                if (length <= prefix + suffix || strncmp(name, patterns[i].prefix, prefix) != 0 ||
                    !text_has_suffix(name, patterns[i].suffix))
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
                return 0; /* the thread has just ended */
        file_chomp(name);
        index = vcpus_index_from_name(name);
        if (index < 0)
                return 0;
        if (vcpus->count == VCPUS_MAX)
                return error_refuse(error, "--vmm-pid", "more than %d vCPU threads", VCPUS_MAX);
        vcpus->vcpus[vcpus->count++] = (struct vcpu){(unsigned)index, tid};
        return 0;
}

/* A new thread has its creator's name until it sets its own, so two threads with one name may be temporary. */
static int check_names(struct vcpus *vcpus, const struct process *vmm, struct error *error) {
        qsort(vcpus->vcpus, vcpus->count, sizeof(*vcpus->vcpus), compare_index);
        for (size_t i = 1; i < vcpus->count; i++) {
                const struct vcpu *vcpu = &vcpus->vcpus[i];

                if (vcpu->index != vcpu[-1].index)
                        continue;
                (void)error_refuse(error, "--vmm-pid",
                                   "the threads %d and %d of process %d have both the name of vCPU %u",
                                   vcpu[-1].tid, vcpu->tid, vmm->pid, vcpu->index);
                return -EAGAIN;
        }
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
                r = check_names(vcpus, vmm, error);
        if (r < 0)
                return r;
        *out = TAKE(vcpus);
        return 0;
}

static int ask_qmp(const struct vcpus_source *source, const struct process *vmm, int64_t deadline,
                   struct vcpus **out, struct error *error) {
        _cleanup_(vcpus_freep) struct vcpus *vcpus = NULL;
        _cleanup_json_ json_t *answer = NULL;
        int r;

        r = qmp_execute(source->qmp, "query-cpus-fast", deadline, &answer, error);
        if (r == 0)
                r = vcpus_parse(answer, "QMP return", &vcpus, error);
        if (r == 0)
                r = resolve_threads(vcpus, vmm, true, "QMP", source->advice, error);
        if (r != 0)
                return r;
        *out = TAKE(vcpus);
        return 0;
}

static int take_given(const struct vcpus_given *given, const struct process *vmm, struct vcpus **out,
                      struct error *error) {
        _cleanup_(vcpus_freep) struct vcpus *vcpus = vcpus_copy(given->vcpus);
        int r = vcpus ? resolve_threads(vcpus, vmm, given->inner, given->option, NULL, error)
                      : error_oom(error);

        if (r < 0)
                return r;
        *out = TAKE(vcpus);
        return 0;
}

/* -EAGAIN: another try may succeed. */
static int look(const struct vcpus_source *source, const struct process *vmm, int64_t deadline,
                struct vcpus **out, struct error *error) {
        if (source->given)
                return take_given(source->given, vmm, out, error);
        return source->qmp ? ask_qmp(source, vmm, deadline, out, error) : read_names(vmm, out, error);
}

int vcpus_find(const struct vcpus_source *source, const struct process *vmm, unsigned expect, int64_t deadline,
               struct vcpus **out, struct error *error) {
        struct waiting waiting = waiting_begin(source->log);
        size_t wanted = expect > 0 ? expect : 1;
        int pause_ms = PAUSE_FIRST_MS;

        for (;;) {
                _cleanup_(vcpus_freep) struct vcpus *vcpus = NULL;
                _cleanup_error_ struct error cause = ERROR_INIT;
                int r = look(source, vmm, deadline, &vcpus, &cause);
                bool again = !source->given && (expect > 0 || (r == -EAGAIN && !source->qmp));

                if (r == 0 && vcpus->count >= wanted) {
                        *out = TAKE(vcpus);
                        return 0;
                }
                if (r == 0 || r == -EAGAIN) {
                        if (!process_is_alive(vmm))
                                return error_fail(error, ESRCH, "the VMM, process %d, has ended", vmm->pid);
                        if (again && deadline_pause(waiting_until(&waiting, deadline), &pause_ms, INT_MAX)) {
                                if (waiting_is_due(&waiting))
                                        waiting_say(&waiting, "vCPUs: %zu of %zu of process %d",
                                                    r == 0 ? vcpus->count : 0, wanted, vmm->pid);
                                continue;
                        }
                }
                if (r == 0)
                        return error_fail(error, 0, "process %d has %zu vCPU threads%s, %zu were expected",
                                          vmm->pid, vcpus->count, source->given ? " that were named" : "",
                                          wanted);
                error_move(error, &cause);
                return r;
        }
}
