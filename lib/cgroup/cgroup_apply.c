/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Writing the files of a plan
 *
 * Subtle: some limits depend on each other (v1 memory and memory+swap, quota and period, quota and
 * burst), and the order that works depends on their present values. Instead of modelling the kernel's
 * rules, settings of a group are written in rounds: a refused setting is tried again as long as a round
 * succeeds with another setting of the group.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cgroup/cgroup.h"
#include "cgroup/devices.h"
#include "util/file.h"
#include "util/number.h"
#include "util/timestamp.h"

struct written_file {
        struct cgroup *cgroup; /* outlives the journal */
        const struct hierarchy *hierarchy;
        char *file;
        char *former;
};

static void written_file_free(void *change) {
        struct written_file *written = change;

        free(written->file);
        free(written->former);
        free(written);
}

/* The text of the same file in the parent of the file's group; `file` may be in a child of the group. A new string. */
static int read_parent(const struct cgroup *cgroup, const struct hierarchy *hierarchy, const char *file,
                       const char *suffix, char **out) {
        _cleanup_free_ char *directory = NULL, *path = NULL;
        const char *parent;
        char *name;
        int r;

        if (asprintf(&directory, "/%s/%s", cgroup->path, hierarchy_file(hierarchy, file)) < 0)
                return -ENOMEM;
        name = strrchr(directory, '/');
        *name++ = '\0';
        *strrchr(directory, '/') = '\0';
        parent = directory[0] == '/' ? directory + 1 : directory;
        if (asprintf(&path, "%s%s%s%s", parent, parent[0] ? "/" : "", name, suffix) < 0)
                return -ENOMEM;
        r = file_read_at(hierarchy->fd, path, FILE_SIZE_MAX, out, NULL);
        if (r == 0)
                file_chomp(*out);
        return r;
}

/* On v2 a cpuset without a list has its parent's CPUs, but Linux 6.1 refuses to empty the list of a group with processes
 * (ENOSPC): there the group gets the list that its parent has in effect. */
static int write_value(struct cgroup *cgroup, const struct hierarchy *hierarchy, const char *file,
                       const char *value) {
        _cleanup_free_ char *inherited = NULL;
        int r = cgroup_write(cgroup, hierarchy, file, value);

        if (r != -ENOSPC || value[0] != '\0' || hierarchy->version != CGROUP_V2)
                return r;
        r = read_parent(cgroup, hierarchy, file, ".effective", &inherited);
        return r < 0 ? r : cgroup_write(cgroup, hierarchy, file, inherited);
}

static int written_file_undo(void *change, struct error *error) {
        struct written_file *written = change;
        int r;

        r = write_value(written->cgroup, written->hierarchy, written->file, written->former);
        if (r < 0 && !cgroup_is_gone(r))
                return error_fail(error, -r, "cannot put \"%s\" back into %s/%s/%s", written->former,
                                  written->hierarchy->mount_point, written->cgroup->path, written->file);
        return 0;
}

/* The text that restores the present value. A new string or NULL. */
static char *former_value(const struct setting_file *file, const char *value, const char *text) {
        char *former;

        if ((file->flags & FILE_KEYED) != 0) {
                former = setting_keyed_line(text, value);
                return former || !file->reset ? former : strdup(file->reset);
        }
        /* memory.oom_control is read in another format than it is written: "oom_kill_disable 0\n...". */
        if (strcmp(file->name, "memory.oom_control") == 0)
                return strdup(strncmp(text, "oom_kill_disable 1", 18) == 0 ? "1" : "0");
        former = strdup(text);
        if (former)
                file_chomp(former);
        /* "root invalid (REASON)" was written as "root". */
        if (former && strcmp(file->name, "cpuset.cpus.partition") == 0)
                former[strcspn(former, " ")] = '\0';
        return former;
}

static int record_file(struct journal *journal, struct cgroup *cgroup, const struct hierarchy *hierarchy,
                       const char *file, char *former, struct error *error) {
        struct written_file *written = calloc(1, sizeof(*written));

        if (written)
                *written = (struct written_file){cgroup, hierarchy, strdup(file), former};
        if (!written || !written->file) {
                free(written);
                free(former);
                return error_oom(error);
        }
        return journal_add(journal, written_file_undo, written_file_free, written, error);
}

static const struct hierarchy *hierarchy_of(const struct cgroup *cgroup, const struct setting_file *file) {
        const struct hierarchy *hierarchy =
                file->controller < CONTROLLER_COUNT ? cgroup->host->controllers[file->controller] : NULL;

        return hierarchy ? hierarchy : cgroup->host->unified;
}

/* A file and its value: the setting's own or, if that file is missing, the fallback. */
struct target {
        const struct hierarchy *hierarchy;
        const char *name, *value;
};

static struct target find_target(struct cgroup *cgroup, const struct setting_file *file) {
        struct target target = {hierarchy_of(cgroup, file), file->name, file->value};
        int directory;

        if (!file->fallback)
                return target;
        directory = cgroup_directory(cgroup, target.hierarchy);
        if (directory >= 0 && !file_exists_at(directory, file->name)) {
                target.name = file->fallback;
                target.value = file->fallback_value ? file->fallback_value : file->value;
        }
        return target;
}

/* The outcome of one write. */
enum written {
        WRITTEN = 0,
        WRITTEN_NOTHING = 1, /* missing or refused, and that is fine */
        WRITTEN_REFUSED_AGAIN =
                2, /* EINVAL or EBUSY, in `*refusal`: may succeed after another setting of its group */
};

/* A warning, not an error: this command did not change the value, and the kernel may have removed it itself (a CPU that is
 * offline, from v1's cpusets). */
static int warn_lost(const struct cgroup *cgroup, const struct setting *setting, const struct target *target,
                     int r) {
        log_warning(cgroup->log, "%s: %s/%s/%s does not hold \"%s\" any more, and cannot be given it: %s",
                    setting->field, target->hierarchy->mount_point, cgroup->path, target->name, target->value,
                    strerror(-r));
        return WRITTEN_NOTHING;
}

static int verify(struct cgroup *cgroup, const struct setting *setting, const struct target *target,
                  struct error *error) {
        _cleanup_free_ char *held = NULL;
        int r;

        r = cgroup_read(cgroup, target->hierarchy, target->name, &held);
        if (r < 0)
                return error_fail(error, -r, "%s/%s/%s", target->hierarchy->mount_point, cgroup->path,
                                  target->name);
        /* The kernel shows "no limit" in another form. */
        if (setting_value_is_unlimited(target->value) ||
            setting_file_holds(&setting->file, target->value, held))
                return 0;
        if (setting->lost)
                return warn_lost(cgroup, setting, target, -ERANGE);
        file_chomp(held);
        return error_fail(error, ERANGE, "%s: %s/%s/%s holds \"%s\" instead of \"%s\"", setting->field,
                          target->hierarchy->mount_point, cgroup->path, target->name, held, target->value);
}

static int fail_write(const struct cgroup *cgroup, const struct setting *setting, const struct target *target,
                      int r, struct error *error) {
        return error_fail(error, -r, "%s: cannot write \"%s\" to %s/%s/%s", setting->field, target->value,
                          target->hierarchy->mount_point, cgroup->path,
                          hierarchy_file(target->hierarchy, target->name));
}

/* Decides what a refused write means. */
static int judge_refusal(struct cgroup *cgroup, const struct setting *setting, const struct target *target,
                         int r, int *refusal, struct error *error) {
        unsigned flags = setting->file.flags;

        if (r == -ENOENT && cgroup_directory(cgroup, target->hierarchy) < 0)
                return fail_write(cgroup, setting, target, r, error);
        if ((flags & FILE_MISSING_OK) != 0 && r == -ENOENT)
                return WRITTEN_NOTHING;
        if ((flags & FILE_UNSURE) != 0 && (r == -ENOENT || r == -ENODEV || r == -EINVAL))
                return WRITTEN_NOTHING;
        if ((flags & FILE_REFUSED_WARN) != 0) {
                log_warning(cgroup->log, "%s: the kernel refuses the obsolete limit %s: %s", setting->field,
                            target->name, strerror(-r));
                return WRITTEN_NOTHING;
        }
        if (setting->file.group != 0 && (r == -EINVAL || r == -EBUSY)) {
                *refusal = r;
                return WRITTEN_REFUSED_AGAIN;
        }
        return setting->lost ? warn_lost(cgroup, setting, target, r)
                             : fail_write(cgroup, setting, target, r, error);
}

static int write_target(struct cgroup *cgroup, const struct setting *setting, struct target *target,
                        struct journal *journal, int *refusal, struct error *error) {
        _cleanup_free_ char *former_text = NULL, *inherited = NULL;
        char *former = NULL;
        int r;

        /* A cpuset of v1 without a list takes no processes: "as the parent" is the parent's text. */
        if ((setting->file.flags & FILE_INHERIT) != 0 && target->value[0] == '\0' &&
            target->hierarchy->version == CGROUP_V1) {
                r = read_parent(cgroup, target->hierarchy, target->name, "", &inherited);
                if (r < 0)
                        return fail_write(cgroup, setting, target, r, error);
                target->value = inherited;
        }
        /* A write-only file has no value to restore. */
        if (journal && cgroup_read(cgroup, target->hierarchy, target->name, &former_text) == 0)
                former = former_value(&setting->file, target->value, former_text);
        r = write_value(cgroup, target->hierarchy, target->name, target->value);
        if (r == 0 && former)
                r = record_file(journal, cgroup, target->hierarchy, target->name, TAKE(former), error);
        else if (r < 0)
                r = judge_refusal(cgroup, setting, target, r, refusal, error);
        free(former);
        if (r == WRITTEN && (setting->file.flags & FILE_VERIFY) != 0)
                return verify(cgroup, setting, target, error);
        return r;
}

static int write_setting(struct cgroup *cgroup, const struct setting *setting, struct journal *journal,
                         int *refusal, struct error *error) {
        struct target target = find_target(cgroup, &setting->file);

        return write_target(cgroup, setting, &target, journal, refusal, error);
}

/* One round over the settings of a group that are not written yet. */
static int write_round(struct cgroup *cgroup, const struct setting *settings, size_t count, bool *done,
                       struct journal *journal, bool *progress, const struct setting **refused, int *refusal,
                       struct error *error) {
        *progress = false;
        *refused = NULL;
        for (size_t i = 0; i < count; i++) {
                int r, reason = 0;

                if (done[i])
                        continue;
                r = write_setting(cgroup, &settings[i], journal, &reason, error);
                if (r < 0)
                        return r;
                if (r == WRITTEN_REFUSED_AGAIN) {
                        if (!*refused) {
                                *refused = &settings[i];
                                *refusal = reason;
                        }
                } else {
                        done[i] = true;
                        *progress = true;
                }
        }
        return 0;
}

static int write_group(struct cgroup *cgroup, const struct setting *settings, size_t count,
                       struct journal *journal, struct error *error) {
        _cleanup_free_ bool *done = calloc(count, sizeof(*done));
        const struct setting *refused;
        int64_t deadline = monotonic_ms() + SETTING_RELEASE_MS;
        bool progress;
        int r, refusal = 0, pause_ms = 1;

        if (!done)
                return error_oom(error);
        do {
                r = write_round(cgroup, settings, count, done, journal, &progress, &refused, &refusal, error);
                if (r < 0)
                        return r;
        } while (refused && (progress || ((refused->file.flags & FILE_SHARES_BUDGET) != 0 &&
                                          deadline_pause(deadline, &pause_ms, SETTING_RELEASE_PAUSE_MAX_MS))));
        for (size_t i = 0; refused && i < count; i++) {
                const struct target target = {hierarchy_of(cgroup, &settings[i].file), settings[i].file.name,
                                              settings[i].file.value};

                if (done[i])
                        continue;
                if (!settings[i].lost)
                        return fail_write(cgroup, &settings[i], &target, refusal, error);
                (void)warn_lost(cgroup, &settings[i], &target, refusal);
        }
        return 0;
}

/* Whether it is to be written. */
static bool is_file_to_write(const struct setting *setting) {
        return setting->kind == SETTING_FILE && !setting->unchanged;
}

/* The number of settings from here on that are files of the same group. */
static size_t group_length(const struct plan *plan, size_t first) {
        size_t length = 1;

        while (first + length < plan->count && is_file_to_write(&plan->settings[first + length]) &&
               plan->settings[first + length].file.group == plan->settings[first].file.group)
                length++;
        return length;
}

int cgroup_record(struct cgroup *cgroup, const struct plan *plan, struct journal *journal,
                  struct error *error) {
        int r = 0;

        for (size_t i = 0; r == 0 && i < plan->count; i++) {
                const struct setting_file *file = &plan->settings[i].file;
                _cleanup_free_ char *text = NULL;
                struct target target;
                char *former;

                if (plan->settings[i].kind != SETTING_FILE)
                        continue;
                target = find_target(cgroup, file);
                if (cgroup_read(cgroup, target.hierarchy, target.name, &text) < 0)
                        continue;
                former = former_value(file, target.value, text);
                if (former)
                        r = record_file(journal, cgroup, target.hierarchy, target.name, former, error);
        }
        return r;
}

/* False if the file cannot be read. An empty value ("as the parent") cannot be compared and counts as held. */
static bool file_is_lost(struct cgroup *cgroup, const struct setting_file *file) {
        struct target target = find_target(cgroup, file);
        _cleanup_free_ char *text = NULL;

        return target.value[0] != '\0' && cgroup_read(cgroup, target.hierarchy, target.name, &text) == 0 &&
               !setting_file_holds(file, target.value, text);
}

int cgroup_compare(struct cgroup *cgroup, struct plan *plan, struct error *error) {
        for (size_t i = 0; i < plan->count; i++) {
                struct setting *setting = &plan->settings[i];
                bool lost = false;
                int r = 0;

                if (setting->kind == SETTING_FILE && setting->unchanged)
                        lost = file_is_lost(cgroup, &setting->file);
                else if (setting->kind == SETTING_DEVICES && setting->unchanged)
                        r = devices_compare(cgroup, &setting->devices, &lost, error);
                if (r < 0)
                        return r;
                if (lost) {
                        setting->unchanged = false;
                        setting->lost = true;
                }
        }
        return 0;
}

int cgroup_apply(struct cgroup *cgroup, const struct plan *plan, struct journal *journal, struct error *error) {
        for (size_t i = 0; i < plan->count;) {
                const struct setting *setting = &plan->settings[i];
                size_t length = 1;
                int r = 0, refusal = 0;

                if (is_file_to_write(setting) && setting->file.group != 0) {
                        length = group_length(plan, i);
                        r = write_group(cgroup, setting, length, journal, error);
                } else if (is_file_to_write(setting)) {
                        r = write_setting(cgroup, setting, journal, &refusal, error);
                } else if (setting->kind == SETTING_DEVICES && !setting->unchanged) {
                        r = devices_apply(cgroup, &setting->devices, journal, error);
                }
                if (r < 0)
                        return r;
                i += length;
        }
        return 0;
}

static int check_usage(struct cgroup *cgroup, const struct setting *setting, struct error *error) {
        const struct hierarchy *hierarchy = hierarchy_of(cgroup, &setting->file);
        const char *file = setting->file.version == CGROUP_V1 ? "memory.usage_in_bytes" : "memory.current";
        _cleanup_free_ char *text = NULL;
        uint64_t usage, limit;
        int r;

        if (number_parse_u64(setting->file.value, &limit) < 0)
                return 0; /* unlimited */
        r = cgroup_read(cgroup, hierarchy, file, &text);
        if (r == -ENOENT)
                return 0; /* no group yet, no usage */
        if (r < 0)
                return error_fail(error, -r, "%s/%s/%s", hierarchy->mount_point, cgroup->path, file);
        file_chomp(text);
        if (number_parse_u64(text, &usage) == 0 && limit < usage)
                return error_fail(error, EBUSY, "%s: %s bytes is below the current usage of %s bytes",
                                  setting->field, setting->file.value, text);
        return 0;
}

int cgroup_check_usage(struct cgroup *cgroup, const struct plan *plan, struct error *error) {
        for (size_t i = 0; i < plan->count; i++) {
                const struct setting *setting = &plan->settings[i];

                if (is_file_to_write(setting) && (setting->file.flags & FILE_CHECK_USAGE) != 0) {
                        int r = check_usage(cgroup, setting, error);

                        if (r < 0)
                                return r;
                }
        }
        return 0;
}
