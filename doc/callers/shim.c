/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A shim in C. It manages one sandbox, from create to delete, by calls of kata-cgroup.
 *
 * usage: shim ID BUNDLE [OPTION-OF-CREATE...]
 *
 * QEMU's monitor is a socketpair; the shim keeps one end. The exit status is that of the call that failed.
 */
#define _GNU_SOURCE
#include <jansson.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <unistd.h>

/* The exit statuses of kata-cgroup(8). */
enum status { DONE, FAILED, USAGE, NO_SANDBOX, EXISTS, REFUSED };

#define ARGUMENTS_MAX 64
#define ANSWER_MAX (1 << 20) /* the VMM is not trusted: its answers are limited in size and time */
#define ANSWER_SECONDS 25

extern char **environ;

/* The error of the last call that failed, for the shim's own caller. */
static char failure[65536];

/* Each line is one JSON object. Warnings go to the shim's log. */
static void read_messages(const char *command, FILE *messages) {
        char line[65536];

        rewind(messages);
        while (fgets(line, sizeof(line), messages)) {
                const char *level, *message, *field = NULL;
                int code = 0;
                json_t *entry = json_loads(line, 0, NULL);

                if (json_unpack(entry, "{s:s, s:s, s?i, s?s}", "level", &level, "msg", &message, "code", &code,
                                "field", &field) < 0)
                        fprintf(stderr, "shim: %s: %s", command, line);
                else if (code == 0)
                        fprintf(stderr, "shim: %s: %s: %s\n", level, command, message);
                else
                        snprintf(failure, sizeof(failure), "%s: %s [status %d%s%s]", command, message, code,
                                 field ? ", field " : "", field ? field : "");
                json_decref(entry);
        }
}

/* Runs "kata-cgroup COMMAND ..." with this input. It uses files, since a pipe could fill up while nobody reads. */
static enum status call(const char *input, const char *const *command) {
        const char *argv[ARGUMENTS_MAX + 4] = {"kata-cgroup", "--log-format", "json"};
        FILE *in = tmpfile(), *messages = tmpfile();
        posix_spawn_file_actions_t actions;
        int status = -1;
        pid_t pid;

        for (size_t i = 0; i < ARGUMENTS_MAX && command[i]; i++)
                argv[i + 3] = command[i];
        if (!in || !messages || fputs(input, in) == EOF || fflush(in) == EOF) {
                snprintf(failure, sizeof(failure), "%s: no temporary files: %m", command[0]);
                return FAILED;
        }
        rewind(in);
        posix_spawn_file_actions_init(&actions);
        posix_spawn_file_actions_adddup2(&actions, fileno(in), STDIN_FILENO);
        posix_spawn_file_actions_adddup2(&actions, fileno(messages), STDERR_FILENO);
        if (posix_spawnp(&pid, argv[0], &actions, NULL, (char **)argv, environ) != 0 ||
            waitpid(pid, &status, 0) < 0)
                snprintf(failure, sizeof(failure), "kata-cgroup cannot be started");
        posix_spawn_file_actions_destroy(&actions);
        read_messages(command[0], messages);
        fclose(in);
        fclose(messages);
        return WIFEXITED(status) ? (enum status)WEXITSTATUS(status) : FAILED;
}

#define CALL(input, ...) call(input, (const char *const[]){__VA_ARGS__, NULL})

static enum status create(const char *id, const char *bundle, char **options) {
        const char *command[ARGUMENTS_MAX + 1] = {"create", id, "--bundle", bundle, "--pid"};
        char pid[16];

        snprintf(pid, sizeof(pid), "%d", getpid());
        command[5] = pid;
        for (size_t i = 6; i < ARGUMENTS_MAX && *options; i++)
                command[i] = *options++;
        return call("", command);
}

/* The child executes kata-cgroup, which enters the group and executes the VMM: all memory is charged to the group. */
static pid_t start_vmm(const char *id, int monitor, int other_end) {
        char chardev[64];
        pid_t pid = fork();

        if (pid != 0)
                return pid; /* where there is none, the monitor tells */
        close(other_end);
        snprintf(chardev, sizeof(chardev), "socket,id=monitor,fd=%d", monitor);
        execlp("kata-cgroup", "kata-cgroup", "exec", id, "--", "qemu-system-x86_64", "-machine", "q35",
               "-accel", "tcg", "-smp", "2", "-m", "64", "-S", "-nodefaults", "-display", "none", "-chardev",
               chardev, "-mon", "chardev=monitor,mode=control", NULL);
        _exit(127);
}

/* Sends a command, and reads lines until its answer. The greeting and events come before the answer. */
static const char *ask(FILE *monitor, const char *command, char *answer) {
        if (send(fileno(monitor), command, strlen(command), MSG_NOSIGNAL) < 0)
                return NULL;
        while (fgets(answer, ANSWER_MAX, monitor))
                if (strncmp(answer, "{\"return\"", 9) == 0)
                        return answer;
        return NULL;
}

/* The answer to query-cpus-fast is passed on unchanged: kata-cgroup checks it. */
static enum status attach(const char *id, pid_t vmm, int monitor) {
        static char answer[ANSWER_MAX];
        const struct timeval limit = {.tv_sec = ANSWER_SECONDS};
        FILE *lines = fdopen(monitor, "r");
        char pid[16];

        setsockopt(monitor, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof(limit));
        if (!lines || !ask(lines, "{\"execute\":\"qmp_capabilities\"}", answer) ||
            !ask(lines, "{\"execute\":\"query-cpus-fast\"}", answer)) {
                snprintf(failure, sizeof(failure), "the VMM does not say which vCPUs it has");
                return FAILED;
        }
        snprintf(pid, sizeof(pid), "%d", vmm);
        return CALL(answer, "attach-vcpus", id, "--vmm-pid", pid, "--vcpus", "-");
}

static enum status run(const char *id, pid_t vmm, int monitor) {
        enum status status = attach(id, vmm, monitor);

        if (status == DONE)
                status = CALL("{\"cpu\": {\"cpus\": \"0\"}}", "update", id, "--container", "c1");
        if (status != DONE)
                return status;
        puts("ready");
        fflush(stdout);
        while (getchar() != '\n' && !feof(stdin)) /* the pod runs until a line comes */
                ;
        return CALL("", "update", id, "--container", "c1", "--remove");
}

static enum status report(enum status status) {
        if (status != DONE)
                fprintf(stderr, "shim: error: %s\n", failure);
        return status;
}

int main(int argc, char **argv) {
        enum status status, deleted;
        int monitor[2];
        pid_t vmm;

        if (argc < 3 || socketpair(AF_UNIX, SOCK_STREAM, 0, monitor) < 0)
                return USAGE;
        /* A create that fails has been rolled back, and an existing sandbox belongs to another shim: delete nothing. */
        status = report(create(argv[1], argv[2], argv + 3));
        if (status != DONE)
                return (int)status;
        vmm = start_vmm(argv[1], monitor[1], monitor[0]);
        close(monitor[1]);
        status = report(run(argv[1], vmm, monitor[0]));
        if (vmm > 0) {
                kill(vmm, SIGKILL);
                waitpid(vmm, NULL, 0);
        }
        signal(SIGTERM, SIG_IGN); /* under systemd, the scope's end brings one to the shim in it */
        deleted = CALL("", "delete", argv[1]);
        if (deleted != NO_SANDBOX) /* one that is not there any more is as good as deleted */
                deleted = report(deleted);
        else
                deleted = DONE;
        return (int)(status != DONE ? status : deleted);
}
