/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Clearing up what nobody has any more, in every hierarchy
 *
 * Subtle, three times:
 *  - An empty group says little: on v1, or while a sandbox waits for its VMM, groups of a living sandbox are empty. So lives
 *    are judged as a whole, and unmarked groups by all that have their path, in whatever hierarchy.
 *  - rmdir(2) takes a name. The directory that was judged is compared with what has the name right before it is removed, and
 *    the kernel refuses one that has got a process or a child meanwhile.
 *  - Another file system may be mounted on a directory of the hierarchy. The walks do not enter it.
 */
#include "cgroup/sweep.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cgroup/level.h"
#include "util/file.h"
#include "util/timestamp.h"

/* How deep the walks go: each level takes two descriptors. What is deeper stays, and all that is above it. */
#define DEPTH_MAX 128

#define PAUSE_FIRST_MS 1
#define PAUSE_MAX_MS 100

static void life_clear(struct sweep_life *life) {
        free(life->mark);
        free(life->id);
        free(life->token);
        free(life->place);
}

void sweep_clear(struct sweep *sweep) {
        for (size_t i = 0; i < sweep->life_count; i++)
                life_clear(&sweep->lives[i]);
        free(sweep->lives);
        json_decref(sweep->populated);
        json_decref(sweep->occupied);
        *sweep = (struct sweep){0};
}

bool sweep_is_below(const struct sweep *sweep, const char *path) {
        for (size_t i = 0; i < sweep->path_count; i++) {
                size_t length = strlen(sweep->paths[i]);

                if (strncmp(path, sweep->paths[i], length) == 0 && path[length] == '/')
                        return true;
        }
        return false;
}

static bool is_at_or_below(const char *const *paths, size_t count, const char *path) {
        for (size_t i = 0; i < count; i++) {
                size_t length = strlen(paths[i]);

                if (strncmp(path, paths[i], length) == 0 && (path[length] == '/' || path[length] == '\0'))
                        return true;
        }
        return false;
}

/* ---- one directory ---- */

/* The kernel lists processes of other pid namespaces as 0, which counts. On v2 processes below the group count as well. */
static bool has_processes(const struct level *level) {
        bool v2 = level->hierarchy->version == CGROUP_V2;
        _cleanup_free_ char *text = NULL;
        int r = file_read_at(level->fd, v2 ? "cgroup.events" : "cgroup.procs", FILE_SIZE_MAX, &text, NULL);

        if (r < 0)
                return !cgroup_is_gone(r);
        return v2 ? !strstr(text, "populated 0") : text[0] != '\0';
}

/* In the group itself. A threaded one does not list its processes, nor that it has none. */
static bool is_occupied(const struct level *level) {
        _cleanup_free_ char *text = NULL;
        int r = file_read_at(level->fd, "cgroup.procs", FILE_SIZE_MAX, &text, NULL);

        return r < 0 ? !cgroup_is_gone(r) : text[0] != '\0';
}

/* kernfs counts child groups as links of the directory. */
static bool has_children(const struct stat *status) {
        return status->st_nlink > 2;
}

static bool is_on(const struct level *level, dev_t device) {
        struct stat status;

        return fstat(level->fd, &status) == 0 && status.st_dev == device;
}

static bool check_processes_below(const struct level *level, dev_t device, unsigned depth);

struct process_search {
        dev_t device;
        unsigned depth;
        bool found;
};

static int search_processes(const struct level *child, const char *name, void *data) {
        struct process_search *search = data;

        (void)name;
        search->found = search->depth >= DEPTH_MAX || !is_on(child, search->device) ||
                        check_processes_below(child, search->device, search->depth);
        return search->found;
}

/* What cannot be read counts as a process. */
static bool check_processes_below(const struct level *level, dev_t device, unsigned depth) {
        struct process_search search = {.device = device, .depth = depth + 1};

        if (has_processes(level))
                return true;
        if (level->hierarchy->version == CGROUP_V1)
                search.found = level_for_each_child(level, search_processes, &search) != 0;
        return search.found;
}

bool sweep_is_populated(struct cgroup *cgroup) {
        for (size_t i = 0; i < cgroup->host->count; i++) {
                const struct hierarchy *hierarchy = &cgroup->host->hierarchies[i];
                int fd = cgroup_directory(cgroup, hierarchy);
                const struct level level = {cgroup, hierarchy, fd, cgroup->path};
                struct stat status;

                if (fd < 0 ? !cgroup_is_gone(fd)
                           : fstat(fd, &status) < 0 || check_processes_below(&level, status.st_dev, 0))
                        return true;
        }
        return false;
}

/* The mark of a sandbox, of a parent, or "". */
static void read_mark(int directory, char mark[static OWNER_MARK_SIZE]) {
        const struct owner nobody = {.id = (char *)""};

        (void)owner_ask(&nobody, directory, mark);
}

/* A new string, or NULL without memory. */
static char *absolute_path(const struct level *level) {
        char *path;

        return asprintf(&path, "%s/%s", level->hierarchy->mount_point, level->path) < 0 ? NULL : path;
}

/* ---- the first walk ---- */

struct look {
        struct sweep *sweep;
        dev_t device;
        unsigned depth;
        bool inside;    /* processes count: below a marked group, or below a path */
        bool populated; /* out: there are processes in what was looked at */
};

static struct sweep_life *find_life(const struct sweep *sweep, const char *mark) {
        for (size_t i = 0; i < sweep->life_count; i++)
                if (strcmp(sweep->lives[i].mark, mark) == 0)
                        return &sweep->lives[i];
        return NULL;
}

static enum sweep_root root_of(const struct sweep *sweep, int directory) {
        _cleanup_free_ char *root = owner_root_of(directory);

        if (!sweep->root)
                return SWEEP_ROOT_OTHER;
        if (!root)
                return SWEEP_ROOT_UNKNOWN;
        return strcmp(root, sweep->root) == 0 ? SWEEP_ROOT_OWN : SWEEP_ROOT_OTHER;
}

static struct sweep_life *add_life(struct sweep *sweep, const struct level *level, const char *mark) {
        size_t id_length = strcspn(mark, " ");
        struct sweep_life *larger = reallocarray(sweep->lives, sweep->life_count + 1, sizeof(*larger)),
                          life = {0};

        if (!larger)
                return NULL;
        sweep->lives = larger;
        life.mark = strdup(mark);
        life.id = strndup(mark, id_length);
        life.token = strdup(mark + id_length + (mark[id_length] == ' '));
        life.place = absolute_path(level);
        life.root = root_of(sweep, level->fd);
        if (!life.mark || !life.id || !life.token || !life.place) {
                life_clear(&life);
                return NULL;
        }
        larger[sweep->life_count] = life;
        return &larger[sweep->life_count++];
}

static int note_life(struct sweep *sweep, const struct level *level, const char *mark, bool populated) {
        struct sweep_life *life = find_life(sweep, mark);

        if (!life)
                life = add_life(sweep, level, mark);
        if (!life)
                return -ENOMEM;
        life->populated = life->populated || populated;
        life->below_path = life->below_path || sweep_is_below(sweep, level->path);
        return 0;
}

static int add_to(json_t *set, const struct level *level) {
        return json_object_set_new_nocheck(set, level->path, json_true()) < 0 ? -ENOMEM : 0;
}

/* Memory is all that a walk may fail for. */
static int note_unread(struct sweep *sweep, int r) {
        if (r < 0 && r != -ENOMEM)
                sweep->incomplete = true;
        return r == -ENOMEM ? r : 0;
}

static int look_at(const struct level *level, const char *name, void *data) {
        struct look *outer = data, look = {outer->sweep, outer->device, outer->depth + 1, outer->inside, false};
        char mark[OWNER_MARK_SIZE];
        struct stat status;
        bool is_group, below;
        int r = 0;

        (void)name;
        if (fstat(level->fd, &status) < 0 || status.st_dev != look.device || look.depth > DEPTH_MAX) {
                outer->populated = true; /* as far as is known */
                return 0;
        }
        read_mark(level->fd, mark);
        is_group = mark[0] != '\0' && mark[0] != '/';
        below = sweep_is_below(look.sweep, level->path);
        look.inside = look.inside || is_group || below;
        if (has_children(&status))
                r = note_unread(look.sweep, level_for_each_child(level, look_at, &look));
        look.populated = look.populated || (look.inside && has_processes(level));
        outer->populated = outer->populated || look.populated;
        if (r == 0 && is_group)
                r = note_life(look.sweep, level, mark, look.populated);
        if (r == 0 && below && look.populated)
                r = add_to(look.sweep->populated, level);
        if (r == 0 && is_at_or_below(look.sweep->paths, look.sweep->path_count, level->path) &&
            is_occupied(level))
                r = add_to(look.sweep->occupied, level);
        return r;
}

/* The mount points themselves are nobody's. */
static int for_each_top(struct sweep *sweep, int (*walk)(struct sweep *, const struct level *, dev_t),
                        struct error *error) {
        for (size_t i = 0; i < sweep->host->count; i++) {
                const struct hierarchy *hierarchy = &sweep->host->hierarchies[i];
                const struct level top = {NULL, hierarchy, hierarchy->fd, ""};
                struct stat status;

                if (fstat(hierarchy->fd, &status) < 0)
                        return error_fail(error, errno, "%s", hierarchy->mount_point);
                if (walk(sweep, &top, status.st_dev) < 0)
                        return error_oom(error);
        }
        return 0;
}

static int look_from(struct sweep *sweep, const struct level *top, dev_t device) {
        struct look look = {.sweep = sweep, .device = device};

        return note_unread(sweep, level_for_each_child(top, look_at, &look));
}

int sweep_look(struct sweep *sweep, struct error *error) {
        sweep->populated = json_object();
        sweep->occupied = json_object();
        return sweep->populated && sweep->occupied ? for_each_top(sweep, look_from, error) : error_oom(error);
}

/* ---- what becomes of it ---- */

enum sweep_fate sweep_judge(const struct sweep_life *life, enum sweep_state state, const char **reason) {
        *reason = NULL;
        if (state == SWEEP_STATE_LIVES)
                return SWEEP_STAYS;
        if (state == SWEEP_STATE_GOES)
                return SWEEP_GOES_WITH_STATE;
        if (life->root == SWEEP_ROOT_OTHER) {
                if (life->below_path)
                        *reason = "it is of a sandbox whose state is kept under another --root";
                return SWEEP_STAYS;
        }
        if (life->populated) {
                *reason = "it has no state, but its groups have processes";
                return SWEEP_STAYS;
        }
        if (life->root == SWEEP_ROOT_UNKNOWN && !life->below_path) {
                *reason = "its mark does not say where its state is kept; --path would remove it";
                return SWEEP_STAYS;
        }
        *reason = "its sandbox has no state";
        return SWEEP_GOES;
}

void sweep_decide(struct sweep *sweep, struct sweep_life *life, enum sweep_state state) {
        const char *reason;

        life->fate = sweep_judge(life, state, &reason);
        if (life->fate == SWEEP_GOES && sweep->incomplete) {
                life->fate = SWEEP_STAYS;
                reason = SWEEP_INCOMPLETE;
        }
        if (life->fate == SWEEP_STAYS && reason)
                sweep->report(&(struct sweep_report){.id = life->id, .path = life->place, .reason = reason},
                              sweep->data);
}

/* ---- the second walk ---- */

struct visit {
        struct sweep *sweep;
        dev_t device;
        unsigned depth;
        int parent;                /* the directory that the children are in; not owned */
        struct sweep_life *within; /* what has no mark here is below a group of this life; or NULL */
        bool occupied;             /* it is below a group that has processes itself, below the paths */
        bool remains;              /* out: not all of what was visited goes */
};

/* What a directory is, and what is to become of it. */
struct find {
        struct sweep_report report; /* its id and reason */
        struct sweep_life *life;    /* whose group it is; NULL: nobody's, or a parent */
        bool told;                  /* that it stays is reported */
        enum sweep_fate fate;
};

static void find_by_life(const struct sweep *sweep, const struct level *level, struct sweep_life *life,
                         struct find *out) {
        out->life = life;
        out->report.id = life->id;
        out->report.reason = "its sandbox has no state";
        out->fate = life->fate;
        /* Of a life whose root is not known, only what is below the paths goes. */
        if (life->fate == SWEEP_GOES && life->root != SWEEP_ROOT_OWN && !sweep_is_below(sweep, level->path))
                out->fate = SWEEP_STAYS;
        if (out->fate == SWEEP_STAYS)
                out->report.reason = NULL;
}

/* Of what is below the paths. */
static void find_unmarked(const struct visit *visit, const struct level *level, const char *name,
                          struct find *out) {
        const struct sweep *sweep = visit->sweep;

        out->report.reason = "it is empty, and below a --path";
        out->fate = SWEEP_GOES;
        if (sweep->incomplete) {
                out->fate = SWEEP_STAYS;
                out->report.reason = SWEEP_INCOMPLETE;
        } else if (json_object_get(sweep->populated, level->path)) {
                out->fate = SWEEP_STAYS;
                out->report.reason = has_processes(level) ? "it has processes"
                                                          : "this group has processes in another hierarchy, or "
                                                            "below";
        } else if (visit->occupied) {
                out->fate = SWEEP_STAYS;
                out->report.reason = "a group above it has processes";
        } else if (is_at_or_below(sweep->kept, sweep->kept_count, level->path)) {
                out->fate = SWEEP_STAYS;
                out->report.reason = "it is at the path of a sandbox that has a state";
        } else if (!owner_has_no_mark(level->fd)) {
                out->fate = SWEEP_STAYS;
                out->report.reason = "its mark cannot be read";
        } else if (sweep->is_unit && sweep->is_unit(name, sweep->data)) {
                out->fate = SWEEP_STAYS;
                out->report.reason = "systemd has an active unit of this name";
        }
}

static struct find identify(const struct visit *visit, const struct level *level, const char *name) {
        struct sweep *sweep = visit->sweep;
        char mark[OWNER_MARK_SIZE];
        struct find find = {.fate = SWEEP_STAYS};
        struct sweep_life *life;

        read_mark(level->fd, mark);
        life = mark[0] != '\0' ? find_life(sweep, mark) : visit->within;
        if (life) {
                find_by_life(sweep, level, life, &find);
        } else if (mark[0] == '/') {
                find.report.is_parent = true;
                find.report.reason = "it was made for sandboxes, and is empty";
                if (root_of(sweep, level->fd) == SWEEP_ROOT_OWN &&
                    !(visit->within && visit->within->fate == SWEEP_STAYS))
                        find.fate = SWEEP_GOES;
        } else if (mark[0] == '\0' && sweep_is_below(sweep, level->path)) {
                find_unmarked(visit, level, name, &find);
                find.told = true;
        }
        if (find.fate == SWEEP_GOES && sweep->is_unasked && sweep->is_unasked(name, sweep->data)) {
                find.fate = SWEEP_STAYS;
                find.report.reason = "it is named like a unit, and systemd cannot be asked for that";
                find.told = true;
        }
        return find;
}

static void report(const struct sweep *sweep, const struct level *level, struct sweep_report *what) {
        _cleanup_free_ char *path = absolute_path(level);

        if (!path)
                return;
        what->path = path;
        sweep->report(what, sweep->data);
        what->path = NULL;
}

/* 0 where it has gone, 1 where somebody else has removed it, or a negative errno. */
static int remove_directory(const struct sweep *sweep, int parent, const char *name,
                            const struct level *level) {
        int r, pause_ms = PAUSE_FIRST_MS;

        for (;;) {
                r = file_is_named(parent, name, level->fd);
                if (r <= 0)
                        return r < 0 ? r : 1;
                if (unlinkat(parent, name, AT_REMOVEDIR) == 0)
                        return 0;
                if (errno == ENOENT)
                        return 1;
                r = -errno;
                if (r != -EBUSY || has_processes(level) ||
                    !deadline_pause(sweep->deadline, &pause_ms, PAUSE_MAX_MS))
                        return r;
        }
}

/* Whether it has gone, or would. */
static bool take_down(const struct visit *visit, const struct level *level, const char *name,
                      struct find *find) {
        const struct sweep *sweep = visit->sweep;
        int r = 0;

        if (find->fate == SWEEP_GOES_WITH_STATE)
                return sweep->dry_run;
        if (!sweep->dry_run) {
                log_debug(sweep->log, "rmdir %s/%s", level->hierarchy->mount_point, level->path);
                r = remove_directory(sweep, visit->parent, name, level);
        }
        if (r > 0)
                return true;
        find->report.removed = r == 0;
        if (r == -EBUSY || r == -ENOTEMPTY)
                find->report.reason = "it came into use";
        else if (r < 0)
                find->report.errnum = -r;
        report(sweep, level, &find->report);
        return r == 0;
}

/* The children first: whether they all go decides. */
static int visit_one(const struct level *level, const char *name, void *data) {
        struct visit *outer = data, visit = *outer;
        struct stat status;
        struct find find;
        int r = 0;

        if (fstat(level->fd, &status) < 0 || status.st_dev != outer->device || outer->depth >= DEPTH_MAX) {
                outer->remains = true;
                return 0;
        }
        find = identify(outer, level, name);
        visit.depth++;
        visit.parent = level->fd;
        visit.within = find.life ? find.life : outer->within;
        visit.occupied = outer->occupied || json_object_get(visit.sweep->occupied, level->path);
        visit.remains = false;
        if (has_children(&status))
                r = level_for_each_child(level, visit_one, &visit);
        if (r == -ENOMEM)
                return r;
        visit.remains = visit.remains || r < 0;
        if (find.fate != SWEEP_STAYS && !visit.remains && !has_processes(level) &&
            take_down(outer, level, name, &find))
                return 0;
        outer->remains = true;
        if (find.life)
                find.life->remains = true;
        if (find.fate == SWEEP_STAYS && find.told && !visit.remains)
                report(outer->sweep, level, &find.report);
        return 0;
}

static int remove_from(struct sweep *sweep, const struct level *top, dev_t device) {
        _cleanup_close_ int parent = file_open_beneath(top->fd, ".", O_RDONLY | O_DIRECTORY);
        struct visit visit = {.sweep = sweep, .device = device, .parent = parent};

        return parent < 0 ? 0 : note_unread(sweep, level_for_each_child(top, visit_one, &visit));
}

int sweep_remove(struct sweep *sweep, struct error *error) {
        return for_each_top(sweep, remove_from, error);
}
