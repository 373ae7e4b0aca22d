/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * A QMP client, for a peer that is not trusted
 *
 * The tenant may have taken over the process at the other end of the socket, so answers are limited in size,
 * depth and time, and checked before they are used. The protocol: docs/interop/qmp-spec.rst of QEMU.
 */

#include <jansson.h>
#include <stdint.h>
#include <sys/types.h>

#include "util/cleanup.h"
#include "util/error.h"
#include "util/log.h"

struct qmp;

/* The maximum size of a message. */
#define QMP_MESSAGE_MAX (1024UL * 1024UL)
#define QMP_DEPTH_MAX 32
/* The limits of what is reported of an owner's messages on an adopted connection: their number and size. */
#define QMP_REPORT_MAX 64
#define QMP_REPORT_BYTES_MAX (256UL * 1024UL)

/*
 * Connects to the unix socket and negotiates: greeting, qmp_capabilities. A socket that does not exist
 * yet, or that nobody listens on yet, is tried again until the deadline (monotonic_ms()).
 * Errors: status 1 for the connection, an error reply or the deadline; status 5 for a malformed message.
 */
int qmp_connect(const char *path, int64_t deadline, const struct log *log, struct qmp **out,
                struct error *error);

/* The same over a connected descriptor, which the client owns, also on failure. `name` is for messages. */
int qmp_open(int fd, const char *name, int64_t deadline, const struct log *log, struct qmp **out,
             struct error *error);

/*
 * The same over a connected descriptor of the caller's, which is left open and in the mode it was in. A
 * connection that has negotiated already sends no greeting and answers qmp_capabilities with
 * CommandNotFound; both are fine.
 *
 * Nothing after an answer is read, except blanks and a line end that have arrived already: the owner continues
 * with the next message. Messages before an answer that are not for us are logged in full, up to QMP_REPORT_MAX
 * messages and QMP_REPORT_BYTES_MAX bytes; then one line says that further messages are not. After a failure in
 * the middle of a message, the beginning of what was read of it is logged. The owner must not read meanwhile.
 */
int qmp_adopt(int fd, int64_t deadline, const struct log *log, struct qmp **out, struct error *error);

struct qmp *qmp_free(struct qmp *qmp);
DEFINE_CLEANUP(struct qmp *, qmp_free)

/* Runs a command without arguments; `*out` is a new reference to its "return" value. An error reply is
 * status 1 with QEMU's class and description. It is -EAGAIN if the class is GenericError: then QEMU knows the command, and the
 * reason may pass, for example when a QEMU that was started with -preconfig begins to run. */
int qmp_execute(struct qmp *qmp, const char *command, int64_t deadline, json_t **out, struct error *error);

/* A hint at who the peer is: the pid of SO_PEERCRED, or 0 if the kernel does not know. It is the process that called
 * listen(2) or socketpair(2), not the one that holds the other end now: if one of Kata's shims starts QEMU, it is the
 * shim. */
pid_t qmp_peer(const struct qmp *qmp);
