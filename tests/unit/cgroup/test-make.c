/* SPDX-License-Identifier: Apache-2.0 */
/* Making a group, level by level, and taking it back: marks, controllers, cpusets, and others at the same time. */
#include "../test.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "fake.h"

#define CPU (1U << CONTROLLER_CPU)
#define MEMORY (1U << CONTROLLER_MEMORY)
#define PIDS (1U << CONTROLLER_PIDS)

/* With a plan that needs these controllers. */
static int make(struct fake *fake, const char *hierarchy, unsigned required) {
        struct setting settings[CONTROLLER_COUNT];
        struct plan plan = {.settings = settings};

        for (int c = 0; c < CONTROLLER_COUNT; c++)
                if ((required >> c & 1) != 0)
                        settings[plan.count++] = (struct setting){.kind = SETTING_FILE,
                                                                  .file = {.controller = (enum controller)c,
                                                                           .version = CGROUP_V2,
                                                                           .name = "x",
                                                                           .value = "1"}};
        return cgroup_make(fake->cgroup, fake_hierarchy(fake, hierarchy), &plan, fake->journal, &fake->error);
}

static enum ownership ask(struct fake *fake, const char *path) {
        _cleanup_free_ char *absolute = NULL;
        char mark[OWNER_MARK_SIZE];
        _cleanup_close_ int fd = -1;

        assert_true(asprintf(&absolute, "%s/%s", fake->directory, path) > 0);
        fd = open(absolute, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        assert_true(fd >= 0);
        return owner_ask(&fake->owner, fd, mark);
}

/* Whether directories can be marked here: the attribute is root's. */
static bool can_mark(struct fake *fake) {
        _cleanup_close_ int fd = open(fake->directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

        return owner_mark_parent(fd, NULL);
}

/* ---- directories ---- */

/* The group is the owner's, what was made on the way a parent, and what was there before nobody's. */
static void test_marks(void **state) {
        struct fake *fake = fake_start("v1 v1 pids\n", "a/b/g");

        (void)state;
        fake_mkdir(fake, "v1/a");
        assert_int_equal(make(fake, "v1", 0), 0);
        fake_assert_changes(fake, "mkdir v1/a/b, mkdir v1/a/b/g");
        assert_int_equal(ask(fake, "v1/a"), OWNERSHIP_NONE);
        assert_int_equal(ask(fake, "v1/a/b"), can_mark(fake) ? OWNERSHIP_PARENT : OWNERSHIP_NONE);
        assert_int_equal(ask(fake, "v1/a/b/g"), OWNERSHIP_OWN);
        fake_undo(fake);
        fake_assert_changes(fake, "rmdir v1/a/b/g, rmdir v1/a/b");
        fake_assert_there(fake, "v1/a", true);
}

/* A parent that others have come into stays, and so does what somebody else has made again in the place of ours. */
static void test_undo_spares(void **state) {
        struct fake *fake = fake_start("v1 v1 pids\n", "a/g");

        (void)state;
        assert_int_equal(make(fake, "v1", 0), 0);
        fake_mkdir(fake, "v1/a/other");
        fake_forget(fake);
        fake_undo(fake);
        fake_assert_changes(fake, "rmdir v1/a/g");
        fake_assert_there(fake, "v1/a/other", true);

        fake = fake_start("v1 v1 pids\n", "a/g");
        assert_int_equal(make(fake, "v1", 0), 0);
        {
                _cleanup_close_ int top = open(fake->directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

                assert_int_equal(unlinkat(top, "v1/a/g", AT_REMOVEDIR), 0);
        }
        fake_mkdir(fake, "v1/a/g");
        fake_forget(fake);
        fake_undo(fake);
        if (can_mark(fake))
                fake_assert_there(fake, "v1/a/g", true);
}

/* What is in the way says whose it is. */
static void test_taken(void **state) {
        static const struct {
                const char *id;
                const char *message;
        } cases[] = {{NULL, "it has no mark"},
                     {"sb", ": File exists"},
                     {"other", "is not of this sandbox \"sb\": "}};

        (void)state;
        for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
                struct fake *fake = fake_start("v1 v1 pids\n", "a/g");
                _cleanup_owner_ struct owner other = {0};
                _cleanup_close_ int fd = -1;
                _cleanup_free_ char *path = NULL;

                fake_mkdir(fake, "v1/a/g");
                assert_true(asprintf(&path, "%s/v1/a/g", fake->directory) > 0);
                fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
                if (i == 1) {
                        assert_int_equal(owner_take(&fake->owner, fd), 0);
                } else if (i == 2) {
                        other.id = strdup(cases[i].id);
                        assert_int_equal(owner_take(&other, fd), 0);
                }
                assert_true(make(fake, "v1", 0) < 0);
                fake_assert_error(fake, EXIT_STATUS_FAILED, cases[i].message);
                fake_undo(fake);
                fake_assert_there(fake, "v1/a/g", true);
        }
}

/* A parent that is a link leads nowhere. */
static void test_symlink(void **state) {
        struct fake *fake = fake_start("v1 v1 pids\n", "a/b/g");
        _cleanup_free_ char *outside = NULL, *link = NULL;

        (void)state;
        assert_true(asprintf(&outside, "%s/outside", fake->directory) > 0);
        assert_true(asprintf(&link, "%s/v1/a", fake->directory) > 0);
        fake_mkdir(fake, "outside");
        assert_int_equal(symlink(outside, link), 0);
        assert_true(make(fake, "v1", 0) < 0);
        fake_assert_error(fake, EXIT_STATUS_FAILED, "v1/a: ");
        fake_assert_there(fake, "outside/b", false);
}

/* ---- parents that vanish ---- */

/* Another sandbox's delete takes a parent away between its mkdir and its child's: the way starts again from the top. */
static void test_parent_vanishes(void **state) {
        struct fake *fake = fake_start("v1 v1 pids\n", "a/b/g");

        (void)state;
        fake_mkdir(fake, "v1/a/b");
        fake->vanishing = "v1/a/b";
        fake->vanishings = 3;
        assert_int_equal(make(fake, "v1", 0), 0);
        fake_assert_changes(fake, "mkdir v1/a/b, mkdir v1/a/b, mkdir v1/a/b, mkdir v1/a/b/g");
        assert_int_equal(ask(fake, "v1/a/b/g"), OWNERSHIP_OWN);
        fake_undo(fake);
        fake_assert_there(fake, "v1/a/b", false);
        fake_assert_there(fake, "v1/a", true);
}

static void test_parents_keep_vanishing(void **state) {
        struct fake *fake = fake_start("v1 v1 pids\n", "a/g");

        (void)state;
        fake->vanishing = "v1/a";
        fake->vanishings = 1000;
        assert_true(make(fake, "v1", 0) < 0);
        fake_assert_error(fake, EXIT_STATUS_FAILED, "parents of cgroup ");
        fake_undo(fake);
        fake_assert_there(fake, "v1/a", false);
}

/* ---- v2: controllers ---- */

/* From the top down, before each level is made, what the level has: nothing for the group's own children. */
static void test_controllers(void **state) {
        struct fake *fake = fake_start("v2 v2 cpu memory pids\n", "a/g");

        (void)state;
        assert_int_equal(make(fake, "v2", CPU), 0);
        fake_assert_changes(fake, "v2/cgroup.subtree_control<+cpu +memory +pids, mkdir v2/a, "
                                  "v2/a/cgroup.subtree_control<+cpu +memory +pids, mkdir v2/a/g");
        fake_assert_holds(fake, "v2/a/g/cgroup.controllers", "cpu memory pids");
        fake_assert_holds(fake, "v2/a/g/cgroup.subtree_control", "");
}

/* Only what is missing is written. */
static void test_controllers_there(void **state) {
        struct fake *fake = fake_start("v2 v2 cpu memory pids\n", "a/g");

        (void)state;
        fake_put(fake, "v2/cgroup.subtree_control", "cpu memory pids\n");
        fake_mkdir(fake, "v2/a");
        fake_put(fake, "v2/a/cgroup.subtree_control", "memory\n");
        assert_int_equal(make(fake, "v2", CPU | MEMORY), 0);
        fake_assert_changes(fake, "v2/a/cgroup.subtree_control<+cpu +pids, mkdir v2/a/g");
}

/* A controller that is merely wished for does not keep the others from being enabled, nor the group from being made. */
static void test_wished_refused(void **state) {
        static const struct fake_answer answers[] = {
                {"cgroup.subtree_control", "+cpu +memory +pids", EOPNOTSUPP, NULL, NULL},
                {"cgroup.subtree_control", "+memory", EOPNOTSUPP, NULL, NULL},
                {0}};
        struct fake *fake = fake_start("v2 v2 cpu memory pids\n", "g");

        (void)state;
        fake->answers = answers;
        assert_int_equal(make(fake, "v2", CPU), 0);
        fake_assert_changes(fake,
                            "v2/cgroup.subtree_control!+cpu +memory +pids, v2/cgroup.subtree_control<+cpu, "
                            "v2/cgroup.subtree_control!+memory, v2/cgroup.subtree_control<+pids, mkdir v2/g");
}

/* A required one is an error that names the controller and the level, and what was made before goes again. */
static void test_required_refused(void **state) {
        static const struct {
                int errnum;
                const char *message;
        } cases[] = {
                {EBUSY, "controller memory cannot be enabled in %s/v2/a, which has processes of its own"},
                {EOPNOTSUPP, "controller memory cannot be enabled in %s/v2/a, which is a threaded cgroup"},
                {ENOENT, "controller memory cannot be enabled in %s/v2/a/cgroup.subtree_control"},
        };

        (void)state;
        for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
                const struct fake_answer answers[] = {
                        {"a/cgroup.subtree_control", "+memory", cases[i].errnum, NULL, NULL}, {0}};
                struct fake *fake = fake_start("v2 v2 memory\n", "a/g");
                _cleanup_free_ char *message = NULL;

                fake->answers = answers;
                assert_true(make(fake, "v2", MEMORY) < 0);
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wformat-nonliteral"
                assert_true(asprintf(&message, cases[i].message, fake->directory) > 0);
#pragma GCC diagnostic pop
                fake_assert_error(fake, EXIT_STATUS_FAILED, message);
                fake_undo(fake);
                fake_assert_there(fake, "v2/a", false);
        }
}

/* A level with processes would become a threaded domain by what the kernel lets it enable, so it is not even tried; the root
 * is exempt. */
static void test_level_with_processes(void **state) {
        struct fake *fake = fake_start("v2 v2 cpu pids\n", "a/g");

        (void)state;
        fake_put(fake, "v2/cgroup.procs", "1\n");
        fake_mkdir(fake, "v2/a");
        fake_put(fake, "v2/a/cgroup.procs", "17\n");
        fake_put(fake, "v2/a/cgroup.controllers", "cpu pids\n");
        assert_int_equal(make(fake, "v2", 0), 0);
        fake_assert_changes(fake, "v2/cgroup.subtree_control<+cpu +pids, mkdir v2/a/g");
        fake_undo(fake);
        assert_true(make(fake, "v2", PIDS) < 0);
        fake_assert_error(fake, EXIT_STATUS_FAILED, "which has processes of its own");
}

/* For a directory that systemd has made: what is required, nothing else, and no directories. */
static void test_enable_only(void **state) {
        struct fake *fake = fake_start("v2 v2 cpu memory pids\nv1 v1 cpuset\n", "a/g");

        (void)state;
        fake_make_group(fake);
        fake_put(fake, "v2/a/cgroup.controllers", "cpu memory pids\n");
        assert_int_equal(
                cgroup_enable_controllers(fake->cgroup, fake_hierarchy(fake, "v2"), MEMORY, &fake->error), 0);
        fake_assert_changes(fake, "v2/cgroup.subtree_control<+memory, v2/a/cgroup.subtree_control<+memory");
        assert_int_equal(cgroup_enable_controllers(fake->cgroup, fake_hierarchy(fake, "v2"), 0, &fake->error),
                         0);
        assert_int_equal(cgroup_enable_controllers(fake->cgroup, fake_hierarchy(fake, "v1"), CPU, &fake->error),
                         0);
        fake_assert_changes(fake, "");
}

/* ---- v1: cpusets ---- */

/* Copied down level by level, only where there is none. */
static void test_cpuset(void **state) {
        struct fake *fake = fake_start("v1 v1 cpuset\n", "a/b/g");

        (void)state;
        fake_mkdir(fake, "v1/a");
        fake_put(fake, "v1/a/cpuset.cpus", "1-2\n");
        assert_int_equal(make(fake, "v1", 0), 0);
        fake_assert_changes(fake,
                            "v1/a/cpuset.mems<0, mkdir v1/a/b, v1/a/b/cpuset.cpus<1-2, v1/a/b/cpuset.mems<0, "
                            "mkdir v1/a/b/g, v1/a/b/g/cpuset.cpus<1-2, v1/a/b/g/cpuset.mems<0");
}

/* The kernel's refusal names the file, and what was made goes. */
static void test_cpuset_refused(void **state) {
        static const struct fake_answer answers[] = {{"g/cpuset.cpus", NULL, EINVAL, NULL, NULL}, {0}};
        struct fake *fake = fake_start("v1 v1 cpuset\n", "a/g");

        (void)state;
        fake->answers = answers;
        assert_int_equal(make(fake, "v1", 0), -EINVAL);
        fake_assert_error(fake, EXIT_STATUS_FAILED, "v1/a/g/cpuset.cpus: ");
        fake_undo(fake);
        fake_assert_there(fake, "v1/a", false);
}

/* ---- the vCPUs' group ---- */

static void test_subtree(void **state) {
        struct fake *fake = fake_start("v2 v2 cpu cpuset memory\n", "g");

        (void)state;
        fake_put(fake, "v2/cgroup.subtree_control", "cpu cpuset memory\n");
        fake_make_group(fake);
        assert_int_equal(cgroup_make_vcpu_subtree(fake->cgroup, 0, fake->journal, &fake->error), 0);
        fake_assert_changes(fake, "mkdir v2/g/vcpu, v2/g/vcpu/cgroup.type<threaded, "
                                  "v2/g/cgroup.subtree_control<+cpu +cpuset");
        assert_int_equal(ask(fake, "v2/g/vcpu"), OWNERSHIP_OWN);
        /* One that is there is completed, and stays. */
        assert_int_equal(cgroup_make_vcpu_subtree(fake->cgroup, 0, NULL, &fake->error), 0);
        fake_assert_changes(fake, "");
        fake_undo(fake);
        fake_assert_there(fake, "v2/g/vcpu", false);
        fake_assert_there(fake, "v2/g", true);
}

static void test_subtree_refused(void **state) {
        static const struct fake_answer answers[] = {{"vcpu/cgroup.type", NULL, EOPNOTSUPP, NULL, NULL}, {0}};
        struct fake *fake = fake_start("v2 v2 cpu memory\n", "g");

        (void)state;
        fake_put(fake, "v2/cgroup.subtree_control", "cpu memory\n");
        fake_make_group(fake);
        fake->answers = answers;
        assert_true(cgroup_make_vcpu_subtree(fake->cgroup, 0, fake->journal, &fake->error) < 0);
        fake_assert_error(fake, EXIT_STATUS_FAILED, "v2/g cannot be a threaded domain");
        fake_undo(fake);
        fake_assert_there(fake, "v2/g/vcpu", false);

        fake = fake_start("v2 v2 memory\n", "g");
        fake_make_group(fake);
        assert_true(cgroup_make_vcpu_subtree(fake->cgroup, 0, fake->journal, &fake->error) < 0);
        fake_assert_error(fake, EXIT_STATUS_FAILED, "v2/g has no controller cpu (cgroup.controllers)");
}

int main(void) {
        const struct CMUnitTest tests[] = {
                fake_unit_test(test_marks),
                fake_unit_test(test_undo_spares),
                fake_unit_test(test_taken),
                fake_unit_test(test_symlink),
                fake_unit_test(test_parent_vanishes),
                fake_unit_test(test_parents_keep_vanishing),
                fake_unit_test(test_controllers),
                fake_unit_test(test_controllers_there),
                fake_unit_test(test_wished_refused),
                fake_unit_test(test_required_refused),
                fake_unit_test(test_level_with_processes),
                fake_unit_test(test_enable_only),
                fake_unit_test(test_cpuset),
                fake_unit_test(test_cpuset_refused),
                fake_unit_test(test_subtree),
                fake_unit_test(test_subtree_refused),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
