/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A QMP client, for a peer that is not trusted
 *
 * Subtle: messages are consecutive JSON objects, usually but not necessarily one per line, and arrive in any
 * number of pieces. A scanner that knows only strings and brackets finds the end of each. Our `id` distinguishes
 * our answers from events, and from answers to the owner of an inherited connection. A QEMU monitor serves one
 * client; a second one can connect but gets no greeting.
 *
 * Our own connection is read in large chunks. An adopted connection is peeked at first, and then read only up to
 * the end of the first message: what follows our last answer stays in the socket for the owner.
 */
#include "vmm/qmp.h"

#include <errno.h>
#include <inttypes.h>
#include <poll.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "util/timestamp.h"
#include "util/waiting.h"

#define FIELD "QMP"
#define CONNECT_PAUSE_FIRST_MS 50
#define CONNECT_PAUSE_MAX_MS 1000
#define READ_SIZE 65536UL
/* The size of a peek. It is small, since bytes after the first message are copied again for the next message. */
#define PEEK_SIZE 4096UL
#define LINE_REST_MAX 64
#define UNFINISHED_MAX 4096

enum {
        QMP_E_TIMEOUT = 1 /* the deadline has passed */
};

struct qmp {
        int fd;
        bool adopted; /* the descriptor is shared with its owner */
        const struct log *log;
        struct waiting waiting; /* from the connection on */
        char *name;             /* for messages */
        char *buffer;           /* bytes that were read and not yet used */
        size_t size;
        /* The scan for the end of the first message: position, depth, whether it is in a string, and whether it is complete. */
        size_t scanned;
        int depth;
        bool in_string, escaped, complete;
        unsigned serial; /* of the last request */
        /* The number and size of the messages that were reported for the owner of an adopted connection. */
        size_t reported, reported_bytes;
        bool report_ended;
};

struct qmp *qmp_free(struct qmp *qmp) {
        if (!qmp)
                return NULL;
        if (!qmp->adopted)
                cleanup_close(&qmp->fd);
        free(qmp->name);
        free(qmp->buffer);
        free(qmp);
        return NULL;
}

pid_t qmp_peer(const struct qmp *qmp) {
        struct ucred credentials = {0};
        socklen_t size = sizeof(credentials);

        if (getsockopt(qmp->fd, SOL_SOCKET, SO_PEERCRED, &credentials, &size) < 0)
                return 0;
        return credentials.pid;
}

static bool is_blank(char c) {
        return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

/* Continues the scan. Once a whole message is there, it is complete and qmp->scanned is its length. */
static int scan(struct qmp *qmp, struct error *error) {
        while (!qmp->complete && qmp->scanned < qmp->size) {
                char c = qmp->buffer[qmp->scanned++];

                if (qmp->in_string) {
                        if (qmp->escaped)
                                qmp->escaped = false;
                        else if (c == '\\')
                                qmp->escaped = true;
                        else if (c == '"')
                                qmp->in_string = false;
                        continue;
                }
                if (qmp->depth == 0 && c != '{') {
                        if (!is_blank(c))
                                return error_refuse(error, FIELD, "%s does not speak QMP: not a JSON object",
                                                    qmp->name);
                        continue;
                }
                if (c == '"')
                        qmp->in_string = true;
                else if (c == '{' || c == '[')
                        qmp->depth++;
                else if (c == '}' || c == ']')
                        qmp->depth--;
                if (qmp->depth > QMP_DEPTH_MAX)
                        return error_refuse(error, FIELD, "the answer of %s is nested deeper than %d levels",
                                            qmp->name, QMP_DEPTH_MAX);
                qmp->complete = qmp->depth == 0;
        }
        return 0;
}

static int wait_readable(struct qmp *qmp, int64_t deadline, struct error *error) {
        int r = deadline_poll(qmp->fd, waiting_until(&qmp->waiting, deadline));

        if (r == -ETIMEDOUT && waiting_is_due(&qmp->waiting)) {
                waiting_say(&qmp->waiting, "an answer of QMP %s", qmp->name);
                r = deadline_poll(qmp->fd, deadline);
        }

        if (r == -ETIMEDOUT)
                return QMP_E_TIMEOUT;
        return r < 0 ? error_fail(error, -r, "%s", qmp->name) : 0;
}

static int make_room(struct qmp *qmp, size_t size, struct error *error) {
        char *larger;

        if (qmp->size >= QMP_MESSAGE_MAX)
                return error_refuse(error, FIELD, "the answer of %s is larger than %lu bytes", qmp->name,
                                    QMP_MESSAGE_MAX);
        larger = realloc(qmp->buffer, qmp->size + size);
        if (!larger)
                return error_oom(error);
        qmp->buffer = larger;
        return 0;
}

/* Reads the bytes that were peeked at, from `begin` of the buffer to its end. */
static int consume(struct qmp *qmp, size_t begin, struct error *error) {
        size_t end = qmp->size;

        for (qmp->size = begin; qmp->size < end;) {
                ssize_t n = recv(qmp->fd, qmp->buffer + qmp->size, end - qmp->size, MSG_DONTWAIT);

                if (n < 0 && errno == EINTR)
                        continue;
                if (n <= 0)
                        return error_fail(error, 0, "%s: another process reads from the QMP connection",
                                          qmp->name);
                qmp->size += (size_t)n;
        }
        return 0;
}

/* Reads blanks and the line end after a message, as far as they have arrived, so that the owner starts at a new line.
 * One attempt is enough: further blanks do the owner no harm. */
static void consume_line_end(const struct qmp *qmp) {
        char rest[LINE_REST_MAX];
        ssize_t n = recv(qmp->fd, rest, sizeof(rest), MSG_PEEK | MSG_DONTWAIT), i = 0;

        while (i < n && is_blank(rest[i]) && rest[i] != '\n')
                i++;
        if (i < n && rest[i] == '\n')
                i++;
        if (i > 0)
                (void)recv(qmp->fd, rest, (size_t)i, MSG_DONTWAIT);
}

/* Reads the last `peeked` bytes of the buffer, which are still in the socket, up to the end of the message. Without an
 * end it reads them all, since poll(2) would report the same bytes repeatedly. Bytes that are not QMP stay. */
static int consume_message(struct qmp *qmp, size_t peeked, struct error *error) {
        size_t begin = qmp->size - peeked;
        int r;

        r = scan(qmp, error);
        if (r < 0) {
                qmp->size = begin;
                return r;
        }
        if (qmp->complete)
                qmp->size = qmp->scanned;
        r = consume(qmp, begin, error);
        if (r == 0 && qmp->complete)
                consume_line_end(qmp);
        return r;
}

/* One recv(2) after poll(2), or QMP_E_TIMEOUT. It never changes the descriptor's flags, which an adopted descriptor
 * shares with its owner. */
static int receive(struct qmp *qmp, int64_t deadline, struct error *error) {
        size_t size = qmp->adopted ? PEEK_SIZE : READ_SIZE;
        ssize_t n;
        int r;

        r = wait_readable(qmp, deadline, error);
        if (r == 0)
                r = make_room(qmp, size, error);
        if (r != 0)
                return r;
        n = recv(qmp->fd, qmp->buffer + qmp->size, size, MSG_DONTWAIT | (qmp->adopted ? MSG_PEEK : 0));
        if (n < 0)
                return errno == EINTR || errno == EAGAIN ? 0 : error_fail(error, errno, "%s", qmp->name);
        if (n == 0)
                return error_fail(error, 0, "%s: the QMP connection was closed%s", qmp->name,
                                  qmp->depth > 0 ? " in the middle of a message" : "");
        qmp->size += (size_t)n;
        return qmp->adopted ? consume_message(qmp, (size_t)n, error) : 0;
}

/* Takes the first message out of the buffer. */
static int take_message(struct qmp *qmp, json_t **out, struct error *error) {
        size_t length = qmp->scanned;
        json_error_t json_error;
        json_t *message;

        message = json_loadb(qmp->buffer, length, JSON_REJECT_DUPLICATES, &json_error);
        if (!message)
                return error_refuse(error, FIELD, "%s sent invalid JSON: %s", qmp->name, json_error.text);
        memmove(qmp->buffer, qmp->buffer + length, qmp->size - length);
        qmp->size -= length;
        qmp->scanned = 0;
        qmp->complete = false;
        *out = message;
        return 0;
}

static int read_message(struct qmp *qmp, int64_t deadline, json_t **out, struct error *error) {
        int r;

        do {
                r = scan(qmp, error);
                if (r == 0 && qmp->complete)
                        return take_message(qmp, out, error);
                if (r == 0)
                        r = receive(qmp, deadline, error);
        } while (r == 0);
        return r;
}

/* Logs the beginning of a message that we gave up: the owner of an adopted connection finds only the rest of it. */
static void report_unfinished(const struct qmp *qmp) {
        char text[UNFINISHED_MAX + 1] = "";
        size_t begin = 0;

        while (begin < qmp->size && is_blank(qmp->buffer[begin]))
                begin++;
        if (!qmp->adopted || begin == qmp->size)
                return;
        /* QEMU sends ASCII. Other bytes are replaced: they could end the text, or make it invalid UTF-8. */
        for (size_t i = 0; i < UNFINISHED_MAX && begin + i < qmp->size; i++) {
                char c = qmp->buffer[begin + i];

                text[i] = '?';
                if (c >= 0x20 && c < 0x7f)
                        text[i] = c;
        }
        log_warning(qmp->log, "%s: gave up after %zu bytes of a message: %s", qmp->name, qmp->size - begin,
                    text);
}

/* The next message, or QMP_E_TIMEOUT. */
static int next_message(struct qmp *qmp, int64_t deadline, json_t **out, struct error *error) {
        int r = read_message(qmp, deadline, out, error);

        if (r != 0)
                report_unfinished(qmp);
        return r;
}

static int send_request(struct qmp *qmp, const char *command, char **id, int64_t deadline,
                        struct error *error) {
        _cleanup_free_ char *text = NULL;
        const char *rest;
        int length;

        if (asprintf(id, "kata-cgroup-%d-%u", getpid(), ++qmp->serial) < 0) {
                *id = NULL;
                return error_oom(error);
        }
        length = asprintf(&text, "{\"execute\":\"%s\",\"id\":\"%s\"}\n", command, *id);
        if (length < 0) {
                text = NULL;
                return error_oom(error);
        }
        for (rest = text; length > 0;) {
                struct pollfd fd = {.fd = qmp->fd, .events = POLLOUT};
                ssize_t n = send(qmp->fd, rest, (size_t)length, MSG_DONTWAIT | MSG_NOSIGNAL);

                if (n < 0 && errno == EAGAIN && poll(&fd, 1, deadline_left_ms(deadline)) == 0)
                        return error_fail(error, ETIMEDOUT, "%s: QMP %s could not be sent", qmp->name, command);
                if (n < 0 && errno != EAGAIN && errno != EINTR)
                        return error_fail(error, errno, "%s: QMP %s could not be sent", qmp->name, command);
                if (n > 0) {
                        rest += n;
                        length -= (int)n;
                }
        }
        return 0;
}

/* Reports messages for the owner of an adopted connection, which we have read in its place. The number is limited, so
 * that a flooding peer cannot fill the log. */
static void pass_on(struct qmp *qmp, const json_t *message) {
        _cleanup_free_ char *text = NULL;
        size_t length;

        if (!qmp->adopted || qmp->report_ended)
                return;
        text = json_dumps(message, JSON_COMPACT);
        length = text ? strlen(text) : 0;
        if (qmp->reported == QMP_REPORT_MAX || length > QMP_REPORT_BYTES_MAX - qmp->reported_bytes) {
                qmp->report_ended = true;
                log_warning(qmp->log,
                            "%s: what else is not for kata-cgroup is not reported: more than %d messages or "
                            "%lu bytes",
                            qmp->name, QMP_REPORT_MAX, QMP_REPORT_BYTES_MAX);
                return;
        }
        qmp->reported++;
        qmp->reported_bytes += length;
        log_info(qmp->log, "%s: not for kata-cgroup: %s", qmp->name, text ? text : "?");
}

static int fail_reply(const struct qmp *qmp, const char *command, const json_t *reply_error,
                      struct error *error) {
        const char *class = json_string_value(json_object_get(reply_error, "class"));
        const char *description = json_string_value(json_object_get(reply_error, "desc"));

        if (!class || !description)
                return error_refuse(error, FIELD, "%s answered %s with an error without class and desc",
                                    qmp->name, command);
        (void)error_fail(error, 0, "%s: QMP %s: %s: %s", qmp->name, command, class, description);
        return strcmp(class, "GenericError") == 0 ? -EAGAIN : -EIO;
}

static bool is_reply_to(const json_t *message, const char *id) {
        const char *message_id = json_string_value(json_object_get(message, "id"));

        return message_id && strcmp(message_id, id) == 0;
}

/* Sends a command and waits for the reply with its id; events and replies to the owner are reported. */
static int request(struct qmp *qmp, const char *command, int64_t deadline, json_t **reply,
                   struct error *error) {
        _cleanup_free_ char *id = NULL;
        int r;

        r = send_request(qmp, command, &id, deadline, error);
        while (r == 0) {
                _cleanup_json_ json_t *message = NULL;

                r = next_message(qmp, deadline, &message, error);
                if (r != 0)
                        break;
                if (is_reply_to(message, id)) {
                        *reply = TAKE(message);
                        return 0;
                }
                /* If the peer cannot parse a request, its error has no id. */
                if (!qmp->adopted && json_object_get(message, "error"))
                        return fail_reply(qmp, command, json_object_get(message, "error"), error);
                pass_on(qmp, message);
                /* The deadline also ends an endless stream of other messages. */
                if (deadline_left_ms(deadline) == 0)
                        r = QMP_E_TIMEOUT;
        }
        if (r == QMP_E_TIMEOUT)
                return error_fail(error, ETIMEDOUT, "%s: no answer to QMP %s", qmp->name, command);
        return r;
}

int qmp_execute(struct qmp *qmp, const char *command, int64_t deadline, json_t **out, struct error *error) {
        _cleanup_json_ json_t *reply = NULL;
        json_t *value;
        int r;

        r = request(qmp, command, deadline, &reply, error);
        if (r < 0)
                return r;
        value = json_object_get(reply, "error");
        if (value)
                return fail_reply(qmp, command, value, error);
        value = json_object_get(reply, "return");
        if (!value)
                return error_refuse(error, FIELD, "%s answered %s with neither return nor error", qmp->name,
                                    command);
        *out = json_incref(value);
        return 0;
}

static int expect_greeting(struct qmp *qmp, int64_t deadline, struct error *error) {
        _cleanup_json_ json_t *greeting = NULL;
        int r;

        r = next_message(qmp, deadline, &greeting, error);
        if (r == QMP_E_TIMEOUT)
                return error_fail(error, 0,
                                  "%s: connected, but no greeting: does another client hold this monitor? Pass "
                                  "the threads "
                                  "by --vcpus, or give QEMU a second -qmp",
                                  qmp->name);
        if (r < 0)
                return r;
        if (!json_is_object(json_object_get(greeting, "QMP")))
                return error_refuse(error, FIELD, "%s does not speak QMP: its greeting has no QMP object",
                                    qmp->name);
        return 0;
}

/* On an adopted connection the negotiation may be done already: then the answer is CommandNotFound. */
static int negotiate(struct qmp *qmp, int64_t deadline, struct error *error) {
        _cleanup_json_ json_t *reply = NULL;
        const json_t *reply_error;
        const char *class;
        int r;

        r = request(qmp, "qmp_capabilities", deadline, &reply, error);
        if (r < 0)
                return r;
        reply_error = json_object_get(reply, "error");
        if (!reply_error)
                return 0;
        class = json_string_value(json_object_get(reply_error, "class"));
        if (qmp->adopted && class && strcmp(class, "CommandNotFound") == 0)
                return 0;
        return fail_reply(qmp, "qmp_capabilities", reply_error, error);
}

static struct qmp *qmp_new(int fd, bool adopted, const struct log *log, const char *name) {
        struct qmp *qmp = calloc(1, sizeof(*qmp));

        if (!qmp)
                return NULL;
        *qmp = (struct qmp){
                .fd = fd, .adopted = adopted, .log = log, .waiting = waiting_begin(log), .name = strdup(name)};
        if (!qmp->name) {
                free(qmp);
                return NULL;
        }
        return qmp;
}

int qmp_adopt(int fd, int64_t deadline, const struct log *log, struct qmp **out, struct error *error) {
        _cleanup_(qmp_freep) struct qmp *qmp = NULL;
        char name[32];
        int r;

        (void)snprintf(name, sizeof(name), "descriptor %d", fd);
        qmp = qmp_new(fd, true, log, name);
        if (!qmp)
                return error_oom(error);
        r = negotiate(qmp, deadline, error);
        if (r < 0)
                return r;
        *out = TAKE(qmp);
        return 0;
}

/* Whether a failed connect(2) is repeated. EAGAIN: the backlog of the unix socket is full. */
static bool may_come(int errnum) {
        return errnum == ENOENT || errnum == ECONNREFUSED || errnum == EAGAIN || errnum == EINTR;
}

static int connect_socket(const char *path, int64_t deadline, const struct log *log, struct error *error) {
        struct sockaddr_un address = {.sun_family = AF_UNIX};
        struct waiting waiting = waiting_begin(log);
        int pause_ms = CONNECT_PAUSE_FIRST_MS;

        if (strlen(path) >= sizeof(address.sun_path))
                return error_fail(error, ENAMETOOLONG, "QMP socket %s", path);
        memcpy(address.sun_path, path, strlen(path));
        for (;;) {
                _cleanup_close_ int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);

                if (fd < 0)
                        return error_fail(error, errno, "QMP socket");
                if (connect(fd, (const struct sockaddr *)&address, sizeof(address)) == 0)
                        return TAKE_FD(fd);
                if (!may_come(errno) || !deadline_pause(deadline, &pause_ms, CONNECT_PAUSE_MAX_MS))
                        return error_fail(error, errno, "cannot connect to QMP socket %s", path);
                if (waiting_is_due(&waiting))
                        waiting_say(&waiting, "QMP socket %s: %s", path, strerror(errno));
        }
}

int qmp_open(int fd, const char *name, int64_t deadline, const struct log *log, struct qmp **out,
             struct error *error) {
        _cleanup_(qmp_freep) struct qmp *qmp = NULL;
        int r;

        qmp = qmp_new(fd, false, log, name);
        if (!qmp) {
                (void)close(fd);
                return error_oom(error);
        }
        r = expect_greeting(qmp, deadline, error);
        if (r == 0)
                r = negotiate(qmp, deadline, error);
        if (r < 0)
                return r;
        *out = TAKE(qmp);
        return 0;
}

int qmp_connect(const char *path, int64_t deadline, const struct log *log, struct qmp **out,
                struct error *error) {
        int fd = connect_socket(path, deadline, log, error);

        return fd < 0 ? fd : qmp_open(fd, path, deadline, log, out, error);
}
