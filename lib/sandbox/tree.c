/* SPDX-License-Identifier: Apache-2.0 */
/*
 * inspect --tree: what inspect tells, with the names of the processes and threads in each group
 *
 * Subtle: what a thread is called is the VMM's own choice, and the VMM is not trusted: nothing of it may drive a terminal. And
 * a task may end, and its ID be another's, between the kernel's list and the look at its name; that is shown as it is
 * found, since nothing is done with it.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "sandbox/session.h"
#include "util/text.h"

struct task {
        pid_t process;
        char *name; /* owned */
};

static void task_clear(struct task *task) {
        free(task->name);
}

#define NAME "Name:\t"

/* 0, or -ENOMEM. Without such a task any more, its name is NULL. */
static int look_at(pid_t tid, struct task *out) {
        _cleanup_free_ char *text = NULL, *name = NULL;
        const char *process;
        int group;

        if (proc_read_status(tid, &text) < 0 || strncmp(text, NAME, strlen(NAME)) != 0)
                return 0;
        process = strstr(text, "\nTgid:");
        if (!process || sscanf(process, "\nTgid: %d", &group) != 1)
                return 0;
        name = strndup(text + strlen(NAME), strcspn(text + strlen(NAME), "\n"));
        out->name = name ? text_one_line(name, TEXT_PART_MAX) : NULL;
        out->process = group;
        return out->name ? 0 : -ENOMEM;
}

/* The index of a recorded vCPU, and where it may run; NULL for other threads. */
static const json_t *find_vcpu(const json_t *sandbox, pid_t tid) {
        const json_t *vcpu;
        size_t i;

        json_array_foreach(json_object_get(json_object_get(sandbox, "vmm"), "vcpus"), i, vcpu) {
                if (json_integer_value(json_object_get(vcpu, "tid")) == tid)
                        return vcpu;
        }
        return NULL;
}

/* The entry of a process in `members`, made where there is none; borrowed. */
static json_t *find_process(json_t *members, const json_t *sandbox, pid_t pid) {
        json_int_t vmm = json_integer_value(json_object_get(json_object_get(sandbox, "vmm"), "pid"));
        _cleanup_(task_clear) struct task task = {0};
        json_t *process;
        size_t i;

        json_array_foreach(members, i, process) {
                if (json_integer_value(json_object_get(process, "pid")) == pid)
                        return process;
        }
        if (look_at(pid, &task) < 0)
                return NULL;
        process = json_pack("{s:i, s:s, s:b, s:[]}", "pid", pid, "name", task.name ? task.name : "?", "vmm",
                            vmm == pid, "threads");
        return process && json_array_append_new(members, process) == 0 ? process : NULL;
}

static int add_thread(json_t *members, const json_t *sandbox, pid_t tid) {
        const json_t *vcpu = find_vcpu(sandbox, tid);
        _cleanup_(task_clear) struct task task = {0};
        json_t *process;
        int r;

        r = look_at(tid, &task);
        if (r < 0 || !task.name)
                return r;
        process = find_process(members, sandbox, task.process);
        if (!process)
                return -ENOMEM;
        return json_array_append_new(json_object_get(process, "threads"),
                                     json_pack("{s:i, s:s, s:O?, s:O?}", "tid", tid, "name", task.name, "vcpu",
                                               json_object_get(vcpu, "index"), "cpus",
                                               json_object_get(vcpu, "cpus"))) < 0
                       ? -ENOMEM
                       : 0;
}

/* Adds "members" to one group: its processes, with those of their threads that are in it. */
static int add_members(json_t *group, const json_t *sandbox) {
        json_t *members = json_array(), *tid;
        size_t i;

        if (json_object_set_new(group, "members", members) < 0)
                return -ENOMEM;
        json_array_foreach(json_object_get(group, "threads"), i, tid) {
                int r = add_thread(members, sandbox, (pid_t)json_integer_value(tid));

                if (r < 0)
                        return r;
        }
        return 0;
}

int sandbox_tree(const struct sandbox_environment *environment, const char *id, json_t **out,
                 struct error *error) {
        static const char *const groups[] = {"sandbox", "vcpuSubtree", "overhead"};
        _cleanup_json_ json_t *sandbox = NULL;
        int r;

        r = sandbox_inspect(environment, id, true, &sandbox, error);
        for (size_t i = 0; r == 0 && i < ARRAY_SIZE(groups); i++) {
                json_t *group = json_object_get(sandbox, groups[i]);

                if (json_is_object(group) && add_members(group, sandbox) < 0)
                        r = error_oom(error);
        }
        if (r == 0)
                *out = TAKE(sandbox);
        return r;
}
