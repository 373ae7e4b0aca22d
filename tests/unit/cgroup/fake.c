/* SPDX-License-Identifier: Apache-2.0 */
#include "fake.h"

#include "../remove-tree.h"
#include "../test.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "util/file.h"

/* The one that the wrapped calls are for; a test has one at a time. */
static struct fake *present;

int __real_file_write_at(int dir_fd, const char *path, const char *value);
int __wrap_file_write_at(int dir_fd, const char *path, const char *value);
int __real_mkdirat(int dir_fd, const char *path, mode_t mode);
int __wrap_mkdirat(int dir_fd, const char *path, mode_t mode);
int __real_unlinkat(int dir_fd, const char *path, int flags);
int __wrap_unlinkat(int dir_fd, const char *path, int flags);

/* ---- what is noted down ---- */

__attribute__((format(printf, 2, 3))) static void note(struct fake *fake, const char *format, ...) {
        _cleanup_free_ char *former = fake->changes;
        char *entry;
        va_list arguments;

        va_start(arguments, format);
        assert_true(vasprintf(&entry, format, arguments) >= 0);
        va_end(arguments);
        assert_true(asprintf(&fake->changes, "%s%s%s", former, former[0] ? ", " : "", entry) >= 0);
        free(entry);
}

/* Where a path is, "NAME/DIRECTORY/FILE"; a new string, or NULL outside of the temporary place. */
static char *locate(const struct fake *fake, int dir_fd, const char *path) {
        char link[64], target[PATH_MAX], *place;
        size_t length = strlen(fake->directory);
        const char *below;
        ssize_t size;

        (void)snprintf(link, sizeof(link), "/proc/self/fd/%d", dir_fd);
        size = readlink(link, target, sizeof(target) - 1);
        if (size < 0)
                return NULL;
        target[size] = '\0';
        if (strncmp(target, fake->directory, length) != 0)
                return NULL;
        below = target + length;
        below += *below == '/';
        assert_true(asprintf(&place, "%s%s%s", below, below[0] && path[0] ? "/" : "", path) >= 0);
        return place;
}

/* Whether a place ends with these components. */
static bool is_at(const char *place, const char *end) {
        size_t length = strlen(place), end_length = strlen(end);

        return length >= end_length && strcmp(place + length - end_length, end) == 0 &&
               (length == end_length || place[length - end_length - 1] == '/');
}

/* ---- the kernel ---- */

static void put(int dir_fd, const char *file, const char *text) {
        _cleanup_close_ int fd = openat(dir_fd, file, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);

        assert_true(fd >= 0);
        assert_int_equal(write(fd, text, strlen(text)), strlen(text));
}

static char *get(int dir_fd, const char *file) {
        char *text = NULL;

        return file_read_at(dir_fd, file, FILE_SIZE_MAX, &text, NULL) == 0 ? text : NULL;
}

/* What a new directory has. */
static void populate(int parent, int directory) {
        _cleanup_free_ char *controllers = get(parent, "cgroup.subtree_control");
        static const char *const cpuset[] = {"cpuset.cpus", "cpuset.mems"};

        put(directory, "cgroup.procs", "");
        if (controllers) {
                put(directory, "cgroup.controllers", controllers);
                put(directory, "cgroup.subtree_control", "");
                put(directory, "cgroup.type", "domain\n");
        }
        for (size_t i = 0; !controllers && i < ARRAY_SIZE(cpuset); i++)
                if (file_exists_at(parent, cpuset[i]))
                        put(directory, cpuset[i], "\n");
}

static bool was_written(const struct fake *fake, const char *what) {
        _cleanup_free_ char *copy = strdup(fake->changes);
        char *rest = copy, *entry;

        while ((entry = strsep(&rest, ","))) {
                char *end = strchr(entry, '<');

                entry += entry[0] == ' ';
                if (end && !strchr(what, '<'))
                        *end = '\0';
                if (is_at(entry, what))
                        return true;
        }
        return false;
}

static const struct fake_answer *answer_to(const struct fake *fake, const char *place, const char *value) {
        for (const struct fake_answer *answer = fake->answers; answer && answer->file; answer++)
                if (is_at(place, answer->file) && (!answer->value || strcmp(value, answer->value) == 0) &&
                    !(answer->until && was_written(fake, answer->until)))
                        return answer;
        return NULL;
}

/* "+cpu +memory", of what the group has. */
static int add_controllers(int dir_fd, const char *file, const char *value) {
        _cleanup_free_ char *text = get(dir_fd, file), *available = get(dir_fd, "cgroup.controllers");
        _cleanup_free_ char *copy = strdup(value), *sum = NULL;
        char *rest = copy, *word;

        file_chomp(text);
        while ((word = strsep(&rest, " "))) {
                if (!strstr(available, word + 1))
                        return -ENOENT;
                if (!strstr(text, word + 1)) {
                        char *longer;

                        assert_true(asprintf(&longer, "%s%s%s", text, text[0] ? " " : "", word + 1) >= 0);
                        free(text);
                        text = longer;
                }
        }
        assert_true(asprintf(&sum, "%s\n", text) >= 0);
        put(dir_fd, file, sum);
        return 0;
}

int __wrap_file_write_at(int dir_fd, const char *path, const char *value) {
        struct fake *fake = present;
        _cleanup_free_ char *place = fake ? locate(fake, dir_fd, path) : NULL, *text = NULL;
        const struct fake_answer *answer;
        _cleanup_close_ int fd = -1;

        if (!place)
                return __real_file_write_at(dir_fd, path, value);
        answer = answer_to(fake, place, value);
        if (answer && answer->errnum != 0) {
                note(fake, "%s!%s", place, value);
                return -answer->errnum;
        }
        /* As the real one opens it: neither through a symlink nor to make it. */
        fd = file_open_beneath(dir_fd, path, O_WRONLY);
        if (fd < 0)
                return fd;
        note(fake, "%s<%s", place, value);
        if (is_at(place, "cgroup.subtree_control"))
                return add_controllers(dir_fd, path, value);
        assert_true(asprintf(&text, "%s\n", answer ? answer->held : value) >= 0);
        put(dir_fd, path, text);
        return 0;
}

static void remove_directory(const struct fake *fake, const char *place);

int __wrap_mkdirat(int dir_fd, const char *path, mode_t mode) {
        struct fake *fake = present;
        _cleanup_free_ char *place = fake ? locate(fake, dir_fd, path) : NULL;
        _cleanup_close_ int directory = -1;

        if (place && fake->vanishings > 0 && strncmp(place, fake->vanishing, strlen(fake->vanishing)) == 0 &&
            place[strlen(fake->vanishing)] == '/') {
                fake->vanishings--;
                remove_directory(fake, fake->vanishing);
        }
        if (__real_mkdirat(dir_fd, path, mode) < 0)
                return -1;
        if (!place)
                return 0;
        note(fake, "mkdir %s", place);
        directory = openat(dir_fd, path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        assert_true(directory >= 0);
        populate(dir_fd, directory);
        return 0;
}

/* The kernel's files do not keep a directory. */
static int empty(int directory) {
        DIR *stream = file_open_stream(directory, ".");
        struct dirent *entry;
        bool children = false;

        assert_non_null(stream);
        while ((entry = readdir(stream)))
                children |= file_is_child_directory(entry);
        rewinddir(stream);
        while (!children && (entry = readdir(stream)))
                if (entry->d_type != DT_DIR)
                        (void)__real_unlinkat(directory, entry->d_name, 0);
        (void)closedir(stream);
        return children ? -1 : 0;
}

int __wrap_unlinkat(int dir_fd, const char *path, int flags) {
        struct fake *fake = present;
        _cleanup_free_ char *place = fake ? locate(fake, dir_fd, path) : NULL;
        _cleanup_close_ int directory = -1;

        if (!place || (flags & AT_REMOVEDIR) == 0)
                return __real_unlinkat(dir_fd, path, flags);
        directory = openat(dir_fd, path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
        if (directory < 0)
                return -1;
        if (empty(directory) < 0) {
                errno = EBUSY;
                return -1;
        }
        note(fake, "rmdir %s", place);
        return __real_unlinkat(dir_fd, path, flags);
}

static int open_top(const struct fake *fake) {
        int fd = open(fake->directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

        assert_true(fd >= 0);
        return fd;
}

/* With its files, by somebody else. */
static void remove_directory(const struct fake *fake, const char *place) {
        _cleanup_close_ int top = open_top(fake);
        _cleanup_close_ int directory = openat(top, place, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

        assert_true(directory >= 0);
        assert_int_equal(empty(directory), 0);
        assert_int_equal(__real_unlinkat(top, place, AT_REMOVEDIR), 0);
}

/* ---- what tests call ---- */

/* Adds one hierarchy's line to a mountinfo; `*controllers` is the v2 tree's. */
static void add_mount(struct fake *fake, char *line, FILE *mountinfo, const char **controllers) {
        const char *name = strsep(&line, " "), *version = strsep(&line, " ");
        _cleanup_close_ int top = open_top(fake), directory = -1;
        bool v2 = strcmp(version, "v2") == 0;

        assert_int_equal(__real_mkdirat(top, name, 0755), 0);
        directory = openat(top, name, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        put(directory, "cgroup.procs", "");
        if (v2) {
                put(directory, "cgroup.controllers", line);
                put(directory, "cgroup.subtree_control", "");
                *controllers = line;
        } else if (strcmp(line, "cpuset") == 0) {
                put(directory, "cpuset.cpus", "0-3\n");
                put(directory, "cpuset.mems", "0\n");
        }
        fprintf(mountinfo, "1 1 0:1 / %s/%s rw - %s none rw%s%s\n", fake->directory, name,
                v2 ? "cgroup2" : "cgroup", v2 ? "" : ",", v2 ? "" : line);
}

static void make_host(struct fake *fake, const char *hierarchies) {
        _cleanup_free_ char *copy = strdup(hierarchies), *mountinfo = NULL;
        const char *controllers = NULL;
        char *rest = copy, *line;
        size_t size;
        FILE *out = open_memstream(&mountinfo, &size);

        assert_non_null(out);
        while ((line = strsep(&rest, "\n")))
                if (line[0])
                        add_mount(fake, line, out, &controllers);
        assert_int_equal(fclose(out), 0);
        assert_int_equal(host_parse(mountinfo, controllers, &fake->host, NULL), 0);
        for (size_t i = 0; i < fake->host->count; i++) {
                struct hierarchy *hierarchy = &fake->host->hierarchies[i];

                hierarchy->fd = open(hierarchy->mount_point, O_PATH | O_DIRECTORY | O_CLOEXEC);
                assert_true(hierarchy->fd >= 0);
        }
}

struct fake *fake_start(const char *hierarchies, const char *path) {
        struct fake *fake = calloc(1, sizeof(*fake));

        assert_non_null(fake);
        assert_int_equal(fake_end(NULL), 0);
        present = fake;
        strcpy(fake->directory, "/tmp/kata-cgroup-fake.XXXXXX");
        assert_non_null(mkdtemp(fake->directory));
        fake->changes = strdup("");
        fake->owner.id = strdup("sb");
        fake->log.stream = open_memstream(&fake->log_text, &fake->log_size);
        fake->journal = journal_new();
        assert_true(fake->changes && fake->owner.id && fake->log.stream && fake->journal);
        assert_int_equal(owner_make_token(fake->owner.token, NULL), 0);
        make_host(fake, hierarchies);
        fake->cgroup = cgroup_new(fake->host, &fake->log, &fake->owner, path);
        assert_non_null(fake->cgroup);
        return fake;
}

int fake_end(void **state) {
        struct fake *fake = present;
        bool removed;

        (void)state;
        if (!fake)
                return 0;
        present = NULL;
        removed = remove_tree(fake->directory);
        journal_free(fake->journal);
        cgroup_free(fake->cgroup);
        host_free(fake->host);
        owner_clear(&fake->owner);
        error_clear(&fake->error);
        if (fake->log.stream)
                (void)fclose(fake->log.stream);
        free(fake->log_text);
        free(fake->changes);
        free(fake);
        return removed ? 0 : -1;
}

struct hierarchy *fake_hierarchy(struct fake *fake, const char *name) {
        for (size_t i = 0; i < fake->host->count; i++)
                if (is_at(fake->host->hierarchies[i].mount_point, name))
                        return &fake->host->hierarchies[i];
        fail_msg("no hierarchy %s", name);
        return NULL;
}

void fake_put(struct fake *fake, const char *path, const char *text) {
        _cleanup_close_ int top = open_top(fake);

        put(top, path, text);
}

void fake_mkdir(struct fake *fake, const char *path) {
        _cleanup_close_ int fd = open_top(fake);
        _cleanup_free_ char *copy = strdup(path);
        char *rest = copy, *name;

        while ((name = strsep(&rest, "/"))) {
                bool made = __real_mkdirat(fd, name, 0755) == 0;
                int child = openat(fd, name, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

                assert_true(child >= 0);
                if (made)
                        populate(fd, child);
                (void)close(fd);
                fd = child;
        }
}

void fake_make_group(struct fake *fake) {
        for (size_t i = 0; i < fake->host->count; i++) {
                const struct hierarchy *hierarchy = &fake->host->hierarchies[i];
                _cleanup_free_ char *path = NULL;

                assert_true(asprintf(&path, "%s/%s", strrchr(hierarchy->mount_point, '/') + 1,
                                     fake->cgroup->path) > 0);
                fake_mkdir(fake, path);
                assert_int_equal(owner_take(&fake->owner, cgroup_directory(fake->cgroup, hierarchy)), 0);
        }
}

void fake_assert_holds(struct fake *fake, const char *path, const char *text) {
        _cleanup_close_ int top = open_top(fake);
        _cleanup_free_ char *held = get(top, path);

        if (!held)
                fail_msg("there is no %s", path);
        file_chomp(held);
        if (strcmp(held, text) != 0)
                fail_msg("%s holds \"%s\" instead of \"%s\"", path, held, text);
}

void fake_assert_there(struct fake *fake, const char *path, bool there) {
        _cleanup_close_ int top = open_top(fake);

        if (file_exists_at(top, path) != there)
                fail_msg("%s is %sthere", path, there ? "not " : "");
}

void fake_forget(struct fake *fake) {
        fake->changes[0] = '\0';
}

void fake_assert_changes(struct fake *fake, const char *changes) {
        assert_string_equal(fake->changes, changes);
        fake_forget(fake);
}

void fake_undo(struct fake *fake) {
        struct error error = ERROR_INIT;

        (void)error_fail(&error, 0, "undone");
        journal_undo(fake->journal, &error);
        assert_string_equal(error.message, "undone");
        error_clear(&error);
}

void fake_assert_error(struct fake *fake, enum exit_status status, const char *part) {
        if (!fake->error.message)
                fail_msg("no error, instead of \"%s\"", part);
        assert_int_equal(fake->error.status, status);
        if (!strstr(fake->error.message, part))
                fail_msg("\"%s\" does not say \"%s\"", fake->error.message, part);
        error_clear(&fake->error);
}
