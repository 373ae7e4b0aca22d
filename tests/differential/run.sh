#!/usr/bin/env bash
# The same documents through kata-cgroup, runc and crun: create, then update. Every limit that one of them has
# changed from its default is compared, and a difference that differences.bash does not explain fails.
#
# usage: run.sh KATA_CGROUP RANDOM_RESOURCES cgroupfs|systemd COUNT [SEED]
#
# Prints TAP, a test for each document. For a machine of its own: it makes groups and loads null_blk and bfq.
set -uo pipefail

kata_cgroup=$1 generator=$2 DRIVER=$3 count=$4 seed=${5:-1}
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
# shellcheck source=tests/differential/differences.bash
. "$here/differences.bash"

work=$(mktemp -d)
tools=(kata runc crun)
mounts=() VERSION=2
while read -r line; do
    case $line in *" - cgroup2 "* | *" - cgroup "*) ;; *) continue ;; esac
    mount=${line#* * * * }
    mounts+=("${mount%% *}")
    [[ $line == *" - cgroup2 "* || $line == *name=* ]] || VERSION=1
done < /proc/self/mountinfo

sleep 100000 &
process=$!
finish() {
    local tool
    kill -KILL "$process" 2> /dev/null
    for tool in "${tools[@]}"; do remove "$tool" 2> /dev/null; done
    find "${mounts[@]/%//kcdiff}" -depth -type d -exec rmdir {} + 2> /dev/null
    [ "$DRIVER" != systemd ] || systemctl stop kcdiff.slice 2> /dev/null
    rm -rf "$work"
}
trap finish EXIT

modprobe null_blk nr_devices=1
modprobe bfq
echo bfq > /sys/block/nullb0/queue/scheduler
read -r BLOCK < /sys/block/nullb0/dev

option=() path=/kcdiff/
[ "$DRIVER" != systemd ] || { option=(--systemd-cgroup) && path=kcdiff.slice:; }
path_of() { [ "$DRIVER" = systemd ] && echo "$path$1:kcdiff" || echo "$path$1"; }
# crun puts the container, and its limits, into a group below its scope.
directory_of() {
    case $DRIVER:$1 in
    systemd:crun) echo kcdiff.slice/crun-kcdiff.scope/container ;;
    systemd:*) echo "kcdiff.slice/$1-kcdiff.scope" ;;
    *) echo "kcdiff/$1" ;;
    esac
}

create() {
    local tool=$1 document=$2
    if [ "$tool" = kata ]; then
        "$kata_cgroup" --root "$work/kata" create kcdiff --sandbox-cgroup-only --cgroups-path "$(path_of kata)" \
            --pid "$process" <<< "$document"
        return
    fi
    # The container's process is never started: a file to name, and places to mount to, are enough.
    mkdir -p "$work/$tool/rootfs"/{proc,dev,bin}
    cp /bin/true "$work/$tool/rootfs/bin/true"
    jq --arg path "$(path_of "$tool")" '{ociVersion: "1.0.2",
        process: {user: {uid: 0, gid: 0}, args: ["/bin/true"], cwd: "/"},
        root: {path: "rootfs"}, mounts: [{destination: "/proc", type: "proc", source: "proc"},
            {destination: "/dev", type: "tmpfs", source: "tmpfs", options: ["mode=755"]}],
        linux: {cgroupsPath: $path, namespaces: [{type: "pid"}, {type: "mount"}], resources: .}}' \
        <<< "$document" > "$work/$tool/config.json"
    "$tool" --root "$work/$tool-state" "${option[@]}" create --bundle "$work/$tool" "kcdiff-$tool" < /dev/null
}

update() {
    local tool=$1 document=$2
    if [ "$tool" = kata ]; then
        "$kata_cgroup" --root "$work/kata" update kcdiff <<< "$document"
    else
        "$tool" --root "$work/$tool-state" "${option[@]}" update --resources - "kcdiff-$tool" <<< "$document"
    fi
}

remove() {
    if [ "$1" = kata ]; then
        # A stop would end the process, which the next document needs again.
        for mount in "${mounts[@]}"; do
            [ ! -e "$mount/cgroup.procs" ] || echo "$process" > "$mount/cgroup.procs"
        done
        "$kata_cgroup" --root "$work/kata" delete --force kcdiff --sandbox-cgroup-only --cgroups-path "$(path_of kata)"
    else
        "$1" --root "$work/$1-state" "${option[@]}" delete --force "kcdiff-$1"
        # One that was refused leaves its directories, with the limits that it got to.
        [ "$DRIVER" != systemd ] || systemctl stop "$1-kcdiff.scope"
        # The container's process may still be ending: nothing tells when its groups have become empty.
        for ((i = 0; i < 100; i++)); do
            find "${mounts[@]/%//$(directory_of "$1")}" -depth -type d -exec rmdir {} +
            [ -n "$(find "${mounts[@]/%//$(directory_of "$1")}" -maxdepth 0)" ] || break
            sleep 0.05
        done
    fi
}

# snapshot TOOL: VALUES[TOOL:FILE] for every limit of its group, in any hierarchy
declare -A VALUES
limits=(cpu.shares cpu.weight cpu.max cpu.max.burst cpu.idle cpu.cfs_quota_us cpu.cfs_period_us cpuset.cpus cpuset.mems
    memory.max memory.low memory.high memory.swap.max memory.swap.high memory.limit_in_bytes memory.soft_limit_in_bytes
    memory.memsw.limit_in_bytes memory.swappiness pids.max io.max io.weight io.bfq.weight blkio.bfq.weight
    blkio.throttle.{read,write}_{bps,iops}_device hugetlb.2MB.{,rsvd.}{max,limit_in_bytes} net_cls.classid
    cgroup.max.depth)
snapshot() {
    local tool=$1 directory line file mount paths=()
    directory=$(directory_of "$tool")
    for file in "${!VALUES[@]}"; do [ "${file%%:*}" != "$tool" ] || unset "VALUES[$file]"; done
    for mount in "${mounts[@]}"; do paths+=("${limits[@]/#/$mount/$directory/}"); done
    while read -r line; do
        file=${line%%:*} file=${file##*/} line=${line#*:}
        [ -z "${VALUES[$tool:$file]:-}" ] || line="${VALUES[$tool:$file]}|$line"
        VALUES[$tool:$file]=$line
    done < <(grep -s . "${paths[@]}")
}

declare -A reasons
# same FILE VALUE VALUE: also where the one is not there, since its controller is not enabled, and the other is what
# every group has from the start
same() {
    [ "$2" != "$3" ] || return 0
    [ -z "$2" ] || [ -z "$3" ] || return 1
    case "$1=$2$3" in
    cpu.weight=100 | cpu.idle=0 | cpu.max.burst=0 | "cpu.max=max 100000" | io.weight="default 100" | \
        io.bfq.weight="default 100" | memory.low=0 | *=max) return 0 ;;
    esac
    return 1
}

compare() {
    local tool=$1 file ours theirs
    local -A files=()
    for file in "${!VALUES[@]}"; do
        case ${file%%:*} in kata | "$tool") files[${file#*:}]= ;; esac
    done
    for file in "${!files[@]}"; do
        ours=${VALUES[kata:$file]:-} theirs=${VALUES[$tool:$file]:-}
        ! same "$file" "$ours" "$theirs" || continue
        if explain "$tool" "$file" "$ours" "$theirs"; then
            reasons[$tool: $REASON]=$((${reasons[$tool: $REASON]:-0} + 1))
        else
            echo "# $STEP $tool: $file is ${theirs:-not there}, kata-cgroup has ${ours:-none}"
            failed=true
        fi
    done
}

# run_step STEP DOCUMENT: for all tools that are still in it
run_step() {
    local tool message
    STEP=$1 DOCUMENT=$2
    for tool in "${tools[@]}"; do
        [ "${alive[$tool]}" = true ] || continue
        # Not a pipe: the container's process would keep it open.
        if ! "$STEP" "$tool" "$DOCUMENT" > "$work/message" 2>&1; then
            message=$(< "$work/message")
            alive[$tool]=false
            if [ "$tool" = kata ]; then
                echo "# $STEP kata: $message"
                kata_refused=true
            elif [ "$kata_refused" = false ]; then
                if explain_failure "$tool" "$message"; then
                    reasons[$tool: $REASON]=$((${reasons[$tool: $REASON]:-0} + 1))
                else
                    echo "# $STEP $tool: $message"
                    failed=true
                fi
            fi
            continue
        fi
        snapshot "$tool"
        [ "$tool" = kata ] || [ "$kata_refused" = true ] || compare "$tool"
        [ "$kata_refused" = false ] || failed=true
    done
}

echo "1..$count"
number=0
while IFS=$'\t' read -r first second; do
    number=$((number + 1))
    declare -A alive=([kata]=true [runc]=true [crun]=true)
    failed=false kata_refused=false
    run_step create "$first"
    FORMER=$first
    run_step update "$second"
    for tool in "${tools[@]}"; do remove "$tool" > /dev/null 2>&1; done
    if [ "$failed" = false ]; then
        echo "ok $number the same limits by kata-cgroup, runc and crun"
    else
        echo "# $first"
        echo "# $second"
        echo "not ok $number the same limits by kata-cgroup, runc and crun"
    fi
done < <("$generator" "$seed" "$count" "$VERSION" "${BLOCK%:*}" "${BLOCK#*:}")
for reason in "${!reasons[@]}"; do echo "# explained ${reasons[$reason]} times: $reason"; done
