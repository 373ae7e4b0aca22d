#!/usr/bin/env bash
# The packages of the release build: what is in them, what they depend on, what lintian says; that the source tarball is the
# git tree and builds; and that "uninstall" leaves nothing of ours and everything of others.
set -euo pipefail
top=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
build=$top/build/release

fail() { echo "$*" && exit 1; }
# has PATTERN COMMAND...: without a pipe, whose reader could go first
has() { grep -qE -- "$1" <<< "$("${@:2}")" || fail "${*:2}: there is no $1"; }

cpack --config "$build/CPackConfig.cmake" -B "$work"
cpack --config "$build/CPackSourceConfig.cmake" -B "$work"
version=$(sed -n 's/^CMAKE_PROJECT_VERSION:STATIC=//p' "$build/CMakeCache.txt")
deb=("$work/kata-cgroup_$version"-*.deb) rpm=("$work/kata-cgroup-$version"-*.rpm) source=$work/kata-cgroup-$version.tar.gz

lintian --allow-root --fail-on error,warning "${deb[0]}"
has '^ Depends: .*libc6.* libjansson4' dpkg -I "${deb[0]}"
has '^ Recommends: libsystemd0 .*, libbpf1 ' dpkg -I "${deb[0]}"
has '^libjansson\.so\.4' rpm -qp --requires "${rpm[0]}"
has '^libsystemd\.so\.0' rpm -qp --recommends "${rpm[0]}"
has '^libbpf\.so\.1' rpm -qp --recommends "${rpm[0]}"

# Whatever is installed is in both; the licence has a place of its own in a .deb, and rpm leaves the pages as they are.
DESTDIR=$work/root cmake --install "$build" --prefix /usr --component Unspecified > "$work/log"
installed=$(cd "$work/root" && find . -type f | cut -c 2- | sort)
in_deb=$(dpkg -c "${deb[0]}" | awk '!/\/$/ {print substr($6, 2)}')
in_rpm=$(rpm -qpl "${rpm[0]}")
for file in $installed; do
    grep -qxF "${file/zsh\/vendor-completions/zsh\/site-functions}" <<< "$in_rpm" || fail "the .rpm has no $file"
    case "$file" in
    */doc/*/LICENSE) file=${file/LICENSE/copyright} ;;
    */doc/*/CHANGELOG.md) file=${file/CHANGELOG.md/changelog.gz} ;;
    */man/*) file=$file.gz ;;
    esac
    grep -qxF "$file" <<< "$in_deb" || fail "the .deb has no $file"
done
dpkg -x "${deb[0]}" "$work/deb"
sections=$(readelf -SW "$work/deb/usr/sbin/kata-cgroup")
[[ $sections != *.symtab* && $sections != *.debug_info* ]] || fail "the binary is not stripped"
outside=$(dpkg -c "${deb[0]}" | awk '$1 !~ /^(drwxr-xr-x|-rw[x-]r-[x-]r-[x-]|lrwxrwxrwx)$/ || $2 != "root/root"')
[ -z "$outside" ] || fail "owners and modes: $outside"

# The source: exactly the files of the commit, and they build without git.
tar -C "$work" -xzf "$source"
tree=$work/kata-cgroup-$version
diff <(git -C "$top" ls-tree -r --name-only HEAD | sort) <(cd "$tree" && find . ! -type d | cut -c 3- | sort) ||
    fail "the tarball is not the git tree"
cmake -S "$tree" -B "$work/build" -G Ninja -DBUILD_TESTING=OFF -DCMAKE_INSTALL_PREFIX="$work/prefix" > "$work/log"
cmake --build "$work/build" > "$work/log" || { cat "$work/log"; exit 1; }
has "commit $(git -C "$top" rev-parse --short=12 HEAD)," "$work/build/kata-cgroup" --version

# Somebody else's file among ours stays, with the directories that it is in.
cmake --build "$work/build" --target install > "$work/log"
touch "$work/prefix/share/kata-cgroup/json/other"
cmake --build "$work/build" --target uninstall > "$work/log"
left=$(cd "$work/prefix" && find . -name '*kata-cgroup*' -o -type f)
[ "$(sort <<< "$left")" = $'./share/kata-cgroup\n./share/kata-cgroup/json/other' ] || fail "left by uninstall: $left"
