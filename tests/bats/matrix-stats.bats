#!/usr/bin/env bats
# inspect --stats, compared with the kernel's files of both groups while nothing moves in them.

load helpers

setup() { kc_setup; }
teardown() { kc_teardown; }

# VERSION FILE LINE MEMBER: where the kernel has what the member tells; "-" for a file with one number.
SOURCES='
1 cpuacct.usage - cpu.usageUsec
2 cpu.stat usage_usec cpu.usageUsec
1 cpu.stat nr_periods cpu.periods
2 cpu.stat user_usec cpu.userUsec
2 cpu.stat system_usec cpu.systemUsec
1 memory.usage_in_bytes - memory.current
1 memory.max_usage_in_bytes - memory.peak
1 memory.kmem.usage_in_bytes - memory.stat.kernel
1 memory.stat total_rss memory.stat.anon
1 memory.stat total_cache memory.stat.file
1 memory.stat total_shmem memory.stat.shmem
1 memory.stat total_mapped_file memory.stat.fileMapped
1 memory.stat total_dirty memory.stat.fileDirty
1 memory.stat total_writeback memory.stat.fileWriteback
1 memory.stat total_inactive_anon memory.stat.inactiveAnon
1 memory.stat total_active_anon memory.stat.activeAnon
1 memory.stat total_inactive_file memory.stat.inactiveFile
1 memory.stat total_active_file memory.stat.activeFile
1 memory.stat total_unevictable memory.stat.unevictable
1 memory.stat total_pgfault memory.stat.pageFaults
1 memory.stat total_pgmajfault memory.stat.majorPageFaults
1 memory.stat total_workingset_refault_anon memory.stat.refaultsAnon
1 memory.stat total_workingset_refault_file memory.stat.refaultsFile
1 memory.failcnt - memory.events.max
1 memory.oom_control oom_kill memory.events.oomKill
2 memory.current - memory.current
2 memory.peak - memory.peak
2 memory.stat anon memory.stat.anon
2 memory.stat file memory.stat.file
2 memory.stat kernel memory.stat.kernel
2 memory.stat kernel_stack memory.stat.kernelStack
2 memory.stat pagetables memory.stat.pageTables
2 memory.stat slab memory.stat.slab
2 memory.stat sock memory.stat.sock
2 memory.stat shmem memory.stat.shmem
2 memory.stat file_mapped memory.stat.fileMapped
2 memory.stat file_dirty memory.stat.fileDirty
2 memory.stat file_writeback memory.stat.fileWriteback
2 memory.stat inactive_anon memory.stat.inactiveAnon
2 memory.stat active_anon memory.stat.activeAnon
2 memory.stat inactive_file memory.stat.inactiveFile
2 memory.stat active_file memory.stat.activeFile
2 memory.stat unevictable memory.stat.unevictable
2 memory.stat pgfault memory.stat.pageFaults
2 memory.stat pgmajfault memory.stat.majorPageFaults
2 memory.stat workingset_refault_anon memory.stat.refaultsAnon
2 memory.stat workingset_refault_file memory.stat.refaultsFile
2 memory.events max memory.events.max
2 memory.events oom_kill memory.events.oomKill
1 pids.current - pids.current
2 pids.current - pids.current
1 hugetlb.2MB.usage_in_bytes - hugetlb.2MB.current
2 hugetlb.2MB.current - hugetlb.2MB.current
1 blkio.throttle.io_service_bytes_recursive any io
1 blkio.throttle.io_serviced_recursive any io
2 io.stat any io'

# "GROUP MEMBER VALUE" lines out of the kernel's files: io.MAJOR:MINOR.readBytes and so on for devices.
kernel_stats() {
    local - group version file line member controller path rows='' last='' files=()
    set +T
    for group in "${BOTH[@]}"; do
        while read -r version file line member; do
            controller=${file%%.*} path=$SANDBOX_DIR
            [ "$controller" != blkio ] || controller=io
            [ "$group" = sandbox ] || path=$OVERHEAD_DIR
            path=${MOUNT_OF[$controller]:-}/$path/$file
            [ "${VERSION_OF[$controller]:-}" = "$version" ] && [ -e "$path" ] || continue
            rows+="$path $line $group $member"$'\n'
            [ "$path" = "$last" ] || files+=("$path")
            last=$path
        done <<< "${SOURCES#$'\n'}"
    done
    awk 'FNR == NR {member[$1, $2] = $3 " " $4; next}
        (FILENAME, "any") in member {
            name = member[FILENAME, "any"] "." $1 "."
            operations = FILENAME ~ /serviced/ ? "Operations" : "Bytes"
            if ($2 == "Read" || $2 == "Write")
                print name tolower($2) operations, $3
            for (i = 2; i <= NF; i++)
                if (split($i, pair, "=") == 2 && pair[1] ~ /^[rw](bytes|ios)$/)
                    print name (pair[1] ~ /^r/ ? "read" : "write") (pair[1] ~ /ios$/ ? "Operations" : "Bytes"), pair[2]
        }
        NF == 1 && (FILENAME, "-") in member {print member[FILENAME, "-"], FILENAME ~ /cpuacct/ ? int($1 / 1000) : $1}
        NF == 2 && (FILENAME, $1) in member {print member[FILENAME, $1], $2}' <(printf %s "$rows") "${files[@]}" | LC_ALL=C sort
}

# The same lines out of what inspect has said, and the total's.
inspected_stats() {
    jq -r '.stats as $stats | ("sandbox", "overhead", "total") as $group | $stats[$group] | values |
        .io = ([.io[]? | {key: "\(.major):\(.minor)", value: del(.major, .minor)}] | from_entries) |
        paths(numbers) as $path | "\($group) \($path | join(".")) \(getpath($path))"' <<< "$output" | LC_ALL=C sort
}

# Whether the kernel's files are the same before and after; v2 takes its time to add up memory.stat.
inspect_at_rest() {
    local before
    before=$(kernel_stats)
    run --separate-stderr kc inspect "$ID" --stats
    KERNEL=$(kernel_stats)
    [ "$before" = "$KERNEL" ]
}

# The kernel's numbers, no devices but the kernel's, and as a total the sum of both groups, where both have the number, but
# for a process that is in both.
assert_as_the_kernel_has_it() {
    wait_until inspect_at_rest
    assert_success
    INSPECTED=$(inspected_stats)
    assert_equal "$(LC_ALL=C comm -23 <(echo "$KERNEL") <(echo "$INSPECTED"))" ""
    assert_equal "$(grep -E '^(sandbox|overhead) io\.' <<< "$INSPECTED")" "$(grep -E '^[a-z]* io\.' <<< "$KERNEL")"
    assert_equal "$(awk -v groups=${#BOTH[@]} '$2 ~ /^pressure|(limit|swapLimit|peak)$/ || $2 == "pids.processes" {next}
        $1 == "total" {total[$2] = $3; next}
        {sum[$2] += $3; known[$2]++}
        END {
            for (name in sum)
                if (known[name] == groups || name ~ /^io\./ ? !(name in total) || total[name] != sum[name] : name in total)
                    print name, sum[name], total[name]
            for (name in total) if (!(name in sum)) print name, total[name]
        }' <<< "$INSPECTED")" ""
    assert_json '.stats.total.io // [] | map([.major, .minor]) | length == (unique | length)' true
    assert_json '.stats | del(.sandbox, .overhead, .total, .vcpuSubtree) == .sandbox' true
    assert_json '[.stats | .sandbox, .overhead, .total | objects | .memory | objects | .workingSet ==
        if .current and .stat.inactiveFile then [0, .current - .stat.inactiveFile] | max else null end] | all' true
    assert_json '[.stats.total | paths | .[-1] | select(. == "limit" or . == "swapLimit" or . == "peak" or . == "pressure")]' '[]'
}

# value GROUP MEMBER: as inspect has told it
value() { sed -n "s/^$1 $2 //p" <<< "$INSPECTED"; }

@test "64 MiB touched in each group: memory, CPU time and tasks, and their sum" {
    local group file=cgroup.procs
    create_attached
    for group in "${BOTH[@]}"; do touch_memory "$group" 64; done
    assert_as_the_kernel_has_it
    for group in "${BOTH[@]}"; do
        assert [ "$(value "$group" cpu.usageUsec)" -gt 0 ]
        # On a hybrid host with memory on v2, a scope has the controller where it got a limit: the sandbox's.
        if has memory && [ "$group $KC_DRIVER $HOST_VERSION ${VERSION_OF[memory]}" != "overhead systemd 1 2" ]; then
            assert [ "$(value "$group" memory.workingSet)" -ge 67108864 ]
            assert [ "$(value "$group" memory.stat.anon)" -ge 67108864 ]
        fi
    done
    # VMM, shim, and one process a group; on v1 the VMM has threads in both.
    assert_equal "$(value total pids.processes)" $((2 + ${#BOTH[@]}))
    ! places_threads || assert_equal "$(value sandbox pids.processes) $(value overhead pids.processes)" "2 3"
    [ "$KC_MODE" = overhead ] || assert_json '.stats.overhead' null
}

# A device that is written to and read past the page cache: null_blk, or the disk below a file of the test's. Sets DEVICE
# to MAJOR:MINOR and TARGET.
find_device() {
    if modprobe null_blk nr_devices=1 2> /dev/null; then
        TARGET=/dev/nullb0
        read -r DEVICE < /sys/block/nullb0/dev
    else
        TARGET=$BATS_TEST_TMPDIR/file
        DEVICE=$(stat -c '%Hd:%Ld' "$BATS_TEST_TMPDIR")
    fi
}

@test "io and huge pages that move in each group, and their sum" {
    local group amount=0 free throttle resources=$RESOURCES overhead={}
    # With a limit, also a scope on v2 has the controller; and v1 counts what is throttled.
    ! has hugetlb || resources=${resources%\}}',"hugepageLimits":[{"pageSize":"2MB","limit":1073741824}]}'
    if has io; then
        find_device
        throttle='[{"major":'${DEVICE%:*}',"minor":'${DEVICE#*:}',"rate":1099511627776}]'
        throttle='"blockIO":{"throttleReadBpsDevice":'$throttle',"throttleWriteBpsDevice":'$throttle'}}'
        resources=${resources%\}},$throttle
        overhead={$throttle
    fi
    start_shim
    if [ "$KC_MODE" = overhead ]; then
        create --pid "$SHIM" --resources <(echo "$resources") --overhead-resources - <<< "$overhead"
    else
        create --pid "$SHIM" <<< "$resources"
    fi
    start_vmm
    attach
    if has io; then
        for group in "${BOTH[@]}"; do
            amount=$((amount + 1))
            start_in "$group" sh -c "dd if=/dev/zero of=$TARGET bs=64k count=$((4 * amount)) oflag=direct 2> /dev/null
                dd if=$TARGET of=/dev/null bs=64k count=$((2 * amount)) iflag=direct 2> /dev/null; echo; exec sleep 10000"
        done
    fi
    read -r _ free < <(grep HugePages_Free /proc/meminfo)
    if has hugetlb && [ "$free" -ge 6 ]; then
        touch_memory sandbox 4 huge
        [ "$KC_MODE" = sandbox-only ] || touch_memory overhead 8 huge
    else
        free=0
    fi
    assert_as_the_kernel_has_it
    # Reads: also of the programs, where they are on that disk.
    if has io; then
        amount=0
        for group in "${BOTH[@]}"; do
            amount=$((amount + 1))
            assert_equal "$(value "$group" "io.$DEVICE.writeBytes")" $((262144 * amount))
            assert [ "$(value "$group" "io.$DEVICE.readBytes")" -ge $((131072 * amount)) ]
        done
    fi
    if [ "$free" -gt 0 ]; then
        assert_equal "$(value sandbox hugetlb.2MB.current)" 4194304
        if [ "$KC_MODE" = sandbox-only ]; then
            assert_json .stats.overhead null
        elif ! on_v1 hugetlb && [ ! -e "$(group_dir overhead hugetlb)/hugetlb.2MB.current" ]; then
            # Without the controller, what one group has used is not known, nor is the sum.
            assert_json '.stats | .overhead, .total | .hugetlb["2MB"].current' $'null\nnull'
        else
            assert_equal "$(value overhead hugetlb.2MB.current)" 8388608
        fi
    fi
}

@test "a group that is not there yet has used nothing" {
    [ "$KC_MODE" = overhead ] || return 0
    start_shim
    create --pid "$SHIM" <<< '{}'
    [ "$KC_DRIVER" = systemd ] || rmdir "${MOUNTS[@]/%//$SANDBOX_DIR}"
    run --separate-stderr kc inspect "$ID" --stats
    assert_success
    assert_json '.stats | [.sandbox.cpu.usageUsec, .sandbox.pids.current, .total.pids]' '[null,null,{"current":1,"processes":1}]'
    assert_json '.stats.total.cpu == .stats.overhead.cpu' true
}
