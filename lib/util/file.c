/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Files below a directory descriptor
 *
 * Kernel files report their size as 0 or 4096, so a file is read until read(2) returns 0. They accept a value only in one
 * write(2): file_write_at() never splits one, and a short write is an error.
 */
#include "util/file.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "util/cleanup.h"
#include "util/timestamp.h"

int file_is_named(int dir_fd, const char *name, int fd) {
        struct stat named, held;

        if (fstatat(dir_fd, name, &named, AT_SYMLINK_NOFOLLOW) < 0)
                return errno == ENOENT ? 0 : error_negative(-errno);
        if (fstat(fd, &held) < 0)
                return error_negative(-errno);
        return named.st_ino == held.st_ino && named.st_dev == held.st_dev;
}

bool file_is_symlink_at(int dir_fd, const char *name) {
        struct stat named;

        return fstatat(dir_fd, name, &named, AT_SYMLINK_NOFOLLOW) == 0 && S_ISLNK(named.st_mode);
}

/*
 * For kernels without openat2: opens one component after the other and refuses symlinks and "..". O_NOFOLLOW is not enough
 * to return the errors of openat2: with O_DIRECTORY a symlink is ENOTDIR, and with O_PATH the symlink itself is opened.
 */
static int open_by_components(int dir_fd, const char *path, int flags) {
        _cleanup_close_ int parent = -1;
        _cleanup_free_ char *copy = NULL;
        char *rest, *component;
        int fd;

        copy = strdup(path);
        if (!copy)
                return -ENOMEM;
        for (rest = copy; (component = strsep(&rest, "/"));) {
                const char *name = component[0] != '\0' ? component : ".";
                int at = parent >= 0 ? parent : dir_fd;

                if (strcmp(component, "..") == 0)
                        return -EXDEV;
                if (file_is_symlink_at(at, name))
                        return -ELOOP;
                fd = openat(at, name,
                            rest ? O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC : flags | O_NOFOLLOW);
                if (fd < 0)
                        return -errno;
                cleanup_close(&parent);
                parent = fd;
        }
        return TAKE_FD(parent);
}

int file_open_beneath(int dir_fd, const char *path, int flags) {
        const struct open_how how = {
                .flags = (unsigned long long)(flags | O_CLOEXEC),
                .resolve = RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS,
        };
        long fd;

        if (path[0] == '/')
                return -EXDEV;
        if (path[0] == '\0')
                path = ".";
        do
                fd = syscall(SYS_openat2, dir_fd, path, &how, sizeof(how));
        while (fd < 0 && (errno == EINTR || errno == EAGAIN));
        if (fd >= 0)
                return (int)fd;
        /* Seccomp filters of container engines return EPERM for unknown system calls. */
        if (errno == ENOSYS || errno == EPERM)
                return open_by_components(dir_fd, path, flags | O_CLOEXEC);
        return -errno;
}

DIR *file_open_stream(int dir_fd, const char *path) {
        int fd = file_open_beneath(dir_fd, path, O_RDONLY | O_DIRECTORY);
        DIR *stream = fd >= 0 ? fdopendir(fd) : NULL;

        if (fd < 0)
                errno = -fd;
        else if (!stream)
                (void)close(fd);
        return stream;
}

bool file_is_child_directory(const struct dirent *entry) {
        return entry->d_type == DT_DIR && strcmp(entry->d_name, ".") != 0 && strcmp(entry->d_name, "..") != 0;
}

/* `silence`: NULL for a file that never blocks. */
static int read_all(int fd, size_t limit, const struct silence *silence, char **out, size_t *size) {
        _cleanup_free_ char *buffer = NULL;
        size_t capacity = 4096, length = 0;

        buffer = malloc(capacity + 1);
        if (!buffer)
                return -ENOMEM;
        for (;;) {
                ssize_t n;
                /* poll(2) also makes a non-blocking descriptor wait. */
                int r = silence ? waiting_poll(silence->waiting, fd, monotonic_ms() + silence->limit_ms,
                                               silence->name)
                                : 0;

                if (r < 0)
                        return r;
                if (length == capacity) {
                        char *larger = realloc(buffer, capacity * 2 + 1);

                        if (!larger)
                                return -ENOMEM;
                        buffer = larger;
                        capacity *= 2;
                }
                n = read(fd, buffer + length, capacity - length);
                if (n < 0 && (errno == EINTR || (errno == EAGAIN && silence)))
                        continue;
                if (n < 0)
                        return -errno;
                if (n == 0)
                        break;
                length += (size_t)n;
                if (length > limit)
                        return -EFBIG;
        }
        buffer[length] = '\0';
        *out = TAKE(buffer);
        if (size)
                *size = length;
        return 0;
}

int file_read_fd(int fd, size_t limit, char **out, size_t *size) {
        return read_all(fd, limit, NULL, out, size);
}

int file_read_stream(int fd, size_t limit, const struct silence *silence, char **out, size_t *size) {
        return read_all(fd, limit, silence, out, size);
}

int file_read_at(int dir_fd, const char *path, size_t limit, char **out, size_t *size) {
        _cleanup_close_ int fd = -1;

        fd = file_open_beneath(dir_fd, path, O_RDONLY);
        if (fd < 0)
                return fd;
        return file_read_fd(fd, limit, out, size);
}

void file_chomp(char *text) {
        size_t length = strlen(text);

        if (length > 0 && text[length - 1] == '\n')
                text[length - 1] = '\0';
}

int file_write_at(int dir_fd, const char *path, const char *value) {
        _cleanup_close_ int fd = -1;
        /* write(2) of 0 bytes does not reach the kernel's file, so an empty value is written as a line end. */
        const char *text = value[0] != '\0' ? value : "\n";
        size_t size = strlen(text);
        ssize_t n;

        fd = file_open_beneath(dir_fd, path, O_WRONLY);
        if (fd < 0)
                return fd;
        do
                n = write(fd, text, size);
        while (n < 0 && errno == EINTR);
        if (n < 0)
                return -errno;
        return (size_t)n == size ? 0 : -EIO;
}

int file_write_all(int fd, const void *buffer, size_t size) {
        const char *rest = buffer;

        while (size > 0) {
                ssize_t n = write(fd, rest, size);

                if (n < 0 && errno == EINTR)
                        continue;
                if (n < 0)
                        return -errno;
                rest += n;
                size -= (size_t)n;
        }
        return 0;
}

static int replace(int dir_fd, const char *name, const char *temporary, mode_t mode, const void *content,
                   size_t size) {
        _cleanup_close_ int fd = -1;
        int r;

        /* What has this name is left from a killed run. */
        if (unlinkat(dir_fd, temporary, 0) < 0 && errno != ENOENT)
                return -errno;
        fd = openat(dir_fd, temporary, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, mode);
        if (fd < 0)
                return -errno;
        r = file_write_all(fd, content, size);
        if (r == 0 && fsync(fd) < 0)
                r = -errno;
        if (r == 0 && renameat(dir_fd, temporary, dir_fd, name) < 0)
                r = -errno;
        if (r < 0)
                (void)unlinkat(dir_fd, temporary, 0);
        return r;
}

int file_replace_at(int dir_fd, const char *name, const void *content, size_t size) {
        _cleanup_free_ char *temporary = NULL;

        /* The caller holds the directory's lock: one name is enough. */
        if (asprintf(&temporary, ".%s.new", name) < 0) {
                temporary = NULL;
                return -ENOMEM;
        }
        return replace(dir_fd, name, temporary, 0600, content, size);
}

/* The directory that a path leads to, and the name in it. */
static int open_parent(const char *path, const char **name) {
        const char *slash = strrchr(path, '/');
        _cleanup_free_ char *parent = NULL;
        int fd;

        *name = slash ? slash + 1 : path;
        parent = slash == path ? strdup("/") : slash ? strndup(path, (size_t)(slash - path)) : strdup(".");
        if (!parent)
                return -ENOMEM;
        fd = open(parent, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        if (fd < 0)
                return -errno;
        return fd;
}

int file_publish(const char *path, const void *content, size_t size) {
        _cleanup_free_ char *temporary = NULL;
        _cleanup_close_ int dir_fd = -1;
        struct stat status;
        const char *name;

        dir_fd = open_parent(path, &name);
        if (dir_fd < 0)
                return dir_fd;
        /* A rename would put a file in the place of a device, a pipe or a link. */
        if (name[0] == '\0' ||
            (fstatat(dir_fd, name, &status, AT_SYMLINK_NOFOLLOW) == 0 && !S_ISREG(status.st_mode)))
                return -ENOTSUP;
        if (asprintf(&temporary, ".%s.%d.new", name, getpid()) < 0) {
                temporary = NULL;
                return -ENOMEM;
        }
        return replace(dir_fd, name, temporary, 0644, content, size);
}

bool file_exists_at(int dir_fd, const char *path) {
        _cleanup_close_ int fd = -1;

        fd = file_open_beneath(dir_fd, path, O_PATH);
        return fd >= 0;
}
