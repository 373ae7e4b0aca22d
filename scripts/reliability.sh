#!/usr/bin/env bash
# Every kill, fault and signal point: each system call of each command, on this host and in the virtual machines, with both
# drivers. scripts/test.sh runs a sample of it.
#
# usage: reliability.sh [host|SUITE-MODE]...      (default: host bookworm-v2 bookworm-v1 trixie-v2)
#
# Takes a quarter of an hour on the host, and more than an hour for each machine and driver.
set -uo pipefail

top=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
cd "$top" || exit 1
[ $# -gt 0 ] || set -- host bookworm-v2 bookworm-v1 trixie-v2
scripts/install-deps.sh build test vm || exit 1
{ cmake --preset release && cmake --build build/release; } > /dev/null || exit 1
results=$(mktemp -d)
trap 'rm -rf "$results"' EXIT

# all BINARY DRIVER...: every point with these drivers
all='all() {
    local binary=$1 driver mode kind
    shift
    for driver; do
        for mode in overhead sandbox-only; do
            for kind in kill fault signal; do
                echo "# $kind $driver $mode"
                tests/reliability/run.sh "$binary" "$kind" "$driver" "$mode" < /dev/null
            done
        done
    done
}'

for environment; do
    echo "# $environment"
    if [ "$environment" = host ]; then
        eval "$all"
        all "$top/build/release/kata-cgroup" cgroupfs
        continue
    fi
    job=$results/$environment
    mkdir -p "$job/tests"
    cp build/release/kata-cgroup build/release/named-threads "$job"
    cp -r tests/reliability "$job/tests"
    printf '%s\nall /job/kata-cgroup cgroupfs systemd\n' "$all" > "$job/run"
    scripts/vm/run.sh "${environment%-*}" "${environment#*-}" "$job" --timeout 28800
done | tee "$results/tap"
passed=$(grep -c '^ok' "$results/tap") failed=$(grep -c '^not ok' "$results/tap")
echo "$passed passed, $failed failed"
[ "$failed" = 0 ] && [ "$passed" -gt 0 ]
