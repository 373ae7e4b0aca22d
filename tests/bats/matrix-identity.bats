#!/usr/bin/env bats
# A name is not the thing: what happens where a path, a unit, a PID or an ID has come to mean somebody else's.

load helpers

setup() {
    kc_setup
    # A second sandbox; whoever is no sandbox at all is the stranger.
    OTHER=$ID-b
    if [ "$KC_DRIVER" = systemd ]; then
        OTHER_PATH=kctest-pod$NUMBER.slice:kc:$OTHER OTHER_DIR=$PARENT_DIR/kc-$OTHER.scope
    else
        OTHER_PATH=kctest/pod$NUMBER/$OTHER OTHER_DIR=$PARENT_DIR/$OTHER
    fi
    STRANGER=
}

teardown() {
    local pid
    for pid in "${STARTED[@]}"; do kill -KILL "$pid" 2> /dev/null || true; done
    [ ! -e "$ROOT/$OTHER" ] || kc delete --force "$OTHER" > /dev/null 2>&1 || true
    kc_teardown
}

# ---- who is there ----

bring_up() {
    create_full
    start_vmm
    attach
}

create_other() { kc create "$OTHER" --cgroups-path "$OTHER_PATH" "${MODE_OPTION[@]}" "$@"; }

# start_stranger_unit UNIT: in a slice of its own
start_stranger_unit() {
    systemd-run --quiet --scope --unit="$1" --slice="kctest-stranger$NUMBER.slice" -p TasksMax=1234 sleep 10000 3>&- > /dev/null 2>&1 &
    STRANGER=$!
    STARTED+=("$STRANGER")
    wait_until grep -qx sleep "/proc/$STRANGER/comm"
    STRANGER_FORMER=$(places_of "$STRANGER")
}

# fill_cpuset MOUNT PATH: from the top down, since without CPUs v1 lets in nobody
fill_cpuset() {
    local dir=$1 name names
    IFS=/ read -ra names <<< "$2"
    for name in "${names[@]}"; do
        dir+=/$name
        [ -n "$(< "$dir/cpuset.cpus")" ] || echo 0 > "$dir/cpuset.cpus"
        [ -n "$(< "$dir/cpuset.mems")" ] || echo 0 > "$dir/cpuset.mems"
    done
}

# put_into PATH PID: in every hierarchy where that is
put_into() {
    local mount dir
    for mount in "${MOUNTS[@]}"; do
        dir=$mount/$1
        [ -d "$dir" ] || continue
        [ ! -e "$dir/cpuset.cpus" ] || [ ! -e "$dir/tasks" ] || fill_cpuset "$mount" "$1"
        echo "$2" > "$dir/cgroup.procs"
    done
}

# start_stranger_in PATH: a group there that somebody else has made, with a process in it
start_stranger_in() {
    local mount
    for mount in "${MOUNTS[@]}"; do mkdir -p "$mount/$1"; done
    start_process
    STRANGER=$!
    put_into "$1" "$STRANGER"
    STRANGER_FORMER=$(places_of "$STRANGER")
}

assert_stranger_untouched() {
    assert_unmoved "$STRANGER" "$STRANGER_FORMER"
}

end_stranger() {
    kill -KILL "$STRANGER"
    wait "$STRANGER" 2> /dev/null || true
}

# places_of PID: the groups of all of its threads. On v1 systemd puts what is in a unit into more and fewer hierarchies of
# that unit's as other units come and go, which is no move.
places_of() {
    local - task line path unit='' lines=()
    set +T
    if [ "$KC_DRIVER$HOST_VERSION" = systemd1 ]; then
        mapfile -t lines < "/proc/$1/cgroup"
        for line in "${lines[@]}"; do [[ $line != *:name=systemd:* ]] || unit=${line#*:*:}; done
    fi
    for task in "/proc/$1/task"/*; do
        mapfile -t lines < "$task/cgroup" || continue
        for line in "${lines[@]}"; do
            line=${line#*:} path=${line#*:}
            [[ -z $unit || $unit == *"$ID"* || $unit/ != "${path%/}"/* ]] || path=$unit
            echo "${line%%:*}:$path"
        done
    done
}

# assert_unmoved PID FORMER
assert_unmoved() {
    refute has_ended "$1"
    assert_equal "$(places_of "$1")" "$2"
}

is_unit_gone() { [ "$(systemctl show "$1" -p LoadState --value)" = not-found ]; }

# start_losable: a sandbox whose group somebody else can take away; lose_group: and then it is a stranger's
start_losable() {
    if [ "$KC_DRIVER" = cgroupfs ]; then
        create <<< "$RESOURCES"
    else
        create_full
        if [ "$KC_MODE" = overhead ]; then
            start_vmm
            attach
        fi
    fi
}

lose_group() {
    local mount
    if [ "$KC_DRIVER" = cgroupfs ]; then
        for mount in "${MOUNTS[@]}"; do rmdir "$mount/$SANDBOX_DIR"; done
    else
        kill -KILL "${VMM:-$SHIM}"
        wait_until is_unit_gone "$UNIT"
        for mount in "${MOUNTS[@]}"; do rmdir "$mount/$SANDBOX_DIR" 2> /dev/null || true; done
    fi
    start_stranger_in "$SANDBOX_DIR"
}

# assert_all_there PATH: in every hierarchy
assert_all_there() {
    local mount
    for mount in "${MOUNTS[@]}"; do assert [ -d "$mount/$1" ]; done
}

# forget_stranger PATH: the directories that it has made go
forget_stranger() {
    local mount
    end_stranger
    for mount in "${MOUNTS[@]}"; do rmdir "$mount/$1"; done
}

# ---- units and paths ----

@test "the same name for two sandboxes (a unit in two slices, a path): the second create is refused, the first keeps all" {
    local option path=$CGROUPS_PATH message="is not of this sandbox \"$OTHER\": it is of \"$ID\"" former
    start_process
    local pid=$!
    former=$(places_of "$pid")
    if [ "$KC_DRIVER" = systemd ]; then
        path=kctest-other$NUMBER.slice:kc:$ID message="unit $UNIT is taken by sandbox \"$ID\""
    fi
    # Deferred under systemd.
    create <<< '{"pids":{"limit":77}}'
    for option in "" "--pid $pid"; do
        # shellcheck disable=SC2086  # words
        run kc create "$OTHER" --cgroups-path "$path" "${MODE_OPTION[@]}" $option <<< '{"pids":{"limit":5}}'
        assert_one_error_line 1 "$message"
        assert_unmoved "$pid" "$former"
    done
    start_vmm
    attach
    for option in "" "--pid $pid"; do
        # shellcheck disable=SC2086  # words
        run kc create "$OTHER" --cgroups-path "$path" "${MODE_OPTION[@]}" $option <<< '{"pids":{"limit":5}}'
        assert_one_error_line 1 "$message"
        assert_unmoved "$pid" "$former"
    done
    assert_equal "$(< "$(group_dir sandbox pids)/pids.max")" 77
    refute [ -e "$ROOT/$OTHER" ]
    end_vmm
    kc delete "$ID"
    assert_nothing_left
}

@test "the same unit name in two slices: delete of one does not stop the other's scope" {
    [ "$KC_DRIVER" = systemd ] || { # a path is of one sandbox alone; that delete of one leaves its neighbour
        create < /dev/null
        create_other <<< '{"pids":{"limit":77}}'
        kc delete "$ID"
        assert_equal "$(< "${MOUNT_OF[pids]}/$OTHER_DIR/pids.max")" 77
        kc delete "$OTHER"
        assert_nothing_left
        return
    }
    # Under two roots, where nothing tells of the first scope as long as that is deferred.
    local root=$BATS_TEST_TMPDIR/second second=kctest-other$NUMBER.slice:kc:$ID former force
    for force in "" --force; do
        create < /dev/null
        "$KATA_CGROUP" --root "$root" create "$OTHER" --cgroups-path "$second" --sandbox-cgroup-only < /dev/null
        start_vmm
        attach
        former=$(places_of "$VMM")
        # shellcheck disable=SC2086  # nothing, or a word
        run "$KATA_CGROUP" --root "$root" delete $force "$OTHER" --timeout 0
        assert_success
        assert_unmoved "$VMM" "$former"
        assert_properties "$UNIT" ActiveState=active "Slice=${PARENT_DIR##*/}"
        refute [ -e "$root/$OTHER" ]
        end_vmm
        wait_until is_unit_gone "$UNIT"
        kc delete "$ID"
        assert_nothing_left
    done
}

@test "a stranger has the name already: create is refused, deferred or not, and touches nothing" {
    local option former
    start_shim
    former=$(places_of "$SHIM")
    if [ "$KC_DRIVER" = cgroupfs ]; then
        start_stranger_in "$SANDBOX_DIR"
        for option in "" "--pid $SHIM"; do
            # shellcheck disable=SC2086  # words
            run create $option <<< "$RESOURCES"
            assert_one_error_line 1 "/$SANDBOX_DIR is not of this sandbox \"$ID\": it has no mark"
            assert_stranger_untouched
            assert_unmoved "$SHIM" "$former"
        done
        assert_equal "$(< "$(group_dir sandbox pids)/pids.max")" max
        forget_stranger "$SANDBOX_DIR"
        assert_nothing_left
        return
    fi
    local unit units=("$UNIT")
    [ "$KC_MODE" = sandbox-only ] || units+=("$OVERHEAD_UNIT")
    for unit in "${units[@]}"; do
        start_stranger_unit "$unit"
        for option in "" "--pid $SHIM"; do
            # shellcheck disable=SC2086  # words
            run create $option <<< "$RESOURCES"
            assert_one_error_line 1 "unit $unit is not of this sandbox \"$ID\": its description is \""
            assert_stranger_untouched
            assert_unmoved "$SHIM" "$former"
        done
        end_stranger
        wait_until is_unit_gone "$unit"
        assert_nothing_left
    done
}

@test "a stranger takes the name after create: attach-vcpus does not join, update does not write, delete does not stop" {
    local force former
    if [ "$KC_DRIVER" = cgroupfs ]; then # where the directory is there from create on; one that nobody has marked takes its place
        start_losable
        lose_group
        start_vmm
        former=$(places_of "$VMM")
        run kc attach-vcpus "$ID" --vmm-pid "$VMM"
        assert_one_error_line 1 "/$SANDBOX_DIR is not of this sandbox \"$ID\": it has no mark"
        assert_unmoved "$VMM" "$former"
        assert_stranger_untouched
        return
    fi
    for force in "" --force; do
        create < /dev/null
        start_stranger_unit "$UNIT"
        start_vmm
        former=$(places_of "$VMM")
        run kc attach-vcpus "$ID" --vmm-pid "$VMM"
        assert_one_error_line 1 "unit $UNIT is not of this sandbox \"$ID\": its description is \""
        assert_unmoved "$VMM" "$former"
        # It is for when the scope starts.
        kc update "$ID" <<< '{"pids":{"limit":5}}'
        assert_properties "$UNIT" TasksMax=1234
        # shellcheck disable=SC2086  # nothing, or a word
        run kc delete $force "$ID" --timeout 0
        assert_success
        refute_output
        assert_stranger_untouched
        assert_properties "$UNIT" ActiveState=active
        refute [ -e "$ROOT/$ID" ]
        end_vmm
        end_stranger
        wait_until is_unit_gone "$UNIT"
    done
}

@test "another sandbox's group below ours: delete, forced or not, says so and leaves it, its limits and its processes" {
    local below=$SANDBOX_DIR/$OTHER limits='{"pids":{"limit":77}}' former message force ours
    if [ "$KC_DRIVER" = cgroupfs ]; then
        create <<< "$RESOURCES"
    else
        # A scope with processes takes no controllers for its children on v2.
        [ "$HOST_VERSION" = 1 ] || limits='{}'
        start_losable
    fi
    ours=$VMM
    [ "$KC_DRIVER" = cgroupfs ] || ours=${VMM:-$SHIM}
    kc create "$OTHER" --cgroups-path "/$below" --sandbox-cgroup-only <<< "$limits"
    message="/$below is not of this sandbox \"$ID\": it is of \"$OTHER\""
    for force in --force ""; do
        # Empty as it is. Of our own VMM, which lives still, nothing is said before that.
        [ -z "$force" ] && [ "$KC_DRIVER" = systemd ] && continue
        # shellcheck disable=SC2086  # nothing, or a word
        run kc delete $force "$ID" --timeout 0
        assert_one_error_line 1 "$message"
        assert_all_there "$below"
        [ -z "$ours" ] || refute has_ended "$ours"
        [ "$limits" = '{}' ] || assert_equal "$(< "${MOUNT_OF[pids]}/$below/pids.max")" 77
    done
    local our_vmm=$VMM
    start_vmm
    kc attach-vcpus "$OTHER" --vmm-pid "$VMM" > /dev/null
    former=$(places_of "$VMM")
    if [ -n "$our_vmm" ]; then
        kill -KILL "$our_vmm"
        wait_until has_ended "$our_vmm"
    fi
    for force in "" --force; do
        # shellcheck disable=SC2086  # nothing, or a word
        run kc delete $force "$ID" --timeout 0
        assert_one_error_line 1 "$message"
        assert_unmoved "$VMM" "$former"
        assert_all_there "$below"
        [ "$limits" = '{}' ] || assert_equal "$(< "${MOUNT_OF[pids]}/$below/pids.max")" 77
        assert [ -e "$ROOT/$ID/state.json" ]
    done
    end_vmm
    kc delete "$OTHER"
    run kc delete "$ID"
    assert_success
    assert_nothing_left
}

@test "our group was removed and made again by somebody else: nothing is written, killed or removed, by any command" {
    local command vmm former
    start_losable
    lose_group
    start_vmm
    former=$(places_of "$VMM")
    for command in "update $ID" "attach-vcpus $ID --vmm-pid $VMM" "exec $ID -- touch $BATS_TEST_TMPDIR/started" \
        "delete $ID --timeout 0" "delete --force $ID --timeout 0"; do
        # shellcheck disable=SC2086  # words
        run kc $command <<< '{"pids":{"limit":5}}'
        assert_one_error_line 1 "/$SANDBOX_DIR is not of this sandbox \"$ID\": it has no mark"
        assert_stranger_untouched
        assert_unmoved "$VMM" "$former"
        assert_all_there "$SANDBOX_DIR"
        [ ! -e "$(group_dir sandbox pids)/pids.max" ] || assert_equal "$(< "$(group_dir sandbox pids)/pids.max")" max
        assert [ -e "$ROOT/$ID/state.json" ]
    done
    refute [ -e "$BATS_TEST_TMPDIR/started" ]
    if [ "$KC_DRIVER" = cgroupfs ]; then # a group without a mark could be what systemd has made
        run --separate-stderr kc inspect "$ID" --stats
        assert_json '[.sandbox.exists, .sandbox.processes, .sandbox.paths, .stats]' '[false,[],{},null]'
    fi
    # Once the stranger has gone, so does the rest.
    forget_stranger "$SANDBOX_DIR"
    end_vmm
    run kc delete "$ID"
    assert_success
    assert_nothing_left
}

@test "the overhead group was removed and made again by somebody else: nothing is written, killed or removed" {
    [ "$KC_MODE" = overhead ] || { # there is one group only
        create_full
        kc delete "$ID"
        return
    }
    local command mount commands=("delete $ID --timeout 0" "delete --force $ID --timeout 0")
    create_full
    kill -KILL "$SHIM"
    wait "$SHIM" 2> /dev/null || true
    [ "$KC_DRIVER" = cgroupfs ] || wait_until is_unit_gone "$OVERHEAD_UNIT"
    for mount in "${MOUNTS[@]}"; do rmdir "$mount/$OVERHEAD_DIR" 2> /dev/null || true; done
    start_stranger_in "$OVERHEAD_DIR"
    start_vmm
    # Where the VMM itself would go there.
    ! places_threads || commands=("attach-vcpus $ID --vmm-pid $VMM" "${commands[@]}")
    for command in "${commands[@]}"; do
        # shellcheck disable=SC2086  # words
        run kc $command
        assert_one_error_line 1 "/$OVERHEAD_DIR is not of this sandbox \"$ID\": it has no mark"
        assert_stranger_untouched
        assert_all_there "$OVERHEAD_DIR"
        [ "$KC_DRIVER" = systemd ] || assert_all_there "$SANDBOX_DIR"
    done
    if [ "$KC_DRIVER" = cgroupfs ]; then # as above; what the stranger uses is not in the total
        run --separate-stderr kc inspect "$ID" --stats
        assert_json '[.overhead.exists, .stats.overhead, .stats.total.pids.current == .stats.sandbox.pids.current]' '[false,null,true]'
    fi
    forget_stranger "$OVERHEAD_DIR"
    kc delete "$ID"
    assert_nothing_left
}

@test "delete --force of an ID with the path of another sandbox, or of nobody's group: refused, naming the owner" {
    local former unknown=$ID-x path
    bring_up
    former=$(places_of "$VMM")
    run kc delete --force "$unknown" --cgroups-path "$CGROUPS_PATH" "${MODE_OPTION[@]}"
    assert_one_error_line 1 "is not of this sandbox \"$unknown\""
    assert_output --partial "$ID"
    assert_unmoved "$VMM" "$former"
    refute has_ended "$SHIM"
    assert_limits
    if [ "$KC_MODE" = overhead ]; then
        path=$OVERHEAD_DIR
        [ "$KC_DRIVER" = cgroupfs ] || path=kata-overhead.slice:kata-cgroup:$ID
        run kc delete --force "$unknown" --cgroups-path "$OTHER_PATH" --overhead-path "$path"
        assert_one_error_line 1 "is not of this sandbox \"$unknown\""
        assert_unmoved "$VMM" "$former"
        assert_in_group "$SHIM" overhead
    fi
    if [ "$KC_DRIVER" = cgroupfs ]; then
        start_stranger_in "$PARENT_DIR/$unknown"
        path=$PARENT_DIR/$unknown
    else
        start_stranger_unit "kc-$unknown.scope"
        path=kctest-stranger$NUMBER.slice:kc:$unknown
    fi
    run kc delete --force "$unknown" --cgroups-path "$path" "${MODE_OPTION[@]}"
    assert_one_error_line 1 "is not of this sandbox \"$unknown\""
    assert_stranger_untouched
    [ "$KC_DRIVER" = systemd ] || assert_all_there "$path"
}

@test "delete --force where the state is lost and the group is the sandbox's own: cleared, with what is in it" {
    bring_up
    rm -r "${ROOT:?}/$ID"
    run kc delete --force "$ID" --cgroups-path "$CGROUPS_PATH" "${MODE_OPTION[@]}"
    assert_success
    wait_until has_ended "$VMM"
    assert_nothing_left
}

# assert_taken PID: a create under another root is refused, with and without this process
assert_taken() {
    local root=$BATS_TEST_TMPDIR/second option former
    former=$(places_of "$1")
    for option in "" "--pid $1"; do
        # shellcheck disable=SC2086  # words
        run "$KATA_CGROUP" --root "$root" create "$ID" --cgroups-path "$CGROUPS_PATH" "${MODE_OPTION[@]}" $option \
            <<< '{"pids":{"limit":5}}' 3>&-
        assert_one_error_line 1 "is not of this sandbox \"$ID\""
        [ "$KC_DRIVER" = systemd ] || assert_output --partial "it is of another \"$ID\" (of another --root, or of an earlier life)"
        assert_limits
        assert_unmoved "$1" "$former"
        assert_equal "$(ls -A "$root")" ""
    done
}

@test "the same ID and path under a second --root: create is refused, and the group that lives keeps its limits" {
    local process
    start_process
    process=$!
    start_losable
    assert_taken "$process"
    if [ -z "$VMM" ]; then
        start_vmm
        attach
        assert_taken "$process"
    fi
    assert_in_group "$(thread_of "CPU 0/KVM")" sandbox
    end_vmm
    kc delete "$ID"
    assert_nothing_left
}

@test "a state of an earlier boot: delete removes that, and looks at no group that is there now" {
    start_losable
    lose_group
    sed -i 's/"bootId": "[^"]*"/"bootId": "01234567-89ab-cdef-0123-456789abcdef"/' "$ROOT/$ID/state.json"
    run kc delete "$ID" --timeout 0
    assert_success
    assert_stranger_untouched
    assert_all_there "$SANDBOX_DIR"
    refute [ -e "$ROOT/$ID" ]
}

# ---- processes ----

@test "the VMM that create was given as a runtime process: delete refuses while it lives, --force kills it" {
    start_vmm
    create --pid "$VMM" <<< "$RESOURCES"
    attach
    run kc delete "$ID" --timeout 0
    assert_failure 1
    assert_equal "${#lines[@]}" 1
    assert_output --partial "$VMM (named-threads)"
    refute has_ended "$VMM"
    assert_limits
    assert [ -e "$ROOT/$ID/state.json" ]
    run kc delete --force "$ID"
    assert_success
    wait_until has_ended "$VMM"
    assert_nothing_left
}

@test "a thread and a kernel thread are no processes: refused, and nothing is moved" {
    start_vmm
    local thread former option
    thread=$(thread_of worker)
    former=$(places_of "$VMM")
    run create --pid "$thread" <<< "$RESOURCES"
    assert_one_error_line 5 "--pid: $thread is a thread of process $VMM"
    assert_nothing_left
    create <<< "$RESOURCES"
    run kc attach-vcpus "$ID" --vmm-pid "$thread"
    assert_one_error_line 5 "--vmm-pid: $thread is a thread of process $VMM"
    assert_unmoved "$VMM" "$former"
    assert_equal "$(kc inspect "$ID" | jq .vmm)" null
    # In a pid namespace of its own a host has none.
    if [ "$(< /proc/2/comm)" = kthreadd ]; then
        former=$(< /proc/2/cgroup)
        run kc attach-vcpus "$ID" --vmm-pid 2
        assert_one_error_line 5 "--vmm-pid: 2 is a kernel thread"
        kc delete "$ID"
        run create --pid 2 <<< "$RESOURCES"
        assert_one_error_line 5 "--pid: 2 is a kernel thread"
        assert_equal "$(< /proc/2/cgroup)" "$former"
        assert_nothing_left
    fi
}

# waits_for_lock PID: whether the command of this subshell does
waits_for_lock() {
    local child
    child=$(pgrep -P "$1") && grep -q -- "-> FLOCK .* $child " /proc/locks
}

@test "a process that ends while create waits for the lock: refused, and nothing is moved" {
    local lock first former creation said=$BATS_TEST_TMPDIR/said status=0
    start_process
    first=$!
    former=$(places_of "$first")
    start_shim
    mkdir -p -m 700 "$ROOT" "$ROOT/$ID"
    exec {lock}< "$ROOT/$ID"
    flock "$lock"
    (exec {lock}<&- && create --pid "$first" --pid "$SHIM" <<< "$RESOURCES" > "$said" 2>&1) &
    creation=$!
    wait_until waits_for_lock "$creation"
    kill -KILL "$SHIM"
    wait "$SHIM" 2> /dev/null || true
    exec {lock}<&-
    wait "$creation" || status=$?
    assert_equal "$status: $(grep -v warning: "$said")" "5: $(grep "error: --pid: .*$SHIM" "$said")"
    assert_unmoved "$first" "$former"
    assert_nothing_left
}

has_thread() { [ -n "$(thread_of "$1")" ]; }

# take_pid PID COMMAND...: a process with a pid that has just become free, and without the caller's $lock
take_pid() {
    local pid=$1 i
    shift
    for i in {1..500}; do
        echo $((pid - 1)) > /proc/sys/kernel/ns_last_pid
        "$@" 3>&- {lock}<&- > /dev/null 2>&1 &
        [ "$!" != "$pid" ] || return 0
        # Somebody else has forked meanwhile.
        kill -KILL $!
        wait $! 2> /dev/null || true
    done
    fail "pid $pid does not come again"
}

@test "a pid that has become another process's while a command waited for the lock: neither is moved" {
    local lock command former said=$BATS_TEST_TMPDIR/said status=0
    start_shim
    mkdir -p -m 700 "$ROOT" "$ROOT/$ID"
    exec {lock}< "$ROOT/$ID"
    flock "$lock"
    (exec {lock}<&- && create --pid "$SHIM" <<< "$RESOURCES" > "$said" 2>&1) &
    command=$!
    wait_until waits_for_lock "$command"
    kill -KILL "$SHIM"
    wait "$SHIM" 2> /dev/null || true
    take_pid "$SHIM" sleep 10000
    STARTED+=("$SHIM")
    former=$(places_of "$SHIM")
    exec {lock}<&-
    wait "$command" || status=$?
    assert_equal "$status: $(grep -v warning: "$said")" "5: $(grep "error: --pid: .*$SHIM" "$said")"
    assert_unmoved "$SHIM" "$former"
    assert_nothing_left

    create < /dev/null
    start_vmm
    exec {lock}< "$ROOT/$ID"
    flock "$lock"
    status=0
    (exec {lock}<&- && kc attach-vcpus "$ID" --vmm-pid "$VMM" > "$said" 2>&1) &
    command=$!
    wait_until waits_for_lock "$command"
    end_vmm
    # One that would do as well.
    take_pid "$VMM" "$NAMED_THREADS" io "CPU 0/KVM" "CPU 1/KVM"
    STARTED+=("$VMM")
    wait_until has_thread "CPU 1/KVM"
    former=$(places_of "$VMM")
    exec {lock}<&-
    wait "$command" || status=$?
    [ "$status" != 0 ] && [ "$(grep -c "error: .*$VMM" "$said")" = 1 ] || fail "$status: $(< "$said")"
    assert_unmoved "$VMM" "$former"
    assert_equal "$(jq .vmm "$ROOT/$ID/state.json")" null
    kc delete "$ID"
    assert_nothing_left
}

@test "a process that sits in another sandbox's group is not moved: by create, attach-vcpus, or exec from inside" {
    local shim_former vmm_former said=$BATS_TEST_TMPDIR/said
    start_calling_shim "$KATA_CGROUP --root $ROOT exec $OTHER -- touch $BATS_TEST_TMPDIR/started"
    create --pid "$SHIM" <<< "$RESOURCES"
    start_vmm
    attach
    shim_former=$(places_of "$SHIM") vmm_former=$(places_of "$VMM")

    run create_other --pid "$SHIM" < /dev/null
    assert_one_error_line 5 "process $SHIM is in cgroup "
    assert_output --partial "of sandbox \"$ID\""
    run create_other --pid "$VMM" < /dev/null
    assert_one_error_line 5 "process $VMM is in cgroup "
    refute [ -e "$ROOT/$OTHER" ]
    create_other < /dev/null
    run kc attach-vcpus "$OTHER" --vmm-pid "$VMM"
    assert_one_error_line 5 "process $VMM is in cgroup "
    assert_output --partial "of sandbox \"$ID\""

    touch "$BATS_TEST_TMPDIR/go"
    wait_until test -s "$BATS_TEST_TMPDIR/status"
    assert_equal "$(< "$BATS_TEST_TMPDIR/status"): $(grep -c . "$said")" "5: 1"
    grep -q "is in cgroup .* of sandbox \"$ID\"" "$said" || fail "$(< "$said")"
    refute [ -e "$BATS_TEST_TMPDIR/started" ]
    assert_unmoved "$SHIM" "$shim_former"
    assert_unmoved "$VMM" "$vmm_former"
    assert_equal "$(kc inspect "$OTHER" | jq .vmm)" null
    touch "$BATS_TEST_TMPDIR/end"
}

@test "once a VMM is recorded, another one is refused while that lives, and welcome when it has ended" {
    local first former
    bring_up
    first=$VMM
    start_vmm
    former=$(places_of "$VMM")
    run kc attach-vcpus "$ID" --vmm-pid "$VMM"
    assert_one_error_line 5 "sandbox \"$ID\" has a VMM already, process $first (named-threads), which lives"
    run kc exec "$ID" -- touch "$BATS_TEST_TMPDIR/started"
    assert_one_error_line 5 "sandbox \"$ID\" has a VMM already, process $first (named-threads), which lives"
    refute [ -e "$BATS_TEST_TMPDIR/started" ]
    assert_unmoved "$VMM" "$former"
    assert_equal "$(kc inspect "$ID" | jq .vmm.pid)" "$first"
    kill -KILL "$first"
    wait_until has_ended "$first"
    [ "$KC_DRIVER" = cgroupfs ] || [ "$KC_MODE" = sandbox-only ] || wait_until is_unit_gone "$UNIT"
    run --separate-stderr kc attach-vcpus "$ID" --vmm-pid "$VMM"
    assert_success
    assert_json .vmmPid "$VMM"
    end_vmm
    [ "$KC_DRIVER" = cgroupfs ] || [ "$KC_MODE" = sandbox-only ] || wait_until is_unit_gone "$UNIT"
    run kc exec "$ID" -- touch "$BATS_TEST_TMPDIR/started"
    assert_success
    assert [ -e "$BATS_TEST_TMPDIR/started" ]
    kc delete "$ID"
    assert_nothing_left
}

@test "a VMM whose first thread has ended lives as long as its others do: no other one is taken, and delete waits" {
    local first
    bring_up
    first=$VMM
    kill -USR1 "$first"
    wait_until has_ended "$first"
    start_vmm
    run kc attach-vcpus "$ID" --vmm-pid "$VMM"
    assert_one_error_line 5 "sandbox \"$ID\" has a VMM already, process $first (named-threads), which lives"
    run kc delete "$ID" --timeout 0
    assert_one_error_line 1 "$first (named-threads)"
    kill -KILL "$first"
    kc delete "$ID"
    assert_nothing_left
}

# ---- commands that were killed ----

@test "a create that was killed where another sandbox is already: it owns nothing there, and can be repeated or deleted" {
    local former again
    create_full
    former=$(cat "/proc/$SHIM/cgroup")
    for again in create delete; do
        # The first question whose a group is comes when the state is there, and the group is found to be taken.
        run traced -o /dev/null -e trace=fgetxattr -e inject=fgetxattr:signal=KILL:when=1 \
            "$KATA_CGROUP_TRACED" --root "$ROOT" create "$OTHER" --cgroups-path "$CGROUPS_PATH" --sandbox-cgroup-only < /dev/null
        [ "$KC_DRIVER" = systemd ] || assert_equal "$(jq -r .phase "$ROOT/$OTHER/state.json")" creating
        if [ $again = create ]; then
            create_other < /dev/null
            kc delete "$OTHER"
        elif [ -e "$ROOT/$OTHER" ]; then
            kc delete "$OTHER"
        fi
        assert_equal "$(cat "/proc/$SHIM/cgroup")" "$former"
        [ "$KC_DRIVER $KC_MODE" = "systemd overhead" ] || assert_limits
        refute [ -e "$ROOT/$OTHER" ]
    done
    kc delete --force "$ID"
    assert_nothing_left
}

@test "a create that was killed before it could mark what is there: the next one knows it, and the processes live" {
    start_shim
    run traced -o /dev/null -e trace=fsetxattr -e inject=fsetxattr:signal=KILL:when=1 "$KATA_CGROUP_TRACED" --root "$ROOT" \
        create "$ID" --cgroups-path "$CGROUPS_PATH" "${MODE_OPTION[@]}" --pid "$SHIM" <<< "$RESOURCES"
    assert_equal "$(jq -r .phase "$ROOT/$ID/state.json")" creating
    create --pid "$SHIM" <<< "$RESOURCES"
    refute has_ended "$SHIM"
    assert_in_group "$SHIM" "$(runtime_group)"
    kc delete "$ID"
    assert_nothing_left
}

# ---- killing ----

# start_members: a sandbox with a VMM and three processes that somebody has put there; sets MEMBERS
start_members() {
    local i
    bring_up
    MEMBERS=("$VMM")
    for i in 1 2 3; do
        start_process
        MEMBERS+=($!)
        put_into "$SANDBOX_DIR" $!
    done
}

# find_call CALL: traces a delete --force, and sets FOUND to the how-manieth of these calls is the first for a member;
# empty where none is, since the kernel or systemd does the killing
find_call() {
    local trace=$BATS_TEST_TMPDIR/trace members
    start_members
    traced -o "$trace" -e trace=pidfd_open,pidfd_send_signal "$KATA_CGROUP_TRACED" --root "$ROOT" delete --force "$ID"
    assert_members_ended
    assert_nothing_left
    members=${MEMBERS[*]}
    FOUND=$(awk -v call="$1" -v members="^pidfd_open\\\\((${members// /|})," '
        index($0, call "(") == 1 {n++}
        $0 ~ members {fd[$NF] = 1}
        call == "pidfd_open" && $0 ~ members {print n; exit}
        call == "pidfd_send_signal" && match($0, /^pidfd_send_signal\([0-9]+, SIGKILL/) {
            split(substr($0, 19), part, ",")
            if (part[1] in fd) {print n; exit}
        }' "$trace")
}

assert_members_ended() {
    local pid
    for pid in "${MEMBERS[@]}"; do wait_until has_ended "$pid"; done
}

@test "delete --force: a member that is just being reaped (pidfd_open says EINVAL) does not keep the others alive" {
    find_call pidfd_open
    [ -n "$FOUND" ] || return 0
    start_members
    run traced -o /dev/null -e trace=pidfd_open -e inject=pidfd_open:error=EINVAL:when="$FOUND" \
        "$KATA_CGROUP_TRACED" --root "$ROOT" delete --force "$ID"
    assert_success
    refute_output
    assert_members_ended
    assert_nothing_left
}

is_stopped() {
    local stat
    read -r stat 2> /dev/null < "/proc/$1/stat" && [[ ${stat##*) } == [tT]* ]]
}

@test "delete --force: a process that has left the group since it was listed lives on" {
    [ "$KC_DRIVER" = cgroupfs ] && on_v1 pids || { # systemd or cgroup.kill does the killing
        create_full
        kc delete --force "$ID"
        return
    }
    local dir trace=$BATS_TEST_TMPDIR/trace tracer child status=0
    create < /dev/null
    dir=$(group_dir sandbox pids)
    start_process
    MEMBERS=("$!")
    echo "$!" > "$dir/cgroup.procs"
    # Stopped each time that it has taken hold of somebody.
    # As traced() does it, which would be one process more.
    ASAN_OPTIONS=${ASAN_OPTIONS:-}:detect_leaks=0 strace -o "$trace" -e trace=pidfd_open -e inject=pidfd_open:signal=STOP \
        "$KATA_CGROUP_TRACED" --root "$ROOT" delete --force "$ID" 3>&- > "$BATS_TEST_TMPDIR/said" 2>&1 &
    tracer=$!
    STARTED+=("$tracer")
    until has_ended "$tracer"; do
        if child=$(pgrep -P "$tracer") && is_stopped "$child"; then
            STARTED+=("$child")
            ! grep -q "^pidfd_open(${MEMBERS[0]}," "$trace" || echo "${MEMBERS[0]}" > "${MOUNT_OF[pids]}/cgroup.procs" || fail "it was killed"
            kill -CONT "$child" 2> /dev/null || true
        fi
        sleep 0.05
    done
    wait "$tracer" || status=$?
    assert_equal "$status: $(< "$BATS_TEST_TMPDIR/said")" "0: "
    grep -q "^pidfd_open(${MEMBERS[0]}," "$trace"
    refute has_ended "${MEMBERS[0]}"
    assert_nothing_left
}

@test "delete --force: one that cannot be killed does not keep the others alive, and is named" {
    local pid alive=()
    find_call pidfd_send_signal
    [ -n "$FOUND" ] || return 0
    start_members
    run traced -o /dev/null -e trace=pidfd_send_signal -e inject=pidfd_send_signal:error=EPERM:when="$FOUND" \
        "$KATA_CGROUP_TRACED" --root "$ROOT" delete --force "$ID" --timeout 2
    for pid in "${MEMBERS[@]}"; do has_ended "$pid" || alive+=("$pid"); done
    if [ "$status" = 0 ]; then # it was tried again
        assert_equal "${#alive[@]}" 0
        assert_nothing_left
        return
    fi
    assert_equal "${#alive[@]}" 1
    assert_one_error_line 1 "${alive[0]}"
    kc delete --force "$ID"
    assert_nothing_left
}

@test "delete --force: members that cannot be killed are named once the time is over, with the kernel's reason" {
    [ "$KC_DRIVER" = cgroupfs ] || { # systemd does the killing
        start_members
        kc delete --force "$ID"
        assert_members_ended
        return
    }
    start_members
    run traced -o /dev/null -e trace=pidfd_send_signal -e inject=pidfd_send_signal:error=EPERM \
        "$KATA_CGROUP_TRACED" --root "$ROOT" delete --force "$ID" --timeout 2
    if [ "$status" != 0 ]; then # else cgroup.kill has done it
        assert_one_error_line 1 "cannot kill process "
        assert_output --partial "Operation not permitted"
        assert [ -e "$ROOT/$ID/state.json" ]
        kc delete --force "$ID"
    fi
    assert_members_ended
    assert_nothing_left
}

@test "delete --force: cgroup.kill is used where the kernel has it, and nobody has to be spared" {
    local mount expected=0 said
    [ "$KC_DRIVER" = cgroupfs ] || { # systemd does the killing
        create_full
        return
    }
    start_members
    for mount in "${MOUNTS[@]}"; do [ ! -e "$mount/$SANDBOX_DIR/cgroup.kill" ] || expected=1; done
    said=$(kc --debug delete --force "$ID" 2>&1)
    [ $expected = 0 ] || [[ $said == *"/$SANDBOX_DIR/cgroup.kill: 1"* ]] || fail "cgroup.kill was not written: $said"
    assert_members_ended
    assert_nothing_left
}

# ---- kernels that lack something ----

# without_pidfd COMMAND...: as before Linux 5.3
without_pidfd() {
    run traced -o /dev/null -e trace=pidfd_open -e inject=pidfd_open:error=ENOSYS \
        "$KATA_CGROUP_TRACED" --root "$ROOT" "$@"
    assert_one_error_line 1 "this kernel has no pidfd_open(2): Linux 5.3 or later is needed"
}

@test "a kernel without pidfd_open: each command says at once what is missing, and changes nothing" {
    local shim_former vmm_former
    start_shim
    start_vmm
    shim_former=$(places_of "$SHIM") vmm_former=$(places_of "$VMM")
    without_pidfd create "$ID" --cgroups-path "$CGROUPS_PATH" "${MODE_OPTION[@]}" --pid "$SHIM" <<< "$RESOURCES"
    assert_unmoved "$SHIM" "$shim_former"
    assert_nothing_left
    create --pid "$SHIM" <<< "$RESOURCES"
    shim_former=$(places_of "$SHIM")
    without_pidfd attach-vcpus "$ID" --vmm-pid "$VMM"
    assert_unmoved "$VMM" "$vmm_former"
    assert_equal "$(kc inspect "$ID" | jq .vmm)" null
    attach
    vmm_former=$(places_of "$VMM")
    without_pidfd delete "$ID" --timeout 0
    without_pidfd delete --force "$ID" --timeout 0
    assert_unmoved "$SHIM" "$shim_former"
    assert_unmoved "$VMM" "$vmm_former"
    assert_limits
    kc delete --force "$ID"
    assert_nothing_left
}

# Replaces kc for a kernel that does not store the mark.
lose_marks() {
    kc() {
        traced -o /dev/null -e trace=fsetxattr,fgetxattr -e inject=fsetxattr:error=EOPNOTSUPP -e inject=fgetxattr:error=ENODATA \
            "$KATA_CGROUP_TRACED" --root "$ROOT" "$@"
    }
}
store_marks() { kc() { "$KATA_CGROUP" --root "$ROOT" "$@" 3>&-; }; }

@test "a kernel that cannot store whose a group is: update and delete know it all the same, and do not take a stranger's" {
    local command
    lose_marks
    start_losable
    store_marks
    run jq '[.. | objects | select(has("directories")) | .directories[]] | length > 0' "$ROOT/$ID/state.json"
    assert_output true
    kc update "$ID" <<< '{"pids":{"limit":500}}'
    assert_equal "$(< "$(group_dir sandbox pids)/pids.max")" 500
    [ -z "$VMM" ] || end_vmm
    kc delete "$ID"
    assert_nothing_left

    VMM=
    lose_marks
    start_losable
    store_marks
    lose_group
    for command in "update $ID" "delete $ID --timeout 0" "delete --force $ID --timeout 0"; do
        # shellcheck disable=SC2086  # words
        run kc $command <<< '{"pids":{"limit":5}}'
        assert_one_error_line 1 "/$SANDBOX_DIR is not of this sandbox \"$ID\""
        assert_stranger_untouched
        assert_all_there "$SANDBOX_DIR"
    done
}

# ---- whose things are ----

# assert_marks PATH: every directory there says "ID TOKEN"
assert_marks() {
    local mount dirs=() token=$(jq -r .token "$ROOT/$ID/state.json")
    assert_regex "$token" '^[0-9a-f]{32}$'
    for mount in "${MOUNTS[@]}"; do dirs+=("$mount/$1"); done
    assert_equal "$("${KATA_CGROUP%/*}/mark" "${dirs[@]}" | sort -u)" "$ID $token"
}

@test "every group says whose it is, in every hierarchy, and so do units: the ID and the token of the state" {
    local mount token first
    create_full
    if [ "$KC_DRIVER" = cgroupfs ]; then
        assert_marks "$SANDBOX_DIR"
        for mount in "${MOUNTS[@]}"; do
            # Parents that create had to make are nobody's.
            assert_equal "$("${KATA_CGROUP%/*}/mark" "$mount/$PARENT_DIR")" /
        done
    fi
    [ "$KC_MODE" = sandbox-only ] || assert_marks "$OVERHEAD_DIR"
    first=$(jq -r .token "$ROOT/$ID/state.json")
    start_vmm
    attach
    assert_marks "$SANDBOX_DIR"
    token=$(jq -r .token "$ROOT/$ID/state.json")
    assert_equal "$token" "$first"
    if [ "$KC_DRIVER" = systemd ]; then
        assert_properties "$UNIT" "Description=kata-cgroup sandbox of $ID $token"
        grep -qF "$(systemctl show "$UNIT" -p InvocationID --value)" "$ROOT/$ID/state.json"
        if [ "$KC_MODE" = overhead ]; then
            assert_properties "$OVERHEAD_UNIT" "Description=kata-cgroup overhead of $ID $token"
            grep -qF "$(systemctl show "$OVERHEAD_UNIT" -p InvocationID --value)" "$ROOT/$ID/state.json"
        fi
    fi
    end_vmm
    kc delete "$ID"
    # Another life, another token.
    create_full
    [ "$(jq -r .token "$ROOT/$ID/state.json")" != "$first" ]
    if [ "$HOST_VERSION" = 2 ]; then
        kc delete "$ID"
        start_shim
        create --pid "$SHIM" --vcpu-subtree <<< "$RESOURCES"
        start_vmm
        attach
        assert_marks "$SANDBOX_DIR/vcpu"
    fi
}

# Whether systemd has made a scope's directory in this hierarchy, which an older build did not mark.
is_made_by_systemd() {
    local controller
    [ "$KC_DRIVER" = systemd ] || return 1
    for controller in cpu cpuacct io memory pids; do [ "${MOUNT_OF[$controller]:-}" != "$1" ] || return 0; done
    [[ $1 == */systemd || $1 == */unified ]]
}

@test "a state of an older build (no token, groups marked with the ID alone): delete works, and warns once" {
    local mount dir state=$ROOT/$ID/state.json
    bring_up
    jq -c 'walk(if type == "object" then with_entries(select(.key | test("token|directories|invocation"; "i") | not)) else . end)' \
        "$state" > "$state.new"
    mv "$state.new" "$state"
    for mount in "${MOUNTS[@]}"; do
        for dir in "$mount/$SANDBOX_DIR" "$mount/$OVERHEAD_DIR"; do
            [ ! -d "$dir" ] || "${KATA_CGROUP%/*}/mark" -s "$(is_made_by_systemd "$mount" || echo "$ID")" "$dir"
        done
    done
    if [ "$KC_DRIVER" = systemd ]; then
        systemctl set-property --runtime "$UNIT" "Description=kata-cgroup sandbox of $ID"
        [ "$KC_MODE" = sandbox-only ] ||
            systemctl set-property --runtime "$OVERHEAD_UNIT" "Description=kata-cgroup overhead of $ID"
    fi
    end_vmm
    run kc delete "$ID"
    assert_success
    assert_equal "${#lines[@]}" 1
    assert_output --partial "warning: the state of \"$ID\" is of an older build, without a token: what it owns is known by its ID only"
    assert_nothing_left
}
