#!/usr/bin/env bash
# Runs the bats suites on the machine it is called on, and checks afterwards that nothing of theirs is left
# in any hierarchy. matrix-*.bats run for each driver that this machine has, in both modes; v2-*.bats only where
# v2 has the controllers, systemd-*.bats where systemd is; all others once. What does not depend on the machine (the
# command line, hostile peers) or mostly waits (systemd-silence) runs on few.
#
# usage: [KC_DRIVERS="DRIVER..."] [KC_MODES="MODE..."] [KC_SUITES="SUITE..."]
#        run-suites.sh BINARY RESULT-DIRECTORY ENVIRONMENT [FILTER]
#   (default: all drivers that there are, both modes, all suites)
set -uo pipefail

export KATA_CGROUP=$1
results=$2 environment=$3 filter=${4:-}
suites=$(cd "$(dirname "${BASH_SOURCE[0]}")/../bats" && pwd)
mkdir -p "$results"
status=0

drivers=(cgroupfs)
[ ! -d /run/systemd/system ] || drivers+=(systemd)
read -ra drivers <<< "${KC_DRIVERS:-${drivers[*]}}"
read -ra modes <<< "${KC_MODES:-overhead sandbox-only}"

run_suite() {
    local file=$1 tap=$2
    export KC_DRIVER=$3 KC_MODE=$4
    bats --formatter tap ${filter:+-f "$filter"} "$file" < /dev/null > "$results/$tap.tap" 2>&1 || status=1
    echo "$tap: $(grep -c '^ok' "$results/$tap.tap") passed, $(grep -c '^not ok' "$results/$tap.tap") failed"
}

for file in "$suites"/*.bats; do
    suite=$(basename "$file" .bats)
    [[ -z ${KC_SUITES:-} || " $KC_SUITES " == *" $suite "* ]] || continue
    case "$suite" in
    cli | trust) [[ $environment =~ ^(host|trixie-v2) ]] || continue ;;
    systemd-silence) [ "$environment" = bookworm-v1 ] || continue ;;
    systemd-*) [ -d /run/systemd/system ] || continue ;;
    v2-*) ! grep ' - cgroup ' /proc/self/mountinfo | grep -qv 'name=' || continue ;;
    esac
    case "$suite" in
    matrix-* | v2-matrix-*)
        for driver in "${drivers[@]}"; do
            for mode in "${modes[@]}"; do
                run_suite "$file" "$environment.$driver.$mode.$suite" "$driver" "$mode"
            done
        done
        ;;
    systemd-*) run_suite "$file" "$environment.$suite" systemd sandbox-only ;;
    *) run_suite "$file" "$environment.$suite" cgroupfs overhead ;;
    esac
done

left=$(awk '/ - cgroup2? / {print $5}' /proc/self/mountinfo | while read -r mount; do
    find "$mount" -type d \( -name '*kc-test*' -o -name 'kctest*' -o -name 'kata_*' \)
done)
if [ -z "$left" ]; then
    echo "ok 1 nothing is left in any hierarchy"
else
    echo "not ok 1 nothing is left in any hierarchy"
    while read -r line; do echo "# $line"; done <<< "$left"
    status=1
fi > "$results/$environment.leftovers.tap"
exit $status
