/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Unit properties: one table of operations for each type of value
 *
 * Subtle: only some types have a value that means "not set"; the others cannot be reset (PROPERTY_E_NO_RESET).
 */
#include "plan/property.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

/* ---- numbers and texts ---- */

static void clear_nothing(struct property *property) {
        (void)property;
}

static int no_reset(struct property *property) {
        (void)property;
        return PROPERTY_E_NO_RESET;
}

static bool number_equal(const struct property *a, const struct property *b) {
        return a->number == b->number;
}

/* UINT64_MAX is shown as systemctl shows it. jansson's integers end at 2^63, so larger numbers are shown as text. */
static json_t *number_to_json(const struct property *property) {
        if (property->number == UINT64_MAX)
                return json_string("infinity");
        return property->number > INT64_MAX ? json_sprintf("%" PRIu64, property->number)
                                            : json_integer((json_int_t)property->number);
}

static bool text_equal(const struct property *a, const struct property *b) {
        return strcmp(a->text, b->text) == 0;
}

static json_t *text_to_json(const struct property *property) {
        return json_string(property->text);
}

/* ---- bytes: sets of CPUs and nodes ---- */

static void bytes_clear(struct property *property) {
        free(property->bytes.items);
}

/* The length without trailing zeroes, which systemd may have or not. */
static size_t bytes_length(const struct property *property) {
        size_t length = property->bytes.count;

        while (length > 0 && property->bytes.items[length - 1] == 0)
                length--;
        return length;
}

static bool bytes_equal(const struct property *a, const struct property *b) {
        size_t length = bytes_length(a);

        return length == bytes_length(b) && memcmp(a->bytes.items, b->bytes.items, length) == 0;
}

static json_t *bytes_to_json(const struct property *property) {
        json_t *array = json_array();

        for (size_t i = 0; array && i < property->bytes.count; i++)
                if (json_array_append_new(array, json_integer(property->bytes.items[i])) < 0)
                        break;
        return array;
}

/* An empty set means "all". */
static int bytes_make_reset(struct property *property) {
        property->bytes.count = 0;
        property->bytes.items = calloc(1, 1);
        return property->bytes.items ? 0 : -ENOMEM;
}

/* ---- pairs ---- */

static void pairs_clear(struct property *property) {
        free(property->pairs.items);
}

static bool has_pair(const struct property *property, const struct property_pair *wanted) {
        for (size_t i = 0; i < property->pairs.count; i++) {
                const struct property_pair *pair = &property->pairs.items[i];

                if (strcmp(pair->path, wanted->path) == 0 && pair->number == wanted->number &&
                    strcmp(pair->access ? pair->access : "", wanted->access ? wanted->access : "") == 0)
                        return true;
        }
        return false;
}

static bool pairs_equal(const struct property *a, const struct property *b) {
        if (a->pairs.count != b->pairs.count)
                return false;
        for (size_t i = 0; i < a->pairs.count; i++)
                if (!has_pair(b, &a->pairs.items[i]) || !has_pair(a, &b->pairs.items[i]))
                        return false;
        return true;
}

static json_t *pairs_to_json(const struct property *property) {
        json_t *array = json_array();

        for (size_t i = 0; array && i < property->pairs.count; i++) {
                const struct property_pair *pair = &property->pairs.items[i];
                json_t *entry = pair->access ? json_pack("[s, s]", pair->path, pair->access)
                                             : json_pack("[s, I]", pair->path, (json_int_t)pair->number);

                if (json_array_append_new(array, entry) < 0)
                        break;
        }
        return array;
}

static int rates_make_reset(struct property *property) {
        property->pairs.count = 0;
        property->pairs.items = NULL;
        return 0;
}

/* A list of allowed devices cannot be "not given": without rules, all devices are allowed. */
static int accesses_make_reset(struct property *property) {
        property->pairs.items = calloc(2, sizeof(*property->pairs.items));
        if (!property->pairs.items)
                return -ENOMEM;
        property->pairs.items[0] = (struct property_pair){.path = "char-*", .access = "rwm"};
        property->pairs.items[1] = (struct property_pair){.path = "block-*", .access = "rwm"};
        property->pairs.count = 2;
        return 0;
}

static const struct {
        void (*clear)(struct property *property);
        bool (*equal)(const struct property *a, const struct property *b);
        int (*make_reset)(struct property *property);
        json_t *(*to_json)(const struct property *property);
} types[PROPERTY_TYPE_COUNT] = {
        [PROPERTY_NUMBER] = {clear_nothing, number_equal, no_reset, number_to_json},
        [PROPERTY_BYTES] = {bytes_clear, bytes_equal, bytes_make_reset, bytes_to_json},
        [PROPERTY_TEXT] = {clear_nothing, text_equal, no_reset, text_to_json},
        [PROPERTY_RATES] = {pairs_clear, pairs_equal, rates_make_reset, pairs_to_json},
        [PROPERTY_ACCESSES] = {pairs_clear, pairs_equal, accesses_make_reset, pairs_to_json},
};

void property_clear(struct property *property) {
        types[property->type].clear(property);
}

bool property_equal(const struct property *a, const struct property *b) {
        return types[a->type].equal(a, b);
}

int property_make_reset(struct property *property) {
        return types[property->type].make_reset(property);
}

json_t *property_to_json(const struct property *property) {
        return types[property->type].to_json(property);
}
