# SPDX-License-Identifier: Apache-2.0
# Moves what distributions with rpm have in other places than Debian, whose places the installation uses.

set(zsh ${CPACK_TEMPORARY_INSTALL_DIRECTORY}/usr/share/zsh)
file(RENAME ${zsh}/vendor-completions ${zsh}/site-functions)
