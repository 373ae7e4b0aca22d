/* SPDX-License-Identifier: Apache-2.0 */
/* Text from outside on a line: nothing that drives a terminal gets through, and nothing is longer than a line may be. */
#include "../test.h"

#include <string.h>

#include "util/cleanup.h"
#include "util/text.h"

static void check(const char *text, const char *wanted) {
        _cleanup_free_ char *line = text_one_line(text, TEXT_LINE_MAX);

        assert_string_equal(line, wanted);
}

/* Every kind of control character, in its valid form and as a stray byte. */
static void test_controls(void **state) {
        (void)state;
        check("", "");
        check("plain", "plain");
        check("a\nb\tc\x1b[31m\x7f", "a\\x0ab\\x09c\\x1b[31m\\x7f");
        check("\xc2\x9b"
              "31m",
              "\\xc2\\x9b"
              "31m"); /* CSI of C1 */
        check("\x9b"
              "31m",
              "\\x9b"
              "31m");
        check("\xe2\x80\xa8 \xe2\x80\xa9",
              "\\xe2\\x80\\xa8 \\xe2\\x80\\xa9");                            /* line and paragraph separator */
        check("\xe2\x80\xae\xe2\x81\xa9", "\\xe2\\x80\\xae\\xe2\\x81\\xa9"); /* override, end of isolate */
        check("\xd8\x9c\xe2\x80\x8e\xe2\x80\x8f",
              "\\xd8\\x9c\\xe2\\x80\\x8e\\xe2\\x80\\x8f"); /* marks: Arabic letter, left-to-right, right-to-left */
        check("\xe2\x80\x8d", "\xe2\x80\x8d");             /* a joiner of characters is none of them */
        check("C:\\x", "C:\\x");
}

/* RFC 3629: what is valid stays, what is not is shown byte by byte. */
static void test_utf8(void **state) {
        (void)state;
        check("\xc3\xa9\xe2\x82\xac\xf0\x9f\x90\xa7", "\xc3\xa9\xe2\x82\xac\xf0\x9f\x90\xa7");
        check("\xc2\xa0", "\xc2\xa0");
        check("\xff\xfe", "\\xff\\xfe");
        check("\xc0\xaf", "\\xc0\\xaf"); /* longer than it need be */
        check("\xe0\x80\xaf", "\\xe0\\x80\\xaf");
        check("\xed\xa0\x80", "\\xed\\xa0\\x80");          /* a surrogate */
        check("\xf4\x90\x80\x80", "\\xf4\\x90\\x80\\x80"); /* beyond U+10FFFF */
        check("\xe2\x82", "\\xe2\\x82");                   /* cut off */
        check("\xf8\x88\x80\x80\x80", "\\xf8\\x88\\x80\\x80\\x80");
}

/* The beginning and the end stay, and no character is cut. */
static void test_length(void **state) {
        _cleanup_free_ char *line = NULL;
        char text[30001];

        (void)state;
        for (size_t i = 0; i < 10000; i++)
                memcpy(text + 3 * i, "\xe2\x82\xac", 3);
        memcpy(text, "begin", 5);
        memcpy(text + 5, "+", 1); /* the characters begin at multiples of 3 */
        memcpy(text + 29997, "end", 4);
        line = text_one_line(text, 1000);
        assert_true(strlen(line) < 1040);
        assert_memory_equal(line, "begin+\xe2\x82\xac", 9);
        assert_non_null(strstr(line, "\xe2\x82\xac [... 2"));
        assert_non_null(strstr(line, " bytes ...] \xe2\x82\xac"));
        assert_string_equal(line + strlen(line) - 6, "\xe2\x82\xac"
                                                     "end");
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_controls),
                cmocka_unit_test(test_utf8),
                cmocka_unit_test(test_length),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
