#!/usr/bin/env bats
# What a real shim does: it holds QEMU's only monitor, sets no debug-threads, and forks helpers after create.

load helpers

setup() { kc_setup; }

teardown() { kc_teardown; }

# A shim as Kata's: it makes the listening socket of the monitor, connects, starts QEMU, and asks for the vCPUs itself. Sets
# SHIM and VMM; QEMU's answer is in $BATS_TEST_TMPDIR/answer. QEMU ends with the shim.
start_shim_with_monitor() {
    local script=$BATS_TEST_TMPDIR/shim.sh
    cat > "$script" <<- END
		echo \$VMM_PID > $BATS_TEST_TMPDIR/vmm
		read -r greeting <&9
		echo '{"execute":"qmp_capabilities"}' >&9
		read -r answer <&9
		echo '{"execute":"query-cpus-fast"}' >&9
		read -r answer <&9
		echo "\$answer" > $BATS_TEST_TMPDIR/answer.part
		mv $BATS_TEST_TMPDIR/answer.part $BATS_TEST_TMPDIR/answer
		exec sleep 10000
	END
    "${KATA_CGROUP%/*}/qmp-shim" listen qemu-system-x86_64 -machine q35 -accel tcg,thread=multi -smp 2 -m 64 -S -nodefaults \
        -display none -chardev socket,fd=8,server=on,wait=off,id=q -mon chardev=q,mode=control then bash "$script" \
        3>&- > /dev/null 2>&1 &
    SHIM=$!
    STARTED+=("$SHIM")
    wait_until test -e "$BATS_TEST_TMPDIR/answer"
    VMM=$(< "$BATS_TEST_TMPDIR/vmm")
    STARTED+=("$VMM")
}

# The vCPU threads alone, or the VMM, are in the sandbox group.
assert_placed() {
    local tids=$1 i
    if ! places_threads; then
        assert_in_group "$VMM" sandbox
        return
    fi
    for i in "${!MOUNTS[@]}"; do
        [ "${VERSIONS[i]}" = 2 ] || assert_equal "$(sort -n "${MOUNTS[i]}/$SANDBOX_DIR/tasks")" "$tids"
    done
}

@test "the shim holds the monitor and knows the threads: QEMU's answer, whole or unwrapped, and INDEX:TID" {
    local answer=$BATS_TEST_TMPDIR/answer tids pairs former bad
    start_shim_with_monitor
    create --pid "$SHIM" <<< "$RESOURCES"
    tids=$(jq '.return[]."thread-id"' "$answer" | sort -n)
    former=$(cat "/proc/$VMM/task"/*/cgroup)

    # Somebody else's thread, a thread or an index twice, fewer than expected, none, nonsense: nothing moves.
    for bad in ".return[0].\"thread-id\" = $SHIM" '.return[1]."thread-id" = .return[0]."thread-id"' \
        '.return[1]."cpu-index" = 0' '.return[0]."thread-id" = "7"' '.return = 7'; do
        jq -c "$bad" "$answer" > "$answer.bad"
        run kc attach-vcpus "$ID" --vmm-pid "$VMM" --vcpus "$answer.bad"
        assert_one_error_line 5 "--vcpus"
    done
    run kc attach-vcpus "$ID" --vmm-pid "$VMM" --vcpu "0:$SHIM"
    assert_one_error_line 5 "--vcpu: thread $SHIM of vCPU 0 is not a thread of the VMM, process $VMM"
    run kc attach-vcpus "$ID" --vmm-pid "$VMM" --expect 3 --vcpus "$answer"
    assert_one_error_line 1 "process $VMM has 2 vCPU threads that were named, 3 were expected"
    run kc attach-vcpus "$ID" --vmm-pid "$VMM" --vcpus - <<< '[]'
    assert_one_error_line 1 "process $VMM has 0 vCPU threads that were named, 1 were expected"
    assert_equal "$(cat "/proc/$VMM/task"/*/cgroup)" "$former"
    assert_equal "$(kc inspect "$ID" | jq .vmm)" null

    run --separate-stderr kc attach-vcpus "$ID" --vmm-pid "$VMM" --expect 2 --vcpus - < "$answer"
    assert_success
    assert_json '[.vmmPid, (.vcpus | map(.tid))]' "[$VMM,$(jq -c '.return | map(."thread-id")' "$answer")]"
    assert_placed "$tids"

    jq -c .return "$answer" > "$answer.array"
    run --separate-stderr kc attach-vcpus "$ID" --vmm-pid "$VMM" --vcpus "$answer.array"
    assert_success
    mapfile -t pairs < <(jq -r '.return[] | "--vcpu", "\(."cpu-index"):\(."thread-id")"' "$answer")
    run --separate-stderr kc attach-vcpus "$ID" --vmm-pid "$VMM" "${pairs[@]}"
    assert_success
    assert_json '.vcpus | map(.index)' '[0,1]'
    assert_placed "$tids"
    end_vmm
    kc delete "$ID"
    assert_nothing_left
}
