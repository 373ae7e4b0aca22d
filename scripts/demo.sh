#!/usr/bin/env bash
# The whole life of a sandbox with a real QEMU, on this host's control groups, or in a test VM where this
# host has none that can be written. Installs what is missing and builds first.
#
# usage: demo.sh [--sandbox-cgroup-only] [--driver cgroupfs|systemd] [--vm SUITE MODE]
#   --driver   default: systemd where it runs, otherwise cgroupfs
#   --vm       in a test VM in any case: bookworm or trixie; v2, v1 or hybrid
set -euo pipefail

top=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
cd "$top"
vm=() life=()
while [ $# -gt 0 ]; do
    case "$1" in
    --sandbox-cgroup-only) life+=("$1") ;;
    --driver) life+=("$1" "${2:?}") && shift ;;
    --vm) vm=("${2:?}" "${3:?}") && shift 2 ;;
    -h | --help) sed -n '2,8s/^# \{0,1\}//p' "${BASH_SOURCE[0]}" && exit 0 ;;
    *) echo "demo.sh: unknown option $1" >&2 && exit 2 ;;
    esac
    shift
done

scripts/install-deps.sh
cmake --preset release > /dev/null
cmake --build build/release > /dev/null

# Whether a group can be made where the process limit is.
can_write() {
    local mount probe
    mount=$(build/release/kata-cgroup features |
        jq -r '.controllers.pids as $v | .hierarchies[] | select(.version == $v and (.controllers | test("pids"))) | .mountPoint') ||
        return 1
    [ -n "$mount" ] || return 1
    probe=$mount/kata-cgroup-demo-$$
    mkdir "$probe" 2> /dev/null && rmdir "$probe"
}

if [ ${#vm[@]} -eq 0 ]; then
    if can_write; then
        exec scripts/demo-life.sh build/release/kata-cgroup "${life[@]}"
    fi
    echo "demo.sh: no control groups here that can be written; going on in a virtual machine" >&2
    vm=(bookworm v2)
fi
job=$(mktemp -d)
trap 'rm -rf "$job"' EXIT
cp build/release/kata-cgroup scripts/demo-life.sh "$job"
echo "./demo-life.sh ./kata-cgroup ${life[*]}" > "$job/run"
scripts/vm/run.sh "${vm[@]}" "$job" --timeout 300
