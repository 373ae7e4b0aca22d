/* SPDX-License-Identifier: Apache-2.0 */
/*
 * prune
 *
 * States first, by the way that delete has; then the groups and units of sandboxes that have no state (manager/prune.h).
 *
 * Subtle: a sandbox that waits for its VMM looks much like a dead one: its groups are empty. So a state goes only if
 * processes were recorded that have all ended, or if its create was killed. Where nothing was recorded yet, it stays.
 *
 * Nothing is waited for: a sandbox whose lock somebody has is in use.
 */
#include "manager/prune.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "sandbox/cleanup.h"
#include "sandbox/lock.h"
#include "util/signals.h"
#include "util/text.h"

/* For all that is waited for in a run, but for another prune: processes to end, systemd's jobs, groups that the kernel still
 * releases. */
#define PRUNE_TIMEOUT_MS 30000

/* More than any path has, however much of it is escaped. */
#define TEXT_MAX (4UL * PATH_MAX)

struct pruning {
        const struct sandbox_environment *environment;
        bool dry_run;
        int64_t deadline;
        char *root;  /* its identity, as the marks of groups have it; NULL: there is no ROOT */
        int root_fd; /* ROOT; -1: there is none */
        struct manager_context *context;
        struct cgroup_path **paths;
        const char **places; /* of the paths, relative to the mount points */
        size_t path_count;
        char **kept_paths; /* of the groups of all states that stay */
        size_t kept_count;
        json_t *removed, *kept;
        json_t *marks;      /* of all groups there are; NULL: not asked for yet */
        json_t *going;      /* dry run: the set of the tokens whose states would go */
        struct error error; /* of the first thing that could not be removed */
};

static void pruning_clear(struct pruning *pruning) {
        for (size_t i = 0; i < pruning->path_count; i++)
                cgroup_path_free(pruning->paths[i]);
        free(pruning->paths);
        free(pruning->places);
        for (size_t i = 0; i < pruning->kept_count; i++)
                free(pruning->kept_paths[i]);
        free(pruning->kept_paths);
        free(pruning->root);
        cleanup_close(&pruning->root_fd);
        manager_context_free(pruning->context);
        json_decref(pruning->removed);
        json_decref(pruning->kept);
        json_decref(pruning->marks);
        json_decref(pruning->going);
        error_clear(&pruning->error);
}

/* ---- what is printed ---- */

/* A group's name need not be UTF-8, which JSON is. */
static json_t *text_to_json(const char *text) {
        _cleanup_free_ char *line = text_one_line(text, TEXT_MAX);

        return line ? json_string(line) : NULL;
}

static void report(const struct prune_report *report, void *data) {
        static const char *const kinds[] = {
                [PRUNE_STATE] = "state",
                [PRUNE_GROUP] = "group",
                [PRUNE_PARENT] = "parent",
                [PRUNE_UNIT] = "unit",
        };
        struct pruning *pruning = data;
        json_t *entry = json_pack("{s:s, s:s*, s:o*, s:o}", "kind", kinds[report->kind], "id", report->id,
                                  report->kind == PRUNE_UNIT ? "unit" : "path",
                                  report->place ? text_to_json(report->place) : NULL, "reason",
                                  text_to_json(report->reason));

        if (json_array_append_new(report->removed ? pruning->removed : pruning->kept, entry) < 0)
                (void)error_oom(&pruning->error);
}

static void report_state(struct pruning *pruning, const char *id, bool removed, const char *reason) {
        report(&(struct prune_report){.kind = PRUNE_STATE, .id = id, .reason = reason, .removed = removed},
               pruning);
}

/* ---- states ---- */

/* Who of the recorded ones lives: a new text, or NULL where memory ran out. */
static char *describe_living(const struct people *people) {
        const struct process *living = people->vmm ? people->vmm : people->runtime[0];
        char *text;

        if (asprintf(&text, "its %s %d lives", people->vmm ? "VMM" : "runtime process", living->pid) < 0)
                return NULL;
        return text;
}

/* Why a sandbox is dead of which no recorded process lives; NULL where it is not. A create that is under way has the lock. */
static const char *why_dead(const struct state *state) {
        if (state->earlier_boot)
                return "it is of an earlier boot";
        if (state->phase == PHASE_CREATING)
                return "its create has not finished";
        return state->runtime_count > 0 || state->vmm.process ? "its processes have ended" : NULL;
}

/* Whether there is a process in one of the groups, whoever's they are. */
static int has_members(struct session *session, bool *out, struct error *error) {
        struct manager *manager;
        int r = session_make_managers(session, error);

        if (r < 0)
                return r;
        *out = false;
        for (size_t i = 0; !*out && (manager = session_group(session, i)); i++)
                *out = manager_is_populated(manager);
        return 0;
}

/* Whether the sandbox is dead. `*why`: the reason for either, a new string. Errors: it cannot be told. */
static int is_dead(struct session *session, bool *out, char **why, struct error *error) {
        const struct state *state = session->state;
        _cleanup_(people_clear) struct people people = {0};
        const char *reason = why_dead(state);
        bool members = false, living;
        int r = 0;

        if (!state->earlier_boot)
                r = session_find_people(session, &people, error);
        living = people.vmm || people.runtime_count > 0;
        if (r == 0 && reason && !living && !state->earlier_boot)
                r = has_members(session, &members, error);
        if (r < 0)
                return r;
        if (living)
                *why = describe_living(&people);
        else if (members)
                *why = strdup("its groups have processes");
        else
                *why = strdup(reason ? reason : "no process was placed yet");
        *out = reason && !living && !members;
        return *why ? 0 : error_oom(error);
}

/* Marks do not outlive a boot: where there is one of its life, the state is of this boot, whatever it says. */
static int check_earlier_boot(struct pruning *pruning, const struct owner *owner, bool *dead, char **why,
                              struct error *error) {
        _cleanup_free_ char *mark = NULL;
        int r = pruning->marks ? 0 : manager_find_marks(pruning->context, &pruning->marks, error);

        if (r < 0)
                return r;
        if (asprintf(&mark, "%s%s%s", owner->id, owner->token[0] != '\0' ? " " : "", owner->token) < 0) {
                mark = NULL;
                return error_oom(error);
        }
        if (!json_object_get(pruning->marks, mark))
                return 0;
        free(*why);
        *dead = false;
        *why = strdup("it is of an earlier boot, but has groups");
        return *why ? 0 : error_oom(error);
}

/* Takes a dead sandbox down; CLEANUP_E_OTHERS where it has got a process meanwhile. */
static int take_down(const struct pruning *pruning, struct session *session, struct error *error) {
        /* Parents are reported, and so left to manager_prune(). */
        const struct cleanup how = {.deadline = pruning->deadline};
        _cleanup_pid_set_ struct pid_set others = {0};
        int r = session->state->earlier_boot ? 0 : cleanup_groups(session, &how, &others, error);

        return r != 0 ? r : store_remove(&session->store, error);
}

static int prune_loaded(struct pruning *pruning, struct session *session, const char *id, struct error *error) {
        _cleanup_free_ char *why = NULL;
        bool dead;
        int r;

        r = is_dead(session, &dead, &why, error);
        if (r == 0 && session->state->earlier_boot)
                r = check_earlier_boot(pruning, &session->state->owner, &dead, &why, error);
        if (r < 0)
                return r;
        if (dead && !pruning->dry_run) {
                r = take_down(pruning, session, error);
                if (r < 0)
                        return r;
                if (r == CLEANUP_E_OTHERS) {
                        report_state(pruning, id, false, "its groups have processes");
                        return 0;
                }
        } else if (dead && json_object_set_new_nocheck(pruning->going, session->state->owner.token,
                                                       json_string(id)) < 0) {
                return error_oom(error);
        }
        report_state(pruning, id, dead, why);
        return 0;
}

/* A directory without a state is that of a create that was killed before it had changed anything: one that goes on has the
 * lock. */
static int prune_empty(struct pruning *pruning, struct session *session, const char *id, struct error *error) {
        int r = pruning->dry_run ? 0 : store_remove(&session->store, error);

        if (r == 0)
                report_state(pruning, id, true, "it is an empty directory");
        return r;
}

static int lock_and_load(struct pruning *pruning, struct session *session, const char *id,
                         struct error *error) {
        int r = store_lock(pruning->environment->root, id, false, NULL, &session->store, error);

        if (r == STORE_E_BUSY)
                report_state(pruning, id, false, "another command has its lock");
        if (r != 0)
                return r < 0 ? r : 0;
        r = store_load(&session->store, &session->state, error);
        if (r == -EBADMSG) {
                report_state(pruning, id, false, error->message ? error->message : "its state cannot be read");
                error_clear(error);
                return 0;
        }
        if (r != 0)
                return r < 0 ? r : prune_empty(pruning, session, id, error);
        return prune_loaded(pruning, session, id, error);
}

static int prune_state(const char *id, void *data) {
        struct pruning *pruning = data;
        _cleanup_session_ struct session session = SESSION_INIT(pruning->environment);
        _cleanup_error_ struct error error = ERROR_INIT;

        session.context = pruning->context;
        if (lock_and_load(pruning, &session, id, &error) < 0)
                report_state(pruning, id, false, error.message ? error.message : "?");
        error_move(&pruning->error, &error);
        session.context = NULL; /* it is the pruning's */
        return 0;
}

/* A state that cannot be read may be any life's. */
static enum prune_state state_of(const char *id, const char *token, void *data) {
        struct pruning *pruning = data;
        _cleanup_(state_freep) struct state *state = NULL;
        _cleanup_error_ struct error unreadable = ERROR_INIT;
        int r = sandbox_id_is_valid(id) ? store_peek(pruning->environment->root, id, &state, &unreadable)
                                        : -EINVAL;

        if (r == STORE_E_NO_SANDBOX || (r == 0 && strcmp(state->owner.token, token) != 0))
                return PRUNE_STATE_NONE;
        return r == 0 && json_object_get(pruning->going, token) ? PRUNE_STATE_GOES : PRUNE_STATE_LIVES;
}

/* ---- the whole ---- */

static int parse_paths(struct pruning *pruning, const struct sandbox_prune *prune, struct error *error) {
        int r = 0;

        pruning->paths = calloc(prune->path_count + 1, sizeof(struct cgroup_path *));
        pruning->places = calloc(prune->path_count + 1, sizeof(char *));
        if (!pruning->paths || !pruning->places)
                return error_oom(error);
        for (size_t i = 0; r == 0 && i < prune->path_count; i++) {
                r = cgroup_path_parse(prune->paths[i], "--path", &pruning->paths[i], error);
                if (r == 0) {
                        pruning->places[i] = pruning->paths[i]->path;
                        pruning->path_count++;
                }
        }
        return r;
}

/* One prune of this root at a time: what one removes, the other must not mistake for what came in its place. */
static int lock_root(const struct pruning *pruning, struct error *error) {
        const char *root = pruning->environment->root;
        _cleanup_free_ char *who = NULL;
        int r = 0;

        if (pruning->dry_run)
                return 0;
        if (pruning->root_fd >= 0)
                r = lock_take(pruning->root_fd,
                              &(struct lock_wait){.deadline = monotonic_ms() + LOCK_TIMEOUT_MS});
        if (r < 0)
                return error_fail(error, -r, "cannot lock %s", root);
        if (r == LOCK_E_BUSY) {
                who = lock_describe_holder(pruning->root_fd);
                return error_fail(error, 0, "%s stays locked, by %s", root, who ? who : "?");
        }
        signals_hold();
        return 0;
}

/* Whoever does not see a sandbox's processes or groups takes it for dead. */
static int check_sight(struct pruning *pruning, struct error *error) {
        int r = process_check_sees_all(error);

        if (r == 0)
                r = manager_context_new(pruning->environment->log, &pruning->context, error);
        return r == 0 ? manager_check_whole(pruning->context, error) : r;
}

static int open_root(struct pruning *pruning, struct error *error) {
        bool exists;
        _cleanup_close_ int fd = -1;
        int r = store_open_root(pruning->environment->root, &fd, &exists, error);

        if (r < 0 || !exists)
                return r;
        pruning->root_fd = TAKE_FD(fd);
        return store_root_identity(pruning->root_fd, &pruning->root, error);
}

static int begin(struct pruning *pruning, const struct sandbox_prune *prune, struct error *error) {
        int r = process_check_kernel(error);

        if (r == 0)
                r = parse_paths(pruning, prune, error);
        if (r == 0)
                r = open_root(pruning, error);
        if (r == 0)
                r = check_sight(pruning, error);
        pruning->removed = json_array();
        pruning->kept = json_array();
        pruning->going = json_object();
        return r == 0 && (!pruning->removed || !pruning->kept || !pruning->going) ? error_oom(error) : r;
}

static int keep_path(struct pruning *pruning, const struct cgroup_path *path) {
        char **larger;

        if (!path)
                return 0;
        larger = reallocarray(pruning->kept_paths, pruning->kept_count + 1, sizeof(*larger));
        if (!larger)
                return -ENOMEM;
        pruning->kept_paths = larger;
        larger[pruning->kept_count] = strdup(path->path);
        return larger[pruning->kept_count] && ++pruning->kept_count ? 0 : -ENOMEM;
}

static int keep_paths_of(const char *id, void *data) {
        struct pruning *pruning = data;
        _cleanup_(state_freep) struct state *state = NULL;
        _cleanup_error_ struct error error = ERROR_INIT;
        int r = store_peek(pruning->environment->root, id, &state, &error);

        if (r == STORE_E_NO_SANDBOX || (r == 0 && json_object_get(pruning->going, state->owner.token)))
                return 0;
        if (r < 0)
                return error_fail(&pruning->error, 0, "--path: the groups of sandbox \"%s\" are not known: %s",
                                  id, error.message ? error.message : "?");
        return keep_path(pruning, state->sandbox.path) < 0 || keep_path(pruning, state->overhead.path) < 0
                       ? error_oom(&pruning->error)
                       : 0;
}

static int prune_all(struct pruning *pruning, struct error *error) {
        struct manager_prune groups = {
                .root = pruning->root,
                .paths = pruning->places,
                .path_count = pruning->path_count,
                .dry_run = pruning->dry_run,
                .state = state_of,
                .report = report,
                .data = pruning,
        };
        int r = lock_root(pruning, error);

        groups.deadline = pruning->deadline = monotonic_ms() + PRUNE_TIMEOUT_MS;
        if (r == 0)
                r = store_list(pruning->environment->root, prune_state, pruning, error);
        if (r < 0)
                return r;
        /* A group may have lost its mark, or never got one. Where some state's groups are not known, any group may be its. */
        if (groups.path_count > 0 &&
            store_list(pruning->environment->root, keep_paths_of, pruning, &pruning->error) < 0)
                groups.path_count = 0;
        groups.kept = (const char *const *)pruning->kept_paths;
        groups.kept_count = pruning->kept_count;
        (void)manager_prune(pruning->context, &groups, &pruning->error);
        return 0;
}

int sandbox_prune(const struct sandbox_environment *environment, const struct sandbox_prune *prune,
                  json_t **out, struct error *error) {
        _cleanup_(pruning_clear) struct pruning pruning = {
                .environment = environment,
                .dry_run = prune->dry_run,
                .root_fd = -1,
        };
        int r = begin(&pruning, prune, error);

        *out = NULL;
        if (r == 0)
                r = prune_all(&pruning, error);
        if (r < 0)
                return r;
        *out = json_pack("{s:b, s:O, s:O}", "dryRun", prune->dry_run, "removed", pruning.removed, "kept",
                         pruning.kept);
        if (!*out)
                return error_oom(error);
        if (pruning.error.status == EXIT_STATUS_DONE)
                return 0;
        r = error_negative(-pruning.error.errnum);
        error_move(error, &pruning.error);
        return r;
}
