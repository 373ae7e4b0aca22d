#!/usr/bin/env bats
# update: limits, the ledger of containers, order of writes, roll-back, and agreement of unit and files.

load helpers

setup() {
    kc_setup
    create_full
    start_vmm
    attach
}
teardown() { kc_teardown; }

@test "update replaces what the JSON names and leaves the rest" {
    run kc update "$ID" <<< '{"cpu":{"quota":150000},"pids":{"limit":500}}'
    assert_success
    refute_output
    assert_file sandbox pids pids.max 500 pids.max 500
    assert_file sandbox cpu cpu.cfs_quota_us 150000 cpu.max "150000 100000"
    assert_file sandbox cpu cpu.shares 2048 cpu.weight 174
    assert_properties "$UNIT" TasksMax=500 CPUQuotaPerSecUSec=1.500000s
    assert_equal "$(kc inspect "$ID" | jq -c '[.resources.cpu.quota, .resources.cpu.shares]')" '[150000,2048]'
}

@test "0 is not given for what has no limit of 0: a new sandbox gets none, an update keeps the former" {
    # Also where the host has no memory controller.
    local zero='{"cpu":{"shares":0,"quota":0,"period":0},"memory":{"limit":0,"reservation":0,"swap":0,"kernel":0,"kernelTCP":0}}'
    run kc --debug update "$ID" <<< "$zero"
    assert_success
    refute_output --partial "debug: write"
    refute_output --partial "warning"
    assert_limits
    end_vmm
    kc delete "$ID"
    start_shim
    run create --pid "$SHIM" <<< "$zero"
    assert_success
    refute_output
    assert_equal "$(kc inspect "$ID" | jq -c .resources)" '{}'
}

@test "lists of CPUs as the kernel takes them, written in one form" {
    has cpuset || {
        run kc update "$ID" <<< '{"cpu":{"cpus":"0,"}}'
        assert_failure 1
        return
    }
    local list
    for list in "0, 1" '0-1\n' ",1,0," "0-1:1/1"; do
        kc update "$ID" <<< '{"cpu":{"cpus":"1"}}'
        assert_file sandbox cpuset cpuset.cpus 1 cpuset.cpus 1
        kc update "$ID" <<< "{\"cpu\":{\"cpus\":\"$list\"}}"
        assert_file sandbox cpuset cpuset.cpus 0-1 cpuset.cpus 0-1
        assert_properties "$UNIT" AllowedCPUs=0-1
        assert_equal "$(kc inspect "$ID" | jq -r .resources.cpu.cpus)" 0-1
    done
    # The same in other words is no change.
    run kc --debug update "$ID" <<< '{"cpu":{"cpus":"1 0"}}'
    assert_success
    refute_output --partial "debug: write"
}

@test "no limit: quota and pids of -1" {
    kc update "$ID" <<< '{"cpu":{"quota":-1},"pids":{"limit":-1}}'
    assert_file sandbox cpu cpu.cfs_quota_us -1 cpu.max "max 100000"
    assert_file sandbox pids pids.max max pids.max max
    assert_properties "$UNIT" TasksMax=infinity CPUQuotaPerSecUSec=infinity
}

@test "pids.limit 0 means 1, in unit and file" {
    kc update "$ID" <<< '{"pids":{"limit":0}}'
    assert_file sandbox pids pids.max 1 pids.max 1
    assert_properties "$UNIT" TasksMax=1
}

@test "a quota that systemd rounds is rounded in the file too" {
    kc update "$ID" <<< '{"cpu":{"quota":123456}}'
    if [ "$KC_DRIVER" = systemd ]; then
        assert_properties "$UNIT" CPUQuotaPerSecUSec=1.240000s
        assert_file sandbox cpu cpu.cfs_quota_us 124000 cpu.max "124000 100000"
    else
        assert_file sandbox cpu cpu.cfs_quota_us 123456 cpu.max "123456 100000"
    fi
}

@test "quota, period and burst in any order the kernel wants" {
    kc update "$ID" <<< '{"cpu":{"quota":50000,"period":50000,"burst":20000}}'
    assert_file sandbox cpu cpu.cfs_quota_us 50000 cpu.max "50000 50000"
    assert_file sandbox cpu cpu.cfs_burst_us 20000 cpu.max.burst 20000
    # The new quota is below the old burst, then the new burst above the old quota.
    kc update "$ID" <<< '{"cpu":{"quota":10000,"burst":5000}}'
    assert_file sandbox cpu cpu.cfs_burst_us 5000 cpu.max.burst 5000
    kc update "$ID" <<< '{"cpu":{"quota":90000,"burst":80000}}'
    assert_file sandbox cpu cpu.cfs_burst_us 80000 cpu.max.burst 80000
    assert_file sandbox cpu cpu.cfs_quota_us 90000 cpu.max "90000 50000"
}

@test "idle on and off again" {
    kc update "$ID" <<< '{"cpu":{"idle":1}}'
    assert_file sandbox cpu cpu.idle 1 cpu.idle 1
    on_v1 cpu || assert_properties "$UNIT" CPUWeight=idle
    kc update "$ID" <<< '{"cpu":{"idle":0}}'
    assert_file sandbox cpu cpu.idle 0 cpu.idle 0
    assert_file sandbox cpu cpu.shares 2048 cpu.weight 174
    on_v1 cpu || assert_properties "$UNIT" CPUWeight=174
}

@test "memory and swap are raised and lowered together" {
    local low=1073741824 high=8589934592
    if ! has memory; then
        run kc update "$ID" <<< '{"memory":{"limit":1073741824}}'
        assert_failure 1
        assert_output --partial "memory.limit: the memory controller is mounted nowhere"
        return
    fi
    kc update "$ID" <<< "{\"memory\":{\"limit\":$low,\"swap\":$low}}"
    assert_file sandbox memory memory.limit_in_bytes $low memory.max $low
    assert_file sandbox memory memory.memsw.limit_in_bytes $low memory.swap.max 0
    kc update "$ID" <<< "{\"memory\":{\"limit\":$high,\"swap\":$((high + low))}}"
    assert_file sandbox memory memory.limit_in_bytes $high memory.max $high
    assert_file sandbox memory memory.memsw.limit_in_bytes $((high + low)) memory.swap.max $low
    kc update "$ID" <<< "{\"memory\":{\"limit\":$low,\"swap\":$((low + low))}}"
    assert_file sandbox memory memory.limit_in_bytes $low memory.max $low
    assert_file sandbox memory memory.memsw.limit_in_bytes $((low + low)) memory.swap.max $low
    kc update "$ID" <<< '{"memory":{"limit":-1,"swap":-1}}'
    assert_equal "$(kc inspect "$ID" | jq .resources.memory.limit)" -1
    on_v1 memory || assert_file sandbox memory - - memory.max max
}

@test "a limit below the current usage is refused where checkBeforeUpdate asks for it" {
    has memory || {
        run kc update "$ID" <<< '{"memory":{"limit":4096,"checkBeforeUpdate":true}}'
        assert_failure 1
        return
    }
    # What counts is memory that is charged here: a shell that fills a variable inside of the group.
    local pid dir=$(group_dir sandbox memory)
    sh -c 'echo $$ > "$1/cgroup.procs" && x=$(head -c 4000000 /dev/zero | tr "\0" x) && echo "$x" | wc -c > "$2" && exec sleep 10000' \
        sh "$dir" "$BATS_TEST_TMPDIR/filled" 3>&- > /dev/null 2>&1 &
    STARTED+=($!)
    wait_until test -s "$BATS_TEST_TMPDIR/filled"
    run kc update "$ID" <<< '{"memory":{"limit":4096,"checkBeforeUpdate":true},"pids":{"limit":77}}'
    assert_failure 1
    assert_output --partial "below the current usage"
    assert_limits
}

@test "the cpuset is the union over the containers, and the sandbox's own without them" {
    has cpuset || {
        run kc update "$ID" --container one <<< '{"cpu":{"cpus":"0"}}'
        assert_failure 1
        assert_output --partial "cpu.cpus: the cpuset controller is mounted nowhere"
        assert_equal "$(kc inspect "$ID" | jq -c .containers)" '{}'
        return
    }
    kc update "$ID" --container one <<< '{"cpu":{"cpus":"1","mems":"0"}}'
    assert_file sandbox cpuset cpuset.cpus 1 cpuset.cpus 1
    assert_properties "$UNIT" AllowedCPUs=1
    kc update "$ID" --container two <<< '{"cpu":{"cpus":"0"}}'
    assert_file sandbox cpuset cpuset.cpus 0-1 cpuset.cpus 0-1
    kc update "$ID" --container one --remove
    assert_file sandbox cpuset cpuset.cpus 0 cpuset.cpus 0
    assert_equal "$(kc inspect "$ID" | jq -c .containers)" '{"two":{"cpu":{"cpus":"0"}}}'
    kc update "$ID" --container two --remove
    assert_file sandbox cpuset cpuset.cpus 0-1 cpuset.cpus 0-1
    assert_properties "$UNIT" AllowedCPUs=0-1
}

@test "an update that changes nothing writes nothing" {
    kc update "$ID" --container one <<< '{"cpu":{"shares":10}}'
    local before=$(stat -c '%i %y' "$ROOT/$ID/state.json")
    run kc --debug update "$ID" --container one <<< '{"cpu":{"shares":10}}'
    assert_success
    refute_output --partial "debug: write"
    refute_output --partial SetUnitProperties
    run kc --debug update "$ID" <<< "$RESOURCES"
    assert_success
    refute_output --partial "debug: write"
    assert_equal "$(stat -c '%i %y' "$ROOT/$ID/state.json")" "$before"
}

@test "all or nothing: a refused write puts back what was written before it" {
    local state=$(cat "$ROOT/$ID/state.json") document
    # pids.max and cpu.shares are fine, the burst above the quota is not.
    document='{"pids":{"limit":77},"cpu":{"shares":512,"burst":10000000000}}'
    run kc update "$ID" <<< "$document"
    assert_failure 1
    assert_equal "${#lines[@]}" 1
    assert_output --partial "cpu.burst"
    assert_limits
    assert_equal "$(cat "$ROOT/$ID/state.json")" "$state"
    if [ "$KC_DRIVER" = systemd ]; then
        systemctl daemon-reload
        assert_limits
    fi
}

@test "runc #2343: unit and files agree before and after daemon-reload" {
    kc update "$ID" <<< '{"cpu":{"shares":512,"quota":75500},"pids":{"limit":300}}'
    local files before
    files=$(find "$(group_dir sandbox cpu)" "$(group_dir sandbox pids)" -maxdepth 1 \
        \( -name cpu.shares -o -name cpu.weight -o -name 'cpu.cfs_*' -o -name 'cpu.max*' -o -name pids.max \) | sort -u)
    # shellcheck disable=SC2086
    before=$(grep . $files)
    assert [ -n "$before" ]
    if [ "$KC_DRIVER" = systemd ]; then
        systemctl daemon-reload
        systemctl daemon-reexec
    fi
    # shellcheck disable=SC2086
    assert_equal "$(grep . $files)" "$before"
}

@test "update --dry-run prints what would be written and writes nothing" {
    run --separate-stderr kc update "$ID" --dry-run <<< '{"pids":{"limit":12}}'
    assert_success
    assert_equal "$(jq -r '.plan | map(select(.write)) | map(.write + "=" + .value) | join(" ")' <<< "$output")" pids.max=12
    assert_limits
}

@test "memory.kernel is ignored or obsolete: a warning; swappiness is v1's" {
    has memory || {
        run kc update "$ID" <<< '{"memory":{"kernel":1048576}}'
        assert_failure 1
        return
    }
    run kc update "$ID" <<< '{"memory":{"kernel":104857600}}'
    assert_success
    on_v1 memory || assert_output --partial "warning: memory.kernel: ignored"
    run kc update "$ID" <<< '{"memory":{"swappiness":10}}'
    if on_v1 memory; then
        assert_success
        assert_file sandbox memory memory.swappiness 10 - -
    else
        assert_failure 5
        assert_output --partial "memory.swappiness"
    fi
}
