/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Facts about the host from /sys: huge page sizes, the bfq scheduler, NUMA nodes
 *
 * A fact that cannot be read counts as absent: no sizes, no bfq, no nodes.
 */
#include "host/facts.h"

#include <dirent.h>
#include <errno.h>
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
#define NODES "/sys/devices/system/node"

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

/* Leaves the list empty where it cannot be read. */
static void read_list(const char *path, struct cpulist *out) {
        _cleanup_close_ int fd = open(path, O_RDONLY | O_CLOEXEC);
        _cleanup_free_ char *text = NULL;

        *out = (struct cpulist){0};
        if (fd < 0 || file_read_fd(fd, FILE_SIZE_MAX, &text, NULL) < 0)
                return;
        file_chomp(text);
        if (cpulist_parse(text, out) < 0)
                *out = (struct cpulist){0};
}

int facts_numa_nodes(struct cpulist **out, size_t *count) {
        struct cpulist online, *nodes;
        size_t node_count;

        read_list(NODES "/online", &online);
        node_count = cpulist_count(&online);
        nodes = calloc(node_count + 1, sizeof(*nodes));
        if (!nodes)
                return -ENOMEM;
        for (size_t i = 0; i < node_count; i++) {
                char path[64];

                (void)snprintf(path, sizeof(path), NODES "/node%d/cpulist", cpulist_nth(&online, i));
                read_list(path, &nodes[i]);
        }
        *out = nodes;
        *count = node_count;
        return 0;
}
