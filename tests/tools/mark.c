/* SPDX-License-Identifier: Apache-2.0 */
/*
 * mark [-n NAME] DIRECTORY...           prints what says whose each is: a line each, empty where there is no mark
 * mark [-n NAME] -s VALUE DIRECTORY...  sets it; an empty VALUE takes it away
 *
 * The mark is the extended attribute trusted.kata_cgroup of a cgroup, or NAME.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/xattr.h>

static const char *attribute = "trusted.kata_cgroup";

static int print_mark(const char *directory) {
        char mark[512];
        ssize_t length = getxattr(directory, attribute, mark, sizeof(mark));

        if (length < 0 && errno != ENODATA)
                return -1;
        (void)printf("%.*s\n", length < 0 ? 0 : (int)length, mark);
        return 0;
}

static int set_mark(const char *directory, const char *value) {
        if (*value != '\0')
                return setxattr(directory, attribute, value, strlen(value), 0);
        return removexattr(directory, attribute) < 0 && errno != ENODATA ? -1 : 0;
}

int main(int argc, char **argv) {
        int set, status = 0;

        if (argc > 2 && strcmp(argv[1], "-n") == 0) {
                attribute = argv[2];
                argv += 2;
                argc -= 2;
        }
        set = argc > 2 && strcmp(argv[1], "-s") == 0;

        for (int i = set ? 3 : 1; i < argc; i++)
                if ((set ? set_mark(argv[i], argv[2]) : print_mark(argv[i])) < 0) {
                        perror(argv[i]);
                        status = 1;
                }
        return status;
}
