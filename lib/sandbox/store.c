/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The store of the states
 *
 * Subtle: the holder of the lock may remove the directory while others wait for the lock. So whoever gets the
 * lock checks that the name still leads to the locked directory, and starts again if not.
 *
 * ROOT is opened one component at a time: whoever can replace a component could replace all states.
 */
#include "sandbox/store.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "sandbox/lock.h"
#include "util/file.h"
#include "util/signals.h"
#include "util/text.h"

#define STATE_FILE "state.json"
#define STATE_TEMPORARY ".state.json.new"
#define STATE_SIZE_MAX (16UL * 1024UL * 1024UL)

void store_close(struct store *store) {
        cleanup_close(&store->directory);
        cleanup_close(&store->root_fd);
        free(store->root);
        free(store->id);
        *store = STORE_INIT;
}

/* Only root and the caller may be able to replace this directory or its entries; others could otherwise write any state. In a
 * sticky directory (/tmp), an entry can only be replaced by its owner. */
static int check_directory(int fd, const char *path, bool last, struct error *error) {
        struct stat status;

        if (fstat(fd, &status) < 0)
                return error_fail(error, errno, "%s", path);
        if ((status.st_uid != geteuid() && (last || status.st_uid != 0)) ||
            ((status.st_mode & (S_IWGRP | S_IWOTH)) != 0 && (last || !(status.st_mode & S_ISVTX))))
                return error_refuse(error, "--root", "%s can be written by other users", path);
        return 0;
}

/* Opens one component of ROOT. `path` is the path so far, for messages. 0 and the descriptor; STORE_E_NO_SANDBOX if it does not
 * exist and is not to be made; or an error. */
static int enter_directory(int parent, const char *name, const char *path, bool create, bool last, int *out,
                           struct error *error) {
        _cleanup_close_ int fd = -1;
        int r, flags = O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC | (last ? O_RDONLY : O_PATH);

        fd = openat(parent, name, flags);
        if (fd < 0 && errno == ENOENT && create) {
                if (mkdirat(parent, name, last ? 0700 : 0755) < 0 && errno != EEXIST)
                        return error_fail(error, errno, "cannot make %s", path);
                fd = openat(parent, name, flags);
        }
        if (fd < 0 && errno == ENOENT && !create)
                return STORE_E_NO_SANDBOX;
        if (fd < 0 && (errno == ENOTDIR || errno == ELOOP) && file_is_symlink_at(parent, name))
                return error_refuse(error, "--root", "%s is a symbolic link", path);
        if (fd < 0 && errno == ENAMETOOLONG)
                return error_refuse(error, "--root", "a component is longer than %d bytes", NAME_MAX);
        if (fd < 0)
                return error_fail(error, errno, "%s", path);
        r = check_directory(fd, path, last, error);
        if (r < 0)
                return r;
        *out = TAKE_FD(fd);
        return 0;
}

static bool has_component(const char *path, const char *component) {
        size_t length = strlen(component);

        for (const char *slash = path; slash; slash = strchr(slash + 1, '/'))
                if (strncmp(slash + 1, component, length) == 0 &&
                    (slash[1 + length] == '/' || slash[1 + length] == '\0'))
                        return true;
        return false;
}

int store_root_path(const char *root, char **out, struct error *error) {
        _cleanup_free_ char *directory = NULL, *path = NULL;
        size_t length;

        if (text_has_control(root))
                return error_refuse(error, "--root", "it has a control character");
        if (root[0] == '\0' || strlen(root) >= PATH_MAX)
                return error_refuse(error, "--root", "it is empty, or longer than %d bytes", PATH_MAX - 1);
        if (root[0] != '/') {
                directory = getcwd(NULL, 0);
                if (!directory)
                        return error_fail(error, errno, "the current directory");
        }
        if (asprintf(&path, "%s%s%s", directory ? directory : "", directory ? "/" : "", root) < 0) {
                path = NULL;
                return error_oom(error);
        }
        length = strlen(path);
        if (length > 1 && path[length - 1] == '/')
                path[length - 1] = '\0';
        if (has_component(path, "") || has_component(path, ".."))
                return error_refuse(error, "--root", "%s has an empty or \"..\" component", root);
        *out = TAKE(path);
        return 0;
}

/* Not the path: in another mount namespace it is another directory's. */
int store_root_identity(int root_fd, char **out, struct error *error) {
        struct stat status;

        if (fstat(root_fd, &status) < 0)
                return error_fail(error, errno, "--root");
        if (asprintf(out, "%ju:%ju", (uintmax_t)status.st_dev, (uintmax_t)status.st_ino) < 0) {
                *out = NULL;
                return error_oom(error);
        }
        return 0;
}

/* Opens ROOT component by component, none of which may be a symlink; with `create` like mkdir -p with mode 0700.
 * STORE_E_NO_SANDBOX if it does not exist; then `*nearest` (if not NULL) is the last existing directory of the path, by O_PATH. */
static int open_root(const char *root, bool create, int *out, int *nearest, struct error *error) {
        _cleanup_free_ char *path = NULL;
        _cleanup_close_ int fd = -1;
        int r;

        r = store_root_path(root, &path, error);
        if (r < 0)
                return r;
        fd = open("/", O_PATH | O_DIRECTORY | O_CLOEXEC);
        if (fd < 0)
                return error_fail(error, errno, "/");
        for (char *name = path + 1, *end; name; name = end) {
                int next = -1;

                end = strchr(name, '/');
                if (end)
                        *end = '\0';
                r = enter_directory(fd, name, path, create, !end, &next, error);
                if (r == STORE_E_NO_SANDBOX && nearest)
                        *nearest = TAKE_FD(fd);
                if (r != 0)
                        return r;
                cleanup_close(&fd);
                fd = next;
                if (end)
                        *end++ = '/';
        }
        *out = TAKE_FD(fd);
        return 0;
}

/* Whether the name still leads to the directory that was locked. */
static bool is_current(int root_fd, const char *id, int directory) {
        struct stat named, locked;

        return fstatat(root_fd, id, &named, AT_SYMLINK_NOFOLLOW) == 0 && fstat(directory, &locked) == 0 &&
               named.st_ino == locked.st_ino && named.st_dev == locked.st_dev;
}

/* Opens the directory; with `create` it is made if it is missing. -EAGAIN: it was removed meanwhile. */
static int open_directory(int root_fd, const char *id, bool create, bool *made, int *out) {
        int fd;

        *made = create && mkdirat(root_fd, id, 0700) == 0;
        if (create && !*made && errno != EEXIST)
                return error_negative(-errno);
        fd = openat(root_fd, id, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
        if (fd < 0)
                return create && errno == ENOENT ? -EAGAIN : error_negative(-errno);
        *out = fd;
        return 0;
}

/* If the directory was made here and locked at once, that is a first change. Otherwise another command uses it and will fill
 * or remove it, and a signal may end the wait. */
static int open_and_lock_once(int root_fd, const char *id, bool create, const struct lock_wait *wait,
                              int *out) {
        bool made = false;
        int r;

        if (create)
                signals_hold();
        r = open_directory(root_fd, id, create, &made, out);
        if (r == 0)
                r = lock_take(*out, NULL);
        if (r < 0 && made)
                (void)unlinkat(root_fd, id, AT_REMOVEDIR);
        if (create && (!made || r != 0))
                signals_release();
        return r == LOCK_E_BUSY ? lock_take(*out, wait) : r;
}

/* 0 and the locked directory, STORE_E_NO_SANDBOX, STORE_E_BUSY and the directory, or a negative errno. */
static int open_and_lock(int root_fd, const char *id, bool create, const struct lock_wait *wait, int *out) {
        for (;;) {
                _cleanup_close_ int fd = -1;
                int r = open_and_lock_once(root_fd, id, create, wait, &fd);

                if (r == -EAGAIN)
                        continue;
                if (r < 0)
                        return r == -ENOENT && !create ? STORE_E_NO_SANDBOX : r;
                if (r == LOCK_E_BUSY || is_current(root_fd, id, fd)) {
                        *out = TAKE_FD(fd);
                        return r == LOCK_E_BUSY ? STORE_E_BUSY : 0;
                }
        }
}

int store_lock(const char *root, const char *id, bool create, const struct lock_wait *wait, struct store *out,
               struct error *error) {
        _cleanup_store_ struct store store = STORE_INIT;
        int r;

        store.root = strdup(root);
        store.id = strdup(id);
        if (!store.root || !store.id)
                return error_oom(error);
        r = open_root(root, create, &store.root_fd, NULL, error);
        if (r != 0)
                return r;
        r = open_and_lock(store.root_fd, id, create, wait, &store.directory);
        if (r < 0)
                return error_fail(error, -r, "%s/%s", root, id);
        if (r == STORE_E_NO_SANDBOX)
                return r;
        *out = store;
        store = STORE_INIT;
        return r;
}

static int parse(const char *text, size_t size, const char *root, const char *id, struct state **out,
                 struct error *error) {
        _cleanup_(state_freep) struct state *state = NULL;
        _cleanup_error_ struct error cause = ERROR_INIT;
        _cleanup_json_ json_t *json = NULL;
        json_error_t json_error;
        int r;

        json = json_loadb(text, size, JSON_REJECT_DUPLICATES, &json_error);
        if (!json)
                (void)error_fail(error, 0, "%s/%s/" STATE_FILE ": not valid JSON: %s", root, id,
                                 json_error.text);
        else if (state_from_json(json, &state, &cause) < 0)
                (void)error_fail(error, 0, "%s/%s/" STATE_FILE ": %s", root, id, cause.message);
        else if (strcmp(state->owner.id, id) != 0)
                (void)error_fail(error, 0, "%s/%s/" STATE_FILE " is the state of \"%s\"", root, id,
                                 state->owner.id);
        else {
                r = state_enter_boot(state, error);
                if (r == 0)
                        *out = TAKE(state);
                return r;
        }
        return -EBADMSG;
}

/* The errors of reading something that store_save() never writes: a symlink, a directory, a file that is too large. */
static bool is_no_state(int r) {
        return r == -ELOOP || r == -EISDIR || r == -EFBIG || r == -ENOTDIR;
}

static int load(int directory, const char *root, const char *id, struct state **out, struct error *error) {
        _cleanup_free_ char *text = NULL;
        size_t size;
        int r;

        r = file_read_at(directory, STATE_FILE, STATE_SIZE_MAX, &text, &size);
        if (r == -ENOENT)
                return STORE_E_NO_SANDBOX;
        if (r < 0) {
                (void)error_fail(error, -r, "%s/%s/" STATE_FILE, root, id);
                return is_no_state(r) ? -EBADMSG : r;
        }
        return parse(text, size, root, id, out, error);
}

int store_load(struct store *store, struct state **out, struct error *error) {
        return load(store->directory, store->root, store->id, out, error);
}

/* The sandbox's directory, without its lock. */
static int open_unlocked(const char *root, const char *id, int *out, struct error *error) {
        _cleanup_close_ int root_fd = -1;
        int r, fd;

        r = open_root(root, false, &root_fd, NULL, error);
        if (r != 0)
                return r;
        fd = openat(root_fd, id, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
        if (fd < 0)
                return errno == ENOENT ? STORE_E_NO_SANDBOX : error_fail(error, errno, "%s/%s", root, id);
        *out = fd;
        return 0;
}

int store_peek(const char *root, const char *id, struct state **out, struct error *error) {
        _cleanup_close_ int directory = -1;
        int r;

        r = open_unlocked(root, id, &directory, error);
        return r == 0 ? load(directory, root, id, out, error) : r;
}

bool store_is_locked(const char *root, const char *id) {
        _cleanup_close_ int directory = -1;

        return open_unlocked(root, id, &directory, NULL) == 0 && lock_is_held(directory);
}

int store_save(struct store *store, const struct state *state, struct error *error) {
        _cleanup_json_ json_t *json = state_to_json(state);
        _cleanup_free_ char *text = NULL;
        int r;

        if (!json)
                return error_fail(error, EILSEQ, "the state of \"%s\" cannot be written", state->owner.id);
        text = json_dumps(json, STATE_FORMAT);
        if (!text)
                return error_oom(error);
        /* Reading has this limit. */
        if (strlen(text) > STATE_SIZE_MAX)
                return error_fail(error, EFBIG, "the state of \"%s\" would have %zu bytes", state->owner.id,
                                  strlen(text));
        r = file_replace_at(store->directory, STATE_FILE, text, strlen(text));
        if (r < 0)
                return error_fail(error, -r, "cannot write %s/%s/" STATE_FILE, store->root, store->id);
        return 0;
}

int store_remove(struct store *store, struct error *error) {
        static const char *const files[] = {STATE_TEMPORARY, STATE_FILE};

        for (size_t i = 0; i < ARRAY_SIZE(files); i++)
                if (unlinkat(store->directory, files[i], 0) < 0 && errno != ENOENT)
                        return error_fail(error, errno, "cannot remove %s/%s/%s", store->root, store->id,
                                          files[i]);
        if (unlinkat(store->root_fd, store->id, AT_REMOVEDIR) < 0 && errno != ENOENT)
                return error_fail(error, errno, "cannot remove %s/%s", store->root, store->id);
        return 0;
}

void store_remove_empty(struct store *store) {
        (void)unlinkat(store->root_fd, store->id, AT_REMOVEDIR);
}

int store_open_root(const char *root, int *out, bool *exists, struct error *error) {
        int fd = -1, nearest = -1, r;

        r = open_root(root, false, &fd, &nearest, error);
        if (r < 0)
                return r;
        *exists = r == 0;
        *out = r == 0 ? fd : nearest;
        return 0;
}

static int is_sandbox_entry(const struct dirent *entry) {
        return sandbox_id_is_valid(entry->d_name);
}

int store_list(const char *root, int (*each)(const char *id, void *data), void *data, struct error *error) {
        _cleanup_close_ int root_fd = -1;
        struct dirent **entries;
        int count, r;

        r = open_root(root, false, &root_fd, NULL, error);
        if (r != 0)
                return r < 0 ? r : 0;
        count = scandirat(root_fd, ".", &entries, is_sandbox_entry, alphasort);
        if (count < 0)
                return error_fail(error, errno, "%s", root);
        for (int i = 0; i < count; i++) {
                if (r == 0 && entries[i]->d_type == DT_DIR)
                        r = each(entries[i]->d_name, data);
                free(entries[i]);
        }
        free(entries);
        return r;
}
