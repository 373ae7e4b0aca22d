#!/usr/bin/env bats
# Every wait ends: the lock, input, signals, descriptors. What does not depend on the kind of host.
# shellcheck disable=SC2030,SC2031  # each test has its own
# shellcheck disable=SC2034  # what is set here is used by the helpers
# shellcheck disable=SC2154  # set by run

load helpers
load waits

setup() { kc_setup; }
teardown() { kc_teardown; }

# ---- a long wait says what it waits for ----

# tells NAME ARGUMENT...: in the background, with messages in JSON in the file NAME
tells() {
    "$KATA_CGROUP" --root "$ROOT" --log-format json "${@:2}" <&0 3>&- > /dev/null 2> "$BATS_TEST_TMPDIR/$1" &
    STARTED+=("$!")
}

# assert_told NAME TEXT: one line of level info, and nothing else
assert_told() {
    wait_until test -s "$BATS_TEST_TMPDIR/$1"
    run jq -r '.level + ": " + .msg' "$BATS_TEST_TMPDIR/$1"
    assert_output --regexp "^info: waiting for $2"
    refute_line --index 1 --regexp .
}

@test "a wait of more than two seconds says once what it waits for: in JSON logs and on a terminal, not in other logs" {
    local id=$ID
    create_attached
    tells processes delete "$ID" --timeout 30
    tells answer attach-vcpus "$ID" --vmm-pid "$VMM" --expect 4
    tells socket attach-vcpus "$ID" --qmp "$SOCKET.none"
    "$KATA_CGROUP" --root "$ROOT" attach-vcpus "$ID" --qmp "$SOCKET.none" 3>&- > "$BATS_TEST_TMPDIR/text" 2>&1 &
    STARTED+=("$!")
    script -qec "'$KATA_CGROUP' --root '$ROOT' attach-vcpus '$ID' --qmp '$SOCKET.none'" /dev/null 3>&- < /dev/null > "$BATS_TEST_TMPDIR/terminal" &
    STARTED+=("$!")
    mkfifo "$BATS_TEST_TMPDIR/fifo"
    exec {fifo}<> "$BATS_TEST_TMPDIR/fifo"
    tells input update "$ID" <&"$fifo"
    ID=$id-locked hold_lock
    tells lock update "$id-locked" -r /dev/null
    assert_told processes "processes of sandbox \"$ID\" to end: $VMM \\(named-threads\\)"
    assert_told answer "vCPUs: 2 of 4 of process $VMM"
    assert_told socket "QMP socket .*sock.none: No such file or directory"
    assert_told input "standard input"
    assert_told lock "the sandbox's lock, held by process $LOCK \\(flock\\)"
    wait_until grep -q "info: waiting for QMP socket" "$BATS_TEST_TMPDIR/terminal"
    exec {fifo}>&-
    release_lock
    # It began before the others.
    assert_equal "$(< "$BATS_TEST_TMPDIR/text")" ""
    end_vmm
}

# ---- the lock is not held while the world is waited for ----

@test "exec in the background, then attach-vcpus --qmp, as in the manual: again and again" {
    create < /dev/null
    for _ in 1 2 3; do
        rm -f "$SOCKET"
        start_qemu 2 "$KATA_CGROUP" --root "$ROOT" exec "$ID" --
        kc attach-vcpus "$ID" --qmp "$SOCKET" > /dev/null
        end_vmm
    done
    kc delete "$ID"
    assert_nothing_left
}

@test "another VMM that was attached while attach-vcpus had its answer: it is refused" {
    local first
    create < /dev/null
    start_vmm
    first=$VMM
    start_vmm
    strace_stopping "/proc/$VMM/task" getdents64 :when=2 attach-vcpus "$ID" --vmm-pid "$VMM"
    kc attach-vcpus "$ID" --vmm-pid "$first" > /dev/null
    kill -CONT "$STOPPED"
    await_command
    assert_equal "$STATUS" 5
    grep -q "has a VMM already" "$BATS_TEST_TMPDIR/said" || fail "$(< "$BATS_TEST_TMPDIR/said")"
    kill -KILL "$first"
    wait "$first" || true
    kc delete "$ID"
    assert_nothing_left
}

@test "of two attach-vcpus at once, the one that has asked first and is done last does not forget a vCPU" {
    create_full
    QEMU_OPTIONS=(-name "kc,debug-threads=on")
    start_qemu 1,maxcpus=4
    kc attach-vcpus "$ID" --qmp "$SOCKET" > /dev/null
    # It has read all of the names.
    strace_stopping "/proc/$VMM/task" getdents64 :when=2 attach-vcpus "$ID" --vmm-pid "$VMM"
    "$QMP_COMMAND" "$SOCKET" '{"execute":"device_add","arguments":{"driver":"qemu64-x86_64-cpu","id":"cpu3","socket-id":0,"core-id":3,"thread-id":0}}'
    kc attach-vcpus "$ID" --qmp "$SOCKET" --expect 2 > /dev/null
    kill -CONT "$STOPPED"
    await_command
    assert_equal "$STATUS: $(jq -c '.vcpus | map(.index)' "$BATS_TEST_TMPDIR/said")" "0: [0,3]"
    assert_equal "$(jq -c '.vmm.vcpus | map(.index)' "$ROOT/$ID/state.json")" '[0,3]'
    end_vmm
    kc delete "$ID"
    assert_nothing_left
}

# ---- the lock has a deadline ----

@test "delete gives up after its --timeout, naming who has the lock" {
    create_full
    hold_lock
    run kc delete "$ID" --timeout 0
    assert_one_error_line 1 "sandbox \"$ID\" stays locked, by process $LOCK (flock)"
    run kc delete "$ID" --timeout 1
    assert_one_error_line 1 "stays locked, by process $LOCK (flock)"
    # It is no kata-cgroup, so it is not ended.
    run kc delete --force "$ID" --timeout 0
    assert_one_error_line 1 "stays locked, by process $LOCK (flock)"
    release_lock
    kc delete "$ID"
    assert_nothing_left
}

@test "every other command gives up after 30 s" {
    local now deadline
    create < /dev/null
    hold_lock
    ASAN_OPTIONS=${ASAN_OPTIONS:-}:detect_leaks=0 strace -o "$BATS_TEST_TMPDIR/trace" -e trace=timer_settime \
        "$KATA_CGROUP_TRACED" --root "$ROOT" update "$ID" < /dev/null 3>&- > "$BATS_TEST_TMPDIR/said" 2>&1 &
    COMMAND_PID=$!
    STARTED+=("$COMMAND_PID")
    wait_until grep -q TIMER_ABSTIME "$BATS_TEST_TMPDIR/trace"
    STARTED+=("$(pgrep -P "$COMMAND_PID")")
    # When it is to be interrupted, on the clock that counts from the boot.
    deadline=$(sed -n 's/.*it_value={tv_sec=\([0-9]*\).*/\1/p' "$BATS_TEST_TMPDIR/trace")
    read -r now _ < /proc/uptime
    [ $((deadline - ${now%.*})) -ge 20 ] && [ $((deadline - ${now%.*})) -le 31 ] || fail "at $now: $(< "$BATS_TEST_TMPDIR/trace")"
    kill -TERM "$(pgrep -P "$COMMAND_PID")"
    await_command
    assert_equal "$STATUS" 143
    release_lock
    kc delete "$ID"
    assert_nothing_left
}

@test "delete --force ends a kata-cgroup that has the lock and does not go on" {
    create_full
    strace_stopping "" renameat "" update "$ID" <<< '{"pids":{"limit":900}}'
    run kc delete "$ID" --timeout 1
    assert_one_error_line 1 "stays locked, by process $STOPPED (kata-cgroup)"
    kc delete --force "$ID" --timeout 1
    assert_nothing_left
}

@test "a create whose --root is removed while it waits for the lock fails" {
    hold_lock
    in_background create "$ID" --cgroups-path "$CGROUPS_PATH" "${MODE_OPTION[@]}" < /dev/null
    wait_until is_waiting_for_lock "$COMMAND_PID"
    rm -r "$ROOT"
    release_lock
    await_command
    assert_equal "$STATUS: $(< "$BATS_TEST_TMPDIR/said")" "1: kata-cgroup: error: $ROOT/$ID: No such file or directory"
    assert_nothing_left
}

# ---- signals ----

@test "a create that reads what never ends: a signal ends it, and nothing is left" {
    local signal keeper
    mkfifo "$BATS_TEST_TMPDIR/fifo"
    for signal in 15 2 1; do
        in_background create "$ID" --cgroups-path "$CGROUPS_PATH" -r "$BATS_TEST_TMPDIR/fifo"
        wait_until is_in_syscall "$COMMAND_PID" 7
        kill -$signal "$COMMAND_PID"
        assert_ended_by $signal
        assert_nothing_left
    done
    # An inherited pipe that somebody has kept open.
    exec {keeper}<> "$BATS_TEST_TMPDIR/fifo"
    in_background create "$ID" --cgroups-path "$CGROUPS_PATH" < "$BATS_TEST_TMPDIR/fifo"
    wait_until is_in_syscall "$COMMAND_PID" 7
    kill -TERM "$COMMAND_PID"
    assert_ended_by 15
    exec {keeper}<&-
    assert_nothing_left
}

@test "an input without a byte for 60 s is given up" {
    local kind
    mkfifo "$BATS_TEST_TMPDIR/fifo"
    # poll() says that the time is over.
    for kind in "create $ID --cgroups-path $CGROUPS_PATH -r $BATS_TEST_TMPDIR/fifo" "update $ID"; do
        # shellcheck disable=SC2086  # words
        run traced -o "$BATS_TEST_TMPDIR/trace" -e trace=poll -e inject=poll:retval=0 "$KATA_CGROUP_TRACED" --root "$ROOT" $kind <> "$BATS_TEST_TMPDIR/fifo"
        assert_one_error_line 1 "no byte within 60 s"
        grep -q '^poll(.*, [56][0-9]\{4\}) ' "$BATS_TEST_TMPDIR/trace" || fail "$(< "$BATS_TEST_TMPDIR/trace")"
    done
    assert_nothing_left
}

@test "an attach-vcpus that waits for the socket, an update that waits for the lock: a signal ends them" {
    local signal
    create_full
    for signal in 15 2 1; do
        in_background attach-vcpus "$ID" --qmp "$SOCKET"
        wait_until is_in_syscall "$COMMAND_PID" 230
        kill -$signal "$COMMAND_PID"
        assert_ended_by $signal
    done
    start_vmm
    in_background attach-vcpus "$ID" --vmm-pid "$VMM" --expect 3
    wait_until is_in_syscall "$COMMAND_PID" 230
    kill -TERM "$COMMAND_PID"
    assert_ended_by 15
    assert_equal "$(jq .vmm "$ROOT/$ID/state.json")" null
    end_vmm
    hold_lock
    for signal in 15 2 1; do
        in_background update "$ID" <<< '{"pids":{"limit":900}}'
        wait_until is_waiting_for_lock "$COMMAND_PID"
        kill -$signal "$COMMAND_PID"
        assert_ended_by $signal
    done
    release_lock
    assert_equal "$(jq .resources.pids.limit "$ROOT/$ID/state.json")" 1000
    kc delete "$ID"
    assert_nothing_left
}

@test "an exec that waits for the lock and is given up does not start the VMM later" {
    create < /dev/null
    hold_lock
    in_background exec "$ID" -- touch "$BATS_TEST_TMPDIR/started"
    wait_until is_waiting_for_lock "$COMMAND_PID"
    kill -TERM "$COMMAND_PID"
    assert_ended_by 15
    release_lock
    kc update "$ID" <<< '{"pids":{"limit":900}}'
    refute [ -e "$BATS_TEST_TMPDIR/started" ]
    kc delete "$ID"
    assert_nothing_left
}

# ---- descriptors, modes ----

@test "without descriptors nothing is left in --root" {
    mkdir -m 700 "$ROOT"
    local n=3
    # Up to the first that succeeds.
    until (ulimit -n "$n" && exec "$KATA_CGROUP" --root "$ROOT" create "$ID" --cgroups-path "$CGROUPS_PATH" "${MODE_OPTION[@]}" < /dev/null 3>&-) 2> /dev/null; do
        assert_equal "$n: $(ls -A "$ROOT")" "$n: "
        n=$((n + 1))
        [ "$n" -lt 200 ] || fail "no create succeeds"
    done
    kc delete "$ID"
    assert_nothing_left
}

@test "a delete that has no descriptors left for all that it waits for does not spin" {
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
