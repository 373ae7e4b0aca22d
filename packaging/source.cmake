# SPDX-License-Identifier: Apache-2.0
# Fills the source tarball with the files of the last commit: no build directory, nothing that is not committed. git archive
# writes the commit into cmake/commit.txt on the way.

set(archive ${CPACK_TOPLEVEL_DIRECTORY}/archive.tar)
execute_process(
        COMMAND git --git-dir=${CPACK_KATA_CGROUP_SOURCE}/.git archive --format=tar --output=${archive} HEAD
        RESULT_VARIABLE result ERROR_VARIABLE why)
if(NOT result EQUAL 0)
        message(FATAL_ERROR "the source tarball is made from a git repository: ${why}")
endif()
file(ARCHIVE_EXTRACT INPUT ${archive} DESTINATION ${CMAKE_INSTALL_PREFIX})
file(REMOVE ${archive})
