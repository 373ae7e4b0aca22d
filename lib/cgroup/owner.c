/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Whose directory is this: the mark
 *
 * Subtle: the mark is an extended attribute that is read and written through a descriptor, so the directory that is asked is
 * the directory that is used. A parent's mark is "/", which cannot be an ID.
 */
#include "cgroup/owner.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <sys/xattr.h>

#include "util/text.h"

#define MARK_NAME "trusted.kata_cgroup"
#define MARK_PARENT "/"
#define ROOT_NAME "trusted.kata_cgroup_root"

int owner_make_token(char out[static OWNER_TOKEN_SIZE], struct error *error) {
        unsigned char random[(OWNER_TOKEN_SIZE - 1) / 2];

        if (getrandom(random, sizeof(random), 0) != (ssize_t)sizeof(random))
                return error_fail(error, errno, "getrandom");
        for (size_t i = 0; i < sizeof(random); i++)
                (void)snprintf(out + 2 * i, 3, "%02x", random[i]);
        return 0;
}

bool owner_token_is_valid(const char *text) {
        return strlen(text) == OWNER_TOKEN_SIZE - 1 && strspn(text, "0123456789abcdef") == OWNER_TOKEN_SIZE - 1;
}

void owner_clear(struct owner *owner) {
        free(owner->id);
        free(owner->unmarked);
        *owner = (struct owner){0};
}

static int identify(int directory, struct directory_id *out) {
        struct stat status;

        if (fstat(directory, &status) < 0)
                return error_negative(-errno);
        *out = (struct directory_id){status.st_dev, status.st_ino};
        return 0;
}

int owner_remember(struct owner *owner, struct directory_id id) {
        struct directory_id *larger = reallocarray(owner->unmarked, owner->unmarked_count + 1, sizeof(*larger));

        if (!larger)
                return -ENOMEM;
        owner->unmarked = larger;
        larger[owner->unmarked_count++] = id;
        return 0;
}

/* A directory that cannot say it is left to `delete`. */
static void mark_root(int directory, const char *root) {
        if (root)
                (void)fsetxattr(directory, ROOT_NAME, root, strlen(root), 0);
}

int owner_take(struct owner *owner, int directory) {
        char mark[OWNER_MARK_SIZE];
        struct directory_id id;
        int length, r;

        length = snprintf(mark, sizeof(mark), "%s%s%s", owner->id, owner->token[0] != '\0' ? " " : "",
                          owner->token);
        mark_root(directory, owner->root);
        if (fsetxattr(directory, MARK_NAME, mark, (size_t)length, 0) == 0)
                return 0;
        r = identify(directory, &id);
        return r < 0 ? r : owner_remember(owner, id);
}

bool owner_mark_parent(int directory, const char *root) {
        mark_root(directory, root);
        return fsetxattr(directory, MARK_NAME, MARK_PARENT, strlen(MARK_PARENT), 0) == 0;
}

bool owner_has_no_mark(int directory) {
        return fgetxattr(directory, MARK_NAME, NULL, 0) < 0 && errno == ENODATA;
}

char *owner_root_of(int directory) {
        char root[PATH_MAX];
        ssize_t length = fgetxattr(directory, ROOT_NAME, root, sizeof(root));

        return length > 0 ? strndup(root, (size_t)length) : NULL;
}

static bool is_remembered(const struct owner *owner, int directory) {
        struct directory_id id;

        if (owner->unmarked_count == 0 || identify(directory, &id) < 0)
                return false;
        for (size_t i = 0; i < owner->unmarked_count; i++)
                if (owner->unmarked[i].device == id.device && owner->unmarked[i].inode == id.inode)
                        return true;
        return false;
}

enum ownership owner_ask(const struct owner *owner, int directory, char mark[static OWNER_MARK_SIZE]) {
        ssize_t length = fgetxattr(directory, MARK_NAME, mark, OWNER_MARK_SIZE - 1);

        mark[length > 0 ? length : 0] = '\0';
        if (length <= 0)
                return is_remembered(owner, directory) ? OWNERSHIP_OWN : OWNERSHIP_NONE;
        if (strcmp(mark, MARK_PARENT) == 0)
                return OWNERSHIP_PARENT;
        return owner_is_named(owner, mark) ? OWNERSHIP_OWN : OWNERSHIP_OTHER;
}

bool owner_is_named(const struct owner *owner, const char *text) {
        size_t length = strlen(owner->id);

        if (strncmp(text, owner->id, length) != 0 || (text[length] != '\0' && text[length] != ' '))
                return false;
        text += length + (text[length] == ' ');
        return owner->any_life || strcmp(text, owner->token) == 0;
}

char *owner_describe(const struct owner *owner, enum ownership ownership, const char *mark) {
        int id_length = (int)strcspn(mark, " ");
        char *text;
        int r;

        if (ownership == OWNERSHIP_OTHER && (size_t)id_length == strlen(owner->id) &&
            strncmp(mark, owner->id, strlen(owner->id)) == 0)
                r = asprintf(&text, "it is of another \"%s\" (of another --root, or of an earlier life)",
                             owner->id);
        else if (ownership == OWNERSHIP_OTHER)
                r = asprintf(&text, "it is of \"%.*s\"", id_length, mark);
        else if (ownership == OWNERSHIP_PARENT)
                r = asprintf(&text, "it is a parent of other sandboxes");
        else
                r = asprintf(&text, "it has no mark");
        return r < 0 ? NULL : text;
}
