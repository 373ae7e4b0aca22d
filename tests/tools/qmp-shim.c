/* SPDX-License-Identifier: Apache-2.0 */
/*
 * qmp-shim listen|pair VMM... then COMMAND...
 *
 * Connects to a VMM before that runs, as Kata's shims do: starts VMM with a descriptor 8, and becomes COMMAND with the
 * connection to it as descriptor 9 and the VMM's process in VMM_PID.
 *
 *   listen  8 is a listening socket to which 9 is connected already ("-chardev socket,fd=8,server=on,wait=off,id=q")
 *   pair    8 and 9 are the ends of a socketpair ("-chardev socket,fd=8,id=q")
 *
 * Either way the kernel names this process as the peer of 9. The VMM is killed when COMMAND ends.
 */
#include <signal.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#define VMM_FD 8
#define OWN_FD 9

/* The name is the kernel's choice, in the abstract namespace: there is no file to be cleaned up. */
static int make_listener(int ends[2]) {
        struct sockaddr_un address = {.sun_family = AF_UNIX};
        socklen_t size = offsetof(struct sockaddr_un, sun_path);

        ends[0] = socket(AF_UNIX, SOCK_STREAM, 0);
        ends[1] = socket(AF_UNIX, SOCK_STREAM, 0);
        if (ends[0] < 0 || ends[1] < 0 || bind(ends[0], (struct sockaddr *)&address, size) < 0 ||
            listen(ends[0], 1) < 0)
                return -1;
        size = sizeof(address);
        if (getsockname(ends[0], (struct sockaddr *)&address, &size) < 0)
                return -1;
        return connect(ends[1], (struct sockaddr *)&address, size);
}

static int put_at(int fd, int wanted) {
        if (fd == wanted)
                return 0;
        if (dup2(fd, wanted) < 0)
                return -1;
        return close(fd);
}

static int run(char **command, int other) {
        (void)close(other);
        (void)execvp(command[0], command);
        perror(command[0]);
        return 127;
}

int main(int argc, char **argv) {
        int ends[2], i = 2, r;
        pid_t parent = getpid(), child;
        char text[24];

        while (i < argc && strcmp(argv[i], "then") != 0)
                i++;
        if (i < 3 || i + 1 >= argc)
                return 2;
        argv[i] = NULL;
        r = strcmp(argv[1], "pair") == 0 ? socketpair(AF_UNIX, SOCK_STREAM, 0, ends) : make_listener(ends);
        if (r < 0 || put_at(ends[1], OWN_FD) < 0 || put_at(ends[0], VMM_FD) < 0) {
                perror("socket");
                return 1;
        }
        child = fork();
        if (child < 0)
                return 1;
        if (child == 0) {
                if (prctl(PR_SET_PDEATHSIG, SIGKILL) < 0 || getppid() != parent)
                        return 1;
                return run(argv + 2, OWN_FD);
        }
        (void)snprintf(text, sizeof(text), "%d", (int)child);
        if (setenv("VMM_PID", text, 1) < 0)
                return 1;
        return run(argv + i + 1, VMM_FD);
}
