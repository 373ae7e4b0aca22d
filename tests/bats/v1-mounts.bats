#!/usr/bin/env bats
# v1: hierarchies that are mounted in other ways than systemd does it. The machine is this suite's own.

load helpers

setup() {
    kc_setup
    CPUSET=${MOUNT_OF[cpuset]}
}

# mount_cpuset OPTIONS: the kernel takes other options only once nothing is left of the former hierarchy, in which parents of
# earlier sandboxes may be, empty.
mount_cpuset() {
    find "$CPUSET" -mindepth 1 -depth -type d -exec rmdir {} +
    wait_until unmount_hierarchy "$CPUSET" cpuset
    mount -t cgroup -o "$1" cgroup "$CPUSET"
    read_host
}

teardown() {
    kc_teardown
    [ ! -e "$CPUSET/cpus" ] || mount_cpuset cpuset
}

@test "a cpuset that is mounted with noprefix has its files under other names" {
    mount_cpuset cpuset,noprefix
    [ -e "$CPUSET/cpus" ]
    create_full
    assert_equal "$(< "$CPUSET/$SANDBOX_DIR/cpus") $(< "$CPUSET/$SANDBOX_DIR/mems")" "0-1 0"
    assert_equal "$(< "$CPUSET/$PARENT_DIR/cpus")" 0-1
    start_vmm
    run --separate-stderr kc attach-vcpus "$ID" --vmm-pid "$VMM" --pin
    assert_success
    assert_json '.vcpus | map(.cpus)' '["0","1"]'
    assert_equal "$(sort -n "$CPUSET/$SANDBOX_DIR/tasks")" "$(jq '.vcpus[].tid' <<< "$output" | sort -n)"

    kc update "$ID" --container c1 <<< '{"cpu":{"cpus":"1"}}'
    assert_equal "$(< "$CPUSET/$SANDBOX_DIR/cpus")" 1
    kc update "$ID" --container c1 --remove
    assert_equal "$(< "$CPUSET/$SANDBOX_DIR/cpus")" 0-1
    # No kernel takes a burst above the quota: what was written before it is put back.
    run kc update "$ID" <<< '{"cpu":{"cpus":"1","burst":100000000000}}'
    assert_failure 1
    assert_equal "$(< "$CPUSET/$SANDBOX_DIR/cpus")" 0-1
    run kc update "$ID" <<< '{"cpu":{"cpus":"7"}}'
    assert_one_error_line 1 "$CPUSET/$SANDBOX_DIR/cpus"

    end_vmm
    kc delete "$ID"
    assert_nothing_left
}
