# SPDX-License-Identifier: Apache-2.0
# Makes of the installed files what Debian's policy wants of a package: compressed manual pages and changelogs, a copyright
# file that refers to the licence, which every Debian system has, instead of the licence.

set(share ${CPACK_TEMPORARY_INSTALL_DIRECTORY}/usr/share)
set(doc ${share}/doc/kata-cgroup)

file(REMOVE ${doc}/LICENSE)
file(COPY_FILE ${CPACK_KATA_CGROUP_SOURCE}/packaging/debian/copyright ${doc}/copyright)
file(RENAME ${doc}/CHANGELOG.md ${doc}/changelog)
string(TIMESTAMP date "%a, %d %b %Y %H:%M:%S +0000" UTC)
file(WRITE ${doc}/changelog.Debian
"kata-cgroup (${CPACK_PACKAGE_VERSION}-${CPACK_DEBIAN_PACKAGE_RELEASE}) unstable; urgency=medium

  * Package of version ${CPACK_PACKAGE_VERSION}; changelog.gz says what is new.

 -- ${CPACK_PACKAGE_CONTACT}  ${date}
")

file(MAKE_DIRECTORY ${share}/lintian/overrides)
file(COPY_FILE ${CPACK_KATA_CGROUP_SOURCE}/packaging/debian/lintian-overrides ${share}/lintian/overrides/kata-cgroup)

file(GLOB pages ${share}/man/man*/*)
execute_process(COMMAND gzip -9n ${pages} ${doc}/changelog ${doc}/changelog.Debian COMMAND_ERROR_IS_FATAL ANY)
