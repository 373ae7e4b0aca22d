/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * What this program is
 */

/* The release: "0.2.0". */
extern const char version_number[];

/* The commit that it was built from: twelve hex digits, with "-dirty" behind them if the sources differed from it, or
 * "unknown" if they came neither from git nor from a source tarball. */
extern const char version_commit[];

/* How it was built: CMake's build type, then what was switched on: "RelWithDebInfo, hardened". */
extern const char version_build[];
