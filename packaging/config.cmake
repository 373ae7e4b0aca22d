# SPDX-License-Identifier: Apache-2.0
# Read by cpack for each kind of package.

if(CPACK_TOPLEVEL_TAG STREQUAL "source")
        set(CPACK_INSTALL_SCRIPTS ${CPACK_KATA_CGROUP_SOURCE}/packaging/source.cmake)
elseif(CPACK_GENERATOR STREQUAL "DEB")
        set(CPACK_PRE_BUILD_SCRIPTS ${CPACK_KATA_CGROUP_SOURCE}/packaging/debian/files.cmake)
elseif(CPACK_GENERATOR STREQUAL "RPM")
        set(CPACK_PRE_BUILD_SCRIPTS ${CPACK_KATA_CGROUP_SOURCE}/packaging/rpm/files.cmake)
endif()
