/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A process
 *
 * Subtle: the order in which a process is opened. The pidfd is opened first, /proc/PID second; if the pidfd's process is
 * still alive then, both belong to the same process.
 */
#include "host/process.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/capability.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "util/file.h"
#include "util/number.h"
#include "util/timestamp.h"

/* How many processes one wait covers; the caller's next wait covers others. */
#define WAIT_AT_ONCE 64
/* The length of a wait that has no descriptor for some of the processes. */
#define WAIT_BLIND_MS 100

static int open_pidfd(pid_t pid) {
        return (int)syscall(SYS_pidfd_open, pid, 0);
}

/* The errors of pidfd_open for a process that has ended: ESRCH, or EINVAL while it is being reaped. EINVAL also means that the
 * number is a thread's. */
static bool is_gone(int errnum) {
        return errnum == ESRCH || errnum == EINVAL || errnum == ENOENT;
}

int process_check_kernel(struct error *error) {
        if (open_pidfd(0) < 0 && errno == ENOSYS)
                return error_fail(error, 0, "this kernel has no pidfd_open(2): Linux 5.3 or later is needed");
        return 0;
}

static bool has_sys_admin(void) {
        struct __user_cap_header_struct header = {.version = _LINUX_CAPABILITY_VERSION_3};
        struct __user_cap_data_struct data[_LINUX_CAPABILITY_U32S_3];

        return syscall(SYS_capget, &header, data) == 0 &&
               (data[CAP_TO_INDEX(CAP_SYS_ADMIN)].effective & CAP_TO_MASK(CAP_SYS_ADMIN));
}

int process_check_sees_all(struct error *error) {
        /* The kernel's PROC_*_INIT_INO (include/linux/proc_ns.h): the inode numbers of the initial namespaces are fixed. */
        static const struct {
                const char *name, *path;
                ino_t inode;
        } initial[] = {
                {"pid", "/proc/self/ns/pid", 0xEFFFFFFC},
                {"cgroup", "/proc/self/ns/cgroup", 0xEFFFFFFB},
                {"user", "/proc/self/ns/user", 0xEFFFFFFD},
        };

        for (size_t i = 0; i < ARRAY_SIZE(initial); i++) {
                struct stat status;

                if (stat(initial[i].path, &status) < 0)
                        return error_fail(error, errno, "%s", initial[i].path);
                if (status.st_ino != initial[i].inode)
                        return error_fail(
                                error, 0,
                                "this is not the host's %s namespace: living sandboxes would look dead",
                                initial[i].name);
        }
        return has_sys_admin()
                       ? 0
                       : error_fail(error, 0, "the marks of groups cannot be read without CAP_SYS_ADMIN");
}

struct process *process_free(struct process *process) {
        if (!process)
                return NULL;
        cleanup_close(&process->pidfd);
        cleanup_close(&process->proc_fd);
        free(process->former);
        free(process);
        return NULL;
}

struct process *process_recorded(pid_t pid, uint64_t start_time, const char *former) {
        struct process *process = calloc(1, sizeof(*process));

        if (!process)
                return NULL;
        *process = (struct process){pid, -1, -1, start_time, former ? strdup(former) : NULL};
        return former && !process->former ? process_free(process) : process;
}

bool process_is_alive(const struct process *process) {
        struct pollfd fd = {.fd = process->pidfd, .events = POLLIN};

        return poll(&fd, 1, 0) == 0;
}

bool process_is(const struct process *a, const struct process *b) {
        return a && b && a->pid == b->pid && a->start_time == b->start_time;
}

bool process_has_thread(const struct process *process, pid_t tid) {
        char path[32];

        (void)snprintf(path, sizeof(path), "task/%d", tid);
        return file_exists_at(process->proc_fd, path);
}

/* Reads a file of an open /proc/PID. The kernel returns ESRCH if the process has ended. */
static int read_file(const struct process *process, const char *path, char **out) {
        int r = file_read_at(process->proc_fd, path, FILE_SIZE_MAX, out, NULL);

        return r == -ENOENT || r == -ESRCH ? PROCESS_E_GONE : r;
}

int process_thread_cgroup(const struct process *process, pid_t tid, char **out) {
        char path[48];

        (void)snprintf(path, sizeof(path), "task/%d/cgroup", tid);
        return read_file(process, path, out);
}

static int read_stat(const struct process *process, struct proc_stat *out) {
        _cleanup_free_ char *text = NULL;
        int r = read_file(process, "stat", &text);

        return r != 0 ? r : proc_stat_parse(text, out);
}

/* Opens both descriptors. 0, PROCESS_E_GONE, or a negative errno. */
static int hold(struct process *process) {
        char path[32];

        process->pidfd = open_pidfd(process->pid);
        if (process->pidfd < 0)
                return is_gone(errno) ? PROCESS_E_GONE : error_negative(-errno);
        (void)snprintf(path, sizeof(path), "/proc/%d", process->pid);
        process->proc_fd = open(path, O_PATH | O_DIRECTORY | O_CLOEXEC);
        if (process->proc_fd < 0)
                return errno == ENOENT ? PROCESS_E_GONE : error_negative(-errno);
        return process_is_alive(process) ? 0 : PROCESS_E_GONE;
}

static void let_go(struct process *process) {
        cleanup_close(&process->pidfd);
        cleanup_close(&process->proc_fd);
        process->pidfd = process->proc_fd = -1;
}

/* The process of a thread; 0 if there is no such thread, or if it is a process itself. */
static pid_t process_of_thread(pid_t tid) {
        _cleanup_free_ char *text = NULL;
        const char *line;
        long pid;

        if (proc_read_status(tid, &text) < 0)
                return 0;
        line = strstr(text, "\nTgid:");
        pid = line ? strtol(line + strlen("\nTgid:"), NULL, 10) : 0;
        return pid == tid ? 0 : (pid_t)pid;
}

static int refuse_gone(pid_t pid, const char *source, struct error *error) {
        pid_t owner = process_of_thread(pid);

        if (owner != 0)
                return error_refuse(error, source, "%d is a thread of process %d", pid, owner);
        return error_refuse(error, source, "there is no process %d", pid);
}

int process_new(pid_t pid, const char *source, struct process **out, struct error *error) {
        _cleanup_(process_freep) struct process *process = process_recorded(pid, 0, NULL);
        struct proc_stat stat;
        int r;

        if (!process)
                return error_oom(error);
        r = hold(process);
        if (r == 0)
                r = read_stat(process, &stat);
        if (r == PROCESS_E_GONE)
                return refuse_gone(pid, source, error);
        if (r != 0)
                return error_fail(error, -r, "process %d", pid);
        if (stat.kernel_thread)
                return error_refuse(error, source, "%d is a kernel thread", pid);
        process->start_time = stat.start_time;
        r = process_look(process, error);
        if (r == PROCESS_E_GONE)
                return refuse_gone(pid, source, error);
        if (r < 0)
                return r;
        *out = TAKE(process);
        return 0;
}

int process_self(struct process **out, struct error *error) {
        return process_new(getpid(), "/proc/self", out, error);
}

int process_recall(struct process *process, struct error *error) {
        struct proc_stat stat;
        int r;

        if (process->pidfd >= 0)
                return process_is_alive(process) ? 0 : PROCESS_E_GONE;
        r = hold(process);
        if (r == 0)
                r = read_stat(process, &stat);
        if (r == 0 && stat.start_time != process->start_time)
                r = PROCESS_E_GONE;
        if (r != 0)
                let_go(process);
        return r < 0 ? error_fail(error, -r, "process %d", process->pid) : r;
}

int process_look(struct process *process, struct error *error) {
        char *text;
        int r;

        r = read_file(process, "cgroup", &text);
        if (r < 0)
                return error_fail(error, -r, "/proc/%d/cgroup", process->pid);
        if (r > 0)
                return r;
        free(process->former);
        process->former = text;
        return process_is_alive(process) ? 0 : PROCESS_E_GONE;
}

/* "NSpid:\t123\t4": from the reader's namespace to the process's own. Returns how many there are. */
static size_t parse_namespaces(const char *status, pid_t *outer, pid_t *inner) {
        static const char name[] = "\nNSpid:";
        const char *line = strstr(status, name);
        _cleanup_free_ char *copy =
                line ? strndup(line + strlen(name), strcspn(line + strlen(name), "\n")) : NULL;
        char *rest = copy, *word;
        size_t count = 0;

        while ((word = strsep(&rest, "\t \n"))) {
                if (number_parse_pid(word, inner) < 0)
                        continue;
                if (count++ == 0)
                        *outer = *inner;
        }
        return count;
}

static int compare_inner(const void *a, const void *b) {
        const struct thread_name *first = a, *second = b;

        return (first->inner > second->inner) - (first->inner < second->inner);
}

static int add_thread(const struct process *process, const char *name, struct thread_name **threads,
                      size_t *count) {
        _cleanup_free_ char *status = NULL;
        struct thread_name *larger, thread;
        char path[48];
        pid_t tid;

        if (number_parse_pid(name, &tid) < 0)
                return 0;
        (void)snprintf(path, sizeof(path), "task/%d/status", tid);
        if (read_file(process, path, &status) != 0 || parse_namespaces(status, &thread.tid, &thread.inner) == 0)
                return 0; /* the thread has just ended */
        larger = reallocarray(*threads, *count + 1, sizeof(*larger));
        if (!larger)
                return -ENOMEM;
        *threads = larger;
        larger[(*count)++] = thread;
        return 0;
}

static int read_inner_threads(const struct process *process, struct thread_name **threads, size_t *count,
                              struct error *error) {
        struct dirent *entry;
        DIR *stream;
        int r = 0;

        stream = file_open_stream(process->proc_fd, "task");
        if (!stream)
                return error_fail(error, errno, "threads of process %d", process->pid);
        while (r == 0 && (entry = readdir(stream)))
                r = add_thread(process, entry->d_name, threads, count);
        (void)closedir(stream);
        return r < 0 ? error_oom(error) : 0;
}

int process_inner_threads(const struct process *process, struct thread_name **out, size_t *count,
                          struct error *error) {
        _cleanup_free_ struct thread_name *threads = NULL;
        _cleanup_free_ char *status = NULL;
        pid_t outer, inner;
        int r;

        *out = NULL;
        *count = 0;
        r = read_file(process, "status", &status);
        if (r < 0)
                return error_fail(error, -r, "/proc/%d/status", process->pid);
        if (r > 0 || parse_namespaces(status, &outer, &inner) < 2)
                return 0;
        r = read_inner_threads(process, &threads, count, error);
        if (r < 0)
                return r;
        if (*count > 0)
                qsort(threads, *count, sizeof(*threads), compare_inner);
        *out = TAKE(threads);
        return 0;
}

bool process_is_program(const struct process *process, const char *name) {
        static const char replaced[] = " (deleted)";
        char path[PATH_MAX], *base;
        ssize_t length = readlinkat(process->proc_fd, "exe", path, sizeof(path) - 1);
        size_t rest = strlen(replaced);

        if (length < 0)
                return false;
        path[length] = '\0';
        if ((size_t)length > rest && strcmp(path + length - rest, replaced) == 0)
                path[(size_t)length - rest] = '\0';
        base = strrchr(path, '/');
        return base && strcmp(base + 1, name) == 0;
}

bool process_wait(const struct process *process, int timeout_ms) {
        return deadline_poll(process->pidfd, monotonic_ms() + timeout_ms) == 0;
}

void process_wait_any(const struct pid_set *pids, int timeout_ms) {
        struct pollfd fds[WAIT_AT_ONCE];
        nfds_t count = 0;

        for (size_t i = 0; i < pids->count && count < WAIT_AT_ONCE; i++) {
                int fd = open_pidfd(pids->pids[i]);

                /* A process that has ended already is noticed when the caller reads the members again. Without a free
                 * descriptor, the wait is for the others, and bounded by the pause. */
                if (fd < 0) {
                        timeout_ms = is_gone(errno)               ? 0
                                     : timeout_ms < WAIT_BLIND_MS ? timeout_ms
                                                                  : WAIT_BLIND_MS;
                        break;
                }
                fds[count++] = (struct pollfd){.fd = fd, .events = POLLIN};
        }
        (void)poll(fds, count, timeout_ms);
        for (nfds_t i = 0; i < count; i++)
                (void)close(fds[i].fd);
}

int process_hold(pid_t pid, struct process **out) {
        _cleanup_(process_freep) struct process *process = process_recorded(pid, 0, NULL);
        int r;

        if (!process)
                return -ENOMEM;
        r = hold(process);
        if (r == 0)
                *out = TAKE(process);
        return r;
}

int process_kill(const struct process *process) {
        if (syscall(SYS_pidfd_send_signal, process->pidfd, SIGKILL, NULL, 0) < 0)
                return errno == ESRCH ? PROCESS_E_GONE : error_negative(-errno);
        return 0;
}
