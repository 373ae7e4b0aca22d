/* SPDX-License-Identifier: Apache-2.0 */
/* Carrying out settings, and taking them back: in which order what is written where, and what becomes of refusals. */
#include "../test.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "fake.h"

#define HOST "v1 v1 cpuset\nmem v1 memory\nv2 v2 cpu pids io\n"

/* ---- how settings and plans are made, in one place ---- */

static struct setting file_setting(enum controller controller, const char *file, const char *value,
                                   unsigned flags, unsigned group) {
        return (struct setting){
                .kind = SETTING_FILE,
                .field = "the.field",
                .file = {.flags = flags,
                         .group = group,
                         .controller = controller,
                         .version = controller == CONTROLLER_CPUSET || controller == CONTROLLER_MEMORY
                                            ? CGROUP_V1
                                            : CGROUP_V2,
                         .name = file,
                         .value = value},
        };
}

static struct setting fallback_setting(const char *file, const char *value, const char *fallback_file,
                                       const char *fallback_value) {
        struct setting setting = file_setting(CONTROLLER_IO, file, value, 0, 0);

        setting.file.fallback = fallback_file;
        setting.file.fallback_value = fallback_value;
        return setting;
}

static struct setting keyed_setting(const char *value, const char *reset, unsigned flags) {
        struct setting setting = file_setting(CONTROLLER_IO, "io.max", value, FILE_KEYED | flags, 0);

        setting.file.reset = reset;
        return setting;
}

#define APPLY(fake, journal, ...)                                                                              \
        ({                                                                                                     \
                struct setting settings_[] = {__VA_ARGS__};                                                    \
                const struct plan plan_ = {.settings = settings_, .count = ARRAY_SIZE(settings_)};             \
                cgroup_apply((fake)->cgroup, &plan_, (journal), &(fake)->error);                               \
        })

static struct oci_resources *parse(const char *text) {
        struct oci_resources *resources = NULL;

        assert_int_equal(
                oci_resources_parse(&(struct oci_text){text, text, strlen(text)}, NULL, NULL, &resources, NULL),
                0);
        return resources;
}

/* The plan for a document, on a host with these controllers on v1. */
static struct plan *plan_v1(const char *document, const char *before) {
        static const struct plan_facts facts = {
                .version = CGROUP_V1,
                .controllers = {[CONTROLLER_CPU] = CGROUP_V1,
                                [CONTROLLER_MEMORY] = CGROUP_V1,
                                [CONTROLLER_CPUSET] = CGROUP_V1},
        };
        _cleanup_(oci_resources_freep) struct oci_resources *resources = NULL, *resources_before = NULL;
        struct plan *plan = NULL;

        resources = parse(document);
        resources_before = before ? parse(before) : NULL;
        assert_int_equal(plan_new(resources, resources_before, &facts, &plan, NULL), 0);
        return plan;
}

static struct fake *start(void) {
        struct fake *fake = fake_start(HOST, "g");

        fake_make_group(fake);
        return fake;
}

/* ---- order ---- */

static void test_order(void **state) {
        struct fake *fake;

        (void)state;
        fake = start();
        fake_put(fake, "v2/g/pids.max", "max\n");
        fake_put(fake, "v2/g/cpu.weight", "100\n");
        fake_put(fake, "mem/g/memory.limit_in_bytes", "1\n");
        assert_int_equal(APPLY(fake, NULL, file_setting(CONTROLLER_PIDS, "pids.max", "7", 0, 0),
                               file_setting(CONTROLLER_MEMORY, "memory.limit_in_bytes", "4096", 0, 0),
                               file_setting(CONTROLLER_CPU, "cpu.weight", "50", 0, 0),
                               file_setting(CONTROLLER_COUNT, "pids.max", "8", 0, 0)),
                         0);
        /* What is no controller's is on the v2 tree. */
        fake_assert_changes(fake, "v2/g/pids.max<7, mem/g/memory.limit_in_bytes<4096, v2/g/cpu.weight<50, "
                                  "v2/g/pids.max<8");
}

/* What is refused is tried again once another of its group went in, however many that takes. */
static void test_rounds(void **state) {
        static const struct fake_answer answers[] = {
                {"a", NULL, EINVAL, NULL, "g/b"}, {"b", NULL, EBUSY, NULL, "g/c"}, {0}};
        struct fake *fake;

        (void)state;
        fake = start();
        for (const char *file = "a"; file[0] <= 'c'; file = file[0] == 'a' ? "b" : file[0] == 'b' ? "c" : "d") {
                char path[] = "v2/g/_";

                path[5] = file[0];
                fake_put(fake, path, "old\n");
        }
        fake->answers = answers;
        assert_int_equal(APPLY(fake, fake->journal, file_setting(CONTROLLER_CPU, "a", "1", 0, 3),
                               file_setting(CONTROLLER_CPU, "b", "2", 0, 3),
                               file_setting(CONTROLLER_CPU, "c", "3", 0, 3)),
                         0);
        fake_assert_changes(fake, "v2/g/a!1, v2/g/b!2, v2/g/c<3, v2/g/a!1, v2/g/b<2, v2/g/a<1");
        fake_forget(fake);
        fake->answers = NULL;
        fake_undo(fake);
        fake_assert_changes(fake, "v2/g/a<old, v2/g/b<old, v2/g/c<old");
}

/* Where no other of the group helps, the first that was refused is the error, and what went in is taken back. */
static void test_rounds_in_vain(void **state) {
        static const struct fake_answer answers[] = {{"a", NULL, EINVAL, NULL, NULL}, {0}};
        struct fake *fake;

        (void)state;
        fake = start();
        fake_put(fake, "v2/g/a", "old\n");
        fake_put(fake, "v2/g/b", "old\n");
        fake->answers = answers;
        assert_int_equal(APPLY(fake, fake->journal, file_setting(CONTROLLER_CPU, "a", "1", 0, 3),
                               file_setting(CONTROLLER_CPU, "b", "2", 0, 3)),
                         -EINVAL);
        fake_assert_error(fake, EXIT_STATUS_FAILED, "the.field: cannot write \"1\" to ");
        fake_assert_changes(fake, "v2/g/a!1, v2/g/b<2, v2/g/a!1");
        fake_undo(fake);
        fake_assert_holds(fake, "v2/g/b", "old");
}

/* Only EINVAL and EBUSY, only within one group, and only there. */
static void test_refused_at_once(void **state) {
        static const struct {
                int errnum;
                unsigned group, other;
        } cases[] = {{EPERM, 3, 3}, {ERANGE, 3, 3}, {EINVAL, 0, 0}, {EINVAL, 3, 4}};

        (void)state;
        for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
                const struct fake_answer answers[] = {{"a", NULL, cases[i].errnum, NULL, "g/b"}, {0}};
                struct fake *fake;

                fake = start();
                fake_put(fake, "v2/g/a", "old\n");
                fake_put(fake, "v2/g/b", "old\n");
                fake->answers = answers;
                assert_int_equal(APPLY(fake, fake->journal,
                                       file_setting(CONTROLLER_CPU, "a", "1", 0, cases[i].group),
                                       file_setting(CONTROLLER_CPU, "b", "2", 0, cases[i].other)),
                                 -cases[i].errnum);
                fake_assert_error(fake, EXIT_STATUS_FAILED, strerror(cases[i].errnum));
                fake_assert_holds(fake, "v2/g/b", "old");
        }
}

/* v1's memory and memory+swap: whichever way the limits go, instead of <= memsw holds after every write, and a kernel
 * that has another idea of the order gets the other one. */
static void test_memory_and_swap(void **state) {
        static const struct fake_answer answers[] = {
                {"memory.memsw.limit_in_bytes", NULL, EINVAL, NULL, "memory.limit_in_bytes"}, {0}};
        _cleanup_(plan_freep) struct plan *up = plan_v1("{\"memory\":{\"limit\":8192,\"swap\":8192}}",
                                                        "{\"memory\":{\"limit\":4096,\"swap\":4096}}");
        _cleanup_(plan_freep) struct plan *down = plan_v1("{\"memory\":{\"limit\":4096,\"swap\":4096}}",
                                                          "{\"memory\":{\"limit\":8192,\"swap\":8192}}");
        struct fake *fake;

        (void)state;
        fake = start();
        fake_put(fake, "mem/g/memory.limit_in_bytes", "4096\n");
        fake_put(fake, "mem/g/memory.memsw.limit_in_bytes", "4096\n");
        assert_int_equal(cgroup_apply(fake->cgroup, up, fake->journal, &fake->error), 0);
        fake_assert_changes(fake, "mem/g/memory.memsw.limit_in_bytes<8192, mem/g/memory.limit_in_bytes<8192");
        fake_undo(fake);
        fake_assert_changes(fake, "mem/g/memory.limit_in_bytes<4096, mem/g/memory.memsw.limit_in_bytes<4096");
        assert_int_equal(cgroup_apply(fake->cgroup, down, fake->journal, &fake->error), 0);
        fake_assert_changes(fake, "mem/g/memory.limit_in_bytes<4096, mem/g/memory.memsw.limit_in_bytes<4096");
        fake->answers = answers;
        assert_int_equal(cgroup_apply(fake->cgroup, up, fake->journal, &fake->error), 0);
        fake_assert_changes(fake, "mem/g/memory.memsw.limit_in_bytes!8192, mem/g/memory.limit_in_bytes<8192, "
                                  "mem/g/memory.memsw.limit_in_bytes<8192");
}

/* ---- roll-back ---- */

/* The latest change first; a file that was written twice holds what it held at first. */
static void test_undo(void **state) {
        static const struct fake_answer answers[] = {{"c", NULL, ERANGE, NULL, NULL}, {0}};
        struct fake *fake;

        (void)state;
        fake = start();
        fake_put(fake, "v2/g/a", "one\n");
        fake_put(fake, "v2/g/b", "\n");
        fake_put(fake, "v2/g/c", "three\n");
        fake->answers = answers;
        assert_int_equal(APPLY(fake, fake->journal, file_setting(CONTROLLER_CPU, "a", "1", 0, 0),
                               file_setting(CONTROLLER_CPU, "b", "2", 0, 0),
                               file_setting(CONTROLLER_CPU, "a", "11", 0, 0),
                               file_setting(CONTROLLER_CPU, "c", "3", 0, 0)),
                         -ERANGE);
        fake_assert_error(fake, EXIT_STATUS_FAILED, "v2/g/c");
        fake_forget(fake);
        fake_undo(fake);
        fake_assert_changes(fake, "v2/g/a<1, v2/g/b<, v2/g/a<one");
}

/* A roll-back goes on behind what cannot be put back, and says what that is; a group that has gone meanwhile needs none. */
static void test_undo_refused(void **state) {
        static const struct fake_answer answers[] = {{"b", "two", EBUSY, NULL, NULL}, {0}};
        static const struct fake_answer gone[] = {{"a", "1", ENODEV, NULL, NULL}, {0}};
        struct fake *fake;

        (void)state;
        fake = start();
        fake_put(fake, "v2/g/a", "one\n");
        fake_put(fake, "v2/g/b", "two\n");
        fake->answers = answers;
        assert_int_equal(APPLY(fake, fake->journal, file_setting(CONTROLLER_CPU, "a", "1", 0, 0),
                               file_setting(CONTROLLER_CPU, "b", "2", 0, 0)),
                         0);
        (void)error_fail(&fake->error, 0, "the reason");
        journal_undo(fake->journal, &fake->error);
        fake_assert_error(fake, EXIT_STATUS_FAILED, "the reason; not undone: cannot put \"two\" back into ");
        fake_assert_holds(fake, "v2/g/a", "one");

        fake_put(fake, "v2/g/a", "1\n");
        fake->answers = NULL;
        assert_int_equal(APPLY(fake, fake->journal, file_setting(CONTROLLER_CPU, "a", "2", 0, 0)), 0);
        fake->answers = gone;
        fake_undo(fake);
}

/* Nothing is read for a group that has just been made. */
static void test_without_journal(void **state) {
        struct fake *fake;

        (void)state;
        fake = start();
        fake_put(fake, "v2/g/a", "one\n");
        assert_int_equal(APPLY(fake, NULL, file_setting(CONTROLLER_CPU, "a", "1", 0, 0)), 0);
        fake_forget(fake);
        fake_undo(fake);
        fake_assert_changes(fake, "");
}

/* The one file that reads otherwise than it is written. */
static void test_oom_control(void **state) {
        struct fake *fake;

        (void)state;
        fake = start();
        for (int disabled = 0; disabled < 2; disabled++) {
                char text[64];

                (void)snprintf(text, sizeof(text), "oom_kill_disable %d\nunder_oom 0\noom_kill 0\n", disabled);
                fake_put(fake, "mem/g/memory.oom_control", text);
                assert_int_equal(APPLY(fake, fake->journal,
                                       file_setting(CONTROLLER_MEMORY, "memory.oom_control", "1", 0, 0)),
                                 0);
                fake_forget(fake);
                fake_undo(fake);
                fake_assert_changes(fake,
                                    disabled ? "mem/g/memory.oom_control<1" : "mem/g/memory.oom_control<0");
        }
}

/* ---- which file ---- */

static void test_fallback(void **state) {
        struct fake *fake;

        (void)state;
        fake = start();
        fake_put(fake, "v2/g/io.weight", "default 100\n");
        assert_int_equal(APPLY(fake, fake->journal,
                               fallback_setting("io.bfq.weight", "500", "io.weight", "default 4950")),
                         0);
        fake_assert_changes(fake, "v2/g/io.weight<default 4950");
        fake_undo(fake);
        fake_assert_changes(fake, "v2/g/io.weight<default 100");
        assert_int_equal(APPLY(fake, NULL, fallback_setting("io.bfq.weight", "500", "io.weight", NULL)), 0);
        fake_assert_changes(fake, "v2/g/io.weight<500");
        /* The file itself, where it is there. */
        fake_put(fake, "v2/g/io.bfq.weight", "100\n");
        assert_int_equal(APPLY(fake, NULL, fallback_setting("io.bfq.weight", "500", "io.weight", NULL)), 0);
        fake_assert_changes(fake, "v2/g/io.bfq.weight<500");
        assert_int_equal(APPLY(fake, NULL, fallback_setting("x", "500", "y", NULL)), -ENOENT);
        fake_assert_error(fake, EXIT_STATUS_FAILED, "v2/g/y: ");
}

static void test_missing(void **state) {
        struct fake *fake;

        (void)state;
        fake = start();
        assert_int_equal(APPLY(fake, fake->journal, file_setting(CONTROLLER_CPU, "x", "1", FILE_MISSING_OK, 0)),
                         0);
        assert_int_equal(APPLY(fake, fake->journal, file_setting(CONTROLLER_CPU, "x", "1", 0, 0)), -ENOENT);
        fake_assert_error(fake, EXIT_STATUS_FAILED, "v2/g/x: No such file or directory");
        fake_assert_changes(fake, "");
}

/* Where the whole group is missing, every file is. */
static void test_no_group(void **state) {
        static const unsigned flags[] = {0, FILE_MISSING_OK, FILE_UNSURE};

        (void)state;
        for (size_t i = 0; i < ARRAY_SIZE(flags); i++) {
                struct fake *fake;

                fake = fake_start(HOST, "g");
                assert_int_equal(
                        APPLY(fake, fake->journal, file_setting(CONTROLLER_CPU, "a", "1", flags[i], 0)),
                        -ENOENT);
                fake_assert_error(fake, EXIT_STATUS_FAILED, "v2/g/a: No such file or directory");
        }
}

/* Neither somebody else's group nor what a link leads to is written to. */
static void test_foreign(void **state) {
        struct fake *fake;
        _cleanup_free_ char *outside = NULL, *link = NULL;

        (void)state;
        fake = start();
        assert_true(asprintf(&outside, "%s/outside", fake->directory) > 0);
        assert_true(asprintf(&link, "%s/v2/g/link", fake->directory) > 0);
        fake_put(fake, "outside", "safe\n");
        assert_int_equal(symlink(outside, link), 0);
        assert_int_equal(APPLY(fake, fake->journal, file_setting(CONTROLLER_CPU, "link", "1", 0, 0)), -ELOOP);
        fake_assert_error(fake, EXIT_STATUS_FAILED, "v2/g/link: ");
        fake_assert_holds(fake, "outside", "safe");

        fake_mkdir(fake, "v2/other");
        fake_put(fake, "v2/other/a", "safe\n");
        assert_int_equal(cgroup_relocate(fake->cgroup, "other"), 0);
        assert_int_equal(APPLY(fake, fake->journal, file_setting(CONTROLLER_CPU, "a", "1", 0, 0)), -EPERM);
        fake_assert_error(fake, EXIT_STATUS_FAILED, "v2/other/a: Operation not permitted");
        fake_assert_holds(fake, "v2/other/a", "safe");
}

/* ---- keyed files ---- */

/* The line of the same key is what comes back: the key is the whole first word. */
static void test_keyed(void **state) {
        static const struct {
                const char *text, *value, *reset, *undone;
        } cases[] = {
                {"8:0 rbps=1 wbps=max\n8:16 rbps=2\n", "8:0 rbps=5", NULL, "v2/g/io.max<8:0 rbps=1 wbps=max"},
                {"8:0 rbps=1\n8:16 rbps=2\n", "8:16 rbps=5", "8:16 rbps=max", "v2/g/io.max<8:16 rbps=2"},
                {"18:0 rbps=1\n8:01 rbps=1\n", "8:0 rbps=5", "8:0 rbps=max", "v2/g/io.max<8:0 rbps=max"},
                {"", "8:0 rbps=5", "8:0 rbps=max", "v2/g/io.max<8:0 rbps=max"},
                {"", "8:0 rbps=5", NULL, ""},
        };

        (void)state;
        for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
                struct fake *fake;

                fake = start();
                fake_put(fake, "v2/g/io.max", cases[i].text);
                assert_int_equal(APPLY(fake, fake->journal, keyed_setting(cases[i].value, cases[i].reset, 0)),
                                 0);
                fake_forget(fake);
                fake_undo(fake);
                fake_assert_changes(fake, cases[i].undone);
        }
}

/* Taking back what may never have been there; but not what the kernel forbids. */
static void test_unsure(void **state) {
        static const int fine[] = {ENOENT, ENODEV, EINVAL};
        struct fake *fake;

        (void)state;
        fake = start();
        fake_put(fake, "v2/g/io.max", "");
        for (size_t i = 0; i < ARRAY_SIZE(fine) + 1; i++) {
                const struct fake_answer answers[] = {
                        {"io.max", NULL, i < ARRAY_SIZE(fine) ? fine[i] : EPERM, NULL, NULL}, {0}};

                fake->answers = answers;
                assert_int_equal(APPLY(fake, fake->journal, keyed_setting("8:0 rbps=max", NULL, FILE_UNSURE)),
                                 i < ARRAY_SIZE(fine) ? 0 : -EPERM);
        }
        fake->answers = NULL;
        fake_assert_error(fake, EXIT_STATUS_FAILED, "v2/g/io.max: Operation not permitted");
}

/* ---- what the kernel holds ---- */

static void test_verify(void **state) {
        const char *page_and_some = "8200", *page = "8192";
        const struct {
                enum controller controller;
                const char *wanted, *held;
                bool arrived;
        } cases[] = {
                {CONTROLLER_CPU, "50", "50", true},
                {CONTROLLER_CPU, "1", "2", false},
                {CONTROLLER_CPU, "300000", "262144", false},
                {CONTROLLER_CPU, "050", "50", true},
                {CONTROLLER_CPU, "max", "whatever", true},
                {CONTROLLER_CPU, "50", "max", false},
                {CONTROLLER_CPU, page_and_some, page, false},
                {CONTROLLER_MEMORY, page_and_some, page, true},
                {CONTROLLER_MEMORY, page_and_some, "4096", false},
        };

        (void)state;
        for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
                const char *path = cases[i].controller == CONTROLLER_CPU ? "v2/g/x" : "mem/g/x";
                const struct fake_answer answers[] = {{"x", cases[i].wanted, 0, cases[i].held, NULL}, {0}};
                struct fake *fake;
                int r;

                if (sysconf(_SC_PAGESIZE) != 4096 && cases[i].wanted == page_and_some)
                        continue;
                fake = start();
                fake_put(fake, path, "old\n");
                fake->answers = answers;
                r = APPLY(
                        fake, fake->journal,
                        file_setting(cases[i].controller, "x", cases[i].wanted,
                                     FILE_VERIFY | (cases[i].controller == CONTROLLER_MEMORY ? FILE_BYTES : 0U),
                                     0));
                if (r != (cases[i].arrived ? 0 : -ERANGE))
                        fail_msg("%s held as %s: %d", cases[i].wanted, cases[i].held, r);
                if (!cases[i].arrived)
                        fake_assert_error(fake, EXIT_STATUS_FAILED, "instead of");
                fake_undo(fake);
                fake_assert_holds(fake, path, "old");
        }
}

/* What nobody asks for is not read back. */
static void test_not_verified(void **state) {
        static const struct fake_answer answers[] = {{"x", NULL, 0, "2", NULL}, {0}};
        struct fake *fake;

        (void)state;
        fake = start();
        fake_put(fake, "v2/g/x", "old\n");
        fake->answers = answers;
        assert_int_equal(APPLY(fake, NULL, file_setting(CONTROLLER_CPU, "x", "1", 0, 0)), 0);
}

static void test_obsolete(void **state) {
        static const struct fake_answer answers[] = {{"x", NULL, EOPNOTSUPP, NULL, NULL}, {0}};
        struct fake *fake;

        (void)state;
        fake = start();
        fake_put(fake, "mem/g/x", "old\n");
        fake->answers = answers;
        assert_int_equal(
                APPLY(fake, fake->journal, file_setting(CONTROLLER_MEMORY, "x", "1", FILE_REFUSED_WARN, 0)), 0);
        (void)fflush(fake->log.stream);
        assert_non_null(strstr(fake->log_text, "the.field: the kernel refuses the obsolete limit x"));
}

/* ---- cpusets ---- */

/* v1: a cpuset without a list takes nobody, so "no list" is the parent's text. */
static void test_inherit_v1(void **state) {
        struct fake *fake;

        (void)state;
        fake = fake_start(HOST, "p/g");
        fake_make_group(fake);
        fake_put(fake, "v1/p/cpuset.cpus", "0-2\n");
        fake_put(fake, "v1/p/g/cpuset.cpus", "1\n");
        assert_int_equal(
                APPLY(fake, fake->journal, file_setting(CONTROLLER_CPUSET, "cpuset.cpus", "", FILE_INHERIT, 0)),
                0);
        fake_assert_changes(fake, "v1/p/g/cpuset.cpus<0-2");
        fake_undo(fake);
        fake_assert_changes(fake, "v1/p/g/cpuset.cpus<1");
}

/* v2: no list, and where an old kernel takes none away, what the parent has in effect. Of the vCPUs' group the parent is the
 * sandbox's. */
static void test_inherit_v2(void **state) {
        static const struct fake_answer old_kernel[] = {{"cpuset.cpus", "", ENOSPC, NULL, NULL}, {0}};
        static const char *const files[] = {"cpuset.cpus", "vcpu/cpuset.cpus"};

        (void)state;
        for (size_t i = 0; i < ARRAY_SIZE(files); i++) {
                struct fake *fake;
                struct setting setting = file_setting(CONTROLLER_CPUSET, files[i], "", FILE_INHERIT, 0);
                _cleanup_free_ char *path = NULL, *plain = NULL, *refused = NULL;

                setting.file.version = CGROUP_V2;
                fake = fake_start("v2 v2 cpuset\n", "p/g");
                fake_make_group(fake);
                fake_mkdir(fake, "v2/p/g/vcpu");
                assert_true(asprintf(&path, "v2/p/g/%s", files[i]) > 0);
                fake_put(fake, path, "1\n");
                fake_put(fake, "v2/p/cpuset.cpus.effective", "0-2\n");
                fake_put(fake, "v2/p/g/cpuset.cpus.effective", "0-1\n");
                assert_int_equal(APPLY(fake, fake->journal, setting), 0);
                assert_true(asprintf(&plain, "%s<", path) > 0);
                fake_assert_changes(fake, plain);
                fake_undo(fake);
                fake_assert_holds(fake, path, "1");
                fake_forget(fake);
                fake->answers = old_kernel;
                assert_int_equal(APPLY(fake, fake->journal, setting), 0);
                assert_true(asprintf(&refused, "%s!, %s<%s", path, path, i == 0 ? "0-2" : "0-1") > 0);
                fake_assert_changes(fake, refused);
        }
}

/* Somebody else is going to change the files: their present texts come back all the same. */
static void test_record(void **state) {
        struct fake *fake;
        struct setting settings[] = {file_setting(CONTROLLER_CPU, "a", "1", 0, 0),
                                     file_setting(CONTROLLER_CPUSET, "cpuset.cpus", "2", FILE_INHERIT, 0)};
        const struct plan plan = {.settings = settings, .count = ARRAY_SIZE(settings)};

        (void)state;
        fake = start();
        fake_put(fake, "v2/g/a", "one\n");
        fake_put(fake, "v1/g/cpuset.cpus", "0-1\n");
        assert_int_equal(cgroup_record(fake->cgroup, &plan, fake->journal, &fake->error), 0);
        fake_put(fake, "v1/g/cpuset.cpus", "2\n");
        fake_undo(fake);
        fake_assert_changes(fake, "v1/g/cpuset.cpus<0-1, v2/g/a<one");
}

/* What somebody else has changed since is to be written again, and only that. */
static void test_compare(void **state) {
        struct fake *fake;
        struct setting settings[] = {
                file_setting(CONTROLLER_CPU, "cpu.weight", "55", 0, 0),
                file_setting(CONTROLLER_MEMORY, "memory.limit_in_bytes", "5000", FILE_BYTES, 0),
                file_setting(CONTROLLER_PIDS, "pids.max", "7", 0, 0),
                file_setting(CONTROLLER_CPU, "write-only", "1", 0, 0),
                keyed_setting("8:0 rbps=1", "8:0 rbps=max", 0)};
        struct plan plan = {.settings = settings, .count = ARRAY_SIZE(settings)};

        (void)state;
        fake = start();
        fake_put(fake, "v2/g/cpu.weight", "100\n");
        fake_put(fake, "mem/g/memory.limit_in_bytes", "4096\n");
        fake_put(fake, "v2/g/pids.max", "7\n");
        fake_put(fake, "v2/g/io.max", "8:16 rbps=1\n");
        plan_set_unchanged(&plan);
        assert_int_equal(cgroup_compare(fake->cgroup, &plan, &fake->error), 0);
        assert_int_equal(cgroup_apply(fake->cgroup, &plan, fake->journal, &fake->error), 0);
        fake_assert_changes(fake, "v2/g/cpu.weight<55, v2/g/io.max<8:0 rbps=1");
}

/* What the kernel does not give back is a warning, in a group of settings, too; what is asked for now is still an error. */
static void test_compare_refused(void **state) {
        static const struct fake_answer answers[] = {
                {"cpuset.cpus", NULL, EINVAL, NULL, NULL}, {"cpu.max.burst", NULL, EINVAL, NULL, NULL}, {0}};
        struct fake *fake;
        struct setting settings[] = {file_setting(CONTROLLER_CPUSET, "cpuset.cpus", "0-1", FILE_INHERIT, 0),
                                     file_setting(CONTROLLER_CPU, "cpu.max", "5 6", 0, 1),
                                     file_setting(CONTROLLER_CPU, "cpu.max.burst", "7", 0, 1)};
        struct plan plan = {.settings = settings, .count = ARRAY_SIZE(settings)};

        (void)state;
        fake = start();
        fake_put(fake, "v1/g/cpuset.cpus", "0\n");
        fake_put(fake, "v2/g/cpu.max", "max 100000\n");
        fake_put(fake, "v2/g/cpu.max.burst", "0\n");
        fake->answers = answers;
        plan_set_unchanged(&plan);
        assert_int_equal(cgroup_compare(fake->cgroup, &plan, &fake->error), 0);
        assert_int_equal(cgroup_apply(fake->cgroup, &plan, fake->journal, &fake->error), 0);
        fake_assert_holds(fake, "v2/g/cpu.max", "5 6");
        settings[0].lost = false;
        assert_true(cgroup_apply(fake->cgroup, &plan, fake->journal, &fake->error) < 0);
}

/* ---- memory.checkBeforeUpdate ---- */

static void test_check_usage(void **state) {
        static const struct {
                const char *limit, *usage;
                bool fine;
        } cases[] = {{"4096", "4096\n", true},
                     {"4096", "4097\n", false},
                     {"-1", "4097\n", true},
                     {"4096", NULL, true}};

        (void)state;
        for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
                struct fake *fake;
                struct setting settings[] = {file_setting(CONTROLLER_MEMORY, "memory.limit_in_bytes",
                                                          cases[i].limit, FILE_CHECK_USAGE, 0)};
                const struct plan plan = {.settings = settings, .count = 1};

                fake = start();
                if (cases[i].usage)
                        fake_put(fake, "mem/g/memory.usage_in_bytes", cases[i].usage);
                assert_int_equal(cgroup_check_usage(fake->cgroup, &plan, &fake->error),
                                 cases[i].fine ? 0 : -EBUSY);
                if (!cases[i].fine)
                        fake_assert_error(fake, EXIT_STATUS_FAILED,
                                          "the.field: 4096 bytes is below the current usage of 4097 bytes");
                fake_assert_changes(fake, "");
        }
}

int main(void) {
        const struct CMUnitTest tests[] = {
                fake_unit_test(test_order),           fake_unit_test(test_rounds),
                fake_unit_test(test_rounds_in_vain),  fake_unit_test(test_refused_at_once),
                fake_unit_test(test_memory_and_swap), fake_unit_test(test_undo),
                fake_unit_test(test_undo_refused),    fake_unit_test(test_without_journal),
                fake_unit_test(test_oom_control),     fake_unit_test(test_fallback),
                fake_unit_test(test_missing),         fake_unit_test(test_no_group),
                fake_unit_test(test_foreign),         fake_unit_test(test_keyed),
                fake_unit_test(test_unsure),          fake_unit_test(test_verify),
                fake_unit_test(test_not_verified),    fake_unit_test(test_obsolete),
                fake_unit_test(test_inherit_v1),      fake_unit_test(test_inherit_v2),
                fake_unit_test(test_record),          fake_unit_test(test_compare),
                fake_unit_test(test_compare_refused), fake_unit_test(test_check_usage),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
