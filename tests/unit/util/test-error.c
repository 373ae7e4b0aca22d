/* SPDX-License-Identifier: Apache-2.0 */
#include "../test.h"

#include <errno.h>
#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#include "util/cleanup.h"
#include "util/error.h"
#include "util/log.h"

/* The first error is the cause and stays; what follows while clearing up is appended to it. */
static void test_first_stays(void **state) {
        _cleanup_error_ struct error error = ERROR_INIT;

        (void)state;
        assert_int_equal(error_fail(&error, ENOENT, "a %s", "file"), -ENOENT);
        assert_int_equal(error_refuse(&error, "field", "something else"), -EINVAL);
        assert_int_equal(error.status, EXIT_STATUS_FAILED);
        assert_null(error.field);
        assert_string_equal(error.message, "a file: No such file or directory");
        error_append(&error, "and %d", 2);
        assert_string_equal(error.message, "a file: No such file or directory; and 2");
}

/* Who returns a failure returns less than 0, whatever the errno was. */
static void test_negative(void **state) {
        (void)state;
        assert_int_equal(error_fail(NULL, 0, "no errno"), -EIO);
        assert_int_equal(error_fail(NULL, -ENOENT, "negated twice"), -EIO);
        assert_int_equal(error_negative(-ENOENT), -ENOENT);
        assert_int_equal(error_negative(0), -EIO);
}

/* Whatever a message or its field quotes, it is one line. */
static void test_one_line(void **state) {
        _cleanup_error_ struct error error = ERROR_INIT;

        (void)state;
        error_refuse(&error, "f\ng\x7f", "a\nb\033[1mc");
        assert_string_equal(error.message, "a\\x0ab\\x1b[1mc");
        assert_string_equal(error.field, "f\\x0ag\\x7f");
        assert_int_equal(error.status, EXIT_STATUS_REFUSED);
}

/* Log collectors get one object a line, with code and field for errors. */
static void test_json_log(void **state) {
        _cleanup_error_ struct error error = ERROR_INIT;
        _cleanup_free_ char *text = NULL;
        _cleanup_json_ json_t *line = NULL;
        size_t size = 0;
        struct log log = {.stream = open_memstream(&text, &size), .json = true};

        (void)state;
        error_refuse(&error, "cpu.cpus", "not \"a\" list");
        log_error(&log, &error);
        fclose(log.stream);
        assert_int_equal(text[size - 1], '\n');
        line = json_loads(text, JSON_REJECT_DUPLICATES, NULL);
        assert_non_null(line);
        assert_string_equal(json_string_value(json_object_get(line, "level")), "error");
        assert_string_equal(json_string_value(json_object_get(line, "msg")), "cpu.cpus: not \"a\" list");
        assert_string_equal(json_string_value(json_object_get(line, "field")), "cpu.cpus");
        assert_int_equal(json_integer_value(json_object_get(line, "code")), 5);
        assert_int_equal(strlen(json_string_value(json_object_get(line, "time"))), 27);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_first_stays),
                cmocka_unit_test(test_negative),
                cmocka_unit_test(test_one_line),
                cmocka_unit_test(test_json_log),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
