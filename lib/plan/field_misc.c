/* SPDX-License-Identifier: Apache-2.0 */
/* pids, hugepageLimits, network, rdma */
#include "plan/field_plans.h"

#include <inttypes.h>
#include <string.h>

int plan_pids(struct builder *builder, const struct field_row *row) {
        const struct oci_i64 *limit = &builder->resources->pids.limit;
        /* systemd has no 0, and unit and file have to agree. */
        int64_t value = limit->value == 0 ? 1 : limit->value;
        int r;

        /* What is not given is not limited: systemd would put DefaultTasksMax= on the scope. */
        r = builder_u64(builder, row, builder_property(builder, row), 0,
                        limit->given ? builder_property_limit(value) : UINT64_MAX);
        if (r < 0 || !limit->given)
                return r;
        if (value < 0) {
                enum cgroup_version version;

                r = builder_version(builder, row, &version);
                return r < 0 ? r : builder_file(builder, row, 0, GROUP_NONE, "max");
        }
        return builder_limit(builder, row, 0, GROUP_NONE, value);
}

static int check_page_size(struct builder *builder, const char *size) {
        const char *sizes = builder->facts->hugepage_sizes ? builder->facts->hugepage_sizes : "";
        size_t length = strlen(size);

        for (const char *word = sizes; *word; word += strcspn(word, " "), word += strspn(word, " "))
                if (strncmp(word, size, length) == 0 && (word[length] == ' ' || word[length] == '\0'))
                        return 0;
        return error_refuse(builder->error, "hugepageLimits",
                            "\"%s\" is not a page size of this host, which has %s", size,
                            sizes[0] != '\0' ? sizes : "none");
}

static int add_hugepage_limit(struct builder *builder, const struct field_row *row, enum cgroup_version version,
                              const struct oci_hugepage *page, const char *infix, unsigned flags) {
        struct setting setting = builder_setting(row, version);

        setting.file = builder_text(builder, "hugetlb.%s%s.%s", page->page_size, infix,
                                    version == CGROUP_V1 ? "limit_in_bytes" : "max");
        setting.value = builder_text(builder, "%" PRIu64, page->limit.value);
        setting.reset = version == CGROUP_V1 ? "-1" : "max";
        setting.flags = flags;
        return builder_add(builder, &setting);
}

/* The limit on use, and the one on reservations where the kernel has it (from 5.7 on). */
int plan_hugepages(struct builder *builder, const struct field_row *row) {
        const struct oci_hugepage *pages = builder->resources->hugepages.items;

        for (size_t i = 0; i < builder->resources->hugepages.count; i++) {
                enum cgroup_version version;
                int r;

                r = builder_version(builder, row, &version);
                if (r == 0)
                        r = check_page_size(builder, pages[i].page_size);
                if (r == 0)
                        r = add_hugepage_limit(builder, row, version, &pages[i], "", 0);
                if (r == 0)
                        r = add_hugepage_limit(builder, row, version, &pages[i], ".rsvd", SETTING_MISSING_OK);
                if (r < 0)
                        return r;
        }
        return 0;
}

/* Both belong to v1; v2 has them as eBPF programs of somebody else's. */
static int check_network(struct builder *builder, const struct field_row *row) {
        enum cgroup_version version;

        if (builder->facts->version == CGROUP_V2)
                return builder_refuse_on_v2(builder, row, "such controller");
        return builder_version(builder, row, &version);
}

int plan_class_id(struct builder *builder, const struct field_row *row) {
        const struct oci_u64 *class_id = &builder->resources->network.class_id;
        int r;

        if (!class_id->given)
                return 0;
        r = check_network(builder, row);
        return r < 0 ? r : builder_limit(builder, row, 0, GROUP_NONE, (int64_t)class_id->value);
}

int plan_priorities(struct builder *builder, const struct field_row *row) {
        const struct oci_array *priorities = &builder->resources->network.priorities;
        const struct oci_priority *priority = priorities->items;
        int r = 0;

        if (priorities->count > 0)
                r = check_network(builder, row);
        for (size_t i = 0; r == 0 && i < priorities->count; i++)
                r = builder_keyed(
                        builder, row, row->v1,
                        builder_text(builder, "%s %" PRIu64, priority[i].name, priority[i].priority.value),
                        builder_text(builder, "%s 0", priority[i].name));
        return r;
}

int plan_rdma(struct builder *builder, const struct field_row *row) {
        const struct oci_rdma *devices = builder->resources->rdma.items;
        enum cgroup_version version;
        int r = 0;

        if (builder->resources->rdma.count > 0)
                r = builder_version(builder, row, &version);
        for (size_t i = 0; r == 0 && i < builder->resources->rdma.count; i++) {
                const char *handles =
                        devices[i].hca_handles.given
                                ? builder_text(builder, " hca_handle=%" PRIu64, devices[i].hca_handles.value)
                                : "";
                const char *objects =
                        devices[i].hca_objects.given
                                ? builder_text(builder, " hca_object=%" PRIu64, devices[i].hca_objects.value)
                                : "";

                r = builder_keyed(builder, row, row->v2,
                                  handles && objects
                                          ? builder_text(builder, "%s%s%s", devices[i].name, handles, objects)
                                          : NULL,
                                  builder_text(builder, "%s hca_handle=max hca_object=max", devices[i].name));
        }
        return r;
}
