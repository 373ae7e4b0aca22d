/* SPDX-License-Identifier: Apache-2.0 */
/* pids, hugepageLimits, network.priorities, rdma */
#include "plan/field_plans.h"

#include <inttypes.h>
#include <string.h>

int plan_pids(struct builder *builder, const struct field_row *row) {
        int64_t limit;
        bool given = field_value(row, builder->resources, &limit);
        int r;

        /* systemd has no 0, and unit and file must agree. */
        if (given && limit == 0)
                limit = 1;
        /* Not given means not limited: without the property systemd would apply DefaultTasksMax= to the scope. */
        r = builder_property_number(builder, row->path, row->controller, builder_row_property(builder, row),
                                    given ? builder_property_limit(limit) : UINT64_MAX);
        if (r < 0 || !given || builder_is_moot(builder, row, limit))
                return r;
        /* "max" on both versions. */
        return limit < 0 ? builder_add_text(builder, row, 0, "max")
                         : builder_add_number(builder, row, 0, limit);
}

static int check_page_size(struct builder *builder, const struct field_row *row, const char *size) {
        const char *sizes = builder->facts->hugepage_sizes ? builder->facts->hugepage_sizes : "";
        size_t length = strlen(size);

        for (const char *word = sizes; *word; word += strcspn(word, " "), word += strspn(word, " "))
                if (strncmp(word, size, length) == 0 && (word[length] == ' ' || word[length] == '\0'))
                        return 0;
        return error_refuse(builder->error, row->path, "\"%s\" is not a page size of this host, which has %s",
                            size, sizes[0] != '\0' ? sizes : "none");
}

/* The name of a file whose pattern has SIZE in it. */
static const char *file_for_size(struct builder *builder, const char *pattern, const char *size) {
        const char *place = strstr(pattern, "SIZE");

        return builder_text(builder, "%.*s%s%s", (int)(place - pattern), pattern, size, place + strlen("SIZE"));
}

static int add_hugepage_limit(struct builder *builder, const struct field_row *row, enum cgroup_version version,
                              const struct oci_hugepage *page, const char *pattern, unsigned flags) {
        struct setting_file file = builder_file(row, version);

        file.name = file_for_size(builder, pattern, page->page_size);
        file.value = builder_text(builder, "%" PRIu64, page->limit.value);
        file.reset = version == CGROUP_V1 ? "-1" : "max";
        file.flags |= flags;
        return builder_add_file(builder, row->path, &file);
}

/* The limit of use, and the limit of reservations if the kernel has it (from Linux 5.7 on). */
int plan_hugepages(struct builder *builder, const struct field_row *row) {
        const struct oci_hugepage *pages = builder->resources->hugepages.items;

        for (size_t i = 0; i < builder->resources->hugepages.count; i++) {
                const struct field_file *files;
                enum cgroup_version version;
                int r;

                r = builder_version(builder, row, &version);
                if (r == 0)
                        r = check_page_size(builder, row, pages[i].page_size);
                if (r < 0)
                        return r;
                files = builder_row_file(row, version);
                r = add_hugepage_limit(builder, row, version, &pages[i], files->name, 0);
                if (r == 0)
                        r = add_hugepage_limit(builder, row, version, &pages[i], files->also, FILE_MISSING_OK);
                if (r < 0)
                        return r;
        }
        return 0;
}

int plan_priorities(struct builder *builder, const struct field_row *row) {
        const struct oci_array *priorities = &builder->resources->network.priorities;
        const struct oci_priority *priority = priorities->items;
        int r = 0;

        for (size_t i = 0; r == 0 && i < priorities->count; i++)
                r = builder_add_line(
                        builder, row, row->v1.name,
                        builder_text(builder, "%s %" PRIu64, priority[i].name, priority[i].priority.value),
                        builder_text(builder, "%s 0", priority[i].name));
        return r;
}

int plan_rdma(struct builder *builder, const struct field_row *row) {
        const struct oci_rdma *devices = builder->resources->rdma.items;
        int r = 0;

        for (size_t i = 0; r == 0 && i < builder->resources->rdma.count; i++) {
                const char *handles =
                        devices[i].hca_handles.given
                                ? builder_text(builder, " hca_handle=%" PRIu64, devices[i].hca_handles.value)
                                : "";
                const char *objects =
                        devices[i].hca_objects.given
                                ? builder_text(builder, " hca_object=%" PRIu64, devices[i].hca_objects.value)
                                : "";

                r = builder_add_line(
                        builder, row, row->v2.name,
                        handles && objects ? builder_text(builder, "%s%s%s", devices[i].name, handles, objects)
                                           : NULL,
                        builder_text(builder, "%s hca_handle=max hca_object=max", devices[i].name));
        }
        return r;
}
