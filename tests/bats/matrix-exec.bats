#!/usr/bin/env bats
# exec: a VMM that is in its group from its first page on.

load helpers

setup() { kc_setup; }
teardown() { kc_teardown; }

# The group that a VMM's own threads belong to.
vmm_group() { places_threads && echo overhead || echo sandbox; }

# start_by_exec COMMAND...: says "ready" once the command does; sets VMM
start_by_exec() {
    local ready said
    exec {ready}< <(exec "$KATA_CGROUP" --root "$ROOT" exec "$ID" -- "$@" 3>&-)
    VMM=$!
    STARTED+=("$VMM")
    read -r -u "$ready" said
    exec {ready}<&-
}

@test "exec: the caller's child is the VMM, in its group, with the limits on it" {
    create_full
    start_by_exec "$NAMED_THREADS" io "CPU 0/KVM" "CPU 1/KVM"
    assert_equal "$(< "/proc/$VMM/comm")" named-threads
    assert_in_group "$VMM" "$(vmm_group)"
    assert_limits
    run --separate-stderr kc inspect "$ID"
    assert_json '[.vmm.pid, .vmm.vcpus]' "[$VMM,[]]"
    run --separate-stderr kc attach-vcpus "$ID" --vmm-pid "$VMM" --expect 2
    assert_success
    assert_json '[.vmmPid, (.vcpus | length)]' "[$VMM,2]"
    end_vmm
    kc delete "$ID"
    assert_nothing_left
}

@test "first touch: 64 MiB are charged to the VMM's group, and stay behind when it is moved afterwards" {
    has memory || { # nothing is charged on such a host; that exec works there is what is left
        create_full
        start_by_exec "$(dirname "$KATA_CGROUP")/touch-memory" 64
        assert_in_group "$VMM" "$(vmm_group)"
        return
    }
    local usage=memory.current moved
    ! on_v1 memory || usage=memory.usage_in_bytes
    create_full
    start_by_exec "$(dirname "$KATA_CGROUP")/touch-memory" 64
    moved=$(< "$(group_dir "$(vmm_group)" memory)/$usage")
    assert [ "$moved" -gt 67108864 ]
    end_vmm
    kc delete "$ID"
    create_full
    exec {ready}< <(exec "$(dirname "$KATA_CGROUP")/touch-memory" 64 3>&-)
    VMM=$!
    STARTED+=("$VMM")
    read -r -u "$ready" _
    if [ "$KC_DRIVER" = systemd ]; then
        # Placed as attach-vcpus does it, which a process without vCPUs is not.
        start_vmm
        attach
    fi
    echo "$VMM" > "$(group_dir "$(vmm_group)" memory)/cgroup.procs"
    assert [ "$(< "$(group_dir "$(vmm_group)" memory)/$usage")" -lt 33554432 ]
}

@test "environment, directory, descriptors and signals reach the command as they were; so does its status" {
    create_full
    local script='echo "$PWD $FROM_TEST $(cat <&7) $1"; grep SigIgn /proc/self/status; exit 42'
    cd "$BATS_TEST_TMPDIR"
    echo "by descriptor" > fd7
    run env FROM_TEST=variable "$KATA_CGROUP" --root "$ROOT" exec "$ID" -- sh -c "$script" sh "an argument" 7< fd7 3>&-
    assert_failure 42
    assert_line "$BATS_TEST_TMPDIR variable by descriptor an argument"
    assert_equal "${lines[1]}" "$(grep SigIgn /proc/self/status)"
}

@test "126 and 127 as in a shell; a sandbox that is not there is 3, and starts nothing" {
    create_full
    run -127 kc exec "$ID" -- /nonexistent/vmm
    assert_output --partial "cannot execute /nonexistent/vmm: No such file or directory"
    run -126 kc exec "$ID" "$BATS_TEST_TMPDIR"
    assert_equal "${#lines[@]}" 1
    run kc exec nosuch -- touch "$BATS_TEST_TMPDIR/started"
    assert_failure 3
    refute [ -e "$BATS_TEST_TMPDIR/started" ]
}

@test "hotplug: attach-vcpus finds new vCPUs, whatever their indexes, and pins anew" {
    create_full
    start_qemu 1,maxcpus=4
    run --separate-stderr kc attach-vcpus "$ID" --qmp "$SOCKET" --expect 1
    assert_success
    assert_json '.vcpus | map(.index)' '[0]'
    # The last of the places: indexes 0 and 3.
    "$QMP_COMMAND" "$SOCKET" '{"execute":"device_add","arguments":{"driver":"qemu64-x86_64-cpu","id":"cpu3","socket-id":0,"core-id":3,"thread-id":0}}'
    run --separate-stderr kc attach-vcpus "$ID" --qmp "$SOCKET" --expect 2
    assert_success
    assert_json '.vcpus | map(.index)' '[0,3]'
    local tids
    tids=$(jq -r '.vcpus[].tid' <<< "$output" | sort -n)
    if places_threads; then
        assert_equal "$(sort -n "$(group_dir sandbox pids)/tasks")" "$tids"
    else
        assert_in_group "$VMM" sandbox
    fi
    # As many vCPUs as CPUs in the cpuset: each has one of its own, and the third takes that away again.
    if has cpuset; then
        run --separate-stderr kc attach-vcpus "$ID" --qmp "$SOCKET" --pin
        assert_json '.vcpus | map(.cpus)' '["0","1"]'
        "$QMP_COMMAND" "$SOCKET" '{"execute":"device_add","arguments":{"driver":"qemu64-x86_64-cpu","id":"cpu1","socket-id":0,"core-id":1,"thread-id":0}}'
        run --separate-stderr kc attach-vcpus "$ID" --qmp "$SOCKET" --expect 3
        assert_json '.vcpus | map([.index, .cpus])' '[[0,"0-1"],[1,"0-1"],[3,"0-1"]]'
    fi
    assert_limits
}

@test "#4852: a scope that has ended with its VMM is started anew, with the limits on it" {
    create_full
    local i
    for i in 1 2; do
        start_vmm
        attach
        assert_limits
        end_vmm
        wait_until sandbox_has_ended
    done
    start_vmm
    attach
    assert_limits
    assert_in_group "$(thread_of "CPU 0/KVM")" sandbox
    end_vmm
    kc delete "$ID"
    assert_nothing_left
}

# In overhead mode a scope ends with the VMM; any other group stays, and is the one to be found again.
sandbox_has_ended() {
    [ "$KC_DRIVER" = cgroupfs ] || [ "$KC_MODE" = sandbox-only ] ||
        [ "$(systemctl show "$UNIT" -p LoadState --value)" = not-found ]
}
