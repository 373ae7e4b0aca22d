#!/usr/bin/env bats
# The shims of doc/callers: each lives a pod's whole life with a real QEMU, and tells its own caller what fails.

load helpers

TOP=$BATS_TEST_DIRNAME/../..

setup() {
    "$TOP/scripts/build-callers.sh"
    kc_setup
    BUNDLE=$BATS_TEST_TMPDIR/bundle
    mkdir "$BUNDLE"
    # Less the memory limit, which is a warning on v1.
    RESOURCES=${RESOURCES/,\"memory\":*\},\"pids\"/,\"pids\"}
    bundle "$RESOURCES"
    # The shims call a "kata-cgroup" that they find: this one, with the tests' own --root.
    mkdir "$BATS_TEST_TMPDIR/bin"
    printf '#!/bin/sh\nexec %q --root %q "$@"\n' "$(realpath "$KATA_CGROUP")" "$ROOT" > "$BATS_TEST_TMPDIR/bin/kata-cgroup"
    chmod +x "$BATS_TEST_TMPDIR/bin/kata-cgroup"
}

teardown() { kc_teardown; }

# bundle RESOURCES
bundle() { printf '{"linux":{"cgroupsPath":"%s","resources":%s}}' "$CGROUPS_PATH" "$1" > "$BUNDLE/config.json"; }

caller() {
    case "$1" in
    py | sh) echo "$TOP/doc/callers/shim.$1" ;;
    *) echo "$TOP/build/callers/shim-$1" ;;
    esac
}

# call_shim LANGUAGE: to its end
call_shim() {
    PATH=$BATS_TEST_TMPDIR/bin:$PATH run --separate-stderr "$(caller "$1")" "$ID" "$BUNDLE" "${MODE_OPTION[@]}" \
        3>&- < /dev/null
}

# start_shim_until_ready LANGUAGE: sets SHIM, VMM, TIDS, and TO_SHIM, to which the line goes that ends the pod
start_shim_until_ready() {
    local from answer line
    mkfifo "$BATS_TEST_TMPDIR/to" "$BATS_TEST_TMPDIR/from"
    PATH=$BATS_TEST_TMPDIR/bin:$PATH "$(caller "$1")" "$ID" "$BUNDLE" "${MODE_OPTION[@]}" \
        3>&- < "$BATS_TEST_TMPDIR/to" > "$BATS_TEST_TMPDIR/from" 2> "$BATS_TEST_TMPDIR/errors" &
    SHIM=$!
    STARTED+=("$SHIM")
    exec {TO_SHIM}> "$BATS_TEST_TMPDIR/to" {from}< "$BATS_TEST_TMPDIR/from"
    read -r -t 60 -u "$from" answer || fail "$(< "$BATS_TEST_TMPDIR/errors")"
    VMM=$(jq .vmmPid <<< "$answer")
    STARTED+=("$VMM")
    mapfile -t TIDS < <(jq '.vcpus[].tid' <<< "$answer")
    read -r -t 60 -u "$from" line || fail "$(< "$BATS_TEST_TMPDIR/errors")"
    assert_equal "$line" ready
    exec {from}<&-
}

# end_pod "STATUS: ERRORS": the shim goes on from where it waits, and ends with that
end_pod() {
    local status=0 errors
    echo >&"$TO_SHIM"
    exec {TO_SHIM}>&-
    wait "$SHIM" || status=$?
    # That a child was killed is a shell's own remark.
    errors=$(grep -v ': line [0-9]*: .* Killed ' "$BATS_TEST_TMPDIR/errors") || true
    assert_equal "$status: $errors" "$1"
    assert has_ended "$VMM"
}

# The shim is in its place, the VMM or its vCPU threads are in theirs; the limits are the pod's, the CPUs the container's.
assert_pod() {
    local task controller vmm_group=$SANDBOX_DIR
    ! places_threads || vmm_group=$OVERHEAD_DIR
    assert_in_group "$SHIM" "$(runtime_group)"
    assert_equal "${#TIDS[@]}" 2
    for controller in cpu pids; do
        assert_equal "$(cgroup_of "$VMM" "$controller")" "/$vmm_group"
        for task in "${TIDS[@]}"; do assert_equal "$(cgroup_of "$task" "$controller")" "/$SANDBOX_DIR"; done
    done
    assert_file sandbox cpu cpu.shares 2048 cpu.weight 174
    assert_file sandbox pids pids.max 1000 pids.max 1000
    ! has cpuset || assert_file sandbox cpuset cpuset.cpus 0 cpuset.cpus 0
    run --separate-stderr kc inspect "$ID"
    assert_json '[.vmm.pid, .containers]' "[$VMM,{\"c1\":{\"cpu\":{\"cpus\":\"0\"}}}]"
}

# live LANGUAGE: a whole life, with a warning on its way
live() {
    bundle "${RESOURCES/\{/\{\"nonsense\":1,}"
    start_shim_until_ready "$1"
    assert_pod
    end_pod "0: shim: warning: create: nonsense: no such field; ignored"
    assert_nothing_left
    assert_equal "$(ls "$BUNDLE")" config.json
}

@test "a shim in C: a whole life" { live c; }
@test "a shim in Go: a whole life" { live go; }
@test "a shim in Rust: a whole life" { live rs; }
@test "a shim in Python: a whole life" { live py; }
@test "a shim in shell: a whole life" { live sh; }

@test "refused input: each shim tells status and field, and nothing is there" {
    local language
    bundle '{"cpu":{"cpus":"\"none\""}}'
    for language in c go rs py sh; do
        call_shim "$language"
        assert_failure 5
        assert_equal "$language: $output" "$language: "
        [[ $stderr == 'shim: error: create: '*'cpu.cpus: '*'"none"'*' [status 5, field '*cpu.cpus\] ]] || fail "$language: $stderr"
        assert_equal "${#stderr_lines[@]}" 1
        assert_nothing_left
    done
}

@test "a sandbox that exists is somebody else's: each shim says so, and leaves it alone" {
    local language
    create_full
    for language in c go rs py sh; do
        call_shim "$language"
        assert_failure 4
        [[ $stderr == 'shim: error: create: '*"$ID"*' [status 4]' ]] || fail "$language: $stderr"
        kc inspect "$ID" > /dev/null
    done
    assert_in_group "$SHIM" "$(runtime_group)"
}

@test "a VMM that does not come up: each shim says so, and deletes the sandbox" {
    local language
    printf '#!/bin/sh\nexit 1\n' > "$BATS_TEST_TMPDIR/bin/qemu-system-x86_64"
    chmod +x "$BATS_TEST_TMPDIR/bin/qemu-system-x86_64"
    for language in c go rs py sh; do
        call_shim "$language"
        assert_failure 1
        [[ $stderr == 'shim: error: '*VMM* ]] || fail "$language: $stderr"
        assert_equal "${#stderr_lines[@]}" 1
        assert_nothing_left
        assert_equal "$(ls "$BUNDLE")" config.json
    done
}

@test "vCPUs that are refused: each shim tells what was wrong, ends the VMM and deletes the sandbox" {
    local language program=$BATS_TEST_TMPDIR/bin/kata-cgroup
    mv "$program" "$program.real"
    printf '%s\n' '#!/bin/sh' 'case "$*" in *attach-vcpus*) sed "s/\"thread-id\": [0-9]*/\"thread-id\": 1/" | "$0.real" "$@" ;;' \
        '*) exec "$0.real" "$@" ;; esac' > "$program"
    chmod +x "$program"
    for language in c go rs py sh; do
        call_shim "$language"
        assert_failure 5
        [[ $stderr == 'shim: error: attach-vcpus: '*' [status 5, field '* ]] || fail "$language: $stderr"
        assert_equal "${#stderr_lines[@]}" 1
        assert_nothing_left
    done
}

@test "a sandbox that has gone meanwhile: each shim reports the update, and takes the delete for done" {
    local language
    for language in c go rs py sh; do
        start_shim_until_ready "$language"
        kc delete --force "$ID"
        end_pod "3: shim: error: update: there is no sandbox \"$ID\" in $ROOT [status 3]"
        assert_nothing_left
        rm "$BATS_TEST_TMPDIR"/{to,from}
    done
}
