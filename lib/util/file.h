/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * Files below a directory descriptor
 *
 * Every path is relative to a descriptor and cannot leave it: openat2(2) with RESOLVE_BENEATH and
 * RESOLVE_NO_SYMLINKS or, on a kernel without openat2 (before 5.6), a walk component by component
 * with O_NOFOLLOW. Functions return 0 (or what they name) or a negative errno and set no error: only
 * the caller knows what the file means to the user.
 */

#include <dirent.h>
#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

#include "util/waiting.h"

/* Opens `path` below `dir_fd`; flags as for open(2), O_CLOEXEC is added. "" and "." are the directory
 * itself. Returns the descriptor; -EXDEV if the path leads out, -ELOOP if it has a symlink. */
int file_open_beneath(int dir_fd, const char *path, int flags);

/* A directory below `dir_fd`, for readdir(3). NULL with errno. */
DIR *file_open_stream(int dir_fd, const char *path);

/* Whether the entry is a directory other than "." and "..". For file systems that set d_type, such as kernfs and proc. */
bool file_is_child_directory(const struct dirent *entry);

/* Reads a whole file, at most `limit` bytes (-EFBIG beyond). `*out` is a new NUL-terminated buffer,
 * `*size` (may be NULL) its length without the NUL. */
int file_read_fd(int fd, size_t limit, char **out, size_t *size);

/* How long a descriptor may be silent. */
struct silence {
        int limit_ms; /* without a byte */
        struct waiting *waiting;
        const char *name; /* of the descriptor, for who wonders about the wait */
};

/* The same for a descriptor that may block, such as a pipe: -ETIMEDOUT after the silence. */
int file_read_stream(int fd, size_t limit, const struct silence *silence, char **out, size_t *size);
int file_read_at(int dir_fd, const char *path, size_t limit, char **out, size_t *size);

/* Removes one trailing newline. */
void file_chomp(char *text);

/* Writes `value` with one write(2), as the kernel's files require. No file is created. */
int file_write_at(int dir_fd, const char *path, const char *value);

/* Writes all of the buffer, with as many write(2) as needed. */
int file_write_all(int fd, const void *buffer, size_t size);

/* Replaces `name` in `dir_fd` by a new file of mode 0600 with this content: temporary file, fsync(2),
 * rename(2). A reader sees the old or the new content, never a part. */
int file_replace_at(int dir_fd, const char *name, const void *content, size_t size);

/* The same for a file that others read and that has no lock: any path, mode 0644 (less the umask). -ENOTSUP where something
 * else than a regular file is there. */
int file_publish(const char *path, const void *content, size_t size);

/* True where `path` exists below `dir_fd`. */
bool file_exists_at(int dir_fd, const char *path);

/* Whether `name`, one component, still leads to the file that `fd` holds: 1 or 0, or a negative errno. */
int file_is_named(int dir_fd, const char *name, int fd);

/* True where `name`, one component, is a symbolic link in `dir_fd`. */
bool file_is_symlink_at(int dir_fd, const char *name);

/* The limit for files of /proc and /sys that grow with the host. */
#define FILE_SIZE_MAX (16UL * 1024UL * 1024UL)
