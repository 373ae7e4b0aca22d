/* SPDX-License-Identifier: Apache-2.0 */
/*
 * stuck-process
 *
 * A process that cannot be frozen, as one that waits for a disk that does not answer: its system call needs a page of
 * memory that is to come from somebody else (userfaultfd(2)), and never does. The freezer does not interrupt that wait;
 * SIGKILL does. Prints a line before the call. Status 77 where the kernel has no userfaultfd.
 */
#include <fcntl.h>
#include <linux/userfaultfd.h>
#include <stdint.h>
#include <stdio.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>

int main(void) {
        size_t size = (size_t)sysconf(_SC_PAGESIZE);
        int fd = (int)syscall(SYS_userfaultfd, O_CLOEXEC);
        void *page = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
        struct uffdio_api api = {.api = UFFD_API};
        struct uffdio_register where = {.range = {(uintptr_t)page, size}, .mode = UFFDIO_REGISTER_MODE_MISSING};
        char byte;
        struct iovec from = {page, 1}, to = {&byte, 1};

        if (fd < 0 || page == MAP_FAILED || ioctl(fd, UFFDIO_API, &api) < 0 ||
            ioctl(fd, UFFDIO_REGISTER, &where) < 0)
                return 77;
        puts("ready");
        (void)fflush(stdout);
        return process_vm_readv(getpid(), &to, 1, &from, 1, 0) < 0;
}
