#!/usr/bin/env bash
# Commands that are killed at, told an error by, or sent a signal at one of their system calls, for every call in turn:
# nothing is left, nothing is lost, and whatever happened can be repaired by the commands themselves.
#
# usage: run.sh KATA_CGROUP kill|fault|signal cgroupfs|systemd overhead|sandbox-only [EVERY]
#
# EVERY: of the calls that change nothing only each so-manieth, and of those that do each (EVERY/10)th (default 1: all).
# Prints TAP, a test for each command, and a line "# points NUMBER" behind it. What a command does is traced once, so
# that a point is a system call's name and how often it was called before; strace(1) does the killing ("signal=KILL",
# before the call is carried out), the errors ("error=EIO", instead of it) and the signals (SIGTERM, SIGHUP and SIGINT,
# which end a command that has changed nothing yet, and SIGPIPE, which does nothing).
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

shim='' vmm='' point='' failures=0

finish() {
    [ -z "$shim" ] || kill -KILL "$shim" 2> /dev/null
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

# ---- the four commands, and what has to be there for them ----

declare -A arguments=(
    [create]="create $id --cgroups-path $path ${mode_option[*]}"
    [attach]="attach-vcpus $id --pin"
    [update]="update $id"
    [delete]="delete $id --timeout 1"
)

# The command proper, with what varies.
run_command() {
    case $command in
    create) "$@" --pid "$shim" <<< "$before" ;;
    attach) "$@" --vmm-pid "$vmm" ;;
    update) "$@" <<< "$after" ;;
    delete) "$@" ;;
    esac
}

# shellcheck disable=SC2086  # words
plainly() { run_command "$kata_cgroup" --root "$root" ${arguments[$command]}; }

# Under systemd the shim ends with its scope.
start_shim() {
    [ -z "$shim" ] || ! kill -0 "$shim" 2> /dev/null || return 0
    sleep 100000 > /dev/null 2>&1 &
    shim=$!
    # Its end is no news.
    disown "$shim"
}

start_vmm() {
    local ready
    exec {ready}< <(exec "$named_threads" "CPU 0/KVM" "CPU 1/KVM" 2> /dev/null)
    vmm=$!
    read -r -u "$ready" _
    exec {ready}<&-
}

end_vmm() {
    [ -n "$vmm" ] || return 0
    kill -KILL "$vmm" 2> /dev/null
    while [ -e "/proc/$vmm/task/$vmm/children" ]; do wait "$vmm" 2> /dev/null || break; done
    vmm=
}

prepare() {
    start_shim
    [ "$command" != create ] || return 0
    kc create "$id" --cgroups-path "$path" "${mode_option[@]}" --pid "$shim" <<< "$before" || problem "prepare: create"
    start_vmm
    [ "$command" != attach ] || return 0
    kc attach-vcpus "$id" --pin --vmm-pid "$vmm" > /dev/null || problem "prepare: attach-vcpus"
    [ "$command" != delete ] || end_vmm
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
    local what=$1 status=$2 lines
    lines=$(grep -vc ': warning: ' "$work/messages")
    [ "$status" -lt 124 ] || problem "$what ended with status $status"
    [ "$status" = 0 ] || [ "$lines" = 1 ] || problem "$what: status $status and $lines lines: $(< "$work/messages")"
}

check_commands_work() {
    local status again
    kc list > /dev/null 2> "$work/messages"
    check_answer list $?
    kc inspect "$id" > /dev/null 2> "$work/messages"
    check_answer inspect $?
    start_shim
    plainly > /dev/null 2> "$work/messages"
    again=$?
    check_answer "the same command again" $again
    case $command:$again in
    *:0 | create:4 | delete:3) ;;
    *) problem "the same command again: $(< "$work/messages")" ;;
    esac
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

# All that an operation is about: groups, limits, places of processes, affinities, the state but for its times.
snapshot() {
    local mount pid file
    for mount in "${mounts[@]}"; do
        [ ! -d "$mount/$sandbox" ] || echo "$mount/$sandbox"
        [ ! -d "$mount/$overhead" ] || echo "$mount/$overhead"
        for file in cpu.shares cpu.weight cpu.cfs_quota_us cpu.max pids.max; do
            [ ! -f "$mount/$sandbox/$file" ] || echo "$file $(< "$mount/$sandbox/$file")"
        done
    done
    for pid in $shim $vmm; do cat "/proc/$pid/task"/*/cgroup; grep -h Cpus_allowed_list "/proc/$pid/task"/*/status; done 2> /dev/null
    [ "$driver" != systemd ] || systemctl show "${sandbox##*/}" -p TasksMax,CPUQuotaPerSecUSec,CPUShares,CPUWeight
    [ ! -e "$root/$id" ] || cat "$root/$id/state.json"
}

# ---- the points ----

# Names and occurrences of the system calls of a run, without those of the dynamic linker.
list_points() {
    local trace=$work/trace
    prepare
    snapshot > "$work/before"
    # shellcheck disable=SC2086
    run_command strace -o "$trace" "$kata_cgroup" --root "$root" ${arguments[$command]} > /dev/null 2>&1
    point="no point"
    check_repair
    awk -v every="$every" -v kind="$kind" '
        {name = $0; sub(/\(.*/, "", name); if (name !~ /^[a-z_0-9]+$/ || name == "exit_group") next; count[name]++}
        # Before it has said so, nobody ignores a signal.
        name == (kind == "signal" ? "rt_sigaction" : "munmap") {started = 1; if (kind == "signal") next}
        # glibc 2.36 itself dies of the first brk() that fails (sysmalloc(); jq does so, too), and of futex() errors.
        !started || name == "brk" || name == "futex" {next}
        # What changes something outside of the process.
        name ~ /^(write|mkdir|mkdirat|renameat|unlinkat|fsetxattr|sendmsg|sendto|flock|sched_setaffinity|bpf|fsync|connect)$/ || /O_CREAT/ {
            step = every / 10
            if (step <= 1 || changing++ % int(step) == 0) print name, count[name], $0
            next
        }
        {if (neutral++ % every == 0) print name, count[name], $0}' "$trace" > "$work/points"
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
        [ $status = 0 ] && [ "$calls" -gt 0 ] && [ "$calls" -lt "$occurrence" ] && [ $try -lt 10 ] || break
        occurrence=$calls
        check_repair
    done
    [ $status = 137 ] || problem "was not killed there, but ended with status $status"
    check_commands_work
    check_repair
}

# A command that has changed nothing yet is ended by a signal, but by SIGPIPE, and has changed nothing then.
signal_at() {
    local signals=(TERM HUP INT PIPE) numbers=(15 1 2 13) which=$(($2 % 4))
    point="$point, SIG${signals[which]}"
    prepare
    snapshot > "$work/before"
    try_point "$1" "$2" "signal=${signals[which]}"
    if [ "$status" = $((128 + numbers[which])) ] && [ "$which" != 3 ]; then
        snapshot > "$work/after"
        diff "$work/before" "$work/after" > "$work/difference" || problem "was ended, but changed $(tr '\n' '|' < "$work/difference")"
    else
        [ $status = 0 ] && [ ! -s "$work/messages" ] || problem "ended with status $status: $(< "$work/messages")"
        [ "$command" != delete ] || check_nothing_left "it"
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
        if [ "$command" != delete ] && [[ $point != *"write(1,"* ]]; then
            snapshot > "$work/after"
            # Directories that are listed once more for a limit that stayed are no difference.
            diff "$work/before" "$work/after" > "$work/difference" ||
                problem "failed ($(< "$work/messages")), but changed $(tr '\n' '|' < "$work/difference")"
        fi
    fi
    check_commands_work
    check_repair
}

echo "1..4"
number=0
for command in create attach update delete; do
    number=$((number + 1)) failures=0
    list_points
    while read -r name occurrence text; do
        point="$name #$occurrence ${text:0:100}"
        case $kind in
        kill) kill_at "$name" "$occurrence" ;;
        fault) fail_at "$name" "$occurrence" ;;
        signal) signal_at "$name" "$occurrence" ;;
        esac
    done < "$work/points" > "$work/log" 2>&1
    [ $failures = 0 ] && echo "ok $number $kind at each system call of $command" || echo "not ok $number $kind at each system call of $command"
    head -n 60 "$work/log" | grep '^#'
    echo "# points $(wc -l < "$work/points")"
done
