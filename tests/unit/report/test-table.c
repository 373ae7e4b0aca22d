/* SPDX-License-Identifier: Apache-2.0 */
/* Tables: as wide as they must be, in columns of a terminal, and with nothing in them that could drive it. */
#include "../test.h"

#include <locale.h>
#include <string.h>

#include "report/listing.h"
#include "report/table.h"

/* Three columns, the second to the right. */
static char *draw(const char *const (*rows)[3], size_t count) {
        static const char *const headings[] = {"ID", ">CPU", "PATH"};
        struct table *table = table_new(headings, 3);
        char *text = NULL;
        size_t size;
        FILE *stream = open_memstream(&text, &size);

        assert_non_null(table);
        for (size_t i = 0; i < count; i++)
                assert_int_equal(table_add(table, rows[i]), 0);
        table_write(table, stream);
        assert_int_equal(fclose(stream), 0);
        table_free(table);
        return text;
}

static void test_widths(void **state) {
        static const char *const rows[][3] = {
                {"a-long-name", "1", "a/b"}, {"b", "100.0%", NULL}, {"c", NULL, ""}};
        _cleanup_free_ char *text = draw(rows, 3), *empty = draw(rows, 0);

        (void)state;
        assert_string_equal(text, "ID              CPU  PATH\n"
                                  "a-long-name       1  a/b\n"
                                  "b            100.0%  -\n"
                                  "c                 -\n");
        assert_string_equal(empty, "ID  CPU  PATH\n");
}

/* Two columns for a character of Chinese, one for an umlaut; without UTF-8 a byte is a column. */
static void test_characters(void **state) {
        static const char *const rows[][3] = {
                {"\u4f60\u597d", "1", "x"}, {"\u00fc", "2", "y"}, {"\033[2J", "3", "z\n"}};
        _cleanup_free_ char *bytes = NULL, *utf8 = NULL;

        (void)state;
        bytes = draw(rows, 1);
        assert_string_equal(bytes, "ID      CPU  PATH\n\u4f60\u597d    1  x\n");
        if (!setlocale(LC_CTYPE, "C.UTF-8"))
                skip();
        utf8 = draw(rows, 3);
        (void)setlocale(LC_CTYPE, "C");
        assert_string_equal(utf8, "ID       CPU  PATH\n"
                                  "\u4f60\u597d       1  x\n"
                                  "\u00fc          2  y\n"
                                  "\\x1b[2J    3  z\\x0a\n");
}

static char *list(const char *sandboxes) {
        json_t *json = json_loads(sandboxes, 0, NULL);
        char *text = NULL;
        size_t size;
        FILE *stream = open_memstream(&text, &size);

        assert_non_null(json);
        assert_int_equal(listing_write(stream, json), 0);
        assert_int_equal(fclose(stream), 0);
        json_decref(json);
        return text;
}

/* What is wrong has a column only where something is. */
static void test_listing(void **state) {
        static const char good[] =
                "{\"id\":\"a\",\"driver\":\"cgroupfs\",\"phase\":\"ready\",\"exists\":true,\"cgroupsPath\":"
                "\"p/a\",\"problem\":null,\"cpuUsageUsec\":61000000,\"memoryCurrent\":null}";
        _cleanup_free_ char *both = NULL, *fine = NULL, *wrong = NULL;

        (void)state;
        assert_true(asprintf(&both, "[%s,{\"id\":\"broken\",\"error\":\"not valid JSON\"}]", good) > 0);
        wrong = list(both);
        assert_string_equal(wrong, "ID      DRIVER    PHASE   CGROUPS    CPU  MEMORY  PATH  PROBLEM\n"
                                   "a       cgroupfs  ready   yes      1m01s       -  p/a\n"
                                   "broken  -         broken  -            -       -  -     not valid JSON\n");
        free(both);
        assert_true(asprintf(&both, "[%s]", good) > 0);
        fine = list(both);
        assert_string_equal(fine, "ID  DRIVER    PHASE  CGROUPS    CPU  MEMORY  PATH\n"
                                  "a   cgroupfs  ready  yes      1m01s       -  p/a\n");
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_widths),
                cmocka_unit_test(test_characters),
                cmocka_unit_test(test_listing),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
