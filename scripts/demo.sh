#!/usr/bin/env bash
# The whole life of a sandbox with a real QEMU, on this host's control groups, or in a test VM where this
# host has none that can be written. Installs what is missing and builds first.
#
# usage: demo.sh [--guest [--svg FILE]] [--sandbox-cgroup-only] [--driver cgroupfs|systemd] [--vm SUITE MODE]
#   --guest    another one: a guest that counts, under limits that come and go, second by second as a chart in the
#              terminal and as an SVG. Always in sandbox-only mode. Half a minute here; some six minutes in a VM, where an
#              emulator is emulated, and it is printed when all is over
#   --svg      where the chart goes; default: build/demo-guest.svg
#   --driver   default: systemd where it runs, otherwise cgroupfs
#   --vm       in a test VM in any case: bookworm or trixie; v2, v1 or hybrid
set -euo pipefail

top=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
caller=$PWD
cd "$top"
vm=() life=() driver=() demo=life svg=build/demo-guest.svg
while [ $# -gt 0 ]; do
    case "$1" in
    --sandbox-cgroup-only) life+=("$1") ;;
    --guest) demo=guest ;;
    --svg) svg=$(cd "$caller" && realpath -m -- "${2:?}") && shift ;;
    --driver) driver=("$1" "${2:?}") && shift ;;
    --vm) vm=("${2:?}" "${3:?}") && shift 2 ;;
    -h | --help) sed -n '2,12s/^# \{0,1\}//p' "${BASH_SOURCE[0]}" && exit 0 ;;
    *) echo "demo.sh: unknown option $1" >&2 && exit 2 ;;
    esac
    shift
done

# A build directory of its own, without the tests and what they need.
build=build/demo
scripts/install-deps.sh build demo
cmake --preset release -B "$build" -D BUILD_TESTING=OFF > /dev/null
cmake --build "$build" > /dev/null

# Whether a group can be made where the process limit is.
can_write() {
    local mount probe
    mount=$("$build/kata-cgroup" features |
        jq -r '.controllers.pids as $v | .hierarchies[] | select(.version == $v and (.controllers | test("pids"))) | .mountPoint') ||
        return 1
    [ -n "$mount" ] || return 1
    probe=$mount/kata-cgroup-demo-$$
    mkdir "$probe" 2> /dev/null && rmdir "$probe"
}

# The life of a sandbox; in a VM it is the job.
life() {
    if [ ${#vm[@]} -eq 0 ]; then
        scripts/demo-life.sh "$build/kata-cgroup" "${life[@]}" "${driver[@]}"
        return
    fi
    cp "$build/kata-cgroup" scripts/demo-life.sh "$job"
    echo "./demo-life.sh ./kata-cgroup ${life[*]} ${driver[*]}" > "$job/run"
    scripts/vm/run.sh "${vm[@]}" "$job" --timeout 300
}

# A guest that counts. What is left behind "SAMPLES" in a VM's output is the chart's.
guest() {
    local kernel
    # shellcheck source=tests/guest/guest.bash
    . tests/guest/guest.bash
    cc -O2 -static -pthread -o "$build/guest-init" tests/tools/guest-init.c
    make_initramfs "$build/guest-init" "$job"
    kernel=$(tests/guest/kernel.sh)
    if [ ${#vm[@]} -eq 0 ]; then
        scripts/demo-guest.sh "$build/kata-cgroup" "$kernel" "$job/initramfs" "$job/samples" "${driver[@]}"
    else
        mkdir -p "$job/scripts" "$job/tests"
        cp "$build/kata-cgroup" "$job"
        cp "$kernel" "$job/vmlinuz"
        cp scripts/demo-guest.sh "$job/scripts"
        cp -r tests/guest "$job/tests"
        echo "scripts/demo-guest.sh ./kata-cgroup vmlinuz initramfs samples ${driver[*]} && echo SAMPLES && cat samples" > "$job/run"
        scripts/vm/run.sh "${vm[@]}" "$job" --timeout 1800 > "$job/output"
        sed '/^SAMPLES$/,$d' "$job/output"
        sed '1,/^SAMPLES$/d' "$job/output" > "$job/samples"
    fi
    mkdir -p "$(dirname "$svg")"
    awk -f scripts/demo-guest.awk "$job/samples" > "$svg"
    echo "the chart is in $svg"
}

if [ ${#vm[@]} -eq 0 ] && ! can_write; then
    echo "demo.sh: no control groups here that can be written; going on in a virtual machine" >&2
    vm=(bookworm v2)
fi
[ ${#vm[@]} -eq 0 ] || scripts/install-deps.sh vm
job=$(mktemp -d)
trap 'rm -rf "$job"' EXIT
"$demo"
