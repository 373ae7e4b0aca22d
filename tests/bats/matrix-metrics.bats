#!/usr/bin/env bats
# metrics, compared with the kernel's files while nothing moves in them, and what becomes of the file.

load helpers

setup() { kc_setup; }
teardown() { kc_teardown; }

# VERSION FILE LINE UNIT SERIES: where the kernel has what a series tells. LINE is "-" for a file with one number; UNIT is what
# the kernel counts in, ns, us, or "-" for what is the same in both.
SOURCES='
1 cpuacct.usage - ns cpu_usage_seconds_total
1 cpu.stat nr_periods - cpu_periods_total
1 cpu.stat nr_throttled - cpu_throttled_periods_total
1 cpu.stat throttled_time ns cpu_throttled_seconds_total
2 cpu.stat usage_usec us cpu_usage_seconds_total
2 cpu.stat user_usec us cpu_user_seconds_total
2 cpu.stat system_usec us cpu_system_seconds_total
2 cpu.stat nr_periods - cpu_periods_total
2 cpu.stat nr_throttled - cpu_throttled_periods_total
2 cpu.stat throttled_usec us cpu_throttled_seconds_total
1 memory.usage_in_bytes - - memory_usage_bytes
1 memory.max_usage_in_bytes - - memory_peak_bytes
1 memory.limit_in_bytes - - memory_limit_bytes
1 memory.stat total_rss - memory_kind_bytes,kind="anon"
1 memory.stat total_inactive_file - memory_kind_bytes,kind="inactive_file"
1 memory.stat total_pgmajfault - memory_major_page_faults_total
1 memory.failcnt - - memory_events_total,event="max"
1 memory.oom_control oom_kill - oom_kills_total
2 memory.current - - memory_usage_bytes
2 memory.peak - - memory_peak_bytes
2 memory.max - - memory_limit_bytes
2 memory.swap.current - - memory_swap_usage_bytes
2 memory.stat anon - memory_kind_bytes,kind="anon"
2 memory.stat kernel_stack - memory_kind_bytes,kind="kernel_stack"
2 memory.stat inactive_file - memory_kind_bytes,kind="inactive_file"
2 memory.stat pgmajfault - memory_major_page_faults_total
2 memory.events high - memory_events_total,event="high"
2 memory.events max - memory_events_total,event="max"
2 memory.events oom_kill - oom_kills_total
1 pids.current - - tasks
2 pids.current - - tasks
1 pids.max - - tasks_limit
2 pids.max - - tasks_limit
1 hugetlb.2MB.usage_in_bytes - - hugetlb_usage_bytes,size="2MB"
2 hugetlb.2MB.current - - hugetlb_usage_bytes,size="2MB"
1 blkio.throttle.io_service_bytes_recursive Read - io_read_bytes_total
1 blkio.throttle.io_service_bytes_recursive Write - io_written_bytes_total
1 blkio.throttle.io_serviced_recursive Read - io_reads_total
1 blkio.throttle.io_serviced_recursive Write - io_writes_total
2 io.stat rbytes= - io_read_bytes_total
2 io.stat wbytes= - io_written_bytes_total
2 io.stat rios= - io_reads_total
2 io.stat wios= - io_writes_total
2 cpu.pressure some us pressure_seconds_total,resource="cpu",share="some"
2 memory.pressure full us pressure_seconds_total,resource="memory",share="full"
2 io.pressure some us pressure_seconds_total,resource="io",share="some"'

# The samples that these files make. A limit that is not set has none.
kernel_samples() {
    local - group version file line unit series controller mount path rows='' files=()
    local -A seen=()
    set +T
    for group in "${BOTH[@]}"; do
        while read -r version file line unit series; do
            controller=${file%%.*} path=$SANDBOX_DIR
            [ "$controller" != blkio ] || controller=io
            [ "$group" = sandbox ] || path=$OVERHEAD_DIR
            mount=${MOUNT_OF[$controller]:-}
            # Pressure is the v2 tree's, whichever controllers that has.
            [[ $file != *.pressure ]] || mount=${UNIFIED:-}
            path=$mount/$path/$file
            [[ $file = *.pressure || ${VERSION_OF[$controller]:-} = "$version" ]] && [ -n "$mount" ] && [ -e "$path" ] ||
                continue
            rows+="$path $line $unit $group $series"$'\n'
            [ -n "${seen[$path]:-}" ] || files+=("$path")
            seen[$path]=1
        done <<< "${SOURCES#$'\n'}"
    done
    # Nobody may read the pressure where PSI is off.
    awk -v id="$ID" '
        function sample(row, device, value) {
            if (unit[row] == "ns") value = int(value / 1000)
            if (unit[row] != "-") value = sprintf("%d.%06d", int(value / 1000000), value % 1000000)
            labels = series[row]
            name = labels
            sub(/,.*/, "", name)
            sub(/^[^,]*/, "", labels)
            if (device) labels = labels ",device=\"" device "\""
            print "kata_cgroup_" name "{id=\"" id "\",group=\"" group[row] "\"" labels "} " value
        }
        FNR == NR {file[NR] = $1; line[NR] = $2; unit[NR] = $3; group[NR] = $4; series[NR] = $5; count = NR; next}
        {
            for (row = 1; row <= count; row++) {
                if (file[row] != FILENAME) continue
                if (line[row] == "-") {if ($1 != "max" && $1 < 9e18) sample(row, "", $1)}
                else if (FILENAME ~ /blkio/) {if ($2 == line[row]) sample(row, $1, $3)}
                else if (FILENAME ~ /io.stat$/) {
                    for (i = 2; i <= NF; i++)
                        if (index($i, line[row]) == 1) sample(row, $1, substr($i, length(line[row]) + 1))
                }
                else if (FILENAME ~ /pressure$/) {if ($1 == line[row]) {sub(/.*total=/, ""); sample(row, "", $0)}}
                else if ($1 == line[row]) sample(row, "", $2)
            }
        }' <(printf %s "$rows") "${files[@]}" 2> /dev/null | LC_ALL=C sort
}

# Whether the kernel's files are the same before and after; v2 takes its time to add up memory.stat.
measure_at_rest() {
    local before
    before=$(kernel_samples)
    METRICS=$(kc metrics)
    KERNEL=$(kernel_samples)
    [ "$before" = "$KERNEL" ]
}

find_unified() {
    local i
    UNIFIED=
    for i in "${!MOUNTS[@]}"; do [ "${VERSIONS[i]}" != 2 ] || UNIFIED=${MOUNTS[i]}; done
}

@test "each number is the kernel's, in seconds and bytes, for each group" {
    local group
    find_unified
    create_attached
    for group in "${BOTH[@]}"; do touch_memory "$group" 8; done
    wait_until measure_at_rest
    # One group has more series than another, but there are some of each kind.
    assert_equal "$(LC_ALL=C comm -23 <(echo "$KERNEL") <(LC_ALL=C sort <<< "$METRICS"))" ""
    # A host without a memory controller has seven.
    assert [ "$(grep -c 'group="sandbox"' <<< "$KERNEL")" -ge 7 ]
    grep -q "^kata_cgroup_tasks_limit{id=\"$ID\",group=\"sandbox\"} 1000$" <<< "$METRICS"
    grep -q "^kata_cgroup_sandbox_healthy{id=\"$ID\"} 1$" <<< "$METRICS"
    grep -q "^kata_cgroup_sandbox_info{id=\"$ID\",driver=\"$KC_DRIVER\",cgroups_path=\"$CGROUPS_PATH\"} 1$" <<< "$METRICS"
    [ "$KC_MODE" = overhead ] || ! grep 'group="overhead"' <<< "$METRICS"
    assert_equal "${METRICS##*$'\n'}" "# EOF"
    # Families are not interleaved, no series is twice, and each has its metadata.
    assert_equal "$(awk '/^# HELP/ {help[$3] = 1} /^# TYPE/ {if ($3 in type) print "twice:", $3; type[$3] = $4; now = $3}
        /^#/ {next}
        {name = $1; sub(/\{.*/, "", name); if (name != now || !help[name]) print "stray:", $0; if ($1 in seen) print "twice:", $0; seen[$1] = 1}
        (type[name] == "counter") != (name ~ /_total$/) {print "type:", name}' <<< "$METRICS")" ""
}

@test "the file is replaced as a whole, and stays as it was where that fails; what is broken does not hide the rest" {
    local file=$BATS_TEST_TMPDIR/kata.prom before
    create_full
    # A sandbox whose state is no state, and a directory of a create that has not got far.
    mkdir -m 700 "$ROOT/broken" "$ROOT/early"
    echo '{' > "$ROOT/broken/state.json"
    echo old > "$file"
    before=$(stat -c %i "$file")
    exec {reader}< "$file"
    run kc metrics --output "$file"
    assert_success
    refute_output
    assert_equal "$(cat <&"$reader")" old
    exec {reader}<&-
    assert_equal "$(stat -c %a "$file")" 644
    refute [ "$(stat -c %i "$file")" = "$before" ]
    assert_equal "$(grep -E '^kata_cgroup_sandbox_healthy' "$file")" \
        $'kata_cgroup_sandbox_healthy{id="broken"} 0\nkata_cgroup_sandbox_healthy{id="'"$ID"'"} 1'
    grep -q "^kata_cgroup_tasks{id=\"$ID\",group=\"$(runtime_group)\"} [1-9]" "$file"
    assert_equal "$(ls -A "$BATS_TEST_TMPDIR" | grep -c '\.new$')" 0

    ln -s "$file" "$BATS_TEST_TMPDIR/link"
    before=$(stat -c %i "$file")
    run kc metrics --output "$BATS_TEST_TMPDIR/link"
    assert_one_error_line 2 "--output: $BATS_TEST_TMPDIR/link is not a regular file"
    run kc metrics --output "$BATS_TEST_TMPDIR/nowhere/kata.prom"
    assert_one_error_line 1 "cannot write $BATS_TEST_TMPDIR/nowhere/kata.prom: No such file or directory"
    run kc metrics --format xml
    assert_one_error_line 2 '--format: "xml" is neither prometheus nor openmetrics'
    assert_equal "$(stat -c %i "$file")" "$before"
    rm -r "$ROOT/broken" "$ROOT/early"

    # The groups go, for whatever reason, and the sandbox is seen no more as healthy, nor anything of it counted.
    [ "$KC_DRIVER" = cgroupfs ] || return 0
    kill -KILL "$SHIM"
    wait "$SHIM" 2> /dev/null || true
    wait_until rmdir "${mounts[@]/%//$SANDBOX_DIR}"
    run --separate-stderr kc metrics
    assert_success
    assert_line "kata_cgroup_sandbox_healthy{id=\"$ID\"} 0"
    refute_output --partial 'group="sandbox"'
}
