/* SPDX-License-Identifier: Apache-2.0 */
/* Which of systemd's units are a sandbox's, by their descriptions. */
#include "../test.h"

#include <string.h>

#include "manager/prune.h"

#define TOKEN "0123456789abcdef0123456789abcdef"

static void test_descriptions(void **state) {
        static const struct {
                const char *description, *id, *token; /* id: NULL where it is none */
        } cases[] = {
                {"kata-cgroup sandbox of sb1 " TOKEN, "sb1", TOKEN},
                {"kata-cgroup overhead of a.b-c " TOKEN, "a.b-c", TOKEN},
                /* An older build's. */
                {"kata-cgroup sandbox of sb1", "sb1", ""},
                {"kata-cgroup sandbox of sb1 " TOKEN "0", NULL, NULL},
                {"kata-cgroup sandbox of sb1 and others", NULL, NULL},
                {"kata-cgroup sandbox of ", NULL, NULL},
                {"kata-cgroup sandbox of  " TOKEN, NULL, NULL},
                {"kata-cgroup friend of sb1 " TOKEN, NULL, NULL},
                {"a kata-cgroup sandbox of sb1 " TOKEN, NULL, NULL},
                {"", NULL, NULL},
        };

        (void)state;
        for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
                const char *id, *token;
                size_t length;

                if (manager_is_sandbox_unit(cases[i].description, &id, &length, &token) != !!cases[i].id)
                        fail_msg("\"%s\"", cases[i].description);
                if (!cases[i].id)
                        continue;
                assert_int_equal(length, strlen(cases[i].id));
                assert_memory_equal(id, cases[i].id, length);
                assert_string_equal(token, cases[i].token);
        }
}

int main(void) {
        const struct CMUnitTest tests[] = {cmocka_unit_test(test_descriptions)};

        return cmocka_run_group_tests(tests, NULL, NULL);
}
