/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * A process
 *
 * A pid is never used alone. A held process has a pidfd and an open /proc/PID. Both stop answering when it ends, so a later
 * process with the same pid is never mistaken for it. A process that a state has recorded is identified by pid and start
 * time, until process_recall() holds it.
 *
 * cgroup.procs and sched_setaffinity(2) take only numbers. So code that moves or pins a task checks before and afterwards
 * that the number belongs to the process or to its thread.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "host/proc.h"
#include "util/cleanup.h"
#include "util/error.h"

struct process {
        pid_t pid;
        int pidfd;           /* -1: recorded, not held */
        int proc_fd;         /* /proc/PID; -1 likewise */
        uint64_t start_time; /* ticks since the boot, field 22 of proc_pid_stat(5) */
        char *former;        /* owned; the text of its /proc/PID/cgroup before it was moved; NULL: not read */
};

/* Results that are not errors. */
enum {
        PROCESS_E_GONE = 1, /* it has ended, or never existed */
};

/* Status 1 if the kernel has no pidfd_open(2) (Linux 5.3). */
int process_check_kernel(struct error *error);

/* Status 1 where the caller does not see all processes, all control groups or all marks of groups: outside of the initial pid,
 * cgroup and user namespaces, or without CAP_SYS_ADMIN, without which trusted.* attributes seem to be absent (xattr(7)). */
int process_check_sees_all(struct error *error);

/* Opens a living process, and reads which groups it is in. Refused (status 5, field `source`, for example "--vmm-pid"): a pid
 * without a process, a thread that is not the main thread, and a kernel thread. */
int process_new(pid_t pid, const char *source, struct process **out, struct error *error);

/* The calling process. */
int process_self(struct process **out, struct error *error);

/* A process from a state, not held. NULL without memory. */
struct process *process_recorded(pid_t pid, uint64_t start_time, const char *former);

struct process *process_free(struct process *process);
DEFINE_CLEANUP(struct process *, process_free)

/* Opens a recorded process: 0, or PROCESS_E_GONE if the pid no longer belongs to it. For a held process it checks whether it is
 * alive. Errors: status 1. */
int process_recall(struct process *process, struct error *error);

/* Reads again which groups it is in. 0, PROCESS_E_GONE, or an error. */
int process_look(struct process *process, struct error *error);

/* Of a held process: false once it has ended, zombie included. */
bool process_is_alive(const struct process *process);

/* Whether both are the same process, by pid and start time. False if one is NULL. */
bool process_is(const struct process *a, const struct process *b);

/* Whether `tid` is at this moment one of its threads. */
bool process_has_thread(const struct process *process, pid_t tid);

/* The text of one of its threads' /proc/PID/task/TID/cgroup. 0, PROCESS_E_GONE, or a negative errno without an error
 * set. */
int process_thread_cgroup(const struct process *process, pid_t tid, char **out);

/* A thread's ID for the caller, and its ID in the pid namespace of its process, as gettid(2) returns it there. */
struct thread_name {
        pid_t tid, inner;
};

/* The threads of a process in another pid namespace, by ascending `inner`. `*out` is a new array, or NULL with a count of 0
 * for a process in the caller's namespace, where both IDs are the same. Errors: status 1. */
int process_inner_threads(const struct process *process, struct thread_name **out, size_t *count,
                          struct error *error);

/* Whether its executable has this name (proc_pid_exe(5)), also if the file was replaced since. */
bool process_is_program(const struct process *process, const char *name);

/* Waits for its end. False if it is still alive after `timeout_ms`. */
bool process_wait(const struct process *process, int timeout_ms);

/* Waits until one of the processes with these pids has ended, at most `timeout_ms`. */
void process_wait_any(const struct pid_set *pids, int timeout_ms);

/* Opens a process that the kernel has listed as a member of a group, without examining it. 0, PROCESS_E_GONE, or a negative
 * errno without an error set. */
int process_hold(pid_t pid, struct process **out);

/* Sends SIGKILL to a held process. 0, PROCESS_E_GONE if it has ended, or a negative errno without an error set. */
int process_kill(const struct process *process);
