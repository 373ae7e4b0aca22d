/* SPDX-License-Identifier: Apache-2.0 */
/*
 * qmp-connect SOCKET fresh|negotiated REQUEST|- COMMAND...
 *
 * Becomes COMMAND with a connection to a QMP socket as descriptor 9: as it is after connecting, with the greeting
 * read, or with capabilities negotiated as well. A REQUEST is sent, and its answer left unread.
 */
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#define FD 9

/* Byte by byte, so that nothing behind the line is taken. */
static int read_line(void) {
        char c;

        do
                if (read(FD, &c, 1) != 1)
                        return -1;
        while (c != '\n');
        return 0;
}

int main(int argc, char **argv) {
        struct sockaddr_un address = {.sun_family = AF_UNIX};
        int fd = socket(AF_UNIX, SOCK_STREAM, 0);

        if (argc < 5 || strlen(argv[1]) >= sizeof(address.sun_path))
                return 2;
        memcpy(address.sun_path, argv[1], strlen(argv[1]));
        if (fd < 0 || connect(fd, (struct sockaddr *)&address, sizeof(address)) < 0 || dup2(fd, FD) < 0) {
                perror(argv[1]);
                return 1;
        }
        if (fd != FD)
                (void)close(fd);
        if (read_line() < 0)
                return 1;
        if (strcmp(argv[2], "negotiated") == 0 &&
            (dprintf(FD, "{\"execute\":\"qmp_capabilities\"}\n") < 0 || read_line() < 0))
                return 1;
        if (strcmp(argv[3], "-") != 0 && dprintf(FD, "%s\n", argv[3]) < 0)
                return 1;
        (void)execvp(argv[4], argv + 4);
        perror(argv[4]);
        return 127;
}
