#!/usr/bin/env bats
# What was asked for is what is there, and stays: whatever systemd writes again, whichever document came later, and in
# whatever form a value was given.

load helpers

setup() {
    kc_setup
    BLOCK=
}
teardown() {
    kc_teardown
    [ -z "$BLOCK" ] || [ ! -e /sys/block/nullb0 ] || echo none > /sys/block/nullb0/queue/scheduler
}

# A block device with the bfq scheduler, where there are such; sets BLOCK to MAJOR:MINOR.
attach_block() {
    local name=vda
    if modprobe null_blk nr_devices=1 2> /dev/null && modprobe bfq 2> /dev/null; then
        name=nullb0
        echo bfq > /sys/block/nullb0/queue/scheduler
    fi
    read -r BLOCK < "/sys/block/$name/dev"
    [ "$name" = nullb0 ] && BFQ=true || BFQ=false
}

# A sandbox whose group exists, whatever the driver and the mode.
create_with() {
    start_shim
    create --pid "$SHIM" "$@"
    [ "$KC_DRIVER" != systemd ] || [ "$KC_MODE" != overhead ] || { start_vmm && attach; }
}

# Whether unified may name this controller's files.
on_v2() { [ "${VERSION_OF[$1]:-}" = 2 ]; }

# Whether systemd has the unit, and it is of a controller on v2 or v1.
by_systemd() { [ "$KC_DRIVER" = systemd ]; }

# A document with everything that this host can limit.
everything() {
    local number=${BLOCK%:*} minor=${BLOCK#*:} device io unified=()
    device='"major":'$number',"minor":'$minor
    printf '{"cpu":{"shares":2048,"quota":150000,"period":50000,"burst":20000'
    ! has cpuset || printf ',"cpus":"0-1","mems":"0"'
    printf '}'
    ! has memory || printf ',"memory":{"limit":1073741824,"reservation":536870912,"swap":2147483648}'
    printf ',"pids":{"limit":500}'
    if has io; then
        io='"throttleReadBpsDevice":[{'$device',"rate":1048576}],"throttleWriteBpsDevice":[{'$device',"rate":2097152}]'
        io+=',"throttleReadIOPSDevice":[{'$device',"rate":100}],"throttleWriteIOPSDevice":[{'$device',"rate":200}]'
        # On v1 a unit cannot hold a weight of bfq (kata-cgroup-resources(7)).
        [ "$BFQ" = false ] || io+=',"weight":300,"weightDevice":[{'$device',"weight":400}]'
        printf ',"blockIO":{%s}' "$io"
    fi
    ! has hugetlb || printf ',"hugepageLimits":[{"pageSize":"2MB","limit":4194304}]'
    ! has net_cls || printf ',"network":{"classID":1048577,"priorities":[{"name":"lo","priority":3}]}'
    printf ',"devices":[{"allow":false},{"allow":true,"type":"c","major":1,"minor":3,"access":"rwm"},{"allow":true,"type":"c","major":1,"minor":5,"access":"r"}]'
    ! on_v2 memory || unified+=('"memory.oom.group":"1"' '"memory.high":"900M"' '"memory.min":"0100000"' '"memory.swap.high":"1G"')
    ! on_v2 cpuset || unified+=('"cgroup.max.depth":"7"')
    local IFS=,
    [ ${#unified[@]} = 0 ] || printf ',"unified":{%s}' "${unified[*]}"
    printf '}'
}

# Every file of the sandbox group that can be set, in every hierarchy, but for what a process changes by being there.
all_files() {
    local mount
    for mount in "${MOUNTS[@]}"; do
        find "$mount/$SANDBOX_DIR" -maxdepth 1 -type f \( -perm -200 -o -name devices.list \) ! -name 'cgroup.procs' \
            ! -name 'cgroup.threads' ! -name tasks ! -name '*usage*' ! -name '*failcnt' ! -name '*.pressure' ! -name '*.peak' \
            ! -name 'cgroup.event_control' ! -name 'cgroup.kill' ! -name 'memory.reclaim' ! -name 'cgroup.clone_children' \
            ! -name 'cgroup.subtree_control' ! -name '*reset_stats' ! -name 'memory.force_empty' -exec grep -sH . {} +
    done | sort
}

# assert_stays WHAT: all files are as they were, but for the number of pids that the update was of.
assert_stays() {
    local now
    PIDS=$((PIDS + 1))
    kc update "$ID" <<< '{"pids":{"limit":'"$PIDS"'}}'
    assert_file sandbox pids pids.max "$PIDS" pids.max "$PIDS"
    now=$(all_files | grep -v /pids.max)
    [ "$now" = "$FILES" ] || fail "after $1: $(diff <(echo "$FILES") <(echo "$now"))"
}

@test "all limits at once hold through an unrelated update, set-property, daemon-reload and daemon-reexec" {
    local properties=(CPUWeight=50 CPUQuota=20% TasksMax=44)
    attach_block
    create_with <<< "$(everything)"
    FILES=$(all_files | grep -v /pids.max) PIDS=600
    # Every file holds what the document says, to begin with.
    assert_file sandbox cpu cpu.shares 2048 cpu.weight 174
    assert_file sandbox cpu cpu.cfs_burst_us 20000 cpu.max.burst 20000
    ! on_v2 memory || {
        assert_file sandbox memory - - memory.oom.group 1
        assert_file sandbox memory - - memory.high $((900 * 1048576))
        assert_file sandbox memory - - memory.min 32768
        assert_file sandbox memory - - memory.swap.high 1073741824
    }
    assert_stays "an update of pids"
    by_systemd || return 0
    ! on_v1 cpu || properties[0]=CPUShares=50
    ! has memory || { on_v1 memory && properties+=(MemoryLimit=64M) || properties+=(MemoryMax=64M MemoryLow=1M MemoryHigh=60M); }
    ! on_v2 io || properties+=("IOWriteBandwidthMax=/dev/block/$BLOCK 5M" IOWeight=77)
    ! on_v1 io || properties+=("BlockIOWriteBandwidth=/dev/block/$BLOCK 5M")
    systemctl set-property --runtime "$UNIT" "${properties[@]}" "DeviceAllow=/dev/zero rw"
    assert_stays "set-property ${properties[*]}"
    systemctl daemon-reload
    assert_stays "daemon-reload"
    systemctl daemon-reexec
    assert_stays "daemon-reexec"
    # And the unit says the same, so that the next reload keeps it.
    assert_properties "$UNIT" "TasksMax=$PIDS" CPUQuotaPerSecUSec=3s
    ! on_v2 memory || assert_properties "$UNIT" MemoryMax=1073741824 MemoryLow=536870912 MemoryHigh=$((900 * 1048576)) \
        MemoryMin=32768 MemorySwapMax=1073741824
}

@test "unified values with suffixes, blanks and zeroes: file and unit get what the kernel reads" {
    on_v2 memory || {
        run create <<< '{"unified":{"memory.max":"100M"}}'
        [ "$status" != 0 ]
        assert_output --partial unified.memory.max
        return
    }
    local cpu=''
    ! on_v2 cpu || cpu=',"cpu.weight":"0300","cpu.max":"50000 100000\n","pids.max":" 50"'
    create_with <<< '{"unified":{"memory.max":"100M","memory.high":"104857600\n","memory.low":" 64M","memory.swap.max":"0x100000"'"$cpu"'}}'
    check_normalised
    kc update "$ID" <<< '{"memory":{"reservation":67108864}}'
    check_normalised
    kc update "$ID" <<< '{"cpu":{"burst":0}}'
    ! by_systemd || systemctl daemon-reload
    check_normalised
    for value in 100X K -1 '1 M' 99999999E infinity; do
        run kc update "$ID" <<< '{"unified":{"memory.max":"'"$value"'"}}'
        assert_one_error_line 5 unified.memory.max
    done
    check_normalised
}

check_normalised() {
    assert_file sandbox memory - - memory.max 104857600
    assert_file sandbox memory - - memory.high 104857600
    assert_file sandbox memory - - memory.low 67108864
    assert_file sandbox memory - - memory.swap.max 1048576
    assert_properties "$UNIT" MemoryMax=104857600 MemoryHigh=104857600 MemoryLow=67108864 MemorySwapMax=1048576
    on_v2 cpu || return 0
    assert_file sandbox cpu - - cpu.weight 192
    assert_file sandbox cpu - - cpu.max "50000 100000"
    assert_file sandbox pids - - pids.max 50
    assert_properties "$UNIT" CPUWeight=192 CPUQuotaPerSecUSec=500ms TasksMax=50
}

@test "cpu.weight.nice is in the unit, and stays" {
    on_v2 cpu || return 0
    create_with <<< '{"unified":{"cpu.weight.nice":"-5"}}'
    assert_file sandbox cpu - - cpu.weight.nice -5
    assert_properties "$UNIT" CPUWeight=305
    # A level that a weight alone cannot say.
    kc update "$ID" <<< '{"unified":{"cpu.weight.nice":"17"}}'
    kc update "$ID" <<< '{"cpu":{"quota":50000}}'
    assert_file sandbox cpu - - cpu.weight.nice 17
    kc update "$ID" <<< '{"cpu":{"shares":1024}}'
    assert_file sandbox cpu - - cpu.weight 100
    assert_properties "$UNIT" CPUWeight=100
}

@test "one device has one line of io.max, whatever has named it; unit and file agree" {
    on_v2 io || return 0
    attach_block
    local device='"major":'${BLOCK%:*}',"minor":'${BLOCK#*:}
    create_with <<< '{"blockIO":{"throttleReadBpsDevice":[{'"$device"',"rate":1048576}],"throttleWriteIOPSDevice":[{'"$device"',"rate":70}]}}'
    kc update "$ID" <<< '{"unified":{"io.max":"'"$BLOCK"' rbps=2097152 wbps=4096"}}'
    assert_file sandbox io - - io.max "$BLOCK rbps=2097152 wbps=4096 riops=max wiops=70"
    assert_properties "$UNIT" "IOReadBandwidthMax=/dev/block/$BLOCK 2097152" "IOWriteBandwidthMax=/dev/block/$BLOCK 4096"
    # The later document wins, for this device.
    kc update "$ID" <<< '{"blockIO":{"throttleReadBpsDevice":[{'"$device"',"rate":8192}]}}'
    assert_file sandbox io - - io.max "$BLOCK rbps=8192 wbps=max riops=max wiops=70"
    assert_properties "$UNIT" "IOReadBandwidthMax=/dev/block/$BLOCK 8192"
    ! by_systemd || assert_equal "$(systemctl show "$UNIT" -p IOWriteBandwidthMax)" ""
    # What the file refuses is called by its own name.
    run kc update "$ID" <<< '{"blockIO":{"throttleWriteIOPSDevice":[{"major":4000,"minor":1,"rate":5}]}}'
    assert_failure 1
    assert_output --partial blockIO.throttleWriteIOPSDevice
    refute_output --partial throttleReadBpsDevice
    run kc update "$ID" <<< '{"unified":{"io.max":"4000:1 rbps=5"}}'
    assert_failure 1
    assert_output --partial unified.io.max
}

@test "between documents the later one wins: a field drops unified's earlier key of the same file" {
    on_v2 memory || return 0
    local document='"memory.max":"1073741824","memory.low":"4096"'
    ! on_v2 cpu || document+=',"pids.max":"77","cpu.weight":"33","cpu.max":"10000 100000"'
    create_with <<< '{"unified":{'"$document"'}}'
    assert_file sandbox memory - - memory.max 1073741824
    kc update "$ID" <<< '{"memory":{"limit":2147483648,"reservation":8192}}'
    assert_file sandbox memory - - memory.max 2147483648
    assert_file sandbox memory - - memory.low 8192
    assert_properties "$UNIT" MemoryMax=2147483648 MemoryLow=8192
    on_v2 cpu || return 0
    assert_file sandbox pids - - pids.max 77
    kc update "$ID" <<< '{"pids":{"limit":88},"cpu":{"shares":1024,"quota":30000}}'
    assert_file sandbox pids - - pids.max 88
    assert_file sandbox cpu - - cpu.weight 100
    assert_file sandbox cpu - - cpu.max "30000 100000"
    assert_properties "$UNIT" TasksMax=88 CPUWeight=100 CPUQuotaPerSecUSec=300ms
    assert_equal "$(kc inspect "$ID" | jq -c '.resources.unified // {}')" '{}'
    # Within one document unified wins, and a later key wins over an earlier field.
    kc update "$ID" <<< '{"pids":{"limit":5},"unified":{"pids.max":"99"}}'
    assert_file sandbox pids - - pids.max 99
    kc update "$ID" <<< '{"unified":{"cpu.weight":"44"}}'
    assert_file sandbox cpu - - cpu.weight 44
}

@test "a container's cpuset wins over unified's of create" {
    on_v2 cpuset || return 0
    create_with <<< '{"unified":{"cpuset.cpus":"0-1"}}'
    kc update "$ID" --container one <<< '{"cpu":{"cpus":"1"}}'
    assert_file sandbox cpuset - - cpuset.cpus 1
    assert_properties "$UNIT" AllowedCPUs=1
    kc update "$ID" --container one --remove
    assert_file sandbox cpuset - - cpuset.cpus 0-1
}

@test "shares while the group is idle: a warning that names both, and idle 0 brings them back" {
    create_with <<< '{"cpu":{"shares":2048}}'
    kc update "$ID" <<< '{"cpu":{"idle":1}}' 2> "$BATS_TEST_TMPDIR/log"
    grep -q "warning: cpu.shares: 2048 has no effect while cpu.idle is 1" "$BATS_TEST_TMPDIR/log"
    run kc update "$ID" <<< '{"cpu":{"shares":512}}'
    assert_success
    assert_output --partial "cpu.shares: 512 has no effect while cpu.idle is 1"
    # Said once.
    run kc update "$ID" <<< '{"pids":{"limit":50}}'
    assert_success
    refute_output
    kc update "$ID" <<< '{"cpu":{"idle":0}}'
    assert_file sandbox cpu cpu.idle 0 cpu.idle 0
    assert_file sandbox cpu cpu.shares 512 cpu.weight 59
    ! on_v2 cpu || assert_properties "$UNIT" CPUWeight=59
}

@test "memory: 0 is not given, v1's numbers are unlimited, and nothing to limit is nothing to do" {
    if ! has memory; then
        create_with <<< '{"memory":{"limit":-1,"swap":-1}}'
        return
    fi
    create_with <<< '{"memory":{"limit":0,"reservation":0,"swap":0,"kernel":0,"kernelTCP":0},"blockIO":{"weight":0}}'
    # On a hybrid host the controller is enabled where it is needed, which it is not yet.
    [ "$HOST_VERSION" = 1 ] || assert_file sandbox memory - - memory.max max
    kc update "$ID" <<< '{"memory":{"limit":1073741824}}'
    kc update "$ID" <<< '{"memory":{"limit":0,"reservation":4096}}'
    assert_file sandbox memory memory.limit_in_bytes 1073741824 memory.max 1073741824
    for value in 9223372036854771712 9223372036854775807; do
        kc update "$ID" <<< '{"memory":{"limit":1073741824}}'
        kc update "$ID" <<< '{"memory":{"limit":'"$value"'}}'
        ! on_v2 memory || assert_file sandbox memory - - memory.max max
        ! on_v1 memory || assert_file sandbox memory memory.limit_in_bytes 9223372036854771712 - -
        ! on_v2 memory || assert_properties "$UNIT" MemoryMax=infinity
    done
}

@test "on v1 with cgroupfs beside an overhead group, a memory limit warns that it limits nothing of the VMM" {
    has memory || return 0
    start_shim
    run create --pid "$SHIM" <<< '{"memory":{"limit":16777216}}'
    assert_success
    if places_threads && on_v1 memory; then
        assert_output --partial "warning: memory.limit: on cgroup v1 the VMM's memory is charged to the overhead cgroup"
        assert_output --partial "--sandbox-cgroup-only"
        run kc update "$ID" <<< '{"memory":{"limit":33554432}}'
        assert_success
    else
        refute_output
    fi
}

@test "a cpuset partition that the kernel calls invalid is an error with its reason, rolled back" {
    on_v2 cpuset && [ "$KC_DRIVER" = cgroupfs ] && [ "$HOST_VERSION" = 2 ] || return 0
    CGROUPS_PATH=kctest-$ID SANDBOX_DIR=kctest-$ID
    start_shim
    create --pid "$SHIM" <<< '{"pids":{"limit":7}}'
    # Without CPUs of its own there is nothing to make a partition of.
    run kc update "$ID" <<< '{"pids":{"limit":9},"unified":{"cpuset.cpus.partition":"root"}}'
    assert_failure 1
    assert_output --partial unified.cpuset.cpus.partition
    assert_output --partial "root invalid ("
    assert_file sandbox pids - - pids.max 7
    assert_file sandbox cpuset - - cpuset.cpus.partition member
    # With one, directly below the root, it can be; whatever the order of the keys.
    kc update "$ID" <<< '{"unified":{"cpuset.cpus.partition":"root","cpuset.cpus":"1"}}'
    assert_file sandbox cpuset - - cpuset.cpus.partition root
    kc update "$ID" <<< '{"unified":{"cpuset.cpus.partition":"member"}}'
    assert_file sandbox cpuset - - cpuset.cpus.partition member
}

@test "what systemd has removed of a slice before the VMM came is there again when it comes" {
    by_systemd && [ "$HOST_VERSION" = 1 ] && [ "$KC_MODE" = overhead ] || return 0
    CGROUPS_PATH=kctest-pod$NUMBER.slice:kc:kctest-pod$NUMBER-s.slice UNIT=kctest-pod$NUMBER-s.slice
    SANDBOX_DIR=kctest.slice/kctest-pod$NUMBER.slice/$UNIT
    start_shim
    create --pid "$SHIM" <<< '{"pids":{"limit":50},"devices":[{"allow":false},{"allow":true,"type":"c","major":1,"minor":3}]}'
    systemctl set-property --runtime "$UNIT" DeviceAllow= DevicePolicy=auto
    systemctl daemon-reload
    start_vmm
    attach
    assert_in_group "$VMM" sandbox
    assert_file sandbox devices devices.list "c 1:3 rwm" - -
    assert_file sandbox pids pids.max 50 - -
    end_vmm
}
