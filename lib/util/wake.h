/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * What epoll(7) reports for a descriptor: epoll_event.data.ptr points at one of these
 *
 * Rooms that add descriptors to one epoll instance agree on this much: whose the descriptor is, and that it was reported.
 */

#include <errno.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/epoll.h>

struct wake {
        void *owner; /* for whoever waits */
        bool shared; /* the file is about others, too, so many owners are woken at a time, and most in vain */
        bool woken;  /* set by whoever waits, reset by whoever has looked */
};

/* Has `fd` reported until it is closed. The wake outlives the descriptor. Returns 0 or a negative errno: -EPERM for a file
 * that cannot be waited for. */
static inline int wake_add(int epoll_fd, int fd, uint32_t events, struct wake *wake) {
        struct epoll_event event = {.events = events, .data.ptr = wake};

        return epoll_ctl(epoll_fd, EPOLL_CTL_ADD, fd, &event) < 0 ? -errno : 0;
}
