/* SPDX-License-Identifier: Apache-2.0 */
/* cgroup paths in both forms, names of slices and units, IDs: one text, taken as each of them */
#include "fuzz.h"

#include <errno.h>
#include <jansson.h>
#include <limits.h>

#include "manager/cgroup_path.h"

/* Below the mount point, whatever is made of it: no component is empty, ".", "..", or too long. */
static void check_place(const char *path) {
        CHECK(cgroup_place_is_valid(path));
        CHECK(path[0] != '\0' && strlen(path) < PATH_MAX && fuzz_is_one_line(path));
        for (const char *component = path;; component++) {
                size_t length = strcspn(component, "/");

                CHECK(length > 0 && length <= NAME_MAX);
                CHECK(strncmp(component, ".", length) != 0 && strncmp(component, "..", length) != 0);
                component += length;
                if (component[0] == '\0')
                        break;
        }
}

static void check_systemd(const struct cgroup_path *path) {
        _cleanup_free_ char *slice = NULL;
        size_t length = strlen(path->unit);

        CHECK(path->slice && unit_name_is_valid(path->unit) && unit_name_is_valid(path->slice));
        CHECK(slice_expand(path->slice, &slice) == 0);
        CHECK(length > 6 && strcmp(path->unit + length - 6, path->unit_is_slice ? ".slice" : ".scope") == 0);
        CHECK(path->unit_is_slice || strncmp(path->path, slice, strlen(slice)) == 0);
}

static void check_path(const char *text) {
        _cleanup_(cgroup_path_freep) struct cgroup_path *path = NULL, *again = NULL;
        _cleanup_error_ struct error error = ERROR_INIT;
        _cleanup_json_ json_t *json = NULL;
        int r = cgroup_path_parse(text, "--cgroups-path", &path, &error);

        fuzz_check_error(r, &error);
        if (r < 0) {
                CHECK(!path && error.status == EXIT_STATUS_REFUSED);
                return;
        }
        CHECK(strcmp(path->text, text) == 0);
        check_place(path->path);
        /* The state has to be able to hold it. */
        json = json_string(text);
        CHECK(json);
        if (path->driver == DRIVER_SYSTEMD) {
                check_systemd(path);
                return;
        }
        CHECK(!path->slice && !path->unit && strcmp(path->path, text + (text[0] == '/')) == 0);
        /* A slash in front makes no difference, but for a path that would be a slice's without it. */
        r = cgroup_path_parse(path->path, "--cgroups-path", &again, NULL);
        CHECK(r == 0 && (again->driver == DRIVER_SYSTEMD || strcmp(again->path, path->path) == 0));
}

/* Every component of a slice's path is the one before with one more word, and the last is the slice. */
static void check_slice(const char *text) {
        _cleanup_free_ char *expanded = NULL;
        size_t slashes = 0, dashes = 0;
        int r = slice_expand(text, &expanded);

        if (r < 0) {
                CHECK(r == -EINVAL && !expanded);
                return;
        }
        CHECK(unit_name_is_valid(text));
        if (strcmp(text, "-.slice") == 0) {
                CHECK(expanded[0] == '\0');
                return;
        }
        /* Its length is judged with all that is below it. */
        if (strlen(expanded) < PATH_MAX - 512)
                check_place(expanded);
        for (const char *c = expanded; *c; c++)
                slashes += *c == '/';
        for (const char *c = text; *c; c++)
                dashes += *c == '-';
        CHECK(slashes == dashes);
        CHECK(strlen(expanded) >= strlen(text) &&
              strcmp(expanded + strlen(expanded) - strlen(text), text) == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
        _cleanup_free_ char *text = fuzz_text(data, size);

        check_path(text);
        check_slice(text);
        if (unit_name_is_valid(text))
                CHECK(strlen(text) <= 255 && fuzz_is_one_line(text) && !strpbrk(text, "/ @%") &&
                      strchr(text, '.'));
        /* An ID is a directory below --root, and a component of the default paths. */
        if (sandbox_id_is_valid(text))
                CHECK(!strchr(text, '/') && strcmp(text, ".") != 0 && strcmp(text, "..") != 0 &&
                      strlen(text) <= NAME_MAX);
        return 0;
}
