/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Making a control group's directory, level by level
 *
 * Subtle, three times:
 *  - On v2 a child has only the controllers in its parent's cgroup.subtree_control, and a parent with
 *    processes of its own (except the root) cannot enable any (cgroup-v2.rst, "No Internal Process
 *    Constraint"), so each level is checked before the next is made.
 *  - A new v1 cpuset is empty and accepts no task until cpus and mems have been copied down
 *    (cpusets.rst, section 1.5 and 2.1).
 *  - Parents are shared with other sandboxes that are made and removed at the same time. If a parent is
 *    removed between its mkdir and its child's (ENOENT), the walk starts again from the top.
 */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cgroup/cgroup.h"
#include "cgroup/level.h"
#include "util/cpulist.h"
#include "util/file.h"
#include "util/number.h"

/* Results of a step of the walk that are not errors. */
enum {
        WALK_E_RACE = 1, /* a parent was removed meanwhile: the walk starts again */
};

/* How often the walk starts again when parents are removed; each time another sandbox's delete has made progress. */
#define RACE_TRIES 64

/* Controllers that are enabled if possible, for accounting and later updates. */
#define WISHED                                                                                                 \
        (1U << CONTROLLER_CPU | 1U << CONTROLLER_CPUSET | 1U << CONTROLLER_MEMORY | 1U << CONTROLLER_PIDS |    \
         1U << CONTROLLER_IO | 1U << CONTROLLER_HUGETLB | 1U << CONTROLLER_RDMA | 1U << CONTROLLER_MISC)

struct made_directory {
        const struct hierarchy *hierarchy; /* not owned: the host's */
        const struct owner *owner;         /* not owned: the session's */
        char *path;
        bool parent; /* not the group itself */
        bool marked; /* if true, a directory without a mark at its path is somebody else's */
};

static void made_directory_free(void *change) {
        struct made_directory *made = change;

        free(made->path);
        free(made);
}

/* Does not remove a directory that somebody else has remade. A parent stays while other sandboxes are in it; they remove it. */
static int made_directory_undo(void *change, struct error *error) {
        struct made_directory *made = change;
        _cleanup_close_ int fd = file_open_beneath(made->hierarchy->fd, made->path, O_RDONLY | O_DIRECTORY);
        char mark[OWNER_MARK_SIZE];
        enum ownership ownership = fd >= 0 ? owner_ask(made->owner, fd, mark) : OWNERSHIP_NONE;

        if (ownership == OWNERSHIP_OTHER || (fd >= 0 && ownership == OWNERSHIP_NONE && made->marked))
                return 0;
        if (unlinkat(made->hierarchy->fd, made->path, AT_REMOVEDIR) < 0 && errno != ENOENT &&
            !(made->parent && (errno == EBUSY || errno == ENOTEMPTY)))
                return error_fail(error, errno, "cannot remove cgroup %s/%s", made->hierarchy->mount_point,
                                  made->path);
        return 0;
}

/* `*out` is owned by the journal; NULL without a journal. */
static int record_directory(struct journal *journal, const struct cgroup *cgroup,
                            const struct hierarchy *hierarchy, const char *path, bool parent,
                            struct made_directory **out, struct error *error) {
        struct made_directory *made;
        int r;

        *out = NULL;
        if (!journal)
                return 0;
        made = calloc(1, sizeof(*made));
        if (!made)
                return error_oom(error);
        *made = (struct made_directory){hierarchy, cgroup->owner, strdup(path), parent, false};
        if (!made->path) {
                free(made);
                return error_oom(error);
        }
        r = journal_add(journal, made_directory_undo, made_directory_free, made, error);
        if (r == 0)
                *out = made;
        return r;
}

static unsigned parse_mask(char *text) {
        unsigned mask = 0;
        char *word;

        while ((word = strsep(&text, " "))) {
                int controller = controller_from_name(word);

                if (controller >= 0)
                        mask |= 1U << controller;
        }
        return mask;
}

static int read_mask(const struct level *level, const char *file, unsigned *out, struct error *error) {
        _cleanup_free_ char *text = NULL;
        int r;

        *out = 0;
        r = level_read(level, file, &text);
        if (r < 0)
                return level_fail(level, file, r, error);
        *out = parse_mask(text);
        return 0;
}

#define MASK_TEXT_SIZE (CONTROLLER_COUNT * 16UL)

static void mask_text(unsigned mask, const char *sign, char out[static MASK_TEXT_SIZE]) {
        out[0] = '\0';
        for (int c = 0; c < CONTROLLER_COUNT; c++) {
                if ((mask >> c & 1) == 0)
                        continue;
                (void)strncat(out, out[0] ? " " : "", MASK_TEXT_SIZE - strlen(out) - 1);
                (void)strncat(out, sign, MASK_TEXT_SIZE - strlen(out) - 1);
                (void)strncat(out, controller_name((enum controller)c, CGROUP_V2),
                              MASK_TEXT_SIZE - strlen(out) - 1);
        }
}

/* In a rehearsal: assumes that the file lists these controllers. */
static int assume_mask(const struct level *level, const char *file, unsigned mask) {
        _cleanup_free_ char *path = level_file(level, file);
        char text[MASK_TEXT_SIZE];

        mask_text(mask, "", text);
        return path ? rehearsal_assume_text(level->cgroup->rehearsal, path, text) : -ENOMEM;
}

static int write_subtree_control(const struct level *level, unsigned mask) {
        static const char file[] = "cgroup.subtree_control";
        _cleanup_free_ char *former = NULL;
        char value[MASK_TEXT_SIZE];
        int r;

        mask_text(mask, "+", value);
        if (!level->cgroup->rehearsal)
                return level_write(level, file, value);
        r = level_read(level, file, &former);
        if (r == 0)
                r = level_write(level, file, value);
        return r < 0 ? r : assume_mask(level, file, parse_mask(former) | mask);
}

static bool is_threaded(const struct level *level) {
        _cleanup_free_ char *type = NULL;

        if (level_read(level, "cgroup.type", &type) < 0)
                return false;
        return strstr(type, "threaded") || strstr(type, "domain invalid");
}

/* The kernel's reasons, in words: EBUSY is the no-internal-process rule, EOPNOTSUPP a threaded group. */
static int fail_enable(const struct level *level, enum controller controller, int errnum, struct error *error) {
        const char *name = controller_name(controller, CGROUP_V2);

        if (errnum == EBUSY)
                return error_fail(error, errnum,
                                  "controller %s cannot be enabled in %s/%s, which has processes of its own "
                                  "(cgroup.subtree_control)",
                                  name, level->hierarchy->mount_point, level->path);
        if (errnum == EOPNOTSUPP || is_threaded(level))
                return error_fail(error, errnum,
                                  "controller %s cannot be enabled in %s/%s, which is a threaded cgroup "
                                  "(cgroup.subtree_control)",
                                  name, level->hierarchy->mount_point, level->path);
        return error_fail(error, errnum, "controller %s cannot be enabled in %s/%s/cgroup.subtree_control",
                          name, level->hierarchy->mount_point, level->path);
}

static int enable_one_by_one(const struct level *level, unsigned missing, unsigned required,
                             struct error *error) {
        for (int c = 0; c < CONTROLLER_COUNT; c++) {
                int r;

                if ((missing >> c & 1) == 0)
                        continue;
                r = write_subtree_control(level, 1U << c);
                if (r < 0 && (required >> c & 1) != 0)
                        return fail_enable(level, (enum controller)c, -r, error);
        }
        return 0;
}

static int enable_missing(const struct level *level, unsigned missing, unsigned required, struct error *error) {
        int r = write_subtree_control(level, missing);

        return r < 0 ? enable_one_by_one(level, missing, required, error) : 0;
}

/*
 * Whether the level has processes of its own. The kernel then refuses most controllers (the no-internal-process rule). It
 * does enable cpu, cpuset, pids and perf_event, but makes the level a threaded domain, which cannot contain a sandbox. The
 * root is exempt from the rule.
 */
static bool has_processes(const struct level *level) {
        _cleanup_free_ char *text = NULL;

        return level->path[0] != '\0' && level_read(level, "cgroup.procs", &text) == 0 && text[0] != '\0';
}

/* The first controller of a non-empty mask. */
static enum controller first_of(unsigned mask) {
        return (enum controller)__builtin_ctz(mask);
}

/* Enables controllers for the children. On entry `available` has those of this level, on return those of its children. */
static int enable_controllers(const struct level *level, unsigned wished, unsigned required,
                              unsigned *available, struct error *error) {
        unsigned enabled, missing;
        int r;

        r = read_mask(level, "cgroup.subtree_control", &enabled, error);
        if (r < 0)
                return r;
        for (int c = 0; c < CONTROLLER_COUNT; c++)
                if ((required & ~enabled & ~*available) >> c & 1)
                        return error_fail(error, 0, "%s/%s has no controller %s (cgroup.controllers)",
                                          level->hierarchy->mount_point, level->path,
                                          controller_name((enum controller)c, CGROUP_V2));
        missing = (wished | required) & *available & ~enabled;
        if (missing != 0 && has_processes(level)) {
                if ((missing & required) != 0)
                        return fail_enable(level, first_of(missing & required), EBUSY, error);
        } else if (missing != 0) {
                r = enable_missing(level, missing, required, error);
                if (r == 0)
                        r = read_mask(level, "cgroup.subtree_control", &enabled, error);
                if (r < 0)
                        return r;
        }
        *available = enabled;
        return 0;
}

/* A list of v1's cpuset (cpus or mems), and the file that makes it exclusive among siblings. */
struct cpuset_list {
        const char *file, *exclusive_file;
};

static const struct cpuset_list cpuset_lists[] = {
        {"cpuset.cpus", "cpuset.cpu_exclusive"},
        {"cpuset.mems", "cpuset.mem_exclusive"},
};

struct exclusion {
        const struct cpuset_list *list;
        struct cpulist free; /* what is left */
};

/* Removes what a child has exclusively. */
static int exclude(const struct level *child, const char *name, void *data) {
        struct exclusion *exclusion = data;
        _cleanup_free_ char *exclusive = NULL, *text = NULL;
        struct cpulist taken;

        (void)name;
        if (level_read(child, exclusion->list->exclusive_file, &exclusive) == 0 &&
            strcmp(exclusive, "1") == 0 && level_read(child, exclusion->list->file, &text) == 0 &&
            cpulist_parse(text, &taken) == 0)
                cpulist_subtract(&exclusion->free, &taken);
        return 0;
}

/* The part of a group's list that no child has exclusively (cpusets.rst, 1.4). NULL if that part is empty. */
static char *list_to_share(const struct level *level, const struct cpuset_list *list, const char *text) {
        struct exclusion exclusion = {.list = list};

        if (cpulist_parse(text, &exclusion.free) < 0 ||
            level_for_each_child(level, exclude, &exclusion) == -ENOMEM || cpulist_is_empty(&exclusion.free))
                return NULL;
        return cpulist_format(&exclusion.free);
}

/* Copies the parent's whole list, so that later groups below this one, and later changes of the group itself, can use all of
 * it; without what siblings have exclusively, which the kernel would refuse. */
static int copy_down(const struct level *level, const struct level *parent, const struct cpuset_list *list,
                     struct error *error) {
        _cleanup_free_ char *own = NULL, *inherited = NULL, *rest = NULL;
        int r;

        r = level_read(level, list->file, &own);
        if (r == 0 && own[0] != '\0')
                return 0;
        if (r == 0)
                r = level_read(parent, list->file, &inherited);
        /* A rehearsal does not learn what the kernel would refuse. */
        if (r == 0)
                r = level->cgroup->rehearsal ? -EINVAL : level_write(level, list->file, inherited);
        if (r == -EINVAL && (rest = list_to_share(parent, list, inherited)))
                r = level_write(level, list->file, rest);
        return r < 0 ? level_fail(level, list->file, r, error) : 0;
}

static int prepare_cpuset(const struct level *level, const struct level *parent, struct error *error) {
        int r = 0;

        for (size_t i = 0; r == 0 && i < ARRAY_SIZE(cpuset_lists); i++)
                r = copy_down(level, parent, &cpuset_lists[i], error);
        return r;
}

/* Whether cgroup.max.descendants or cgroup.max.depth of this group forbids a new group `depth` levels below it (cgroup-v2.rst,
 * "Core Interface Files"). Sets the error then. */
static int check_limits(int directory, const char *place, uint64_t depth, struct error *error) {
        static const char descendants_file[] = "cgroup.max.descendants", depth_file[] = "cgroup.max.depth";
        _cleanup_free_ char *descendants = NULL, *max_depth = NULL, *stat = NULL;
        uint64_t limit, present;

        if (file_read_at(directory, descendants_file, FILE_SIZE_MAX, &descendants, NULL) < 0 ||
            file_read_at(directory, depth_file, FILE_SIZE_MAX, &max_depth, NULL) < 0 ||
            file_read_at(directory, "cgroup.stat", FILE_SIZE_MAX, &stat, NULL) < 0)
                return 0;
        file_chomp(descendants);
        file_chomp(max_depth);
        if (number_parse_u64(descendants, &limit) == 0 &&
            sscanf(stat, "nr_descendants %" SCNu64, &present) == 1 && present >= limit)
                return error_fail(error, EAGAIN, "%s/%s is reached", place, descendants_file);
        if (number_parse_u64(max_depth, &limit) == 0 && depth > limit)
                return error_fail(error, EAGAIN, "%s/%s is reached", place, depth_file);
        return 0;
}

/* Names the limit, of the level or of one above it, for which mkdir(2) returned EAGAIN. */
static int fail_limit(const struct level *level, const char *path, struct error *error) {
        _cleanup_error_ struct error limit = ERROR_INIT;
        _cleanup_free_ char *ancestor = strdup(level->path);

        for (uint64_t depth = 1; ancestor && limit.status == EXIT_STATUS_DONE; depth++) {
                _cleanup_close_ int directory =
                        file_open_beneath(level->hierarchy->fd, ancestor, O_PATH | O_DIRECTORY);
                _cleanup_free_ char *place = NULL;
                char *slash = strrchr(ancestor, '/');

                if (directory < 0 || asprintf(&place, "%s/%s", level->hierarchy->mount_point, ancestor) < 0) {
                        place = NULL;
                        break;
                }
                (void)check_limits(directory, place, depth, &limit);
                if (ancestor[0] == '\0')
                        break;
                *(slash ? slash : ancestor) = '\0';
        }
        if (!limit.message)
                return error_fail(error, EAGAIN, "cannot make cgroup %s/%s", level->hierarchy->mount_point,
                                  path);
        return error_fail(error, 0, "cannot make cgroup %s/%s: %s", level->hierarchy->mount_point, path,
                          limit.message);
}

static int rehearse_directory(const struct level *level, const char *name, bool *made) {
        _cleanup_free_ char *path = level_file(level, name);

        if (!path)
                return -ENOMEM;
        *made = !rehearsal_has_directory(level->cgroup->rehearsal, path) &&
                (level->fd < 0 || !file_exists_at(level->fd, name));
        return *made ? rehearsal_make_directory(level->cgroup->rehearsal, path) : 0;
}

/* mkdir of one component; `made` is set to whether it was missing. Returns 0 or a negative errno. */
static int make_directory(const struct level *level, const char *name, bool *made) {
        if (level->cgroup->rehearsal)
                return rehearse_directory(level, name, made);
        *made = mkdirat(level->fd, name, 0755) == 0;
        if (!*made && errno != EEXIST)
                return -errno;
        return 0;
}

/* Opens the directory, and marks it if it was made here. `record` is the journal's entry for it, or NULL. */
static int open_made(const struct level *level, const char *name, bool made, bool leaf,
                     struct made_directory *record, int *out) {
        _cleanup_close_ int fd =
                level->fd >= 0 ? file_open_beneath(level->fd, name, O_RDONLY | O_DIRECTORY) : -ENOENT;
        bool marked = false;
        int r = fd;

        if (level->cgroup->rehearsal && (fd >= 0 || fd == -ENOENT)) {
                *out = fd >= 0 ? TAKE_FD(fd) : -1;
                return 0;
        }
        if (fd < 0)
                return fd;
        if (made && leaf) {
                r = owner_take(level->cgroup->owner, fd);
                marked = true; /* or remembered by its identity */
        } else if (made) {
                marked = owner_mark_parent(fd, level->cgroup->parents_stay ? NULL : level->cgroup->owner->root);
        }
        if (r < 0)
                return r;
        if (record)
                record->marked = marked;
        *out = TAKE_FD(fd);
        return 0;
}

/* A group that exists already is an error, whoever owns it. */
static int fail_taken(struct cgroup *cgroup, const struct hierarchy *hierarchy, struct error *error) {
        int r = cgroup_claim(cgroup, hierarchy, error);

        if (r == CGROUP_E_ABSENT)
                return WALK_E_RACE;
        return r < 0 ? r : error_fail(error, EEXIST, "cgroup %s/%s", hierarchy->mount_point, cgroup->path);
}

struct walk {
        struct cgroup *cgroup;
        const struct hierarchy *hierarchy;
        const struct plan *plan; /* or NULL */
        unsigned required;
        bool make; /* false: only enable controllers in the parents of a directory that exists */
        struct journal *journal;
};

/* Makes one component if it is missing, and records that. */
static int make_component(const struct walk *walk, const struct level *level, const char *name,
                          const char *path, bool leaf, bool *made, struct made_directory **record,
                          struct error *error) {
        int r;

        log_debug(walk->cgroup->log, "mkdir %s/%s", walk->hierarchy->mount_point, path);
        r = make_directory(level, name, made);
        if (cgroup_is_gone(r))
                return WALK_E_RACE;
        if (r == -EAGAIN)
                return fail_limit(level, path, error);
        if (r < 0)
                return error_fail(error, -r, "cannot make cgroup %s/%s", walk->hierarchy->mount_point, path);
        if (*made)
                return record_directory(walk->journal, walk->cgroup, walk->hierarchy, path, !leaf, record,
                                        error);
        return leaf ? fail_taken(walk->cgroup, walk->hierarchy, error) : 0;
}

/* Goes one level down from `level`: enables controllers, makes and opens the directory, fills the cpuset. `*fd`, which owns
 * `level->fd`, is replaced by the new directory. */
static int walk_component(const struct walk *walk, struct level *level, const char *name, size_t path_length,
                          bool leaf, unsigned *available, int *fd, struct error *error) {
        _cleanup_free_ char *path = strndup(walk->cgroup->path, path_length);
        struct made_directory *record = NULL;
        _cleanup_close_ int child = -1;
        bool made = false;
        int r = 0;

        if (!path)
                return error_oom(error);
        if (walk->hierarchy->version == CGROUP_V2)
                r = enable_controllers(level, walk->make ? WISHED : 0, walk->required, available, error);
        /* Before the group is made, so that an undo removes the group first. */
        if (r == 0 && leaf && walk->make && walk->hierarchy == walk->cgroup->host->controllers[CONTROLLER_CPU])
                r = cgroup_make_room(walk->cgroup, walk->plan, walk->journal, error);
        if (r == 0 && walk->make)
                r = make_component(walk, level, name, path, leaf, &made, &record, error);
        if (r != 0)
                return r;
        r = open_made(level, name, made, leaf, record, &child);
        if (r == -ENOENT && walk->make)
                return WALK_E_RACE;
        if (r < 0)
                return error_fail(error, -r, "%s/%s", walk->hierarchy->mount_point, path);
        if (made && walk->cgroup->rehearsal && walk->hierarchy->version == CGROUP_V2)
                r = assume_mask(&(struct level){walk->cgroup, walk->hierarchy, child, path},
                                "cgroup.controllers", *available);
        if (r < 0)
                return error_oom(error);
        if (walk->make && walk->hierarchy->version == CGROUP_V1 &&
            (walk->hierarchy->mask & 1U << CONTROLLER_CPUSET) != 0) {
                struct level below = {walk->cgroup, walk->hierarchy, child, path};

                r = prepare_cpuset(&below, level, error);
                if (r < 0)
                        return r;
        }
        cleanup_close(fd);
        *fd = TAKE_FD(child);
        return 0;
}

static int walk_down(const struct walk *walk, struct error *error) {
        const char *path = walk->cgroup->path;
        _cleanup_close_ int fd = -1;
        unsigned available = walk->hierarchy->mask;

        for (const char *component = path; component;) {
                const char *slash = strchr(component, '/');
                size_t end = slash ? (size_t)(slash - path) : strlen(path);
                _cleanup_free_ char *parent_path = NULL, *name = NULL;
                struct level level = {walk->cgroup, walk->hierarchy,
                                      component == path ? walk->hierarchy->fd : fd, NULL};
                int r;

                name = strndup(component, end - (size_t)(component - path));
                parent_path = strndup(path, component == path ? 0 : (size_t)(component - path) - 1);
                if (!name || !parent_path)
                        return error_oom(error);
                level.path = parent_path;
                r = walk_component(walk, &level, name, end, !slash, &available, &fd, error);
                if (r != 0)
                        return r;
                component = slash ? slash + 1 : NULL;
        }
        return 0;
}

unsigned cgroup_required(const struct plan *plan) {
        unsigned mask = 0;

        for (size_t i = 0; plan && i < plan->count; i++)
                if (plan->settings[i].kind == SETTING_FILE &&
                    plan->settings[i].file.controller < CONTROLLER_COUNT &&
                    (plan->settings[i].file.flags & FILE_MISSING_OK) == 0)
                        mask |= 1U << plan->settings[i].file.controller;
        return mask;
}

int cgroup_make(struct cgroup *cgroup, const struct hierarchy *hierarchy, const struct plan *plan,
                struct journal *journal, struct error *error) {
        const struct walk walk = {cgroup, hierarchy, plan, cgroup_required(plan) & hierarchy->mask,
                                  true,   journal};
        _cleanup_error_ struct error cause = ERROR_INIT;
        bool again = true;
        int r = WALK_E_RACE;

        for (int i = 0; again && i < RACE_TRIES; i++) {
                error_clear(&cause);
                r = walk_down(&walk, &cause);
                /* A level that was entered and has been removed since answers ENOENT or ENODEV, too. */
                again = r == WALK_E_RACE || (cgroup_is_gone(r) && !file_exists_at(hierarchy->fd, cgroup->path));
        }
        error_move(error, &cause);
        if (r == WALK_E_RACE)
                return error_fail(error, 0, "parents of cgroup %s/%s keep vanishing", hierarchy->mount_point,
                                  cgroup->path);
        return r;
}

int cgroup_assume_made(struct cgroup *cgroup, const struct hierarchy *hierarchy, unsigned controllers) {
        const struct level level = {cgroup, hierarchy, -1, cgroup->path};
        _cleanup_free_ char *path = cgroup_absolute_path(cgroup, hierarchy);

        for (size_t top = strlen(hierarchy->mount_point), end = path ? strlen(path) : 0; end > top;
             path[end] = '\0') {
                if (rehearsal_assume_directory(cgroup->rehearsal, path) < 0)
                        return -ENOMEM;
                end = (size_t)(strrchr(path, '/') - path);
        }
        if (!path || hierarchy->version != CGROUP_V2)
                return path ? 0 : -ENOMEM;
        return assume_mask(&level, "cgroup.controllers", controllers & hierarchy->mask);
}

int cgroup_enable_controllers(struct cgroup *cgroup, const struct hierarchy *hierarchy, unsigned required,
                              struct error *error) {
        const struct walk walk = {cgroup, hierarchy, NULL, required & hierarchy->mask, false, NULL};

        if (hierarchy->version != CGROUP_V2 || walk.required == 0)
                return 0;
        return walk_down(&walk, error);
}

static int make_threaded(const struct level *level, struct error *error) {
        static const char file[] = PLAN_VCPU_SUBTREE "/cgroup.type";
        _cleanup_free_ char *type = NULL;
        int r;

        r = level_read(level, file, &type);
        if (r == 0 && strncmp(type, "threaded", strlen("threaded")) == 0)
                return 0;
        if (r == 0)
                r = level_write(level, file, "threaded");
        /* EOPNOTSUPP means that the group has enabled domain controllers such as memory, or has domain children. */
        if (r == -EOPNOTSUPP)
                return error_fail(
                        error, -r,
                        "--vcpu-subtree: %s/%s cannot be a threaded domain, since it has controllers or "
                        "child groups that are not for threads",
                        level->hierarchy->mount_point, level->path);
        return r < 0 ? error_fail(error, -r, "--vcpu-subtree: %s/%s/%s", level->hierarchy->mount_point,
                                  level->path, file)
                     : 0;
}

int cgroup_make_vcpu_subtree(struct cgroup *cgroup, unsigned required, struct journal *journal,
                             struct error *error) {
        const struct hierarchy *hierarchy = cgroup->host->unified;
        _cleanup_(cgroup_freep) struct cgroup *subtree = cgroup_vcpu_subtree(cgroup);
        struct level level = {cgroup, hierarchy, cgroup_directory(cgroup, hierarchy), cgroup->path};
        struct made_directory *record;
        unsigned available, enabled, missing;
        bool made;
        int r;

        if (!subtree)
                return error_oom(error);
        log_debug(cgroup->log, "mkdir %s/%s", hierarchy->mount_point, subtree->path);
        r = level.fd < 0 && !cgroup->rehearsal ? level.fd : make_directory(&level, PLAN_VCPU_SUBTREE, &made);
        if (r < 0)
                return error_fail(error, -r, "cannot make cgroup %s/%s", hierarchy->mount_point, subtree->path);
        r = made ? record_directory(journal, cgroup, hierarchy, subtree->path, false, &record, error) : 0;
        if (r == 0)
                r = cgroup_adopt(subtree, hierarchy, error);
        if (r == 0)
                r = cgroup_claim(subtree, hierarchy, error);
        if (r == CGROUP_E_ABSENT)
                return error_fail(error, ENOENT, "%s/%s", hierarchy->mount_point, subtree->path);
        if (r == 0)
                r = make_threaded(&level, error);
        if (r == 0)
                r = read_mask(&level, "cgroup.controllers", &available, error);
        if (r == 0)
                r = read_mask(&level, "cgroup.subtree_control", &enabled, error);
        if (r != 0)
                return r;
        required = (required & 1U << CONTROLLER_CPUSET) | 1U << CONTROLLER_CPU;
        if ((required & ~available) != 0)
                return error_fail(error, 0, "--vcpu-subtree: %s/%s has no controller %s (cgroup.controllers)",
                                  hierarchy->mount_point, cgroup->path,
                                  controller_name(first_of(required & ~available), CGROUP_V2));
        missing = (1U << CONTROLLER_CPU | 1U << CONTROLLER_CPUSET) & available & ~enabled;
        return missing != 0 ? enable_missing(&level, missing, required, error) : 0;
}
