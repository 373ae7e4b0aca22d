/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* Processes and threads as /proc shows them, and sets of their IDs. */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "util/cleanup.h"
#include "util/error.h"

/* A set of process or thread IDs, ascending. */
struct pid_set {
        pid_t *pids;
        size_t count;
};

void pid_set_clear(struct pid_set *set);
#define _cleanup_pid_set_ _cleanup_(pid_set_clear)

/* Returns 0 or -ENOMEM. */
int pid_set_add(struct pid_set *set, pid_t pid);
bool pid_set_contains(const struct pid_set *set, pid_t pid);

/* Adds the numbers of a cgroup.procs, tasks or cgroup.threads text. A 0 (a process of another pid
 * namespace) is skipped. Returns 0 or -ENOMEM. */
int pid_set_add_text(struct pid_set *set, const char *text);

/* "12 (qemu-system-x86), 13 (sh)": at most eight, then "and N more". A new string or NULL. */
char *pid_set_describe(const struct pid_set *set);

/* The text of /proc/PID/cgroup (pid may be a thread's). Returns 0, or a negative errno: -ESRCH if there is no such
 * task. */
int proc_read_cgroup(pid_t pid, char **out);

/* The text of /proc/PID/status (pid may be a thread's). Returns 0, or a negative errno: -ESRCH if there is no such
 * task. */
int proc_read_status(pid_t pid, char **out);

/* What a /proc/PID/stat tells (proc_pid_stat(5)). */
struct proc_stat {
        pid_t parent;
        bool kernel_thread;
        uint64_t start_time; /* ticks since boot; pid and start time identify a process until the next boot */
};

/* From its text. Returns 0 or -EIO. */
int proc_stat_parse(const char *text, struct proc_stat *out);

/* Of a process. Returns 0, or a negative errno: -ESRCH if there is no such task. */
int proc_read_stat(pid_t pid, struct proc_stat *out);

/* The kernel's random name for this boot (/proc/sys/kernel/random/boot_id, random(4)). Returns 0 or a negative errno. */
#define BOOT_ID_SIZE sizeof("01234567-89ab-cdef-0123-456789abcdef")
int proc_boot_id(char out[BOOT_ID_SIZE]);

/* The calling process and all its ancestors. Returns 0 or a negative errno. */
int proc_self_and_ancestors(struct pid_set *out);
