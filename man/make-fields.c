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

static void print_version(const char *name, const struct field_file *file,
                          const struct field_property *property) {
        if (!file->name) {
                printf("%s: %s.\n", name,
                       file->ignored ? "ignored, with a warning"
                       : file->refused && file->has_harmless
                               ? "refused unless it asks for what holds there anyway"
                       : file->refused ? "refused"
                                       : "none");
                return;
        }
        printf("%s:\n.Pa %s", name, file->name);
        if (file->also)
                printf(" and\n.Pa %s", file->also);
        if (file->fallback)
                printf(" , where the kernel lacks it\n.Pa %s", file->fallback);
        if (property->name)
                printf(" ,\nunit property\n.Li %s", property->name);
        if (property->name && property->since > 0)
                printf("\nfrom systemd %u on", property->since);
        puts(property->name && property->since > 0 ? "." : " .");
}

static void print_fields(void) {
        const struct field_row *rows;
        size_t count;

        rows = field_rows(&count);
        puts(".Bl -tag -width Ds");
        for (size_t i = 0; i < count; i++) {
                printf(".It Va %s\n", rows[i].path);
                if (rows[i].v1.name || rows[i].v2.name) {
                        print_version("v1", &rows[i].v1, &rows[i].property_v1);
                        print_version("v2", &rows[i].v2, &rows[i].property_v2);
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
