/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Statistics from the files of a cgroup
 *
 * The input is files: a line "== NAME" and what is in it. They are put into a directory that then is a cgroup of a v1
 * and of a v2 host.
 */
#include "fuzz.h"

#include <fcntl.h>
#include <sys/stat.h>

#include "cgroup/stats.h"

#define FILES_MAX 16
#define GROUP "group"

/* In memory, where there is such a place. */
static char top[64];
static int group_fd = -1, top_fd = -1;

static void remove_directories(void) {
        (void)unlinkat(group_fd, PLAN_VCPU_SUBTREE, AT_REMOVEDIR);
        (void)unlinkat(top_fd, GROUP, AT_REMOVEDIR);
        (void)rmdir(top);
}

static void make_directories(void) {
        (void)snprintf(top, sizeof(top), "%s/kata-cgroup-fuzz-XXXXXX",
                       access("/dev/shm", W_OK) == 0 ? "/dev/shm" : "/tmp");
        CHECK(mkdtemp(top));
        top_fd = open(top, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        CHECK(top_fd >= 0 && mkdirat(top_fd, GROUP, 0700) == 0);
        group_fd = openat(top_fd, GROUP, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        CHECK(group_fd >= 0 && mkdirat(group_fd, PLAN_VCPU_SUBTREE, 0700) == 0);
        (void)atexit(remove_directories);
}

static bool is_file_name(const char *name) {
        const char *base = strncmp(name, PLAN_VCPU_SUBTREE "/", strlen(PLAN_VCPU_SUBTREE "/")) == 0
                                   ? name + strlen(PLAN_VCPU_SUBTREE "/")
                                   : name;

        return strchr(base, '.') && !strchr(base, '/') && base[0] != '.' && strlen(base) < 64;
}

static void write_file(const char *name, const char *text) {
        _cleanup_close_ int fd = openat(group_fd, name, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);

        CHECK(fd >= 0 && write(fd, text, strlen(text)) == (ssize_t)strlen(text));
}

/* The names of the files that were made. */
static size_t make_files(char *text, const char **names) {
        size_t count = 0;

        while (text && count < FILES_MAX && strncmp(text, "== ", 3) == 0) {
                char *name = text + 3, *content = strchr(name, '\n');

                if (!content)
                        break;
                *content++ = '\0';
                text = strstr(content, "\n== ");
                if (text)
                        *text++ = '\0';
                if (!is_file_name(name))
                        continue;
                write_file(name, content);
                names[count++] = name;
        }
        return count;
}

/* A number is a count of something, and fits into JSON. */
static void check_numbers(const json_t *value) {
        const json_t *member;
        const char *name;
        size_t i;

        CHECK(value);
        CHECK(!json_is_integer(value) || json_integer_value(value) >= 0);
        json_object_foreach((json_t *)value, name, member) check_numbers(member);
        json_array_foreach((json_t *)value, i, member) check_numbers(member);
}

static void check_stats(enum cgroup_version version, bool vcpu_subtree) {
        struct hierarchy hierarchy = {.version = version, .fd = top_fd, .mount_point = top};
        struct host host = {.hierarchies = &hierarchy, .count = 1, .version = version};
        _cleanup_(cgroup_freep) struct cgroup *cgroup = NULL;
        _cleanup_free_ char *text = NULL;
        _cleanup_stats_ struct stats stats = {0};
        _cleanup_json_ json_t *total = NULL;

        for (int c = 0; c < CONTROLLER_COUNT; c++)
                host.controllers[c] = &hierarchy;
        host.unified = version == CGROUP_V2 ? &hierarchy : NULL;
        cgroup = cgroup_new(&host, NULL, NULL, GROUP);
        CHECK(cgroup);
        CHECK(stats_read(cgroup, vcpu_subtree, &stats) == 0);
        CHECK(json_object_size(stats.json) == 8);
        check_numbers(stats.json);
        text = json_dumps(stats.json, 0);
        CHECK(text);
        total = stats_total(&stats, &stats);
        CHECK(json_object_size(total) == 7);
        check_numbers(total);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
        _cleanup_free_ char *text = fuzz_text(data, size);
        const char *names[FILES_MAX];
        size_t count;

        if (top_fd < 0)
                make_directories();
        count = make_files(text, names);
        check_stats(CGROUP_V1, false);
        check_stats(CGROUP_V2, false);
        check_stats(CGROUP_V2, true);
        for (size_t i = 0; i < count; i++)
                (void)unlinkat(group_fd, names[i], 0);
        return 0;
}
