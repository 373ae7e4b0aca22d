/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* A position in a text. For lib/oci only. */

#include "oci/resources.h"

struct document_place {
        int line;   /* from 1 */
        int column; /* characters before it in that line */
};

struct document_place document_locate(const char *file, const char *at);
