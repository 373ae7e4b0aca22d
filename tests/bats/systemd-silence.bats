#!/usr/bin/env bats
# A systemd that does not answer, or not in time. Runs where systemd is, once: most of it is waiting.

load helpers

setup() {
    assert_equal "$KC_DRIVER $KC_MODE" "systemd sandbox-only"
    kc_setup
}

teardown() {
    [ -z "${BUS:-}" ] || kill -CONT "$BUS"
    [ -z "${SLOW_SLICE:-}" ] || forget_slow_slice
    kc_teardown
}

# traced_create STRACE-OPTION...
traced_create() {
    traced -qq -s 1000 "$@" -e trace=write \
        "$KATA_CGROUP_TRACED" --root "$ROOT" --debug create "$ID" --cgroups-path "$CGROUPS_PATH" --sandbox-cgroup-only \
        --pid "$SHIM" <<< "$RESOURCES" 3>&- > /dev/null 2> "$BATS_TEST_TMPDIR/said"
}

has_called() { grep -q "D-Bus call $1" "$BATS_TEST_TMPDIR/said"; }

# connection PID: the socket to the bus
connection() { readlink "/proc/$1/fd"/* | grep '^socket:'; }

has_another_connection() { [[ $(connection "$1") = socket:* && $(connection "$1") != "$2" ]]; }

is_stopped() { grep -q '^State:.[Tt]' "/proc/$1/status"; }

@test "no answer: the call is made again on a new connection, and the unit that was started all the same taken over" {
    local trace=$BATS_TEST_TMPDIR/trace tracer command number socket
    start_shim
    traced_create -o "$trace"
    number=$(grep -n 'D-Bus call StartTransientUnit' "$trace")
    kc delete "$ID"
    start_shim
    BUS=$(systemctl show dbus.service -p MainPID --value)
    # It is stopped behind this line of its log, before it makes the call, so that the bus can be made to stand still then.
    traced_create -o /dev/null -e "inject=write:signal=STOP:when=${number%%:*}" 3>&- &
    tracer=$!
    STARTED+=("$tracer")
    wait_until has_called StartTransientUnit
    command=$(pgrep -f "^$KATA_CGROUP --root $ROOT ")
    STARTED+=("$command")
    wait_until is_stopped "$command"
    socket=$(connection "$command")
    kill -STOP "$BUS"
    kill -CONT "$command"
    # After 25 s it gives the connection up, and makes another.
    wait_until has_another_connection "$command" "$socket"
    kill -CONT "$BUS"
    BUS=
    wait "$tracer"
    assert_in_group "$SHIM" sandbox
    assert_limits
    kc delete "$ID"
    assert_nothing_left
}

@test "runc #2614: a systemd that does not get there in 30 s is given up, and everything taken back" {
    start_shim
    local before=$(< "/proc/$SHIM/cgroup")
    make_slow_slice "kctest-pod$NUMBER.slice"
    run kc --log-format json create "$ID" --cgroups-path "$CGROUPS_PATH" "${MODE_OPTION[@]}" --pid "$SHIM" <<< "$RESOURCES"
    assert_failure 1
    assert_line --index 0 --partial "waiting for systemd's job for $UNIT"
    assert_line --index 1 --partial "the start of $UNIT was not done within 30 s"
    refute_line --index 2 --regexp .
    assert_equal "$(< "/proc/$SHIM/cgroup")" "$before"
    kill -0 "$SHIM"
    forget_slow_slice
    assert_nothing_left
    create --pid "$SHIM" <<< "$RESOURCES"
    assert_limits
}
