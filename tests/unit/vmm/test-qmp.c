/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The QMP client against scripted peers
 *
 * A peer is a child at the other end of a unix socket. Its script is a list of steps: a text is sent in one
 * write, with "@ID@" replaced by the id of the last request, or byte by byte after DRIP; WAIT reads one
 * request; HANG says nothing until the client goes; the end of the script closes the connection.
 */
#include "../test.h"

#include <linux/sockios.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include "util/timestamp.h"
#include "vmm/qmp.h"

#define WAIT "<wait>"
#define HANG "<hang>"
#define FLOOD "<flood>"
#define DRIP "<drip>"
#define EVENT "{\"event\":\"X\"}\n"
#define GREETING "{\"QMP\": {\"version\": {\"qemu\": {\"major\": 7}}, \"capabilities\": [\"oob\"]}}\r\n"
#define NEGOTIATED GREETING, WAIT, "{\"return\": {}, \"id\": \"@ID@\"}\r\n", WAIT
/* As an owner hands it on: the greeting was read and capabilities were negotiated before. */
#define ADOPTED                                                                                                \
        WAIT, "{\"error\": {\"class\": \"CommandNotFound\", \"desc\": \"x\"}, \"id\": \"@ID@\"}\r\n", WAIT
#define ANSWER "{\"return\": [1], \"id\": \"@ID@\"}"
#define STEPS 12
#define LONG_MS 20000

struct peer {
        pid_t pid;
        int fd; /* the client's end */
        char directory[32], path[64];
};

static void send_all(int fd, const char *text, size_t size) {
        while (size > 0) {
                ssize_t n = send(fd, text, size, MSG_NOSIGNAL);

                if (n < 0)
                        _exit(0); /* the client has gone */
                text += n;
                size -= (size_t)n;
        }
}

/* Each byte is sent only after the client has read the one before: also half a message is read at once. */
static void send_slowly(int fd, const char *text) {
        int64_t deadline = monotonic_ms() + LONG_MS;

        for (; *text; text++) {
                int unread = 1, pause_ms = 1;

                send_all(fd, text, 1);
                while (ioctl(fd, SIOCOUTQ, &unread) == 0 && unread > 0)
                        if (!deadline_pause(deadline, &pause_ms, 1))
                                _exit(1);
        }
}

static void send_text(int fd, const char *text, const char *id) {
        bool slowly = strncmp(text, DRIP, strlen(DRIP)) == 0;
        const char *rest = slowly ? text + strlen(DRIP) : text, *found;
        _cleanup_free_ char *whole = NULL;
        size_t size;
        FILE *stream = open_memstream(&whole, &size);

        for (; (found = strstr(rest, "@ID@")); rest = found + 4)
                fprintf(stream, "%.*s%s", (int)(found - rest), rest, id);
        fputs(rest, stream);
        (void)fclose(stream);
        if (slowly)
                send_slowly(fd, whole);
        else
                send_all(fd, whole, size);
}

static void read_request(int fd, char *id, size_t size) {
        char line[256] = "", *found, c;
        size_t length = 0;

        while (length < sizeof(line) - 1 && read(fd, &c, 1) == 1 && c != '\n')
                line[length++] = c;
        found = strstr(line, "\"id\":\"");
        if (found)
                (void)snprintf(id, size, "%.*s", (int)strcspn(found + 6, "\""), found + 6);
}

static void play(int fd, const char *const *script) {
        char id[128] = "";

        for (size_t i = 0; i < STEPS && script[i]; i++) {
                if (strcmp(script[i], WAIT) == 0) {
                        read_request(fd, id, sizeof(id));
                        continue;
                }
                if (strcmp(script[i], HANG) == 0) {
                        while (read(fd, id, sizeof(id)) > 0)
                                ;
                        continue;
                }
                while (strcmp(script[i], FLOOD) == 0)
                        send_all(fd, EVENT, strlen(EVENT));
                send_text(fd, script[i], id);
        }
        (void)shutdown(fd, SHUT_RDWR);
        _exit(0);
}

static struct peer peer_listen(const char *const *script) {
        struct sockaddr_un address = {.sun_family = AF_UNIX};
        struct peer peer = {.fd = -1};
        int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

        strcpy(peer.directory, "/tmp/kc-qmp-XXXXXX");
        assert_non_null(mkdtemp(peer.directory));
        (void)snprintf(peer.path, sizeof(peer.path), "%s/sock", peer.directory);
        strcpy(address.sun_path, peer.path);
        assert_int_equal(bind(fd, (struct sockaddr *)&address, sizeof(address)), 0);
        assert_int_equal(listen(fd, 1), 0);
        peer.pid = fork();
        if (peer.pid == 0) {
                (void)prctl(PR_SET_PDEATHSIG, SIGKILL);
                play(accept(fd, NULL, NULL), script);
        }
        (void)close(fd);
        return peer;
}

static struct peer peer_pair(const char *const *script) {
        struct peer peer = {.fd = -1};
        int fds[2];

        assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fds), 0);
        peer.pid = fork();
        if (peer.pid == 0) {
                (void)prctl(PR_SET_PDEATHSIG, SIGKILL);
                (void)close(fds[0]);
                play(fds[1], script);
        }
        (void)close(fds[1]);
        peer.fd = fds[0];
        return peer;
}

static void peer_end(struct peer *peer) {
        if (peer->fd >= 0)
                (void)close(peer->fd);
        (void)waitpid(peer->pid, NULL, 0);
        if (peer->path[0] != '\0') {
                (void)unlink(peer->path);
                (void)rmdir(peer->directory);
        }
}

struct outcome {
        int r;
        struct error error;
        json_t *answer;
        char *log;
};

static void outcome_clear(struct outcome *outcome) {
        error_clear(&outcome->error);
        json_decref(outcome->answer);
        free(outcome->log);
}

/* Connects, or adopts the peer's other end, and asks query-cpus-fast. The peer stays. */
static struct outcome talk(struct peer *peer, int64_t timeout_ms) {
        struct outcome outcome = {.error = ERROR_INIT};
        size_t size;
        FILE *stream = open_memstream(&outcome.log, &size);
        struct log log = {.stream = stream};
        int64_t deadline = monotonic_ms() + timeout_ms;
        struct qmp *qmp = NULL;

        outcome.r = peer->fd >= 0 ? qmp_adopt(peer->fd, deadline, &log, &qmp, &outcome.error)
                                  : qmp_connect(peer->path, deadline, &log, &qmp, &outcome.error);
        if (outcome.r == 0)
                outcome.r = qmp_execute(qmp, "query-cpus-fast", deadline, &outcome.answer, &outcome.error);
        qmp_free(qmp);
        (void)fclose(stream);
        return outcome;
}

static struct outcome ask(struct peer *peer, int64_t timeout_ms) {
        struct outcome outcome = talk(peer, timeout_ms);

        peer_end(peer);
        return outcome;
}

static void assert_answer(const struct outcome *outcome, const char *wanted) {
        _cleanup_free_ char *text = NULL;

        if (outcome->r < 0)
                fail_msg("%s", outcome->error.message);
        text = json_dumps(outcome->answer, JSON_COMPACT);
        assert_string_equal(text, wanted);
}

/* Answers in every form that the protocol allows. */
static void test_answers(void **state) {
        static const char *const scripts[][STEPS] = {
                {NEGOTIATED, "{\"return\": [1], \"id\": \"@ID@\"}\r\n", HANG},
                /* Pieces, several objects in one read, no line ends. */
                {"{\"QM", "P\": {}}", WAIT,
                 "{\"event\": \"A\"}{\"return\": {}, \"id\": \"@ID@\"}{\"event\": \"}\\\"{\"}", WAIT, "{\"ret",
                 "urn\": [1], \"i", "d\": \"@ID@\"}", HANG},
                /* Events, and replies to others, before ours. */
                {NEGOTIATED,
                 "{\"event\": \"STOP\", \"timestamp\": {\"seconds\": 1}}\n{\"return\": [2], \"id\": "
                 "\"other\"}\n{\"return\": [3]}\n",
                 "{\"return\": [1], \"id\": \"@ID@\"}\n", HANG},
        };

        (void)state;
        for (size_t i = 0; i < ARRAY_SIZE(scripts); i++) {
                struct peer peer = peer_listen(scripts[i]);
                struct outcome outcome = ask(&peer, 20000);

                assert_answer(&outcome, "[1]");
                outcome_clear(&outcome);
        }
}

static void assert_fails(const char *const *script, int64_t timeout_ms, int status, const char *message) {
        struct peer peer = peer_listen(script);
        struct outcome outcome = ask(&peer, timeout_ms);

        assert_true(outcome.r < 0);
        if (!strstr(outcome.error.message, message))
                fail_msg("\"%s\" does not say \"%s\"", outcome.error.message, message);
        assert_int_equal(outcome.error.status, status);
        outcome_clear(&outcome);
}

/* QEMU's own words are the message: an error is never "no vCPUs". */
static void test_error_reply(void **state) {
        static const char *const script[STEPS] = {
                NEGOTIATED,
                "{\"error\": {\"class\": \"GenericError\", \"desc\": \"no such thing\"}, \"id\": \"@ID@\"}",
                HANG};
        static const char *const early[STEPS] = {
                GREETING, WAIT,
                "{\"error\": {\"class\": \"GenericError\", \"desc\": \"not today\"}, \"id\": \"@ID@\"}", HANG};
        static const char *const nameless[STEPS] = {
                NEGOTIATED, "{\"error\": {\"class\": \"GenericError\", \"desc\": \"JSON parse error\"}}", HANG};
        static const char *const twice[STEPS] = {
                GREETING, WAIT,
                "{\"error\": {\"class\": \"CommandNotFound\", \"desc\": \"mode\"}, \"id\": \"@ID@\"}", HANG};

        (void)state;
        assert_fails(script, 20000, EXIT_STATUS_FAILED, "QMP query-cpus-fast: GenericError: no such thing");
        assert_fails(early, 20000, EXIT_STATUS_FAILED, "QMP qmp_capabilities: GenericError: not today");
        assert_fails(nameless, 20000, EXIT_STATUS_FAILED, "JSON parse error");
        assert_fails(twice, 20000, EXIT_STATUS_FAILED, "CommandNotFound");
}

static void test_nonsense(void **state) {
        static const char *const not_json[STEPS] = {"SSH-2.0-OpenSSH\r\n", HANG};
        static const char *const not_qmp[STEPS] = {"{\"hello\": 1}\n", HANG};
        static const char *const broken[STEPS] = {NEGOTIATED, "{\"return\" [1]}\n", HANG};
        static const char *const neither[STEPS] = {NEGOTIATED, "{\"id\": \"@ID@\"}\n", HANG};
        static const char *const bare[STEPS] = {NEGOTIATED, "{\"error\": 7, \"id\": \"@ID@\"}\n", HANG};
        static const char *const twins[STEPS] = {NEGOTIATED,
                                                 "{\"return\": 1, \"return\": 2, \"id\": \"@ID@\"}\n", HANG};
        static const char *const nul[STEPS] = {NEGOTIATED, "{\"return\": \"\\u0000\", \"id\": \"@ID@\"}\n",
                                               HANG};

        (void)state;
        assert_fails(not_json, 20000, EXIT_STATUS_REFUSED, "does not speak QMP");
        assert_fails(not_qmp, 20000, EXIT_STATUS_REFUSED, "greeting");
        assert_fails(broken, 20000, EXIT_STATUS_REFUSED, "invalid JSON");
        assert_fails(neither, 20000, EXIT_STATUS_REFUSED, "neither return nor error");
        assert_fails(bare, 20000, EXIT_STATUS_REFUSED, "without class and desc");
        assert_fails(twins, 20000, EXIT_STATUS_REFUSED, "duplicate");
        assert_fails(nul, 20000, EXIT_STATUS_REFUSED, "invalid JSON");
}

static void test_end_of_connection(void **state) {
        static const char *const at_once[STEPS] = {NULL};
        static const char *const middle[STEPS] = {NEGOTIATED, "{\"return\": [", NULL};
        static const char *const between[STEPS] = {GREETING, WAIT, NULL};

        (void)state;
        assert_fails(at_once, 20000, EXIT_STATUS_FAILED, "closed");
        assert_fails(middle, 20000, EXIT_STATUS_FAILED, "closed in the middle of a message");
        assert_fails(between, 20000, EXIT_STATUS_FAILED, "closed");
}

/* The deadline holds for silence, for half a message and for one who never comes to the point. */
static void test_deadline(void **state) {
        static const char *const silent[STEPS] = {HANG};
        static const char *const half[STEPS] = {NEGOTIATED, "{\"return\": [", HANG};
        static const char *const mute[STEPS] = {NEGOTIATED, "{\"event\": \"A\"}\n", HANG};
        static const char *const flood[STEPS] = {NEGOTIATED, FLOOD};

        (void)state;
        assert_fails(silent, 200, EXIT_STATUS_FAILED, "does another client hold this monitor?");
        assert_fails(half, 200, EXIT_STATUS_FAILED, "no answer to QMP query-cpus-fast");
        assert_fails(mute, 200, EXIT_STATUS_FAILED, "no answer to QMP query-cpus-fast");
        assert_fails(flood, 200, EXIT_STATUS_FAILED, "no answer to QMP query-cpus-fast");
}

/* Nobody listens: the attempt ends with the deadline. */
static void test_no_socket(void **state) {
        struct error error = ERROR_INIT;
        struct log log = {.stream = stderr};
        struct qmp *qmp = NULL;
        char longest[200];

        (void)state;
        assert_true(qmp_connect("/nonexistent/kata-cgroup/qmp.sock", monotonic_ms(), &log, &qmp, &error) < 0);
        assert_int_equal(error.status, EXIT_STATUS_FAILED);
        assert_non_null(strstr(error.message, "No such file"));
        error_clear(&error);
        memset(longest, 'x', sizeof(longest));
        longest[sizeof(longest) - 1] = '\0';
        assert_true(qmp_connect(longest, monotonic_ms(), &log, &qmp, &error) < 0);
        error_clear(&error);
}

static char *repeat(const char *head, char c, size_t count) {
        size_t length = strlen(head);
        char *text = malloc(length + count + 1);

        memcpy(text, head, length);
        memset(text + length, c, count);
        text[length + count] = '\0';
        return text;
}

/* Size and depth of a message are bounded. */
static void test_bounds(void **state) {
        _cleanup_free_ char *large = repeat("{\"return\": \"", 'x', 3UL * 1024 * 1024);
        _cleanup_free_ char *deep = repeat("{\"return\": ", '[', 100);
        const char *const too_large[STEPS] = {NEGOTIATED, large, HANG};
        const char *const too_deep[STEPS] = {NEGOTIATED, deep, HANG};

        (void)state;
        assert_fails(too_large, 20000, EXIT_STATUS_REFUSED, "larger than 1048576 bytes");
        assert_fails(too_deep, 20000, EXIT_STATUS_REFUSED, "nested deeper");
}

/* --qmp-fd: negotiated already, or not; and what is not ours is passed on in full. */
static void test_adopt(void **state) {
        static const char *const negotiated[STEPS] = {
                WAIT, "{\"error\": {\"class\": \"CommandNotFound\", \"desc\": \"x\"}, \"id\": \"@ID@\"}\n",
                WAIT,
                "{\"event\": \"RESET\", \"data\": {\"guest\": true}}\n{\"return\": [1], \"id\": \"@ID@\"}\n",
                HANG};
        static const char *const fresh[STEPS] = {NEGOTIATED, "{\"return\": [1], \"id\": \"@ID@\"}\n", HANG};
        struct peer peer = peer_pair(negotiated);
        struct outcome outcome = ask(&peer, 20000);

        (void)state;
        assert_answer(&outcome, "[1]");
        assert_non_null(strstr(outcome.log, "{\"event\":\"RESET\",\"data\":{\"guest\":true}}"));
        outcome_clear(&outcome);

        peer = peer_pair(fresh);
        outcome = ask(&peer, 20000);
        assert_answer(&outcome, "[1]");
        outcome_clear(&outcome);
}

/* What the owner of an adopted connection reads from it afterwards, to the end. */
static void assert_owner_reads(const struct peer *peer, const char *wanted) {
        char text[512] = "";
        size_t size = 0;
        ssize_t n;

        while (size < sizeof(text) - 1 && (n = read(peer->fd, text + size, sizeof(text) - 1 - size)) > 0)
                size += (size_t)n;
        assert_string_equal(text, wanted);
}

/* Adopts a connection whose peer sends `last` as the answer, and ends; `left` is what the owner reads then. */
static void assert_leaves(const char *last, const char *left) {
        const char *const script[STEPS] = {ADOPTED, last, NULL};
        struct peer peer = peer_pair(script);
        struct outcome outcome = talk(&peer, LONG_MS);

        if (outcome.r < 0)
                fail_msg("%s", outcome.error.message);
        assert_string_equal(outcome.log, "");
        assert_owner_reads(&peer, left);
        peer_end(&peer);
        outcome_clear(&outcome);
}

static void test_adopted_event_behind_the_answer_is_left_to_the_owner(void **state) {
        (void)state;
        assert_leaves(ANSWER "\r\n{\"event\": \"A\"}\r\n", "{\"event\": \"A\"}\r\n");
        assert_leaves(ANSWER "\n{\"event\": \"A\"}\n{\"event\": \"B\"}\n",
                      "{\"event\": \"A\"}\n{\"event\": \"B\"}\n");
        assert_leaves(ANSWER " \t {\"event\": \"A\"}\n", "{\"event\": \"A\"}\n");
        assert_leaves(ANSWER "{\"event\": \"A\"}\n", "{\"event\": \"A\"}\n");
        /* What is behind the answer is none of our business, whatever it is. */
        assert_leaves(ANSWER "\r\nnonsense\r\n", "nonsense\r\n");
        assert_leaves(ANSWER "\r\n", "");
}

/* A long answer is read in chunks of 4096 bytes: its line end may be in the next one, in full or in part. */
static void test_adopted_owner_starts_with_a_new_line_after_answers_of_any_length(void **state) {
        (void)state;
        for (size_t padding = 4096 - 50; padding < 4096 - 36; padding++) {
                _cleanup_free_ char *answer = repeat("{\"id\": \"@ID@\", \"return\": \"", 'x', padding);
                _cleanup_free_ char *last = NULL;

                assert_true(asprintf(&last, "%s\"}\r\n{\"event\": \"A\"}\r\n", answer) > 0);
                assert_leaves(last, "{\"event\": \"A\"}\r\n");
        }
}

static void test_adopted_half_an_event_behind_the_answer_is_whole_for_the_owner(void **state) {
        static const char *const script[STEPS] = {ADOPTED, ANSWER "\r\n{\"event\": \"HA", WAIT, "LF\"}\r\n",
                                                  NULL};
        struct peer peer = peer_pair(script);
        struct outcome outcome = talk(&peer, LONG_MS);

        (void)state;
        assert_answer(&outcome, "[1]");
        /* The rest comes only after we have gone. */
        assert_true(dprintf(peer.fd, "go on\n") > 0);
        assert_owner_reads(&peer, "{\"event\": \"HALF\"}\r\n");
        peer_end(&peer);
        outcome_clear(&outcome);
}

static void test_adopted_answer_may_come_in_many_pieces(void **state) {
        static const char *const script[STEPS] = {ADOPTED, DRIP " \r\n{\"event\": \"A\"}\r\n" ANSWER, HANG};
        struct peer peer = peer_pair(script);
        struct outcome outcome = ask(&peer, LONG_MS);

        (void)state;
        assert_answer(&outcome, "[1]");
        assert_non_null(strstr(outcome.log, "not for kata-cgroup: {\"event\":\"A\"}\n"));
        outcome_clear(&outcome);
}

static size_t count_lines(const char *text) {
        size_t count = 0;

        for (; (text = strchr(text, '\n')); text++)
                count++;
        return count;
}

static void test_adopted_messages_before_the_answer_are_logged_in_full(void **state) {
        static const char *const script[STEPS] = {ADOPTED,
                                                  "{\"event\": \"A\", \"data\": {\"n\": [1, "
                                                  "\"}\"]}}\r\n{\"return\": 2, \"id\": \"owner-1\"}\r\n" ANSWER,
                                                  HANG};
        struct peer peer = peer_pair(script);
        struct outcome outcome = ask(&peer, LONG_MS);

        (void)state;
        assert_answer(&outcome, "[1]");
        assert_non_null(
                strstr(outcome.log, "not for kata-cgroup: {\"event\":\"A\",\"data\":{\"n\":[1,\"}\"]}}\n"));
        assert_non_null(strstr(outcome.log, "not for kata-cgroup: {\"return\":2,\"id\":\"owner-1\"}\n"));
        assert_int_equal(count_lines(outcome.log), 2);
        outcome_clear(&outcome);
}

static char *say_times(const char *message, size_t count) {
        char *text = NULL;
        size_t size;
        FILE *stream = open_memstream(&text, &size);

        while (count-- > 0)
                fputs(message, stream);
        (void)fclose(stream);
        return text;
}

/* Sends the message so many times before the answer, which has to be found; so many of them are logged, and a last
 * line says that there were more. */
static void assert_log_is_bounded(const char *message, size_t count, size_t logged) {
        _cleanup_free_ char *flood = say_times(message, count);
        const char *const script[STEPS] = {ADOPTED, flood, ANSWER, HANG};
        struct peer peer = peer_pair(script);
        struct outcome outcome = ask(&peer, LONG_MS);

        assert_answer(&outcome, "[1]");
        assert_int_equal(count_lines(outcome.log), logged + 1);
        assert_non_null(strstr(outcome.log, "is not reported"));
        outcome_clear(&outcome);
}

static void test_adopted_flood_does_not_fill_the_log(void **state) {
        _cleanup_free_ char *head = repeat("{\"event\":\"", 'x', 100UL * 1024);
        _cleanup_free_ char *large = NULL;

        (void)state;
        assert_log_is_bounded(EVENT, 1000, QMP_REPORT_MAX);
        assert_true(asprintf(&large, "%s\"}\n", head) > 0);
        assert_log_is_bounded(large, 5, 2);
}

/* The peer has sent `text`, which is not even half an answer, before the client is there. */
static struct outcome fail_after(struct peer *peer, const char *text, bool hang) {
        const char *const script[STEPS] = {text, WAIT, hang ? HANG : NULL};
        struct pollfd fd = {.events = POLLIN};
        struct outcome outcome;

        *peer = peer_pair(script);
        fd.fd = peer->fd;
        assert_int_equal(poll(&fd, 1, LONG_MS), 1);
        outcome = talk(peer, hang ? 200 : LONG_MS);
        assert_true(outcome.r < 0);
        return outcome;
}

static void test_adopted_part_of_a_message_is_logged_after_a_failure(void **state) {
        static const struct {
                const char *said, *logged;
                bool hang;
        } cases[] = {
                {"\r\n{\"event\": \"HA", "gave up after 13 bytes of a message: {\"event\": \"HA\n", true},
                {"{\"event\": \"HA", "gave up after 13 bytes of a message: {\"event\": \"HA\n", false},
                {"{\"event\" [\x01\xff]}\r\n", "gave up after 14 bytes of a message: {\"event\" [??]}\n", true},
        };
        _cleanup_free_ char *large = repeat("{\"event\": \"", 'x', 20000);
        struct outcome outcome;
        struct peer peer;

        (void)state;
        for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
                outcome = fail_after(&peer, cases[i].said, cases[i].hang);
                assert_non_null(strstr(outcome.log, cases[i].logged));
                assert_int_equal(count_lines(outcome.log), 1);
                peer_end(&peer);
                outcome_clear(&outcome);
        }
        outcome = fail_after(&peer, large, false);
        assert_int_equal(count_lines(outcome.log), 1);
        assert_true(strlen(outcome.log) < 5000);
        peer_end(&peer);
        outcome_clear(&outcome);
}

static void test_adopted_nonsense_is_left_to_the_owner(void **state) {
        struct peer peer;
        struct outcome outcome = fail_after(&peer, "SSH-2.0-OpenSSH\r\n", false);

        (void)state;
        assert_int_equal(outcome.error.status, EXIT_STATUS_REFUSED);
        assert_string_equal(outcome.log, "");
        assert_owner_reads(&peer, "SSH-2.0-OpenSSH\r\n");
        peer_end(&peer);
        outcome_clear(&outcome);
}

/* Nothing is lost between two reads, and nothing is logged: nobody else waits for it. */
static void test_own_connection_takes_several_messages_in_one_read(void **state) {
        static const char *const script[STEPS] = {GREETING,
                                                  WAIT,
                                                  EVENT "{\"return\": {}, \"id\": \"@ID@\"}\r\n" EVENT EVENT
                                                        "{\"return\": [2], \"id\": \"other\"}\r\n{\"ev",
                                                  WAIT,
                                                  "ent\": \"B\"}" EVENT ANSWER "\r\n" EVENT "{\"half",
                                                  HANG};
        struct peer peer = peer_listen(script);
        struct outcome outcome = ask(&peer, LONG_MS);

        (void)state;
        assert_answer(&outcome, "[1]");
        assert_string_equal(outcome.log, "");
        outcome_clear(&outcome);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_answers),
                cmocka_unit_test(test_error_reply),
                cmocka_unit_test(test_nonsense),
                cmocka_unit_test(test_end_of_connection),
                cmocka_unit_test(test_deadline),
                cmocka_unit_test(test_no_socket),
                cmocka_unit_test(test_bounds),
                cmocka_unit_test(test_adopt),
                cmocka_unit_test(test_adopted_event_behind_the_answer_is_left_to_the_owner),
                cmocka_unit_test(test_adopted_owner_starts_with_a_new_line_after_answers_of_any_length),
                cmocka_unit_test(test_adopted_half_an_event_behind_the_answer_is_whole_for_the_owner),
                cmocka_unit_test(test_adopted_answer_may_come_in_many_pieces),
                cmocka_unit_test(test_adopted_messages_before_the_answer_are_logged_in_full),
                cmocka_unit_test(test_adopted_flood_does_not_fill_the_log),
                cmocka_unit_test(test_adopted_part_of_a_message_is_logged_after_a_failure),
                cmocka_unit_test(test_adopted_nonsense_is_left_to_the_owner),
                cmocka_unit_test(test_own_connection_takes_several_messages_in_one_read),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
