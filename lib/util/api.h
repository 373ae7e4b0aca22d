/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* The version of the printed documents. It is raised when a member changes its meaning or is removed, not when one is added.
 * doc/json has a schema for each document. */
#define API_VERSION 1
