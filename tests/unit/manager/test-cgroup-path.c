/* SPDX-License-Identifier: Apache-2.0 */
#include "../test.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "manager/cgroup_path.h"

/* systemd.slice(5), and the examples of kata-cgroup-create(8). */
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

/* `count` times `text`: an ID, or part of a path. */
static char *repeat(const char *text, size_t count) {
        char *all = calloc(count, strlen(text) + 1);

        assert_non_null(all);
        for (size_t i = 0; i < count; i++)
                strcat(all, text);
        return all;
}

static struct cgroup_path *default_path(enum default_path which, const char *id) {
        struct error error = ERROR_INIT;
        struct cgroup_path *path = NULL;

        assert_true(sandbox_id_is_valid(id));
        if (cgroup_path_default(which, id, &path, &error) < 0)
                fail_msg("%s: %s", id, error.message);
        return path;
}

/* What is a name stays as it is; all else is escaped, as systemd-escape(1) and cg_escape() do. */
static void test_default_paths(void **state) {
        static const struct {
                const char *id, *directory, *unit;
        } cases[] = {
                {"kc-1", "kc-1", "kata-cgroup-kc-1.scope"},
                {".x", ".x", "kata-cgroup-.x.scope"},
                {"a.scope", "a.scope", "kata-cgroup-a.scope.scope"},
                {"-", "-", "kata-cgroup--.scope"},
                {"a+b", "a+b", "kata-cgroup-a\\x2bb.scope"},
                {"a-b+c", "a-b+c", "kata-cgroup-a\\x2db\\x2bc.scope"},
                {".+.", ".+.", "kata-cgroup-\\x2e\\x2b..scope"},
                {"memory.x", "_memory.x", "kata-cgroup-memory.x.scope"},
                {"_memory.x", "__memory.x", "kata-cgroup-_memory.x.scope"},
                {"__tasks", "___tasks", "kata-cgroup-__tasks.scope"},
                {"_x", "_x", "kata-cgroup-_x.scope"},
                {"memory", "memory", "kata-cgroup-memory.scope"},
                {"cgroup.procs", "_cgroup.procs", "kata-cgroup-cgroup.procs.scope"},
                {"tasks", "_tasks", "kata-cgroup-tasks.scope"},
                /* Not the slice of that name, which may be anybody's. */
                {"system.slice", "system.slice", "kata-cgroup-system\\x2eslice.scope"},
                {".slice", ".slice", "kata-cgroup-\\x2eslice.scope"},
                {"a--b.slice", "a--b.slice", "kata-cgroup-a\\x2d\\x2db\\x2eslice.scope"},
        };

        (void)state;
        for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
                _cleanup_(cgroup_path_freep) struct cgroup_path *sandbox =
                        default_path(DEFAULT_PATH_SANDBOX, cases[i].id);
                _cleanup_(cgroup_path_freep) struct cgroup_path *overhead =
                        default_path(DEFAULT_PATH_OVERHEAD_CGROUPFS, cases[i].id);
                _cleanup_(cgroup_path_freep) struct cgroup_path *unit =
                        default_path(DEFAULT_PATH_OVERHEAD_SYSTEMD, cases[i].id);

                assert_memory_equal(sandbox->path, "kata_sandboxed_pod/", strlen("kata_sandboxed_pod/"));
                assert_string_equal(sandbox->path + strlen("kata_sandboxed_pod/"), cases[i].directory);
                assert_memory_equal(overhead->path, "kata_overhead/", strlen("kata_overhead/"));
                assert_string_equal(overhead->path + strlen("kata_overhead/"), cases[i].directory);
                assert_string_equal(unit->slice, "kata-overhead.slice");
                assert_string_equal(unit->unit, cases[i].unit);
                assert_int_equal(sandbox->driver, DRIVER_CGROUPFS);
                assert_int_equal(overhead->driver, DRIVER_CGROUPFS);
                assert_int_equal(unit->driver, DRIVER_SYSTEMD);
        }
}

/* The names of the contract. */
static void test_default_texts(void **state) {
        static const struct {
                enum default_path which;
                const char *text;
        } cases[] = {
                {DEFAULT_PATH_SANDBOX, "kata_sandboxed_pod/ID"},
                {DEFAULT_PATH_OVERHEAD_CGROUPFS, "kata_overhead/ID"},
                {DEFAULT_PATH_OVERHEAD_SYSTEMD, "kata-overhead.slice:kata-cgroup:ID"},
        };

        (void)state;
        for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
                _cleanup_(cgroup_path_freep) struct cgroup_path *path = default_path(cases[i].which, "ID");

                assert_string_equal(path->text, cases[i].text);
        }
}

static void assert_default(enum default_path which, const char *id, const char *before, const char *after) {
        _cleanup_(cgroup_path_freep) struct cgroup_path *path = default_path(which, id);
        const char *name = path->unit ? path->unit : path->path;

        assert_memory_equal(name, before, strlen(before));
        assert_string_equal(name + strlen(before), after);
}

/* What is too long for a unit's or a directory's name ends in a hash of the ID, which never changes: the overhead group of a
 * sandbox whose state is lost is found by it. */
static void test_default_long(void **state) {
        _cleanup_free_ char *fits = repeat("a", 237), *longest = repeat("a", 255), *plus = repeat("+", 255),
                            *x = repeat("x", 248), *kept = NULL, *kernel = NULL, *short_kernel = NULL;

        (void)state;
        assert_true(asprintf(&kept, "kata-cgroup-%s", fits) > 0);
        assert_default(DEFAULT_PATH_OVERHEAD_SYSTEMD, fits, kept, ".scope");
        kept[strlen("kata-cgroup-") + 237 - 4 - 32] = '\0';
        assert_default(DEFAULT_PATH_OVERHEAD_SYSTEMD, longest, kept,
                       "\\x7ed4d01a87f1f4ff9dc18c4a245f738ab6.scope");
        free(kept);
        assert_true(asprintf(&kept, "kata_overhead/%s", longest) > 0);
        assert_default(DEFAULT_PATH_OVERHEAD_CGROUPFS, longest, kept, "");
        assert_true(asprintf(&kernel, "memory.%s", x) > 0);
        assert_true(asprintf(&short_kernel, "kata_sandboxed_pod/_%.*s", 255 - 1 - 1 - 32, kernel) > 0);
        assert_default(DEFAULT_PATH_SANDBOX, kernel, short_kernel, "~e1fc55ad90eae85e74113af243e0b120");
        /* No half of an escape before the mark. */
        {
                _cleanup_(cgroup_path_freep) struct cgroup_path *path =
                        default_path(DEFAULT_PATH_OVERHEAD_SYSTEMD, plus);
                const char *mark = strstr(path->unit, "\\x7e");

                assert_non_null(mark);
                assert_int_equal((mark - path->unit - (ptrdiff_t)strlen("kata-cgroup-")) % 4, 0);
                assert_true(strlen(path->unit) <= UNIT_NAME_MAX);
        }
}

/* Of every length, and of what is escaped, or not. */
static void test_default_always(void **state) {
        static const enum default_path all[] = {DEFAULT_PATH_SANDBOX, DEFAULT_PATH_OVERHEAD_CGROUPFS,
                                                DEFAULT_PATH_OVERHEAD_SYSTEMD};
        static const char *const ends[] = {"", "+", ".slice", ".scope", "_"};
        static const char *const starts[] = {"", "memory.", "_cgroup.", "."};
        char id[256];

        (void)state;
        for (const char *letter = "a+-._"; *letter; letter++)
                for (size_t length = 1; length <= 255; length++)
                        for (size_t i = 0; i < ARRAY_SIZE(starts) * ARRAY_SIZE(ends); i++) {
                                const char *start = starts[i / ARRAY_SIZE(ends)],
                                           *end = ends[i % ARRAY_SIZE(ends)];

                                if (length < strlen(start) + strlen(end))
                                        continue;
                                memset(id, *letter, length);
                                id[length] = '\0';
                                memcpy(id, start, strlen(start));
                                memcpy(id + length - strlen(end), end, strlen(end));
                                for (size_t w = 0; sandbox_id_is_valid(id) && w < ARRAY_SIZE(all); w++)
                                        (void)cgroup_path_free(default_path(all[w], id));
                        }
}

/* Two IDs never have the same name: not one that is the escaped or shortened name of another. */
static void test_default_distinct(void **state) {
        static const enum default_path all[] = {DEFAULT_PATH_SANDBOX, DEFAULT_PATH_OVERHEAD_SYSTEMD};
        _cleanup_free_ char *longest = repeat("a", 255), *other = repeat("a", 255), *shorter = repeat("a", 254),
                            *plus = repeat("+", 255), *fewer = repeat("+", 254), *cut = repeat("a", 237);
        const char *ids[] = {"memory.x", "_memory.x", "__memory.x", "x",   "_x",    "a+b", "a-b", "ax2bb",
                             "a.slice",  "a.slice+",  longest,      other, shorter, plus,  fewer, cut};

        (void)state;
        other[254] = 'b';
        for (size_t w = 0; w < ARRAY_SIZE(all); w++)
                for (size_t i = 0; i < ARRAY_SIZE(ids); i++)
                        for (size_t j = 0; j < i; j++) {
                                _cleanup_(cgroup_path_freep) struct cgroup_path *a =
                                        default_path(all[w], ids[i]);
                                _cleanup_(cgroup_path_freep) struct cgroup_path *b =
                                        default_path(all[w], ids[j]);

                                assert_string_not_equal(a->path, b->path);
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
                cmocka_unit_test(test_slice_expand),     cmocka_unit_test(test_paths),
                cmocka_unit_test(test_paths_refused),    cmocka_unit_test(test_default_paths),
                cmocka_unit_test(test_default_texts),    cmocka_unit_test(test_default_long),
                cmocka_unit_test(test_default_distinct), cmocka_unit_test(test_default_always),
                cmocka_unit_test(test_sandbox_id),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
