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

# await_pid FILE: sets AWAITED to the process that says so there, which is the test's to end
await_pid() {
    wait_until test -s "$1"
    AWAITED=$(< "$1")
    STARTED+=("$AWAITED")
}

# Where this distribution has it: with QEMU until Debian 12, by itself from Debian 13 on.
virtiofsd() {
    local program
    for program in /usr/libexec/virtiofsd /usr/lib/qemu/virtiofsd; do
        [ ! -x "$program" ] || { echo "$program" && return; }
    done
}

# The shell words that start it on SOCKET, in the background.
virtiofsd_command() {
    mkdir -p "$BATS_TEST_TMPDIR/shared"
    case "$(virtiofsd)" in
    */libexec/*) echo "$(virtiofsd) --socket-path=$1 --shared-dir=$BATS_TEST_TMPDIR/shared" ;;
    *) echo "$(virtiofsd) --socket-path=$1 -o source=$BATS_TEST_TMPDIR/shared" ;;
    esac
}

@test "#13: a virtiofsd that the shim forks after create goes where the shim goes; nobody is waited for" {
    local dir=$BATS_TEST_TMPDIR helper
    # With systemd the scope ends its processes, which takes as long as they take. Nothing is waited for otherwise.
    local options=(--timeout 0)
    [ "$KC_DRIVER" = cgroupfs ] || options=()
    start_calling_shim "sh -c '$(virtiofsd_command "$dir/fs.sock") > $dir/fs.log 2>&1 & echo \$! > $dir/helper
        until [ -S $dir/fs.sock ]; do sleep 0.05; done
        exec $KATA_CGROUP --root $ROOT delete $ID ${options[*]}'"
    local former
    former=$(< "/proc/$SHIM/cgroup")
    create --pid "$SHIM" <<< "$RESOURCES"
    start_vmm
    attach
    end_vmm
    touch "$dir/go"
    await_pid "$dir/helper"
    helper=$AWAITED
    # It may have made itself a child, in namespaces of its own.
    STARTED+=($(pgrep -P "$helper" || true))
    wait_until test -s "$dir/status"
    assert_equal "$(< "$dir/said")$(< "$dir/status")" 0
    if [ "$KC_DRIVER" = cgroupfs ]; then
        ! has_ended "$helper" || fail "virtiofsd has ended: $(< "$dir/fs.log")"
        assert_equal "$(< "/proc/$helper/cgroup")" "$former"
        assert_equal "$(< "/proc/$SHIM/cgroup")" "$former"
    else
        wait_until has_ended "$helper"
    fi
    touch "$dir/end"
    wait_until assert_nothing_left
}

@test "#13: what the VMM has started is none of the shim's: delete lists it" {
    local dir=$BATS_TEST_TMPDIR child
    start_calling_shim "$KATA_CGROUP --root $ROOT exec $ID -- sh -c 'trap : TERM; sleep 10000 & echo \$! > $dir/child; wait; wait'"
    create --pid "$SHIM" <<< "$RESOURCES"
    touch "$dir/go"
    await_pid "$dir/child"
    child=$AWAITED
    VMM=$(kc inspect "$ID" | jq .vmm.pid)
    STARTED+=("$VMM")
    run kc delete "$ID" --timeout 0
    assert_one_error_line 1 "sandbox \"$ID\" still has processes (see --force): "
    assert_output --partial "$VMM (sh)"
    assert_output --partial "$child (sleep)"
    refute_output --partial "$SHIM ("
    kill -KILL "$VMM"
    wait_until has_ended "$VMM"
    # It is nobody's when the VMM has ended: this shim is no subreaper.
    run kc delete "$ID" --timeout 0
    assert_one_error_line 1 "still has processes (see --force): $child (sleep)"
}

@test "#13: where the VMM is a part of the shim (Dragonball), the shim attaches itself and deletes the sandbox" {
    local former ready
    # The shim has to hear how its delete ended: where systemd ends the scope, it does so by SIGTERM.
    exec {ready}< <(trap '' TERM && ON_SIGUSR2="$KATA_CGROUP --root $ROOT delete $ID > $BATS_TEST_TMPDIR/said 2>&1; echo \$? > $BATS_TEST_TMPDIR/status" \
        exec "$NAMED_THREADS" shim db_vcpu0 db_vcpu1 3>&-)
    VMM=$!
    SHIM=$VMM
    STARTED+=("$SHIM")
    read -r -u "$ready" _
    former=$(< "/proc/$SHIM/cgroup")
    create --pid "$SHIM" <<< "$RESOURCES"
    run --separate-stderr kc attach-vcpus "$ID" --vmm-pid "$SHIM"
    assert_success
    assert_json '.vcpus | map([.index, .tid])' "[[0,$(thread_of db_vcpu0)],[1,$(thread_of db_vcpu1)]]"
    assert_placed "$(printf '%s\n' "$(thread_of db_vcpu0)" "$(thread_of db_vcpu1)" | sort -n)"
    # To anybody else it is a VMM that lives.
    run kc delete "$ID" --timeout 0
    assert_one_error_line 1 "still has processes (see --force): $SHIM ("
    kill -USR2 "$SHIM"
    wait_until test -s "$BATS_TEST_TMPDIR/status"
    assert_equal "$(< "$BATS_TEST_TMPDIR/said")$(< "$BATS_TEST_TMPDIR/status")" 0
    [ "$KC_DRIVER" = systemd ] || assert_equal "$(< "/proc/$SHIM/cgroup")" "$former"
    end_vmm
    wait_until assert_nothing_left
}

@test "place: one more runtime process, where create would have placed it, recorded, and back at delete" {
    local group former present helper other
    group=$(runtime_group)
    # With none at create, a scope for the runtime processes starts with the first that is placed.
    create <<< "$RESOURCES"
    start_shim
    former=$(< "/proc/$SHIM/cgroup")
    start_process
    helper=$!
    run kc place "$ID" --pid "$SHIM" --pid "$helper"
    assert_success
    refute_output
    assert_in_group "$SHIM" "$group"
    assert_in_group "$helper" "$group"
    [ "$KC_DRIVER" = cgroupfs ] || assert_equal "$(systemctl is-active "$(group_unit "$group")")" active

    # Again is nothing twice; one that goes with the others is.
    start_process
    other=$!
    run kc place "$ID" --pid "$SHIM" --pid "$other"
    assert_success
    assert_equal "$(jq -c '.runtime | map(.pid)' "$ROOT/$ID/state.json")" "[$SHIM,$helper,$other]"
    assert_in_group "$other" "$group"

    # The VMM is none, nor is what is nobody's, and all of them or none.
    start_vmm
    attach
    start_process
    present=$(< "/proc/$!/cgroup")
    run kc place "$ID" --pid "$!" --pid "$VMM"
    assert_one_error_line 5 "--pid: process $VMM is the VMM of sandbox \"$ID\""
    assert_equal "$(< "/proc/$!/cgroup")" "$present"
    run kc place "$ID" --pid "$(< /proc/sys/kernel/pid_max)"
    assert_one_error_line 5 "--pid: "
    end_vmm
    kc delete "$ID"
    for helper in "$SHIM" "$helper" "$other"; do
        [ "$KC_DRIVER" = systemd ] && wait_until has_ended "$helper" || assert_equal "$(< "/proc/$helper/cgroup")" "$former"
    done
    assert_nothing_left
}

@test "place: who was placed goes back when the next one cannot be, or the state cannot be written" {
    local former first second point=renameat,renameat2,rename:error=EIO:when=2
    # With none at create, a scope for them is started by the first, and goes.
    create < /dev/null
    start_process
    first=$!
    former=$(< "/proc/$first/cgroup")
    start_process
    second=$!
    # The state cannot be written any more once everything is in its place.
    run traced -f -o /dev/null -e trace="${point%%:*}" -e inject="$point" \
        "$KATA_CGROUP_TRACED" --root "$ROOT" place "$ID" --pid "$first" --pid "$second"
    assert_failure 1
    if [ "$KC_DRIVER" = cgroupfs ]; then
        assert_equal "$(< "/proc/$first/cgroup")$(< "/proc/$second/cgroup")" "$former$former"
        # Each is a write in every hierarchy: the last of them is of the second.
        run traced -f -o /dev/null -P "$(group_dir "$(runtime_group)" pids)/cgroup.procs" -e trace=write \
            -e inject=write:error=EIO:when=2 "$KATA_CGROUP_TRACED" --root "$ROOT" place "$ID" --pid "$first" --pid "$second"
        assert_one_error_line 1 "cannot move process $second to"
        assert_equal "$(< "/proc/$first/cgroup")$(< "/proc/$second/cgroup")" "$former$former"
    else
        wait_until is_gone "$(group_unit "$(runtime_group)")"
    fi
    assert_equal "$(jq -c .runtime "$ROOT/$ID/state.json")" "[]"
    kc place "$ID" --pid "$first" --pid "$second"
    assert_in_group "$second" "$(runtime_group)"
}

is_gone() { ! systemctl is-active -q "$1"; }

@test "a VMM that was never attached: delete --force kills it, and spares what was placed by name" {
    local dir=$BATS_TEST_TMPDIR vmm
    start_calling_shim "sh -c 'sleep 10000 & echo \$! > $dir/vmm; wait'"
    create --pid "$SHIM" <<< "$RESOURCES"
    touch "$dir/go"
    await_pid "$dir/vmm"
    vmm=$AWAITED
    kc delete --force "$ID"
    wait_until has_ended "$vmm"
    [ "$KC_DRIVER" = systemd ] || ! has_ended "$SHIM" || fail "the shim was killed"
    touch "$dir/end"
    wait_until assert_nothing_left
}
