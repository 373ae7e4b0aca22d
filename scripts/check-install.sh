#!/usr/bin/env bash
# `cmake --install` of the release build: the files are where a distribution expects them, the binary is
# hardened, and its help agrees with the manual.
set -euo pipefail
top=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
root=$(mktemp -d)
trap 'rm -rf "$root"' EXIT

# With the component, install_manifest.txt stays that of a developer's own installation, for "uninstall".
DESTDIR=$root cmake --install "$top/build/release" --prefix /usr --component Unspecified > /dev/null
binary=$root/usr/sbin/kata-cgroup
[ -x "$binary" ]
[ -f "$root/usr/share/bash-completion/completions/kata-cgroup" ]
[ -f "$root/usr/share/zsh/vendor-completions/_kata-cgroup" ]
[ -f "$root/usr/share/fish/vendor_completions.d/kata-cgroup.fish" ]
[ -f "$root/usr/share/man/man8/kata-cgroup.8" ]
[ -f "$root/usr/share/man/man7/kata-cgroup-resources.7" ]
for document in README.md CHANGELOG.md LICENSE SECURITY.md reliability.md examples/callers/shim.go; do
    [ -f "$root/usr/share/doc/kata-cgroup/$document" ] || { echo "no $document"; exit 1; }
done

for unit in kata-cgroup-prune.service kata-cgroup-prune.timer; do
    [ -f "$root/usr/lib/systemd/system/$unit" ] || { echo "no $unit"; exit 1; }
done

for document in attach-vcpus features inspect list log plan prune resources stats stats-line watch; do
    [ -f "$root/usr/share/kata-cgroup/json/$document.schema.json" ] || { echo "no schema of $document"; exit 1; }
done

# has PATTERN COMMAND...: without a pipe, whose reader could go first
has() { grep -qE -- "$1" <<< "$("${@:2}")"; }

has 'DYN' readelf -hW "$binary" || { echo "not PIE"; exit 1; }
has 'GNU_RELRO' readelf -lW "$binary" || { echo "no RELRO"; exit 1; }
has 'NOW' readelf -dW "$binary" || { echo "RELRO is not full"; exit 1; }
has '__stack_chk_fail' nm -D "$binary" || { echo "no stack protector"; exit 1; }
has '__(read|memcpy|asprintf|snprintf|fprintf|vasprintf|printf)_chk' nm -D "$binary" || { echo "no FORTIFY"; exit 1; }

# A page as plain text.
text() { mandoc -Tascii "$1" | col -b; }

# Every command has a page, and every long option of its help is in it.
for command in create attach-vcpus place update delete exec freeze thaw inspect list metrics prune stats watch features; do
    page=$root/usr/share/man/man8/kata-cgroup-$command.8
    [ -f "$page" ] || { echo "no page for $command"; exit 1; }
    for option in $("$binary" "$command" --help | grep -oE '^ +(-[a-z], )?--[a-z-]+' | grep -oE '\-\-[a-z-]+'); do
        has "$option" text "$page" || { echo "$command: $option is not in its page"; exit 1; }
    done
done
for option in $("$binary" --help | grep -oE '^ +(-[a-z], )?--[a-z-]+' | grep -oE '\-\-[a-z-]+'); do
    has "$option" text "$root/usr/share/man/man8/kata-cgroup.8" ||
        { echo "$option is not in kata-cgroup(8)"; exit 1; }
done
