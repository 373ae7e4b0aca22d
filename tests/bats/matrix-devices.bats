#!/usr/bin/env bats
# Which devices the sandbox may use: a process in its cgroup really opens and makes them.

load helpers

setup() { kc_setup; }
teardown() { kc_teardown; }

DENY='{"allow":false}'

# rule TYPE MAJOR MINOR ACCESS
rule() { echo '{"allow":true,"type":"'"$1"'","major":'"$2"',"minor":'"$3"',"access":"'"$4"'"}'; }

create_with() {
    start_shim
    create --pid "$SHIM" "$@"
    [ "$KC_DRIVER" != systemd ] || [ "$KC_MODE" != overhead ] || { start_vmm && attach; }
}

# inside SCRIPT: run by a shell in the sandbox cgroup
inside() {
    sh -c 'for dir in "$@"; do echo $$ > "$dir/cgroup.procs"; done
        eval "$0"' "$1" "${MOUNTS[@]/%//$SANDBOX_DIR}" 3>&-
}

can_read() { inside ": < $1" 2> /dev/null; }
can_write() { inside ": > $1" 2> /dev/null; }
can_make() { inside "mknod $BATS_TEST_TMPDIR/node $1 && rm $BATS_TEST_TMPDIR/node" 2> /dev/null; }

# What the unit says where nothing is denied by it.
assert_all_devices() {
    assert_properties "$UNIT" DevicePolicy=strict "DeviceAllow=block-* rwm" "DeviceAllow=char-* rwm"
}

@test "devices: allowed, denied, changed, denied again" {
    create_with <<< '{"devices":['"$DENY,$(rule c 1 3 rwm)"']}'
    can_read /dev/null
    can_write /dev/null
    can_make "c 1 3"
    refute can_read /dev/zero
    refute can_make "c 1 5"
    refute can_make "b 7 0"
    kc update "$ID" <<< '{"devices":['"$DENY,$(rule c 1 5 rwm),$(rule b 7 -1 m)"']}'
    can_read /dev/zero
    can_make "b 7 3"
    refute can_read /dev/null
    refute can_make "c 1 3"
    kc update "$ID" <<< '{"devices":['"$DENY,$(rule c 1 3 rwm)"']}'
    can_read /dev/null
    refute can_read /dev/zero
    kc update "$ID" <<< '{"devices":[]}'
    can_read /dev/zero
    can_make "b 7 0"
}

@test "each kind of access by itself" {
    create_with <<< '{"devices":['"$DENY,$(rule c 1 3 r),$(rule c 1 5 w),$(rule c 1 7 m)"']}'
    can_read /dev/null
    refute can_write /dev/null
    refute can_make "c 1 3"
    can_write /dev/zero
    refute can_read /dev/zero
    can_make "c 1 7"
    refute can_read /dev/full
}

@test "rules in order: the last one that matches wins" {
    create_with <<< '{"devices":['"$DENY"',{"allow":true},{"allow":false,"type":"c","major":1,"minor":5,"access":"rwm"}]}'
    can_read /dev/null
    can_make "b 7 0"
    refute can_read /dev/zero
    assert_all_devices
    kc update "$ID" <<< '{"devices":[{"allow":true},{"allow":false,"type":"c","major":1,"minor":3,"access":"rwm"}]}'
    can_read /dev/zero
    refute can_read /dev/null
    kc update "$ID" <<< '{"devices":[{"allow":false},{"allow":true,"type":"c","major":1,"minor":3,"access":"rwm"},{"allow":false,"type":"c","major":1,"minor":3,"access":"w"}]}'
    can_read /dev/null
    refute can_write /dev/null
    refute can_read /dev/zero
}

@test "a hole in a wider rule: v2 can, v1 cannot and says so" {
    local document='{"devices":['"$DENY,$(rule c 1 -1 rwm)"',{"allow":false,"type":"c","major":1,"minor":5,"access":"w"}]}'
    if has devices; then
        run create <<< "$document"
        assert_failure 5
        assert_line --partial "devices: a rule takes a part out of a wider one"
        return
    fi
    create_with <<< "$document"
    can_write /dev/null
    can_read /dev/zero
    refute can_write /dev/zero
}

@test "unit and effect agree, also after daemon-reload and daemon-reexec" {
    create_with <<< '{"devices":['"$DENY,$(rule c 1 3 rwm),$(rule c 136 -1 rw)"']}'
    assert_properties "$UNIT" DevicePolicy=strict
    if [ "$KC_DRIVER" = systemd ]; then
        run systemctl show "$UNIT" -p DeviceAllow
        assert_output --partial "/dev/char/1:3 rwm"
        assert_output --partial "char-136 rw"
        systemctl daemon-reload
        systemctl daemon-reexec
    fi
    can_read /dev/null
    refute can_read /dev/zero
    kc update "$ID" <<< '{"devices":['"$DENY,$(rule c 1 5 rwm)"'],"pids":{"limit":100}}'
    [ "$KC_DRIVER" != systemd ] || systemctl daemon-reload
    can_read /dev/zero
    refute can_read /dev/null
    kc update "$ID" <<< '{"devices":[]}'
    assert_all_devices
    can_read /dev/null
}

@test "--hypervisor-devices: what a VMM needs and nothing else; hotplugged devices come and go" {
    start_shim
    create --pid "$SHIM" --hypervisor-devices < /dev/null
    [ "$KC_DRIVER" != systemd ] || [ "$KC_MODE" != overhead ] || { start_vmm && attach; }
    can_read /dev/null
    can_read /dev/urandom
    can_read /dev/full
    refute can_read /dev/kmsg
    can_read /dev/ptmx
    # Loop devices are for the shim, which is in this group in one of the modes.
    [ -e /dev/loop-control ] || modprobe loop
    if [ "$KC_MODE" = sandbox-only ]; then can_read /dev/loop-control; else refute can_read /dev/loop-control; fi
    # Making a node of any kind is no access to what it names.
    can_make "c 1 11"
    can_make "b 8 0"
    kc update "$ID" --add-device /dev/kmsg
    can_read /dev/kmsg
    # An update of the rules keeps both.
    kc update "$ID" <<< '{"devices":['"$DENY,$(rule b 7 0 m)"']}'
    can_read /dev/kmsg
    can_read /dev/null
    can_make "b 7 0"
    kc update "$ID" --remove-device /dev/kmsg
    refute can_read /dev/kmsg
    run kc update "$ID" --remove-device /dev/kmsg
    assert_failure 5
    run kc update "$ID" --add-device "$BATS_TEST_TMPDIR"
    assert_failure 5
    assert_output --partial "is not a device file"
}

@test "--hypervisor-devices: VFIO, IOMMUFD and confidential guests where the host has them, loop devices where the shim is" {
    # A /dev of the test's own.
    output=$(unshare -m sh -c 'mount -t tmpfs none /dev && mkdir -p /dev/vfio/devices && mknod /dev/null c 1 3 &&
        mknod /dev/iommu c 10 77 && mknod /dev/vfio/devices/vfio0 c 511 0 && mknod /dev/vfio/devices/vfio3 c 511 3 &&
        mknod /dev/sev c 10 78 && mknod /dev/loop-control c 10 237 && mkdir /dev/sgx_vepc &&
        "$0" "$@" < /dev/null' "$KATA_CGROUP" --root "$ROOT" create "$ID" --cgroups-path "$CGROUPS_PATH" \
        "${MODE_OPTION[@]}" --hypervisor-devices)
    local paths='["/dev/iommu","/dev/null","/dev/pts","/dev/sev","/dev/vfio/devices/vfio0","/dev/vfio/devices/vfio3","b *:*","c *:*"'
    output=$(kc inspect "$ID")
    if [ "$KC_MODE" = sandbox-only ]; then
        assert_json '[.devices[].path] | sort' "${paths/,\"\/dev\/null/,\"/dev/loop*\",\"/dev/loop-control\",\"/dev/null}]"
    else
        assert_json '[.devices[].path] | sort' "$paths]"
    fi
    assert_json '.devices[] | select(.path == "/dev/vfio/devices/vfio3") | [.type, .major, .minor, .access]' '["c",511,3,"rwm"]'
}

@test "a path that is another device by now: the rule follows it" {
    local plug=$BATS_TEST_TMPDIR/plug
    create_with <<< '{"devices":['"$DENY,$(rule c 1 3 rwm)"']}'
    mknod "$plug" c 240 1
    kc update "$ID" --add-device "$plug"
    can_make "c 240 1"
    # Plugged in again, with another number.
    rm "$plug"
    mknod "$plug" c 240 2
    kc update "$ID" --add-device "$plug"
    can_make "c 240 2"
    refute can_make "c 240 1"
    assert_equal "$(kc inspect "$ID" | jq -c '[.devices[] | [.path, .minor]]')" "[[\"$plug\",2]]"
    rm "$plug"
    kc update "$ID" --remove-device "$plug"
    refute can_make "c 240 2"
    # A container comes with a device that is plugged in for it, by its JSON.
    kc update "$ID" --container c --add-device /dev/zero -r - <<< '{"pids":{"limit":5}}'
    can_read /dev/zero
    kc update "$ID" --container c --remove --remove-device /dev/zero
    refute can_read /dev/zero
    assert_equal "$(kc inspect "$ID" | jq -c .containers)" '{}'
}

@test "an update that fails leaves the devices as they were" {
    create_with <<< '{"devices":['"$DENY,$(rule c 1 3 rwm)"'],"cpu":{"quota":100000}}'
    # Devices are changed after the files, of which one is refused; and the other way round on the way back.
    run kc update "$ID" <<< '{"devices":['"$DENY,$(rule c 1 5 rwm)"'],"cpu":{"burst":100000000}}'
    assert_failure 1
    can_read /dev/null
    refute can_read /dev/zero
    assert_properties "$UNIT" DevicePolicy=strict
    [ "$KC_DRIVER" != systemd ] || systemctl daemon-reload
    can_read /dev/null
    refute can_read /dev/zero
}

@test "what stays allowed is not denied for a moment while the rules change" {
    create_with <<< '{"devices":['"$DENY,$(rule c 1 3 rwm)"']}'
    inside "echo ready > $BATS_TEST_TMPDIR/ready; while :; do : < /dev/null || echo denied; done" \
        2> /dev/null > "$BATS_TEST_TMPDIR/denied" &
    wait_until test -s "$BATS_TEST_TMPDIR/ready"
    local minor
    for minor in 5 7 8 9 5; do
        kc update "$ID" <<< '{"devices":['"$DENY,$(rule c 1 "$minor" rwm),$(rule c 1 3 rwm)"']}'
    done
    kc update "$ID" <<< '{"devices":[{"allow":true},{"allow":false,"type":"c","major":1,"minor":5,"access":"rwm"}]}'
    kc update "$ID" <<< '{"devices":['"$DENY,$(rule c 1 3 rwm)"']}'
    can_read /dev/null
    assert_equal "$(< "$BATS_TEST_TMPDIR/denied")" ""
    kc delete --force "$ID"
}
