/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The host's control group hierarchies
 *
 * Subtle: the super options of a v1 mount mix controllers with flags. An unknown word may be a
 * controller of a newer kernel, so the known flags are listed here. The same hierarchy may be mounted
 * several times (bind mounts of container engines): the mount that shows most of it is used. A mount
 * that shows only a part ("root" is not "/") works too, since all paths are relative to the mount.
 */
#include "host/hierarchy.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>

#include "util/file.h"

#define MOUNTINFO "/proc/self/mountinfo"

/* The controllers that decide the version of a host. */
static const enum controller deciding[] = {CONTROLLER_CPU, CONTROLLER_MEMORY, CONTROLLER_PIDS};

/* The v1 controllers in whose hierarchies systemd makes directories (CGROUP_MASK_V1 of its cgroup-util.h). */
#define SYSTEMD_MANAGES_V1                                                                                     \
        (1U << CONTROLLER_CPU | 1U << CONTROLLER_CPUACCT | 1U << CONTROLLER_IO | 1U << CONTROLLER_MEMORY |     \
         1U << CONTROLLER_DEVICES | 1U << CONTROLLER_PIDS)

static const char *const v1_flags[] = {
        "rw", "ro", "xattr", "clone_children", "noprefix", "cpuset_v2_mode", "none", "seclabel", "favordynmods",
};

static void hierarchy_clear(struct hierarchy *hierarchy) {
        free(hierarchy->controllers);
        free(hierarchy->mount_point);
        free(hierarchy->root);
        cleanup_close(&hierarchy->fd);
}

struct host *host_free(struct host *host) {
        if (!host)
                return NULL;
        for (size_t i = 0; i < host->count; i++)
                hierarchy_clear(&host->hierarchies[i]);
        free(host->hierarchies);
        free(host);
        return NULL;
}

const char *hierarchy_name(const struct hierarchy *hierarchy) {
        return hierarchy->version == CGROUP_V2 ? "unified" : hierarchy->controllers;
}

const char *hierarchy_file(const struct hierarchy *hierarchy, const char *file) {
        static const char prefix[] = "cpuset.";
        size_t length = strlen(prefix);

        return hierarchy->noprefix && strncmp(file, prefix, length) == 0 ? file + length : file;
}

/* mountinfo writes blanks, tabs, newlines and backslashes as three octal digits. */
static void unescape(char *text) {
        char *out = text;

        for (; *text; text++) {
                if (text[0] == '\\' && text[1] >= '0' && text[1] <= '3' && text[2] >= '0' && text[2] <= '7' &&
                    text[3] >= '0' && text[3] <= '7') {
                        *out++ = (char)((text[1] - '0') * 64 + (text[2] - '0') * 8 + (text[3] - '0'));
                        text += 3;
                } else {
                        *out++ = *text;
                }
        }
        *out = '\0';
}

static bool is_v1_flag(const char *word) {
        for (size_t i = 0; i < ARRAY_SIZE(v1_flags); i++)
                if (strcmp(word, v1_flags[i]) == 0)
                        return true;
        return strncmp(word, "release_agent=", strlen("release_agent=")) == 0;
}

/* Appends a word to the list with this separator; a known controller is added to the mask. */
static int add_controller(struct hierarchy *hierarchy, const char *word, char separator) {
        char *list;
        int controller;

        if (asprintf(&list, "%s%.*s%s", hierarchy->controllers, hierarchy->controllers[0] != '\0', &separator,
                     word) < 0)
                return -ENOMEM;
        free(hierarchy->controllers);
        hierarchy->controllers = list;

        controller = controller_from_name(word);
        if (controller >= 0)
                hierarchy->mask |= 1U << controller;
        return 0;
}

static int parse_v1_options(struct hierarchy *hierarchy, char *options) {
        char *word;

        while ((word = strsep(&options, ","))) {
                int r;

                if (strcmp(word, "noprefix") == 0)
                        hierarchy->noprefix = true;
                if (word[0] == '\0' || is_v1_flag(word))
                        continue;
                r = add_controller(hierarchy, word, ',');
                if (r < 0)
                        return r;
        }
        return 0;
}

static int parse_v2_controllers(struct hierarchy *hierarchy, const char *text) {
        _cleanup_free_ char *copy = strdup(text);
        char *rest = copy, *word;

        if (!copy)
                return -ENOMEM;
        file_chomp(copy);
        while ((word = strsep(&rest, " "))) {
                int r;

                if (word[0] == '\0')
                        continue;
                r = add_controller(hierarchy, word, ' ');
                if (r < 0)
                        return r;
        }
        return 0;
}

/* Of two mounts of one hierarchy the one with the shorter root shows more. */
static struct hierarchy *find_same(struct host *host, const struct hierarchy *hierarchy) {
        for (size_t i = 0; i < host->count; i++)
                if (host->hierarchies[i].version == hierarchy->version &&
                    strcmp(host->hierarchies[i].controllers, hierarchy->controllers) == 0)
                        return &host->hierarchies[i];
        return NULL;
}

static int host_add(struct host *host, struct hierarchy *hierarchy) {
        struct hierarchy *same, *larger;

        same = find_same(host, hierarchy);
        if (same) {
                if (strlen(hierarchy->root) < strlen(same->root)) {
                        struct hierarchy other = *same;

                        *same = *hierarchy;
                        *hierarchy = other;
                }
                hierarchy_clear(hierarchy);
                return 0;
        }
        larger = reallocarray(host->hierarchies, host->count + 1, sizeof(*larger));
        if (!larger) {
                hierarchy_clear(hierarchy);
                return -ENOMEM;
        }
        host->hierarchies = larger;
        host->hierarchies[host->count++] = *hierarchy;
        return 0;
}

/* 36 35 98:0 /root /mount/point rw,noatime shared:1 - cgroup cgroup rw,cpu,cpuacct */
static int parse_mount(struct host *host, char *line) {
        struct hierarchy hierarchy = {.fd = -1};
        char *fields[5], *separator, *type;
        int r;

        separator = strstr(line, " - ");
        if (!separator)
                return 0;
        *separator = '\0';
        type = separator + strlen(" - ");
        if (strncmp(type, "cgroup ", strlen("cgroup ")) == 0)
                hierarchy.version = CGROUP_V1;
        else if (strncmp(type, "cgroup2 ", strlen("cgroup2 ")) == 0)
                hierarchy.version = CGROUP_V2;
        else
                return 0;

        for (size_t i = 0; i < ARRAY_SIZE(fields); i++) {
                fields[i] = strsep(&line, " ");
                if (!fields[i] || !line)
                        return 0;
        }
        unescape(fields[3]);
        unescape(fields[4]);
        /* Skip a mount whose root is outside of this cgroup namespace, and fields that are not paths. */
        if (fields[3][0] != '/' || fields[4][0] != '/' || strncmp(fields[3], "/..", 3) == 0)
                return 0;

        hierarchy.root = strdup(fields[3]);
        hierarchy.mount_point = strdup(fields[4]);
        hierarchy.controllers = strdup("");
        r = hierarchy.root && hierarchy.mount_point && hierarchy.controllers ? 0 : -ENOMEM;
        if (r == 0 && hierarchy.version == CGROUP_V1) {
                char *options;

                (void)strsep(&type, " "); /* type */
                (void)strsep(&type, " "); /* source */
                options = type;
                if (options)
                        r = parse_v1_options(&hierarchy, options);
        }
        if (r < 0) {
                hierarchy_clear(&hierarchy);
                return r;
        }
        return host_add(host, &hierarchy);
}

enum cgroup_version host_controller_version(const struct host *host, enum controller controller) {
        const struct hierarchy *hierarchy = host->controllers[controller];

        return hierarchy ? hierarchy->version : CGROUP_ABSENT;
}

bool host_systemd_manages(const struct host *host, const struct hierarchy *hierarchy) {
        if (hierarchy->version == CGROUP_V2 || hierarchy == host->systemd)
                return true;
        return host->version == CGROUP_V1 && (hierarchy->mask & SYSTEMD_MANAGES_V1) != 0;
}

/* Sets the pointers into the array, once the array no longer moves. */
static void host_index(struct host *host) {
        struct hierarchy *named = NULL;

        for (size_t i = 0; i < host->count; i++) {
                struct hierarchy *hierarchy = &host->hierarchies[i];

                if (hierarchy->version == CGROUP_V2)
                        host->unified = hierarchy;
                else if (strcmp(hierarchy->controllers, "name=systemd") == 0)
                        named = hierarchy;
                for (int c = 0; c < CONTROLLER_COUNT; c++)
                        if ((hierarchy->mask >> c & 1) != 0)
                                host->controllers[c] = hierarchy;
        }
        host->version = host->unified ? CGROUP_V2 : CGROUP_V1;
        for (size_t i = 0; i < ARRAY_SIZE(deciding); i++)
                if (host_controller_version(host, deciding[i]) == CGROUP_V1)
                        host->version = CGROUP_V1;
        /* Some v2 hosts mount a name=systemd for old containers; systemd itself does not use it there. */
        host->systemd = named && host->version == CGROUP_V1 ? named : host->unified;
}

static int parse_mounts(const char *mountinfo, struct host **out, struct error *error) {
        _cleanup_(host_freep) struct host *host = NULL;
        _cleanup_free_ char *copy = NULL;
        char *rest, *line;

        host = calloc(1, sizeof(*host));
        copy = strdup(mountinfo);
        if (!host || !copy)
                return error_oom(error);
        rest = copy;
        while ((line = strsep(&rest, "\n")))
                if (parse_mount(host, line) < 0)
                        return error_oom(error);
        if (host->count == 0)
                return error_fail(error, 0, "no cgroup file system is mounted (" MOUNTINFO ")");
        host_index(host);
        *out = TAKE(host);
        return 0;
}

int host_parse(const char *mountinfo, const char *v2_controllers, struct host **out, struct error *error) {
        _cleanup_(host_freep) struct host *host = NULL;
        int r;

        r = parse_mounts(mountinfo, &host, error);
        if (r < 0)
                return r;
        if (host->unified && v2_controllers && parse_v2_controllers(host->unified, v2_controllers) < 0)
                return error_oom(error);
        host_index(host);
        *out = TAKE(host);
        return 0;
}

static int open_hierarchy(struct hierarchy *hierarchy, struct error *error) {
        hierarchy->fd = open(hierarchy->mount_point, O_PATH | O_DIRECTORY | O_CLOEXEC);
        if (hierarchy->fd < 0)
                return error_fail(error, errno, "%s", hierarchy->mount_point);
        return 0;
}

static int read_v2_controllers(struct hierarchy *unified, struct error *error) {
        _cleanup_free_ char *text = NULL;
        int r;

        r = file_read_at(unified->fd, "cgroup.controllers", FILE_SIZE_MAX, &text, NULL);
        if (r < 0)
                return error_fail(error, -r, "%s/cgroup.controllers", unified->mount_point);
        return parse_v2_controllers(unified, text) < 0 ? error_oom(error) : 0;
}

int host_new(struct host **out, struct error *error) {
        _cleanup_(host_freep) struct host *host = NULL;
        _cleanup_free_ char *mountinfo = NULL;
        _cleanup_close_ int fd = -1;
        int r;

        fd = open(MOUNTINFO, O_RDONLY | O_CLOEXEC);
        if (fd < 0)
                return error_fail(error, errno, MOUNTINFO);
        r = file_read_fd(fd, FILE_SIZE_MAX, &mountinfo, NULL);
        if (r < 0)
                return error_fail(error, -r, MOUNTINFO);
        r = parse_mounts(mountinfo, &host, error);
        if (r < 0)
                return r;

        for (size_t i = 0; i < host->count; i++) {
                r = open_hierarchy(&host->hierarchies[i], error);
                if (r < 0)
                        return r;
        }
        if (host->unified) {
                r = read_v2_controllers(host->unified, error);
                if (r < 0)
                        return r;
        }
        host_index(host);
        *out = TAKE(host);
        return 0;
}

/* The rest of `text` below the directory `root`, without leading slashes; NULL if `text` is not below it. */
static const char *strip_root(const char *text, const char *root) {
        size_t length = strcmp(root, "/") == 0 ? 0 : strlen(root);

        if (strncmp(text, root, length) != 0 || (text[length] != '\0' && text[length] != '/'))
                return NULL;
        text += length;
        text += strspn(text, "/");
        /* A cgroup outside of this process's cgroup namespace (cgroup_namespaces(7)). */
        return strcmp(text, "..") == 0 || strncmp(text, "../", 3) == 0 ? NULL : text;
}

char *hierarchy_path_of(const struct hierarchy *hierarchy, const char *proc_cgroup) {
        const char *wanted = hierarchy->version == CGROUP_V2 ? "" : hierarchy->controllers;
        size_t wanted_length = strlen(wanted);

        /* Lines are ID:CONTROLLERS:PATH, with "0::PATH" for v2; a path may hold any character but \n. */
        for (const char *line = proc_cgroup; line && *line;
             line = strchr(line, '\n') ? strchr(line, '\n') + 1 : NULL) {
                const char *controllers = strchr(line, ':'), *path, *relative;
                size_t length;

                if (!controllers)
                        continue;
                controllers++;
                path = strchr(controllers, ':');
                if (!path || (size_t)(path - controllers) != wanted_length ||
                    strncmp(controllers, wanted, wanted_length) != 0)
                        continue;
                path++;
                length = strcspn(path, "\n");
                {
                        _cleanup_free_ char *whole = strndup(path, length);

                        relative = whole ? strip_root(whole, hierarchy->root) : NULL;
                        return relative ? strdup(relative) : NULL;
                }
        }
        return NULL;
}

bool hierarchy_has_at(const struct hierarchy *hierarchy, const char *proc_cgroup, const char *path) {
        _cleanup_free_ char *present = hierarchy_path_of(hierarchy, proc_cgroup);

        return present && strcmp(present, path) == 0;
}
