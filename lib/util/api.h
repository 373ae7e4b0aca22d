/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* The version of what is printed: raised when something that is there changes its meaning or goes, not when something is
 * added. doc/json has a schema for each document. */
#define API_VERSION 1
