#!/usr/bin/env bash
# Runs the bats suites on the machine it is called on, and checks afterwards that nothing of theirs is left
# in any hierarchy. matrix-*.bats run for the drivers that this machine has, in both modes or one; v2-*.bats only where
# v2 has the controllers, systemd-*.bats where systemd is; all others once. While matrix-life runs, there are groups and a
# scope of somebody else beside its own, which have to survive it. What does not depend on the machine (the
# command line, hostile peers, broken states) or mostly waits (systemd-silence) runs on few.
#
# usage: [KC_DRIVERS="DRIVER..."] [KC_MODES="MODE..."] [KC_SUITES="SUITE..."] [KC_HOST=v1]
#        run-suites.sh BINARY RESULT-DIRECTORY ENVIRONMENT [FILTER]
#   (default: all drivers that there are, both modes, all suites; KC_HOST=v1 says that the host's run is on v1)
set -uo pipefail

export KATA_CGROUP=$1
results=$2 environment=$3 filter=${4:-}
suites=$(cd "$(dirname "${BASH_SOURCE[0]}")/../bats" && pwd)
mkdir -p "$results"
status=0
# shellcheck source=tests/reliability/mounts.bash
. "$suites/../reliability/mounts.bash"
read_mounts
note_parents

# The JSON documents that are printed come with the results where that is worth its time; validate.py says what is wrong.
case "$environment" in
host* | trixie-v2 | bookworm-v1)
    KC_DOCUMENTS=$(mktemp -d)
    export KC_DOCUMENTS
    trap 'rm -rf "$KC_DOCUMENTS"' EXIT
    ;;
esac

drivers=(cgroupfs)
[ ! -d /run/systemd/system ] || drivers+=(systemd)
read -ra drivers <<< "${KC_DRIVERS:-${drivers[*]}}"
read -ra modes <<< "${KC_MODES:-overhead sandbox-only}"

run_suite() {
    local file=$1 tap=$2 begin=$SECONDS
    export KC_DRIVER=$3 KC_MODE=$4
    bats --formatter tap ${filter:+-f "$filter"} "$file" < /dev/null > "$results/$tap.tap" 2>&1 || status=1
    echo "$tap: $(grep -c '^ok' "$results/$tap.tap") passed, $(grep -c '^not ok' "$results/$tap.tap") failed, $((SECONDS - begin)) s"
}

# A sandbox that is nobody's here: empty groups, and a scope where systemd is.
bystander=kc-bystander-$$ bystander_mounts=()
make_bystander() {
    local mount
    bystander_mounts=()
    for mount in "${mounts[@]}"; do
        # On v1 systemd removes what is empty, whoever's it is, where no unit needs its controller any more.
        [ -d /run/systemd/system ] && [[ ${mount##*/} =~ ^(blkio|cpu|cpuacct|cpu,cpuacct|devices|memory|pids)$ ]] ||
            bystander_mounts+=("$mount")
    done
    for mount in "${bystander_mounts[@]}"; do mkdir -p "$mount/kata_overhead/$bystander" "$mount/kctest/$bystander"; done
    [ ! -d /run/systemd/system ] || systemd-run --quiet --slice=kata-overhead.slice --unit="$bystander" sleep 100000
}

check_bystander() {
    local mount group
    for mount in "${bystander_mounts[@]}"; do
        for group in "$mount"/{kata_overhead,kctest}/"$bystander"; do
            rmdir "$group" 2> /dev/null || echo "$group is gone"
        done
    done
    [ ! -d /run/systemd/system ] || systemctl stop "$bystander" || echo "unit $bystander is gone"
    remove_parents kata_overhead kctest
    [ ! -d /run/systemd/system ] || stop_own_slices
}

run_beside_a_bystander() {
    local harm
    make_bystander
    run_suite "$@"
    harm=$(check_bystander 2>&1)
    if [ -z "$harm" ]; then
        echo "ok 1 a sandbox of somebody else survives the suite"
    else
        echo "not ok 1 a sandbox of somebody else survives the suite"
        echo "# ${harm//$'\n'/$'\n'# }"
        status=1
    fi > "$results/$2.bystander.tap"
}

# runs_here "ENVIRONMENT DRIVER MODE": on v1 and on v2, each driver runs in each mode with Debian 12's kernel and systemd or
# with Debian 13's, and each of those runs both drivers. Hybrid machines are v1 with a second tree; with cgroupfs, bookworm's
# is what it is on v1.
runs_here() {
    case "$1" in
    "bookworm-v2 cgroupfs overhead" | "bookworm-v2 systemd sandbox-only") return 1 ;;
    "trixie-v2 cgroupfs sandbox-only" | "trixie-v2 systemd overhead") return 1 ;;
    "bookworm-v1 cgroupfs sandbox-only" | "bookworm-v1 systemd overhead") return 1 ;;
    "trixie-v1 cgroupfs overhead" | "trixie-v1 systemd sandbox-only") return 1 ;;
    "bookworm-hybrid cgroupfs "* | "bookworm-hybrid systemd overhead") return 1 ;;
    "trixie-hybrid cgroupfs overhead" | "trixie-hybrid systemd sandbox-only") return 1 ;;
    esac
}

# is_run_elsewhere SUITE ENVIRONMENT DRIVER: whether another environment runs it in the same circumstances.
#
# v1 with cgroupfs: a host with v1 runs every suite, in both modes. The machines' kernels have other controllers: more on
# bookworm's v1, neither memory nor cpuset on trixie's. So the suites about limits run there too, and on bookworm the one
# in which all hierarchies count.
#
# Hybrid: bookworm's second tree is empty, so what differs is that groups are made there and go, and that systemd finds a
# unit's processes by it. trixie's has memory and cpuset, so what differs is which limit is where.
is_run_elsewhere() {
    local limits="matrix-resources matrix-stats matrix-stays matrix-update" here
    case "${KC_HOST:-} $2 $3" in
    "v1 bookworm-v1 cgroupfs") here="matrix-life $limits" ;;
    "v1 trixie-v1 cgroupfs" | *" trixie-hybrid cgroupfs") here=$limits ;;
    *" bookworm-hybrid systemd") here="matrix-delete matrix-life" ;;
    *" trixie-hybrid systemd") here="matrix-life $limits" ;;
    *) return 1 ;;
    esac
    [[ " $here " != *" $1 "* ]]
}

for file in "$suites"/*.bats; do
    suite=$(basename "$file" .bats)
    [[ -z ${KC_SUITES:-} || " $KC_SUITES " == *" $suite "* ]] || continue
    case "$suite" in
    # What people see on a terminal, and what other programs read, which are not in the machines.
    cli | people) [[ $environment = host* ]] || continue ;;
    # Most run on the host, those for systemd and v2 in one machine, and those for v1 where the host has no v1.
    examples)
        case "$environment ${KC_HOST:-}" in
        "host "*) ;;
        "trixie-v2 "* | "bookworm-v1 ") export KC_EXAMPLES=special ;;
        *) continue ;;
        esac
        ;;
    # The shells are on the host only.
    completion) [ "$environment" = host ] || continue ;;
    # Other programs' languages are not in the machines.
    matrix-callers) [[ $environment = host* ]] || continue ;;
    trust) [[ $environment =~ ^(host|valgrind) ]] || continue ;;
    state) [[ $environment =~ ^(host|valgrind|bookworm-v2) ]] || continue ;;
    # A guest in an emulated machine takes minutes to boot.
    matrix-guest) [[ $environment = host* ]] || continue ;;
    waits) [[ $environment =~ ^(host|bookworm-v2) ]] || continue ;;
    # Under valgrind the program of a process is valgrind.
    matrix-waits) [ "$environment" != valgrind ] || continue ;;
    # Where the machine is the suite's own, and has a cpuset of v1.
    v1-mounts) [ "$environment" = bookworm-v1 ] || continue ;;
    # Where the job has brought packages.
    package) [ -d "$suites/../../packages" ] || continue ;;
    systemd-silence) [ "$environment" = bookworm-v1 ] || continue ;;
    # Once on v1, once on v2, and once with the sanitizers.
    systemd-failures)
        [ -d /run/systemd/system ] || continue
        [[ $environment =~ ^(host|bookworm-v[12]|trixie-v2-sanitized)$ ]] || continue
        ;;
    systemd-*) [ -d /run/systemd/system ] || continue ;;
    v2-*)
        ! grep ' - cgroup ' /proc/self/mountinfo | grep -qv 'name=' || continue
        # What has neither driver nor mode: once.
        [[ "$suite $environment" != v2-p*" trixie-v2" ]] || continue
        ;;
    esac
    case "$suite" in
    matrix-* | v2-matrix-*)
        for driver in "${drivers[@]}"; do
            for mode in "${modes[@]}"; do
                runs_here "$environment $driver $mode" || continue
                ! is_run_elsewhere "$suite" "$environment" "$driver" || continue
                beside=run_suite
                [ "$suite" != matrix-life ] || beside=run_beside_a_bystander
                "$beside" "$file" "$environment.$driver.$mode.$suite" "$driver" "$mode"
            done
        done
        ;;
    systemd-*) run_suite "$file" "$environment.$suite" systemd sandbox-only ;;
    package) run_suite "$file" "$environment.$suite" systemd overhead ;;
    *) run_suite "$file" "$environment.$suite" cgroupfs overhead ;;
    esac
done

[ -z "${KC_DOCUMENTS:-}" ] || find "$KC_DOCUMENTS" -type f -exec sort -u {} + > "$results/$environment.documents"

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
