#!/usr/bin/env bats
# The life of a sandbox with a real QEMU: groups, limits, members and units are those of kata-cgroup(8).

load helpers

setup() { kc_setup; }

teardown() {
    local state
    # Those of other IDs that a test has made.
    for state in "$ROOT"/*; do
        [[ $state = *"/$ID" || ! -e $state ]] || kc delete --force "${state##*/}" > /dev/null 2>&1 || true
    done
    kc_teardown
    remove_parents kata_sandboxed_pod
}

@test "kata-containers #6232: the whole life of a sandbox with a real QEMU and two vCPUs" {
    # The parent belongs to the container manager: its limits are not ours to change.
    local parent tids i dir
    if [ "$KC_DRIVER" = cgroupfs ]; then
        for dir in "${MOUNTS[@]}"; do mkdir -p "$dir/$PARENT_DIR"; done
        parent=${MOUNT_OF[pids]}/$PARENT_DIR
        if ! on_v1 pids; then
            echo +pids > "${parent%/*/*}/cgroup.subtree_control"
            echo +pids > "${parent%/*}/cgroup.subtree_control"
        fi
        echo 3000 > "$parent/pids.max"
    fi

    start_shim
    run --separate-stderr create --pid "$SHIM" <<< "$RESOURCES"
    assert_success
    refute_output
    # On v1 the memory limit does not bind a VMM whose memory is charged elsewhere.
    assert_equal "$(grep -v 'warning: memory.limit: on cgroup v1' <<< "$stderr")" ""

    start_qemu
    run --separate-stderr kc attach-vcpus "$ID" --qmp "$SOCKET" --expect 2
    assert_success
    assert_json '[.vmmPid, (.vcpus | map(.index))]' "[$VMM,[0,1]]"
    tids=$(jq -r '.vcpus[].tid' <<< "$output" | sort -n)

    assert_limits
    [ "$KC_DRIVER" = systemd ] || assert_equal "$(< "$parent/pids.max")" 3000

    if places_threads; then
        assert_json .placement '"threads"'
        for i in "${!MOUNTS[@]}"; do
            dir=${MOUNTS[i]}
            assert_equal "$(< "$dir/$SANDBOX_DIR/cgroup.procs")" "$VMM"
            [ "${VERSIONS[i]}" = 1 ] || continue
            assert_equal "$(sort -n "$dir/$SANDBOX_DIR/tasks")" "$tids"
            [[ $'\n'$(< "$dir/$OVERHEAD_DIR/cgroup.procs")$'\n' == *$'\n'$VMM$'\n'* ]]
        done
    else
        assert_json .placement '"process"'
        assert_in_group "$VMM" sandbox
    fi
    assert_properties "$UNIT" TimeoutStopUSec=5min "Slice=${PARENT_DIR##*/}" "ControlGroup=/$SANDBOX_DIR" Delegate=yes \
        CPUAccounting=yes IOAccounting=yes MemoryAccounting=yes TasksAccounting=yes ActiveState=active

    end_vmm
    run kc delete "$ID"
    assert_success
    refute_output
    assert_nothing_left
    [ "$KC_DRIVER" = systemd ] || assert_equal "$(< "$parent/pids.max")" 3000
}

@test "#13338: create places the runtime processes, in every hierarchy, before it returns" {
    start_shim
    local first=$SHIM
    start_shim
    run create --pid "$first" --pid "$SHIM" < /dev/null
    assert_success
    local group=overhead
    [ "$KC_MODE" = overhead ] || group=sandbox
    assert_in_group "$first" "$group"
    assert_in_group "$SHIM" "$group"
}

@test "sandbox-only mode has no overhead group anywhere; overhead mode has one" {
    create_full
    local dir found=0
    for dir in "${MOUNTS[@]}"; do
        [ ! -d "$dir/$OVERHEAD_DIR" ] || found=$((found + 1))
    done
    if [ "$KC_MODE" = sandbox-only ]; then
        assert_equal "$found" 0
        assert_equal "$(kc inspect "$ID" | jq -c .overhead)" null
    else
        assert [ "$found" -gt 0 ]
    fi
}

# IDs that are not the name of a unit, or of a directory, as they are.
odd_ids() {
    local x plus
    printf -v x '%*s' $((255 - ${#ID})) ''
    plus=${x// /+} x=${x// /x}
    printf '%s\n' "$ID+b" "memory.$ID" "_memory.$ID" "cgroup.$ID" "$ID.slice" "$ID$x" "$ID$plus" "memory.$ID${x:7}"
}

# directories_of PID: the lines of its groups that are of a sandbox
directories_of() { sed -n 's|^[^:]*:[^:]*:/\(kata.*\)|\1|p' "/proc/$1/cgroup" | sort -u; }

@test "every ID has its default paths, escaped or shortened where they could not be" {
    local id pid mount place options=("${MODE_OPTION[@]}") seen=' '
    # With systemd it is the overhead's path that is not given, in either mode's run.
    [ "$KC_DRIVER" = cgroupfs ] || options=(--cgroups-path "$CGROUPS_PATH")
    while read -r id; do
        start_process
        pid=$!
        kc create "$id" "${options[@]}" --pid "$pid" <<< '{"pids":{"limit":77}}'
        place=$(directories_of "$pid")
        [ "$(wc -l <<< "$place")" = 1 ]
        [[ $seen != *" $place "* ]]
        seen+="$place "
        case "$KC_DRIVER $id" in
        systemd*\ *+*) [[ $id = *++* ]] || assert_equal "${place##*/}" "kata-cgroup-$(systemd-escape "$id").scope" ;;
        systemd*.slice) assert_equal "${place##*/}" "kata-cgroup-$(systemd-escape "${id%.slice}")\\x2eslice.scope" ;;
        systemd*xxx) assert_equal "$(basename "$place" | wc -c)" 256 ;;
        systemd*) assert_equal "${place##*/}" "kata-cgroup-$id.scope" ;;
        *\ *memory.*xxx) [[ ${place##*/} = _memory.*~* ]] ;;
        *\ memory.* | *\ _memory.* | *\ cgroup.*) assert_equal "${place##*/}" "_$id" ;;
        *) assert_equal "${place##*/}" "$id" ;;
        esac
        [ "$KC_DRIVER" = cgroupfs ] || assert_equal "$(systemctl is-active "${place##*/}")" active
        run --separate-stderr kc inspect "$id"
        assert_json "[.overhead, .sandbox] | map(select(.).processes) | add" "[$pid]"
        kc delete "$id"
        for mount in "${MOUNTS[@]}"; do [ ! -e "$mount/$place" ]; done
        assert_nothing_left
    done < <(odd_ids)
}

@test "what is not given is not limited: no pids.max, and TasksMax=infinity" {
    start_shim
    create --pid "$SHIM" < /dev/null
    start_vmm
    attach
    assert_file sandbox pids pids.max max pids.max max
    assert_properties "$UNIT" TasksMax=infinity
    if [ "$KC_MODE" = overhead ]; then
        assert_file overhead pids pids.max max pids.max max
        assert_properties "$OVERHEAD_UNIT" TasksMax=infinity
    fi
}

@test "#4852: a systemd scope without a process is deferred: it starts with the VMM in it and the limits on it" {
    create <<< "$RESOURCES"
    if [ "$KC_DRIVER" = systemd ]; then
        assert_equal "$(kc inspect "$ID" | jq .sandbox.exists)" false
        assert_equal "$(systemctl show "$UNIT" -p LoadState --value)" not-found
    else
        assert_equal "$(kc inspect "$ID" | jq .sandbox.exists)" true
    fi
    start_vmm
    attach
    assert_limits
    assert_equal "$(kc inspect "$ID" | jq .sandbox.exists)" true
}

@test "runtime-rs attach: vCPU threads are found by name; attaching twice does nothing twice" {
    create_full
    start_vmm
    run --separate-stderr kc attach-vcpus "$ID" --vmm-pid "$VMM" --expect 2
    assert_success
    local first=$output
    assert_equal "$(jq -c '.vcpus | map(.tid)' <<< "$output")" "[$(thread_of 'CPU 0/KVM'),$(thread_of 'CPU 1/KVM')]"
    run --separate-stderr kc --debug attach-vcpus "$ID" --vmm-pid "$VMM"
    assert_success
    assert_equal "$output" "$first"
    refute [ -n "$(grep 'debug: write' <<< "$stderr")" ]
    if places_threads; then
        assert_equal "$(cgroup_of "$(thread_of 'CPU 0/KVM')" cpu)" "/$SANDBOX_DIR"
        assert_equal "$(cgroup_of "$(thread_of worker)" cpu)" "/$OVERHEAD_DIR"
    else
        assert_equal "$(cgroup_of "$(thread_of worker)" cpu)" "/$SANDBOX_DIR"
    fi
}

@test "runtime-rs vCPU pinning race: too few vCPUs is an error that places nothing" {
    create_full
    start_vmm
    local before=$(< "/proc/$VMM/cgroup")
    run kc attach-vcpus "$ID" --vmm-pid "$VMM" --expect 3 --timeout 0
    assert_failure 1
    assert_output --partial "2 vCPU threads, 3 were expected"
    assert_equal "$(< "/proc/$VMM/cgroup")" "$before"
    assert_equal "$(kc inspect "$ID" | jq .vmm)" null
}

@test "--pin gives each vCPU its CPU, and undoes that where the numbers differ" {
    has cpuset || { # without cpusets there is nothing to pin to, and naming one is an error
        start_shim
        run create --pid "$SHIM" <<< '{"cpu":{"cpus":"0-1"}}'
        assert_failure 1
        assert_output --partial "cpu.cpus: the cpuset controller is mounted nowhere"
        assert_nothing_left
        return
    }
    create_full
    start_vmm
    run --separate-stderr kc attach-vcpus "$ID" --vmm-pid "$VMM" --pin
    assert_success
    assert_equal "$(jq -c '.vcpus | map(.cpus)' <<< "$output")" '["0","1"]'
    local task=/proc/$VMM/task/$(thread_of 'CPU 1/KVM')
    assert_equal "$(awk '/Cpus_allowed_list/ {print $2}' "$task/status")" 1
    # One CPU for two vCPUs: both may run on it. And back.
    kc update "$ID" <<< '{"cpu":{"cpus":"0"}}'
    assert_equal "$(awk '/Cpus_allowed_list/ {print $2}' "$task/status")" 0
    kc update "$ID" <<< '{"cpu":{"cpus":"0-1"}}'
    assert_equal "$(awk '/Cpus_allowed_list/ {print $2}' "$task/status")" 1
}

@test "inspect says what is there" {
    create_full
    start_vmm
    attach
    run --separate-stderr kc inspect "$ID"
    assert_success
    local only=false
    [ "$KC_MODE" = overhead ] || only=true
    assert_json '[.id, .driver, .cgroupVersion, .sandboxCgroupOnly]' "[\"$ID\",\"$KC_DRIVER\",$HOST_VERSION,$only]"
    assert_json '[.sandbox.cgroupsPath, .sandbox.unit // "none", .vmm.pid, (.sandbox.processes | index('"$VMM"') != null)]' \
        "[\"$CGROUPS_PATH\",\"${UNIT:-none}\",$VMM,true]"
    assert_equal "$(jq -cS .resources <<< "$output")" "$RESOURCES"
    assert [ -d "$(jq -r .sandbox.path <<< "$output")" ]
    if [ "$HOST_VERSION" = 2 ]; then
        assert_json '.sandbox.paths | keys' '["unified"]'
    else
        assert_json .sandbox.paths.pids "\"$(group_dir sandbox pids)\""
    fi
    ! places_threads ||
        assert_json .sandbox.threads "[$(thread_of 'CPU 0/KVM'),$(thread_of 'CPU 1/KVM')]"
    run --separate-stderr kc list --format json
    assert_json '.[] | [.id, .exists]' "[\"$ID\",true]"
}

@test "--dry-run prints the plan and changes nothing" {
    run --separate-stderr create --dry-run --pid $$ <<< "$RESOURCES"
    assert_success
    assert_equal "$(jq -r '.plan | map(select(.write == "pids.max")) | .[0].value' <<< "$output")" 1000
    assert_nothing_left
}

@test "a create that the kernel refuses is rolled back, processes and all" {
    start_shim
    # No kernel takes a burst above the quota.
    local before document='{"pids":{"limit":100},"cpu":{"quota":100000,"burst":100000000000}}'
    before=$(< "/proc/$SHIM/cgroup")
    if [ "$KC_MODE" = overhead ] && [ "$KC_DRIVER" = systemd ]; then
        # The scope that is refused is the VMM's.
        create --pid "$SHIM" <<< "$document"
        start_vmm
        before=$(< "/proc/$VMM/cgroup")
        run kc attach-vcpus "$ID" --vmm-pid "$VMM"
        assert_failure 1
        assert_equal "${#lines[@]}" 1
        assert_equal "$(< "/proc/$VMM/cgroup")" "$before"
        assert_equal "$(systemctl list-units --all --no-legend --plain "$UNIT")" ""
        return
    fi
    run create --pid "$SHIM" <<< "$document"
    assert_failure 1
    assert_equal "${#lines[@]}" 1
    assert_equal "$(< "/proc/$SHIM/cgroup")" "$before"
    assert_nothing_left
}
