#!/usr/bin/env bats
# prune: what dead sandboxes have left goes, in every hierarchy, and nothing else.

load helpers

setup() {
    kc_setup
    # A second sandbox, which lives, beside the first; and a third whose state is elsewhere.
    OTHER=$ID-b ELSEWHERE=$BATS_TEST_TMPDIR/elsewhere
    if [ "$KC_DRIVER" = systemd ]; then
        OTHER_PATH=kctest-pod$NUMBER.slice:kc:$OTHER
    else
        OTHER_PATH=kctest/pod$NUMBER/$OTHER
    fi
    LEFT=kctest-left-$ID
}

teardown() {
    local pid
    for pid in "${STARTED[@]}"; do kill -KILL "$pid" 2> /dev/null || true; done
    for pid in "${STARTED[@]}"; do wait_until has_ended "$pid" || true; done
    [ ! -e "$ROOT/$OTHER" ] || kc delete --force "$OTHER" > /dev/null 2>&1 || true
    [ ! -e "$ELSEWHERE/$ID-c" ] || "$KATA_CGROUP" --root "$ELSEWHERE" delete --force "$ID-c" 3>&- > /dev/null 2>&1 || true
    kc_teardown
}

# prune [OPTION...]: its document in $output
prune() {
    run --separate-stderr kc prune "$@"
    assert_success
}

# assert_pruned REMOVED KEPT: of the test's own things ("KIND -b: REASON" for the sandbox $ID-b), sorted; others may be there
assert_pruned() {
    local filter='map(select(.id // "" | startswith($id)) | .kind + " " + .id[($id | length):] + ": " + .reason) | unique'
    assert_equal "$(jq -c --arg id "$ID" "[(.removed | $filter), (.kept | $filter)]" <<< "$output")" "[$1,$2]"
}
# Of the test's own: what was removed with a path that has TEXT in it.
removed_paths() { jq -c --arg text "$1" '[.removed[] | select(.path // "" | contains($text)) | .path] | sort' <<< "$output"; }

groups_of() { find "${MOUNTS[@]}" -type d -name "*$1*" 2> /dev/null | sort; }

end_process() {
    kill -KILL "$1"
    wait_until has_ended "$1"
}

# A living sandbox with a shim, in the same parent, and one under another root that has no process at all yet.
create_bystanders() {
    start_process
    kc create "$OTHER" --cgroups-path "$OTHER_PATH" "${MODE_OPTION[@]}" --pid $! < /dev/null
    "$KATA_CGROUP" --root "$ELSEWHERE" create "$ID-c" --cgroups-path "kctest/pod$NUMBER/$ID-c" --sandbox-cgroup-only 3>&- < /dev/null
    BYSTANDER="\"state -b: its runtime process $! lives\""
    BYSTANDERS=$(groups_of "$ID-[bc]")
}

assert_bystanders() { assert_equal "$(groups_of "$ID-[bc]")" "$BYSTANDERS"; }

@test "a sandbox whose VMM and shim were killed goes; living and waiting ones stay" {
    local removed
    create_bystanders
    create_attached
    end_process "$VMM"
    prune
    assert_pruned '[]' "[$BYSTANDER,\"state : its runtime process $SHIM lives\"]"
    assert_in_group "$SHIM" "$(runtime_group)"
    end_process "$SHIM"

    prune --dry-run
    removed=${output%\"kept\"*}
    assert_pruned '["state : its processes have ended"]' "[$BYSTANDER]"
    assert [ -e "$ROOT/$ID/state.json" ]
    prune
    assert_equal "${output%\"kept\"*}" "${removed/true/false}"
    assert [ ! -e "$ROOT/$ID" ]
    # Nothing of it is left, and all of the others.
    assert_equal "$(groups_of "$ID")" "$BYSTANDERS"
    [ "$KC_DRIVER" = cgroupfs ] || assert_equal "$(systemctl list-units --all --no-legend --plain "*$ID.scope")" ""
    prune
    assert_pruned '[]' "[$BYSTANDER]"
}

@test "a state of an earlier boot goes, and groups without a state once they are empty" {
    local mount groups others state
    create_full
    sed -i 's/"bootId": "[^"]*"/"bootId": "00000000-0000-0000-0000-000000000000"/' "$ROOT/$ID/state.json"
    # Marks do not outlive a boot.
    prune
    assert_pruned '[]' '["state : it is of an earlier boot, but has groups"]'
    state=$(< "$ROOT/$ID/state.json")
    # Another life's.
    [[ $state =~ '"token": "'([0-9a-f]*)'"' ]]
    echo "${state/"${BASH_REMATCH[1]}"/0123456789abcdef0123456789abcdef}" > "$ROOT/$ID/state.json"
    # What is there by now may be anybody's: the shim stays where it was.
    prune
    assert_pruned '["state : it is of an earlier boot"]' '["group : it has no state, but its groups have processes"]'
    assert_in_group "$SHIM" "$(runtime_group)"
    end_process "$SHIM"
    if [ "$KC_DRIVER" = systemd ]; then
        # It ends an empty scope by itself; on v1 what is ours of it is left.
        wait_until has_no_unit "$(group_unit "$(runtime_group)")"
    else
        # One that cannot be removed does not keep the others, and is named.
        groups=$(groups_of "$ID" | wc -l)
        run --separate-stderr traced -f -qq -o /dev/null -e inject=unlinkat:error=EPERM:when=1 \
            "$KATA_CGROUP_TRACED" --root "$ROOT" prune
        assert_failure 1
        # shellcheck disable=SC2154  # set by run
        [[ $stderr == "kata-cgroup: error: cannot remove cgroup "*"$ID: Operation not permitted" ]]
        # On v2 there is but one in sandbox-only mode.
        [ "$groups" = 1 ] && others=[] || others='["group : its sandbox has no state"]'
        assert_pruned "$others" '["group : Operation not permitted"]'
        assert_equal "$(groups_of "$ID" | wc -l)" 1
    fi
    prune
    assert_equal "$(groups_of "$ID")" ""
    # Parents that were made for the sandbox go, those of overhead groups stay.
    [ "$KC_DRIVER" = cgroupfs ] || return 0
    for mount in "${MOUNTS[@]}"; do
        assert [ ! -e "$mount/kctest/pod$NUMBER" ]
        [ "$KC_MODE" = sandbox-only ] || assert [ -d "$mount/kata_overhead" ]
    done
}

has_no_unit() { [ "$(systemctl show "$1" -p ActiveState --value)" = inactive ]; }

@test "where the host's processes, groups or marks are not seen, nothing is touched" {
    local without
    create_attached
    kill -KILL "$VMM" "$SHIM"
    for without in "unshare --pid --fork --mount-proc" "unshare --cgroup" "setpriv --bounding-set=-sys_admin"; do
        # shellcheck disable=SC2086  # words
        run $without "$KATA_CGROUP" --root "$ROOT" prune --path kctest
        case $without in
        *pid*) assert_one_error_line 1 "this is not the host's pid namespace" ;;
        *cgroup*) assert_one_error_line 1 "this is not the host's cgroup namespace" ;;
        *) assert_one_error_line 1 "without CAP_SYS_ADMIN" ;;
        esac
        assert [ -e "$ROOT/$ID/state.json" ]
    done
}

@test "another directory at the path of --root is another root, and without one nothing is any root's" {
    local groups
    create < /dev/null
    groups=$(groups_of "$ID")
    # shellcheck disable=SC2153  # set by kc_setup
    mv "$ROOT" "$ROOT.away"
    prune
    assert_equal "$(groups_of "$ID")" "$groups"
    mkdir -m 700 "$ROOT"
    prune
    assert_pruned '[]' '[]'
    assert_equal "$(groups_of "$ID")" "$groups"
    rmdir "$ROOT"
    mv "$ROOT.away" "$ROOT"
    kc delete "$ID"
    assert_nothing_left
}

@test "what is in use, cannot be read or waits for its first process stays; a killed create goes" {
    local lock state
    create < /dev/null
    prune
    assert_pruned '[]' '["state : no process was placed yet"]'

    # The lock is somebody's: nothing is waited for.
    exec {lock}< "$ROOT/$ID"
    flock "$lock"
    prune
    assert_pruned '[]' '["state : another command has its lock"]'
    exec {lock}<&-

    state=$(< "$ROOT/$ID/state.json")
    echo '{' > "$ROOT/$ID/state.json"
    prune
    assert_output --partial "\"kept\":[{\"kind\":\"state\",\"id\":\"$ID\",\"reason\":\"$ROOT/$ID/state.json: not valid JSON"
    # Which groups are its is not known.
    run kc prune --path kctest
    assert_failure 1
    assert_line --partial "--path: the groups of sandbox \"$ID\" are not known"

    echo "${state/'"phase": "ready"'/'"phase": "creating"'}" > "$ROOT/$ID/state.json"
    mkdir "$ROOT/$ID-d"
    prune
    assert_pruned '["state -d: it is an empty directory","state : its create has not finished"]' '[]'
    assert_nothing_left
}

@test "kata-containers #6232, #11815: below a path that is given, empty groups of others go, and no group of one that lives" {
    [ "$KC_DRIVER/$KC_MODE" != systemd/sandbox-only ] || skip "what is systemd's in it is tried in overhead mode"
    local mount dir pid dirs=() paths one=${MOUNT_OF[pids]}/$LEFT
    create_bystanders
    for mount in "${MOUNTS[@]}"; do
        dirs+=("$mount/$LEFT"/{pod1/cri-containerd:1/deep,pod2/ctr})
        # In some hierarchies only.
        [ "$mount/$LEFT" = "$one" ] || dirs+=("$mount/$LEFT"/{pod2/ctr/child,pod3})
    done
    # The name of a unit that systemd has, where it is.
    mkdir -p "${dirs[@]}" "$one/pod4/system.slice"
    start_process
    pid=$!
    # pod2 lives, in one hierarchy.
    echo "$pid" > "$one/pod2/ctr/cgroup.procs"

    prune
    assert_equal "$(removed_paths "$LEFT")" '[]'
    prune --dry-run --path "$LEFT"
    paths=$(removed_paths "$LEFT")
    assert [ -d "$one/pod1/cri-containerd:1/deep" ]
    prune --path "/$LEFT" --path "kctest/pod$NUMBER"
    assert_equal "$(removed_paths "$LEFT")" "$paths"
    for mount in "${MOUNTS[@]}"; do
        assert [ -d "$mount/$LEFT/pod2/ctr" ]
        # Empty, but a group of one that lives.
        [ "$mount/$LEFT" = "$one" ] || assert [ -d "$mount/$LEFT/pod2/ctr/child" ]
        for dir in pod1 pod3; do assert [ ! -e "$mount/$LEFT/$dir" ]; done
    done
    [ -d /run/systemd/system ] && assert [ -d "$one/pod4/system.slice" ] || assert [ ! -e "$one/pod4" ]
    kill -0 "$pid"
    # Marked groups have their own rules, also below a path, and what is in them.
    for mount in "${MOUNTS[@]}"; do mkdir "$mount/kctest/pod$NUMBER/$ID-c/vcpu"; done
    prune --path "kctest/pod$NUMBER"
    for mount in "${MOUNTS[@]}"; do rmdir "$mount/kctest/pod$NUMBER/$ID-c/vcpu"; done
    assert_bystanders
    assert_pruned '[]' "[\"group -c: it is of a sandbox whose state is kept under another --root\",$BYSTANDER]"

    # One that waits for its VMM, and whose groups could not be marked.
    traced -qq -o /dev/null -e trace=fsetxattr -e inject=fsetxattr:error=EOPNOTSUPP "$KATA_CGROUP_TRACED" --root "$ROOT" \
        create "$ID-u" --cgroups-path "kctest/pod$NUMBER/$ID-u" --sandbox-cgroup-only < /dev/null
    prune --path "kctest/pod$NUMBER"
    for mount in "${MOUNTS[@]}"; do assert [ -d "$mount/kctest/pod$NUMBER/$ID-u" ]; done
    assert_output --partial "$ID-u\",\"reason\":\"it is at the path of a sandbox that has a state\""
    kc delete "$ID-u"

    end_process "$pid"
    prune --path "$LEFT"
    prune --path "$LEFT"
    assert_equal "$(removed_paths "$LEFT")" '[]'
    # The path itself stays.
    [ ! -e "$one/pod4" ] || rmdir "$one/pod4/system.slice" "$one/pod4"
    rmdir "${MOUNTS[@]/%//$LEFT}"
    run kc prune --path ../elsewhere
    assert_one_error_line 5 "--path"
}

@test "a slice of a sandbox without a state is stopped; a failed scope stays, since its root is not known" {
    [ "$KC_DRIVER/$KC_MODE" = systemd/overhead ] || skip "cgroupfs has no units, and units have no mode"
    local description units=() slice=kctest-own$NUMBER.slice
    # Scopes whose processes ignore SIGTERM fail once TimeoutStopSec is over.
    for description in "kata-cgroup sandbox of $ID 0123456789abcdef0123456789abcdef" "nobody's $ID"; do
        units+=("kc-failed-${#description}-$ID.scope")
        systemd-run --quiet --scope --unit="${units[-1]}" --description="$description" -p TimeoutStopSec=1 \
            bash -c "trap '' TERM; touch $BATS_TEST_TMPDIR/${#description}; while :; do sleep 1000 & wait; done" \
            3>&- > /dev/null 2>&1 &
        STARTED+=($!)
        wait_until test -e "$BATS_TEST_TMPDIR/${#description}"
    done
    systemctl stop "${units[@]}" || true
    kc create "$ID-e" --cgroups-path "kctest.slice::$slice" --sandbox-cgroup-only < /dev/null
    assert_equal "$(systemctl show "${units[@]}" "$slice" -p ActiveState --value | xargs)" "failed failed active"
    prune
    assert_pruned '[]' '["state -e: no process was placed yet"]'
    assert_equal "$(systemctl show "${units[@]}" "$slice" -p ActiveState --value | xargs)" "failed failed active"
    systemctl reset-failed "${units[@]}"

    rm -r "${ROOT:?}/$ID-e"
    # A slice without its directory would stay active for ever: while the bus is away, it has it.
    DBUS_SYSTEM_BUS_ADDRESS=unix:path=/nonexistent run --separate-stderr kc prune
    assert_failure 1
    assert_pruned '[]' '["group -e: it is named like a unit, and systemd cannot be asked for that"]'
    prune
    assert_pruned '["group -e: its sandbox has no state","unit -e: its sandbox has no state"]' '[]'
    assert_equal "$(systemctl show "$slice" -p ActiveState --value)" inactive
    prune
    assert_pruned '[]' '[]'
}

@test "prunes and creates at the same time: none fails, and no sandbox is harmed" {
    [ "$KC_DRIVER" = cgroupfs ] || skip "systemd makes the parents of its units itself"
    local i mount pids=() dirs=()
    for i in 1 2 3; do
        kc create "$ID-$i" --cgroups-path "kctest/pod$NUMBER/$i/$ID-$i" --sandbox-cgroup-only < /dev/null &
        pids+=($!)
        kc prune > /dev/null &
        pids+=($!)
        for mount in "${MOUNTS[@]}"; do dirs+=("$mount/kctest/pod$NUMBER/$i/$ID-$i"); done
    done
    for i in "${pids[@]}"; do wait "$i"; done
    for i in "${dirs[@]}"; do assert [ -d "$i" ]; done
    for i in 1 2 3; do kc delete "$ID-$i"; done
    assert_nothing_left
}
