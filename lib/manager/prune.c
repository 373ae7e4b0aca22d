/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Clearing up the groups and units that no sandbox has any more
 *
 * Subtle: the order. A life's state is asked for after its groups were seen, since create writes the state first. Units come
 * after the groups: a slice of ours may be stopped once all groups of its life have gone, so nothing can be in it.
 */
#include "manager/prune.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>

#include "cgroup/sweep.h"
#include "manager/manager_internal.h"
#include "util/file.h"
#include "util/text.h"
#include "util/timestamp.h"

struct prune_run {
        const struct manager_prune *prune;
        const struct manager_context *context;
        bool systemd;            /* there is one */
        struct systemd_bus *bus; /* the context's; NULL where there is no systemd, or it cannot be asked */
        struct sweep sweep;
        struct error *error; /* of the first thing that could not be removed */
};

bool manager_is_sandbox_unit(const char *description, const char **id, size_t *id_length, const char **token) {
        static const char *const beginnings[] = {"kata-cgroup sandbox of ", "kata-cgroup overhead of "};

        for (size_t i = 0; i < ARRAY_SIZE(beginnings); i++) {
                size_t length = strlen(beginnings[i]);

                if (strncmp(description, beginnings[i], length) != 0)
                        continue;
                *id = description + length;
                *id_length = strcspn(*id, " ");
                *token = *id + *id_length;
                if (**token == ' ')
                        (*token)++;
                return *id_length > 0 && (**token == '\0' || owner_token_is_valid(*token));
        }
        return false;
}

bool manager_is_populated(struct manager *manager) {
        return sweep_is_populated(manager->cgroup);
}

int manager_check_whole(const struct manager_context *context, struct error *error) {
        for (size_t i = 0; i < context->host->count; i++) {
                const struct hierarchy *hierarchy = &context->host->hierarchies[i];

                if (strcmp(hierarchy->root, "/") != 0)
                        return error_fail(error, 0, "%s shows only the groups below %s of its hierarchy",
                                          hierarchy->mount_point, hierarchy->root);
        }
        return 0;
}

int manager_find_marks(const struct manager_context *context, json_t **out, struct error *error) {
        _cleanup_sweep_ struct sweep sweep = {.host = context->host, .log = context->log};
        _cleanup_json_ json_t *marks = json_object();
        int r = marks ? sweep_look(&sweep, error) : error_oom(error);

        if (r == 0 && sweep.incomplete)
                return error_fail(error, 0, SWEEP_INCOMPLETE);
        for (size_t i = 0; r == 0 && i < sweep.life_count; i++)
                if (json_object_set_new_nocheck(marks, sweep.lives[i].mark, json_true()) < 0)
                        r = error_oom(error);
        if (r < 0)
                return r;
        *out = TAKE(marks);
        return 0;
}

/* As sd_booted(3) has it. */
static bool has_systemd(void) {
        struct stat status;

        return lstat("/run/systemd/system", &status) == 0 && S_ISDIR(status.st_mode);
}

/* ---- groups ---- */

static void report_group(const struct sweep_report *report, void *data) {
        struct prune_run *run = data;
        struct prune_report out = {
                .kind = report->is_parent ? PRUNE_PARENT : PRUNE_GROUP,
                .id = report->id,
                .place = report->path,
                .reason = report->errnum > 0 ? strerror(report->errnum) : report->reason,
                .removed = report->removed,
        };

        if (report->errnum > 0)
                (void)error_fail(run->error, report->errnum, "cannot remove cgroup %s", report->path);
        run->prune->report(&out, run->prune->data);
}

/* A group's name may have an underscore before the unit's (systemd's cg_escape()). */
static const char *unit_of(const char *name) {
        static const char *const suffixes[] = {".scope",     ".slice", ".service", ".mount", ".socket",
                                               ".automount", ".swap",  ".path",    ".timer", ".device"};

        name += name[0] == '_';
        for (size_t i = 0; i < ARRAY_SIZE(suffixes); i++)
                if (text_has_suffix(name, suffixes[i]))
                        return name;
        return NULL;
}

/* A unit that systemd has in memory, but for one that has ended. A name that it cannot be asked for counts: a template's
 * instance, for example. */
static bool is_unit(const char *name, void *data) {
        struct prune_run *run = data;
        const char *unit = unit_of(name);
        _cleanup_error_ struct error error = ERROR_INIT;
        _cleanup_free_ char *state = NULL;

        if (!run->systemd || !unit)
                return false;
        return !run->bus || !unit_name_is_valid(unit) ||
               systemd_bus_unit_state(run->bus, unit, NULL, &state, &error) < 0 ||
               (strcmp(state, "inactive") != 0 && strcmp(state, "failed") != 0);
}

/* A slice without its directory would stay active: its groups are what tells that it is a sandbox's without a state. */
static bool is_unasked(const char *name, void *data) {
        const struct prune_run *run = data;

        return run->systemd && !run->bus && unit_of(name);
}

static enum sweep_state state_of(const struct prune_run *run, const struct sweep_life *life) {
        static const enum sweep_state states[] = {
                [PRUNE_STATE_NONE] = SWEEP_STATE_NONE,
                [PRUNE_STATE_LIVES] = SWEEP_STATE_LIVES,
                [PRUNE_STATE_GOES] = SWEEP_STATE_GOES,
        };

        return states[run->prune->state(life->id, life->token, run->prune->data)];
}

static int prune_groups(struct prune_run *run, struct error *error) {
        int r = sweep_look(&run->sweep, error);

        for (size_t i = 0; r == 0 && i < run->sweep.life_count; i++)
                sweep_decide(&run->sweep, &run->sweep.lives[i], state_of(run, &run->sweep.lives[i]));
        return r < 0 ? r : sweep_remove(&run->sweep, error);
}

/* ---- units ---- */

/* Whether it is the unit of a life whose groups have all gone, or would. */
static bool is_of_gone_life(const struct prune_run *run, const char *id, const char *token) {
        for (size_t i = 0; i < run->sweep.life_count; i++) {
                const struct sweep_life *life = &run->sweep.lives[i];

                if (strcmp(life->id, id) == 0 && strcmp(life->token, token) == 0)
                        return life->fate == SWEEP_GOES && !life->remains;
        }
        return false;
}

/* Whether there is a process in the unit's group. */
static int has_members(struct prune_run *run, const char *unit, bool *out, struct error *error) {
        struct owner nobody = {.id = (char *)""};
        _cleanup_(cgroup_freep) struct cgroup *cgroup = NULL;
        _cleanup_free_ char *path = NULL;
        int r = systemd_bus_unit_state(run->bus, unit, &path, NULL, error);

        if (r < 0)
                return r;
        *out = false;
        if (path[0] == '\0')
                return 0;
        cgroup = cgroup_new(run->context->host, run->context->log, &nobody, path + 1);
        if (!cgroup)
                return error_oom(error);
        *out = sweep_is_populated(cgroup);
        return 0;
}

/* Whether it is still the unit that was listed, and has no process: somebody may use the name meanwhile. */
static int check_unit(struct prune_run *run, const char *unit, const char *description,
                      const char *active_state, bool *out, struct error *error) {
        _cleanup_(unit_identity_clear) struct unit_identity identity = {0};
        bool members = false;
        int r = systemd_bus_unit_identity(run->bus, unit, &identity, error);

        if (r < 0)
                return r;
        *out = strcmp(identity.description, description) == 0 &&
               strcmp(identity.active_state, active_state) == 0;
        if (*out)
                r = has_members(run, unit, &members, error);
        *out = *out && !members;
        return r;
}

static int end_unit(struct prune_run *run, const char *unit, bool failed, struct error *error) {
        int r;

        if (failed)
                return systemd_bus_reset_failed(run->bus, unit, error);
        r = systemd_bus_stop(run->bus, unit, true, run->sweep.deadline, error);
        if (r == SYSTEMD_E_STILL_RUNNING)
                return error_fail(error, ETIMEDOUT, "unit %s is still stopping", unit);
        return r < 0 ? r : 0;
}

/* A failed unit does not say under which root its sandbox is: it is reset if groups of its life were found and went. */
static int prune_unit(const char *unit, const char *description, const char *active_state, void *data) {
        struct prune_run *run = data;
        struct prune_report report = {.kind = PRUNE_UNIT, .place = unit, .removed = true};
        bool failed = strcmp(active_state, "failed") == 0, same = true;
        _cleanup_error_ struct error error = ERROR_INIT;
        _cleanup_free_ char *id = NULL;
        const char *beginning, *token;
        size_t length;
        int r = 0;

        if (!manager_is_sandbox_unit(description, &beginning, &length, &token))
                return 0;
        id = strndup(beginning, length);
        if (!id)
                return error_oom(run->error);
        if (!(failed || (text_has_suffix(unit, ".slice") && strcmp(active_state, "active") == 0)) ||
            !is_of_gone_life(run, id, token))
                return 0;
        report.id = id;
        report.reason = failed ? "it has failed, and its sandbox has no state" : "its sandbox has no state";
        if (!run->prune->dry_run)
                r = check_unit(run, unit, description, active_state, &same, &error);
        if (r == 0 && same && !run->prune->dry_run)
                r = end_unit(run, unit, failed, &error);
        report.removed = r == 0 && same;
        if (!report.removed)
                report.reason = r < 0 ? error.message : "it came into use";
        run->prune->report(&report, run->prune->data);
        error_move(run->error, &error);
        return 0;
}

static int warn_of_paths(struct prune_run *run, struct error *error) {
        for (size_t i = 0; i < run->prune->path_count; i++) {
                struct owner nobody = {.id = (char *)""};
                _cleanup_(cgroup_freep) struct cgroup *cgroup =
                        cgroup_new(run->context->host, run->context->log, &nobody, run->prune->paths[i]);

                if (!cgroup)
                        return error_oom(error);
                if (!cgroup_exists(cgroup))
                        log_warning(run->context->log, "--path: there is no cgroup %s", run->prune->paths[i]);
        }
        return 0;
}

int manager_prune(struct manager_context *context, const struct manager_prune *prune, struct error *error) {
        _cleanup_error_ struct error failed = ERROR_INIT;
        struct prune_run run = {
                .prune = prune,
                .context = context,
                .systemd = has_systemd(),
                .error = &failed,
                .sweep = {.host = context->host,
                          .log = context->log,
                          .root = prune->root,
                          .paths = prune->paths,
                          .path_count = prune->path_count,
                          .kept = prune->kept,
                          .kept_count = prune->kept_count,
                          .dry_run = prune->dry_run,
                          .deadline = prune->deadline,
                          .is_unit = is_unit,
                          .is_unasked = is_unasked,
                          .report = report_group,
                          .data = &run},
        };
        int r;

        if (run.systemd)
                (void)manager_bus(context, &run.bus, &failed);
        r = warn_of_paths(&run, error);
        if (r == 0)
                r = prune_groups(&run, error);
        if (r == 0 && run.bus)
                (void)systemd_bus_for_each_unit(run.bus, prune_unit, &run, &failed);
        sweep_clear(&run.sweep);
        error_move(error, &failed);
        return r;
}
