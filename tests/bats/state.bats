#!/usr/bin/env bats
# States that are not as they should be, and cgroups that others have had their hands on.

load helpers

setup() { kc_setup; }
teardown() {
    [ -z "${FROZEN:-}" ] || echo "${FROZEN_THAW:-0}" > "$FROZEN" 2> /dev/null || true
    kc_teardown
}

force() { kc delete --force "$ID" --cgroups-path "$CGROUPS_PATH" --overhead-path "kata_overhead/$ID"; }

# assert_unreadable MESSAGE: no command crashes, changes or guesses; --force clears up, and a new life works
assert_unreadable() {
    local command groups
    groups=$(find "${MOUNTS[@]}" -type d -name "*$ID*" | sort)
    for command in "inspect $ID" "update $ID" "delete $ID" "attach-vcpus $ID --vmm-pid $SHIM" "create $ID"; do
        # shellcheck disable=SC2086  # words
        run kc $command < /dev/null
        assert_one_error_line 1 "$1"
    done
    run --separate-stderr kc list --format json
    assert_success
    assert_json '.[0] | [.id, (.error | length > 0)]' "[\"$ID\",true]"
    # Where the groups are is not known, so nothing is guessed, and the state stays.
    run kc delete --force "$ID"
    assert_one_error_line 1 "$1"
    assert_output --partial "say where its groups are: --cgroups-path"
    assert [ -e "$ROOT/$ID/state.json" ]
    run kc delete --force "$ID" --cgroups-path "$CGROUPS_PATH"
    assert_one_error_line 1 "--overhead-path or --sandbox-cgroup-only"
    kill -0 "$SHIM"
    assert_equal "$(find "${MOUNTS[@]}" -type d -name "*$ID*" | sort)" "$groups"
    force
    assert_nothing_left
    create_full
    kc delete "$ID"
    assert_nothing_left
}

@test "an empty state" {
    create_full
    : > "$ROOT/$ID/state.json"
    assert_unreadable "not valid JSON"
}

@test "a truncated state" {
    create_full
    truncate -s 100 "$ROOT/$ID/state.json"
    assert_unreadable "not valid JSON"
}

@test "a state of a newer version" {
    create_full
    sed -i 's/"version": [0-9]*/"version": 99/' "$ROOT/$ID/state.json"
    assert_unreadable "is of version 99"
}

@test "a state that is another sandbox's" {
    create_full
    sed -i "s/\"id\": \"$ID\"/\"id\": \"other\"/" "$ROOT/$ID/state.json"
    assert_unreadable 'is the state of "other"'
}

@test "a state that is a symlink" {
    create_full
    mv "$ROOT/$ID/state.json" "$BATS_TEST_TMPDIR/elsewhere"
    ln -s "$BATS_TEST_TMPDIR/elsewhere" "$ROOT/$ID/state.json"
    assert_unreadable "state.json"
    assert [ -e "$BATS_TEST_TMPDIR/elsewhere" ]
}

@test "a state directory that is a symlink, and a root that is one or that others may write to" {
    create_full
    mv "$ROOT/$ID" "$BATS_TEST_TMPDIR/elsewhere"
    ln -s "$BATS_TEST_TMPDIR/elsewhere" "$ROOT/$ID"
    run kc inspect "$ID"
    assert_failure
    assert_equal "${#lines[@]}" 1
    rm "$ROOT/$ID"
    mv "$BATS_TEST_TMPDIR/elsewhere" "$ROOT/$ID"
    ln -s "$ROOT" "$BATS_TEST_TMPDIR/link"
    run "$KATA_CGROUP" --root "$BATS_TEST_TMPDIR/link" inspect "$ID"
    assert_failure
    chmod 777 "$ROOT"
    run kc update "$ID" < /dev/null
    assert_one_error_line 5 "--root"
    chmod 700 "$ROOT"
    chown 12345 "$ROOT"
    run kc update "$ID" < /dev/null
    assert_one_error_line 5 "--root"
    chown 0 "$ROOT"
    kc delete "$ID"
    assert_nothing_left
}

@test "a root on a full file system: create says so and leaves nothing; an update keeps the old state" {
    mkdir "$ROOT"
    mount -t tmpfs -o size=64k,mode=700 tmpfs "$ROOT" || { # a machine without mounts: what a write says is a fault point
        create_full
        return
    }
    start_shim
    dd if=/dev/zero of="$ROOT/fill" bs=4k 2> /dev/null || true
    run create --pid "$SHIM" <<< '{"pids":{"limit":7}}'
    assert_one_error_line 1 "No space left on device"
    rm "$ROOT/fill"
    assert_equal "$(find "${MOUNTS[@]}" -type d -name "*$ID*")" ""
    create --pid "$SHIM" <<< "$RESOURCES"
    dd if=/dev/zero of="$ROOT/fill" bs=4k 2> /dev/null || true
    run kc update "$ID" <<< '{"pids":{"limit":77}}'
    assert_one_error_line 1 "No space left on device"
    assert_limits
    mount -o remount,ro "$ROOT"
    run kc update "$ID" <<< '{"pids":{"limit":77}}'
    assert_one_error_line 1 "Read-only file system"
    run kc create other < /dev/null
    assert_one_error_line 1 "Read-only file system"
    mount -o remount,rw "$ROOT"
    rm "$ROOT/fill"
    kc delete "$ID"
    umount "$ROOT"
    assert_nothing_left
}

@test "a cgroup that somebody else has removed: update says so, delete clears up" {
    create < /dev/null
    rmdir "$(group_dir sandbox pids)"
    run kc update "$ID" <<< '{"pids":{"limit":77}}'
    assert_one_error_line 1 "pids.max"
    kc delete "$ID"
    assert_nothing_left
}

@test "a frozen cgroup: --force ends what is in it" {
    create_full
    start_vmm
    attach
    local dir
    if on_v1 freezer; then
        FROZEN=$(group_dir sandbox freezer)/freezer.state FROZEN_THAW=THAWED
        echo FROZEN > "$FROZEN"
    else
        dir=$(group_dir sandbox pids)
        FROZEN=$dir/cgroup.freeze
        [ -e "$FROZEN" ] || return 0
        echo 1 > "$FROZEN"
    fi
    force
    refute kill -0 "$VMM"
    assert_nothing_left
}

@test "leftovers of a reboot: a state without cgroups, whose pids are others' now" {
    create_full
    start_vmm
    attach
    local pid dir
    # As it is after a boot; that pids and start times are the same is the worst that can be.
    for dir in "${MOUNTS[@]}"; do
        for pid in "$SHIM" "$VMM"; do echo "$pid" > "$dir/cgroup.procs"; done
        rmdir "$dir/$SANDBOX_DIR" "$dir/$OVERHEAD_DIR" 2> /dev/null || true
    done
    sed -i 's/"bootId": "[^"]*"/"bootId": "01234567-89ab-cdef-0123-456789abcdef"/' "$ROOT/$ID/state.json"
    run kc inspect "$ID"
    assert_success
    assert_json '[.vmm, .sandbox.exists]' '[null,false]'
    run kc list --format json
    assert_json '.[0].exists' false
    run kc update "$ID" <<< '{"pids":{"limit":77}}'
    assert_one_error_line 1 "pids.max"
    kc delete --force "$ID"
    kill -0 "$SHIM" "$VMM"
    assert_nothing_left
    create_full
    kc delete "$ID"
    assert_nothing_left
}

@test "a lost state: create says what is in the way, --force finds the cgroups by their path" {
    create_full
    rm -r "${ROOT:?}/$ID"
    run create --pid "$SHIM" < /dev/null
    assert_failure 1
    assert_equal "${#lines[@]}" 1
    force
    assert_nothing_left
}

@test "updates that would make the state larger than what is read back are refused" {
    local i document status=0
    create < /dev/null
    document=$(jq -nc '{devices: [range(13000) | {allow: true, type: "c", major: (. % 4000), minor: 1, access: "rwm"}]}')
    for i in 1 2 3 4 5 6 7 8 9; do
        status=0
        cp "$ROOT/$ID/state.json" "$BATS_TEST_TMPDIR/state"
        kc update "$ID" --container "c$i" <<< "$document" 2> "$BATS_TEST_TMPDIR/said" || status=$?
        [ $status = 0 ] || break
    done
    assert_equal "$status" 5
    # The last one has changed nothing.
    assert_equal "$(jq -r '.containers | keys | last' "$ROOT/$ID/state.json")" "c$((i - 1))"
    cmp "$ROOT/$ID/state.json" "$BATS_TEST_TMPDIR/state"
    grep -q "resources: the state of .* would have" "$BATS_TEST_TMPDIR/said" || fail "$(< "$BATS_TEST_TMPDIR/said")"
    kc inspect "$ID" > /dev/null
    kc delete "$ID"
    assert_nothing_left
}

@test "what cannot be printed is status 1; an attach-vcpus says that the vCPUs are attached" {
    local command
    create_full
    for command in list "list --format json" features --help --version "inspect $ID" "update --help"; do
        # shellcheck disable=SC2086  # words
        run --separate-stderr bash -c "'$KATA_CGROUP' --root '$ROOT' $command 3>&- > /dev/full"
        assert_failure 1
        # shellcheck disable=SC2154  # set by run
        assert_equal "$stderr" "kata-cgroup: error: standard output: No space left on device"
    done
    start_vmm
    run --separate-stderr bash -c "'$KATA_CGROUP' --root '$ROOT' attach-vcpus $ID --vmm-pid $VMM 3>&- > /dev/full"
    assert_failure 1
    assert_equal "$stderr" "kata-cgroup: error: standard output: No space left on device; the vCPUs are attached"
    assert_equal "$(jq .vmm.pid "$ROOT/$ID/state.json")" "$VMM"
    end_vmm
    kc delete "$ID"
    assert_nothing_left
}
