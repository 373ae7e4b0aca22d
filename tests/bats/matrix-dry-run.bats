#!/usr/bin/env bats
# --dry-run says what the real run then does, in that order: both are reduced to the same lines and compared.

load helpers

setup() { kc_setup; }
teardown() { kc_teardown; }

# planned FILTER: the plan in $output, as far as jq's filter has it
planned() {
    local what a b c
    jq -r ".plan[] | select($1)"' |
        if .mkdir then ["mkdir", .mkdir, "", ""]
        elif .call then ["call", .call, .unit, ""]
        elif .property then ["property", .property, "", ""]
        elif .place then ["place", .place, "", ""]
        else ["write", .write, .value, .controller // ""] end | join("|")' <<< "$output" |
        while IFS='|' read -r what a b c; do
            # What is written to the group itself is named without its directory.
            [ "$what" != write ] || [[ $a = /* ]] || a=$(group_dir sandbox "${c/#blkio/io}")/$a
            echo "$what $a${b:+ $b}"
        done
}

# done_by COMMAND...: what a command does to control groups and asks of systemd, from a trace of its system calls
done_by() {
    local trace=$BATS_TEST_TMPDIR/trace
    traced -f -y -s 4096 -o "$trace" -e trace=mkdirat,write "$KATA_CGROUP_TRACED" --root "$ROOT" --debug "$@" > /dev/null 2>&1 || return
    sed -nE 's/^[0-9]+ +//; s/\\n"/"/
        s,^mkdirat\([0-9]+<(/sys/fs/cgroup[^>]*)>\, "([^"]*)".* = 0$,mkdir \1/\2,p
        s,^write\([0-9]+</sys/fs/cgroup[^>]*/cgroup\.procs>\, "([0-9]+)".* = [0-9]+$,place \1,p
        s,^write\([0-9]+<(/sys/fs/cgroup[^>]*)>\, "([^"]*)".* = [0-9]+$,write \1 \2,p
        s,^write\(2<.*debug: property [^ ]+ ([^=]+)=.*,property \1,p
        s,^write\(2<.*debug: D-Bus call (StartTransientUnit) ([^ "]+).*,call \1 \2,p' "$trace" | uniq |
        # A call is logged after its properties.
        awk '/^property/ { held = held $0 "\n"; next }
            /^call/ { print; printf "%s", held; held = ""; next }
            { printf "%s", held; held = ""; print }
            END { printf "%s", held }'
}

# assert_same PLANNED DONE
assert_same() {
    [ -n "$1" ]
    diff <(echo "$1") <(echo "$2") || fail "the plan (<) is not what is done (>)"
}

# assert_create_is_as_planned DOCUMENT: of what is not deferred
assert_create_is_as_planned() {
    start_shim
    run --separate-stderr create --dry-run --pid "$SHIM" <<< "$1"
    assert_success
    assert_same "$(planned '.deferred != true')" \
        "$(done_by create "$ID" --cgroups-path "$CGROUPS_PATH" "${MODE_OPTION[@]}" --pid "$SHIM" <<< "$1")"
}

@test "create --dry-run is what a trace of create shows, and of attach-vcpus where a scope is deferred" {
    local plan deferred
    start_shim
    run --separate-stderr create --dry-run --pid "$SHIM" <<< "$RESOURCES"
    assert_success
    assert_nothing_left
    plan=$(planned '.deferred != true')
    deferred=$(planned '.deferred == true')
    assert_same "$plan" "$(done_by create "$ID" --cgroups-path "$CGROUPS_PATH" "${MODE_OPTION[@]}" --pid "$SHIM" <<< "$RESOURCES")"
    if [ "$KC_DRIVER" = systemd ] && [ "$KC_MODE" = overhead ]; then
        start_vmm
        assert_same "$deferred" "$(done_by attach-vcpus "$ID" --vmm-pid "$VMM" | grep -v '^place')"
    else
        assert_equal "$deferred" ""
    fi
}

@test "create --dry-run where a part of the way is there, and both groups have it in common" {
    [ "$KC_DRIVER" = cgroupfs ] || return 0
    local dir
    for dir in "${MOUNTS[@]}"; do mkdir -p "$dir/kctest"; done
    [ "$KC_MODE" = sandbox-only ] || MODE_OPTION=(--overhead-path "$PARENT_DIR/overhead-$ID")
    assert_create_is_as_planned "$RESOURCES"
}

@test "create --dry-run with real-time bandwidth, or a threaded group, is what is done" {
    local document='{"cpu":{"shares":100}}'
    [ ! -e "${MOUNT_OF[cpu]}/cpu.rt_runtime_us" ] || document='{"cpu":{"realtimeRuntime":50000,"realtimePeriod":500000}}'
    [ "$HOST_VERSION" = 1 ] || MODE_OPTION+=(--vcpu-subtree)
    assert_create_is_as_planned "$document"
}

@test "create --dry-run fails where another's group, or unit, is in the way" {
    create_full
    start_vmm
    attach
    run kc create "$ID-b" --cgroups-path "$CGROUPS_PATH" "${MODE_OPTION[@]}" --dry-run < /dev/null
    assert_one_error_line 1 "is not of this sandbox \"$ID-b\""
    end_vmm
    kc delete "$ID"
    assert_nothing_left
}

@test "update --dry-run is what a trace of update shows" {
    local document
    create_full
    start_vmm
    attach
    for document in '{"cpu":{"quota":150000},"pids":{"limit":500}}' '{"cpu":{"shares":512}}'; do
        run --separate-stderr kc update "$ID" --dry-run <<< "$document"
        assert_success
        assert_same "$(planned true)" "$(done_by update "$ID" <<< "$document")"
    done
    has cpuset || return 0
    document='{"cpu":{"cpus":"1"}}'
    run --separate-stderr kc update "$ID" --container c1 --dry-run <<< "$document"
    assert_success
    assert_same "$(planned true)" "$(done_by update "$ID" --container c1 <<< "$document")"
}
