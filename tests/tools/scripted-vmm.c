/* SPDX-License-Identifier: Apache-2.0 */
/*
 * scripted-vmm SOCKET TEXT...
 *
 * A VMM that answers QMP as a test wants it to, for what no real one says: two threads with the names of vCPUs, and
 * a socket that serves one client after the other. A client is sent the next TEXT when it comes, and the one after
 * that for each line it sends; an empty TEXT is no answer, and so is none at all. Within a TEXT
 *
 *   %0 %1  are the IDs of the threads, and %p that of the process
 *   %i     is the "id" of the request
 *   %|     waits until the client has read all there is so far
 *   %m     is two million blanks
 *   %.     closes the connection
 *   %*     says all from here on again and again, until the client goes
 *
 * What is between two of "%|" is one write, up to 64 KiB, so that the client can have all of it in one read.
 *
 * Prints a line once it listens, and ends with a signal.
 */
#include <errno.h>
#include <linux/sockios.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

static pthread_barrier_t ready;
static pid_t tids[2];

static void *run(void *number) {
        int n = *(int *)number;
        char name[16];

        (void)snprintf(name, sizeof(name), "CPU %d/KVM", n);
        (void)pthread_setname_np(pthread_self(), name);
        tids[n] = gettid();
        (void)pthread_barrier_wait(&ready);
        for (;;)
                (void)pause();
        return NULL;
}

struct out {
        int fd;
        size_t size;
        char bytes[65536];
};

static bool flush(struct out *out) {
        const char *bytes = out->bytes;

        while (out->size > 0) {
                ssize_t n = write(out->fd, bytes, out->size);

                if (n < 0)
                        return false;
                bytes += n;
                out->size -= (size_t)n;
        }
        return true;
}

static bool put(struct out *out, const char *bytes, size_t size) {
        for (size_t i = 0; i < size; i++) {
                if (out->size == sizeof(out->bytes) && !flush(out))
                        return false;
                out->bytes[out->size++] = bytes[i];
        }
        return true;
}

static bool put_number(struct out *out, long number) {
        char text[24];
        int length = snprintf(text, sizeof(text), "%ld", number);

        return put(out, text, (size_t)length);
}

static bool put_blanks(struct out *out) {
        static char blanks[100000];
        bool going = true;

        memset(blanks, ' ', sizeof(blanks));
        for (int i = 0; going && i < 20; i++)
                going = put(out, blanks, sizeof(blanks));
        return going;
}

static void wait_until_read(int fd) {
        int unread = 1;

        while (ioctl(fd, SIOCOUTQ, &unread) == 0 && unread > 0)
                (void)sched_yield();
}

/* False once the connection is to be closed. */
static bool say(int fd, const char *text, const char *id) {
        static struct out out;
        const char *again = NULL;
        bool going = true, open = true;

        out.fd = fd;
        out.size = 0;
        for (const char *c = text; going && open; c++) {
                if (*c == '\0') {
                        if (!again)
                                break;
                        c = again;
                }
                if (*c != '%') {
                        going = put(&out, c, 1);
                        continue;
                }
                switch (*++c) {
                case '0':
                case '1':
                        going = put_number(&out, tids[*c - '0']);
                        break;
                case 'p':
                        going = put_number(&out, getpid());
                        break;
                case 'i':
                        going = put(&out, id, strlen(id));
                        break;
                case '|':
                        going = flush(&out);
                        wait_until_read(fd);
                        break;
                case 'm':
                        going = put_blanks(&out);
                        break;
                case '.':
                        open = false;
                        break;
                case '*':
                        again = c + 1;
                        break;
                }
        }
        return going && flush(&out) && open;
}

/* The value of "id" in a request, without the quotes. */
static void read_id(const char *line, char *id, size_t size) {
        const char *found = strstr(line, "\"id\":\"");

        (void)snprintf(id, size, "%.*s", found ? (int)strcspn(found + 6, "\"") : 0, found ? found + 6 : "");
}

/* Serves a client; returns the first text that was not said. */
static char **serve(int fd, char **texts) {
        FILE *in = fdopen(fd, "r");
        char line[4096], id[128] = "";
        bool going = in != NULL;

        for (bool first = true; going; first = false) {
                if (!first) {
                        if (!fgets(line, sizeof(line), in))
                                break;
                        read_id(line, id, sizeof(id));
                }
                if (*texts)
                        going = say(fd, *texts++, id);
        }
        if (in)
                (void)fclose(in);
        return texts;
}

int main(int argc, char **argv) {
        struct sockaddr_un address = {.sun_family = AF_UNIX};
        int listener = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0), numbers[] = {0, 1};
        char **texts = argv + 2;

        if (argc < 3 || strlen(argv[1]) >= sizeof(address.sun_path))
                return 2;
        (void)signal(SIGPIPE, SIG_IGN);
        (void)pthread_barrier_init(&ready, NULL, 3);
        for (int i = 0; i < 2; i++) {
                pthread_t thread;

                if (pthread_create(&thread, NULL, run, &numbers[i]) != 0)
                        return 1;
        }
        (void)pthread_barrier_wait(&ready);
        memcpy(address.sun_path, argv[1], strlen(argv[1]));
        if (listener < 0 || bind(listener, (struct sockaddr *)&address, sizeof(address)) < 0 ||
            listen(listener, 5) < 0) {
                perror(argv[1]);
                return 1;
        }
        puts("ready");
        (void)fflush(stdout);
        for (;;) {
                int fd = accept(listener, NULL, NULL);

                if (fd >= 0)
                        texts = serve(fd, texts);
        }
}
