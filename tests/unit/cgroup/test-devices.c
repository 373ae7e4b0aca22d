/* SPDX-License-Identifier: Apache-2.0 */
/* v1's devices: what a list says, and what is written to get from one to the other, and back. */
#include "../test.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "cgroup/devices.h"
#include "fake.h"

/* ---- how settings are made, in one place ---- */

/* `devices`: the specification's, as JSON; NULL: any device may be used. */
static struct device_filter *filter_of(const char *devices) {
        _cleanup_(oci_resources_freep) struct oci_resources *resources = NULL;
        _cleanup_free_ char *document = NULL;
        struct device_filter *filter;

        if (!devices)
                return NULL;
        assert_true(asprintf(&document, "{\"devices\":%s}", devices) > 0);
        assert_int_equal(oci_resources_parse(&(struct oci_text){document, document, strlen(document)}, NULL,
                                             NULL, &resources, NULL),
                         0);
        filter = device_filter_new(&resources->devices);
        assert_non_null(filter);
        return filter;
}

/* Carries it out, after `former`; this is taken over. */
static int apply_after(struct fake *fake, const char *devices, struct device_filter *former, bool unsettled) {
        _cleanup_(device_filter_freep) struct device_filter *filter = filter_of(devices), *before = former;
        const struct setting_devices setting = {
                .version = CGROUP_V1, .filter = filter, .former = before, .unsettled = unsettled};

        return devices_apply(fake->cgroup, &setting, fake->journal, &fake->error);
}

/* `former`: the setting of the plan before; "-": there was none. */
static int apply(struct fake *fake, const char *devices, const char *former) {
        return apply_after(fake, devices, strcmp(former, "-") == 0 ? NULL : filter_of(former), false);
}

static struct fake *start(const char *list) {
        struct fake *fake = fake_start("v1 v1 devices\n", "g");

        fake_make_group(fake);
        fake_put(fake, "v1/g/devices.list", list);
        fake_put(fake, "v1/g/devices.allow", "");
        fake_put(fake, "v1/g/devices.deny", "");
        return fake;
}

#define DENY_ALL "{\"allow\":false,\"access\":\"rwm\"}"
#define ALLOW_ALL "{\"allow\":true,\"access\":\"rwm\"}"
#define NULL_RW "{\"allow\":true,\"type\":\"c\",\"major\":1,\"minor\":3,\"access\":\"rw\"}"
#define ZERO_R "{\"allow\":true,\"type\":\"c\",\"major\":1,\"minor\":5,\"access\":\"r\"}"
#define NO_TTY "{\"allow\":false,\"type\":\"c\",\"major\":5,\"minor\":0,\"access\":\"r\"}"
#define NO_KMSG "{\"allow\":false,\"type\":\"c\",\"major\":1,\"minor\":11,\"access\":\"w\"}"

/* ---- what a list says ---- */

static void test_parse(void **state) {
        static const struct {
                const char *text;
                bool allow;
                size_t count;
                struct device_rule first;
        } cases[] = {
                {"a *:* rwm\n", true, 0, {0}},
                {"", false, 0, {0}},
                {"c 1:3 rw\n", false, 1, {true, 'c', 1, 3, OCI_DEVICE_READ | OCI_DEVICE_WRITE}},
                {"c 1:3 r\nb 8:* rwm\n", false, 2, {true, 'c', 1, 3, OCI_DEVICE_READ}},
                {"b *:* m\n", false, 1, {true, 'b', -1, -1, OCI_DEVICE_MKNOD}},
                {"c 4294967295:0 r\n", false, 1, {true, 'c', 4294967295, 0, OCI_DEVICE_READ}},
                /* What cannot be read is left out. */
                {"c 4294967296:0 r\nc 1:3 r\n", false, 1, {true, 'c', 1, 3, OCI_DEVICE_READ}},
                {"x 1:3 r\nc 1:3\nc 1 r\nc 1:3 x\n\n", false, 0, {0}},
        };

        (void)state;
        for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
                _cleanup_(device_filter_freep) struct device_filter *filter = devices_parse_list(cases[i].text);
                const struct device_rule *wanted = &cases[i].first;

                assert_non_null(filter);
                assert_int_equal(filter->allow, cases[i].allow);
                assert_int_equal(filter->count, cases[i].count);
                if (cases[i].count == 0)
                        continue;
                assert_int_equal(filter->rules[0].type, wanted->type);
                assert_int_equal(filter->rules[0].major, wanted->major);
                assert_int_equal(filter->rules[0].minor, wanted->minor);
                assert_int_equal(filter->rules[0].access, wanted->access);
        }
}

/* ---- what is written ---- */

/* The group of a container manager's parent allows anything: the default is changed, then what may be used is added. */
static void test_from_any(void **state) {
        struct fake *fake = start("a *:* rwm\n");

        (void)state;
        assert_int_equal(apply(fake, "[" DENY_ALL "," NULL_RW "," ZERO_R "]", "-"), 0);
        fake_assert_changes(fake,
                            "v1/g/devices.deny<a, v1/g/devices.allow<c 1:3 rw, v1/g/devices.allow<c 1:5 r");
        /* Back: the kernel's list is by now what was written. */
        fake_put(fake, "v1/g/devices.list", "c 1:3 rw\nc 1:5 r\n");
        fake_undo(fake);
        fake_assert_changes(fake, "v1/g/devices.allow<a");
}

/* Between lists of the same default: allow first, deny then, and only what differs. */
static void test_exceptions(void **state) {
        struct fake *fake = start("c 1:3 rwm\nc 1:7 r\n");

        (void)state;
        assert_int_equal(apply(fake, "[" DENY_ALL "," NULL_RW "," ZERO_R "]", "-"), 0);
        fake_assert_changes(fake,
                            "v1/g/devices.allow<c 1:5 r, v1/g/devices.deny<c 1:3 m, v1/g/devices.deny<c 1:7 r");
        fake_put(fake, "v1/g/devices.list", "c 1:3 rw\nc 1:5 r\n");
        fake_undo(fake);
        fake_assert_changes(
                fake, "v1/g/devices.allow<c 1:3 m, v1/g/devices.allow<c 1:7 r, v1/g/devices.deny<c 1:5 r");
}

static void test_same(void **state) {
        struct fake *fake = start("c 1:3 rw\n");

        (void)state;
        assert_int_equal(apply(fake, "[" DENY_ALL "," NULL_RW "]", "-"), 0);
        fake_assert_changes(fake, "");
}

/* A list of denials does not say which they are: these are known from the plan before. */
static void test_denials(void **state) {
        struct fake *fake = start("a *:* rwm\n");

        (void)state;
        assert_int_equal(apply(fake, "[" ALLOW_ALL "," NO_KMSG "]", "-"), 0);
        fake_assert_changes(fake, "v1/g/devices.deny<c 1:11 w");
        fake_undo(fake);
        fake_assert_changes(fake, "v1/g/devices.allow<c 1:11 w");
        assert_int_equal(apply(fake, NULL, "[" ALLOW_ALL "," NO_KMSG "]"), 0);
        fake_assert_changes(fake, "v1/g/devices.allow<c 1:11 w");
        fake_undo(fake);
        fake_assert_changes(fake, "v1/g/devices.deny<c 1:11 w");
}

/* Where a change was killed half-way, what is denied is not known: all that may be is allowed, and all that is wanted denied, also
 * what may be so already. */
static void test_unsettled(void **state) {
        struct fake *fake = start("a *:* rwm\n");
        _cleanup_(device_filter_freep) struct device_filter *rules =
                filter_of("[" ALLOW_ALL "," NO_KMSG "," NO_TTY "]");
        struct device_filter *perhaps = NULL;

        (void)state;
        assert_int_equal(device_filter_exceptions(rules, &perhaps), 0);
        assert_int_equal(apply_after(fake, "[" ALLOW_ALL "," NO_KMSG "]", perhaps, true), 0);
        fake_assert_changes(fake, "v1/g/devices.allow<c 5:0 r, v1/g/devices.deny<c 1:11 w");
}

/* Any device again. */
static void test_to_any(void **state) {
        struct fake *fake = start("c 1:3 rw\n");

        (void)state;
        assert_int_equal(apply(fake, NULL, "[" DENY_ALL "," NULL_RW "]"), 0);
        fake_assert_changes(fake, "v1/g/devices.allow<a");
        fake_put(fake, "v1/g/devices.list", "a *:* rwm\n");
        fake_undo(fake);
        fake_assert_changes(fake, "v1/g/devices.deny<a, v1/g/devices.allow<c 1:3 rw");
}

/* A parent that denies says so; what had been written before is taken back from what the kernel has of it. */
static void test_refused(void **state) {
        static const struct fake_answer answers[] = {{"devices.allow", "c 1:5 r", EPERM, NULL, NULL}, {0}};
        struct fake *fake = start("");

        (void)state;
        fake->answers = answers;
        assert_int_equal(apply(fake, "[" DENY_ALL "," NULL_RW "," ZERO_R "]", "-"), -EPERM);
        fake_assert_error(fake, EXIT_STATUS_FAILED, "the parent does not allow it");
        fake_assert_changes(fake, "v1/g/devices.allow<c 1:3 rw, v1/g/devices.allow!c 1:5 r");
        fake_put(fake, "v1/g/devices.list", "c 1:3 rw\n");
        fake_undo(fake);
        fake_assert_changes(fake, "v1/g/devices.deny<c 1:3 rw");
}

static void test_no_list(void **state) {
        struct fake *fake = fake_start("v1 v1 devices\n", "g");

        (void)state;
        assert_int_equal(apply(fake, "[" DENY_ALL "]", "-"), -ENOENT);
        fake_assert_error(fake, EXIT_STATUS_FAILED, "v1/g/devices.list: ");
}

int main(void) {
        const struct CMUnitTest tests[] = {
                fake_unit_test(test_parse),   fake_unit_test(test_from_any), fake_unit_test(test_exceptions),
                fake_unit_test(test_same),    fake_unit_test(test_denials),  fake_unit_test(test_to_any),
                fake_unit_test(test_refused), fake_unit_test(test_no_list),  fake_unit_test(test_unsettled),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
