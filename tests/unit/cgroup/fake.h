/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * A cgroup file system out of plain directories
 *
 * The hierarchies of an invented host are directories in a temporary place. What a plain directory does not do by itself is
 * done around the system calls that change something (the linker's --wrap): a new directory has the kernel's files, a write
 * replaces what the file holds, and cgroup.subtree_control adds up. All changes are noted down, in order; and the kernel's
 * refusals, and others who change something at the same time, are told in advance.
 */

#include <stdbool.h>
#include <stdio.h>

#include "cgroup/cgroup.h"
#include "util/journal.h"
#include "util/log.h"

/* What the kernel says to a write. */
struct fake_answer {
        const char *file;  /* "DIRECTORY/FILE" or "FILE", in any directory */
        const char *value; /* NULL: any */
        int errnum;        /* 0: taken, but the file holds `held` then */
        const char *held;
        const char *until; /* from a write of "FILE<VALUE" or "FILE" on it is taken; NULL: never */
};

#define FAKE_HIERARCHIES 3

struct fake {
        char directory[sizeof("/tmp/kata-cgroup-fake.XXXXXX")];
        struct host *host;
        struct owner owner;
        struct log log;
        char *log_text; /* what was logged, without debug */
        size_t log_size;
        struct cgroup *cgroup;
        struct journal *journal;
        struct error error;
        const struct fake_answer *answers; /* ends with a NULL file */
        const char *vanishing; /* before something is made below it, this directory goes, `vanishings` times */
        int vanishings;
        char *changes; /* "mkdir a, a/cpu.max<max 100000", since fake_forget() */
};

/* One hierarchy a line: "NAME v2 cpu memory", "NAME v1 cpuset". `path`: the group's. There is one at a time: it goes when the
 * next one is made, or with its test, also a failed one. */
struct fake *fake_start(const char *hierarchies, const char *path);
int fake_end(void **state);
#define fake_unit_test(function) cmocka_unit_test_teardown(function, fake_end)

/* By its NAME. */
struct hierarchy *fake_hierarchy(struct fake *fake, const char *name);

/* A file "NAME/DIRECTORY/FILE", made where it is not there; a directory, with its parents and the kernel's files. */
void fake_put(struct fake *fake, const char *path, const char *text);
void fake_mkdir(struct fake *fake, const char *path);

/* The group itself, in all hierarchies, the owner's. */
void fake_make_group(struct fake *fake);

void fake_assert_holds(struct fake *fake, const char *path, const char *text);
void fake_assert_there(struct fake *fake, const char *path, bool there);

/* What was changed since the last call. */
void fake_assert_changes(struct fake *fake, const char *changes);
void fake_forget(struct fake *fake);

/* Undoes what the journal has, which has to succeed. */
void fake_undo(struct fake *fake);

/* The error's status and part of its message; it is cleared. */
void fake_assert_error(struct fake *fake, enum exit_status status, const char *part);
