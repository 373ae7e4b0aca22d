#!/usr/bin/env bash
# A guest that counts as fast as it can, while its sandbox gets limits and loses them: what the guest gets done in each
# second, beside what the host's kernel has accounted in the same second; called by demo.sh.
#
# usage: demo-guest.sh BINARY KERNEL INITRAMFS SAMPLES [--driver cgroupfs|systemd]
#
# In sandbox-only mode, since v1 would charge the guest's memory to the overhead otherwise. SAMPLES is a table of what is
# seen, a line a second, for demo-guest.awk.
set -euo pipefail

top=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
# shellcheck source=tests/guest/guest.bash
. "$top/tests/guest/guest.bash"
binary=$1 kernel=$2 initramfs=$3 samples=$4
shift 4
driver=''
[ "${1:-}" != --driver ] || driver=$2
id=demo-$$
work=$(mktemp -d)
kc() { "$binary" --root "$work/state" "$@"; }
features=$(kc features)
[ -n "$driver" ] || driver=$(jq -r '.drivers[-1]' <<< "$features")
path=kata-demo/pod/$id
[ "$driver" != systemd ] || path=kata-demo.slice:demo:$id
GUEST_PID=''

cleanup() {
    [ -z "$GUEST_PID" ] || kill -KILL "$GUEST_PID" 2> /dev/null || true
    kc delete --force "$id" --cgroups-path "$path" --sandbox-cgroup-only 2> /dev/null || true
    rm -rf "$work"
}
trap cleanup EXIT

has() { jq -e ".controllers.$1" > /dev/null <<< "$features"; }

# ---- what the host's kernel says ----

# field FILE NAME: sets FIELD to the number behind that name
field() {
    local name
    while read -r name FIELD; do [ "$name" != "$2" ] || return 0; done < "$1"
}

# Sets USAGE (CPU time, in us), THROTTLED (periods) and MEMORY of the sandbox's group, NOW (in cs), and UPTIME, the guest's
# (in ms).
read_host() {
    UPTIME=$((10#${GUEST_UPTIME/./}))
    read -r NOW _ < /proc/uptime
    NOW=${NOW/./}
    if [ -n "${group[unified]:-}" ]; then
        field "${group[unified]}/cpu.stat" usage_usec
        USAGE=$FIELD
    else
        USAGE=$(($(< "${group[cpuacct]}/cpuacct.usage") / 1000))
    fi
    field "${group[cpu]:-${group[unified]}}/cpu.stat" nr_throttled
    THROTTLED=$FIELD
    MEMORY=0
    if [ -e "${group[memory]:-}/memory.usage_in_bytes" ]; then
        MEMORY=$(< "${group[memory]}/memory.usage_in_bytes")
    elif [ -e "${group[unified]:-}/memory.current" ]; then
        MEMORY=$(< "${group[unified]}/memory.current")
    fi
}

# Who counts it when the kernel kills for want of memory: the group, and on v2 its parent, which stays where a scope goes
# with its last process.
oom_kills() {
    local file parent=${group[unified]:-}
    parent=${parent%/*}
    for file in "${group[memory]:-}/memory.oom_control" "${group[unified]:-}/memory.events" \
        "$parent/memory.events"; do
        if [ -e "$file" ]; then
            field "$file" oom_kill
            echo "${file##*/} has oom_kill $FIELD"
            return
        fi
    done
}

# ---- the chart ----

width=20
eighths=('' ▏ ▎ ▍ ▌ ▋ ▊ ▉)

# bar PERMILLE COLOUR: so much of width cells
bar() {
    local full=$(($1 * width * 8 / 1000)) cells text=''
    [ "$full" -le $((width * 8)) ] || full=$((width * 8))
    cells=$((full / 8))
    while [ ${#text} -lt "$cells" ]; do text+=x; done
    text=${text//x/█}${eighths[full % 8]}
    printf '\033[%sm%s\033[0m%*s' "$2" "$text" $((width - cells - (full % 8 > 0))) ''
}

# The seconds without a limit are what later ones are compared with: so much was counted in so many ms of the guest's
# clock, with so much CPU time within so many cs of the host's.
free_count=0 free_ms=0 free_usage=0 free_cs=0

# A second: waits for the guest's line, and shows and records what has happened since the line before. Both bars have one
# scale: the guest's is as long as the host's where it has counted as much for its CPU time as it did without a limit.
second() {
    local uptime=$UPTIME now=$NOW usage=$USAGE throttled=$THROTTLED counted=0 count permille used
    next_second || return 1
    read_host
    for count in "${GUEST_COUNTS[@]}"; do counted=$((counted + count)); done
    uptime=$((UPTIME - uptime)) usage=$((USAGE - usage)) throttled=$((THROTTLED - throttled))
    if [ "$phase" = "no limit" ]; then
        free_count=$((free_count + counted)) free_ms=$((free_ms + uptime))
        free_usage=$((free_usage + usage)) free_cs=$((free_cs + NOW - now))
    fi
    permille=$((counted * 1000 / uptime * free_ms / free_count))
    # In permille of a CPU: us in cs.
    used=$((usage / ((NOW - now) * 10)))
    printf '%6d s  %s %4d %%   %s %d.%02d  %9d  %5d MiB\n' $((UPTIME / 1000)) \
        "$(bar $((permille * (free_usage / free_cs / 10) / 1000 / ${#cpus[@]})) 36)" $(((permille + 5) / 10)) \
        "$(bar $((used / ${#cpus[@]})) 33)" $((used / 1000)) $((used % 1000 / 10)) "$throttled" $((MEMORY >> 20))
    printf '%s\t%d\t%d\t%d\t%d\t%d\t%d\t%d\n' "$phase" "$now" "$NOW" "$permille" "$used" "$cpu_limit" "$MEMORY" \
        "$memory_limit" >> "$samples"
}

seconds() {
    local i
    for ((i = 0; i < $1; i++)); do second; done
}

# begin PHASE TEXT
begin() {
    phase=$1
    printf '\n\033[1m%s\033[0m%s\n' "$phase" "${2:+: $2}"
}

update() {
    printf '  $ kata-cgroup update %s <<< %s\n' "$id" "'$1'"
    kc update "$id" <<< "$1"
}

# ---- the sandbox and its guest ----

# The first two CPUs that this process may run on, one a vCPU.
mapfile -t cpus < <(awk '/^Cpus_allowed_list/ {n = split($2, ranges, ",")
    for (i = 1; i <= n; i++) {split(ranges[i] "-" ranges[i], ends, "-"); for (c = ends[1]; c <= ends[2]; c++) print c}}' \
    /proc/self/status | head -n 2)
all_cpus=$(IFS=, && echo "${cpus[*]}")
cpu_limit=$((${#cpus[@]} * 1000)) memory_limit=0
resources='{}'
! has cpuset || resources='{"cpu":{"cpus":"'$all_cpus'"}}'

host="cgroup v$(jq .cgroupVersion <<< "$features"), $driver driver, $(uname -sr)"
echo "$host; sandbox-only mode"
printf '  $ kata-cgroup create %s --cgroups-path %s --sandbox-cgroup-only <<< %s\n' "$id" "$path" "'$resources'"
kc create "$id" --cgroups-path "$path" --sandbox-cgroup-only <<< "$resources"
guest_command "$kernel" "$initramfs" "$work/qmp.sock"
printf '  $ kata-cgroup exec %s -- qemu-system-x86_64 -smp 2 -kernel … -initrd … -serial stdio -qmp …\n' "$id"
start_guest "$binary" --root "$work/state" exec "$id" -- "${GUEST_COMMAND[@]}"
next_second || { echo "demo-guest.sh: the guest has not started" >&2 && exit 1; }
printf '  $ kata-cgroup attach-vcpus %s --qmp … --expect 2 --pin\n' "$id"
kc attach-vcpus "$id" --qmp "$work/qmp.sock" --expect 2 --pin

declare -A group
while read -r controller directory; do group[$controller]=$directory; done < <(
    kc inspect "$id" | jq -r '.sandbox.paths | to_entries[] | "\(.key) \(.value)"')
printf 'host\t%s\t%d\n' "$host" ${#cpus[@]} > "$samples"
# The second in which the vCPUs were attached is nobody's.
fresh_second
read_host

printf '\n%8s  %-27s   %-25s  %9s  %9s\n' uptime "guest: its count" "host: CPUs in use" throttled memory
begin "no limit" "a vCPU on a CPU"
seconds 6

begin "half a CPU"
cpu_limit=500
update '{"cpu":{"quota":50000,"period":100000}}'
seconds 6

begin "lifted"
cpu_limit=$((${#cpus[@]} * 1000))
update '{"cpu":{"quota":-1}}'
seconds 4

if has cpuset; then
    begin "one CPU" "both vCPUs are on CPU ${cpus[0]}, whatever they were pinned to"
    cpu_limit=1000
    update '{"cpu":{"cpus":"'"${cpus[0]}"'"}}'
    seconds 6
fi

if has memory; then
    # No limit is below what there is already; and the guest touches more than it leaves.
    begin "memory limit" "the guest touches 16 MiB more each second"
    memory_limit=$((((MEMORY >> 20) + 56) << 20))
    cpu_limit=$((${#cpus[@]} * 1000))
    resources='"memory":{"limit":'$memory_limit'}'
    # Where there is swap and it is accounted, none of it.
    if [ -e "${group[memory]:-}/memory.memsw.limit_in_bytes" ] || [ -e "${group[unified]:-}/memory.swap.max" ]; then
        resources=${resources/\}/,\"swap\":$memory_limit\}}
    fi
    ! has cpuset || resources='"cpu":{"cpus":"'$all_cpus'"},'$resources
    update "{$resources}"
    # The next piece once the last one has been touched, and no more than the guest has.
    asked=0 gone=false
    while [ "$GUEST_TOUCHED" -lt 112 ]; do
        if [ "$GUEST_TOUCHED" = "$asked" ]; then
            ask_for_memory 16
            asked=$((asked + 16))
        fi
        second || { gone=true && break; }
    done
    status=0
    if [ "$gone" = true ]; then
        { wait "$GUEST_PID" || status=$?; } 2> /dev/null
        GUEST_PID=''
        echo "          the guest is gone: QEMU was ended by signal $((status - 128)); $(oom_kills)"
        printf 'killed\t%d\n' "$NOW" >> "$samples"
    else
        echo "          the guest goes on: this host has swap that is not accounted"
    fi
fi

[ -z "$GUEST_PID" ] || { kill -KILL "$GUEST_PID" && wait "$GUEST_PID" || true; } 2> /dev/null
GUEST_PID=''
printf '\n  $ kata-cgroup delete %s\n' "$id"
kc delete "$id"
