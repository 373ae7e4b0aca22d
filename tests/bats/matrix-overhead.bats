#!/usr/bin/env bats
# The overhead group is a group like any other: with limits of its own, which are planned, applied, rolled back, kept and given
# back as the sandbox's are.

load helpers

setup() { kc_setup; }

teardown() { kc_teardown; }

overhead='{"pids":{"limit":321},"cpu":{"shares":512,"quota":50000,"period":100000}}'

assert_overhead() {
    assert_file overhead pids pids.max "$1" pids.max "$1"
    assert_file overhead cpu cpu.shares 512 cpu.weight 59
    assert_file overhead cpu cpu.cfs_quota_us 50000 cpu.max "50000 100000"
    assert_properties "$OVERHEAD_UNIT" TasksMax="$1" CPUQuotaPerSecUSec=500ms
}

overhead_has_ended() { ! systemctl is-active -q "$OVERHEAD_UNIT"; }

@test "the overhead's own limits: from create on, updated by themselves, shown, and kept" {
    if [ "$KC_MODE" = sandbox-only ]; then
        start_shim
        echo "$overhead" > "$BATS_TEST_TMPDIR/overhead"
        run create --pid "$SHIM" --overhead-resources "$BATS_TEST_TMPDIR/overhead" < /dev/null
        assert_one_error_line 2 "--overhead-resources and --sandbox-cgroup-only exclude each other"
        create --pid "$SHIM" < /dev/null
        run kc update "$ID" --overhead <<< "$overhead"
        assert_one_error_line 5 "--overhead: sandbox \"$ID\" has no overhead group"
        assert_equal "$(kc inspect "$ID" | jq -c '[.overhead, .overheadResources]')" '[null,null]'
        return
    fi
    start_shim
    create --pid "$SHIM" --resources <(echo "$RESOURCES") --overhead-resources - <<< "$overhead"
    assert_overhead 321
    start_vmm
    attach
    assert_limits

    # One group's update is not the other's.
    run kc update "$ID" --overhead <<< '{"pids":{"limit":123}}'
    assert_success
    assert_overhead 123
    assert_limits
    kc update "$ID" <<< '{"pids":{"limit":999}}'
    assert_overhead 123
    kc update "$ID" <<< '{"pids":{"limit":1000}}'
    run --separate-stderr kc inspect "$ID"
    assert_json .overheadResources '{"cpu":{"shares":512,"quota":50000,"period":100000},"pids":{"limit":123}}'
    assert_equal "$(jq -cS .resources <<< "$output")" "$(jq -cS . <<< "$RESOURCES")"

    if [ "$KC_DRIVER" = systemd ]; then
        systemctl daemon-reload
        assert_overhead 123
        systemctl set-property --runtime "$OVERHEAD_UNIT" TasksMax=77
        kc update "$ID" --overhead <<< '{"cpu":{"shares":1024}}'
        kc update "$ID" --overhead <<< '{"cpu":{"shares":512}}'
        assert_overhead 123
    fi
    end_vmm
    kc delete "$ID"
    assert_nothing_left
}

@test "an update of the overhead that fails is rolled back; what is refused names the field" {
    [ "$KC_MODE" = overhead ] || { create_full && return; } # there is no such group: the test before
    local before
    start_shim
    create --pid "$SHIM" --resources <(echo '{}') --overhead-resources - <<< "$overhead"
    before=$(kc inspect "$ID" | jq -c .overheadResources)
    run kc update "$ID" --overhead <<< '{"pids":{"limit":5},"hugepageLimits":[{"pageSize":"3MB","limit":0}]}'
    assert_one_error_line 5 "hugepageLimits"
    # The kernel takes the shares, and refuses a burst above the quota.
    run kc update "$ID" --overhead <<< '{"cpu":{"shares":600,"burst":100000000}}'
    assert_failure 1
    assert_overhead 321
    assert_equal "$(kc inspect "$ID" | jq -c .overheadResources)" "$before"
    run kc update "$ID" --overhead --container c1 <<< '{}'
    assert_one_error_line 2 "--overhead and --container exclude each other"
    run kc update "$ID" --overhead --dry-run <<< '{"pids":{"limit":5}}'
    assert_success
    assert_output --partial pids
    assert_overhead 321
}

@test "a scope of the overhead that has ended is started anew by place, with the limits on it" {
    [ "$KC_MODE" = overhead ] || { create_full && return; } # there is no such group: the first test
    start_shim
    create --pid "$SHIM" --resources <(echo '{}') --overhead-resources - <<< "$overhead"
    kill -KILL "$SHIM"
    wait "$SHIM" 2> /dev/null || true
    [ "$KC_DRIVER" = cgroupfs ] || wait_until overhead_has_ended
    kc update "$ID" --overhead <<< '{"pids":{"limit":222}}'
    start_shim
    kc place "$ID" --pid "$SHIM"
    assert_in_group "$SHIM" overhead
    assert_overhead 222
}
