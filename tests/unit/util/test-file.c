/* SPDX-License-Identifier: Apache-2.0 */
#include "../test.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "util/cleanup.h"
#include "util/file.h"

struct fixture {
        char path[64];
        int fd;
};

static int set_up(void **state) {
        struct fixture *f = calloc(1, sizeof(*f));

        strcpy(f->path, "/tmp/kata-cgroup-test.XXXXXX");
        assert_non_null(mkdtemp(f->path));
        f->fd = open(f->path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        assert_int_equal(mkdirat(f->fd, "dir", 0700), 0);
        assert_int_equal(symlinkat("/etc", f->fd, "link"), 0);
        *state = f;
        return 0;
}

static int tear_down(void **state) {
        struct fixture *f = *state;

        unlinkat(f->fd, "link", 0);
        unlinkat(f->fd, "dir/file", 0);
        unlinkat(f->fd, "dir", AT_REMOVEDIR);
        close(f->fd);
        rmdir(f->path);
        free(f);
        return 0;
}

/* No path leads out: not by "..", not from the root, not through a symlink. */
static void test_beneath(void **state) {
        struct fixture *f = *state;
        int fd;

        assert_int_equal(file_open_beneath(f->fd, "../etc", O_PATH), -EXDEV);
        assert_int_equal(file_open_beneath(f->fd, "dir/../../etc", O_PATH), -EXDEV);
        assert_int_equal(file_open_beneath(f->fd, "/etc", O_PATH), -EXDEV);
        assert_int_equal(file_open_beneath(f->fd, "link/passwd", O_RDONLY), -ELOOP);
        assert_int_equal(file_open_beneath(f->fd, "absent", O_RDONLY), -ENOENT);
        assert_int_equal(file_open_beneath(f->fd, "link", O_PATH), -ELOOP);
        assert_int_equal(file_open_beneath(f->fd, "link", O_RDONLY | O_DIRECTORY), -ELOOP);
        fd = file_open_beneath(f->fd, "dir", O_PATH | O_DIRECTORY);
        assert_true(fd >= 0);
        close(fd);
        fd = file_open_beneath(f->fd, "dir//.", O_PATH | O_DIRECTORY);
        assert_true(fd >= 0);
        close(fd);
}

/* From here on, as on a kernel before 5.6. */
static void forbid_openat2(void) {
        struct sock_filter filter[] = {
                BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
                BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_openat2, 0, 1),
                BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | ENOSYS),
                BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
        };
        const struct sock_fprog program = {ARRAY_SIZE(filter), filter};

        assert_int_equal(prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0), 0);
        assert_int_equal(prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program), 0);
}

static void test_beneath_without_openat2(void **state) {
        forbid_openat2();
        test_beneath(state);
}

/* A reader sees the old or the new content; the file is for root alone; nothing temporary stays. */
static void test_replace(void **state) {
        struct fixture *f = *state;
        _cleanup_close_ int dir = openat(f->fd, "dir", O_RDONLY | O_DIRECTORY);
        _cleanup_free_ char *text = NULL;
        struct stat status;

        assert_int_equal(file_replace_at(dir, "file", "one", 3), 0);
        assert_int_equal(file_replace_at(dir, "file", "three", 5), 0);
        assert_int_equal(file_read_at(dir, "file", 100, &text, NULL), 0);
        assert_string_equal(text, "three");
        assert_int_equal(fstatat(dir, "file", &status, 0), 0);
        assert_int_equal(status.st_mode & 07777, 0600);
        assert_false(file_exists_at(dir, ".file.new"));
}

/* Others read it; what is no file stays what it is. */
static void test_publish(void **state) {
        struct fixture *f = *state;
        _cleanup_close_ int dir = openat(f->fd, "dir", O_RDONLY | O_DIRECTORY);
        _cleanup_free_ char *path = NULL, *text = NULL;
        struct stat status;

        (void)umask(022);
        assert_true(asprintf(&path, "/proc/self/fd/%d/published", dir) > 0);
        assert_int_equal(file_publish(path, "one", 3), 0);
        assert_int_equal(file_publish(path, "two", 3), 0);
        assert_int_equal(file_read_at(dir, "published", 100, &text, NULL), 0);
        assert_string_equal(text, "two");
        assert_int_equal(fstatat(dir, "published", &status, 0), 0);
        assert_int_equal(status.st_mode & 07777, 0644);
        assert_int_equal(unlinkat(dir, "published", 0), 0);
        assert_int_equal(symlinkat("file", dir, "published"), 0);
        assert_int_equal(file_publish(path, "three", 5), -ENOTSUP);
        assert_true(file_is_symlink_at(dir, "published"));
        assert_int_equal(file_publish("/dev/null", "", 0), -ENOTSUP);
        assert_int_equal(file_publish("/", "", 0), -ENOTSUP);
        assert_int_equal(file_publish("/nowhere/file", "", 0), -ENOENT);
}

static void test_limit(void **state) {
        struct fixture *f = *state;
        _cleanup_close_ int dir = openat(f->fd, "dir", O_RDONLY | O_DIRECTORY);
        char *text;

        assert_int_equal(file_replace_at(dir, "file", "12345", 5), 0);
        assert_int_equal(file_read_at(dir, "file", 4, &text, NULL), -EFBIG);
}

/* A pipe that nobody writes to ends the wait, also after some bytes; one that is closed is read to its end, and a descriptor
 * that does not wait by itself is waited for. */
static void test_stream(void **state) {
        struct waiting waiting = waiting_begin(NULL);
        const struct silence silence = {20, &waiting, "a pipe"};
        char *text = NULL;
        size_t size;
        int ends[2];

        (void)state;
        assert_int_equal(pipe2(ends, O_NONBLOCK), 0);
        assert_int_equal(file_read_stream(ends[0], 100, &silence, &text, NULL), -ETIMEDOUT);
        assert_int_equal(write(ends[1], "123", 3), 3);
        assert_int_equal(file_read_stream(ends[0], 100, &silence, &text, NULL), -ETIMEDOUT);
        assert_int_equal(write(ends[1], "45", 2), 2);
        (void)close(ends[1]);
        assert_int_equal(file_read_stream(ends[0], 100, &silence, &text, &size), 0);
        assert_int_equal(size, 2);
        assert_string_equal(text, "45");
        free(text);
        (void)close(ends[0]);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test_setup_teardown(test_beneath, set_up, tear_down),
                cmocka_unit_test_setup_teardown(test_replace, set_up, tear_down),
                cmocka_unit_test_setup_teardown(test_publish, set_up, tear_down),
                cmocka_unit_test_setup_teardown(test_limit, set_up, tear_down),
                cmocka_unit_test(test_stream),
                /* The last: there is no way back. The answers are the same without openat2. */
                cmocka_unit_test_setup_teardown(test_beneath_without_openat2, set_up, tear_down),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
