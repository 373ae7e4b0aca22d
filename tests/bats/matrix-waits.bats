#!/usr/bin/env bats
# Every wait holds up nobody and can be given up; and whatever a kill leaves, the next command mends.
# shellcheck disable=SC2030,SC2031  # each test has its own
# shellcheck disable=SC2154  # set by run

load helpers
load waits

setup() { kc_setup; }
teardown() {
    [ -z "${FROZEN:-}" ] || echo THAWED > "$FROZEN" 2> /dev/null || true
    [ -z "${OFFLINE:-}" ] || echo 1 > "$OFFLINE"
    kc_teardown
}

# ---- the lock is not held while the world is waited for ----

@test "exec can start the QEMU that attach-vcpus waits for" {
    create < /dev/null
    in_background attach-vcpus "$ID" --qmp "$SOCKET" --expect 2
    wait_until is_in_syscall "$COMMAND_PID" 230
    # Also this needs the lock.
    kc update "$ID" <<< '{"pids":{"limit":900}}'
    start_qemu 2 "$KATA_CGROUP" --root "$ROOT" exec "$ID" --
    await_command
    assert_equal "$STATUS: $(jq -c '[.vmmPid, (.vcpus | length)]' "$BATS_TEST_TMPDIR/said")" "0: [$VMM,2]"
    end_vmm
    kc delete "$ID"
    assert_nothing_left
}

@test "a delete that waits for the VMM holds up no other command, and goes on where that has ended" {
    create_attached
    in_background delete "$ID" --timeout 60
    wait_until is_in_syscall "$COMMAND_PID" 7
    kc update "$ID" <<< '{"pids":{"limit":900}}'
    kc inspect "$ID" > /dev/null
    end_vmm
    await_command
    assert_equal "$STATUS: $(< "$BATS_TEST_TMPDIR/said")" "0: "
    assert_nothing_left
}

# assert_another_life: the command in the background has found another sandbox of this name
assert_another_life() {
    await_command
    assert_equal "$STATUS" 3
    grep -q "was deleted meanwhile" "$BATS_TEST_TMPDIR/said" || fail "$(< "$BATS_TEST_TMPDIR/said")"
}

@test "a sandbox that was deleted and made anew while attach-vcpus waited is another one: status 3" {
    create < /dev/null
    in_background attach-vcpus "$ID" --qmp "$SOCKET"
    wait_until is_in_syscall "$COMMAND_PID" 230
    kc delete "$ID"
    create < /dev/null
    start_qemu
    assert_another_life
    end_vmm
    # The same once it has its answer, and only the lock is to be had.
    start_vmm
    strace_stopping "/proc/$VMM/task" getdents64 :when=2 attach-vcpus "$ID" --vmm-pid "$VMM"
    kc delete "$ID"
    create < /dev/null
    kill -CONT "$STOPPED"
    assert_another_life
    assert_equal "$(jq .vmm "$ROOT/$ID/state.json")" null
    end_vmm
    kc delete "$ID"
    assert_nothing_left
}

@test "a delete that waited goes on with its own sandbox, and not with the next of that name" {
    create_attached
    in_background delete "$ID" --timeout 60
    wait_until is_in_syscall "$COMMAND_PID" 7
    kill -STOP "$COMMAND_PID"
    end_vmm
    kc delete "$ID"
    create < /dev/null
    kill -CONT "$COMMAND_PID"
    assert_another_life
    kc delete "$ID"
    assert_nothing_left
}

@test "a runtime process that was moved while create waited for the lock comes back to where it was moved" {
    [ "$KC_DRIVER" = cgroupfs ] || return 0
    local moved=${MOUNT_OF[pids]}/$ID-moved
    start_shim
    hold_lock
    in_background create "$ID" --cgroups-path "$CGROUPS_PATH" "${MODE_OPTION[@]}" --pid "$SHIM" < /dev/null
    wait_until is_waiting_for_lock "$COMMAND_PID"
    mkdir "$moved"
    echo "$SHIM" > "$moved/cgroup.procs"
    release_lock
    await_command
    assert_equal "$STATUS" 0
    kc delete "$ID"
    assert_equal "$(< "$moved/cgroup.procs")" "$SHIM"
    echo "$SHIM" > "${MOUNT_OF[pids]}/cgroup.procs"
    rmdir "$moved"
    assert_nothing_left
}

@test "an attach-vcpus that comes during the create waits for it" {
    local creation status=0
    start_shim
    start_vmm
    # Stopped when its state says "creating".
    strace_stopping "" renameat :when=1 create "$ID" --cgroups-path "$CGROUPS_PATH" "${MODE_OPTION[@]}" --pid "$SHIM" < /dev/null
    creation=$COMMAND_PID
    in_background attach-vcpus "$ID" --vmm-pid "$VMM"
    wait_until is_waiting_for_lock "$COMMAND_PID"
    kill -CONT "$STOPPED"
    wait "$creation" || status=$?
    await_command
    assert_equal "$status, $STATUS: $(jq -c '.vcpus | map(.index)' "$BATS_TEST_TMPDIR/said")" "0, 0: [0,1]"
    places_threads || assert_in_group "$VMM" sandbox
    assert_equal "$(jq .vmm.pid "$ROOT/$ID/state.json")" "$VMM"
    end_vmm
    kc delete "$ID"
    assert_nothing_left
}

# ---- signals ----

@test "a signal that comes after the first change waits for the last: update, delete" {
    create_attached
    strace_stopping "" renameat :when=1 update "$ID" <<< '{"pids":{"limit":900}}'
    kill -TERM "$STOPPED"
    kill -HUP "$STOPPED"
    kill -CONT "$STOPPED"
    await_command
    assert_equal "$STATUS: $(< "$BATS_TEST_TMPDIR/said")" "0: "
    assert_file sandbox pids pids.max 900 pids.max 900
    end_vmm
    strace_stopping "" unlinkat :when=1 delete "$ID"
    kill -INT "$STOPPED"
    kill -CONT "$STOPPED"
    await_command
    assert_equal "$STATUS: $(< "$BATS_TEST_TMPDIR/said")" "0: "
    assert_nothing_left
}

@test "a delete that waits for a member can be given up: nothing has changed" {
    create_attached
    in_background delete "$ID" --timeout 60
    wait_until is_in_syscall "$COMMAND_PID" 7
    kill -TERM "$COMMAND_PID"
    assert_ended_by 15
    assert_limits
    assert_in_group "$SHIM" "$(runtime_group)"
    end_vmm
    kc delete "$ID"
    assert_nothing_left
}

# ---- what a kill leaves ----

# update_killed SYSCALL WHEN FILE DOCUMENT OPTION...: an update that is killed at its so-manieth write to the file
update_killed() {
    local when=$1 file=$2 document=$3 status=0
    shift 3
    traced -o /dev/null -P "$file" -e trace=write -e "inject=write:signal=KILL:when=$when" \
        "$KATA_CGROUP_TRACED" --root "$ROOT" update "$ID" "$@" <<< "$document" || status=$?
    assert_equal "$status" 137
}

@test "v1: an update that is killed while the VMM is frozen leaves it running, and is repeated with success" {
    on_v1 freezer || return 0
    local state dir
    create_attached
    # Where the group's processes are.
    dir=$(group_dir sandbox freezer)
    state=$dir/freezer.state
    assert_equal "$(< "$state")" THAWED
    update_killed 2 "$state" '{"devices":[{"allow":false,"access":"rwm"}]}'
    wait_until grep -q THAWED "$state"
    kc update "$ID" <<< '{"devices":[{"allow":false,"access":"rwm"}]}'
    assert_equal "$(< "$state")" THAWED
    assert_equal "$(< "$(group_dir sandbox devices)/devices.list")" ""
    end_vmm
    kc delete "$ID"
    assert_nothing_left
}

# leave_changing JQ-FILTER: makes the state that of an update that was killed
leave_changing() {
    jq '.phase = "changing" | '"$1" "$ROOT/$ID/state.json" > "$BATS_TEST_TMPDIR/state"
    cp "$BATS_TEST_TMPDIR/state" "$ROOT/$ID/state.json"
}

# leave_frozen: what a command leaves that was killed with its guard
leave_frozen() {
    echo FROZEN > "$FROZEN"
    "${KATA_CGROUP%/*}/mark" -n trusted.kata_cgroup_frozen -s 1 "${FROZEN%/*}"
    leave_changing .
}

assert_thawed() {
    wait_until grep -q THAWED "$FROZEN"
    assert_equal "$(jq -r .phase "$ROOT/$ID/state.json")" ready
    assert_equal "$("${KATA_CGROUP%/*}/mark" -n trusted.kata_cgroup_frozen "${FROZEN%/*}")" ""
}

@test "v1: what somebody else has frozen stays so; what was frozen by a command that was killed with its guard is found" {
    on_v1 freezer || return 0
    create_attached
    FROZEN=$(group_dir sandbox freezer)/freezer.state
    echo FROZEN > "$FROZEN"
    kc update "$ID" <<< '{"devices":[{"allow":false,"access":"rwm"}]}'
    wait_until grep -q FROZEN "$FROZEN"
    leave_frozen
    attach
    assert_thawed
    leave_frozen
    kc update "$ID" < /dev/null
    assert_thawed
    leave_frozen
    kill -KILL "$VMM"
    kc delete "$ID"
    assert_nothing_left
}

@test "an update that lifts a limit, killed in the middle: the same again lifts it" {
    has cpuset || return 0
    local file=cpuset.cpus dir
    create_attached
    dir=$(group_dir sandbox cpuset)
    kc update "$ID" --container c1 <<< '{"cpu":{"cpus":"1"}}'
    assert_equal "$(< "$dir/$file")" 1
    if [ "$KC_DRIVER" = cgroupfs ]; then
        update_killed 1 "$dir/$file" '' --container c1 --remove
    else
        # As it is when the call to systemd was not made.
        leave_changing '.before = {resources, containers, devices, hypervisorDevices} | .containers = {}'
    fi
    assert_equal "$(jq -c '[.phase, .containers, .before.containers]' "$ROOT/$ID/state.json")" '["changing",{},{"c1":{"cpu":{"cpus":"1"}}}]'
    kc update "$ID" --container c1 --remove
    assert_equal "$(< "$dir/$file")" "0-1"
    assert_properties "$UNIT" AllowedCPUs=0-1
    assert_equal "$(jq -c '[.phase, .before]' "$ROOT/$ID/state.json")" '["ready",null]'
    end_vmm
    kc delete "$ID"
    assert_nothing_left
}

@test "limits of every kind that can be lifted, killed before they were: the next update lifts them" {
    local disk document='{}' file
    disk=$(cat /sys/block/{vd,sd,nvme,loop}*/dev 2> /dev/null | head -n 1)
    create_attached
    ! has cpuset || kc update "$ID" --container c1 <<< '{"cpu":{"cpus":"1"}}'
    if has hugetlb; then document=$(jq -c '.hugepageLimits = [{pageSize: "2MB", limit: 4194304}]' <<< "$document"); fi
    if has io && [ -n "$disk" ]; then
        document=$(jq -c --argjson major "${disk%:*}" --argjson minor "${disk#*:}" \
            '.blockIO = {throttleWriteBpsDevice: [{$major, $minor, rate: 1048576}]}' <<< "$document")
    fi
    kc update "$ID" <<< "$document"
    ! has hugetlb || assert_file sandbox hugetlb hugetlb.2MB.limit_in_bytes 4194304 hugetlb.2MB.max 4194304
    leave_changing '.before = {resources, containers, devices, hypervisorDevices} | .containers = {} |
        .resources |= del(.hugepageLimits, .blockIO)'
    kc update "$ID" < /dev/null
    assert_limits
    ! has hugetlb || on_v1 hugetlb || assert_file sandbox hugetlb - - hugetlb.2MB.max max
    ! has hugetlb || ! on_v1 hugetlb || [ "$(< "$(group_dir sandbox hugetlb)/hugetlb.2MB.limit_in_bytes")" -gt 4194304 ]
    for file in blkio.throttle.write_bps_device io.max; do
        [ ! -e "$(group_dir sandbox io)/$file" ] || assert_equal "$(< "$(group_dir sandbox io)/$file")" ""
    done
    end_vmm
    kc delete "$ID"
    assert_nothing_left
}

@test "v1: devices that a killed update may have denied are denied, or not, as the next one says" {
    on_v1 devices || return 0
    local dir
    create_attached
    dir=$(group_dir sandbox devices)
    # One that was killed in the middle: /dev/zero is denied by now, /dev/full would be next.
    echo "c 1:5 rwm" > "$dir/devices.deny"
    run bash -c "echo \$\$ > '$dir/cgroup.procs'; : < /dev/zero"
    assert_failure
    leave_changing '.before = {resources, containers, devices, hypervisorDevices} |
        .resources.devices = [{allow: true}, {allow: false, type: "c", major: 1, minor: 5}, {allow: false, type: "c", major: 1, minor: 7}]'
    kc update "$ID" <<< '{"devices":[{"allow":true},{"allow":false,"type":"c","major":1,"minor":7,"access":"rwm"},{"allow":false,"type":"c","major":1,"minor":8,"access":"rwm"}]}'
    run bash -c "echo \$\$ > '$dir/cgroup.procs'; : < /dev/zero && echo zero; : < /dev/full && echo full; : < /dev/random && echo random; :"
    assert_line zero
    refute_line full
    refute_line random
    end_vmm
    kc delete "$ID"
    assert_nothing_left
}

@test "an update that the kernel refuses, killed before it was: the next command takes it back, with a warning" {
    local command
    create_attached
    for command in "update $ID" "attach-vcpus $ID --vmm-pid $VMM"; do
        leave_changing '.before = {resources, containers, devices, hypervisorDevices} | .resources.pids.limit = 900 |
            .resources.blockIO = {throttleReadBpsDevice: [{major: 4000, minor: 1, rate: 4096}]}'
        # shellcheck disable=SC2086  # words
        run --separate-stderr kc $command < /dev/null
        assert_success
        # shellcheck disable=SC2154  # set by run
        [[ $stderr == *"a change that was killed is taken back"* ]] || fail "$stderr"
        assert_limits
        assert_equal "$(jq -c '[.phase, .before, .resources.blockIO]' "$ROOT/$ID/state.json")" '["ready",null,null]'
    done
    end_vmm
    kc delete "$ID"
    assert_nothing_left
}

scope_has_ended() { ! systemctl is-active -q "$UNIT"; }

@test "v1 with systemd: a scope that is started anew has nothing of the limits of the former one" {
    [ "$KC_DRIVER" = systemd ] && on_v1 cpuset || return 0
    local former
    create < /dev/null
    start_vmm
    attach
    former=$(< "$(group_dir sandbox cpuset)/cpuset.cpus")
    kc update "$ID" --container c1 <<< '{"cpu":{"cpus":"1"}}'
    assert_equal "$(< "$(group_dir sandbox cpuset)/cpuset.cpus")" 1
    end_vmm
    wait_until scope_has_ended
    kc update "$ID" --container c1 --remove
    start_vmm
    attach
    assert_equal "$(< "$(group_dir sandbox cpuset)/cpuset.cpus")" "$former"
    end_vmm
    kc delete "$ID"
    assert_nothing_left
}

@test "--no-pin takes back what an attach-vcpus has pinned that was killed" {
    has cpuset || return 0
    local status=0
    create_full
    start_vmm
    traced -o /dev/null -e trace=sched_setaffinity -e inject=sched_setaffinity:signal=KILL:when=2 \
        "$KATA_CGROUP_TRACED" --root "$ROOT" attach-vcpus "$ID" --vmm-pid "$VMM" --pin || status=$?
    assert_equal "$status" 137
    kc attach-vcpus "$ID" --vmm-pid "$VMM" --no-pin > /dev/null
    assert_equal "$(taskset -pc "$(thread_of "CPU 0/KVM")" | sed 's/.*: //')" "0,1"
    end_vmm
    kc delete "$ID"
    assert_nothing_left
}

# assert_container_cpuset_goes CGROUPS-PATH DIRECTORY OPTION...: with the sandbox at the path, its cpuset in the directory
assert_container_cpuset_goes() {
    local cgroups_path=$1 dir=$2 wanted='' held
    shift 2
    start_shim
    kc create "$ID" --cgroups-path "$cgroups_path" "${MODE_OPTION[@]}" "$@" --pid "$SHIM" < /dev/null
    start_vmm
    attach
    ! on_v1 cpuset || wanted=$(< "$dir/cpuset.cpus")
    kc update "$ID" --container c1 <<< '{"cpu":{"cpus":"1"}}'
    assert_equal "$(< "$dir/cpuset.cpus")" 1
    kc update "$ID" --container c1 --remove
    held=$(< "$dir/cpuset.cpus")
    # Linux 6.1 does not take the list of a populated group away: then it is the parent's.
    [ "$held" = "$wanted" ] || on_v1 cpuset || wanted=$(< "$dir/../cpuset.cpus.effective")
    assert_equal "$held" "$wanted"
    # The same where it is taken back.
    run kc update "$ID" <<< '{"cpu":{"cpus":"1"},"blockIO":{"throttleReadBpsDevice":[{"major":4000,"minor":1,"rate":4096}]}}'
    assert_failure 1
    refute_output --partial "not undone"
    assert_equal "$(< "$dir/cpuset.cpus")" "$held"
    end_vmm
    kc delete "$ID"
    assert_nothing_left
}

@test "a container's cpuset goes with it, where the sandbox has none of its own" {
    has cpuset || return 0
    local dir
    dir=$(group_dir sandbox cpuset)
    assert_container_cpuset_goes "$CGROUPS_PATH" "$dir"
    [ "$HOST_VERSION" = 1 ] || assert_container_cpuset_goes "$CGROUPS_PATH" "$dir/vcpu" --vcpu-subtree
    # Directly below the root.
    [ "$KC_DRIVER" = systemd ] || assert_container_cpuset_goes "/$ID" "${MOUNT_OF[cpuset]}/$ID"
}

# ---- what is in the way of a delete ----

@test "v1: delete --force thaws groups below the sandbox's, too" {
    on_v1 freezer || return 0
    local dir
    create_attached
    dir=$(group_dir sandbox freezer)/child
    mkdir "$dir"
    start_process
    echo $! > "$dir/cgroup.procs"
    FROZEN=$dir/freezer.state
    echo FROZEN > "$FROZEN"
    kc delete --force "$ID"
    assert_nothing_left
}

@test "delete --force with a state that cannot be read wants the paths, and keeps it until the groups are gone" {
    local paths=(--cgroups-path "$CGROUPS_PATH" "${MODE_OPTION[@]}") state=$ROOT/$ID/state.json overhead=kata_overhead/$ID
    [ "$KC_DRIVER" = cgroupfs ] || overhead=kata-overhead.slice:kata-cgroup:$ID
    [ "$KC_MODE" = sandbox-only ] || paths+=(--overhead-path "$overhead")
    create_attached
    echo '{' > "$state"
    run kc delete --force "$ID"
    assert_one_error_line 1 "say where its groups are"
    kill -0 "$VMM" "$SHIM"
    assert_equal "$(< "$state")" '{'
    if [ "$KC_DRIVER" = cgroupfs ]; then
        run traced -o /dev/null -P "${MOUNT_OF[pids]}/$PARENT_DIR" -e trace=unlinkat -e inject=unlinkat:error=EPERM \
            "$KATA_CGROUP_TRACED" --root "$ROOT" delete --force "$ID" "${paths[@]}"
        assert_failure 1
        assert_equal "$(< "$state")" '{'
    fi
    run kc delete --force "$ID" "${paths[@]}"
    assert_success
    assert_output --partial "warning: $state: "
    assert_nothing_left
}

@test "a runtime process in a group below comes back, too" {
    [ "$KC_DRIVER" = cgroupfs ] || return 0
    local dir former
    start_shim
    former=$(< "/proc/$SHIM/cgroup")
    create --pid "$SHIM" < /dev/null
    dir=$(group_dir "$(runtime_group)" pids)/child
    mkdir "$dir"
    echo "$SHIM" > "$dir/cgroup.procs"
    kc delete "$ID"
    assert_nothing_left
    assert_equal "$(< "/proc/$SHIM/cgroup")" "$former"
}

@test "a caller in a group below can delete" {
    [ "$KC_DRIVER" = cgroupfs ] || return 0
    local dir
    create < /dev/null
    dir=$(group_dir sandbox pids)/child
    mkdir "$dir"
    bash -c 'echo $$ > "$1/cgroup.procs" && "$2" --root "$3" delete "$4"' - "$dir" "$KATA_CGROUP" "$ROOT" "$ID" 3>&-
    assert_nothing_left
}

@test "a parent that cannot be removed is a warning, which names it" {
    [ "$KC_DRIVER" = cgroupfs ] || return 0
    create < /dev/null
    run traced -o /dev/null -P "${MOUNT_OF[pids]}/kctest" -e trace=unlinkat -e "inject=unlinkat:error=EPERM" \
        "$KATA_CGROUP_TRACED" --root "$ROOT" delete "$ID"
    assert_success
    assert_output --partial "warning: the parent cgroup ${MOUNT_OF[pids]}/$PARENT_DIR stays: Operation not permitted"
}

# ---- pins ----

@test "--pin goes by the CPUs that the cpuset leaves; --no-pin takes it back, and a new VMM begins without" {
    has cpuset || return 0
    create_full
    start_vmm
    kc attach-vcpus "$ID" --vmm-pid "$VMM" --pin > /dev/null
    assert_equal "$(taskset -pc "$(thread_of "CPU 1/KVM")" | sed 's/.*: //')" 1
    kc attach-vcpus "$ID" --vmm-pid "$VMM" --no-pin > /dev/null
    assert_equal "$(taskset -pc "$(thread_of "CPU 1/KVM")" | sed 's/.*: //')" "0,1"
    kc attach-vcpus "$ID" --vmm-pid "$VMM" --pin > /dev/null
    # In a machine of ours: v1 cpusets, whose they may be, do not get a CPU back.
    if [ -d /run/systemd/system ] && [ -w /sys/devices/system/cpu/cpu1/online ]; then
        OFFLINE=/sys/devices/system/cpu/cpu1/online
        echo 0 > "$OFFLINE"
        kc update "$ID" <<< '{"cpu":{"cpus":"0-1"},"pids":{"limit":800}}'
        kc attach-vcpus "$ID" --vmm-pid "$VMM" --pin > /dev/null
        assert_equal "$(taskset -pc "$(thread_of "CPU 1/KVM")" | sed 's/.*: //')" 0
        echo 1 > "$OFFLINE"
    fi
    if [ "$KC_DRIVER" = cgroupfs ] && ! on_v1 cpuset; then
        # A narrower parent.
        kc update "$ID" <<< '{"cpu":{"cpus":"0-1"}}'
        echo 0 > "${MOUNT_OF[cpuset]}/$PARENT_DIR/cpuset.cpus"
        kc update "$ID" <<< '{"pids":{"limit":700}}'
        kc attach-vcpus "$ID" --vmm-pid "$VMM" --pin > /dev/null
        assert_equal "$(taskset -pc "$(thread_of "CPU 1/KVM")" | sed 's/.*: //')" 0
    fi
    end_vmm
    start_vmm
    attach
    assert_equal "$(jq .vmm.pin "$ROOT/$ID/state.json")" false
    kc attach-vcpus "$ID" --vmm-pid "$VMM" --pin > /dev/null
    end_vmm
    kc exec "$ID" -- true
    assert_equal "$(jq .vmm.pin "$ROOT/$ID/state.json")" false
    kc delete "$ID"
    assert_nothing_left
}

@test "an update of the cpuset pins again: one CPU each, or, where they do not suffice, all for all" {
    has cpuset || return 0
    create_full
    start_vmm
    kc attach-vcpus "$ID" --vmm-pid "$VMM" --pin > /dev/null
    kc update "$ID" <<< '{"cpu":{"cpus":"1"}}'
    assert_equal "$(taskset -pc "$(thread_of "CPU 0/KVM")" | sed 's/.*: //')" 1
    kc update "$ID" <<< '{"cpu":{"cpus":"0-1"}}'
    assert_equal "$(taskset -pc "$(thread_of "CPU 0/KVM")" | sed 's/.*: //')" 0
    assert_equal "$(taskset -pc "$(thread_of "CPU 1/KVM")" | sed 's/.*: //')" 1
    end_vmm
    kc delete "$ID"
    assert_nothing_left
}

@test "--pin with more CPUs than vCPUs: one each, of one NUMA node as far as that goes" {
    has cpuset || return 0
    local nodes=$BATS_TEST_TMPDIR/node
    start_shim
    create --pid "$SHIM" <<< '{"cpu":{"cpus":"0-1"}}'
    exec {ready}< <(exec "$NAMED_THREADS" "CPU 0/KVM" 3>&-)
    VMM=$!
    STARTED+=("$VMM")
    read -r -u "$ready" _
    run --separate-stderr kc attach-vcpus "$ID" --vmm-pid "$VMM" --pin
    assert_json '[.pinned, .pinReason, .vcpus[].cpus]' '[true,null,"0"]'
    # This host's CPUs as another one has them: in two nodes, of which the first has CPU 1.
    mkdir -p "$nodes"/node{0,1}
    echo 0-1 > "$nodes/online"
    echo 1 > "$nodes/node0/cpulist"
    echo 0 > "$nodes/node1/cpulist"
    output=$(unshare -m sh -c 'mount --bind "$0" /sys/devices/system/node && "$@"' "$nodes" \
        "$KATA_CGROUP" --root "$ROOT" attach-vcpus "$ID" --vmm-pid "$VMM" --pin 3>&-)
    assert_json '[.pinned, .vcpus[].cpus]' '[true,"1"]'
}

@test "--pin without any cpuset does nothing and says so; a cpuset that comes later pins, and takes it along" {
    has cpuset || return 0
    local task
    start_shim
    create --pid "$SHIM" < /dev/null
    start_vmm
    attach
    # Not before: up to Linux 6.1, a move to another cpuset takes a thread's CPUs from it.
    task=$(thread_of "CPU 1/KVM")
    taskset -pc 0 "$task" > /dev/null
    run --separate-stderr kc attach-vcpus "$ID" --vmm-pid "$VMM" --pin
    assert_success
    assert_json '[.pinned, .pinReason, .vcpus[1].cpus]' '[false,"no cpuset was given for the sandbox","0"]'
    run --separate-stderr kc attach-vcpus "$ID" --vmm-pid "$VMM"
    assert_json '[.pinned, .vcpus[1].cpus]' '[false,"0"]'
    kc update "$ID" <<< '{"pids":{"limit":900}}'
    assert_equal "$(taskset -pc "$task" | sed 's/.*: //')" 0
    echo '{"cpu":{"cpus":"0-1"}}' | kc update "$ID" --container c
    assert_equal "$(taskset -pc "$task" | sed 's/.*: //')" 1
    kc update "$ID" --container c <<< '{"cpu":{"cpus":"1"}}'
    run --separate-stderr kc attach-vcpus "$ID" --vmm-pid "$VMM"
    assert_json '[.pinned, .pinReason]' '[false,"the cpuset has fewer CPUs, 1, than there are vCPUs, 2"]'
    kc update "$ID" --container c --remove
    assert_equal "$(taskset -pc "$task" | sed 's/.*: //')" 0,1
    run --separate-stderr kc attach-vcpus "$ID" --vmm-pid "$VMM" --no-pin
    assert_json '[.pinned, .pinReason]' '[false,null]'
}

@test "--pin-map pins as told, and again when the cpuset changes" {
    has cpuset || return 0
    create_full
    start_vmm
    run kc attach-vcpus "$ID" --vmm-pid "$VMM" --pin-map 0=1,2=0
    assert_one_error_line 5 "--pin-map: there is no vCPU 2"
    run kc attach-vcpus "$ID" --vmm-pid "$VMM" --pin-map 0=1,1=0,8191
    assert_one_error_line 5 "--pin-map: the sandbox may use the CPUs 0-1, which CPU 8191 of vCPU 1 is not among"
    assert_equal "$(kc inspect "$ID" | jq .vmm)" null
    run --separate-stderr kc attach-vcpus "$ID" --vmm-pid "$VMM" --pin-map 0=1
    assert_json '[.pinned, (.vcpus | map(.cpus))]' '[true,["1","0-1"]]'
    # Kept by the next one, with all its CPUs gone, and back.
    run --separate-stderr kc attach-vcpus "$ID" --vmm-pid "$VMM"
    assert_json '[.pinned, (.vcpus | map(.cpus))]' '[true,["1","0-1"]]'
    run kc update "$ID" <<< '{"cpu":{"cpus":"0"}}'
    assert_success
    assert_line --partial "warning: vCPU 0 was pinned to CPUs that the sandbox has no more: 1; it may run on all"
    run --separate-stderr kc attach-vcpus "$ID" --vmm-pid "$VMM"
    assert_json '[.pinned, .pinReason]' "[false,\"the sandbox has none of the map's CPUs any more\"]"
    kc update "$ID" <<< '{"cpu":{"cpus":"0-1"}}'
    assert_equal "$(taskset -pc "$(thread_of "CPU 0/KVM")" | sed 's/.*: //')" 1
    run --separate-stderr kc attach-vcpus "$ID" --vmm-pid "$VMM" --pin-map 0=0 --pin-map 1=1
    assert_json '[.pinned, (.vcpus | map(.cpus))]' '[true,["0","1"]]'
    run --separate-stderr kc attach-vcpus "$ID" --vmm-pid "$VMM" --pin
    assert_json '[.pinned, (.vcpus | map(.cpus))]' '[true,["0","1"]]'
    run --separate-stderr kc attach-vcpus "$ID" --vmm-pid "$VMM" --no-pin
    assert_json '[.pinned, (.vcpus | map(.cpus))]' '[false,["0-1","0-1"]]'
    assert_equal "$(jq -c '.vmm | [.pin, .pinMap]' "$ROOT/$ID/state.json")" '[false,null]'
}

# ---- descriptors, modes ----

@test "the caller's umask decides no mode" {
    local mask mount=${MOUNT_OF[pids]} log=$BATS_TEST_TMPDIR/log overhead=()
    [ "$KC_MODE" = sandbox-only ] || overhead=("$mount/kata_overhead" "$mount/$OVERHEAD_DIR")
    for mask in 077 000 777; do
        rm -f "$log"
        (umask $mask && kc --log "$log" --debug create "$ID" --cgroups-path "$CGROUPS_PATH" "${MODE_OPTION[@]}" < /dev/null)
        [ "$KC_DRIVER" = systemd ] || assert_equal "$(stat -c %a "$mount/$PARENT_DIR" "$mount/$SANDBOX_DIR" "${overhead[@]}" | xargs)" "755 755${overhead:+ 755 755}"
        assert_equal "$(stat -c %a "$ROOT/$ID" "$ROOT/$ID/state.json" "$log" | xargs)" "700 600 644"
        kc delete "$ID"
    done
    create < /dev/null
    assert_equal "$(umask 027; kc exec "$ID" -- bash -c umask)" 0027
    kc delete "$ID"
    assert_nothing_left
}

@test "a parent that another sandbox uses by now is nothing that a failed create has to undo" {
    [ "$KC_DRIVER" = cgroupfs ] || return 0
    local other=$ID-other dir=$SANDBOX_DIR
    start_shim
    [ "$KC_MODE" = sandbox-only ] || dir=$OVERHEAD_DIR
    # Its first move fails, and it is stopped there until the other sandbox is there, too.
    strace_stopping "${MOUNT_OF[pids]}/$dir/cgroup.procs" write :error=EIO create "$ID" --cgroups-path "$CGROUPS_PATH" \
        "${MODE_OPTION[@]}" --pid "$SHIM" < /dev/null
    kc create "$other" --cgroups-path "$PARENT_DIR/$other" --sandbox-cgroup-only < /dev/null
    kill -CONT "$STOPPED"
    await_command
    assert_equal "$STATUS: $(grep -c . "$BATS_TEST_TMPDIR/said")" "1: 1"
    run ! grep "not undone" "$BATS_TEST_TMPDIR/said"
    kc delete "$other"
    assert_nothing_left
}
