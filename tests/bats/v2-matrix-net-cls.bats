#!/usr/bin/env bats
# A v1 net_cls beside a v2 host's tree, as VPN clients mount it: the host stays a v2 host, and what is in the one hierarchy is in
# the other one, too.

load helpers

NET_CLS=/run/kc-test-net_cls

setup() { kc_setup; }

teardown() {
    kc_teardown
    ! mountpoint -q "$NET_CLS" || unmount_net_cls
}

# A hierarchy with groups would live on unseen.
unmount_net_cls() {
    find "$NET_CLS" -mindepth 1 -depth -type d -delete
    wait_until unmount_hierarchy "$NET_CLS" net_cls
    rmdir "$NET_CLS"
}

mount_net_cls() {
    modprobe cls_cgroup 2> /dev/null || true
    mkdir -p "$NET_CLS"
    mount -t cgroup -o net_cls none "$NET_CLS"
    read_host
    mounts=("${MOUNTS[@]}")
    on_v1 net_cls
}

# in_group PID GROUP: in every hierarchy, net_cls among them
in_group() {
    assert_in_group "$1" "$2"
    grep -q ':net_cls:/k' "/proc/$1/cgroup"
}

@test "the host is v2, and create, attach-vcpus, update, inspect and delete are as there" {
    mount_net_cls
    run --separate-stderr kc features
    assert_json '[.cgroupVersion, .controllers.cpu, .controllers.net_cls]' '[2,2,1]'
    create_attached
    in_group "$SHIM" "$(runtime_group)"
    in_group "$VMM" sandbox
    assert_limits
    run --separate-stderr kc inspect "$ID" --stats
    assert_success
    assert_json '[.cgroupVersion, (.sandbox.paths | keys), .vmm.placement]' '[2,["net_cls","unified"],"process"]'
    assert_json ".sandbox.threads | index($(thread_of 'CPU 0/KVM')) != null" true
    kc update "$ID" <<< '{"pids":{"limit":77},"unified":{"memory.high":"1073741824"}}'
    assert_file sandbox pids - - pids.max 77
    assert_file sandbox memory - - memory.high 1073741824
    end_vmm
    kc delete "$ID"
    assert_nothing_left
}

@test "network.classID is where net_cls is" {
    mount_net_cls
    start_shim
    create --pid "$SHIM" <<< '{"network":{"classID":1048577},"pids":{"limit":77}}'
    start_vmm
    attach
    assert_equal "$(< "$NET_CLS/$SANDBOX_DIR/net_cls.classid")" 1048577
    assert_file sandbox pids - - pids.max 77
    kc update "$ID" <<< '{"network":{"classID":1048578}}'
    assert_equal "$(< "$NET_CLS/$SANDBOX_DIR/net_cls.classid")" 1048578
    in_group "$VMM" sandbox
    end_vmm
    kc delete "$ID"
    assert_nothing_left
}

@test "--vcpu-subtree: the threads are in their child on v2, the process in both hierarchies" {
    local thread
    mount_net_cls
    start_shim
    create --vcpu-subtree --pid "$SHIM" <<< "$RESOURCES"
    start_vmm
    attach
    thread=$(thread_of 'CPU 0/KVM')
    grep -qx "$thread" "${MOUNT_OF[cpu]}/$SANDBOX_DIR/vcpu/cgroup.threads"
    grep -qx "$thread" "$NET_CLS/$SANDBOX_DIR/tasks"
    run --separate-stderr kc inspect "$ID"
    assert_json ".sandbox.threads | index($thread)" null
    assert_json ".vcpuSubtree.threads | index($thread) != null" true
    end_vmm
    kc delete "$ID"
    assert_nothing_left
}

@test "a sandbox of before the mount is completed by the next update, with its members" {
    create_attached
    mount_net_cls
    run --separate-stderr kc inspect "$ID" --stats
    assert_success
    assert_json '[.cgroupVersion, .sandbox.exists, (.sandbox.paths | keys)]' '[2,true,["unified"]]'
    kc update "$ID" <<< '{"pids":{"limit":77}}'
    assert_file sandbox pids - - pids.max 77
    in_group "$VMM" sandbox
    [ "$KC_MODE" = overhead ] || in_group "$SHIM" sandbox
    end_vmm
    kc delete "$ID"
    assert_nothing_left
}

@test "a sandbox of before the mount takes a VMM, and the same one again" {
    create_full
    mount_net_cls
    start_vmm
    attach
    in_group "$VMM" sandbox
    umount "$NET_CLS" && mount -t cgroup -o net_cls none "$NET_CLS"
    attach
    in_group "$VMM" sandbox
    end_vmm
    kc delete "$ID"
    assert_nothing_left
}

@test "a sandbox of before the mount, with a threaded subtree, goes on" {
    start_shim
    create --vcpu-subtree --pid "$SHIM" <<< "$RESOURCES"
    mount_net_cls
    start_vmm
    attach
    kc update "$ID" <<< '{"cpu":{"quota":100000,"period":100000}}'
    assert_equal "$(< "${MOUNT_OF[cpu]}/$SANDBOX_DIR/vcpu/cpu.max")" "100000 100000"
    grep -qx "$(thread_of 'CPU 0/KVM')" "${MOUNT_OF[cpu]}/$SANDBOX_DIR/vcpu/cgroup.threads"
    in_group "$VMM" sandbox
    end_vmm
    kc delete "$ID"
    assert_nothing_left
}

@test "a sandbox of before the mount is deleted" {
    create_attached
    mount_net_cls
    end_vmm
    kc delete "$ID"
    assert_nothing_left
}

@test "a group that somebody else has removed on v2 is not made up for, with what is in net_cls" {
    [ "$KC_DRIVER" = cgroupfs ] || return 0
    mount_net_cls
    create <<< '{"pids":{"limit":77}}'
    rmdir "${MOUNT_OF[pids]}/$SANDBOX_DIR"
    run kc update "$ID" <<< '{"pids":{"limit":78}}'
    assert_one_error_line 1 "${MOUNT_OF[pids]}/$SANDBOX_DIR/pids.max: No such file or directory"
    kc delete "$ID"
    assert_nothing_left
}

@test "an update that fails leaves nothing in the new hierarchy" {
    create_attached
    mount_net_cls
    run kc update "$ID" <<< '{"pids":{"limit":77},"cpu":{"cpus":"1000"}}'
    assert_failure 1
    assert_file sandbox pids - - pids.max 1000
    assert_equal "$(find "$NET_CLS" -mindepth 1 -type d)" ""
    grep -q ':net_cls:/$' "/proc/$VMM/cgroup"
}

@test "a VMM that ends, and a new one" {
    mount_net_cls
    create_attached
    end_vmm
    start_vmm
    attach
    in_group "$VMM" sandbox
    assert_limits
    end_vmm
    kc delete "$ID"
    assert_nothing_left
}

@test "a caller inside of the group that goes leaves nothing" {
    mount_net_cls
    start_calling_shim "$KATA_CGROUP --root $ROOT delete $ID"
    create --stop-timeout 60 --pid "$SHIM" <<< "$RESOURCES"
    start_vmm
    attach
    end_vmm
    touch "$BATS_TEST_TMPDIR/go"
    wait_until test -s "$BATS_TEST_TMPDIR/status"
    assert_equal "$(< "$BATS_TEST_TMPDIR/said")$(< "$BATS_TEST_TMPDIR/status")" 0
    # On v2 systemd's stop goes on; what is ours has gone.
    assert_equal "$(find "$NET_CLS" -type d -name "*$ID*")" ""
    touch "$BATS_TEST_TMPDIR/end"
    wait_until has_ended "$SHIM"
    wait_until has_no_unit
    assert_nothing_left
}

has_no_unit() {
    [ "$KC_DRIVER" = cgroupfs ] || [ -z "$(systemctl list-units --all --no-legend --plain "*$ID*")" ]
}

@test "delete --force kills what is there, and leaves nothing" {
    mount_net_cls
    create_attached
    kc delete --force "$ID"
    assert_nothing_left
}
