/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A library to be preloaded under valgrind: the system calls that valgrind 3.19 does not know
 *
 * Those with pidfds are made by the program RAW_SYSCALL (raw-syscall.c), which does not run under valgrind: the
 * kernel answers, and a pidfd comes back through a socket. openat2 is what a kernel before 5.6 says: ENOSYS. A later
 * valgrind has no need of it, and no harm from it.
 */
#include <dlfcn.h>
#include <errno.h>
#include <spawn.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#define SOCKET 3
#define TARGET 4

static int receive_descriptor(int socket) {
        _Alignas(struct cmsghdr) char control[CMSG_SPACE(sizeof(int))] = {0};
        char byte;
        int fd = -1;
        struct iovec data = {&byte, 1};
        struct msghdr message = {
                .msg_iov = &data, .msg_iovlen = 1, .msg_control = control, .msg_controllen = sizeof(control)};
        const struct cmsghdr *header;

        if (recvmsg(socket, &message, MSG_CMSG_CLOEXEC) != 1)
                return -1;
        header = CMSG_FIRSTHDR(&message);
        if (header && header->cmsg_type == SCM_RIGHTS)
                memcpy(&fd, CMSG_DATA(header), sizeof(fd));
        return fd;
}

/* Its errno; the first argument of pidfd_send_signal becomes the program's descriptor 4. */
static int run_raw(long number, long first, long second, int socket) {
        char number_text[24], first_text[24], second_text[24];
        char *arguments[] = {getenv("RAW_SYSCALL"), number_text, first_text, second_text, NULL};
        char *no_environment[] = {NULL};
        posix_spawn_file_actions_t actions;
        int status = 0, r;
        pid_t pid;

        (void)posix_spawn_file_actions_init(&actions);
        if (number == SYS_pidfd_send_signal) {
                (void)posix_spawn_file_actions_adddup2(&actions, (int)first, TARGET);
                first = TARGET;
        } else {
                (void)posix_spawn_file_actions_adddup2(&actions, socket, SOCKET);
        }
        (void)snprintf(number_text, sizeof(number_text), "%ld", number);
        (void)snprintf(first_text, sizeof(first_text), "%ld", first);
        (void)snprintf(second_text, sizeof(second_text), "%ld", second);
        r = arguments[0] ? posix_spawn(&pid, arguments[0], &actions, NULL, arguments, no_environment) : ENOSYS;
        (void)posix_spawn_file_actions_destroy(&actions);
        if (r != 0)
                return r;
        while (waitpid(pid, &status, 0) < 0)
                if (errno != EINTR)
                        return errno;
        return WIFEXITED(status) ? WEXITSTATUS(status) : EIO;
}

static long ask_outside(long number, long first, long second) {
        int sockets[2], r, fd = 0;

        if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, sockets) < 0)
                return -1;
        r = run_raw(number, first, second, sockets[1]);
        if (r == 0 && number == SYS_pidfd_open)
                fd = receive_descriptor(sockets[0]);
        (void)close(sockets[0]);
        (void)close(sockets[1]);
        errno = r;
        return r == 0 ? fd : -1;
}

long syscall(long sysno, ...) {
        static long (*next)(long, ...);
        va_list list;
        long a[6];

        va_start(list, sysno);
        for (size_t i = 0; i < 6; i++)
                a[i] = va_arg(list, long);
        va_end(list);
        switch (sysno) {
        case SYS_openat2:
                errno = ENOSYS;
                return -1;
        case SYS_pidfd_open:
        case SYS_pidfd_send_signal:
                return ask_outside(sysno, (int)a[0], (int)a[1]);
        }
        if (!next)
                *(void **)&next = dlsym(RTLD_NEXT, "syscall");
        return next(sysno, a[0], a[1], a[2], a[3], a[4], a[5]);
}
