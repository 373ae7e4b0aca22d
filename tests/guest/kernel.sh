#!/usr/bin/env bash
# Prints the path of a Linux kernel for the guest of guest.bash: Debian's cloud kernel, which needs no module for
# a serial port and an initramfs.
#
# usage: kernel.sh
#
# It is kept under $KATA_CGROUP_CACHE (default ~/.cache/kata-cgroup), where the images of the test VMs are; it is that of
# an image where there is one, or comes out of Debian's package, which is downloaded and not installed.
set -euo pipefail

cache=${KATA_CGROUP_CACHE:-${XDG_CACHE_HOME:-$HOME/.cache}/kata-cgroup}
kernel=$cache/guest-vmlinuz

download() {
    local package options=(-o APT::Sandbox::User=root)
    package=$(apt-cache depends linux-image-cloud-amd64 | sed -n 's/^ *Depends: \(linux-image-[0-9].*\)/\1/p' | tail -n 1)
    [ -n "$package" ] || return 1
    (cd "$1" && apt-get "${options[@]}" download "$package" && dpkg-deb --fsys-tarfile ./*.deb |
        tar -xO --wildcards './boot/vmlinuz-*' > vmlinuz)
}

mkdir -p "$cache"
exec 9> "$kernel.lock"
flock 9
if [ ! -s "$kernel" ]; then
    work=$(mktemp -d "$cache/.guest.XXXXXX")
    trap 'rm -rf "$work"' EXIT
    images=("$cache"/{bookworm,trixie}-*/vmlinuz)
    cp "${images[0]}" "$work/vmlinuz" 2> /dev/null || cp "${images[1]}" "$work/vmlinuz" 2> /dev/null || download "$work" >&2 ||
        { apt-get update -qq && rm -f "$work"/* && download "$work"; } >&2
    mv "$work/vmlinuz" "$kernel"
fi
echo "$kernel"
