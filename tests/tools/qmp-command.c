/* SPDX-License-Identifier: Apache-2.0 */
/*
 * qmp-command SOCKET JSON...: sends commands to a QEMU, each after the answer to the one before, and ends with
 * status 1 at the first that is answered with an error, printing it. For tests: a trusted peer, answers of a line.
 */
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

/* Reads lines until one has this member; false where that is an error or the end. */
static int wait_for(FILE *in, const char *member) {
        char line[65536];

        while (fgets(line, sizeof(line), in)) {
                if (strstr(line, "\"error\"")) {
                        fputs(line, stderr);
                        return 0;
                }
                if (strstr(line, member))
                        return 1;
        }
        return 0;
}

int main(int argc, char **argv) {
        struct sockaddr_un address = {.sun_family = AF_UNIX};
        int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
        FILE *in;

        if (argc < 3 || strlen(argv[1]) >= sizeof(address.sun_path))
                return 2;
        memcpy(address.sun_path, argv[1], strlen(argv[1]));
        if (fd < 0 || connect(fd, (struct sockaddr *)&address, sizeof(address)) < 0) {
                perror(argv[1]);
                return 1;
        }
        in = fdopen(fd, "r");
        if (!in || !wait_for(in, "\"QMP\""))
                return 1;
        for (int i = 1; i < argc; i++) {
                const char *command = i == 1 ? "{\"execute\":\"qmp_capabilities\"}" : argv[i];

                if (dprintf(fd, "%s\n", command) < 0 || !wait_for(in, "\"return\""))
                        return 1;
        }
        return 0;
}
