#!/usr/bin/env bash
# The life of a sandbox, step by step, with what the kernel says after each; called by demo.sh.
#
# usage: demo-life.sh BINARY [--sandbox-cgroup-only] [--driver cgroupfs|systemd]
set -euo pipefail

binary=$1
shift
mode=() driver=''
while [ $# -gt 0 ]; do
    case "$1" in
    --driver) driver=$2 && shift ;;
    *) mode+=("$1") ;;
    esac
    shift
done
id=demo-$$
work=$(mktemp -d)
pids=()
kc() { "$binary" --root "$work/state" "$@"; }
features=$(kc features)
[ -n "$driver" ] || driver=$(jq -r '.drivers[-1]' <<< "$features")
path=kata-demo/pod/$id
[ "$driver" != systemd ] || path=kata-demo.slice:demo:$id

cleanup() {
    local pid
    for pid in "${pids[@]}"; do kill -KILL "$pid" 2> /dev/null || true; done
    kc delete --force "$id" --cgroups-path "$path" "${mode[@]}" 2> /dev/null || true
    # The parent of overhead groups stays when a sandbox goes; where the demo has brought it, it takes it away.
    jq -r '.hierarchies[].mountPoint' <<< "$features" | while read -r mount; do
        [ "$had_parent" = true ] || rmdir "$mount/kata_overhead" 2> /dev/null || true
    done
    rm -rf "$work"
}
had_parent=false
while read -r mount; do
    [ ! -e "$mount/kata_overhead" ] || had_parent=true
done < <(jq -r '.hierarchies[].mountPoint' <<< "$features")
trap cleanup EXIT

step() { printf '\n\033[1m== %s\033[0m\n' "$*"; }
show() { printf '$ %s\n' "$*"; }
indent() { sed 's/^/    /'; }

# What the kernel says: the members of both groups and the limits, from the files themselves.
kernel() {
    local state group directory file
    state=$(kc inspect "$id")
    for group in sandbox overhead; do
        [ "$(jq -r ".$group.exists // false" <<< "$state")" = true ] || { echo "$group: no cgroup" && continue; }
        # One directory is enough for the members; limits are looked for in all.
        directory=$(jq -r ".$group.paths | (.pids // .unified)" <<< "$state")
        echo "$group: $directory"
        for file in cgroup.procs tasks; do
            [ ! -e "$directory/$file" ] || echo "  $file: $(tr '\n' ' ' < "$directory/$file")"
        done
        [ "$group" = sandbox ] || continue
        jq -r ".$group.paths[]" <<< "$state" | sort -u | while read -r directory; do
            for file in cpu.max cpu.weight cpu.cfs_quota_us cpu.cfs_period_us cpu.shares cpuset.cpus memory.max \
                memory.limit_in_bytes pids.max; do
                [ ! -e "$directory/$file" ] || echo "  $file: $(cat "$directory/$file")"
            done
        done
    done
}

# Limits for what this host has.
resources=$(jq -c '{cpu: {shares: 2048, quota: 200000, period: 100000}, pids: {limit: 512}}
    | if '"$(jq .controllers.memory <<< "$features")"' then .memory = {limit: 1073741824} else . end' <<< null)

echo "cgroup v$(jq .cgroupVersion <<< "$features"), $driver driver, ${mode[0]:-overhead mode}, $(uname -sr)"

step "create: groups and limits, before there is a VMM; the shim (here: a sleep) is placed"
sleep 1000 &
pids+=($!)
show "echo '$resources' | kata-cgroup create $id --cgroups-path $path --pid $! ${mode[*]}"
kc create "$id" --cgroups-path "$path" --pid $! "${mode[@]}" <<< "$resources"
kernel | indent

step "attach-vcpus: a QEMU with two vCPUs is asked for its threads"
qemu-system-x86_64 -machine q35 -accel tcg -smp 2 -S -nodefaults -display none \
    -qmp "unix:$work/qmp.sock,server=on,wait=off" &
qemu=$!
pids+=("$qemu")
show "kata-cgroup attach-vcpus $id --qmp $work/qmp.sock --expect 2"
kc attach-vcpus "$id" --qmp "$work/qmp.sock" --expect 2 | indent
kernel | indent

step "update: half the CPU time, fewer tasks"
show "echo '{\"cpu\":{\"quota\":100000},\"pids\":{\"limit\":256}}' | kata-cgroup update $id"
kc update "$id" <<< '{"cpu":{"quota":100000},"pids":{"limit":256}}'
kernel | indent

step "inspect"
show "kata-cgroup inspect $id | jq ."
kc inspect "$id" | jq . | indent

step "delete: QEMU ends, and everything goes"
{ kill -KILL "$qemu" && wait "$qemu"; } 2> /dev/null || true
show "kata-cgroup delete $id"
kc delete "$id"
left=$(jq -r '.hierarchies[].mountPoint' <<< "$features" | while read -r mount; do find "$mount" -type d -name "*$id*"; done)
echo "    directories of $id in any hierarchy: ${left:-none}"
[ -z "$left" ]
