/* SPDX-License-Identifier: Apache-2.0 */
/* Whose a directory is, by what its mark says. */
#include "../test.h"

#include <string.h>

#include "cgroup/owner.h"

#define TOKEN "0123456789abcdef0123456789abcdef"
#define OTHER_TOKEN "ffffffffffffffffffffffffffffffff"

/* The ID alone is not enough: the token says which life of it. Only who has lost the state goes by the ID. */
static void test_named(void **state) {
        static const struct {
                const char *token;
                bool any_life;
                const char *text;
                bool own;
        } cases[] = {
                {TOKEN, false, "sb " TOKEN, true},
                {TOKEN, false, "sb " OTHER_TOKEN, false},
                {TOKEN, false, "sb", false},
                {TOKEN, false, "sb ", false},
                {TOKEN, false, "sbx " TOKEN, false},
                {TOKEN, false, "s " TOKEN, false},
                {TOKEN, false, "", false},
                {TOKEN, false, "/", false},
                {TOKEN, false, "sb " TOKEN "0", false},
                /* An older build's sandbox. */
                {"", false, "sb", true},
                {"", false, "sb " TOKEN, false},
                {"", true, "sb", true},
                {"", true, "sb " TOKEN, true},
                {"", true, "sb2 " TOKEN, false},
                {"", true, "other", false},
        };

        (void)state;
        for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
                struct owner owner = {.id = (char *)"sb", .any_life = cases[i].any_life};

                strcpy(owner.token, cases[i].token);
                if (owner_is_named(&owner, cases[i].text) != cases[i].own)
                        fail_msg("\"%s\" of token \"%s\"", cases[i].text, cases[i].token);
        }
}

static void test_token(void **state) {
        char one[OWNER_TOKEN_SIZE], two[OWNER_TOKEN_SIZE];

        (void)state;
        assert_int_equal(owner_make_token(one, NULL), 0);
        assert_int_equal(owner_make_token(two, NULL), 0);
        assert_true(owner_token_is_valid(one));
        assert_string_not_equal(one, two);
        assert_false(owner_token_is_valid(""));
        assert_false(owner_token_is_valid(TOKEN "0"));
        assert_false(owner_token_is_valid("0123456789abcdefg123456789abcdef"));
}

/* Another sandbox's ID is named; one of the same ID is told apart. */
static void test_describe(void **state) {
        struct owner owner = {.id = (char *)"sb"};
        _cleanup_free_ char *other = owner_describe(&owner, OWNERSHIP_OTHER, "b " TOKEN);
        _cleanup_free_ char *same = owner_describe(&owner, OWNERSHIP_OTHER, "sb " TOKEN);
        _cleanup_free_ char *none = owner_describe(&owner, OWNERSHIP_NONE, "");

        (void)state;
        assert_string_equal(other, "it is of \"b\"");
        assert_string_equal(same, "it is of another \"sb\" (of another --root, or of an earlier life)");
        assert_string_equal(none, "it has no mark");
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_named),
                cmocka_unit_test(test_token),
                cmocka_unit_test(test_describe),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
