/* SPDX-License-Identifier: Apache-2.0 */
/*
 * raw-syscall NUMBER FIRST SECOND: makes a system call and exits with its errno. A descriptor that it returns is sent
 * to the socket 3; one that it needs is 4. For unknown-syscalls.c.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#define SOCKET 3

static int send_descriptor(int fd) {
        _Alignas(struct cmsghdr) char control[CMSG_SPACE(sizeof(int))] = {0};
        char byte = 0;
        struct iovec data = {&byte, 1};
        struct msghdr message = {
                .msg_iov = &data, .msg_iovlen = 1, .msg_control = control, .msg_controllen = sizeof(control)};
        struct cmsghdr *header = CMSG_FIRSTHDR(&message);

        *header = (struct cmsghdr){CMSG_LEN(sizeof(int)), SOL_SOCKET, SCM_RIGHTS};
        memcpy(CMSG_DATA(header), &fd, sizeof(fd));
        return sendmsg(SOCKET, &message, 0) < 0 ? errno : 0;
}

int main(int argc, char **argv) {
        long number, result;

        if (argc != 4)
                return EINVAL;
        number = strtol(argv[1], NULL, 10);
        result = syscall(number, strtol(argv[2], NULL, 10), strtol(argv[3], NULL, 10), NULL, 0);
        if (result < 0)
                return errno;
        return number == SYS_pidfd_open ? send_descriptor((int)result) : 0;
}
