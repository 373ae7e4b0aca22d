/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A rehearsal: the recorded changes, and the files and directories as they would be afterwards
 *
 * Two JSON objects serve as maps by path. A path that is in neither is as the kernel has it.
 */
#include "cgroup/rehearsal.h"

#include <errno.h>
#include <stdlib.h>

struct rehearsal {
        json_t *entries;     /* not owned */
        json_t *directories; /* path: true */
        json_t *files;       /* path: text */
};

struct rehearsal *rehearsal_free(struct rehearsal *rehearsal) {
        if (!rehearsal)
                return NULL;
        json_decref(rehearsal->directories);
        json_decref(rehearsal->files);
        free(rehearsal);
        return NULL;
}

struct rehearsal *rehearsal_new(json_t *entries) {
        _cleanup_(rehearsal_freep) struct rehearsal *rehearsal = calloc(1, sizeof(*rehearsal));

        if (!rehearsal)
                return NULL;
        *rehearsal = (struct rehearsal){entries, json_object(), json_object()};
        return rehearsal->directories && rehearsal->files ? TAKE(rehearsal) : NULL;
}

json_t *rehearsal_entries(const struct rehearsal *rehearsal) {
        return rehearsal->entries;
}

int rehearsal_assume_directory(struct rehearsal *rehearsal, const char *path) {
        return json_object_set_new(rehearsal->directories, path, json_true()) < 0 ? -ENOMEM : 0;
}

int rehearsal_make_directory(struct rehearsal *rehearsal, const char *path) {
        if (json_array_append_new(rehearsal->entries, json_pack("{s:s}", "mkdir", path)) < 0)
                return -ENOMEM;
        return rehearsal_assume_directory(rehearsal, path);
}

int rehearsal_assume_text(struct rehearsal *rehearsal, const char *path, const char *text) {
        return json_object_set_new(rehearsal->files, path, json_string(text)) < 0 ? -ENOMEM : 0;
}

int rehearsal_write(struct rehearsal *rehearsal, const char *path, const char *value) {
        if (json_array_append_new(rehearsal->entries, json_pack("{s:s, s:s}", "write", path, "value", value)) <
            0)
                return -ENOMEM;
        return rehearsal_assume_text(rehearsal, path, value);
}

bool rehearsal_has_directory(const struct rehearsal *rehearsal, const char *path) {
        return json_object_get(rehearsal->directories, path);
}

const char *rehearsal_text(const struct rehearsal *rehearsal, const char *path) {
        return json_string_value(json_object_get(rehearsal->files, path));
}
