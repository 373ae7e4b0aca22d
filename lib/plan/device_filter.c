/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Device rules as a default with exceptions
 *
 * Subtle: OCI's rules are ordered and the last match wins, but exceptions have no order. A later rule therefore takes its
 * accesses out of earlier exceptions that it covers, and a rule that covers only a part of one cannot be expressed.
 */
#include "plan/device_filter.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

struct device_filter *device_filter_free(struct device_filter *filter) {
        if (!filter)
                return NULL;
        free(filter->rules);
        free(filter);
        return NULL;
}

static struct device_filter *filter_with_room(size_t count) {
        struct device_filter *filter = calloc(1, sizeof(*filter));

        if (!filter)
                return NULL;
        filter->rules = calloc(count + 1, sizeof(*filter->rules));
        return filter->rules ? filter : device_filter_free(filter);
}

static bool is_all(const struct oci_device *rule) {
        return !rule->type || rule->type[0] == 'a';
}

static int64_t number_of(const struct oci_i64 *number) {
        return number->given ? number->value : -1;
}

struct device_filter *device_filter_new(const struct oci_array *devices) {
        const struct oci_device *device = devices->items;
        struct device_filter *filter = filter_with_room(devices->count);

        for (size_t i = 0; filter && i < devices->count; i++) {
                if (is_all(&device[i])) {
                        filter->allow = device[i].allow.value;
                        filter->count = 0;
                        continue;
                }
                filter->rules[filter->count++] = (struct device_rule){
                        .allow = device[i].allow.value,
                        .type = device[i].type[0],
                        .major = number_of(&device[i].major),
                        .minor = number_of(&device[i].minor),
                        .access = oci_device_access(&device[i]),
                };
        }
        return filter;
}

struct device_filter *device_filter_copy(const struct device_filter *filter) {
        struct device_filter *copy = filter_with_room(filter->count);

        if (!copy)
                return NULL;
        copy->allow = filter->allow;
        copy->count = filter->count;
        if (filter->count > 0)
                memcpy(copy->rules, filter->rules, filter->count * sizeof(*filter->rules));
        return copy;
}

int device_filter_append(struct device_filter *filter, const struct device_filter *other) {
        struct device_rule *larger =
                reallocarray(filter->rules, filter->count + other->count + 1, sizeof(*larger));

        if (!larger)
                return -ENOMEM;
        filter->rules = larger;
        for (size_t i = 0; i < other->count; i++)
                larger[filter->count++] = other->rules[i];
        return 0;
}

static bool same_rule(const struct device_rule *a, const struct device_rule *b) {
        return a->allow == b->allow && a->type == b->type && a->major == b->major && a->minor == b->minor &&
               a->access == b->access;
}

bool device_filter_equal(const struct device_filter *a, const struct device_filter *b) {
        if (!a || !b)
                return a == b;
        if (a->allow != b->allow || a->count != b->count)
                return false;
        for (size_t i = 0; i < a->count; i++)
                if (!same_rule(&a->rules[i], &b->rules[i]))
                        return false;
        return true;
}

bool device_rule_includes(const struct device_rule *outer, const struct device_rule *inner) {
        return outer->type == inner->type && (outer->major < 0 || outer->major == inner->major) &&
               (outer->minor < 0 || outer->minor == inner->minor);
}

static bool intersect(const struct device_rule *a, const struct device_rule *b) {
        return a->type == b->type && (a->major < 0 || b->major < 0 || a->major == b->major) &&
               (a->minor < 0 || b->minor < 0 || a->minor == b->minor);
}

/* Removes the rule's access from the exceptions that it includes. */
static int take_away(struct device_filter *filter, const struct device_rule *rule) {
        size_t kept = 0;

        for (size_t i = 0; i < filter->count; i++) {
                struct device_rule *exception = &filter->rules[i];

                if (device_rule_includes(rule, exception))
                        exception->access &= ~rule->access;
                else if (intersect(rule, exception) && (rule->access & exception->access) != 0)
                        return -EOPNOTSUPP;
                if (exception->access != 0)
                        filter->rules[kept++] = *exception;
        }
        filter->count = kept;
        return 0;
}

static void add_exception(struct device_filter *filter, const struct device_rule *rule) {
        for (size_t i = 0; i < filter->count; i++)
                if (device_rule_includes(&filter->rules[i], rule) &&
                    device_rule_includes(rule, &filter->rules[i])) {
                        filter->rules[i].access |= rule->access;
                        return;
                }
        filter->rules[filter->count++] = *rule;
}

/* The kernel allows an access only if a single exception covers all of it, so included exceptions get the wider access. */
static void widen(struct device_filter *filter) {
        for (size_t i = 0; i < filter->count; i++)
                for (size_t k = 0; k < filter->count; k++)
                        if (k != i && device_rule_includes(&filter->rules[k], &filter->rules[i]))
                                filter->rules[i].access |= filter->rules[k].access;
}

int device_filter_exceptions(const struct device_filter *filter, struct device_filter **out) {
        _cleanup_(device_filter_freep) struct device_filter *exceptions = filter_with_room(filter->count);

        if (!exceptions)
                return -ENOMEM;
        exceptions->allow = filter->allow;
        for (size_t i = 0; i < filter->count; i++) {
                int r = 0;

                if (filter->rules[i].access == 0)
                        continue;
                if (filter->rules[i].allow == filter->allow)
                        r = take_away(exceptions, &filter->rules[i]);
                else
                        add_exception(exceptions, &filter->rules[i]);
                if (r < 0)
                        return r;
        }
        widen(exceptions);
        *out = TAKE(exceptions);
        return 0;
}

void device_access_text(unsigned access, char out[static DEVICE_ACCESS_SIZE]) {
        char *end = out;

        if ((access & OCI_DEVICE_READ) != 0)
                *end++ = 'r';
        if ((access & OCI_DEVICE_WRITE) != 0)
                *end++ = 'w';
        if ((access & OCI_DEVICE_MKNOD) != 0)
                *end++ = 'm';
        *end = '\0';
}
