/* SPDX-License-Identifier: Apache-2.0 */
#include "../test.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "manager/cgroup_path.h"

/* systemd.slice(5), and the examples of mission.md. */
static void test_slice_expand(void **state) {
        static const struct {
                const char *slice, *path;
        } cases[] = {
                {"a-b-c.slice", "a.slice/a-b.slice/a-b-c.slice"},
                {"kubepods-podX.slice", "kubepods.slice/kubepods-podX.slice"},
                {"system.slice", "system.slice"},
                {"-.slice", ""},
                {"a_b.c-d.slice", "a_b.c.slice/a_b.c-d.slice"},
                /* Escaped as scopes are: cg_slice_to_path() of systemd's cgroup-util.c. */
                {"memory-x.slice", "_memory.slice/memory-x.slice"},
                {"_x-y.slice", "__x.slice/__x-y.slice"},
        };
        static const char *const refused[] = {"",  ".slice",  "a--b.slice", "-a.slice",  "a-.slice", "--.slice",
                                              "a", "a.scope", "a/b.slice",  "a b.slice", "a@b.slice"};

        (void)state;
        for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
                _cleanup_free_ char *path = NULL;

                assert_int_equal(slice_expand(cases[i].slice, &path), 0);
                assert_string_equal(path, cases[i].path);
        }
        for (size_t i = 0; i < ARRAY_SIZE(refused); i++) {
                char *path = NULL;

                if (slice_expand(refused[i], &path) >= 0)
                        fail_msg("\"%s\" became \"%s\"", refused[i], path);
        }
}

static void test_paths(void **state) {
        static const struct {
                const char *text;
                enum driver driver;
                const char *path, *unit;
        } cases[] = {
                {"kubepods/podX/ID", DRIVER_CGROUPFS, "kubepods/podX/ID", NULL},
                {"/kubepods/podX/ID", DRIVER_CGROUPFS, "kubepods/podX/ID", NULL},
                /* Two colons make a systemd path only after a slice. */
                {"a:b:c", DRIVER_CGROUPFS, "a:b:c", NULL},
                {"a.slice:b", DRIVER_CGROUPFS, "a.slice:b", NULL},
                {"a.slice:b:c:d", DRIVER_CGROUPFS, "a.slice:b:c:d", NULL},
                {"a%b/c d", DRIVER_CGROUPFS, "a%b/c d", NULL},
                {"kubepods-podX.slice:cri-containerd:ID", DRIVER_SYSTEMD,
                 "kubepods.slice/kubepods-podX.slice/cri-containerd-ID.scope", "cri-containerd-ID.scope"},
                {"-.slice::ID", DRIVER_SYSTEMD, "ID.scope", "ID.scope"},
                {"system.slice::name", DRIVER_SYSTEMD, "system.slice/name.scope", "name.scope"},
                {"system.slice:p:a-b.slice", DRIVER_SYSTEMD, "a.slice/a-b.slice", "a-b.slice"},
                /* systemd escapes what could be a file of the kernel's. */
                {"system.slice::memory", DRIVER_SYSTEMD, "system.slice/_memory.scope", "memory.scope"},
                {"system.slice::_x", DRIVER_SYSTEMD, "system.slice/__x.scope", "_x.scope"},
                {"memory.slice::x", DRIVER_SYSTEMD, "_memory.slice/x.scope", "x.scope"},
                {"gr\xc3\xb6\xc3\x9f"
                 "e/x",
                 DRIVER_CGROUPFS,
                 "gr\xc3\xb6\xc3\x9f"
                 "e/x",
                 NULL},
        };

        (void)state;
        for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
                _cleanup_(cgroup_path_freep) struct cgroup_path *path = NULL;
                _cleanup_error_ struct error error = ERROR_INIT;

                if (cgroup_path_parse(cases[i].text, "--cgroups-path", &path, &error) < 0)
                        fail_msg("%s: %s", cases[i].text, error.message);
                assert_int_equal(path->driver, cases[i].driver);
                assert_string_equal(path->path, cases[i].path);
                if (cases[i].unit)
                        assert_string_equal(path->unit, cases[i].unit);
                else
                        assert_null(path->unit);
        }
}

/* Names from outside never leave their place. */
static void test_paths_refused(void **state) {
        static const char *const texts[] = {
                "",
                "/",
                "//",
                "a//b",
                "a/",
                "//a",
                "..",
                "../a",
                "a/..",
                "a/../b",
                "./a",
                "a/.",
                "a\nb",
                "a\tb",
                "a\x7f",
                "a\x01",
                "a/cgroup.procs",
                "tasks",
                "a/memory.max",
                "a/cpu.x/b",
                ".slice:a:b",
                "--.slice:a:b",
                "a-.slice:a:b",
                "a.slice:a:",
                "a.slice::",
                "a.slice:p/../q:n",
                "a.slice:p:n/m",
                "a.slice:p:n%",
                "a.slice:p:n@x",
                "a.slice:p:n m",
                "a.slice:p:-.slice",
                "a/b.slice:p:n",
                /* Neither the state nor a message could hold it. */
                "a/\xff",
                "a/\xc3",
        };
        char longest[5000];

        (void)state;
        for (size_t i = 0; i < ARRAY_SIZE(texts); i++) {
                _cleanup_error_ struct error error = ERROR_INIT;
                struct cgroup_path *path = NULL;

                if (cgroup_path_parse(texts[i], "--cgroups-path", &path, &error) >= 0)
                        fail_msg("accepted: \"%s\" as \"%s\"", texts[i], path->path);
                assert_int_equal(error.status, EXIT_STATUS_REFUSED);
                assert_string_equal(error.field, "--cgroups-path");
        }
        /* One component that is too long; a path of 5,000 bytes; a unit name that is too long, and one of 255
         * bytes whose directory, escaped, would be. */
        for (int kind = 0; kind < 4; kind++) {
                _cleanup_error_ struct error error = ERROR_INIT;
                struct cgroup_path *path = NULL;

                memset(longest, 'a', sizeof(longest));
                longest[kind == 1 ? sizeof(longest) - 1 : 270] = '\0';
                for (size_t i = 100; kind == 1 && i < sizeof(longest) - 1; i += 100)
                        longest[i] = '/';
                if (kind == 2)
                        memcpy(longest, "a.slice:a:", strlen("a.slice:a:"));
                if (kind == 3) {
                        memcpy(longest, "a.slice::_", strlen("a.slice::_"));
                        longest[strlen("a.slice::") + 255 - strlen(".scope")] = '\0';
                }
                assert_true(cgroup_path_parse(longest, "--cgroups-path", &path, &error) < 0);
                assert_int_equal(error.status, EXIT_STATUS_REFUSED);
        }
}

static void test_sandbox_id(void **state) {
        char longest[257];

        (void)state;
        memset(longest, 'x', sizeof(longest));
        longest[256] = '\0';
        assert_false(sandbox_id_is_valid(longest));
        longest[255] = '\0';
        assert_true(sandbox_id_is_valid(longest));
        assert_true(sandbox_id_is_valid("aZ09_+-."));
        assert_true(sandbox_id_is_valid("..."));
        assert_false(sandbox_id_is_valid(""));
        assert_false(sandbox_id_is_valid("."));
        assert_false(sandbox_id_is_valid(".."));
        assert_false(sandbox_id_is_valid("a/b"));
        assert_false(sandbox_id_is_valid("a b"));
        assert_false(sandbox_id_is_valid("a%"));
        assert_false(sandbox_id_is_valid("\xc3\xa4"));
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_slice_expand),
                cmocka_unit_test(test_paths),
                cmocka_unit_test(test_paths_refused),
                cmocka_unit_test(test_sandbox_id),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
