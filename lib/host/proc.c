/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Reading /proc, and sets of process IDs
 *
 * Subtle: the second field of /proc/PID/stat, the name, may contain blanks and parentheses, so the fields after it are found from the
 * last parenthesis on. A set is a sorted array.
 */
#include "host/proc.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "util/file.h"
#include "util/number.h"

/* PF_KTHREAD of the kernel's sched.h. It is not part of the kernel's ABI, but systemd's is_kernel_thread() relies on it too. */
#define STAT_KERNEL_THREAD 0x00200000UL

void pid_set_clear(struct pid_set *set) {
        free(set->pids);
        *set = (struct pid_set){0};
}

/* The index of `pid`, or the index at which it would be inserted. */
static size_t pid_set_find(const struct pid_set *set, pid_t pid) {
        size_t low = 0, high = set->count;

        while (low < high) {
                size_t middle = low + (high - low) / 2;

                if (set->pids[middle] < pid)
                        low = middle + 1;
                else
                        high = middle;
        }
        return low;
}

bool pid_set_contains(const struct pid_set *set, pid_t pid) {
        size_t i = pid_set_find(set, pid);

        return i < set->count && set->pids[i] == pid;
}

int pid_set_add(struct pid_set *set, pid_t pid) {
        size_t i = pid_set_find(set, pid);
        pid_t *larger;

        if (i < set->count && set->pids[i] == pid)
                return 0;
        larger = reallocarray(set->pids, set->count + 1, sizeof(*larger));
        if (!larger)
                return -ENOMEM;
        set->pids = larger;
        memmove(&larger[i + 1], &larger[i], (set->count - i) * sizeof(*larger));
        larger[i] = pid;
        set->count++;
        return 0;
}

int pid_set_add_text(struct pid_set *set, const char *text) {
        while (*text) {
                char *end;
                long pid = strtol(text, &end, 10);

                if (end == text)
                        break;
                if (pid > 0 && pid <= INT_MAX) {
                        int r = pid_set_add(set, (pid_t)pid);

                        if (r < 0)
                                return r;
                }
                text = end + strspn(end, "\n ");
        }
        return 0;
}

static int read_file(const char *path, char **out) {
        _cleanup_close_ int fd = -1;

        fd = open(path, O_RDONLY | O_CLOEXEC);
        if (fd < 0)
                return error_negative(-errno);
        return file_read_fd(fd, FILE_SIZE_MAX, out, NULL);
}

static int read_proc_file(pid_t pid, const char *name, char **out) {
        char path[64];
        int r;

        (void)snprintf(path, sizeof(path), "/proc/%d/%s", pid, name);
        r = read_file(path, out);
        return r == -ENOENT ? -ESRCH : r;
}

char *pid_set_describe(const struct pid_set *set) {
        char *text = NULL;
        size_t size = 0;
        FILE *stream;

        stream = open_memstream(&text, &size);
        if (!stream)
                return NULL;
        for (size_t i = 0; i < set->count && i < 8; i++) {
                _cleanup_free_ char *comm = NULL;

                if (read_proc_file(set->pids[i], "comm", &comm) == 0)
                        file_chomp(comm);
                fprintf(stream, "%s%d (%s)", i > 0 ? ", " : "", set->pids[i], comm ? comm : "gone");
        }
        if (set->count > 8)
                fprintf(stream, " and %zu more", set->count - 8);
        if (fclose(stream) != 0) {
                free(text);
                return NULL;
        }
        return text;
}

int proc_read_cgroup(pid_t pid, char **out) {
        return read_proc_file(pid, "cgroup", out);
}

int proc_read_status(pid_t pid, char **out) {
        return read_proc_file(pid, "status", out);
}

/* COMM may hold anything, so the fields behind "PID (COMM) " start after the last ')'. */
int proc_stat_parse(const char *text, struct proc_stat *out) {
        const char *field = strrchr(text, ')');
        struct proc_stat stat = {0};
        char *end;
        long parent;

        if (!field || field[1] != ' ' || field[2] == '\0' || field[3] != ' ')
                return -EIO;
        field += 4;
        parent = strtol(field, &end, 10);
        if (end == field || parent < 0 || parent > INT_MAX)
                return -EIO;
        stat.parent = (pid_t)parent;
        for (int i = 4; i < 22; i++) {
                field = strchr(field, ' ');
                if (!field)
                        return -EIO;
                field++;
                if (i + 1 == 9)
                        stat.kernel_thread = (strtoul(field, NULL, 10) & STAT_KERNEL_THREAD) != 0;
        }
        {
                _cleanup_free_ char *start_time = strndup(field, strcspn(field, " \n"));

                if (!start_time || number_parse_u64(start_time, &stat.start_time) < 0)
                        return -EIO;
        }
        *out = stat;
        return 0;
}

int proc_read_stat(pid_t pid, struct proc_stat *out) {
        _cleanup_free_ char *text = NULL;
        int r = read_proc_file(pid, "stat", &text);

        return r < 0 ? r : proc_stat_parse(text, out);
}

int proc_boot_id(char out[BOOT_ID_SIZE]) {
        /* It is constant for the life of this process; list needs it once for each sandbox. */
        static char boot_id[BOOT_ID_SIZE];
        _cleanup_free_ char *text = NULL;
        int r;

        if (boot_id[0] == '\0') {
                r = read_file("/proc/sys/kernel/random/boot_id", &text);
                if (r < 0)
                        return r;
                file_chomp(text);
                if (strlen(text) != BOOT_ID_SIZE - 1)
                        return -EIO;
                memcpy(boot_id, text, BOOT_ID_SIZE);
        }
        memcpy(out, boot_id, BOOT_ID_SIZE);
        return 0;
}

int proc_self_and_ancestors(struct pid_set *out) {
        _cleanup_pid_set_ struct pid_set set = {0};
        pid_t pid = getpid();

        while (pid > 0) {
                struct proc_stat stat;
                int r;

                if (pid_set_contains(&set, pid))
                        break;
                r = pid_set_add(&set, pid);
                if (r < 0)
                        return r;
                /* If an ancestor ends meanwhile, init is the parent, where the walk ends anyway. */
                if (proc_read_stat(pid, &stat) < 0)
                        break;
                pid = stat.parent;
        }
        *out = set;
        set = (struct pid_set){0};
        return 0;
}
