/* SPDX-License-Identifier: Apache-2.0 */
/* touch-memory MIB: writes to so many MiB of memory, prints a line once they are there, and waits for a signal. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

int main(int argc, char **argv) {
        size_t size = argc == 2 ? strtoul(argv[1], NULL, 10) << 20 : 0;
        char *memory = size > 0 ? malloc(size) : NULL;

        if (!memory)
                return 1;
        memset(memory, 1, size);
        printf("ready %d\n", memory[size / 2]);
        (void)fflush(stdout);
        for (;;)
                (void)pause();
}
