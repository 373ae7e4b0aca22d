#!/usr/bin/env bats
# create --vcpu-subtree: vCPU threads by themselves on v2.

load helpers

setup() { kc_setup; }
teardown() { kc_teardown; }

CGROUP=/sys/fs/cgroup

# create_subtree [OPTION...]: with all limits and one runtime process
create_subtree() {
    start_shim
    create --vcpu-subtree --pid "$SHIM" "$@" <<< "$RESOURCES"
}

# assert_threads DIRECTORY THREAD...
assert_threads() {
    local dir=$1
    shift
    assert_equal "$(sort -n "$CGROUP/$dir/cgroup.threads")" "$(printf '%s\n' "$@" | sort -n)"
}

# assert_group FILE=VALUE...: of the sandbox cgroup, "vcpu/FILE" of the vCPUs'
assert_group() {
    local wanted
    for wanted in "$@"; do
        assert_equal "${wanted%%=*}=$(< "$CGROUP/$SANDBOX_DIR/${wanted%%=*}")" "$wanted"
    done
}

assert_subtree_limits() {
    assert_group "cgroup.type=domain threaded" vcpu/cgroup.type=threaded \
        "vcpu/cpu.max=200000 100000" vcpu/cpu.weight=174 vcpu/cpuset.cpus=0-1 vcpu/cpuset.mems=0 \
        "cpu.max=max 100000" cpu.weight=174 cpuset.cpus= memory.max=4294967296 pids.max=1000
    assert_properties "$UNIT" CPUWeight=174 CPUQuotaPerSecUSec=infinity AllowedCPUs= TasksMax=1000
}

# The threads of a process that are not among those given.
other_threads() {
    local pid=$1 task thread
    shift
    for task in "/proc/$pid/task"/*; do
        for thread in "$@"; do [ "${task##*/}" != "$thread" ] || continue 2; done
        echo "${task##*/}"
    done
}

# cpu_time TID: nanoseconds
cpu_time() {
    local time
    read -r time _ < "/proc/$VMM/task/$1/schedstat"
    echo "$time"
}

@test "vCPU threads are in a group of their own, with the limits of cpu; everything else is in the sandbox's" {
    local tids others
    create_subtree
    start_qemu
    run --separate-stderr kc attach-vcpus "$ID" --qmp "$SOCKET" --expect 2
    assert_success
    assert_json '[.placement, (.vcpus | length)]' '["threads",2]'
    mapfile -t tids < <(jq -r '.vcpus[].tid' <<< "$output")
    assert_threads "$SANDBOX_DIR/vcpu" "${tids[@]}"
    mapfile -t others < <(other_threads "$VMM" "${tids[@]}")
    [ "$KC_MODE" = overhead ] || others+=("$SHIM")
    assert_threads "$SANDBOX_DIR" "${others[@]}"
    assert grep -qx "$VMM" "$CGROUP/$SANDBOX_DIR/cgroup.procs"
    assert_in_group "$SHIM" "$(runtime_group)"
    assert_subtree_limits
    if [ "$KC_DRIVER" = systemd ]; then
        systemctl daemon-reload
        assert_subtree_limits
        assert_threads "$SANDBOX_DIR/vcpu" "${tids[@]}"
    fi
    run --separate-stderr kc inspect "$ID" --stats
    assert_json '[.vmm.placement, .vcpuSubtree.path, (.vcpuSubtree.threads | sort)]' \
        "[\"threads\",\"$CGROUP/$SANDBOX_DIR/vcpu\",[$(printf '%s\n' "${tids[@]}" | sort -n | paste -sd,)]]"
    assert_json '.stats.cpu.periods != null' true
    end_vmm
    kc delete "$ID"
    assert_nothing_left
}

@test "the guest is throttled, the VMM's other threads are not" {
    local ready vcpu io name usage
    create --vcpu-subtree <<< '{"cpu":{"quota":1000,"period":100000}}'
    exec {ready}< <(exec "$NAMED_THREADS" io! "CPU 0/KVM!" 3>&- 2> /dev/null)
    VMM=$!
    STARTED+=("$VMM")
    read -r -u "$ready" _
    attach
    vcpu=$(thread_of "CPU 0/KVM") io=$(thread_of io)
    local vcpu_before io_before
    vcpu_before=$(cpu_time "$vcpu") io_before=$(cpu_time "$io")
    # One hundredth of a CPU for one; for the other what is there.
    throttled() { [ "$(sed -n 's/^nr_throttled //p' "$CGROUP/$SANDBOX_DIR/vcpu/cpu.stat")" -ge 5 ]; }
    wait_until throttled
    assert_group "cpu.max=max 100000"
    assert [ $(($(cpu_time "$io") - io_before)) -gt $((3 * ($(cpu_time "$vcpu") - vcpu_before))) ]
    run --separate-stderr kc inspect "$ID" --stats
    assert_json '.stats.cpu.throttledPeriods >= 5' true
    # What the kernel has of the vCPUs' group alone, once nothing runs any more.
    kill -STOP "$VMM"
    inspected_at_rest() {
        local before
        before=$(< "$CGROUP/$SANDBOX_DIR/vcpu/cpu.stat")
        run --separate-stderr kc inspect "$ID" --stats
        [ "$before" = "$(< "$CGROUP/$SANDBOX_DIR/vcpu/cpu.stat")" ]
    }
    wait_until inspected_at_rest
    for name in usage_usec:usageUsec user_usec:userUsec system_usec:systemUsec nr_periods:periods nr_throttled:throttledPeriods; do
        assert_json ".stats.vcpuSubtree.cpu.${name#*:}" "$(sed -n "s/^${name%:*} //p" "$CGROUP/$SANDBOX_DIR/vcpu/cpu.stat")"
    done
    assert_json '.stats | [.vcpuSubtree.cpu.usageUsec < .sandbox.cpu.usageUsec, (.vcpuSubtree | keys), .total.cpu.periods == .vcpuSubtree.cpu.periods]' \
        '[true,["cpu","pressure"],true]'
    usage=$(sed -n 's/^usage_usec //p' "$CGROUP/$SANDBOX_DIR/vcpu/cpu.stat")
    run kc metrics
    assert_line "kata_cgroup_vcpu_usage_seconds_total{id=\"$ID\"} $((usage / 1000000)).$(printf %06d $((usage % 1000000)))"
    LC_ALL=C run kc inspect "$ID" --tree
    assert_line --regexp '^.  `- vCPUs  /.*/vcpu$'
    assert_line --partial ' vCPU 0, on CPUs '
}

@test "update changes the vCPUs' limits, and puts them back if one is refused" {
    create_subtree
    start_vmm
    attach
    kc update "$ID" <<< '{"cpu":{"quota":150000,"shares":1024},"pids":{"limit":900}}'
    assert_group "vcpu/cpu.max=150000 100000" vcpu/cpu.weight=100 cpu.weight=100 "cpu.max=max 100000" pids.max=900
    assert_properties "$UNIT" CPUWeight=100 CPUQuotaPerSecUSec=infinity TasksMax=900
    # The last of the writes is refused: a burst above the quota.
    run kc update "$ID" <<< '{"cpu":{"quota":120000,"shares":2048,"burst":990000}}'
    assert_failure 1
    assert_group "vcpu/cpu.max=150000 100000" vcpu/cpu.weight=100 cpu.weight=100
    kc update "$ID" --container one <<< '{"cpu":{"cpus":"1"}}'
    assert_group vcpu/cpuset.cpus=1 cpuset.cpus=
    kc update "$ID" --container one --remove
    assert_group vcpu/cpuset.cpus=0-1
}

@test "hotplug and pinning: new threads join, each on its CPU; nothing is done twice" {
    create_subtree
    start_qemu 1,maxcpus=4
    run --separate-stderr kc attach-vcpus "$ID" --qmp "$SOCKET"
    assert_success
    assert_threads "$SANDBOX_DIR/vcpu" "$(jq -r '.vcpus[].tid' <<< "$output")"
    "$QMP_COMMAND" "$SOCKET" '{"execute":"device_add","arguments":{"driver":"qemu64-x86_64-cpu","id":"cpu3","socket-id":0,"core-id":3,"thread-id":0}}'
    run --separate-stderr kc attach-vcpus "$ID" --qmp "$SOCKET" --expect 2 --pin
    assert_success
    assert_json '.vcpus | map([.index, .cpus])' '[[0,"0"],[3,"1"]]'
    # shellcheck disable=SC2046  # one word each
    assert_threads "$SANDBOX_DIR/vcpu" $(jq -r '.vcpus[].tid' <<< "$output")
    run --separate-stderr kc --debug attach-vcpus "$ID" --qmp "$SOCKET"
    refute_regex "$stderr" "cgroup.threads: "
    # The cpuset shrinks: there is no CPU for each any more.
    kc update "$ID" <<< '{"cpu":{"cpus":"1"}}'
    run --separate-stderr kc inspect "$ID"
    assert_json '.vmm.vcpus | map(.cpus)' '["1","1"]'
}

@test "an attach that fails leaves no thread behind in the vCPUs' group" {
    create_subtree
    start_vmm
    run kc attach-vcpus "$ID" --vmm-pid "$VMM" --expect 3 --timeout 0
    assert_failure 1
    if [ "$KC_MODE" = overhead ] && [ "$KC_DRIVER" = systemd ]; then
        refute [ -e "$CGROUP/$SANDBOX_DIR" ]
    else
        assert_equal "$(< "$CGROUP/$SANDBOX_DIR/vcpu/cgroup.threads")" ""
    fi
}

@test "an attach that is repeated and fails leaves the vCPU threads where they were" {
    create_subtree
    start_vmm
    kc attach-vcpus "$ID" --vmm-pid "$VMM" --pin > /dev/null
    local before
    before=$(cat "/proc/$VMM/task"/*/cgroup; grep -h Cpus_allowed_list "/proc/$VMM/task"/*/status)
    run traced -o /dev/null -e trace=sched_setaffinity -e inject=sched_setaffinity:error=EINVAL:when=1 \
        "$KATA_CGROUP_TRACED" --root "$ROOT" attach-vcpus "$ID" --vmm-pid "$VMM" --pin
    assert_one_error_line 1 "cannot set the CPUs of vCPU 0"
    assert_equal "$(cat "/proc/$VMM/task"/*/cgroup; grep -h Cpus_allowed_list "/proc/$VMM/task"/*/status)" "$before"
    assert_subtree_limits
}

@test "exec, then the vCPUs; a VMM that is alive is in the way of a delete, and --force ends it" {
    local ready
    create_subtree
    exec {ready}< <(exec "$KATA_CGROUP" --root "$ROOT" exec "$ID" -- "$NAMED_THREADS" io "CPU 0/KVM" 3>&- 2> /dev/null)
    VMM=$!
    STARTED+=("$VMM")
    read -r -u "$ready" _
    assert_in_group "$VMM" sandbox
    attach
    assert_threads "$SANDBOX_DIR/vcpu" "$(thread_of 'CPU 0/KVM')"
    if [ "$KC_DRIVER" = cgroupfs ]; then
        run kc delete "$ID" --timeout 0
        assert_failure 1
        assert_output --partial "$VMM"
    fi
    kc delete --force "$ID"
    refute kill -0 "$VMM"
    assert_nothing_left
}

@test "--dry-run tells of the group; what the parent cannot give is an error that leaves nothing" {
    run --separate-stderr kc create "$ID" --cgroups-path "$CGROUPS_PATH" "${MODE_OPTION[@]}" --vcpu-subtree --dry-run <<< "$RESOURCES"
    assert_success
    assert_json "[.plan[] | select(.mkdir == \"$CGROUP/$SANDBOX_DIR/vcpu\")] | length" 1
    assert_json '[.plan[] | select(.write == "vcpu/cpu.max") | .value]' '["200000 100000"]'
    [ "$KC_DRIVER" = cgroupfs ] || return 0
    # A parent that is a threaded group itself has only threaded children.
    mkdir -p "$CGROUP/kctest/pod$NUMBER"
    echo threaded > "$CGROUP/kctest/pod$NUMBER/cgroup.type"
    run kc create "$ID" --cgroups-path "$CGROUPS_PATH" "${MODE_OPTION[@]}" --vcpu-subtree < /dev/null
    assert_failure 1
    assert_output --partial thread
    assert_nothing_left
}

# is_unpopulated DIRECTORY: whether it is gone or nobody lives in it or below
is_unpopulated() { ! grep -qs '^populated 1' "$1/cgroup.events"; }

@test "a scope that somebody else stops ends its VMM, threads and all" {
    create_subtree
    start_vmm
    attach
    if [ "$KC_DRIVER" = systemd ]; then
        systemctl stop "$UNIT"
        wait "$VMM" || true
        # systemd removes the directories once. Where a thread is still exiting then, it forgets the unit and leaves
        # them, empty, to delete.
        wait_until is_unpopulated "$CGROUP/$SANDBOX_DIR"
    else
        end_vmm
    fi
    kc delete "$ID"
    assert_nothing_left
}
