#!/usr/bin/env bats
# freeze and thaw: a VMM that stands still, and all other commands while it does.

load helpers
load waits

setup() { kc_setup; }

# On v1 SIGKILL does nothing to what is frozen.
teardown() {
    local file dir=${MOUNT_OF[freezer]:-}/$SANDBOX_DIR
    for file in "$dir" "${dir%/*}"; do
        [ ! -e "$file/freezer.state" ] || echo THAWED > "$file/freezer.state"
    done
    kc_teardown
}

# A sandbox whose VMM computes: in a vCPU, and in a thread that is none. The quota leaves the emulated machines their CPU time.
create_busy() {
    local ready
    start_shim
    create --pid "$SHIM" <<< '{"cpu":{"quota":20000,"period":100000},"pids":{"limit":1000}}'
    exec {ready}< <(exec nice -n 19 "$NAMED_THREADS" "io!" "CPU 0/KVM!" "CPU 1/KVM" 3>&- 2> /dev/null)
    VMM=$!
    STARTED+=("$VMM")
    read -r -u "$ready" _
    exec {ready}<&-
    attach
}

# cpu_time PID: user and system time in ticks, into CPU_TIME
cpu_time() {
    local - stat
    set +T
    read -r stat < "/proc/$1/stat"
    # shellcheck disable=SC2206  # words: from the state on, the third field
    stat=(${stat##*) })
    CPU_TIME=$((stat[11] + stat[12]))
}

has_computed() {
    cpu_time "$1"
    [ "$CPU_TIME" -gt "$2" ]
}

assert_runs() {
    cpu_time "$VMM"
    wait_until has_computed "$VMM" "$CPU_TIME"
}

# While this shell itself computes for 50 ms, the VMM does not.
assert_stands_still() {
    local - before own
    set +T
    cpu_time "$VMM"
    before=$CPU_TIME
    cpu_time "$BASHPID"
    own=$((CPU_TIME + 5))
    until has_computed "$BASHPID" "$own"; do :; done
    cpu_time "$VMM"
    assert_equal "$CPU_TIME" "$before"
}

# The kernel's word, inspect's, the state's, and systemd's where it has one: frozen or running
assert_freezer() {
    local words=("THAWED" "frozen 0" false) dir
    [ "$1" = running ] || words=("FROZEN" "frozen 1" true)
    if [ -n "${MOUNT_OF[freezer]:-}" ]; then
        assert_equal "$(< "$(group_dir sandbox freezer)/freezer.state")" "${words[0]}"
    else
        dir=$(group_dir sandbox pids)
        grep -qx "${words[1]}" "$dir/cgroup.events" || fail "$(< "$dir/cgroup.events")"
        assert_properties "$UNIT" "FreezerState=$1"
    fi
    assert_equal "$(kc inspect "$ID" | jq .frozen)" "${words[2]}"
    assert_equal "$(jq -c '[.phase, .frozen, .frozenBefore]' "$ROOT/$ID/state.json")" "[\"ready\",${words[2]},false]"
}

# Where each thread of the VMM is.
places() { cat /proc/"$VMM"/task/*/cgroup; }

# leave_changing JQ-FILTER: makes the state that of a command that was killed
leave_changing() {
    jq '.phase = "changing" | .before = {resources, containers, devices, hypervisorDevices} | '"$1" \
        "$ROOT/$ID/state.json" > "$BATS_TEST_TMPDIR/state"
    cp "$BATS_TEST_TMPDIR/state" "$ROOT/$ID/state.json"
}

# join_sandbox PID: the sandbox group, in every hierarchy
join_sandbox() {
    local mount
    for mount in "${MOUNTS[@]}"; do echo "$1" > "$mount/$SANDBOX_DIR/cgroup.procs"; done
}

@test "a frozen VMM uses no CPU time, and goes on when it is thawed; both do nothing where it is so already" {
    local before
    create_busy
    assert_runs
    before=$(places)
    for _ in 1 2; do
        kc freeze "$ID"
        assert_freezer frozen
        assert_stands_still
    done
    # Without an overhead group the runtime processes are in the sandbox's. Whoever is in the overhead group is not frozen.
    if [ "$KC_MODE" = overhead ]; then
        kill -TERM "$SHIM"
        wait_until has_ended "$SHIM"
    fi
    for _ in 1 2; do
        kc thaw "$ID"
        assert_freezer running
        assert_runs
    done
    assert_equal "$(places)" "$before"
    # A vCPU that is the main thread: the others are frozen as well.
    kc attach-vcpus "$ID" --vmm-pid "$VMM" --vcpu "0:$VMM" > /dev/null
    kc freeze "$ID"
    assert_stands_still
    kc thaw "$ID"
    assert_runs
    kc freeze "$ID"
    kc delete --force "$ID"
    wait_until has_ended "$VMM"
    assert_nothing_left
}

@test "update, attach-vcpus and place work on a frozen sandbox and leave it so; delete says why it does not" {
    local before late
    create_busy
    before=$(places)
    kc freeze "$ID" --timeout 20
    kc update "$ID" <<< '{"pids":{"limit":77}}'
    # On v1 such a change stops the processes for a moment.
    kc update "$ID" <<< '{"devices":[{"allow":false,"access":"rwm"}]}'
    assert_file sandbox pids pids.max 77 pids.max 77
    attach
    start_process
    late=$!
    kc place "$ID" --pid "$late"
    if [ "$KC_MODE" = sandbox-only ]; then
        run bash -c '"$1" --root "$2" place "$3" --pid $$; exit $?' - "$KATA_CGROUP" "$ROOT" "$ID" 3>&-
        assert_one_error_line 1 "sandbox \"$ID\" is frozen: placing process "
    fi
    [ "$KC_DRIVER" != systemd ] || systemctl daemon-reload
    assert_freezer frozen
    assert_stands_still
    run kc delete "$ID" --timeout 0
    assert_one_error_line 1 "$VMM (named-threads"
    assert_output --partial "the sandbox is frozen: thaw it so that they can end"
    kc thaw "$ID"
    assert_equal "$(places)" "$before"
    assert_runs
    assert_file sandbox pids pids.max 77 pids.max 77
    # A VMM that has ended meanwhile is no reason to keep anything.
    kc freeze "$ID"
    kill -KILL "$VMM"
    kc thaw "$ID"
    wait_until has_ended "$VMM"
    kc delete "$ID"
    assert_nothing_left
}

@test "refused: without a process, with the caller in the group, without a sandbox; and an exec into a frozen group" {
    local command file state
    for command in freeze thaw; do
        run kc $command nosuch
        assert_failure 3
        run kc $command "$ID" --timeout 26
        assert_failure 2
    done
    create < /dev/null
    run kc freeze "$ID"
    assert_one_error_line 1 "sandbox \"$ID\" has no process that could be frozen"
    kc thaw "$ID"
    if [ "$KC_DRIVER" = cgroupfs ]; then
        # By somebody else; thaw ends that, too.
        file=$(group_dir sandbox pids)/cgroup.freeze
        [ -z "${MOUNT_OF[freezer]:-}" ] || file=$(group_dir sandbox freezer)/freezer.state
        [ "${file##*/}" = freezer.state ] && echo FROZEN > "$file" || echo 1 > "$file"
        # What is refused writes nothing, and thaws nobody.
        state=$(stat -c "%i %z" "$ROOT/$ID/state.json")
        run kc freeze "$ID"
        assert_one_error_line 1 "sandbox \"$ID\" has no process that could be frozen"
        assert_equal "$(stat -c "%i %z" "$ROOT/$ID/state.json")" "$state"
        run kc exec "$ID" -- true
        assert_one_error_line 1 "sandbox \"$ID\" is frozen: thaw it first"
        kc thaw "$ID"
        kc exec "$ID" -- true
    fi
    kc delete "$ID"
    create_attached
    run bash -c 'for dir in "${@:4}"; do echo $$ > "$dir/cgroup.procs"; done; "$1" --root "$2" freeze "$3"; exit $?' - \
        "$KATA_CGROUP" "$ROOT" "$ID" "${MOUNTS[@]/%//$SANDBOX_DIR}" 3>&-
    assert_one_error_line 1 "freezing sandbox \"$ID\" would freeze its caller: "
    assert_freezer running
}

@test "a thaw below a frozen cgroup fails at its timeout or ends by a signal, and the sandbox stays as it was" {
    local file
    [ "$KC_DRIVER" = cgroupfs ] || return 0
    create_busy
    file=$(group_dir sandbox pids)/../cgroup.freeze
    [ -z "${MOUNT_OF[freezer]:-}" ] || file=$(group_dir sandbox freezer)/../freezer.state
    [ "${file##*/}" = freezer.state ] && echo FROZEN > "$file" || echo 1 > "$file"
    if [ -n "${MOUNT_OF[freezer]:-}" ]; then
        wait_until grep -qx FROZEN "$(group_dir sandbox freezer)/freezer.state"
    else
        wait_until grep -qx "frozen 1" "$(group_dir sandbox pids)/cgroup.events"
    fi
    run kc thaw "$ID" --timeout 0
    assert_one_error_line 1 "stays frozen: a cgroup above it is frozen"
    refute_output --partial "not undone"
    in_background thaw "$ID" --timeout 25
    wait_until grep -q '"phase": *"changing"' "$ROOT/$ID/state.json"
    kill -HUP "$COMMAND_PID"
    assert_ended_by 1
    assert_equal "$(jq -c '[.phase, .frozen]' "$ROOT/$ID/state.json")" '["ready",false]'
    [ "${file##*/}" = freezer.state ] && echo THAWED > "$file" || echo 0 > "$file"
    assert_runs
}

@test "a process that does not stop in time: it is named, and the sandbox is thawed again" {
    local stuck ready before file word
    create_busy
    before=$(places)
    exec {ready}< <(exec "${KATA_CGROUP%/*}/stuck-process" 3>&- 2> /dev/null)
    stuck=$!
    STARTED+=("$stuck")
    read -r -u "$ready" _ || skip "no userfaultfd"
    join_sandbox "$stuck"
    wait_until grep -q "State:.D" "/proc/$stuck/status"
    run kc freeze "$ID" --timeout 1
    assert_one_error_line 1 "cannot be frozen, with "
    assert_output --partial "$stuck (stuck-process)"
    refute_output --partial "not undone"
    assert_runs
    assert_equal "$(places)" "$before"
    file=$(group_dir sandbox pids)/cgroup.freeze word=1
    [ -z "${MOUNT_OF[freezer]:-}" ] || file=$(group_dir sandbox freezer)/freezer.state word=FREEZING
    # A signal ends the wait, unless it is ignored, as below.
    in_background freeze "$ID" --timeout 25
    wait_until grep -qx "$word" "$file"
    kill -TERM "$COMMAND_PID"
    assert_ended_by 15
    assert_equal "$(grep -c "" "$BATS_TEST_TMPDIR/said"): $(grep -o "a signal has ended the wait" "$BATS_TEST_TMPDIR/said")" "1: a signal has ended the wait"
    assert_runs
    assert_equal "$(places)" "$before"
    assert_equal "$(jq -c '[.phase, .frozen]' "$ROOT/$ID/state.json")" '["ready",false]'
    # Somebody else has thawed a frozen one: thawed it stays.
    jq '.frozen = true' "$ROOT/$ID/state.json" > "$BATS_TEST_TMPDIR/state"
    cp "$BATS_TEST_TMPDIR/state" "$ROOT/$ID/state.json"
    SIGNALS=--ignore-signal=TERM in_background freeze "$ID" --timeout 2
    wait_until grep -qx "$word" "$file"
    kill -TERM "$COMMAND_PID"
    await_command
    assert_equal "$STATUS: $(grep -o "$stuck (stuck-process)" "$BATS_TEST_TMPDIR/said")" "1: $stuck (stuck-process)"
    assert_runs
    kc thaw "$ID"
    assert_equal "$(places)" "$before"
    kill -KILL "$stuck"
    wait_until has_ended "$stuck"
    kc freeze "$ID"
    assert_freezer frozen
    kc thaw "$ID"
    assert_freezer running
}

@test "a freeze or a thaw that was killed half-way is completed by the next command, and nothing else is thawed" {
    create_busy
    leave_changing '.frozen = true'
    kc update "$ID" < /dev/null
    assert_freezer frozen
    assert_stands_still
    # An update that was killed while it was frozen.
    leave_changing '.frozenBefore = true | .resources.pids.limit = 55'
    attach
    assert_file sandbox pids pids.max 55 pids.max 55
    assert_freezer frozen
    leave_changing '.frozen = false | .frozenBefore = true'
    kc update "$ID" < /dev/null
    assert_freezer running
    assert_runs
    end_vmm
    if [ "$KC_MODE" = sandbox-only ]; then
        # A delete does not leave the runtime processes frozen.
        kc freeze "$ID"
        kc delete "$ID"
        assert_nothing_left
        return
    fi
    # What cannot be frozen is taken back, with a warning.
    leave_changing '.frozen = true'
    run kc update "$ID" < /dev/null
    assert_success
    assert_output --partial "a change that was killed is taken back"
    assert_equal "$(jq -c '[.phase, .frozen]' "$ROOT/$ID/state.json")" '["ready",false]'
    kc delete "$ID"
    assert_nothing_left
}
