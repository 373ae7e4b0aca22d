#!/usr/bin/env bats
# Device programs of others in a sandbox's group.

load helpers

setup() { kc_setup; }
teardown() { kc_teardown; }

# may_open FILE: whether a process of the sandbox can
may_open() {
    bash -c 'echo $$ > "$1/cgroup.procs" && exec 3< "$2"' - "/sys/fs/cgroup/$SANDBOX_DIR" "$1" 2> /dev/null
}

@test "opencontainers/cgroups #69: as many programs as the kernel takes, and ours is found and replaced" {
    kc create "$ID" --cgroups-path "$CGROUPS_PATH" --sandbox-cgroup-only \
        <<< '{"devices":[{"allow":false},{"allow":true,"type":"c","major":1,"minor":3,"access":"rwm"}]}'
    may_open /dev/null
    refute may_open /dev/zero
    # BPF_CGROUP_MAX_PROGS is 64; ours is one, and the kernel wants room for another also to replace it.
    "${KATA_CGROUP%/*}/attach-programs" "/sys/fs/cgroup/$SANDBOX_DIR" 62
    kc update "$ID" <<< '{"devices":[{"allow":false},{"allow":true,"type":"c","major":1,"minor":5,"access":"rwm"}]}'
    may_open /dev/zero
    refute may_open /dev/null
    "${KATA_CGROUP%/*}/attach-programs" "/sys/fs/cgroup/$SANDBOX_DIR" 1
    run kc update "$ID" <<< '{"devices":[{"allow":false},{"allow":true,"type":"c","major":1,"minor":7,"access":"rwm"}]}'
    assert_one_error_line 1 "64 programs"
    may_open /dev/zero
    refute may_open /dev/null
    kc delete "$ID"
    assert_nothing_left
}

@test "a kernel that cannot replace a program: the new one is attached before the old one goes" {
    local trace=$BATS_TEST_TMPDIR/trace attach
    local null='{"devices":[{"allow":false},{"allow":true,"type":"c","major":1,"minor":3,"access":"rwm"}]}'
    local zero='{"devices":[{"allow":false},{"allow":true,"type":"c","major":1,"minor":5,"access":"rwm"}]}'
    kc create "$ID" --cgroups-path "$CGROUPS_PATH" --sandbox-cgroup-only <<< "$null"
    traced -o "$trace" -e trace=bpf "$KATA_CGROUP_TRACED" --root "$ROOT" update "$ID" <<< "$zero"
    assert grep -q 'BPF_PROG_ATTACH.*BPF_F_REPLACE' "$trace"
    attach=$(grep -n 'BPF_PROG_ATTACH' "$trace" | head -n 1 | cut -d: -f1)
    traced -o "$trace" -e trace=bpf -e inject=bpf:error=EINVAL:when="$attach" \
        "$KATA_CGROUP_TRACED" --root "$ROOT" update "$ID" <<< "$null"
    assert_equal "$(grep -o 'BPF_PROG_\(ATTACH\|DETACH\)' "$trace" | tr '\n' ' ')" "BPF_PROG_ATTACH BPF_PROG_ATTACH BPF_PROG_DETACH "
    may_open /dev/null
    refute may_open /dev/zero
}
