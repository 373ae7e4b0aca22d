/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * Whose directory is this?
 *
 * A path does not identify an owner: somebody else may have removed and remade the directory. So each directory of a sandbox
 * carries a mark, the extended attribute trusted.kata_cgroup, with the sandbox's ID and the random token of this life of the
 * sandbox: "ID TOKEN". Parents that were made carry "/": a parent that several sandboxes share is removed with the last of
 * them, whichever made it. Only root can read or write the attribute; kernfs keeps it in memory.
 *
 * A second attribute, trusted.kata_cgroup_root, says where the sandbox's state is kept (--root): the directory's device and
 * inode. With it prune tells a group that has lost its state from a group of a sandbox under another root. A parent has it, too, unless it was made for an
 * overhead group: those parents stay, since operators put limits on them.
 *
 * If the kernel cannot store the attribute, the owner remembers the directory's device and inode instead (on v2 the inode
 * number is the cgroup's ID, which the kernel does not reuse), and the state stores these.
 */

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

#include "util/cleanup.h"
#include "util/error.h"

/* 128 random bits as lower-case hexadecimal digits. */
#define OWNER_TOKEN_SIZE sizeof("0123456789abcdef0123456789abcdef")

/* An ID, a blank, a token. */
#define OWNER_MARK_SIZE (255 + 1 + OWNER_TOKEN_SIZE)

struct directory_id {
        dev_t device;
        ino_t inode;
};

/* The phase of the owner's life; it decides how a directory without its mark is treated. */
enum owner_life {
        OWNER_WHOLE, /* it is somebody else's */
        /* A command that makes directories was killed, or an older build has not marked those that systemd had made: it is the
         * owner's if it has no mark at all and is empty. */
        OWNER_CHANGED,
        OWNER_BEGUN, /* create was killed: as before, and all other directories existed already and are left alone */
};

struct owner {
        char *id;                     /* owned */
        char token[OWNER_TOKEN_SIZE]; /* "" for a sandbox that an older build has made, whose marks have none */
        /* The token is unknown, since the state is lost: a mark with the ID is accepted. */
        bool any_life;
        enum owner_life life;
        const char *root; /* not owned; identity of the directory that has the state; NULL: marks do not say */
        struct directory_id *unmarked; /* owned; directories of this owner that could not be marked */
        size_t unmarked_count;
};

/* Makes a random token (getrandom(2)). Error: status 1. */
int owner_make_token(char out[static OWNER_TOKEN_SIZE], struct error *error);
bool owner_token_is_valid(const char *text);

void owner_clear(struct owner *owner);
#define _cleanup_owner_ _cleanup_(owner_clear)

/* Marks the directory (a descriptor, not O_PATH) as this owner's. Returns 0 or a negative errno. */
int owner_take(struct owner *owner, int directory);

/* Remembers a directory by its identity. Returns 0 or -ENOMEM. */
int owner_remember(struct owner *owner, struct directory_id id);

/* Marks the directory as a parent that is removed with the last sandbox below it, made for a sandbox of this root (NULL: prune
 * keeps the parent). False if it cannot be marked; then it stays. */
bool owner_mark_parent(int directory, const char *root);

/* Whether the directory has no mark. False, too, where that cannot be told. */
bool owner_has_no_mark(int directory);

/* The root that the directory was made for: a new string, or NULL if it has none. */
char *owner_root_of(int directory);

enum ownership {
        OWNERSHIP_OWN,
        OWNERSHIP_OTHER,  /* another sandbox's, whose mark is in `mark` */
        OWNERSHIP_PARENT, /* made as a parent of a sandbox */
        OWNERSHIP_NONE,   /* it has no mark: not a sandbox's */
};

/* Reads the directory's mark into `mark` ("" if there is none), and evaluates it. */
enum ownership owner_ask(const struct owner *owner, int directory, char mark[static OWNER_MARK_SIZE]);

/* Whether a text ("ID" or "ID TOKEN", for example the end of a unit's description) is this owner's. */
bool owner_is_named(const struct owner *owner, const char *text);

/* The text for messages after "is not of this sandbox": a new string, or NULL without memory. */
char *owner_describe(const struct owner *owner, enum ownership ownership, const char *mark);
