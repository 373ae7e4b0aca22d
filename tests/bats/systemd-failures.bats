#!/usr/bin/env bats
# What systemd and its operators can do to a command. Runs where systemd is, once, in sandbox-only mode: there the
# caller sits in the scope that it works on.

load helpers

setup() {
    assert_equal "$KC_DRIVER $KC_MODE" "systemd sandbox-only"
    kc_setup
}

teardown() { kc_teardown; }

# ---- the scope is stopped while a command runs inside of it ----

# stop_under COMMAND...: a shim in the scope runs the command; the scope is stopped while that waits for the sandbox's
# lock, so that all of its work is done in a unit that goes down. Sets STATUS; empty where systemd killed the command
# (v1: SIGKILL right after SIGTERM).
stop_under() {
    local script=$BATS_TEST_TMPDIR/shim.sh lock child
    cat > "$script" <<- END
		trap '' TERM
		until [ -e $BATS_TEST_TMPDIR/go ]; do sleep 0.05; done
		$KATA_CGROUP --root $ROOT $* < /dev/null > /dev/null 2> $BATS_TEST_TMPDIR/said
		echo \$? > $BATS_TEST_TMPDIR/status
	END
    bash "$script" 3>&- > /dev/null 2>&1 &
    SHIM=$!
    STARTED+=("$SHIM")
    create --pid "$SHIM" <<< "$RESOURCES"
    exec {lock}< "$ROOT/$ID"
    flock "$lock"
    touch "$BATS_TEST_TMPDIR/go"
    wait_until pgrep -P "$SHIM" kata-cgroup
    child=$(pgrep -P "$SHIM" kata-cgroup)
    wait_until grep -q -- "-> FLOCK .* $child " /proc/locks
    systemctl stop --no-block "$UNIT"
    wait_until goes_down
    exec {lock}<&-
    wait "$SHIM" 2> /dev/null || true
    STATUS=$(cat "$BATS_TEST_TMPDIR/status" 2> /dev/null || true)
    [[ $STATUS = [01] || -z $STATUS ]] || fail "status $STATUS"
    [ "$STATUS" != 0 ] || assert_equal "$(< "$BATS_TEST_TMPDIR/said")" ""
    [ "$STATUS" != 1 ] || assert_equal "$(grep -c 'kata-cgroup: error: ' "$BATS_TEST_TMPDIR/said")" 1
    [ "$HOST_VERSION" = 1 ] || assert [ -n "$STATUS" ]
}

goes_down() { [[ $(systemctl show "$UNIT" -p ActiveState --value) != active ]]; }

@test "systemctl stop of the scope while delete runs inside of it" {
    stop_under delete "$ID"
    if [ -z "$STATUS" ]; then
        kc delete "$ID"
    else
        assert_equal "$STATUS" 0
    fi
    wait_until assert_nothing_left
}

@test "systemctl stop of the scope while update runs inside of it" {
    stop_under update "$ID"
    kc inspect "$ID" > /dev/null
    kc delete "$ID"
    assert_nothing_left
}

@test "systemctl stop of the scope while attach-vcpus runs inside of it" {
    start_vmm
    stop_under attach-vcpus "$ID" --vmm-pid "$VMM"
    kc inspect "$ID" > /dev/null
    kc delete --force "$ID"
    assert_nothing_left
}

# ---- systemd takes away what is empty ----

@test "v1: directories that systemd removes after a change of properties are made again" {
    CGROUPS_PATH=kctest.slice:kc:kctest-pod$NUMBER.slice SANDBOX_DIR=$PARENT_DIR
    create <<< "$RESOURCES"
    kc update "$ID" <<< '{"pids":{"limit":500}}'
    start_vmm
    kc attach-vcpus "$ID" --vmm-pid "$VMM" > /dev/null
    assert_in_group "$VMM" sandbox
    end_vmm
    kc delete "$ID"
    assert_nothing_left
}

# ---- systemd says no ----

# without_bus COMMAND...: systemd's own socket and the bus are out of reach
without_bus() {
    DBUS_SYSTEM_BUS_ADDRESS=unix:path=/nonexistent unshare --mount bash -c \
        'mount -t tmpfs none /run/systemd && mount -t tmpfs none /run/dbus && exec "$@"' - "$KATA_CGROUP" --root "$ROOT" "$@" \
        3>&-
}

@test "what only reads needs no bus" {
    start_shim
    # In overhead mode, with a scope that waits for its VMM; then with the VMM in it.
    kc create "$ID" --cgroups-path "$CGROUPS_PATH" --pid "$SHIM" <<< "$RESOURCES"
    run --separate-stderr without_bus inspect "$ID" --stats
    assert_success
    assert_json '[.sandbox.exists, .overhead.processes]' "[false,[$SHIM]]"
    start_vmm
    attach
    run --separate-stderr without_bus inspect "$ID" --stats
    assert_success
    assert_equal "$stderr" ""
    assert_json '[.driver, .sandbox.unit, .sandbox.processes, .overhead.processes]' \
        "[\"systemd\",\"$UNIT\",[$VMM],[$SHIM]]"
    assert_equal "$(jq 'del(.stats)' <<< "$output")" "$(kc inspect "$ID" --stats | jq 'del(.stats)')"
    run --separate-stderr without_bus list --format json
    assert_success
    assert_json 'map([.id, .exists, .overheadExists])' "[[\"$ID\",true,true]]"
    run --separate-stderr without_bus features
    assert_success
    assert_json '[.systemdVersion, .drivers]' '[null,["cgroupfs"]]'
    # This cannot be done without it, and says so.
    run without_bus update "$ID" <<< '{"pids":{"limit":77}}'
    assert_one_error_line 1 systemd
    end_vmm
    kc delete "$ID"
    assert_nothing_left
}

@test "a method error: systemd's own words are the message, and nothing has changed" {
    start_shim
    local before=$(< "/proc/$SHIM/cgroup") slice=kctest-masked$NUMBER.slice
    systemctl mask --runtime --quiet "$slice"
    run kc create "$ID" --cgroups-path "$slice:kc:$ID" --sandbox-cgroup-only --pid "$SHIM" <<< "$RESOURCES"
    systemctl unmask --runtime --quiet "$slice"
    assert_one_error_line 1 "systemd: StartTransientUnit $UNIT: "
    assert_output --partial "masked"
    assert_equal "$(< "/proc/$SHIM/cgroup")" "$before"
    assert_nothing_left
}
