# SPDX-License-Identifier: Apache-2.0
# Writes HEADER with the commit that SOURCE is at, if it is not there already. Run at each build: the header keeps its time
# while the commit stays, so only a new commit compiles something again.
#
# A source tarball has its commit in cmake/commit.txt. A checkout has it in git; --git-dir keeps git from taking the commit
# of another repository that the sources lie in. "unknown" is everything else.
#
# usage: cmake -D SOURCE=DIRECTORY -D HEADER=FILE -P commit.cmake

file(STRINGS ${SOURCE}/cmake/commit.txt commit LIMIT_COUNT 1)
if(commit MATCHES "^[0-9a-f]+$")
        string(SUBSTRING ${commit} 0 12 commit)
else()
        execute_process(
                COMMAND git --no-optional-locks --git-dir=${SOURCE}/.git --work-tree=${SOURCE}
                        describe --always --dirty --abbrev=12 --exclude=*
                OUTPUT_VARIABLE commit OUTPUT_STRIP_TRAILING_WHITESPACE ERROR_QUIET RESULT_VARIABLE result)
        if(NOT result EQUAL 0)
                set(commit unknown)
        endif()
endif()

set(text "/* Written by cmake/commit.cmake. */\n#pragma once\n#define KATA_CGROUP_COMMIT \"${commit}\"\n")
if(EXISTS ${HEADER})
        file(READ ${HEADER} former)
endif()
if(NOT text STREQUAL "${former}")
        file(WRITE ${HEADER} "${text}")
endif()
