# SPDX-License-Identifier: Apache-2.0
# Removes the files that MANIFEST lists, then the directories that are ours alone, if they are empty by then. DESTDIR is
# heeded, as it was by the installation.
#
# usage: cmake -D MANIFEST=FILE -P uninstall.cmake

if(NOT EXISTS ${MANIFEST})
        message(FATAL_ERROR "${MANIFEST}: there is no such file; nothing was installed from this build directory")
endif()
file(STRINGS ${MANIFEST} files)
set(directories "")
foreach(file IN LISTS files)
        set(file "$ENV{DESTDIR}${file}")
        if(EXISTS "${file}" OR IS_SYMLINK "${file}")
                file(REMOVE "${file}")
                message(STATUS "Removed: ${file}")
        endif()
        # share/kata-cgroup, share/doc/kata-cgroup and all below
        get_filename_component(directory "${file}" DIRECTORY)
        while(directory MATCHES "/kata-cgroup(/|$)")
                list(APPEND directories "${directory}")
                get_filename_component(directory "${directory}" DIRECTORY)
        endwhile()
endforeach()

# The deepest first: a path sorts before what is below it.
list(REMOVE_DUPLICATES directories)
list(SORT directories ORDER DESCENDING)
foreach(directory IN LISTS directories)
        file(GLOB left "${directory}/*" "${directory}/.*")
        if(NOT left AND IS_DIRECTORY "${directory}")
                file(REMOVE_RECURSE "${directory}")
                message(STATUS "Removed: ${directory}")
        endif()
endforeach()
