#!/usr/bin/env bats
# What people read: list, inspect --tree and stats, compared with what the kernel has, and what they say of a sandbox that is
# broken.

load helpers

setup() { kc_setup; }
teardown() { kc_teardown; }

# tree_threads: "GROUP TID NAME" of each thread of the VMM in the picture of $output
tree_threads() {
    awk -v vmm="$VMM" '/^[|`]- / {group = $2} {sub(/^[^a-z0-9A-Z]*/, "")}
        /^vCPUs  / {group = "vcpu"} $0 ~ "^[0-9]+ .*[(].* thread" {inside = $1 == vmm; next}
        inside && /^[0-9]+ / {print group, $1, $2, $3}' <<< "$output" | sed 's/,* *$//'
}

# Where the kernel has a thread: in the group that the driver and the mode make it be in.
assert_thread() {
    local group=$1 tid=$2 wanted
    [ "$group" = sandbox ] && wanted=/$SANDBOX_DIR || wanted=/$OVERHEAD_DIR
    assert_equal "$(cgroup_of "$tid" pids)" "$wanted"
}

@test "list, inspect --tree and stats: who is where, what is used, and what may be" {
    local group tid name count=0 memory
    create_attached
    memory=$(has memory && echo 4294967296 || echo null)
    run --separate-stderr kc stats "$ID" --no-stream --format json
    assert_success
    assert_json '[.id, .memoryLimit, .tasksLimit, .problem]' "[\"$ID\",$memory,1000,null]"
    assert_json '[.cpuPercent, .cpuUsageUsec] | all(. == null or . >= 0)' true
    assert_json .tasks "$(kc inspect "$ID" --stats | jq .stats.total.pids.current)"

    run kc stats "$ID"
    assert_line --regexp "^$ID +[0-9.]+% +([0-9.]+%|-) .* 1000 "
    run kc list
    assert_line --regexp "^$ID +$KC_DRIVER +ready +yes +[0-9dhms.]+ +([0-9.]+([KM]i)?B|-) +$CGROUPS_PATH$"
    run kc list --quiet
    assert_output "$ID"

    LC_ALL=C run kc inspect "$ID" --tree
    assert_success
    assert_line --partial " $SHIM sleep (1 thread)"
    while read -r group tid name; do
        assert_thread "$group" "$tid"
        case "$name" in
        "vCPU 0" | "vCPU 1") assert_equal "$tid" "$(thread_of "CPU ${name#* }/KVM")" ;;
        *) assert_equal "$tid" "$(thread_of "$name")" ;;
        esac
        count=$((count + 1))
    done < <(tree_threads)
    assert_equal "$count" "$(ls "/proc/$VMM/task" | wc -l)"
    assert_line --regexp 'tasks [0-9]+ of 1000$'
    ! has memory || assert_line --regexp 'memory [0-9.]+([KM]i)?B of 4GiB$'
    assert_line --partial ', limit 2 CPUs'
    refute_output --partial problem

    kc freeze "$ID"
    run kc list
    assert_line --regexp "^$ID +$KC_DRIVER +frozen "
    LC_ALL=C run kc inspect "$ID" --tree
    assert_line "|  frozen"
    run kc metrics
    assert_line "kata_cgroup_sandbox_frozen{id=\"$ID\"} 1"
    kc thaw "$ID"
}

# assert_problem TEXT: in each of the commands that tell it
assert_problem() {
    run --separate-stderr kc inspect "$ID"
    assert_equal "$(jq -r .problem <<< "$output")" "$1"
    run --separate-stderr kc list --format json
    assert_equal "$(jq -r '.[0].problem' <<< "$output")" "$1"
    run kc list
    [ "$1" = null ] || assert_line --regexp "^$ID .* $1$"
    run kc stats --all
    [ "$1" = null ] || assert_line --regexp "^$ID .* $1$"
    LC_ALL=C run kc inspect "$ID" --tree
    [ "$1" = null ] || assert_line "|  problem: $1" || assert_line "   problem: $1"
    run kc metrics
    assert_line "kata_cgroup_sandbox_healthy{id=\"$ID\"} $([ "$1" = null ] && echo 1 || echo 0)"
}

@test "what is wrong with a sandbox, and what to do about it" {
    local locker state=$ROOT/$ID/state.json
    create_attached
    assert_problem null
    end_vmm
    assert_problem "its VMM, process $VMM, has ended: delete it"

    # As a create leaves it that was killed; one that is under way has the lock, and is not broken.
    sed -i 's/"phase": "ready"/"phase": "creating"/' "$state"
    assert_problem "its create did not finish: create it again, or delete --force"
    flock --no-fork "$ROOT/$ID" sleep 10000 3>&- > /dev/null 2>&1 &
    locker=$!
    STARTED+=("$locker")
    wait_until grep -q " FLOCK .* $locker " /proc/locks
    assert_problem null
    kill "$locker"
    wait "$locker" 2> /dev/null || true
    sed -i 's/"phase": "creating"/"phase": "ready"/' "$state"

    sed -i 's/"bootId": "[^"]*"/"bootId": "01234567-89ab-cdef-0123-456789abcdef"/' "$state"
    assert_problem "it was made before this boot, and only its state is left: delete it, or prune"
}

# has_lines FILE COUNT
has_lines() { [ "$(wc -l < "$1")" -ge "$2" ]; }

@test "stats --watch: what is used since the line before, until the sandbox goes" {
    local watch lines=$BATS_TEST_TMPDIR/lines
    create_attached
    start_in sandbox sh -c 'echo; while :; do :; done'
    "$KATA_CGROUP" --root "$ROOT" stats "$ID" --watch --format json 3>&- > "$lines" &
    watch=$!
    STARTED+=("$watch")
    wait_until has_lines "$lines" 3
    assert_equal "$(jq -s '[.[1:][] | .cpuPercent > 0] | all' "$lines")" true
    refute grep -E '"cpuPercent":[0-9]+\.[0-9]{2}' "$lines"
    assert_equal "$(jq -s 'map(.cpuUsageUsec) | . == sort and .[0] < .[-1]' "$lines")" true
    kill -KILL "${STARTED[-2]}"
    end_vmm
    kc delete "$ID" --force
    wait "$watch"
    assert_equal "$(jq -rs 'map(.id) | unique | join(" ")' "$lines")" "$ID"

    run kc stats "$ID"
    assert_one_error_line 3 "there is no sandbox \"$ID\""
    run kc stats
    assert_one_error_line 2 "stats: an ID or --all is missing"
    run kc stats --all "$ID"
    assert_one_error_line 2 "--all and an ID exclude each other"
    run kc stats --all --watch --no-stream
    assert_one_error_line 2 "--watch and --no-stream exclude each other"
    run kc stats a/b
    assert_one_error_line 5 'a/b'
    run kc stats --all --format json
    assert_success
    refute_output
}
