/* SPDX-License-Identifier: Apache-2.0 */
/*
 * OCI cgroupsPath
 *
 * Subtle: systemd escapes unit names that could be mistaken for files of the cgroup file system, so the
 * directory of "memory.scope" is "_memory.scope" (cg_escape() in systemd's cgroup-util.c; the rule is in
 * its "Control Group APIs and Delegation" document). The computed path is used until the unit exists;
 * then its ControlGroup property is used.
 */
#include "manager/cgroup_path.h"

#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>

#include "plan/controller.h"
#include "util/text.h"

#define DIGITS "0123456789"
#define LETTERS "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"

/* Below PATH_MAX with room for a mount point and a file name. */
#define CGROUP_PATH_MAX (PATH_MAX - 512)

const char *driver_name(enum driver driver) {
        return driver == DRIVER_SYSTEMD ? "systemd" : "cgroupfs";
}

static char *copy_text(const char *text, bool *failed) {
        char *copy = text ? strdup(text) : NULL;

        *failed |= text && !copy;
        return copy;
}

struct cgroup_path *cgroup_path_copy(const struct cgroup_path *path) {
        _cleanup_(cgroup_path_freep) struct cgroup_path *copy = calloc(1, sizeof(*copy));
        bool failed = false;

        if (!copy)
                return NULL;
        *copy = *path;
        copy->text = copy_text(path->text, &failed);
        copy->path = copy_text(path->path, &failed);
        copy->slice = copy_text(path->slice, &failed);
        copy->unit = copy_text(path->unit, &failed);
        return failed ? NULL : TAKE(copy);
}

struct cgroup_path *cgroup_path_free(struct cgroup_path *path) {
        if (!path)
                return NULL;
        free(path->text);
        free(path->path);
        free(path->slice);
        free(path->unit);
        free(path);
        return NULL;
}

bool sandbox_id_is_valid(const char *id) {
        size_t length = strlen(id);

        return length >= 1 && length <= 255 && strspn(id, DIGITS LETTERS "_+-.") == length &&
               strcmp(id, ".") != 0 && strcmp(id, "..") != 0;
}

bool unit_name_is_valid(const char *name) {
        size_t length = strlen(name);

        /* No '@': it makes an instance of a template, and scopes and slices have no templates. */
        return length > 0 && length <= UNIT_NAME_MAX && strspn(name, DIGITS LETTERS ":-_.\\") == length &&
               name[0] != '.' && strchr(name, '.') && !(text_has_suffix(name, ".slice") && strlen(name) == 6);
}

bool cgroup_name_is_kernels(const char *name) {
        const char *dot;

        if (strcmp(name, "tasks") == 0 || strcmp(name, "notify_on_release") == 0 ||
            strcmp(name, "release_agent") == 0)
                return true;
        dot = strchr(name, '.');
        if (!dot)
                return false;
        {
                _cleanup_free_ char *stem = strndup(name, (size_t)(dot - name));

                return stem && (strcmp(stem, "cgroup") == 0 || controller_from_name(stem) >= 0);
        }
}

/* cg_escape(): the directory of a unit. -EINVAL if it is too long for a file name. */
static int unit_directory(const char *unit, char **out) {
        bool escape = unit[0] == '_' || unit[0] == '.' || cgroup_name_is_kernels(unit);

        if (escape && strlen(unit) >= NAME_MAX)
                return -EINVAL;
        return asprintf(out, "%s%s", escape ? "_" : "", unit) < 0 ? -ENOMEM : 0;
}

/* Appends the directory of the slice whose name, without suffix, is the first `length` bytes of `stem`. */
static int append_slice(const char *stem, size_t length, char **path) {
        _cleanup_free_ char *slice = NULL, *directory = NULL;
        char *longer;
        int r;

        if (asprintf(&slice, "%.*s.slice", (int)length, stem) < 0) {
                slice = NULL;
                return -ENOMEM;
        }
        r = unit_directory(slice, &directory);
        if (r < 0)
                return r;
        if (asprintf(&longer, "%s%s%s", *path ? *path : "", *path ? "/" : "", directory) < 0)
                return -ENOMEM;
        free(*path);
        *path = longer;
        return 0;
}

int slice_expand(const char *slice, char **out) {
        _cleanup_free_ char *path = NULL;
        size_t stem;

        if (!text_has_suffix(slice, ".slice") || !unit_name_is_valid(slice))
                return -EINVAL;
        stem = strlen(slice) - strlen(".slice");
        if (stem == 1 && slice[0] == '-') {
                path = strdup("");
                if (!path)
                        return -ENOMEM;
                *out = TAKE(path);
                return 0;
        }
        if (slice[0] == '-' || slice[stem - 1] == '-' || strstr(slice, "--"))
                return -EINVAL;
        for (size_t i = 1; i <= stem; i++) {
                int r = i == stem || slice[i] == '-' ? append_slice(slice, i, &path) : 0;

                if (r < 0)
                        return r;
        }
        *out = TAKE(path);
        return 0;
}

static int check_component(const char *component, const char *option, struct error *error) {
        if (component[0] == '\0')
                return error_refuse(error, option, "the cgroup path has an empty component");
        if (strcmp(component, ".") == 0 || strcmp(component, "..") == 0)
                return error_refuse(error, option, "the cgroup path has a \"%s\" component", component);
        if (strlen(component) > NAME_MAX)
                return error_refuse(error, option, "a component of the cgroup path is longer than %d bytes",
                                    NAME_MAX);
        if (cgroup_name_is_kernels(component))
                return error_refuse(error, option, "\"%s\" in the cgroup path is a name that the kernel uses",
                                    component);
        return 0;
}

static int check_components(const char *path, const char *option, struct error *error) {
        _cleanup_free_ char *copy = strdup(path);
        char *rest = copy, *component;

        if (!copy)
                return error_oom(error);
        while ((component = strsep(&rest, "/"))) {
                int r = check_component(component, option, error);

                if (r < 0)
                        return r;
        }
        return 0;
}

bool cgroup_place_is_valid(const char *place) {
        return !text_has_control(place) && strlen(place) <= CGROUP_PATH_MAX &&
               check_components(place, "", NULL) == 0;
}

static int parse_cgroupfs(struct cgroup_path *path, const char *option, struct error *error) {
        const char *start = path->text + (path->text[0] == '/');

        path->path = strdup(start);
        return path->path ? check_components(start, option, error) : error_oom(error);
}

static int make_unit_name(struct cgroup_path *path, const char *prefix, const char *name) {
        if (text_has_suffix(name, ".slice")) {
                path->unit_is_slice = true;
                path->unit = strdup(name);
                return path->unit ? 0 : -ENOMEM;
        }
        return asprintf(&path->unit, "%s%s%s.scope", prefix, prefix[0] != '\0' ? "-" : "", name) < 0 ? -ENOMEM
                                                                                                     : 0;
}

/* The path of a slice follows from its own name; a scope is in the slice of the cgroupsPath. */
static int make_unit_path(struct cgroup_path *path, const char *option, struct error *error) {
        _cleanup_free_ char *parent = NULL, *directory = NULL;
        int r;

        r = slice_expand(path->unit_is_slice ? path->unit : path->slice, &parent);
        if (r == -EINVAL || (path->unit_is_slice && r == 0 && parent[0] == '\0'))
                return error_refuse(error, option, "\"%s\" is not the name of a slice below the root",
                                    path->unit_is_slice ? path->unit : path->slice);
        if (r < 0)
                return error_oom(error);
        if (path->unit_is_slice) {
                path->path = TAKE(parent);
                return 0;
        }
        r = unit_directory(path->unit, &directory);
        if (r == -EINVAL)
                return error_refuse(error, option,
                                    "the directory of \"%s\" would have a name of more than %d bytes",
                                    path->unit, NAME_MAX);
        if (r < 0 || asprintf(&path->path, "%s%s%s", parent, parent[0] != '\0' ? "/" : "", directory) < 0)
                return error_oom(error);
        return 0;
}

static int parse_systemd(struct cgroup_path *path, const char *option, struct error *error) {
        _cleanup_free_ char *copy = NULL;
        char *rest, *slice, *prefix;
        _cleanup_free_ char *checked = NULL;
        int r;

        copy = strdup(path->text);
        if (!copy)
                return error_oom(error);
        rest = copy;
        slice = strsep(&rest, ":");
        prefix = strsep(&rest, ":");
        path->slice = strdup(slice);
        if (!path->slice || make_unit_name(path, prefix, rest) < 0)
                return error_oom(error);
        if (rest[0] == '\0')
                return error_refuse(error, option, "the unit's name in \"%s\" is empty", path->text);
        r = slice_expand(slice, &checked);
        if (r == -ENOMEM)
                return error_oom(error);
        if (r < 0)
                return error_refuse(error, option, "\"%s\" is not a valid slice name", slice);
        if (!unit_name_is_valid(path->unit))
                return error_refuse(error, option, "\"%s\" is not a valid unit name", path->unit);
        return make_unit_path(path, option, error);
}

static bool is_systemd_form(const char *text) {
        const char *first = strchr(text, ':'), *second;

        if (!first || first - text < 6 || strncmp(first - 6, ".slice", 6) != 0)
                return false;
        second = strchr(first + 1, ':');
        return second && !strchr(second + 1, ':');
}

/* The path is stored in the state, which is JSON. */
static bool is_utf8(const char *text) {
        _cleanup_json_ json_t *string = json_string(text);

        return string;
}

int cgroup_path_parse(const char *text, const char *option, struct cgroup_path **out, struct error *error) {
        _cleanup_(cgroup_path_freep) struct cgroup_path *path = NULL;
        int r;

        if (text_has_control(text))
                return error_refuse(error, option, "the cgroup path has a control character");
        if (strlen(text) > CGROUP_PATH_MAX)
                return error_refuse(error, option, "the cgroup path is longer than %d bytes", CGROUP_PATH_MAX);
        if (!is_utf8(text))
                return error_refuse(error, option, "the cgroup path is not valid UTF-8");
        if (strcmp(text, "") == 0 || strcmp(text, "/") == 0)
                return error_refuse(error, option, "the cgroup path is the root");

        path = calloc(1, sizeof(*path));
        if (!path)
                return error_oom(error);
        path->text = strdup(text);
        if (!path->text)
                return error_oom(error);
        path->driver = is_systemd_form(text) ? DRIVER_SYSTEMD : DRIVER_CGROUPFS;
        r = path->driver == DRIVER_SYSTEMD ? parse_systemd(path, option, error)
                                           : parse_cgroupfs(path, option, error);
        if (r < 0)
                return r;
        if (strlen(path->path) > CGROUP_PATH_MAX)
                return error_refuse(error, option, "the cgroup path is longer than %d bytes", CGROUP_PATH_MAX);
        *out = TAKE(path);
        return 0;
}
