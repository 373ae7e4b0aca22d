/* SPDX-License-Identifier: Apache-2.0 */
/*
 * make-fields < kata-cgroup-resources.7.in > kata-cgroup-resources.7
 *
 * Puts the table of fields, from lib/plan/field.c, where the template says @FIELDS@: the manual, `features`
 * and the code cannot disagree.
 */
#include <ctype.h>
#include <stdio.h>
#include <string.h>

#include "plan/field.h"

static void print_version(const char *name, const char *file, const char *property) {
        if (!file) {
                printf("%s: none.\n", name);
                return;
        }
        printf("%s:\n.Pa %s", name, file);
        if (property)
                printf(" ,\nunit property\n.Li %s", property);
        puts(" .");
}

static void print_fields(void) {
        const struct field_row *rows;
        size_t count;

        rows = field_rows(&count);
        puts(".Bl -tag -width Ds");
        for (size_t i = 0; i < count; i++) {
                printf(".It Va %s\n", rows[i].path);
                if (rows[i].v1 || rows[i].v2) {
                        print_version("v1", rows[i].v1, rows[i].property_v1);
                        print_version("v2", rows[i].v2, rows[i].property_v2);
                }
                if (rows[i].note)
                        printf("%c%s.\n", toupper((unsigned char)rows[i].note[0]), rows[i].note + 1);
        }
        puts(".El");
}

int main(void) {
        char line[4096];

        while (fgets(line, sizeof(line), stdin)) {
                if (strcmp(line, "@FIELDS@\n") == 0)
                        print_fields();
                else
                        fputs(line, stdout);
        }
        return ferror(stdin) || fflush(stdout) != 0;
}
