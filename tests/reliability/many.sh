#!/usr/bin/env bash
# Many at once: sandboxes that are made, attached, updated and deleted by as many callers, and callers with all kinds of
# commands at one sandbox; and with systemd, sandboxes while it executes itself again and again.
#
# usage: many.sh KATA_CGROUP cgroupfs|systemd [SANDBOXES [CALLERS]]      (default: 64 and 32)
#
# Prints TAP.
set -uo pipefail

kata_cgroup=$1 driver=$2 sandboxes=${3:-64} callers=${4:-32}
work=$(mktemp -d -p /run kctest.XXXXXX)
# shellcheck source=tests/reliability/mounts.bash
. "$(dirname "${BASH_SOURCE[0]}")/mounts.bash"
read_mounts
note_parents
own=kc-test-many-$$

finish() {
    local file pods=()
    for file in "$work"/*.pid; do [ ! -e "$file" ] || kill -KILL "$(< "$file")" 2> /dev/null; done
    [ "$driver" != systemd ] || stop_own_slices
    remove_groups "$own"
    for ((i = 0; i < sandboxes; i++)); do pods+=("kctest/pod$i"); done
    remove_parents "${pods[@]}" kctest/podone kctest kata_overhead
    rm -rf "$work"
}
trap finish EXIT

kc() { "$kata_cgroup" --root "$work/root" "$@"; }
path_of() { [ "$driver" = systemd ] && echo "kctest-pod${1##*-}.slice:kc:$1" || echo "kctest/pod${1##*-}/$1"; }

# start NAME COMMAND...: a process that finish() ends; sets PID
start() {
    local name=$1
    shift
    "$@" > /dev/null 2>&1 &
    PID=$!
    disown "$PID"
    echo "$PID" > "$work/$name.pid"
}

# says WHAT COMMAND...: what goes wrong is noted
must() {
    local message
    message=$("$@" 2>&1 > /dev/null) || echo "${*:1:3}: $message" >> "$work/problems"
}

disturb() { :; }

life() {
    local id=$own-$1 shim vmm
    start "shim-$1" sleep 100000
    shim=$PID
    start "vmm-$1" "${kata_cgroup%/*}/named-threads" "CPU 0/KVM" "CPU 1/KVM"
    vmm=$PID
    disturb
    must kc create "$id" --cgroups-path "$(path_of "$id")" --pid "$shim" <<< '{"pids":{"limit":100},"cpu":{"shares":512}}'
    disturb
    must kc attach-vcpus "$id" --vmm-pid "$vmm" --expect 2
    disturb
    must kc update "$id" <<< '{"pids":{"limit":50}}'
    kill -KILL "$vmm"
    disturb
    # So many at once take an emulated machine longer than the ten seconds that delete usually waits.
    must kc delete "$id" --timeout 120
}

# left: directories, units and states of ours
left() {
    find "${mounts[@]}" -type d -name "*$own*" 2> /dev/null
    [ "$driver" != systemd ] || systemctl list-units --all --no-legend --plain "*$own*"
    [ ! -e "$work/root" ] || find "$work/root" -mindepth 1
}

# report NUMBER NAME: of what was noted meanwhile
report() {
    left | sed 's/^/left: /' >> "$work/problems"
    [ ! -s "$work/problems" ] && echo "ok $1 $2" || { echo "not ok $1 $2"; head -n 20 "$work/problems" | sed 's/^/# /'; }
    : > "$work/problems"
}

jobs_of=()
wait_for_all() { wait "${jobs_of[@]}"; jobs_of=(); }

[ "$driver" = systemd ] && echo "1..3" || echo "1..2"
: > "$work/problems"
for ((i = 0; i < sandboxes; i++)); do
    life "$i" &
    jobs_of+=($!)
done
wait_for_all
report 1 "$sandboxes sandboxes at once, $driver"

id=$own-one
start shim sleep 100000
must kc create "$id" --cgroups-path "$(path_of "$id")" --sandbox-cgroup-only --pid "$PID" < /dev/null
start vmm "${kata_cgroup%/*}/named-threads" "CPU 0/KVM"
for ((i = 0; i < callers; i++)); do
    case $((i % 4)) in
    0 | 1) must kc update "$id" --container "c$i" <<< '{"cpu":{"shares":512}}' & ;;
    2) must kc attach-vcpus "$id" --vmm-pid "$PID" --expect 1 & ;;
    3) must kc inspect "$id" --stats & ;;
    esac
    jobs_of+=($!)
done
wait_for_all
held=$(kc inspect "$id" | jq '.containers | length')
[ "$held" = $((callers / 2)) ] || echo "the ledger has $held containers instead of $((callers / 2))" >> "$work/problems"
must kc delete --force "$id"
report 2 "$callers callers at one sandbox, $driver"

[ "$driver" = systemd ] || exit 0
# Each command meets a systemd that begins anew.
disturb() { systemctl daemon-reexec 2> /dev/null & }
for ((i = 0; i < 3; i++)); do life "$i"; done
report 3 "sandboxes while systemd re-executes"
