/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Version, commit and build options
 *
 * The only file that a new commit or version compiles again: version_commit.h is written at each build
 * (cmake/commit.cmake), the other two definitions are this file's alone (CMakeLists.txt).
 */
#include "util/version.h"

#include "version_commit.h"

const char version_number[] = KATA_CGROUP_VERSION;
const char version_commit[] = KATA_CGROUP_COMMIT;
const char version_build[] = KATA_CGROUP_BUILD;
