/* SPDX-License-Identifier: Apache-2.0 */
/*
 * watch
 *
 * One epoll instance has all that can happen: ROOT and the states below it (inotify), the files of each group, the VMMs
 * (pidfds), and the end of the reader. Whatever is reported of a sandbox alone, all of it is looked at, groups before the VMM:
 * the kill is told before the end that it has caused.
 *
 * Subtle: a scope is started by attach-vcpus and exec, and a group may be made again; both save the state, and then groups
 * are looked for. What they have counted by then has happened under the watch's eyes, so it is told (`fresh`). Before that, the
 * open files are read: those of a former group are closed then, and only what is not open is opened.
 *
 * Subtle: a directory of ROOT is watched before its state is read, so that no change is missed in between.
 */
#include <errno.h>
#include <string.h>
#include <sys/resource.h>

#include "host/pressure.h"
#include "sandbox/session.h"
#include "sandbox/watch_root.h"
#include "util/wake.h"

#define GROUP_COUNT 2
static const char *const group_names[GROUP_COUNT] = {"sandbox", "overhead"};

struct watched {
        char *id;
        int wd;         /* -1: its directory is not watched */
        bool changed;   /* its state may have */
        bool announced; /* it exists, as far as was told */
        struct session_life life;
        struct group_watch *groups[GROUP_COUNT]; /* NULL: not looked at yet */
        struct wake vmm_wake;
        struct process *vmm; /* NULL: none was recorded */
        bool vmm_ended;      /* and told, or nobody's business */
};

struct watching {
        const struct sandbox_environment *environment;
        const struct sandbox_watch *options;
        struct pressure_trigger *triggers;
        struct manager_context *context;
        int epoll;
        struct watch_root root;
        struct wake root_wake, reader_wake;
        bool root_changed;
        struct watched **sandboxes;
        size_t count;
        bool begun; /* what is found from now on is new */
        bool ended;
};

static void watched_forget_groups(struct watched *sandbox) {
        for (int i = 0; i < GROUP_COUNT; i++)
                sandbox->groups[i] = manager_watch_free(sandbox->groups[i]);
        sandbox->vmm = process_free(sandbox->vmm);
        sandbox->vmm_ended = false;
        sandbox->life = (struct session_life){0};
}

static struct watched *watched_free(struct watched *sandbox) {
        if (!sandbox)
                return NULL;
        watched_forget_groups(sandbox);
        free(sandbox->id);
        free(sandbox);
        return NULL;
}
DEFINE_CLEANUP(struct watched *, watched_free)

static void watching_clear(struct watching *watching) {
        for (size_t i = 0; i < watching->count; i++)
                watched_free(watching->sandboxes[i]);
        free(watching->sandboxes);
        free(watching->triggers);
        manager_context_free(watching->context);
        watch_root_close(&watching->root);
        cleanup_close(&watching->epoll);
}

/* ---- telling ---- */

/* An event with what all have, and its own members, taken over. `id` and `group` may be NULL. */
static int tell(const struct watching *watching, const char *id, const char *group, json_t *members,
                struct error *error) {
        _cleanup_json_ json_t *own = members;
        char now[TIMESTAMP_SIZE];
        json_t *event;

        timestamp_now(now);
        event = own ? json_pack("{s:s, s:O, s:s?, s:s?}", "time", now, "event", json_object_get(own, "event"),
                                "id", id, "group", group)
                    : NULL;
        if (!event || json_object_update(event, own) < 0) {
                json_decref(event);
                return error_oom(error);
        }
        return watching->options->each(event, watching->options->data, error);
}

/* An event of the sandbox as a whole. */
static int tell_whole(const struct watching *watching, const char *id, const char *name, struct error *error) {
        return tell(watching, id, NULL, json_pack("{s:s, s:n}", "event", name, "counters"), error);
}

static int tell_vmm_exit(const struct watching *watching, struct watched *sandbox, struct error *error) {
        sandbox->vmm_ended = true;
        return tell(watching, sandbox->id, NULL,
                    json_pack("{s:s, s:i, s:n}", "event", "vmmExit", "pid", sandbox->vmm->pid, "counters"),
                    error);
}

static int read_group(const struct watching *watching, const struct watched *sandbox, int group, bool shared,
                      struct error *error) {
        _cleanup_json_ json_t *events = json_array();
        json_t *event;
        size_t i;
        int r = 0;

        if (!events || manager_watch_read(sandbox->groups[group], shared, events) < 0)
                return error_oom(error);
        json_array_foreach(events, i, event) {
                r = tell(watching, sandbox->id, group_names[group], json_incref(event), error);
                if (r < 0)
                        break;
        }
        return r;
}

/* Tells what has happened in its groups. `shared`: only what a shared wake is about. */
static int read_groups(const struct watching *watching, const struct watched *sandbox, bool shared,
                       struct error *error) {
        int r = 0;

        for (int i = 0; r == 0 && i < GROUP_COUNT; i++)
                if (sandbox->groups[i])
                        r = read_group(watching, sandbox, i, shared, error);
        return r;
}

/* Tells what has happened in a sandbox. */
static int read_sandbox(const struct watching *watching, struct watched *sandbox, struct error *error) {
        int r;

        r = read_groups(watching, sandbox, false, error);
        if (r == 0 && sandbox->vmm && !sandbox->vmm_ended && !process_is_alive(sandbox->vmm))
                r = tell_vmm_exit(watching, sandbox, error);
        return r;
}

/* ---- looking ---- */

/* With --all, the error of one sandbox is a warning, and the others are watched. Not for errors of telling: they concern all. */
static int give_up(const struct watching *watching, const struct watched *sandbox, int r, struct error *error) {
        if (r >= 0 || watching->options->id || !error->message || r == -ENOMEM)
                return r;
        log_warning(watching->environment->log, "sandbox \"%s\" is not watched in full: %s", sandbox->id,
                    error->message);
        error_clear(error);
        return 0;
}

/* Takes hold of another VMM than before. 0 or PROCESS_E_GONE. */
static int hold_vmm(const struct watching *watching, struct watched *sandbox, const struct process *recorded,
                    struct error *error) {
        _cleanup_(process_freep) struct process *vmm = NULL;
        int r;

        vmm = process_recorded(recorded->pid, recorded->start_time, NULL);
        r = vmm ? process_recall(vmm, error) : error_oom(error);
        if (r < 0)
                return r;
        process_free(sandbox->vmm);
        sandbox->vmm = TAKE(vmm);
        sandbox->vmm_ended = false;
        sandbox->vmm_wake = (struct wake){.owner = sandbox};
        if (r == PROCESS_E_GONE)
                return r;
        r = wake_add(watching->epoll, sandbox->vmm->pidfd, EPOLLIN | EPOLLONESHOT, &sandbox->vmm_wake);
        return r < 0 ? error_fail(error, -r, "cannot watch process %d", sandbox->vmm->pid) : 0;
}

/* Whether the VMM is another one by now. */
static int look_at_vmm(const struct watching *watching, struct watched *sandbox, const struct process *recorded,
                       struct error *error) {
        int r;

        if (!recorded || process_is(recorded, sandbox->vmm))
                return 0;
        r = hold_vmm(watching, sandbox, recorded, error);
        if (r != PROCESS_E_GONE)
                return give_up(watching, sandbox, r, error);
        sandbox->vmm_ended = !watching->begun;
        return sandbox->vmm_ended ? 0 : tell_vmm_exit(watching, sandbox, error);
}

static int look_at_group(const struct watching *watching, struct watched *sandbox, int group,
                         struct manager *manager, struct error *error) {
        const struct sandbox_watch *options = watching->options;
        int r = 0;

        if (!manager)
                return 0;
        if (!sandbox->groups[group])
                r = manager_watch_new(watching->epoll, sandbox, watching->triggers, options->psi_count,
                                      &sandbox->groups[group], error);
        if (r == 0)
                r = manager_watch_open(manager, sandbox->groups[group], watching->begun, error);
        return give_up(watching, sandbox, r, error);
}

/* A sandbox whose state is there, and was saved by a create that has finished. */
static int look_at_state(const struct watching *watching, struct watched *sandbox, struct session *session,
                         struct error *error) {
        bool created = !sandbox->announced && watching->begun;
        int r;

        (void)session_check_life(session, &sandbox->life, NULL);
        sandbox->announced = true;
        r = created ? tell_whole(watching, sandbox->id, "created", error) : 0;
        if (r < 0)
                return r;
        session->context = watching->context;
        r = give_up(watching, sandbox, session_make_managers(session, error), error);
        session->context = NULL; /* it is the watch's */
        if (r == 0)
                r = read_sandbox(watching, sandbox, error);
        if (r == 0)
                r = look_at_group(watching, sandbox, 0, session->sandbox, error);
        if (r == 0)
                r = look_at_group(watching, sandbox, 1, session->overhead, error);
        if (r == 0)
                r = read_sandbox(watching, sandbox, error);
        return r == 0 ? look_at_vmm(watching, sandbox, session->state->vmm.process, error) : r;
}

/* The sandbox that was watched is not there any more. */
static int end_sandbox(struct watching *watching, struct watched *sandbox, struct error *error) {
        bool told = sandbox->announced || watching->options->id;
        int r;

        r = read_sandbox(watching, sandbox, error);
        watched_forget_groups(sandbox);
        sandbox->announced = false;
        watching->ended = watching->options->id;
        return r == 0 && told ? tell_whole(watching, sandbox->id, "deleted", error) : r;
}

/* Whether the sandbox that is watched was deleted, or is another one by now. `peeked`: what reading its state said. */
static bool has_gone(const struct watching *watching, struct watched *sandbox, int peeked,
                     const struct session *session) {
        if (sandbox->announced)
                return peeked == STORE_E_NO_SANDBOX || session_check_life(session, &sandbox->life, NULL) < 0;
        return peeked == STORE_E_NO_SANDBOX && watching->options->id;
}

/* Reads the state of a sandbox anew, and tells what that says. */
static int look_at_sandbox(struct watching *watching, struct watched *sandbox, struct error *error) {
        _cleanup_session_ struct session session = SESSION_INIT(watching->environment);
        int r, peeked;

        sandbox->changed = false;
        sandbox->wd = -1;
        r = watch_root_add(&watching->root, sandbox->id, &sandbox->wd);
        if (r < 0 && r != -ENOENT && r != -ENOTDIR)
                return error_fail(error, -r, "cannot watch %s/%s", watching->root.path, sandbox->id);
        peeked = r < 0 ? STORE_E_NO_SANDBOX
                       : store_peek(watching->environment->root, sandbox->id, &session.state, error);
        if (peeked < 0)
                return give_up(watching, sandbox, peeked, error);
        /* It was deleted since begin() has looked for it. */
        if (peeked == STORE_E_NO_SANDBOX && watching->options->id && !watching->begun)
                return session_fail_no_sandbox(&session, sandbox->id, error);
        r = 0;
        if (has_gone(watching, sandbox, peeked, &session))
                r = end_sandbox(watching, sandbox, error);
        if (r < 0 || watching->ended || peeked == STORE_E_NO_SANDBOX || session.state->phase == PHASE_CREATING)
                return r;
        return look_at_state(watching, sandbox, &session, error);
}

/* ---- which sandboxes there are ---- */

static struct watched *find(const struct watching *watching, const char *id) {
        for (size_t i = 0; i < watching->count; i++)
                if (strcmp(watching->sandboxes[i]->id, id) == 0)
                        return watching->sandboxes[i];
        return NULL;
}

/* Has the sandbox looked at, for the first time or again. Returns 0 or -ENOMEM. */
static int touch(const char *id, void *data) {
        struct watching *watching = data;
        struct watched *known = find(watching, id), **larger;
        _cleanup_(watched_freep) struct watched *sandbox = NULL;

        if (known) {
                known->changed = true;
                return 0;
        }
        sandbox = calloc(1, sizeof(*sandbox));
        larger = reallocarray(watching->sandboxes, watching->count + 1, sizeof(struct watched *));
        if (larger)
                watching->sandboxes = larger;
        if (!sandbox || !larger)
                return -ENOMEM;
        sandbox->wd = -1;
        sandbox->changed = true;
        sandbox->id = strdup(id);
        if (!sandbox->id)
                return -ENOMEM;
        larger[watching->count++] = TAKE(sandbox);
        return 0;
}

static int note_change(const struct watch_change *change, void *data) {
        struct watching *watching = data;

        if (change->root)
                watching->root_changed = true;
        else if (change->name && !watching->options->id && sandbox_id_is_valid(change->name))
                return touch(change->name, watching);
        for (size_t i = 0; i < watching->count; i++)
                if (watching->sandboxes[i]->wd == change->wd)
                        watching->sandboxes[i]->changed = true;
        return 0;
}

/* Anything may have changed. */
static int look_at_root(struct watching *watching, struct error *error) {
        int r;

        watching->root_changed = false;
        r = watch_root_open(&watching->root, error);
        if (r < 0)
                return r;
        for (size_t i = 0; i < watching->count; i++)
                watching->sandboxes[i]->changed = true;
        if (watching->options->id || !watching->root.exists)
                return 0;
        r = store_list(watching->environment->root, touch, watching, error);
        return r == -ENOMEM ? error_oom(error) : r;
}

/* Forgets what is neither a sandbox nor about to become one. */
static void drop(struct watching *watching, size_t i) {
        watched_free(watching->sandboxes[i]);
        watching->sandboxes[i] = watching->sandboxes[--watching->count];
}

static int look_at_changed(struct watching *watching, struct error *error) {
        int r = 0;

        if (watching->root_changed)
                r = look_at_root(watching, error);
        for (size_t i = 0; r == 0 && !watching->ended && i < watching->count;) {
                struct watched *sandbox = watching->sandboxes[i];

                if (sandbox->changed)
                        r = look_at_sandbox(watching, sandbox, error);
                if (r == 0 && sandbox->wd < 0)
                        drop(watching, i);
                else
                        i++;
        }
        return r;
}

/* ---- waiting ---- */

static int timeout_of(const struct watched *sandbox) {
        int least = -1;

        for (int i = 0; i < GROUP_COUNT; i++) {
                int timeout = sandbox->groups[i] ? manager_watch_timeout_ms(sandbox->groups[i]) : -1;

                if (timeout >= 0 && (least < 0 || timeout < least))
                        least = timeout;
        }
        return least;
}

static int read_due(const struct watching *watching, int *timeout, struct error *error) {
        int r = 0;

        *timeout = -1;
        for (size_t i = 0; r == 0 && i < watching->count; i++) {
                int left = timeout_of(watching->sandboxes[i]);

                if (left == 0) {
                        r = read_sandbox(watching, watching->sandboxes[i], error);
                        left = timeout_of(watching->sandboxes[i]);
                }
                if (left >= 0 && (*timeout < 0 || left < *timeout))
                        *timeout = left;
        }
        return r;
}

/* One at a time: what is told of the first may be the end of the sandbox that the second is about. */
static int handle(struct watching *watching, struct wake *wake, struct error *error) {
        if (wake == &watching->reader_wake) {
                watching->ended = true;
                return 0;
        }
        if (wake == &watching->root_wake) {
                if (watch_root_read(&watching->root, note_change, watching) < 0)
                        return error_oom(error);
                return look_at_changed(watching, error);
        }
        wake->woken = true;
        return wake->shared ? read_groups(watching, wake->owner, true, error)
                            : read_sandbox(watching, wake->owner, error);
}

static int wait_and_tell(struct watching *watching, struct error *error) {
        int r = 0;

        while (r == 0 && !watching->ended) {
                struct epoll_event event;
                int timeout, count;

                r = read_due(watching, &timeout, error);
                if (r < 0)
                        break;
                count = epoll_wait(watching->epoll, &event, 1, timeout);
                if (count < 0 && errno != EINTR)
                        return error_fail(error, errno, "cannot wait for events");
                if (count > 0)
                        r = handle(watching, event.data.ptr, error);
        }
        return r;
}

/* ---- beginning ---- */

/* Each group has some files open. */
static void raise_descriptor_limit(void) {
        struct rlimit limit;

        if (getrlimit(RLIMIT_NOFILE, &limit) == 0) {
                limit.rlim_cur = limit.rlim_max;
                (void)setrlimit(RLIMIT_NOFILE, &limit);
        }
}

static int parse_triggers(struct watching *watching, struct error *error) {
        const struct sandbox_watch *options = watching->options;
        int r = 0;

        watching->triggers = calloc(options->psi_count + 1, sizeof(*watching->triggers));
        if (!watching->triggers)
                return error_oom(error);
        for (size_t i = 0; r == 0 && i < options->psi_count; i++)
                r = pressure_parse(options->psi[i], "--psi", &watching->triggers[i], error);
        return r;
}

static int check_triggers(const struct watching *watching, struct error *error) {
        int r = 0;

        for (size_t i = 0; r == 0 && i < watching->options->psi_count; i++)
                r = manager_context_check_pressure(watching->context, &watching->triggers[i], error);
        return r;
}

/* Files cannot be waited for, nor need they. */
static int begin_waiting(struct watching *watching, struct error *error) {
        int r;

        r = watch_root_open(&watching->root, error);
        if (r < 0)
                return r;
        watching->epoll = epoll_create1(EPOLL_CLOEXEC);
        r = watching->epoll < 0
                    ? -errno
                    : wake_add(watching->epoll, watching->root.inotify, EPOLLIN, &watching->root_wake);
        if (r == 0)
                r = wake_add(watching->epoll, watching->options->reader, 0, &watching->reader_wake);
        return r < 0 && r != -EPERM ? error_fail(error, -r, "cannot wait for events") : 0;
}

static int tell_beginning(const struct watching *watching, const struct watched *sandbox, struct error *error) {
        int r = 0;

        for (int i = 0; r == 0 && i < GROUP_COUNT; i++)
                if (sandbox->groups[i] && manager_watch_is_open(sandbox->groups[i]))
                        r = tell(watching, sandbox->id, group_names[i],
                                 json_pack("{s:s, s:o}", "event", "watching", "counters",
                                           manager_watch_counters(sandbox->groups[i])),
                                 error);
        return r;
}

/* Finds what there is. Status 3 or 5 for an ID that is no sandbox's. */
static int begin(struct watching *watching, struct error *error) {
        const char *id = watching->options->id;
        int r;

        if (id) {
                _cleanup_session_ struct session session = SESSION_INIT(watching->environment);

                r = session_peek(&session, id, error);
                if (r == 0 && touch(id, watching) < 0)
                        r = error_oom(error);
                if (r < 0)
                        return r;
        }
        raise_descriptor_limit();
        r = begin_waiting(watching, error);
        watching->root_changed = true;
        if (r == 0)
                r = look_at_changed(watching, error);
        for (size_t i = 0; r == 0 && i < watching->count; i++)
                r = tell_beginning(watching, watching->sandboxes[i], error);
        watching->begun = true;
        return r == 0 ? tell_whole(watching, id, "watching", error) : r;
}

int sandbox_watch(const struct sandbox_environment *environment, const struct sandbox_watch *watch,
                  struct error *error) {
        _cleanup_(watching_clear) struct watching watching = {
                .environment = environment,
                .options = watch,
                .epoll = -1,
                .root = WATCH_ROOT_INIT(environment->root),
        };
        int r;

        r = parse_triggers(&watching, error);
        if (r == 0)
                r = process_check_kernel(error);
        if (r == 0)
                r = manager_context_new(environment->log, &watching.context, error);
        if (r == 0)
                r = check_triggers(&watching, error);
        if (r == 0)
                r = begin(&watching, error);
        return r == 0 ? wait_and_tell(&watching, error) : r;
}
