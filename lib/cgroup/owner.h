/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * Whose directory is this?
 *
 * A path says where a group is, not whose it is: the directory may have been removed and made again by somebody else. So
 * each directory of a sandbox carries a mark, the extended attribute trusted.kata_cgroup, with the sandbox's ID and the
 * random token of this one life of it: "ID TOKEN". Parents that were made on the way carry "/", so that one which several
 * sandboxes share goes with the last of them, whichever made it. Only root can read or write the attribute; kernfs keeps it
 * in memory.
 *
 * Where the kernel cannot store the attribute, the owner remembers the directory's device and inode instead (on v2 the
 * inode number is the cgroup's ID, which the kernel does not give again), and the state keeps these.
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

/* How far the owner has come; it says what a directory may be that does not carry its mark. */
enum owner_life {
        OWNER_WHOLE, /* somebody else's */
        /* A command that makes directories was killed, or an older build has not marked those that systemd had made: its own,
         * if it has no mark and nothing in it. */
        OWNER_CHANGED,
        OWNER_BEGUN, /* create was killed: as before; all others were there already and are none of its business */
};

struct owner {
        char *id;                     /* owned */
        char token[OWNER_TOKEN_SIZE]; /* "" for a sandbox that an older build has made, whose marks have none */
        /* The token is not known, since the state is lost: a mark with the ID is enough. */
        bool any_life;
        enum owner_life life;
        struct directory_id *unmarked; /* owned; directories of this owner that could not be marked */
        size_t unmarked_count;
};

/* Makes a token up (getrandom(2)). Error: status 1. */
int owner_make_token(char out[static OWNER_TOKEN_SIZE], struct error *error);
bool owner_token_is_valid(const char *text);

void owner_clear(struct owner *owner);
#define _cleanup_owner_ _cleanup_(owner_clear)

/* Makes the directory (a descriptor, not O_PATH) this owner's. Returns 0 or a negative errno. */
int owner_take(struct owner *owner, int directory);

/* Remembers a directory by its identity. Returns 0 or -ENOMEM. */
int owner_remember(struct owner *owner, struct directory_id id);

/* Makes the directory one of those that may be removed with the last sandbox below it. False where it cannot be marked; it
 * stays then. */
bool owner_mark_parent(int directory);

enum ownership {
        OWNERSHIP_OWN,
        OWNERSHIP_OTHER,  /* another sandbox's, whose mark is in `mark` */
        OWNERSHIP_PARENT, /* made on the way to a sandbox */
        OWNERSHIP_NONE,   /* it has no mark: somebody else's, who is not a sandbox */
};

/* Asks the directory. `mark` holds what its mark says, or "". */
enum ownership owner_ask(const struct owner *owner, int directory, char mark[static OWNER_MARK_SIZE]);

/* Whether a text ("ID" or "ID TOKEN", for example the end of a unit's description) is this owner's. */
bool owner_is_named(const struct owner *owner, const char *text);

/* What follows "is not of this sandbox": a new string, or NULL without memory. */
char *owner_describe(const struct owner *owner, enum ownership ownership, const char *mark);
