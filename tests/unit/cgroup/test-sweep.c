/* SPDX-License-Identifier: Apache-2.0 */
/* What prune removes of a tree of groups: by marks, by roots, and below paths. */
#include "../test.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cgroup/sweep.h"
#include "fake.h"
#include "util/cleanup.h"
#include "util/file.h"

#define TOKEN "0123456789abcdef0123456789abcdef"

/* What becomes of a life. A state decides; without one, only an empty life whose root is the caller's goes by itself. */
static void test_judge(void **state) {
        static const struct {
                enum sweep_root root;
                bool below_path, populated;
                enum sweep_state state;
                enum sweep_fate fate;
                bool told;
        } cases[] = {
                {SWEEP_ROOT_OWN, false, false, SWEEP_STATE_NONE, SWEEP_GOES, true},
                {SWEEP_ROOT_OWN, false, false, SWEEP_STATE_LIVES, SWEEP_STAYS, false},
                {SWEEP_ROOT_OWN, true, false, SWEEP_STATE_LIVES, SWEEP_STAYS, false},
                {SWEEP_ROOT_OWN, false, false, SWEEP_STATE_GOES, SWEEP_GOES_WITH_STATE, false},
                {SWEEP_ROOT_OWN, false, true, SWEEP_STATE_NONE, SWEEP_STAYS, true},
                {SWEEP_ROOT_OTHER, false, false, SWEEP_STATE_NONE, SWEEP_STAYS, false},
                {SWEEP_ROOT_OTHER, true, false, SWEEP_STATE_NONE, SWEEP_STAYS, true},
                {SWEEP_ROOT_UNKNOWN, false, false, SWEEP_STATE_NONE, SWEEP_STAYS, true},
                {SWEEP_ROOT_UNKNOWN, true, false, SWEEP_STATE_NONE, SWEEP_GOES, true},
                {SWEEP_ROOT_UNKNOWN, true, true, SWEEP_STATE_NONE, SWEEP_STAYS, true},
                {SWEEP_ROOT_UNKNOWN, false, false, SWEEP_STATE_LIVES, SWEEP_STAYS, false},
        };

        (void)state;
        for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
                const struct sweep_life life = {
                        .root = cases[i].root,
                        .below_path = cases[i].below_path,
                        .populated = cases[i].populated,
                };
                const char *reason;

                if (sweep_judge(&life, cases[i].state, &reason) != cases[i].fate ||
                    (reason != NULL) != cases[i].told)
                        fail_msg("case %zu", i);
        }
}

/* A path is not below itself, nor below one that begins like it. */
static void test_below(void **state) {
        static const char *const paths[] = {"kubepods/pod1", "a"};
        const struct sweep sweep = {.paths = paths, .path_count = ARRAY_SIZE(paths)};

        (void)state;
        assert_true(sweep_is_below(&sweep, "kubepods/pod1/x"));
        assert_true(sweep_is_below(&sweep, "a/b/c"));
        assert_false(sweep_is_below(&sweep, "kubepods/pod1"));
        assert_false(sweep_is_below(&sweep, "kubepods/pod11"));
        assert_false(sweep_is_below(&sweep, "kubepods/pod11/x"));
        assert_false(sweep_is_below(&sweep, "kubepods"));
        assert_false(sweep_is_below(&sweep, ""));
}

/* ---- whole trees ---- */

static int open_at(struct fake *fake, const char *path) {
        _cleanup_free_ char *absolute = NULL;
        int fd;

        fake_mkdir(fake, path);
        assert_true(asprintf(&absolute, "%s/%s", fake->directory, path) > 0);
        fd = open(absolute, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        assert_true(fd >= 0);
        return fd;
}

/* A group "ID", or a parent without an ID, made for this root (or NULL). */
static bool make_marked(struct fake *fake, const char *path, const char *id, const char *root) {
        struct owner owner = {.id = (char *)id, .token = TOKEN, .root = root};
        _cleanup_close_ int fd = open_at(fake, path);

        if (!id)
                return owner_mark_parent(fd, root);
        assert_int_equal(owner_take(&owner, fd), 0);
        free(owner.unmarked);
        return owner.unmarked_count == 0;
}

/* What was reported: "-ID PATH" for what has gone, "+ID PATH" for what stays; "/" is a parent, "?" nobody's. */
struct notes {
        const struct fake *fake;
        char text[1024];
};

static void note(const struct sweep_report *report, void *data) {
        struct notes *notes = data;
        size_t length = strlen(notes->text);
        const char *whose = report->is_parent ? "/" : report->id ? report->id : "?";

        (void)snprintf(notes->text + length, sizeof(notes->text) - length, "%s%s %s, ",
                       report->removed ? "-" : "+", whose, report->path + strlen(notes->fake->directory) + 1);
}

/* In any order, which is the file system's. */
static void assert_notes(const struct notes *notes, const char *expected) {
        _cleanup_free_ char *copy = strdup(expected);
        char *rest = copy, *entry;

        if (strlen(notes->text) != strlen(expected))
                fail_msg("reported \"%s\" instead of \"%s\"", notes->text, expected);
        while ((entry = strsep(&rest, ",")))
                if (!strstr(notes->text, entry + (entry[0] == ' ')))
                        fail_msg("reported \"%s\" without \"%s\"", notes->text, entry);
}

static bool is_active(const char *name, void *data) {
        (void)data;
        return strcmp(name, "active.scope") == 0;
}

static const char *const kept_path = "k/kept";

/* Everything at once; "living" has a state, all others have none. `expected`: the reports. */
static void sweep_all(struct fake *fake, const char *path, bool dry_run, const char *expected) {
        struct notes notes = {.fake = fake};
        _cleanup_sweep_ struct sweep sweep = {
                .host = fake->host,
                .log = &fake->log,
                .root = "/run/root",
                .paths = &path,
                .path_count = path ? 1 : 0,
                .kept = &kept_path,
                .kept_count = 1,
                .dry_run = dry_run,
                .is_unit = is_active,
                .report = note,
                .data = &notes,
        };

        assert_int_equal(sweep_look(&sweep, NULL), 0);
        for (size_t i = 0; i < sweep.life_count; i++)
                sweep_decide(&sweep, &sweep.lives[i],
                             strcmp(sweep.lives[i].id, "living") == 0 ? SWEEP_STATE_LIVES : SWEEP_STATE_NONE);
        assert_int_equal(sweep_remove(&sweep, NULL), 0);
        assert_notes(&notes, expected);
}

/* Lives go as a whole or not at all, in all hierarchies, with what has no mark below them; parents go with the last one, if
 * they were made for this root. A dry run reports the same. */
static void test_lives(void **state) {
        static const char dead[] = "-dead v1/p/dead/child, -dead v1/p/dead, -/ v1/p, -dead v2/p/dead, ";
        struct fake *fake = fake_start("v1 v1 pids\nv2 v2 memory\n", "unused");

        (void)state;
        if (!make_marked(fake, "v1/p", NULL, "/run/root"))
                skip();
        make_marked(fake, "v1/p/dead", "dead", "/run/root");
        fake_mkdir(fake, "v1/p/dead/child");
        make_marked(fake, "v2/p", NULL, NULL);
        make_marked(fake, "v2/p/dead", "dead", "/run/root");
        make_marked(fake, "v2/q", NULL, "/run/root");
        make_marked(fake, "v2/q/living", "living", "/run/root");
        make_marked(fake, "v2/q/other", "other", "/run/other");
        fake_forget(fake);
        sweep_all(fake, NULL, true, dead);
        fake_assert_changes(fake, "");
        sweep_all(fake, NULL, false, dead);
        fake_assert_changes(fake, "rmdir v1/p/dead/child, rmdir v1/p/dead, rmdir v1/p, rmdir v2/p/dead");
        sweep_all(fake, NULL, false, "");
}

/* One process keeps a life's groups in all hierarchies, also one in a group below. */
static void test_populated(void **state) {
        struct fake *fake = fake_start("v1 v1 pids\nv2 v2 memory\n", "unused");

        (void)state;
        if (!make_marked(fake, "v1/dead", "dead", "/run/root"))
                skip();
        make_marked(fake, "v2/dead", "dead", "/run/root");
        fake_mkdir(fake, "v1/dead/below");
        fake_put(fake, "v1/dead/below/cgroup.procs", "0\n");
        fake_forget(fake);
        sweep_all(fake, NULL, false, "+dead v1/dead, ");
        fake_assert_changes(fake, "");
        fake_put(fake, "v1/dead/below/cgroup.procs", "");
        fake_put(fake, "v2/dead/cgroup.events", "populated 1\nfrozen 0\n");
        sweep_all(fake, NULL, false, "+dead v1/dead, ");
        fake_put(fake, "v2/dead/cgroup.events", "populated 0\nfrozen 0\n");
        sweep_all(fake, NULL, false, "-dead v1/dead/below, -dead v1/dead, -dead v2/dead, ");
}

/* Below a path, what is empty in every hierarchy goes, but for marked groups and those of systemd's units. */
static void test_path(void **state) {
        struct fake *fake = fake_start("v1 v1 pids\nv2 v2 memory\n", "unused");

        (void)state;
        fake_mkdir(fake, "v1/k/pod/gone");
        fake_mkdir(fake, "v1/k/pod/busy");
        fake_mkdir(fake, "v1/k/active.scope");
        fake_mkdir(fake, "v1/l/untouched");
        fake_mkdir(fake, "v2/k/pod/busy");
        fake_put(fake, "v2/k/pod/cgroup.events", "populated 1\n");
        fake_put(fake, "v2/k/pod/busy/cgroup.events", "populated 1\n");
        fake_forget(fake);
        sweep_all(fake, NULL, false, "");
        sweep_all(fake, "k/pod", true, "-? v1/k/pod/gone, +? v1/k/pod/busy, +? v2/k/pod/busy, ");
        fake_assert_changes(fake, "");
        sweep_all(fake, "k/pod", false, "-? v1/k/pod/gone, +? v1/k/pod/busy, +? v2/k/pod/busy, ");
        fake_assert_changes(fake, "rmdir v1/k/pod/gone");
        sweep_all(fake, "k", false, "+? v1/k/pod/busy, +? v1/k/active.scope, +? v2/k/pod/busy, ");
        fake_assert_there(fake, "v1/k/active.scope", true);
}

/* Below a path, too, what has no mark may be a sandbox's that lives: below its groups, and at the paths of its state. */
static void test_path_of_living(void **state) {
        struct fake *fake = fake_start("v1 v1 pids\nv2 v2 memory\n", "unused");

        (void)state;
        if (!make_marked(fake, "v1/k/living", "living", "/run/root"))
                skip();
        fake_mkdir(fake, "v1/k/living/a/b");
        make_marked(fake, "v1/k/living/parent", NULL, "/run/root");
        make_marked(fake, "v2/k/other", "other", "/run/other");
        fake_mkdir(fake, "v2/k/other/a");
        fake_mkdir(fake, "v1/k/kept/a");
        fake_mkdir(fake, "v2/k/pod/child");
        fake_mkdir(fake, "v1/k/pod");
        fake_put(fake, "v1/k/pod/cgroup.procs", "1\n");
        fake_forget(fake);
        sweep_all(fake, "k", false, "+other v2/k/other, +? v1/k/kept/a, +? v1/k/pod, +? v2/k/pod/child, ");
        fake_assert_changes(fake, "");
}

/* What cannot be read may have processes. */
static void test_unread(void **state) {
        struct fake *fake = fake_start("v1 v1 pids\n", "unused");
        _cleanup_free_ char *unread = NULL;

        (void)state;
        if (!make_marked(fake, "v1/dead", "dead", "/run/root"))
                skip();
        assert_true(asprintf(&unread, "%s/v1/dead/cgroup.procs", fake->directory) > 0);
        assert_int_equal(unlink(unread), 0);
        fake_mkdir(fake, "v1/dead/cgroup.procs");
        fake_forget(fake);
        sweep_all(fake, NULL, false, "+dead v1/dead, ");
        fake_assert_changes(fake, "");
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_judge), cmocka_unit_test(test_below),
                fake_unit_test(test_lives),   fake_unit_test(test_populated),
                fake_unit_test(test_path),    fake_unit_test(test_path_of_living),
                fake_unit_test(test_unread),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
