#!/usr/bin/env bats
# The parts of LinuxResources beside cpu, memory and pids, in files and units, with devices that are really there.

load helpers

setup() { kc_setup; }
teardown() {
    kc_teardown
    [ -z "$BLOCK" ] || detach_block
}

BLOCK=

# A block device with the bfq scheduler: null_blk of the machine, or the host's own disk without it. Sets BLOCK to
# MAJOR:MINOR, and BFQ where its weights can be set.
attach_block() {
    local name=vda scheduler=
    if modprobe null_blk nr_devices=1 2> /dev/null && modprobe bfq 2> /dev/null; then
        name=nullb0
        echo bfq > /sys/block/nullb0/queue/scheduler
    fi
    read -r BLOCK < "/sys/block/$name/dev"
    read -r scheduler < "/sys/block/$name/queue/scheduler"
    [[ $scheduler == *"[bfq]"* ]] && BFQ=true || BFQ=false
}

detach_block() { [ ! -e /sys/block/nullb0 ] || echo none > /sys/block/nullb0/queue/scheduler; }

# A sandbox group that exists in both drivers: with a VMM in it where it has to have one.
create_with() {
    start_shim
    create --pid "$SHIM" "$@"
    [ "$KC_DRIVER" != systemd ] || [ "$KC_MODE" != overhead ] || { start_vmm && attach; }
}

# refuses_without CONTROLLER DOCUMENT: where the controller is mounted nowhere, that is an error that names it;
# false then, and there is nothing else to test.
refuses_without() {
    ! has "$1" || return 0
    start_shim
    run create --pid "$SHIM" <<< "$2"
    assert_failure 1
    assert_line --partial "the $([ "$1" = io ] && [ "$HOST_VERSION" = 1 ] && echo blkio || echo "$1") controller is mounted nowhere"
    assert_nothing_left
    return 1
}

# assert_survives_reload [daemon-reexec]: unit and files agree, also after systemd has read everything again.
assert_survives_reload() {
    [ "$KC_DRIVER" = systemd ] || return 0
    local before after mount
    before=$(all_files)
    systemctl "${1:-daemon-reload}"
    assert_equal "$(all_files)" "$before"
}

# Every limit of the sandbox group, in every hierarchy.
all_files() {
    local dirs=("${MOUNTS[@]/%//$SANDBOX_DIR}")
    grep -rs . "${dirs[@]}" --include='*.max' --include='*.weight' --include='*_device' --include='*limit*' \
        --include='*.shares' --include='cpu.cfs*' --include='cpu.max*' --include='cpuset.cpus' --include='cpuset.mems' \
        --include='memory.low' --include='memory.high' --include='memory.min' --include='devices.list' \
        --include='*.classid' --include='*.ifpriomap' --include='cpu.idle' | sort
}

@test "blockIO throttles: set, changed, and taken back by 0 or by leaving the device out" {
    refuses_without io '{"blockIO":{"throttleReadBpsDevice":[{"major":8,"minor":0,"rate":5}]}}' || return 0
    attach_block
    local major=${BLOCK%:*} minor=${BLOCK#*:} entry
    entry='{"major":'$major',"minor":'$minor',"rate":'
    create_with <<< '{"blockIO":{"throttleReadBpsDevice":['"$entry"'1048576}],"throttleWriteIOPSDevice":['"$entry"'50}]}}'
    assert_file sandbox io blkio.throttle.read_bps_device "$BLOCK 1048576" io.max "$BLOCK rbps=1048576 wbps=max riops=max wiops=50"
    ! on_v1 io || assert_file sandbox io blkio.throttle.write_iops_device "$BLOCK 50" - -
    assert_survives_reload
    kc update "$ID" <<< '{"blockIO":{"throttleReadBpsDevice":['"$entry"'2097152}],"throttleWriteBpsDevice":['"$entry"'4096}]}}'
    assert_file sandbox io blkio.throttle.read_bps_device "$BLOCK 2097152" io.max "$BLOCK rbps=2097152 wbps=4096 riops=max wiops=50"
    kc update "$ID" <<< '{"blockIO":{"throttleReadBpsDevice":['"$entry"'0}],"throttleWriteBpsDevice":[]}}'
    assert_file sandbox io blkio.throttle.read_bps_device "" io.max "$BLOCK rbps=max wbps=max riops=max wiops=50"
    ! on_v1 io || assert_file sandbox io blkio.throttle.write_bps_device "" - -
    assert_survives_reload
    kc update "$ID" <<< '{"blockIO":{"throttleWriteIOPSDevice":[]}}'
    assert_file sandbox io blkio.throttle.write_iops_device "" io.max ""
}

@test "a throttle on a device that is not there is an error, and nothing is left of it" {
    refuses_without io '{"blockIO":{"throttleReadBpsDevice":[{"major":8,"minor":0,"rate":5}]}}' || return 0
    start_shim
    run create --pid "$SHIM" <<< '{"pids":{"limit":5}}'
    assert_success
    [ "$KC_DRIVER" != systemd ] || [ "$KC_MODE" != overhead ] || { start_vmm && attach; }
    run kc update "$ID" <<< '{"pids":{"limit":6},"blockIO":{"throttleReadBpsDevice":[{"major":4000,"minor":1,"rate":5}]}}'
    assert_failure 1
    assert_line --partial "blockIO.throttleReadBpsDevice"
    assert_file sandbox pids pids.max 5 pids.max 5
}

# On v1 a unit with IOAccounting cannot hold a weight of bfq: systemd comes from IOWeight's default to 136 whenever it
# reads its units again (cgroup_context_has_io_config() and set_bfq_weight() of its src/core/cgroup.c). See
# kata-cgroup-resources(7).
weight_survives_reload() { on_v1 io || assert_survives_reload; }

@test "blockIO weights, for the group and for a device, where the I/O scheduler has them" {
    refuses_without io '{"blockIO":{"weight":200}}' || return 0
    attach_block
    local devices='' dir
    # The device's weight is bfq's alone; without bfq, v2's io.weight takes the group's.
    [ "$BFQ" = false ] || devices=',"weightDevice":[{"major":'${BLOCK%:*}',"minor":'${BLOCK#*:}',"weight":500}]'
    create_with <<< '{"blockIO":{"weight":200'"$devices"'}}'
    dir=$(group_dir sandbox io)
    if [ "$BFQ" = true ]; then
        assert_file sandbox io blkio.bfq.weight 200 io.bfq.weight $'default 200\n'"$BLOCK 500"
        ! on_v1 io || grep -qx "$BLOCK 500" "$dir/blkio.bfq.weight_device"
    elif [ -e "$dir/io.weight" ]; then
        assert_file sandbox io - - io.weight "default 1920"
    else
        assert_file sandbox io blkio.bfq.weight 200 io.bfq.weight "default 200"
    fi
    weight_survives_reload
    kc update "$ID" <<< '{"blockIO":{"weight":700,"weightDevice":[]}}'
    [ "$BFQ" = false ] || assert_file sandbox io blkio.bfq.weight 700 io.bfq.weight "default 700"
    weight_survives_reload
}

@test "hugepageLimits, with the limit on reservations" {
    refuses_without hugetlb '{"hugepageLimits":[{"pageSize":"2MB","limit":0}]}' || return 0
    create_with <<< '{"hugepageLimits":[{"pageSize":"2MB","limit":4194304}]}'
    assert_file sandbox hugetlb hugetlb.2MB.limit_in_bytes 4194304 hugetlb.2MB.max 4194304
    assert_file sandbox hugetlb hugetlb.2MB.rsvd.limit_in_bytes 4194304 hugetlb.2MB.rsvd.max 4194304
    kc update "$ID" <<< '{"hugepageLimits":[{"pageSize":"2MB","limit":0}]}'
    assert_file sandbox hugetlb hugetlb.2MB.limit_in_bytes 0 hugetlb.2MB.max 0
    kc update "$ID" <<< '{"hugepageLimits":[]}'
    on_v1 hugetlb || assert_file sandbox hugetlb - - hugetlb.2MB.max max
    run kc update "$ID" <<< '{"hugepageLimits":[{"pageSize":"3MB","limit":0}]}'
    assert_failure 5
    assert_line --partial '"3MB" is not a page size of this host, which has '
    assert_line --partial 2MB
    assert_survives_reload
}

@test "network: class ID and priorities on v1, refused on v2" {
    if [ "$HOST_VERSION" = 2 ]; then
        run create <<< '{"network":{"classID":1048577}}'
        assert_failure 5
        assert_line --partial network.classID
        return
    fi
    refuses_without net_cls '{"network":{"classID":1048577}}' || return 0
    create_with <<< '{"network":{"classID":1048577,"priorities":[{"name":"lo","priority":5}]}}'
    assert_file sandbox net_cls net_cls.classid 1048577 - -
    assert_equal "$(grep '^lo ' "$(group_dir sandbox net_prio)/net_prio.ifpriomap")" "lo 5"
    kc update "$ID" <<< '{"network":{"priorities":[]}}'
    assert_equal "$(grep '^lo ' "$(group_dir sandbox net_prio)/net_prio.ifpriomap")" "lo 0"
    run kc update "$ID" <<< '{"network":{"classID":7,"priorities":[{"name":"nosuch0","priority":5}]}}'
    assert_failure 1
    assert_line --partial network.priorities
    assert_file sandbox net_cls net_cls.classid 1048577 - -
}

@test "rdma: a device that is not there is an error that names it" {
    refuses_without rdma '{"rdma":{"mlx5_0":{"hcaHandles":3}}}' || return 0
    start_shim
    [ "$KC_DRIVER" != systemd ] || [ "$KC_MODE" != overhead ] || {
        create --pid "$SHIM" <<< '{"rdma":{"mlx5_0":{"hcaHandles":3}}}'
        start_vmm
        run kc attach-vcpus "$ID" --vmm-pid "$VMM"
        assert_failure 1
        assert_line --partial 'rdma: cannot write "mlx5_0 hca_handle=3"'
        return
    }
    run create --pid "$SHIM" <<< '{"rdma":{"mlx5_0":{"hcaHandles":3}}}'
    assert_failure 1
    assert_line --partial 'rdma: cannot write "mlx5_0 hca_handle=3"'
    assert_nothing_left
}

@test "unified: files by name on v2, winning over converted fields; refused on v1" {
    if [ "$HOST_VERSION" = 1 ]; then
        run create <<< '{"unified":{"pids.max":"7"}}'
        assert_failure 5
        assert_line --partial unified
        return
    fi
    create_with <<< '{"cpu":{"shares":1024},"memory":{"limit":1073741824},"unified":{"memory.high":"536870912","memory.max":"805306368","cpu.weight":"55","cgroup.max.depth":"9","cpu.max":"123456 100000"}}'
    assert_file sandbox memory - - memory.high 536870912
    assert_file sandbox memory - - memory.max 805306368
    assert_file sandbox cpu - - cpu.weight 55
    assert_file sandbox cpu - - cgroup.max.depth 9
    assert_properties "$UNIT" MemoryHigh=536870912 MemoryMax=805306368 CPUWeight=55
    if [ "$KC_DRIVER" = systemd ]; then
        assert_file sandbox cpu - - cpu.max "124000 100000"
    else
        assert_file sandbox cpu - - cpu.max "123456 100000"
    fi
    assert_survives_reload
    kc update "$ID" <<< '{"unified":{"pids.max":"33"}}'
    assert_file sandbox pids - - pids.max 33
    assert_properties "$UNIT" TasksMax=33
    run kc update "$ID" <<< '{"unified":{"nosuch.max":"33"}}'
    assert_failure 1
    assert_line --partial "unified.nosuch.max: this host has no controller nosuch"
    run kc update "$ID" <<< '{"unified":{"memory.nosuch":"33"}}'
    assert_failure 1
    assert_line --partial 'unified.memory.nosuch: cannot write "33"'
    assert_survives_reload
}

@test "all that systemd knows stays as it was written, across daemon-reload and daemon-reexec" {
    create_with <<< "$RESOURCES"
    assert_survives_reload
    kc update "$ID" <<< '{"cpu":{"shares":777,"quota":33333,"period":50000},"pids":{"limit":77}}'
    assert_survives_reload daemon-reexec
}

@test "v1: a cpuset beside one that has a CPU for itself alone gets what is left" {
    on_v1 cpuset || return 0
    local other=${MOUNT_OF[cpuset]}/kctest-other-$ID
    # No sibling may have that CPU: empty parents of earlier sandboxes go.
    find "${MOUNT_OF[cpuset]}" -mindepth 1 -depth -type d \( -path '*/kata*' -o -path '*/kctest*' \) -exec rmdir {} + 2> /dev/null || true
    mkdir "$other"
    echo 1 > "$other/cpuset.cpus"
    echo 1 > "$other/cpuset.cpu_exclusive"
    create_with <<< '{"cpu":{"cpus":"0"}}'
    assert_file sandbox cpuset cpuset.cpus 0 - -
    assert_equal "$(< "${MOUNT_OF[cpuset]}/${SANDBOX_DIR%/*}/cpuset.cpus")" 0
    kc delete --force "$ID"
    # Without a list of its own, too.
    create_with <<< '{"pids":{"limit":7}}'
    assert_file sandbox cpuset cpuset.cpus 0 - -
    kc delete --force "$ID"
    # What the other one has is not given.
    start_shim
    run create --pid "$SHIM" <<< '{"cpu":{"cpus":"1"}}'
    [ "$KC_DRIVER" != systemd ] || [ "$KC_MODE" != overhead ] || { assert_success && start_vmm && run attach; }
    assert_failure 1
    assert_output --partial 'cpu.cpus: cannot write "1" to '
    kc delete --force "$ID"
    rmdir "$other"
    assert_nothing_left
}

@test "v1: parents that create makes get the real-time bandwidth that is needed below them, and no others" {
    local cpu=${MOUNT_OF[cpu]} other=$ID-b between pod
    [ -e "$cpu/cpu.rt_runtime_us" ] || return 0
    pod=$cpu/$PARENT_DIR
    rt() { echo "$(< "$1/cpu.rt_runtime_us")/$(< "$1/cpu.rt_period_us")"; }
    create_with <<< '{"cpu":{"realtimeRuntime":100000,"realtimePeriod":500000}}'
    assert_equal "$(rt "$cpu/$SANDBOX_DIR") $(rt "$pod") $(rt "${pod%/*}")" "100000/500000 100000/500000 100000/500000"
    # A second one shares the parents, and goes again.
    run kc create "$other" --sandbox-cgroup-only --cgroups-path "$PARENT_DIR/$other" <<< '{"cpu":{"realtimeRuntime":300000}}'
    assert_success
    assert_equal "$(rt "$pod/$other") $(rt "$pod")" "300000/1000000 250000/500000"
    kc delete "$other"
    # What it has left is used before there is more.
    kc update "$ID" <<< '{"cpu":{"realtimeRuntime":200000}}'
    assert_equal "$(rt "$cpu/$SANDBOX_DIR") $(rt "$pod")" "200000/500000 250000/500000"
    kc update "$ID" <<< '{"cpu":{"realtimeRuntime":300000}}'
    assert_equal "$(rt "$cpu/$SANDBOX_DIR") $(rt "$pod") $(rt "${pod%/*}")" "300000/500000 300000/500000 300000/500000"
    # All or nothing.
    run kc update "$ID" <<< '{"cpu":{"realtimeRuntime":400000,"quota":100000,"burst":100000000000}}'
    assert_failure 1
    assert_equal "$(rt "$cpu/$SANDBOX_DIR") $(rt "$pod") $(rt "${pod%/*}")" "300000/500000 300000/500000 300000/500000"
    run kc create "$other" --sandbox-cgroup-only --cgroups-path "$PARENT_DIR/$other" <<< \
        '{"cpu":{"realtimeRuntime":100000,"quota":100000,"burst":100000000000}}'
    assert_failure 1
    assert_equal "$(rt "$pod") $(rt "${pod%/*}")" "300000/500000 300000/500000"
    # More than the root has.
    run kc update "$ID" <<< '{"cpu":{"realtimeRuntime":490000}}'
    assert_one_error_line 1 "cpu.realtimeRuntime: what is below $cpu/cpu.rt_runtime_us would need 980000 of cpu.rt_period_us 1000000, it holds 950000"
    kc delete --force "$ID"
    assert_nothing_left
    refute [ -e "$pod" ]
    # A parent of somebody else's.
    between=$cpu/$PARENT_DIR
    mkdir -p "$between"
    run create <<< '{"cpu":{"realtimeRuntime":100000}}'
    assert_one_error_line 1 "cpu.realtimeRuntime: what is below $between/cpu.rt_runtime_us would need 100000 of cpu.rt_period_us 1000000, it holds 0"
    assert_nothing_left
    assert_equal "$(rt "$between")" 0/1000000
}

@test "inspect --stats: one schema, with what was used" {
    create_with <<< "$RESOURCES"
    # Work that is charged: CPU time and a process.
    sh -c 'for dir in "$@"; do echo $$ > "$dir/cgroup.procs"; done
        i=0; while [ $i -lt 50000 ]; do i=$((i + 1)); done
        echo ready > "$0"; exec sleep 10000' "$BATS_TEST_TMPDIR/ready" "${MOUNTS[@]/%//$SANDBOX_DIR}" 3>&- > /dev/null 2>&1 &
    STARTED+=($!)
    wait_until test -s "$BATS_TEST_TMPDIR/ready"
    run --separate-stderr kc inspect "$ID" --stats
    assert_success
    assert_json '.stats | keys' \
        '["cpu","hugetlb","io","memory","misc","overhead","pids","pressure","rdma","sandbox","total","vcpuSubtree"]'
    assert_json '.stats.cpu | keys' '["periods","systemUsec","throttledPeriods","throttledUsec","usageUsec","userUsec"]'
    assert_json '[.stats.cpu.usageUsec > 0, .stats.pids.current > 0, .stats.pids.limit]' '[true,true,1000]'
    ! has memory || assert_json '[.stats.memory.limit, (.stats.memory | keys)]' \
        '[4294967296,["current","events","limit","peak","stat","swapCurrent","swapLimit","workingSet"]]'
    [ "$HOST_VERSION" = 1 ] || assert_json '.stats.pressure.cpu.some | keys' '["avg10","avg300","avg60","totalUsec"]'
    run --separate-stderr kc inspect "$ID"
    assert_json 'has("stats")' false
}
