#!/usr/bin/env bash
# Builds the root file system, kernel and initrd of a test VM, and prints the directory that holds them
# (root.img, vmlinuz, initrd.img).
#
# usage: build-image.sh bookworm|trixie
#
# The result is cached under $KATA_CGROUP_CACHE (default ~/.cache/kata-cgroup), keyed by a hash of what it
# is made from: the suite, the package list, this script and the guest's files. Two builders of the same
# image wait for each other; a half-built image is never seen, since the directory is renamed into place.
set -euo pipefail

suite=${1:?usage: build-image.sh bookworm|trixie}
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
cache=${KATA_CGROUP_CACHE:-${XDG_CACHE_HOME:-$HOME/.cache}/kata-cgroup}

packages=systemd,systemd-sysv,dbus,udev,kmod,procps,jq,bats,bats-support,bats-assert,qemu-system-x86,seabios
packages+=,linux-image-cloud-amd64,libjansson4,libsystemd0,libbpf1,libasan8,libubsan1,runc,crun,strace
packages+=,iproute2,socat,python3-minimal,util-linux,e2fsprogs,zstd
case "$suite" in
bookworm) ;; # its virtiofsd is QEMU's
trixie) packages+=,virtiofsd ;;
*) echo "build-image.sh: unknown suite $suite" >&2 && exit 2 ;;
esac

key=$(cat "${BASH_SOURCE[0]}" "$here"/guest/* <(echo "$suite $packages") | sha256sum | cut -c1-16)
image=$cache/$suite-$key
mkdir -p "$cache"

# The mirror that this machine's apt uses for Debian itself.
mirror() {
    apt-get indextargets --format '$(REPO_URI) $(RELEASE) $(CODENAME)' 2>/dev/null |
        awk '$1 ~ /\/debian\/?$/ {print $1; exit}'
}

build() {
    local work=$1 uri
    uri=$(mirror)
    [ -n "$uri" ] || { echo "build-image.sh: apt knows no Debian mirror" >&2 && return 1; }

    mmdebstrap --quiet --variant=apt --include="$packages" \
        --aptopt='APT::Install-Recommends "false"' --aptopt='Acquire::Retries "3"' \
        --dpkgopt='path-exclude=/usr/share/doc/*' --dpkgopt='path-exclude=/usr/share/man/*' \
        --dpkgopt='path-exclude=/usr/share/locale/*' --dpkgopt='path-exclude=/usr/share/icons/*' \
        --essential-hook='mkdir -p "$1/etc/initramfs-tools/conf.d"' \
        --essential-hook='echo COMPRESS=zstd > "$1/etc/initramfs-tools/conf.d/compress"' \
        --essential-hook='echo MODULES=list > "$1/etc/initramfs-tools/conf.d/modules"' \
        --customize-hook="$here/guest/customize.sh"' "$1"' \
        "$suite" "$work/root" "deb [signed-by=/usr/share/keyrings/debian-archive-keyring.gpg] $uri $suite main"
    cp -L "$work/root"/boot/vmlinuz-* "$work/vmlinuz"
    cp -L "$work/root"/boot/initrd.img-* "$work/initrd.img"
    rm -rf "$work/root"/boot/* "$work/root"/var/cache/apt/* "$work/root"/var/lib/apt/lists/*
    mke2fs -q -t ext4 -d "$work/root" -O ^has_journal "$work/root.img" 3G
    rm -rf "$work/root"
}

exec 9>"$cache/$suite.lock"
flock 9
if [ ! -d "$image" ]; then
    work=$(mktemp -d "$cache/.build-$suite.XXXXXX")
    trap 'rm -rf "$work"' EXIT
    echo "building the $suite image" >&2
    build "$work" >&2
    # One image a suite is kept: the recipe of an older one is gone.
    find "$cache" -maxdepth 1 -type d -name "$suite-*" -exec rm -rf {} +
    chmod 755 "$work"
    mv "$work" "$image"
    trap - EXIT
fi
echo "$image"
