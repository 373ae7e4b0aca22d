/* SPDX-License-Identifier: Apache-2.0 */
/* touch-memory MIB [huge]: writes to so many MiB of memory, of huge pages if so, prints a line once they are there, and waits
 * for a signal. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

int main(int argc, char **argv) {
        size_t size = argc > 1 ? strtoul(argv[1], NULL, 10) << 20 : 0;
        int huge = argc > 2 && strcmp(argv[2], "huge") == 0 ? MAP_HUGETLB : 0;
        char *memory = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | huge, -1, 0);

        if (memory == MAP_FAILED)
                return 1;
        memset(memory, 1, size);
        printf("ready %d\n", memory[size / 2]);
        (void)fflush(stdout);
        for (;;)
                (void)pause();
}
