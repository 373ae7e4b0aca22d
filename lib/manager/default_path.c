/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The default paths of a sandbox's groups
 *
 * The ID is part of these paths, and not every ID is a valid name of a unit or directory. An invalid name is escaped by
 * systemd's rules for units (systemd-escape(1)) and directories (cg_escape() in its cgroup-util.c), and a name that is too long
 * is shortened. No two IDs get the same name: a shortened one has a '~', which no ID contains, before a hash of the whole ID.
 */
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "manager/cgroup_path.h"
#include "util/text.h"

#define OVERHEAD_SLICE "kata-overhead.slice"
#define OVERHEAD_PREFIX "kata-cgroup"
#define SCOPE_SUFFIX ".scope"
#define SLICE_SUFFIX ".slice"

/* As hexadecimal digits. */
#define HASH_SIZE sizeof("0123456789abcdef0123456789abcdef")

/* FNV-1a with 128 bits (RFC 9923). It is fixed, since the names must be the same in every build. */
static void hash_text(const char *text, char out[static HASH_SIZE]) {
        const unsigned __int128 prime = (unsigned __int128)1 << 88 | 0x13b;
        unsigned __int128 hash = (unsigned __int128)0x6c62272e07bb0142 << 64 | 0x62b821756295c58d;

        for (; *text; text++)
                hash = (hash ^ (unsigned char)*text) * prime;
        (void)snprintf(out, HASH_SIZE, "%016llx%016llx", (unsigned long long)(hash >> 64),
                       (unsigned long long)hash);
}

/* `name`, or as much of it as leaves room for the mark and the ID's hash. A new string, or NULL. */
static char *shorten(const char *name, const char *id, const char *mark, size_t room) {
        size_t length = strlen(name);
        char hash[HASH_SIZE];
        char *shortened;

        if (length <= room)
                return strdup(name);
        hash_text(id, hash);
        length = room - strlen(mark) - (HASH_SIZE - 1);
        /* Do not cut within an escape, "\x2d". */
        for (size_t i = 1; i < strlen("\\x2d"); i++)
                if (name[length - i] == '\\') {
                        length -= i;
                        break;
                }
        return asprintf(&shortened, "%.*s%s%s", (int)length, name, mark, hash) < 0 ? NULL : shortened;
}

/* Puts an underscore before a name that the kernel could use for a file, and before a name that already has such a form
 * ("_memory.x"). */
static char *directory_name(const char *id) {
        _cleanup_free_ char *escaped = NULL;
        bool escape = cgroup_name_is_kernels(id + strspn(id, "_"));

        if (asprintf(&escaped, "%s%s", escape ? "_" : "", id) < 0) {
                escaped = NULL;
                return NULL;
        }
        return shorten(escaped, id, "~", NAME_MAX);
}

/* Of an ID's characters only the plus is invalid in a unit's name; an ID with one is escaped as by systemd-escape(1). The dot of
 * a final ".slice", which would make it a slice's name, is escaped too. */
static char *escape_for_unit(const char *id, bool is_slice) {
        char *escaped = NULL;
        size_t size, last_dot = strlen(id) - strlen(SLICE_SUFFIX);
        FILE *out = open_memstream(&escaped, &size);

        if (!out)
                return NULL;
        for (size_t i = 0; id[i]; i++)
                if (id[i] == '+' || id[i] == '-' || (id[i] == '.' && (i == 0 || (is_slice && i == last_dot))))
                        fprintf(out, "\\x%02x", (unsigned char)id[i]);
                else
                        fputc(id[i], out);
        if (fclose(out) == 0)
                return escaped;
        free(escaped);
        return NULL;
}

static char *unit_name(const char *id) {
        bool is_slice = text_has_suffix(id, SLICE_SUFFIX);
        _cleanup_free_ char *name = is_slice || strchr(id, '+') ? escape_for_unit(id, is_slice) : strdup(id);

        return name ? shorten(name, id, "\\x7e", UNIT_NAME_MAX - strlen(OVERHEAD_PREFIX "-" SCOPE_SUFFIX))
                    : NULL;
}

int cgroup_path_default(enum default_path which, const char *id, struct cgroup_path **out,
                        struct error *error) {
        static const char *const before[] = {
                [DEFAULT_PATH_SANDBOX] = "kata_sandboxed_pod/",
                [DEFAULT_PATH_OVERHEAD_CGROUPFS] = "kata_overhead/",
                [DEFAULT_PATH_OVERHEAD_SYSTEMD] = OVERHEAD_SLICE ":" OVERHEAD_PREFIX ":",
        };
        _cleanup_free_ char *name = NULL, *text = NULL;

        name = which == DEFAULT_PATH_OVERHEAD_SYSTEMD ? unit_name(id) : directory_name(id);
        if (!name || asprintf(&text, "%s%s", before[which], name) < 0) {
                text = NULL;
                return error_oom(error);
        }
        return cgroup_path_parse(text, "ID", out, error);
}
