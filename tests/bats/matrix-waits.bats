#!/usr/bin/env bats
# Every wait ends, holds up nobody, and can be given up; and whatever a kill leaves, the next command mends.

# shellcheck disable=SC2030,SC2031  # each test has its own
# shellcheck disable=SC2154  # set by run

load helpers

setup() { kc_setup; }
teardown() {
    [ -z "${FROZEN:-}" ] || echo THAWED > "$FROZEN" 2> /dev/null || true
    [ -z "${OFFLINE:-}" ] || echo 1 > "$OFFLINE"
    kc_teardown
}

# in_background COMMAND...: one of kata-cgroup's; sets COMMAND_PID. env: a shell's background processes ignore SIGINT.
in_background() {
    env --default-signal "$KATA_CGROUP" --root "$ROOT" "$@" <&0 3>&- > "$BATS_TEST_TMPDIR/said" 2>&1 &
    COMMAND_PID=$!
    STARTED+=("$COMMAND_PID")
}

# await_command: its status in $STATUS
await_command() {
    STATUS=0
    wait "$COMMAND_PID" || STATUS=$?
}

# Whether it sleeps in this system call.
is_in_syscall() { [[ $(< "/proc/$1/syscall") == "$2 "* ]]; } 2> /dev/null

is_waiting_for_lock() { grep -q -- "-> FLOCK .* $1 " /proc/locks; }

# strace_stopping PATH|"" SYSCALL INJECTION COMMAND...: in the background, stopped after the call; sets COMMAND_PID (strace's).
strace_stopping() {
    local path=() syscall=$2 injection=$3
    [ -z "$1" ] || path=(-P "$1")
    shift 3
    rm -f "$BATS_TEST_TMPDIR/trace"
    ASAN_OPTIONS=${ASAN_OPTIONS:-}:detect_leaks=0 strace -o "$BATS_TEST_TMPDIR/trace" "${path[@]}" -e "trace=$syscall" -e "inject=$syscall:signal=STOP$injection" \
        "$KATA_CGROUP_TRACED" --root "$ROOT" "$@" <&0 3>&- > "$BATS_TEST_TMPDIR/said" 2>&1 &
    COMMAND_PID=$!
    STARTED+=("$COMMAND_PID")
    wait_until grep -q "stopped by SIGSTOP" "$BATS_TEST_TMPDIR/trace"
    STOPPED=$(pgrep -P "$COMMAND_PID")
    STARTED+=("$STOPPED")
}

# hold_lock: as somebody who is no kata-cgroup
hold_lock() {
    mkdir -p "$ROOT/$ID"
    flock "$ROOT/$ID" sleep 10000 3>&- > /dev/null 2>&1 &
    LOCK=$!
    STARTED+=("$LOCK")
    wait_until grep -q "FLOCK .* WRITE $LOCK " /proc/locks
    STARTED+=("$(pgrep -P "$LOCK")")
}
release_lock() {
    pkill -P "$LOCK"
    wait "$LOCK" 2> /dev/null || true
}

# ---- what a kill leaves ----

# assert_container_cpuset_goes CGROUPS-PATH DIRECTORY OPTION...: with the sandbox at the path, its cpuset in the directory
assert_container_cpuset_goes() {
    local cgroups_path=$1 dir=$2 wanted='' held
    shift 2
    start_shim
    kc create "$ID" --cgroups-path "$cgroups_path" "${MODE_OPTION[@]}" "$@" --pid "$SHIM" < /dev/null
    start_vmm
    attach
    ! on_v1 cpuset || wanted=$(< "$dir/cpuset.cpus")
    kc update "$ID" --container c1 <<< '{"cpu":{"cpus":"1"}}'
    assert_equal "$(< "$dir/cpuset.cpus")" 1
    kc update "$ID" --container c1 --remove
    held=$(< "$dir/cpuset.cpus")
    # Linux 6.1 does not take the list of a populated group away: then it is the parent's.
    [ "$held" = "$wanted" ] || on_v1 cpuset || wanted=$(< "$dir/../cpuset.cpus.effective")
    assert_equal "$held" "$wanted"
    # The same where it is taken back.
    run kc update "$ID" <<< '{"cpu":{"cpus":"1"},"blockIO":{"throttleReadBpsDevice":[{"major":4000,"minor":1,"rate":4096}]}}'
    assert_failure 1
    refute_output --partial "not undone"
    assert_equal "$(< "$dir/cpuset.cpus")" "$held"
    end_vmm
    kc delete "$ID"
    assert_nothing_left
}

@test "a container's cpuset goes with it, where the sandbox has none of its own" {
    has cpuset || return 0
    local dir
    dir=$(group_dir sandbox cpuset)
    assert_container_cpuset_goes "$CGROUPS_PATH" "$dir"
    [ "$HOST_VERSION" = 1 ] || assert_container_cpuset_goes "$CGROUPS_PATH" "$dir/vcpu" --vcpu-subtree
    # Directly below the root.
    [ "$KC_DRIVER" = systemd ] || assert_container_cpuset_goes "/$ID" "${MOUNT_OF[cpuset]}/$ID"
}

# ---- what is in the way of a delete ----

@test "a runtime process in a group below comes back, too" {
    [ "$KC_DRIVER" = cgroupfs ] || return 0
    local dir former
    start_shim
    former=$(< "/proc/$SHIM/cgroup")
    create --pid "$SHIM" < /dev/null
    dir=$(group_dir "$(runtime_group)" pids)/child
    mkdir "$dir"
    echo "$SHIM" > "$dir/cgroup.procs"
    kc delete "$ID"
    assert_nothing_left
    assert_equal "$(< "/proc/$SHIM/cgroup")" "$former"
}

@test "a caller in a group below can delete" {
    [ "$KC_DRIVER" = cgroupfs ] || return 0
    local dir
    create < /dev/null
    dir=$(group_dir sandbox pids)/child
    mkdir "$dir"
    bash -c 'echo $$ > "$1/cgroup.procs" && "$2" --root "$3" delete "$4"' - "$dir" "$KATA_CGROUP" "$ROOT" "$ID" 3>&-
    assert_nothing_left
}

@test "a parent that cannot be removed is a warning, which names it" {
    [ "$KC_DRIVER" = cgroupfs ] || return 0
    create < /dev/null
    run traced -o /dev/null -P "${MOUNT_OF[pids]}/kctest" -e trace=unlinkat -e "inject=unlinkat:error=EPERM" \
        "$KATA_CGROUP_TRACED" --root "$ROOT" delete "$ID"
    assert_success
    assert_output --partial "warning: the parent cgroup ${MOUNT_OF[pids]}/$PARENT_DIR stays: Operation not permitted"
}

# ---- descriptors, modes ----

@test "a parent that another sandbox uses by now is nothing that a failed create has to undo" {
    [ "$KC_DRIVER" = cgroupfs ] || return 0
    local other=$ID-other dir=$SANDBOX_DIR
    start_shim
    [ "$KC_MODE" = sandbox-only ] || dir=$OVERHEAD_DIR
    # Its first move fails, and it is stopped there until the other sandbox is there, too.
    strace_stopping "${MOUNT_OF[pids]}/$dir/cgroup.procs" write :error=EIO create "$ID" --cgroups-path "$CGROUPS_PATH" \
        "${MODE_OPTION[@]}" --pid "$SHIM" < /dev/null
    kc create "$other" --cgroups-path "$PARENT_DIR/$other" --sandbox-cgroup-only < /dev/null
    kill -CONT "$STOPPED"
    await_command
    assert_equal "$STATUS: $(grep -c . "$BATS_TEST_TMPDIR/said")" "1: 1"
    run ! grep "not undone" "$BATS_TEST_TMPDIR/said"
    kc delete "$other"
    assert_nothing_left
}

@test "a delete that has no descriptors left for all that it waits for does not spin" {
    [ "$KC_DRIVER" = cgroupfs ] || return 0
    local left waits
    create_full
    for _ in {1..45}; do
        start_process
        echo $! > "$(group_dir sandbox pids)/cgroup.procs"
    done
    run traced -o "$BATS_TEST_TMPDIR/trace" -e trace=poll,pidfd_open \
        sh -c "ulimit -n 45 && exec '$KATA_CGROUP_TRACED' --root '$ROOT' delete '$ID' --timeout 1"
    assert_failure 1
    # Each time that there is none left it waits, and for a while.
    left=$(grep -c 'pidfd_open(.* EMFILE' "$BATS_TEST_TMPDIR/trace") || true
    waits=$(grep -c '^poll(.*, [1-9][0-9]*) *=' "$BATS_TEST_TMPDIR/trace") || true
    [ "$left" -gt 0 ] && [ "$left" -le $((waits + 1)) ] && [ "$waits" -lt 100 ] || fail "$left of them, $waits waits"
    kc delete --force "$ID"
    assert_nothing_left
}
