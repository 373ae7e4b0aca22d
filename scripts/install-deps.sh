#!/usr/bin/env bash
# Installs the Debian packages that the project is built and tested with. Idempotent: apt-get is asked only
# where something is missing, so a machine that has everything needs no network.
#
# usage: install-deps.sh [build] [demo] [test] [vm] [lint] [fuzz]   (default: all)
set -euo pipefail

packages_of() {
    case "$1" in
    build) echo gcc libc6-dev cmake ninja-build pkg-config libjansson-dev libsystemd-dev libbpf-dev ;;
    demo) echo qemu-system-x86 procps jq cpio ;;
    test) echo qemu-system-x86 procps jq bats bats-support bats-assert libcmocka-dev mandoc git strace cpio python3-jsonschema \
        prometheus python3-prometheus-client \
        golang-go rustc python3 bash-completion fish zsh dpkg-dev file ;; # for doc/callers; for completions/; for packages
    vm) echo qemu-system-x86 mmdebstrap e2fsprogs debian-archive-keyring ;;
    lint) echo shellcheck mandoc bsdextrautils clang clang-format clang-tidy cppcheck valgrind \
        lintian rpm ;; # for the packages
    # The compiler's runtime, which has libFuzzer and the sanitizers, is a package of its own since Debian 12.
    fuzz) echo clang libclang-rt-dev ;;
    *) echo "install-deps.sh: unknown group $1" >&2 && return 2 ;;
    esac
}

[ $# -gt 0 ] || set -- build demo test vm lint fuzz
wanted=()
for group in "$@"; do
    list=$(packages_of "$group")
    for package in $list; do
        dpkg-query -W -f '${db:Status-Status}\n' "$package" 2>/dev/null | grep -qx installed || wanted+=("$package")
    done
done
[ ${#wanted[@]} -gt 0 ] || exit 0

echo "installing: ${wanted[*]}" >&2
export DEBIAN_FRONTEND=noninteractive
# Of prometheus only promtool is needed: no daemon is started.
policy=/usr/sbin/policy-rc.d
if [ ! -e "$policy" ]; then
    trap 'rm -f "$policy"' EXIT
    printf '#!/bin/sh\nexit 101\n' > "$policy"
    chmod 755 "$policy"
fi
apt-get update -qq
apt-get install -y -qq --no-install-recommends "${wanted[@]}" >&2
