#!/usr/bin/env bats
# delete: nothing stays, whoever is in the way, and whoever calls.

load helpers

setup() { kc_setup; }
teardown() {
    [ -z "${SLOW_SLICE:-}" ] || forget_slow_slice
    kc_teardown
}

@test "runtime processes go back where they came from; under systemd the stop of their scope ends them" {
    start_shim
    local before=$(cat "/proc/$SHIM/cgroup")
    create --pid "$SHIM" <<< "$RESOURCES"
    start_vmm
    attach
    end_vmm
    run kc delete "$ID"
    assert_success
    if [ "$KC_DRIVER" = cgroupfs ]; then
        assert_equal "$(cat "/proc/$SHIM/cgroup")" "$before"
    else
        run kill -0 "$SHIM"
        assert_failure
    fi
    assert_nothing_left
}

@test "#2539: a living VMM is an error that lists it; --force kills it" {
    create_full
    start_vmm
    attach
    run kc delete "$ID" --timeout 0
    assert_failure 1
    assert_output --partial "$VMM (named-threads)"
    assert_in_group "$SHIM" "$(runtime_group)"
    kill -0 "$VMM"
    run kc delete --force "$ID"
    assert_success
    run kill -0 "$VMM"
    assert_failure
    assert_nothing_left
}

@test "delete waits for a VMM that is on its way out" {
    create_full
    start_vmm
    attach
    kc delete "$ID" &
    local delete=$!
    end_vmm
    wait "$delete"
    assert_nothing_left
}

@test "delete of a sandbox that never had a VMM" {
    create_full
    run kc delete "$ID"
    assert_success
    assert_nothing_left
    run kc delete "$ID"
    assert_failure 3
    run kc delete --force "$ID" --cgroups-path "$CGROUPS_PATH" "${MODE_OPTION[@]}"
    assert_success
}

@test "a caller inside of the group that goes gets its answer" {
    # The shim ignores the SIGTERM that the stop of its scope brings; delete holds it back.
    start_calling_shim "$KATA_CGROUP --root $ROOT delete $ID"
    create --pid "$SHIM" <<< "$RESOURCES"
    touch "$BATS_TEST_TMPDIR/go"
    wait_until test -s "$BATS_TEST_TMPDIR/status"
    assert_equal "$(cat "$BATS_TEST_TMPDIR/said")" ""
    assert_equal "$(cat "$BATS_TEST_TMPDIR/status")" 0
    touch "$BATS_TEST_TMPDIR/end"
    wait "$SHIM" || true
    wait_until assert_nothing_left
}

@test "#6422: parents that create made go, those that were there stay, and so does the overhead parent" {
    [ "$KC_DRIVER" = cgroupfs ] || {
        # Slices are systemd's own; that the scopes go is all there is to see.
        create_full
        kc delete "$ID"
        assert_nothing_left
        return
    }
    local mount=${MOUNT_OF[pids]} top=kctest-$ID
    CGROUPS_PATH=$top/pod/$ID
    create_full
    assert [ -d "$mount/$top/pod" ]
    kc delete "$ID"
    refute [ -e "$mount/$top" ]
    [ "$KC_MODE" = sandbox-only ] || assert [ -d "$mount/kata_overhead" ]

    mkdir "$mount/$top"
    start_shim
    create --pid "$SHIM" < /dev/null
    kc delete "$ID"
    assert [ -d "$mount/$top" ]
    refute [ -e "$mount/$top/pod" ]
    rmdir "$mount/$top"
}

@test "#11815: child groups made by others go too" {
    create_full
    local dir
    if [ "$KC_DRIVER" = systemd ] && [ "$KC_MODE" = overhead ]; then
        start_vmm
        attach
    fi
    for dir in "${MOUNTS[@]}"; do
        [ ! -d "$dir/$SANDBOX_DIR" ] || mkdir -p "$dir/$SANDBOX_DIR/child/grandchild"
    done
    [ -z "$VMM" ] || end_vmm
    run kc delete "$ID"
    assert_success
    assert_nothing_left
}

@test "runtime-rs attach: create after a create that was killed half-way" {
    start_shim
    create --pid "$SHIM" <<< "$RESOURCES"
    # As a killed create leaves it: the intent on disk, everything else perhaps done.
    sed -i 's/"phase": "ready"/"phase": "creating"/' "$ROOT/$ID/state.json"
    run kc update "$ID" < /dev/null
    assert_failure 1
    assert_output --partial "did not finish"
    run create --pid "$SHIM" <<< "$RESOURCES"
    assert_success
    kill -0 "$SHIM"
    assert_in_group "$SHIM" "$(runtime_group)"
    kc delete "$ID"
    assert_nothing_left
}

@test "cgroups without a state: create says so, delete --force clears up, and create works again" {
    create_full
    rm -r "${ROOT:?}/$ID"
    kc delete --force "$ID" --cgroups-path "$CGROUPS_PATH" "${MODE_OPTION[@]}"
    assert_nothing_left
    start_shim
    run create --pid "$SHIM" <<< "$RESOURCES"
    assert_success
}

@test "a state without cgroups: delete clears up" {
    start_shim
    create --pid "$SHIM" < /dev/null
    kill -KILL "$SHIM"
    wait "$SHIM" || true
    local dir
    for dir in "${MOUNTS[@]}"; do
        rmdir "$dir/$SANDBOX_DIR" "$dir/$OVERHEAD_DIR" 2> /dev/null || true
    done
    run kc delete "$ID"
    assert_success
    assert_nothing_left
}

@test "a sandbox that exists is not created again, and survives the attempt" {
    create_full
    run create < /dev/null
    assert_failure 4
    assert_in_group "$SHIM" "$(runtime_group)"
}

@test "runc #3780: a failed unit of the same name is reset and the start tried again" {
    [ "$KC_DRIVER" = systemd ] || { # cgroupfs knows no units; a leftover directory of our own is its like
        create_full
        kc delete "$ID"
        create_full
        return
    }
    local unit=$UNIT
    [ "$KC_MODE" = sandbox-only ] || unit=$OVERHEAD_UNIT
    # A scope whose process ignores SIGTERM fails once TimeoutStopSec is over.
    systemd-run --quiet --scope --unit="${unit%.scope}" -p TimeoutStopSec=1 \
        bash -c "trap '' TERM; touch $BATS_TEST_TMPDIR/up; while :; do sleep 1000 & wait; done" \
        3>&- > /dev/null 2>&1 &
    STARTED+=($!)
    wait_until test -e "$BATS_TEST_TMPDIR/up"
    systemctl stop "$unit" || true
    assert_equal "$(systemctl show "$unit" -p ActiveState --value)" failed
    run create_with_shim
    assert_success
    assert_equal "$(systemctl show "$unit" -p ActiveState --value)" active
}

create_with_shim() {
    start_shim
    create --pid "$SHIM" < /dev/null
}

@test "two commands at one sandbox wait for each other: no update is lost" {
    create_full
    local i pids=()
    for i in 1 2 3 4 5 6 7 8; do
        kc update "$ID" --container "c$i" <<< "{\"cpu\":{\"shares\":10$i}}" &
        pids+=($!)
    done
    for i in "${pids[@]}"; do wait "$i"; done
    assert_equal "$(kc inspect "$ID" | jq '.containers | length')" 8
}

@test "#6213: a task that vanishes while it is moved is no error" {
    create_full
    local former file=cgroup.procs
    [ "$KC_DRIVER" = cgroupfs ] || { # there, systemd ends it or moves it; what the kernel says is systemd's affair
        kill -KILL "$SHIM"
        kc delete "$ID"
        assert_nothing_left
        return
    }
    # The kernel's word for it, though the task is there: so it stays, and is what the rmdir then finds.
    former=$(jq -r .runtime[0].cgroups "$ROOT/$ID/state.json" | sed -n 's/^[0-9]*:[^:]*pids[^:]*:\(.*\)/\1/p; s/^0::\(.*\)/\1/p' | tail -n 1)
    run traced -o /dev/null -P "$(realpath "${MOUNT_OF[pids]}$former/$file")" -e trace=write -e inject=write:error=ESRCH \
        "$KATA_CGROUP_TRACED" --root "$ROOT" delete "$ID" --timeout 0
    assert_failure 1
    refute_output --partial "No such process"
    assert_output --partial "in use by $SHIM"
    kc delete "$ID"
    assert_nothing_left
}

@test "runc #2614: a systemd that takes its time is waited for" {
    [ "$KC_DRIVER" = systemd ] || { # nothing is waited for
        create_full
        return
    }
    local slice=kctest-pod$NUMBER.slice unit=$UNIT creation option=()
    # The scope's job waits for its slice, and that for a service which waits for us.
    # Others may have scopes in kata-overhead.slice.
    [ "$KC_MODE" = sandbox-only ] || {
        slice=kctest-slow$NUMBER.slice unit=$OVERHEAD_UNIT OVERHEAD_DIR=kctest.slice/kctest-slow$NUMBER.slice/$OVERHEAD_UNIT
        option=(--overhead-path "$slice:kata-cgroup:$ID")
    }
    make_slow_slice "$slice"
    start_shim
    create --pid "$SHIM" "${option[@]}" < /dev/null &
    creation=$!
    wait_until has_job "$unit"
    kill -0 "$creation"
    let_slow_slice_start
    wait "$creation"
    forget_slow_slice
    assert_equal "$(systemctl show "$unit" -p ActiveState --value)" active
    assert_in_group "$SHIM" "$(runtime_group)"
}

has_job() { [ "$(systemctl show "$1" -p Job --value)" != 0 ] && [ "$(systemctl show "$1" -p LoadState --value)" = loaded ]; }

@test "runc #2946: a stop that systemd refuses is reported, and the sandbox stays" {
    [ "$KC_DRIVER" = systemd ] || { # nobody is asked
        create_full
        return
    }
    local unit=$UNIT
    [ "$KC_MODE" = sandbox-only ] || unit=$OVERHEAD_UNIT
    mkdir "/run/systemd/system/$unit.d"
    printf '[Unit]\nRefuseManualStop=yes\n' > "/run/systemd/system/$unit.d/stay.conf"
    systemctl daemon-reload
    create_full
    run kc delete "$ID"
    rm -r "/run/systemd/system/$unit.d"
    systemctl daemon-reload
    assert_one_error_line 1 "StopUnit $unit: "
    assert [ -e "$ROOT/$ID/state.json" ]
    kc delete "$ID"
    assert_nothing_left
}
