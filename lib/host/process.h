/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * A process
 *
 * A pid never travels alone: a process that is held has a pidfd and an open /proc/PID, both of which stop answering when
 * it ends, so that whoever gets the pid next is never mistaken for it. One that a state has recorded is known by its pid
 * and start time, until process_recall() holds it.
 *
 * The kernel's files (cgroup.procs) and sched_setaffinity(2) take numbers all the same. So whoever moves or pins looks
 * before and afterwards whether the number still is the process's, or its thread's.
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
        char *former; /* owned; the text of its /proc/PID/cgroup before it was moved; NULL: not looked at */
};

/* What is wrong without being an error. */
enum {
        PROCESS_E_GONE = 1, /* it has ended, or there never was such a process */
};

/* Status 1 where the kernel cannot hold processes: pidfd_open(2) came with Linux 5.3. */
int process_check_kernel(struct error *error);

/* Takes hold of a living process, and looks where it is. A pid that is nobody's, a mere thread's or a kernel thread's is
 * refused (status 5, field `source`, for example "--vmm-pid"). */
int process_new(pid_t pid, const char *source, struct process **out, struct error *error);

/* The calling process. */
int process_self(struct process **out, struct error *error);

/* A process as a state has it. NULL without memory. */
struct process *process_recorded(pid_t pid, uint64_t start_time, const char *former);

struct process *process_free(struct process *process);
DEFINE_CLEANUP(struct process *, process_free)

/* Holds a recorded process: 0, or PROCESS_E_GONE where the pid is not this process's any more. One that is held already
 * is asked whether it is alive. Errors: status 1. */
int process_recall(struct process *process, struct error *error);

/* Reads anew where it is. 0, PROCESS_E_GONE, or an error. */
int process_look(struct process *process, struct error *error);

/* Of a held process: false once it has ended, zombie included. */
bool process_is_alive(const struct process *process);

/* Whether both are the same process; by pid and start time. Either may be NULL, which is none. */
bool process_is(const struct process *a, const struct process *b);

/* Whether `tid` is at this moment one of its threads. */
bool process_has_thread(const struct process *process, pid_t tid);

/* The text of one of its threads' /proc/PID/task/TID/cgroup. 0, PROCESS_E_GONE, or a negative errno without an error
 * set. */
int process_thread_cgroup(const struct process *process, pid_t tid, char **out);

/* A thread, and what it is called in the pid namespace of its process, which gettid(2) tells there. */
struct thread_name {
        pid_t tid, inner;
};

/* The threads of a process in a pid namespace of its own, by ascending `inner`. `*out` is a new array; NULL, with a count
 * of 0, for a process that is in the namespace of the caller, where both numbers are the same. Errors: status 1. */
int process_inner_threads(const struct process *process, struct thread_name **out, size_t *count,
                          struct error *error);

/* Whether its executable has this name (proc_pid_exe(5)), also one that was replaced meanwhile. */
bool process_is_program(const struct process *process, const char *name);

/* Waits for its end. False: it still lives after so many milliseconds. */
bool process_wait(const struct process *process, int timeout_ms);

/* Waits until one of the processes with these pids has ended, at most `timeout_ms`. */
void process_wait_any(const struct pid_set *pids, int timeout_ms);

/* Takes hold of a process that the kernel has named, as a member of a group, without looking at what it is. 0,
 * PROCESS_E_GONE, or a negative errno without an error set. */
int process_hold(pid_t pid, struct process **out);

/* Sends SIGKILL to a held process. 0, PROCESS_E_GONE where it has ended, or a negative errno without an error set. */
int process_kill(const struct process *process);
