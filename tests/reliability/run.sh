#!/usr/bin/env bash
# Commands that are killed at, told an error by, or sent a signal at one of their system calls, for every call in turn:
# nothing is left, nothing is lost, and whatever happened can be repaired by the commands themselves.
#
# usage: run.sh KATA_CGROUP kill|fault|signal cgroupfs|systemd overhead|sandbox-only [EVERY [SCENARIO...]]
#
# EVERY: of the calls that change nothing one in so many, and of those that do one in EVERY/10, spread over the run, but at
# least one and two (default 1: all). SCENARIO: only these, see below.
# Prints TAP, a test for each scenario, and a line "# points NUMBER" behind it. What a command does is traced once, so
# that a point is a system call's name and how often it was called before; strace(1) does the killing ("signal=KILL",
# before the call is carried out), the errors ("error=EIO", instead of it) and the signals (SIGTERM, SIGHUP and SIGINT,
# which end a command that has changed nothing yet, and SIGPIPE, which does nothing).
#
# After each point the same command is run again. What there is then has to be exactly what an undisturbed run has made:
# every file of the groups that can be written, every thread's place and CPUs, the unit's properties, and the state.
set -uo pipefail

kata_cgroup=$1 kind=$2 driver=$3 mode=$4 every=${5:-1}
named_threads=${kata_cgroup%/*}/named-threads

work=$(mktemp -d -p /run kctest.XXXXXX)
root=$work/root
# shellcheck source=tests/reliability/mounts.bash
. "$(dirname "${BASH_SOURCE[0]}")/mounts.bash"
read_mounts
note_parents

id=kc-test-$kind-$$
if [ "$driver" = systemd ]; then
    path=kctest.slice:kc:$id sandbox=kctest.slice/kc-$id.scope overhead=kata.slice/kata-overhead.slice/kata-cgroup-$id.scope
else
    path=kctest/$id sandbox=kctest/$id overhead=kata_overhead/$id
fi
mode_option=()
[ "$mode" = overhead ] || mode_option=(--sandbox-cgroup-only)

before='{"cpu":{"shares":2048,"quota":200000},"pids":{"limit":1000}}'
after='{"cpu":{"shares":512,"quota":100000},"pids":{"limit":50}}'
container='{"cpu":{"cpus":"1"}}'
nothing_allowed='{"devices":[{"allow":false,"access":"rwm"}]}'

# A disk, for a throttle that is lifted; there may be none.
disk=$(cat /sys/block/{vd,sd,nvme,xvd,loop}*/dev 2> /dev/null | head -n 1)
throttle='{"blockIO":{"throttleReadBpsDevice":[{"major":'${disk%:*}',"minor":'${disk#*:}',"rate":1048576}]}}'
# There is no such device, and no such CPU.
refused='{"pids":{"limit":77},"cpu":{"shares":300},"blockIO":{"throttleReadBpsDevice":[{"major":4000,"minor":1,"rate":4096}]}}'
no_throttle='{"blockIO":{"throttleReadBpsDevice":[]}}'

shim='' helper='' vmm='' vmm_says='' point='' failures=0 ended=0 signals_sent=0

finish() {
    [ -z "$shim" ] || kill -KILL "$shim" 2> /dev/null
    [ -z "$helper" ] || kill -KILL "$helper" 2> /dev/null
    [ -z "$vmm" ] || kill -KILL "$vmm" 2> /dev/null
    kc delete --force "$id" --cgroups-path "$path" "${mode_option[@]}" > /dev/null 2>&1
    [ "$driver" != systemd ] || stop_own_slices
    remove_groups "$id"
    remove_parents kctest kata_overhead
    rm -rf "$work"
}
trap finish EXIT

kc() { "$kata_cgroup" --root "$root" "$@"; }

problem() {
    echo "# $command, $point: $*"
    failures=$((failures + 1))
}

# ---- the scenarios: a command, and what has to be there for it ----

# lift: a container's cpuset goes; unthrottle: a throttle; devices: the default changes, under a VMM that runs; refused: the
# kernel takes the first limit, and not the last; reattach: a vCPU was plugged in, and the pins are taken back; place: a
# helper that came late; overhead: the limits of that group; freeze, thaw: the VMM; clear: a delete, with child groups.
scenarios=("${@:6}")
[ ${#scenarios[@]} -gt 0 ] || scenarios=(create attach update lift unthrottle devices refused reattach place overhead freeze thaw delete clear)
[ -n "$disk" ] || scenarios=("${scenarios[@]/unthrottle/}")
[ "$mode" = overhead ] || read -ra scenarios <<< "${scenarios[*]/#overhead/}"

declare -A arguments=(
    [create]="create $id --cgroups-path $path ${mode_option[*]}"
    [attach]="attach-vcpus $id --pin"
    [update]="update $id"
    [lift]="update $id --container c1 --remove"
    [unthrottle]="update $id"
    [devices]="update $id"
    [refused]="update $id"
    [reattach]="attach-vcpus $id --no-pin"
    [place]="place $id"
    [overhead]="update $id --overhead"
    [freeze]="freeze $id"
    [thaw]="thaw $id"
    [delete]="delete $id --timeout 1"
    [clear]="delete $id --timeout 1"
)

# The command proper, with what varies.
run_command() {
    case $command in
    create) "$@" --pid "$shim" <<< "$before" ;;
    attach | reattach) "$@" --vmm-pid "$vmm" ;;
    place) "$@" --pid "$helper" ;;
    update | overhead) "$@" <<< "$after" ;;
    unthrottle) "$@" <<< "$no_throttle" ;;
    devices) "$@" <<< "$nothing_allowed" ;;
    refused) "$@" <<< "$refused" ;;
    lift | freeze | thaw | delete | clear) "$@" ;;
    esac
}

# The status of an undisturbed run.
wanted_status() { [ "$command" = refused ] && echo 1 || echo 0; }

is_delete() { [[ $command = delete || $command = clear ]]; }

# shellcheck disable=SC2086  # words
plainly() { run_command "$kata_cgroup" --root "$root" ${arguments[$command]}; }

# until_true COMMAND...: for what has no event, 10 s at the most
until_true() {
    local tries=0
    until "$@" || [ $((++tries)) -gt 100 ]; do sleep 0.1; done
}

is_called() {
    local name
    read -r name 2> /dev/null < "/proc/$2/comm" && [ "$name" = "$1" ]
}

is_v2() { [ -e "$1/cgroup.controllers" ]; }

# Where only the VMM is in it, the scope ends with that.
scope_has_ended() {
    local mount
    for mount in "${mounts[@]}"; do
        [[ $mount != */systemd ]] && ! is_v2 "$mount" || [ ! -d "$mount/$sandbox" ] || return
    done
    ! systemctl is-active -q "${sandbox##*/}"
}

# Under systemd the shim ends with its scope.
start_shim() {
    [ -z "$shim" ] || ! kill -0 "$shim" 2> /dev/null || return 0
    sleep 100000 > /dev/null 2>&1 &
    shim=$!
    # Its end is no news.
    disown "$shim"
    until_true is_called sleep "$shim"
}

# The same for what place is for.
start_helper() {
    [ "$command" = place ] || return 0
    [ -z "$helper" ] || ! kill -0 "$helper" 2> /dev/null || return 0
    sleep 100000 > /dev/null 2>&1 &
    helper=$!
    disown "$helper"
    until_true is_called sleep "$helper"
}

start_vmm() {
    exec {vmm_says}< <(exec "$named_threads" "CPU 0/KVM" "CPU 1/KVM+" 2> /dev/null)
    vmm=$!
    read -r -u "$vmm_says" _
}

end_vmm() {
    [ -n "$vmm" ] || return 0
    kill -KILL "$vmm" 2> /dev/null
    while [ -e "/proc/$vmm/task/$vmm/children" ]; do wait "$vmm" 2> /dev/null || break; done
    exec {vmm_says}<&-
    vmm=
    [ "$driver:$mode" != systemd:overhead ] || until_true scope_has_ended
}

plug_vcpu() {
    kill -USR2 "$vmm"
    read -r -u "$vmm_says" _
}

prepare() {
    start_shim
    start_helper
    [ "$command" != create ] || return 0
    kc create "$id" --cgroups-path "$path" "${mode_option[@]}" --pid "$shim" <<< "$before" || problem "prepare: create"
    start_vmm
    [ "$command" != attach ] || return 0
    kc attach-vcpus "$id" --pin --vmm-pid "$vmm" > /dev/null || problem "prepare: attach-vcpus"
    case $command in
    lift) kc update "$id" --container c1 <<< "$container" || problem "prepare: update" ;;
    reattach) plug_vcpu ;;
    thaw) kc freeze "$id" || problem "prepare: freeze" ;;
    unthrottle) kc update "$id" <<< "$throttle" || problem "prepare: update" ;;
    delete | clear) end_vmm ;;
    esac
    [ "$command" != clear ] || make_children
}

# Somebody else's, empty.
make_children() {
    local mount
    for mount in "${mounts[@]}"; do
        [ ! -d "$mount/$sandbox" ] || mkdir "$mount/$sandbox/child" "$mount/$sandbox/child/grandchild" 2> /dev/null
    done
}

# ---- what has to hold ----

is_anything_left() {
    local mount
    for mount in "${mounts[@]}"; do
        [ ! -e "$mount/$sandbox" ] && [ ! -e "$mount/$overhead" ] || { echo "$mount"; return 0; }
    done
    if [ "$driver" = systemd ]; then
        systemctl list-units --all --no-legend --plain "*$id*" | grep . && return 0
    fi
    [ ! -e "$root" ] || find "$root" -mindepth 1 | grep .
}

check_nothing_left() {
    local left
    ! left=$(is_anything_left) || problem "$1 leaves $left"
}

# run_quietly WHAT: the last command's status and messages were these; not a crash, and one line where it failed
check_answer() {
    local what=$1 status=$2 said=0 line lines
    mapfile -t lines < "$work/messages"
    for line in "${lines[@]}"; do [[ $line == *': warning: '* ]] || said=$((said + 1)); done
    [ "$status" -lt 124 ] || problem "$what ended with status $status"
    [ "$status" = 0 ] || [ "$said" = 1 ] || problem "$what: status $status and $said lines: $(< "$work/messages")"
}

check_commands_work() {
    local status again
    kc list > /dev/null 2> "$work/messages"
    check_answer list $?
    kc inspect "$id" > /dev/null 2> "$work/messages"
    check_answer inspect $?
    start_shim
    start_helper
    plainly > /dev/null 2> "$work/messages"
    again=$?
    check_answer "the same command again" $again
    case $command:$again in
    create:4 | delete:3 | clear:3) ;;
    *:"$(wanted_status)") ;;
    *) problem "the same command again: $(< "$work/messages")" ;;
    esac
    check_same
}

# Back to nothing, whatever there is; then a whole life.
check_repair() {
    kc delete --force "$id" --cgroups-path "$path" "${mode_option[@]}" > /dev/null 2> "$work/messages"
    check_answer "delete --force" $?
    [ ! -s "$work/messages" ] || problem "delete --force: $(< "$work/messages")"
    end_vmm
    check_nothing_left "delete --force"
    start_shim
    kc create "$id" --cgroups-path "$path" "${mode_option[@]}" --pid "$shim" <<< "$before" 2> "$work/messages" ||
        problem "a new create: $(< "$work/messages")"
    kc delete "$id" 2> "$work/messages" || problem "its delete: $(< "$work/messages")"
    check_nothing_left "its delete"
    # The overhead groups' parent rightly stays, and so does a parent whose maker was killed before it could mark it;
    # but then the next run has less to make.
    remove_parents kctest kata_overhead
}

# A process by its threads' names, places and CPUs.
snapshot_process() {
    local task name line lines
    for task in "/proc/$1/task"/*; do
        read -r name < "$task/comm" && mapfile -t lines < "$task/status" || continue
        for line in "${lines[@]}"; do
            [[ $line != Cpus_allowed_list:* ]] || echo "$name: CPUs${line#*:}"
        done
        mapfile -t lines < "$task/cgroup"
        printf '%s\n' "${lines[@]/#/$name: }"
    done 2> /dev/null
}

snapshot_units() {
    local unit
    [ "$driver" = systemd ] || return 0
    for unit in "${sandbox##*/}" "${overhead##*/}"; do
        systemctl show "$unit" -p ActiveState,SubState,FreezerState,Slice,TasksMax,CPUQuotaPerSecUSec,CPUQuotaPeriodUSec,CPUShares,CPUWeight,AllowedCPUs,AllowedMemoryNodes,DevicePolicy,DeviceAllow,IOReadBandwidthMax,BlockIOReadBandwidth,MemoryLow,MemoryMax,MemoryLimit,Delegate,TimeoutStopUSec,Description |
            sed 's/ of .*//'
    done
}

# Which devices may be read in the sandbox group: v2's programs are in no file.
snapshot_devices() {
    local mount group device
    for mount in "${mounts[@]}"; do
        group=$mount/$sandbox
        # Where processes may be put: not beside child groups, nor into a threaded one.
        [[ $command = devices && -d $group ]] && { [[ $mount = */devices ]] || is_v2 "$mount"; } || continue
        (
            echo "$BASHPID" > "$group/cgroup.procs" || exit 0
            for device in null zero full random; do : < "/dev/$device" && echo "$mount: /dev/$device can be read"; done
        ) 2> /dev/null
    done
}

# All that an operation is about, and nothing that differs from run to run: what can be written in the groups, processes,
# the unit, the state.
snapshot() {
    local mount group groups=() pid
    for mount in "${mounts[@]}"; do
        for group in "$sandbox" "$overhead"; do
            [ ! -d "$mount/$group" ] || groups+=("$mount/$group")
        done
    done
    printf '%s\n' "${groups[@]}"
    [ ${#groups[@]} -eq 0 ] ||
        find "${groups[@]}" -type f \( -perm -u+rw -o -name devices.list \) -not -name 'cgroup.procs' -not -name 'cgroup.threads' -not -name tasks \
            -not -name '*usage*' -not -name '*peak' -not -name '*pressure*' -not -name '*.events*' -not -name '*failcnt' \
            -not -name 'cgroup.event_control' -not -name '*reclaim' -exec grep -H '' {} + 2> /dev/null | sort
    for pid in $shim $helper $vmm; do snapshot_process "$pid"; done
    snapshot_units
    snapshot_devices
    [ ! -e "$root/$id" ] || ls -A "$root/$id"
    [ ! -e "$root/$id/state.json" ] || jq 'del(.createdAt, .token, .directories, .sandbox.invocation, .overhead.invocation, .vmm.pid, .vmm.startTime,
        .vmm.vcpus[]?.tid, .runtime[].pid, .runtime[].startTime, .runtime[].cgroups)' "$root/$id/state.json"
}

# What the same command, run again, has to lead to.
check_same() {
    if is_delete; then
        check_nothing_left "the same command again"
        return
    fi
    snapshot > "$work/after"
    diff "$work/expected" "$work/after" > "$work/difference" ||
        problem "afterwards there is another: $(grep '^[<>]' "$work/difference" | head -n 12 | tr '\n' '|')"
}

# ---- the points ----

# Names and occurrences of the system calls of a run, without those of the dynamic linker.
list_points() {
    local trace=$work/trace
    prepare
    # shellcheck disable=SC2086
    run_command strace -o "$trace" "$kata_cgroup" --root "$root" ${arguments[$command]} > /dev/null 2>&1
    snapshot > "$work/expected"
    point="no point"
    check_repair
    awk -v every="$every" -v kind="$kind" '
        # So many of a list, spread over it; at least `least` of them.
        function pick(list, n, step, least,    count, i) {
            count = int((n + step - 1) / step)
            if (count < least) count = least < n ? least : n
            for (i = 0; i < count; i++) chosen[list[int((i + 0.5) * n / count) + 1]] = 1
        }
        {name = $0; sub(/\(.*/, "", name); if (name !~ /^[a-z_0-9]+$/ || name == "exit_group") next; count[name]++}
        name == "munmap" {started = 1}
        # glibc 2.36 itself dies of the first brk() that fails (sysmalloc(); jq does so, too), and of futex() errors.
        !started || name == "brk" || name == "futex" {next}
        {point[++points] = name " " count[name] " " $0}
        # What changes something outside of the process.
        name ~ /^(write|mkdir|mkdirat|renameat|unlinkat|fsetxattr|sendmsg|sendto|flock|sched_setaffinity|bpf|fsync|connect)$/ || /O_CREAT/ {
            changing[++changes] = points
            next
        }
        {neutral[++neutrals] = points}
        END {
            pick(changing, changes, every > 10 ? int(every / 10) : 1, 2)
            pick(neutral, neutrals, every, 1)
            # Where a signal ends it.
            if (kind == "signal") chosen[neutral[1]] = 1
            for (i = 1; i <= points; i++) if (i in chosen) print point[i]
        }' "$trace" > "$work/points"
}

# The errors that a call can end with, one after the other.
error_for() {
    local errors
    case $1 in
    openat | openat2) errors=(EACCES ENOMEM EIO EMFILE EINTR) ;;
    read | pread64) errors=(EIO EINTR ENOMEM) ;;
    write) errors=(EIO ENOSPC EBUSY EINVAL EINTR EACCES) ;;
    mkdir | mkdirat) errors=(ENOSPC ENOMEM EACCES EIO) ;;
    unlinkat) errors=(EBUSY EIO EACCES) ;;
    renameat | fsync) errors=(ENOSPC EIO) ;;
    flock | poll | ppoll) errors=(EINTR ENOMEM) ;;
    mmap | mprotect | munmap) errors=(ENOMEM) ;;
    sendmsg | sendto | recvmsg | recvfrom) errors=(ECONNRESET EIO ENOMEM EINTR) ;;
    connect) errors=(ECONNREFUSED EACCES) ;;
    sched_setaffinity | sched_getaffinity) errors=(EINVAL ESRCH) ;;
    *) errors=(EIO ENOMEM EACCES) ;;
    esac
    echo "${errors[$2 % ${#errors[@]}]}"
}

# try_point NAME OCCURRENCE WHAT: runs the command with this in its way; sets status, and leaves the calls of this name
try_point() {
    # shellcheck disable=SC2086
    run_command strace -o "$work/tried" -e trace="$1" -e inject="$1:$3:when=$2" \
        "$kata_cgroup" --root "$root" ${arguments[$command]} > /dev/null 2> "$work/messages"
    status=$?
    grep -v '^strace: ' "$work/messages" > "$work/lines"
    mv "$work/lines" "$work/messages"
}

# Who waits for systemd or for the kernel calls a few times more or less: where this run had fewer calls than the one
# that was traced, its last one is the point.
kill_at() {
    local occurrence=$2 try calls
    for try in {1..10}; do
        prepare
        try_point "$1" "$occurrence" signal=KILL
        calls=$(grep -c "^$1(" "$work/tried")
        [ $status = "$(wanted_status)" ] && [ "$calls" -gt 0 ] && [ "$calls" -lt "$occurrence" ] && [ $try -lt 10 ] || break
        occurrence=$calls
        check_repair
    done
    [ $status = 137 ] || problem "was not killed there, but ended with status $status"
    check_commands_work
    check_repair
}

# A command that has changed nothing yet is ended by a signal, but by SIGPIPE, and has changed nothing then.
signal_at() {
    local signals=(TERM HUP INT PIPE) numbers=(15 1 2 13) which=$((signals_sent++ % 4))
    point="$point, SIG${signals[which]}"
    prepare
    snapshot > "$work/before"
    try_point "$1" "$2" "signal=${signals[which]}"
    if [ "$status" = $((128 + numbers[which])) ] && [ "$which" != 3 ]; then
        ended=$((ended + 1))
        snapshot > "$work/after"
        diff "$work/before" "$work/after" > "$work/difference" || problem "was ended, but changed $(tr '\n' '|' < "$work/difference")"
    else
        [ $status = "$(wanted_status)" ] && { [ $status != 0 ] || [ ! -s "$work/messages" ]; } || problem "ended with status $status: $(< "$work/messages")"
        ! is_delete || check_nothing_left "it"
    fi
    check_commands_work
    check_repair
}

fail_at() {
    local error
    error=$(error_for "$1" "$2")
    point="$point = $error"
    prepare
    snapshot > "$work/before"
    try_point "$1" "$2" "error=$error"
    # What cannot be said is not said.
    [[ $point == *"write("[12],* ]] || check_answer "it" $status
    if [ $status != 0 ]; then
        [ "$status" = 1 ] || [ "$status" = 5 ] || problem "status $status: $(< "$work/messages")"
        # What the message says was not undone is seen to by the next command.
        if ! is_delete && [[ $point != *"write(1,"* ]] && ! grep -q 'the state could not be written either' "$work/messages"; then
            snapshot > "$work/after"
            # On v1 systemd takes the unit's group of the devices hierarchy down with the unit's first list of devices.
            [ "$driver:$command" != systemd:devices ] || sed -i '\#/devices[:/]#d; /:devices:/d' "$work/before" "$work/after"
            diff "$work/before" "$work/after" > "$work/difference" ||
                problem "failed ($(< "$work/messages")), but changed $(tr '\n' '|' < "$work/difference")"
        fi
    fi
    check_commands_work
    check_repair
}

echo "1..${#scenarios[@]}"
number=0
for command in "${scenarios[@]}"; do
    [ -n "$command" ] || { echo "ok $((++number)) $kind at each system call of unthrottle # skip there is no disk"; continue; }
    number=$((number + 1)) failures=0 ended=0 signals_sent=0
    list_points
    while read -r name occurrence text; do
        point="$name #$occurrence ${text:0:100}"
        case $kind in
        kill) kill_at "$name" "$occurrence" ;;
        fault) fail_at "$name" "$occurrence" ;;
        signal) signal_at "$name" "$occurrence" ;;
        esac
    done < "$work/points" > "$work/log" 2>&1
    # Before its first change a signal ends each of them.
    [ "$kind" != signal ] || [ "$ended" -gt 0 ] || problem "no signal has ended it" >> "$work/log"
    [ $failures = 0 ] && echo "ok $number $kind at each system call of $command" || echo "not ok $number $kind at each system call of $command"
    head -n 60 "$work/log" | grep '^#'
    echo "# points $(wc -l < "$work/points")"
done
