/* SPDX-License-Identifier: Apache-2.0 */
#include "host/facts.h"

#include <dirent.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "util/cleanup.h"
#include "util/file.h"
#include "util/number.h"

#define HUGEPAGES "/sys/kernel/mm/hugepages"
#define BLOCK_DEVICES "/sys/block"

/* "hugepages-2048kB" to kB; 0 for any other name. */
static uint64_t size_of_name(const char *name) {
        static const char prefix[] = "hugepages-";
        _cleanup_free_ char *digits = NULL;
        uint64_t size;

        if (strncmp(name, prefix, strlen(prefix)) != 0)
                return 0;
        name += strlen(prefix);
        digits = strndup(name, strspn(name, "0123456789"));
        if (!digits || strcmp(name + strlen(digits), "kB") != 0 || number_parse_u64(digits, &size) < 0)
                return 0;
        return size;
}

/* mem_fmt() of mm/hugetlb_cgroup.c. */
static void print_size(FILE *out, const char *separator, uint64_t size) {
        if (size >= 1024UL * 1024UL)
                fprintf(out, "%s%" PRIu64 "GB", separator, size / (1024UL * 1024UL));
        else if (size >= 1024)
                fprintf(out, "%s%" PRIu64 "MB", separator, size / 1024);
        else
                fprintf(out, "%s%" PRIu64 "KB", separator, size);
}

char *facts_hugepage_sizes(void) {
        DIR *stream = opendir(HUGEPAGES);
        struct dirent *entry;
        char *text = NULL;
        size_t length, count = 0;
        FILE *out = open_memstream(&text, &length);

        while (out && stream && (entry = readdir(stream))) {
                uint64_t size = size_of_name(entry->d_name);

                if (size > 0)
                        print_size(out, count++ > 0 ? " " : "", size);
        }
        if (stream)
                (void)closedir(stream);
        if (!out || fclose(out) != 0) {
                free(text);
                return NULL;
        }
        return text;
}

bool facts_bfq(void) {
        DIR *stream = opendir(BLOCK_DEVICES);
        struct dirent *entry;
        bool found = false;

        while (stream && !found && (entry = readdir(stream))) {
                _cleanup_free_ char *path = NULL, *text = NULL;
                _cleanup_close_ int fd = -1;

                if (entry->d_name[0] == '.' || asprintf(&path, "%s/queue/scheduler", entry->d_name) < 0) {
                        path = NULL;
                        continue;
                }
                /* Not beneath: the entries are symlinks of the kernel's. */
                fd = openat(dirfd(stream), path, O_RDONLY | O_CLOEXEC);
                found = fd >= 0 && file_read_fd(fd, FILE_SIZE_MAX, &text, NULL) == 0 && strstr(text, "bfq");
        }
        if (stream)
                (void)closedir(stream);
        return found;
}
