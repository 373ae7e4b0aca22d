#!/usr/bin/env bats
# watch: what happens in a sandbox is told once, soon, and of the right group; and it ends when there is nothing left to tell.

load helpers

setup() {
    kc_setup
    EVENTS=$BATS_TEST_TMPDIR/events
    LIMIT='{"pids":{"limit":20}}'
    ! has memory || LIMIT='{"pids":{"limit":20},"memory":{"limit":67108864}}'
}

teardown() { kc_teardown; }

# start_watch ARGUMENTS...: sets WATCH; returns once it watches
start_watch() {
    "$KATA_CGROUP" --root "$ROOT" watch "$@" 3>&- > "$EVENTS" 2> "$BATS_TEST_TMPDIR/said" &
    WATCH=$!
    STARTED+=("$WATCH")
    wait_until grep -q '"event":"watching","id":[^,]*,"group":null' "$EVENTS"
}

# told EVENT [GROUP]: whether there is such a line; without a group, of the sandbox as a whole
told() { grep -q "\"event\":\"$1\",\"id\":\"$ID\",\"group\":${2:-null}," "$EVENTS"; }

told_times() { [ "$(grep -c "\"event\":\"$2\",\"id\":\"$ID\"," "$EVENTS")" = "$1" ]; }

has_no() { [ ! -e "$1" ]; }

# assert_told FILTER VALUE: of all events as an array
assert_told() { assert_equal "$(jq -sc "$1" "$EVENTS")" "$2"; }

keep_events() { [ -z "${KC_DOCUMENTS:-}" ] || sed $'s/^/watch\t/' "$EVENTS" >> "$KC_DOCUMENTS/$BASHPID"; }

# create with both groups limited: where single threads are placed, the VMM's memory is the overhead's.
create_limited() {
    start_shim
    if [ "$KC_MODE" = overhead ]; then
        create --pid "$SHIM" --resources <(echo "$LIMIT") --overhead-resources - <<< "$LIMIT"
    else
        create --pid "$SHIM" <<< "$LIMIT"
    fi
}

# run_in sandbox|overhead COMMAND...: as a process of the group, in every hierarchy
run_in() {
    local dir=$SANDBOX_DIR
    [ "$1" = sandbox ] || dir=$OVERHEAD_DIR
    (
        for mount in "${MOUNTS[@]}"; do echo "$BASHPID" > "$mount/$dir/cgroup.procs"; done
        exec "${@:2}" 3>&- > /dev/null 2>&1
    ) || true
}

# fork_in sandbox|overhead: more tasks than the limit. dash gives up at the first fork that fails; its session ends with it.
fork_in() {
    run_in "$1" setsid dash -c 'trap "kill -KILL 0" EXIT; i=0; while [ $i -lt 25 ]; do sleep 100 & i=$((i + 1)); done'
}

# start_as_vmm COMMAND...: sets VMM
start_as_vmm() {
    "$KATA_CGROUP" --root "$ROOT" exec "$ID" -- "$@" 3>&- > /dev/null 2>&1 &
    VMM=$!
    STARTED+=("$VMM")
}

is_recorded() { grep -q "\"pid\": $1\b" "$ROOT/$ID/state.json"; }

# freeze_group 1|0
freeze_group() {
    if has freezer; then
        [ "$1" = 1 ] && set FROZEN || set THAWED
        echo "$1" > "$(group_dir sandbox freezer)/freezer.state"
    else
        echo "$1" > "${MOUNTS[0]}/$SANDBOX_DIR/cgroup.freeze"
    fi
}

# kill_sibling: for its memory, in a group beside the sandbox's, whose own has been removed
kill_sibling() {
    local dir=${MOUNT_OF[memory]}/$PARENT_DIR/sibling
    if [ "$KC_DRIVER" = systemd ]; then
        wait_until has_no "$(group_dir sandbox memory)"
        systemd-run --quiet --scope --slice="${PARENT_DIR##*/}" -p MemoryMax=64M "${KATA_CGROUP%/*}/touch-memory" 128 3>&- > /dev/null 2>&1 || true
    else
        rmdir "$(group_dir sandbox memory)"
        mkdir "$dir"
        echo 64M > "$dir/memory.max"
        sh -c 'echo $$ > "$0/cgroup.procs" && exec "$1" 128' "$dir" "${KATA_CGROUP%/*}/touch-memory" 3>&- > /dev/null 2>&1 || true
        rmdir "$dir"
    fi
}

@test "a VMM that is killed for its memory: one oomKill, then vmmExit, empty, deleted; and all of the next life of the ID" {
    local group='"sandbox"' exec_pid
    ! places_threads || group='"overhead"'
    start_watch --all
    # The pod's group is its container manager's, and stays.
    [ "$KC_DRIVER" = systemd ] || ! has memory || mkdir -p "${MOUNT_OF[memory]}/$PARENT_DIR"
    create_limited
    # Where memory has no controller, the test ends it.
    start_as_vmm "${KATA_CGROUP%/*}/touch-memory" "$(has memory && echo 128 || echo 1)"
    has memory || { wait_until is_recorded "$VMM" && end_vmm; }
    exec_pid=$VMM
    wait_until told vmmExit
    assert_told 'map(select(.event == "vmmExit") | .pid)' "[$VMM]"
    if has memory; then
        assert_told '[.[] | select(.event == "oomKill") | .id, .group, .count]' "[\"$ID\",$group,1]"
        assert_told 'map(.event) | index("oomKill") < index("vmmExit")' true
        assert told oom "$group"
    fi
    if [ "$KC_MODE" = overhead ] && ! places_threads; then
        wait_until told empty '"sandbox"'
        ! has memory || on_v1 memory || kill_sibling
    fi
    kc delete "$ID"
    wait_until told deleted
    create_limited
    start_vmm
    attach
    # What happens while the watch does not run, to the end of the group, is not lost on v2: the parent has counted it.
    if has memory && ! on_v1 memory; then
        freeze_group 1
        wait_until told frozen '"sandbox"'
        freeze_group 0
        kill -STOP "$WATCH"
        run_in sandbox "${KATA_CGROUP%/*}/touch-memory" 128
    fi
    end_vmm
    kc delete "$ID"
    kill -CONT "$WATCH"
    wait_until told_times 2 deleted
    assert_told 'map(select(.id and (.event | IN("created", "deleted"))) | .event)' '["created","deleted","created","deleted"]'
    assert_told 'map(select(.event == "vmmExit") | .pid)' "[$exec_pid,$VMM]"
    if has memory && ! on_v1 memory; then
        assert_told 'map(select(.event == "oomKill") | [.group, .count])' '[["sandbox",1],["sandbox",1]]'
    fi
    keep_events
    kill -TERM "$WATCH"
    wait "$WATCH" || [ $? -eq 143 ]
    assert_equal "$(< "$BATS_TEST_TMPDIR/said")" ""
}

# renew_scope: the sandbox's goes with the VMM, and starts anew with another one while nobody watches
renew_scope() {
    end_vmm
    wait_until told empty '"sandbox"'
    wait_until has_no "$(group_dir sandbox pids)"
    kill -STOP "$WATCH"
    start_vmm
    attach
    kill -CONT "$WATCH"
}

@test "one sandbox: tasks, pressure, freezing, a VMM that is attached later; it ends with the sandbox, and nothing waits for it" {
    local trigger=cpu:100ms/2s busy terminal vmms=()
    create_limited
    run kc watch "$ID" --psi cpu:1ms/100ms
    assert_one_error_line 2 '--psi: "cpu:1ms/100ms": the window is not from 500ms to 10s'
    # Two seconds are a window that does not need CAP_SYS_RESOURCE. Without a v2 tree there are v1's levels, of memory.
    if [[ " ${VERSIONS[*]} " != *" 2 "* ]]; then
        run kc watch "$ID" --psi "$trigger"
        assert_one_error_line 1 "this host has no cgroup v2 tree, so nothing tells of pressure on cpu"
        trigger=
        ! has memory || trigger=memory:1ms/500ms
    fi
    start_watch "$ID" ${trigger:+--psi "$trigger"}
    # Also on a terminal, an event is a line.
    script -qec "'$KATA_CGROUP' --root '$ROOT' watch '$ID'" /dev/null 3>&- < /dev/null > "$BATS_TEST_TMPDIR/terminal" &
    terminal=$!
    STARTED+=("$terminal")
    wait_until grep -q watching "$BATS_TEST_TMPDIR/terminal"
    start_vmm
    attach
    fork_in sandbox
    wait_until told pidsMax '"sandbox"'
    vmms=("$VMM")
    if [ "$KC_DRIVER $KC_MODE" = "systemd overhead" ]; then
        renew_scope
        fork_in sandbox
        wait_until told_times 2 pidsMax
        vmms+=("$VMM")
    fi

    # Who wants a whole CPU and has a tenth of one has to wait.
    if [ "$trigger" = cpu:100ms/2s ]; then
        kc update "$ID" <<< '{"cpu":{"quota":10000,"period":100000}}'
        run_in sandbox sh -c "until [ -e $BATS_TEST_TMPDIR/end ]; do :; done" &
        busy=$!
        wait_until told pressure '"sandbox"'
        touch "$BATS_TEST_TMPDIR/end"
        wait "$busy"
        kc update "$ID" <<< '{"cpu":{"quota":-1}}'
        assert_told 'map(select(.event == "pressure"))[0] | [.resource, .level, .thresholdUsec, .windowUsec, .totalUsec >= 100000]' \
            '["cpu",null,100000,2000000,true]'
    elif [ -n "$trigger" ]; then
        run_in sandbox "${KATA_CGROUP%/*}/touch-memory" 128
        wait_until told oomKill '"sandbox"'
        wait_until told pressure '"sandbox"'
        assert_told 'map(select(.event == "pressure"))[0] | [.resource, .level, .thresholdUsec, .windowUsec, .totalUsec]' \
            '["memory","medium",null,500000,null]'
    fi

    freeze_group 1
    wait_until told frozen '"sandbox"'
    freeze_group 0
    wait_until told thawed '"sandbox"'

    end_vmm
    wait_until told_times ${#vmms[@]} vmmExit
    assert_told 'map(select(.event == "vmmExit") | .pid)' "[$(IFS=, && echo "${vmms[*]}")]"
    kc delete "$ID"
    wait "$WATCH"
    wait "$terminal"
    assert_equal "$(grep -cv '^{.*}' "$BATS_TEST_TMPDIR/terminal")" 0
    grep -q '^{.*"event":"deleted"' "$BATS_TEST_TMPDIR/terminal"
    assert_told '.[-1] | [.event, .id, .group]' "[\"deleted\",\"$ID\",null]"
    keep_events
    run kc watch "$ID"
    assert_one_error_line 3 "there is no sandbox \"$ID\""
}

# start_stopped_watch: of ID; sets WATCH, that has found the sandbox and then stops
start_stopped_watch() {
    ASAN_OPTIONS=${ASAN_OPTIONS:-}:detect_leaks=0 strace -D -o "$BATS_TEST_TMPDIR/trace" -e trace=inotify_init1 \
        -e inject=inotify_init1:signal=STOP "$KATA_CGROUP_TRACED" --root "$ROOT" watch "$ID" 3>&- > /dev/null 2> "$BATS_TEST_TMPDIR/said" &
    WATCH=$!
    STARTED+=("$WATCH")
    wait_until grep -q "stopped by SIGSTOP" "$BATS_TEST_TMPDIR/trace"
}

@test "a reader that goes away ends it; what was counted before is no event; a group without PSI, and a delete as it begins" {
    local reader i hide status=0 psi=()
    create_limited
    fork_in "$(runtime_group)"
    for i in "${!MOUNTS[@]}"; do
        [ "$KC_MODE" = overhead ] && hide=$OVERHEAD_DIR || hide=$SANDBOX_DIR
        hide=${MOUNTS[i]}/$hide/cgroup.pressure
        [ -e "$hide" ] || continue
        echo 0 > "$hide"
        psi=(--psi cpu:100ms/2s)
    done
    exec {reader}< <(echo $BASHPID; exec "$KATA_CGROUP" --root "$ROOT" watch --all "${psi[@]}" 3>&- 2> "$BATS_TEST_TMPDIR/said")
    read -r -u "$reader" WATCH
    STARTED+=("$WATCH")
    until [[ $REPLY == *'"group":null'* ]]; do
        read -r -u "$reader"
        echo "$REPLY" >> "$EVENTS"
    done
    assert_told 'map(.event) | unique' '["watching"]'
    assert_told "map(select(.group == \"$(runtime_group)\") | .counters.pidsMax > 0)" '[true]'
    [ ${#psi[@]} = 0 ] || grep -q "sandbox \"$ID\" is not watched in full: .*/cpu.pressure: No such file" "$BATS_TEST_TMPDIR/said"
    exec {reader}<&-
    wait_until has_ended "$WATCH"

    start_stopped_watch
    kc delete "$ID"
    kill -CONT "$WATCH"
    wait "$WATCH" || status=$?
    assert_equal "$status $(< "$BATS_TEST_TMPDIR/said")" "3 kata-cgroup: error: there is no sandbox \"$ID\" in $ROOT"
}
