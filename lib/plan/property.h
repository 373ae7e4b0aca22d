/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* A property of a systemd unit, with its value */

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum property_type {
        PROPERTY_NUMBER,   /* t */
        PROPERTY_BYTES,    /* ay */
        PROPERTY_TEXT,     /* s */
        PROPERTY_RATES,    /* a(st): path and number */
        PROPERTY_ACCESSES, /* a(ss): path and access */
        PROPERTY_TYPE_COUNT,
};

struct property_pair {
        const char *path;   /* owned by the plan */
        uint64_t number;    /* PROPERTY_RATES */
        const char *access; /* PROPERTY_ACCESSES; owned by the plan */
};

/* Names and texts belong to the plan. */
struct property {
        const char *name; /* "CPUQuotaPerSecUSec" */
        enum property_type type;
        union {
                uint64_t number; /* UINT64_MAX is systemd's infinity */
                const char *text;
                struct {
                        uint8_t *items; /* owned; the lowest numbers first */
                        size_t count;
                } bytes;
                struct {
                        struct property_pair *items; /* owned */
                        size_t count;
                } pairs; /* PROPERTY_RATES, PROPERTY_ACCESSES */
        };
};

/* Frees what it owns. */
void property_clear(struct property *property);

/* Whether two values of the same property are the same; the order of pairs does not matter. */
bool property_equal(const struct property *a, const struct property *b);

/* Turns a copy of a property, which shares owned parts with the original, into the property that resets the original: 0,
 * -ENOMEM, or PROPERTY_E_NO_RESET. */
enum {
        PROPERTY_E_NO_RESET = 1, /* a number or a text cannot be reset */
};
int property_make_reset(struct property *property);

/* The value: a new reference, or NULL without memory. */
json_t *property_to_json(const struct property *property);
