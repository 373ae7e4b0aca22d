/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A QMP peer that says what it likes
 *
 * The input is all that the peer ever sends, the end of the stream behind it; "@1", "@2" … in it are the ids of the
 * client's first, second … request. It is said to a new connection, which expects a greeting, and to an adopted one.
 */
#include "fuzz.h"

#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>

#include "util/timestamp.h"
#include "vmm/qmp.h"
#include "vmm/vcpus.h"

/* Never reached: whatever is to come is in the socket before the client reads. */
#define DEADLINE_MS 600000

static char *fill_in_ids(const char *text, size_t size, size_t *out_size) {
        char *out = NULL;
        FILE *stream = open_memstream(&out, out_size);

        CHECK(stream);
        for (size_t i = 0; i < size; i++)
                if (text[i] == '@' && i + 1 < size && text[i + 1] >= '1' && text[i + 1] <= '9')
                        fprintf(stream, "kata-cgroup-%d-%c", getpid(), text[++i]);
                else
                        fputc(text[i], stream);
        CHECK(fclose(stream) == 0);
        return out;
}

static int depth_of(const json_t *value) {
        const json_t *member;
        const char *name;
        int deepest = 0;
        size_t i;

        json_object_foreach((json_t *)value, name, member) {
                int depth = depth_of(member);

                deepest = depth > deepest ? depth : deepest;
        }
        json_array_foreach((json_t *)value, i, member) {
                int depth = depth_of(member);

                deepest = depth > deepest ? depth : deepest;
        }
        return json_is_object(value) || json_is_array(value) ? deepest + 1 : 0;
}

static void check_vcpus(const json_t *answer) {
        _cleanup_(vcpus_freep) struct vcpus *vcpus = NULL;
        _cleanup_error_ struct error error = ERROR_INIT;
        int r = vcpus_parse(answer, "QMP return", &vcpus, &error);

        fuzz_check_error(r, &error);
        if (r < 0)
                return;
        CHECK(vcpus->count <= VCPUS_MAX && vcpus->count == json_array_size(answer));
        for (size_t i = 0; i < vcpus->count; i++) {
                CHECK(vcpus->vcpus[i].tid > 0);
                CHECK(i == 0 || vcpus->vcpus[i - 1].index < vcpus->vcpus[i].index);
                for (size_t k = 0; k < i; k++)
                        CHECK(vcpus->vcpus[k].tid != vcpus->vcpus[i].tid);
        }
}

/* The owner of an adopted connection goes on right behind a message, or behind the blanks that follow one. */
static void check_rest(int fd, const char *said, size_t size) {
        int rest = 0;

        CHECK(ioctl(fd, FIONREAD, &rest) == 0 && rest >= 0 && (size_t)rest <= size);
        size -= (size_t)rest;
        while (size > 0 && memchr(" \t\r\n", said[size - 1], 4))
                size--;
        CHECK(size > 0 && said[size - 1] == '}');
}

static void converse(const char *said, size_t size, bool adopt) {
        _cleanup_(qmp_freep) struct qmp *qmp = NULL;
        _cleanup_error_ struct error error = ERROR_INIT;
        _cleanup_json_ json_t *answer = NULL;
        _cleanup_free_ char *log_text = NULL;
        size_t log_size;
        _cleanup_file_ FILE *stream = open_memstream(&log_text, &log_size);
        const struct log log = {.stream = stream, .json = size % 2 == 1};
        int64_t deadline = monotonic_ms() + DEADLINE_MS;
        int fds[2], r;

        CHECK(stream && socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fds) == 0);
        CHECK(size == 0 || send(fds[1], said, size, MSG_DONTWAIT | MSG_NOSIGNAL) == (ssize_t)size);
        CHECK(shutdown(fds[1], SHUT_WR) == 0);
        r = adopt ? qmp_adopt(fds[0], deadline, &log, &qmp, &error)
                  : qmp_open(fds[0], "peer", deadline, &log, &qmp, &error);
        CHECK((r == 0) == (qmp != NULL));
        for (int i = 0; r == 0 && i < 3; i++) {
                json_decref(answer);
                answer = NULL;
                r = qmp_execute(qmp, "query-cpus-fast", deadline, &answer, &error);
                CHECK((r == 0) == (answer != NULL));
                if (r < 0)
                        break;
                /* The reply itself is one level more. */
                CHECK(depth_of(answer) < QMP_DEPTH_MAX);
                check_vcpus(answer);
        }
        fuzz_check_error(r, &error);
        if (adopt && r == 0)
                check_rest(fds[0], said, size);
        if (adopt)
                (void)close(fds[0]);
        (void)close(fds[1]);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
        _cleanup_free_ char *said = NULL;
        size_t said_size;

        said = fill_in_ids((const char *)data, size, &said_size);
        converse(said, said_size, false);
        converse(said, said_size, true);
        return 0;
}
