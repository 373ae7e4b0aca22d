#!/usr/bin/env bats
# A real guest, which counts as fast as it can and says so each second, under limits that come and go. What is looked at
# are the kernel's own counters between two lines of the guest, never how long something takes: on a busy machine the
# guest gets less, and that is accounted, too.

load helpers
load ../guest/guest

setup() {
    kc_setup
    [ -e "$BATS_FILE_TMPDIR/initramfs" ] || make_initramfs "${KATA_CGROUP%/*}/guest-init" "$BATS_FILE_TMPDIR"
    : "${GUEST_KERNEL:=$("$BATS_TEST_DIRNAME/../guest/kernel.sh")}"
}

teardown() { kc_teardown; }

# start RESOURCES: a sandbox with a guest whose vCPUs are attached
start() {
    start_shim
    create --pid "$SHIM" <<< "$1"
    guest_command "$GUEST_KERNEL" "$BATS_FILE_TMPDIR/initramfs" "$SOCKET"
    start_guest "$KATA_CGROUP" --root "$ROOT" exec "$ID" -- "${GUEST_COMMAND[@]}"
    VMM=$GUEST_PID
    STARTED+=("$VMM")
    next_second
    run --separate-stderr kc attach-vcpus "$ID" --qmp "$SOCKET" --expect 2
    assert_success
    mapfile -t VCPUS < <(jq '.vcpus[].tid' <<< "$output")
}

# number FILE NAME: that is behind the name
number() { awk -v name="$2" '$1 == name {print $2}' "$1"; }

# What the host has accounted so far: USAGE in us; on v1 also OTHERS, what was used on other CPUs than the first, in ns.
read_counters() {
    local cpu
    cpu=$(group_dir sandbox cpu)
    PERIODS=$(number "$cpu/cpu.stat" nr_periods)
    THROTTLED=$(number "$cpu/cpu.stat" nr_throttled)
    if on_v1 cpu; then
        USAGE=$(($(< "$(group_dir sandbox cpuacct)/cpuacct.usage") / 1000))
        OTHERS=$(awk '{for (i = 2; i <= NF; i++) n += $i; printf "%.0f", n}' "$(group_dir sandbox cpuacct)/cpuacct.usage_percpu")
    else
        USAGE=$(number "$cpu/cpu.stat" usage_usec)
        OTHERS=0
    fi
}

# The clock that the host's kernel has, in cs.
clock() { local up && read -r up _ < /proc/uptime && echo "${up/./}"; }

# watch_guest LINES: what has happened from the guest's next line until so many lines later: USAGE, OTHERS, PERIODS and THROTTLED
# become the differences, COUNT is what the guest has counted, and ELAPSED not less than the time on the host's clock, in us.
watch_guest() {
    local begin usage others periods throttled count i
    fresh_second
    begin=$(clock)
    read_counters
    usage=$USAGE others=$OTHERS periods=$PERIODS throttled=$THROTTLED COUNT=0
    for ((i = 0; i < $1; i++)); do
        next_second
        for count in "${GUEST_COUNTS[@]}"; do COUNT=$((COUNT + count)); done
    done
    read_counters
    ELAPSED=$((($(clock) - begin + 1) * 10000))
    USAGE=$((USAGE - usage)) PERIODS=$((PERIODS - periods)) THROTTLED=$((THROTTLED - throttled))
    OTHERS=$((OTHERS - others))
    echo "# counted $COUNT in $USAGE us of CPU time, within $ELAPSED us; $THROTTLED of $PERIODS periods throttled"
}

# The guest counts as the host accounts: for the same CPU time the same, up to what caches, other work on the machine and the
# moment of reading make of it.
assert_counts_follow() {
    local rate=$((COUNT / (USAGE / 1000)))
    assert [ "$rate" -gt $((FREE_RATE / 3)) ]
    assert [ "$rate" -lt $((FREE_RATE * 3)) ]
}

@test "a quota, a lifted quota, a cpuset: what a guest gets done is what the host accounts, and within the limit" {
    local tid
    start '{"cpu":{"shares":1024}}'
    watch_guest 3
    assert [ "$USAGE" -le $((ELAPSED * $(nproc --all))) ]
    assert_equal "$THROTTLED" 0
    assert [ "$USAGE" -gt 0 ]
    FREE_RATE=$((COUNT / (USAGE / 1000)))

    kc update "$ID" <<< '{"cpu":{"quota":20000,"period":100000}}'
    watch_guest 4
    assert [ "$THROTTLED" -gt 0 ]
    # Whatever is left of the period before, and a tick too long on each CPU, which later periods pay for.
    assert [ "$USAGE" -le $(((PERIODS + 5) * 20000)) ]
    assert [ "$USAGE" -le $((ELAPSED / 5 + 5 * 20000)) ]
    assert_counts_follow

    kc update "$ID" <<< '{"cpu":{"quota":-1}}'
    watch_guest 2
    assert_equal "$THROTTLED $PERIODS" "0 0"
    assert_counts_follow

    has cpuset || return 0
    kc update "$ID" <<< '{"cpu":{"cpus":"0"}}'
    for tid in "${VCPUS[@]}"; do
        assert_equal "$(awk '/^Cpus_allowed_list/ {print $2}' "/proc/$VMM/task/$tid/status")" 0
    done
    watch_guest 3
    assert [ "$USAGE" -le "$ELAPSED" ]
    assert_equal "$OTHERS" 0
    assert_counts_follow
}

# memory_of sandbox|overhead: what is charged to it
memory_of() {
    local dir
    dir=$(group_dir "$1" memory)
    if on_v1 memory; then echo $(($(< "$dir/memory.usage_in_bytes"))); else echo $(($(< "$dir/memory.current"))); fi
}

# Processes that the kernel has killed for want of memory. A scope goes with its last process; on v2 the parent counts as well.
oom_kills() {
    if on_v1 memory; then
        number "$(group_dir sandbox memory)/memory.oom_control" oom_kill
    else
        number "${MOUNT_OF[memory]}/$PARENT_DIR/memory.events" oom_kill
    fi
}

# touch_memory MIB: false where the guest ends before it has touched so much more
touch_memory() {
    local wanted=$((GUEST_TOUCHED + $1))
    ask_for_memory "$1"
    while next_second; do
        [ "$GUEST_TOUCHED" -lt "$wanted" ] || return 0
    done
    return 1
}

# limit_memory BYTES: no swap is for it, either, where that is accounted
limit_memory() {
    local dir swap=''
    dir=$(group_dir sandbox memory)
    [ ! -e "$dir/memory.memsw.limit_in_bytes" ] && [ ! -e "$dir/memory.swap.max" ] || swap=',"swap":'$1
    kc update "$ID" <<< '{"memory":{"limit":'"$1$swap"'}}'
}

@test "a memory limit: a guest goes on below it, and ends at it; v1's sandbox group without the VMM does not bind it" {
    local group=sandbox limit kills status=0 peak
    has memory || return 0
    start '{}'
    ! places_threads || group=overhead
    limit=$(($(memory_of "$group") + (48 << 20)))
    kills=$(oom_kills)
    limit_memory "$limit"
    touch_memory 24
    if [ "$group" = overhead ]; then
        touch_memory 120
        assert [ "$(memory_of overhead)" -gt "$limit" ]
        assert [ "$(memory_of sandbox)" -lt $((16 << 20)) ]
        assert_equal "$(oom_kills)" "$kills"
        end_vmm
    else
        assert [ "$(memory_of sandbox)" -le "$limit" ]
        refute touch_memory 120
        wait_until has_ended "$VMM"
        wait "$VMM" || status=$?
        assert_equal "$status" $((128 + 9))
        assert [ "$(oom_kills)" -gt "$kills" ]
        for peak in "$(group_dir sandbox memory)"/memory.{max_usage_in_bytes,peak}; do
            [ ! -e "$peak" ] || assert [ "$(< "$peak")" -le "$limit" ]
        done
    fi
    run kc delete "$ID"
    assert_success
    assert_nothing_left
}
