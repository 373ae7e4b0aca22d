#!/usr/bin/env bats
# attach-vcpus and a VMM that is not to be trusted: scripted peers, and QEMU's one client a monitor.

load helpers

GREETING='{"QMP":{"version":{},"capabilities":[]}}
'
DONE='{"return":{},"id":"%i"}
'

setup() { kc_setup; }
teardown() { kc_teardown; }

# start_scripted TEXT...: a VMM that says this; see tests/tools/scripted-vmm.c
start_scripted() {
    local - ready said
    set +T
    exec {ready}< <(exec "${KATA_CGROUP%/*}/scripted-vmm" "$SOCKET" "$@" 3>&-)
    VMM=$!
    STARTED+=("$VMM")
    read -r -u "$ready" said
    exec {ready}<&-
    FORMER=$(cat "/proc/$VMM/task"/*/cgroup)
}

# answer VCPUS: the reply to query-cpus-fast
answer() { printf '{"return":[%s],"id":"%%i"}\n' "$1"; }

# vcpu INDEX THREAD
vcpu() { printf '{"cpu-index":%s,"thread-id":%s}' "$1" "$2"; }

# assert_refused STATUS MESSAGE TEXT...: what the VMM says is no reason to move anything
assert_refused() {
    local status_wanted=$1 message=$2
    shift 2
    start_scripted "$@"
    run kc attach-vcpus "$ID" --qmp "$SOCKET" --timeout "${TIMEOUT:-20}"
    [ "$status" = "$status_wanted" ] || fail "status $status for $*: $output"
    assert_equal "${#lines[@]}" 1
    assert_output --partial "$message"
    assert_equal "$(cat "/proc/$VMM/task"/*/cgroup)" "$FORMER"
    assert_equal "$(kc inspect "$ID" | jq .vmm)" null
    end_vmm
    rm "$SOCKET"
}

assert_answer_refused() { assert_refused 5 "$1" "$GREETING" "$DONE" "$(answer "$2")"$'\n'; }

@test "an answer that names somebody else's thread moves nothing: pid 1, the shim, another VMM, the caller" {
    create_full
    local victim init
    init=$(< /proc/1/cgroup)
    start_vmm
    for victim in 1 "$SHIM" "$VMM" $$ 999999; do
        assert_answer_refused "thread $victim of vCPU 1 is not a thread of the VMM" "$(vcpu 0 %0),$(vcpu 1 "$victim")"
    done
    assert_in_group "$SHIM" overhead
    assert_equal "$(< /proc/1/cgroup)" "$init"
}

@test "an answer that makes no sense moves nothing: twice the same, out of range, of another type, too many" {
    create_full
    local many
    assert_answer_refused "thread" "$(vcpu 0 %0),$(vcpu 1 %0)"
    assert_answer_refused "vCPU 1 is named twice" "$(vcpu 1 %0),$(vcpu 1 %1)"
    assert_answer_refused "return[0].cpu-index" "$(vcpu -1 %0)"
    assert_answer_refused "return[1].cpu-index" "$(vcpu 0 %0),$(vcpu 2147483648 %1)"
    assert_answer_refused "return[0].thread-id" "$(vcpu 0 0)"
    assert_answer_refused "return[0].thread-id" "$(vcpu 0 -5)"
    assert_answer_refused "return[0].thread-id" "$(vcpu 0 1.5)"
    assert_answer_refused "return[0].thread-id" "$(vcpu 0 '"%0"')"
    assert_answer_refused "return[0].cpu-index" '{"thread-id":%0}'
    assert_answer_refused "return[0].cpu-index" '17'
    many=$(printf '{},%.0s' {0..4096})
    assert_answer_refused "more than 4096 vCPUs" "${many%,}"
    assert_refused 5 "QMP return" "$GREETING" "$DONE" $'{"return":{"cpu-index":0},"id":"%i"}\n'
    assert_refused 5 "neither return nor error" "$GREETING" "$DONE" $'{"id":"%i"}\n'
}

@test "bounds: an answer of two megabytes, one nested a hundred deep, one without end, and talk of other things" {
    create_full
    local deep
    assert_refused 5 "larger than" "$GREETING" "$DONE" '{"return":[%m],"id":"%i"}'
    deep=$(printf '[%.0s' {1..100})
    assert_refused 5 "nested deeper" "$GREETING" "$DONE" "{\"return\":$deep"
    TIMEOUT=1 assert_refused 1 "no answer to QMP query-cpus-fast" "$GREETING" "$DONE" '%*{"event":"NOISE"}'
    TIMEOUT=1 assert_refused 1 "no answer to QMP query-cpus-fast" "$GREETING" "$DONE" '{"return":[],%|'
}

@test "not QMP: another protocol, invalid JSON, doubled members, a greeting that is none, the end in the middle" {
    create_full
    assert_refused 5 "does not speak QMP" $'SSH-2.0-OpenSSH\n'
    assert_refused 5 "greeting has no QMP object" $'{"hello":1}\n'
    assert_refused 5 "invalid JSON" "$GREETING" "$DONE" $'{"return":[}]\n'
    assert_refused 5 "invalid JSON" "$GREETING" "$DONE" $'{"return":[],"return":[],"id":"%i"}\n'
    assert_refused 1 "closed" '%.'
    assert_refused 1 "closed" "$GREETING" '%.'
    assert_refused 1 "closed in the middle" "$GREETING" "$DONE" '{"return":[{"cpu-index":0%.'
}

@test "runtime-rs get_thread_ids: an error that the VMM answers with is shown as it is" {
    create_full
    assert_refused 1 "QMP query-cpus-fast: GenericError: out of patience" "$GREETING" "$DONE" \
        $'{"error":{"class":"GenericError","desc":"out of patience"},"id":"%i"}\n'
    assert_refused 1 "QMP qmp_capabilities: CommandNotFound: never heard of" "$GREETING" \
        $'{"error":{"class":"CommandNotFound","desc":"never heard of"},"id":"%i"}\n'
    assert_refused 5 "without class and desc" "$GREETING" "$DONE" $'{"error":{},"id":"%i"}\n'
}

@test "a VMM that speaks QMP its own way is understood: in pieces, several objects at once, events before the answer" {
    create_full
    start_scripted '{"QM%|P":{"version":{}}}' \
        '{"event":"RESUME","data":{"id":"%i"}}{"return":{},"id":"somebody"}{"ret%|urn":{},"id":"%i"}' \
        "{\"event\":\"STOP\"}$(vcpu 9 9)"$'\n\n{"return":['"$(vcpu 1 %1),%|$(vcpu 0 %0)"'],"text":"} \" {","id":"%i"}'
    run --separate-stderr kc attach-vcpus "$ID" --qmp "$SOCKET"
    assert_success
    assert_json '[.vmmPid, (.vcpus | map(.index))]' "[$VMM,[0,1]]"
    assert_equal "$(jq -c '.vcpus | map(.tid)' <<< "$output")" "[$(thread_of 'CPU 0/KVM'),$(thread_of 'CPU 1/KVM')]"
}

@test "vCPUs that were unplugged are no longer in the state" {
    create_full
    start_scripted "$GREETING" "$DONE" "$(answer "$(vcpu 0 %0),$(vcpu 3 %1)")"$'\n' \
        "$GREETING" "$DONE" "$(answer "$(vcpu 3 %1)")"$'\n'
    run --separate-stderr kc attach-vcpus "$ID" --qmp "$SOCKET"
    assert_json '.vcpus | map(.index)' '[0,3]'
    run --separate-stderr kc attach-vcpus "$ID" --qmp "$SOCKET"
    assert_json '.vcpus | map(.index)' '[3]'
    assert_equal "$(kc inspect "$ID" | jq -c '.vmm.vcpus | map(.index)')" '[3]'
}

@test "an update pins the VMM's threads and nobody else's, also where their IDs have gone to others" {
    has cpuset || { # nothing to pin to
        create_full
        return
    }
    create_full
    start_vmm
    kc attach-vcpus "$ID" --vmm-pid "$VMM" --pin > /dev/null
    local mine other=$VMM file=$ROOT/$ID/state.json
    mine=$(thread_of 'CPU 1/KVM')
    start_vmm
    # As if the thread had ended, and its ID were another VMM's now; then the same for the whole process.
    jq -c --argjson tid "$(thread_of 'CPU 0/KVM')" '.vmm.vcpus[0].tid = $tid' "$file" > "$file.new"
    mv "$file.new" "$file"
    kc update "$ID" <<< '{"cpu":{"cpus":"1"}}'
    assert_equal "$(awk '/Cpus_allowed_list/ {print $2}' "/proc/$other/task/$mine/status")" 1
    assert_equal "$(awk '/Cpus_allowed_list/ {print $2}' "/proc/$VMM/task/$(thread_of 'CPU 0/KVM')/status")" \
        "$(awk '/Cpus_allowed_list/ {print $2}' /proc/1/status)"
    jq -c --argjson pid "$VMM" '.vmm.pid = $pid | .vmm.startTime -= 1' "$file" > "$file.new"
    mv "$file.new" "$file"
    kc update "$ID" <<< '{"cpu":{"cpus":"0"}}'
    assert_equal "$(awk '/Cpus_allowed_list/ {print $2}' "/proc/$VMM/task/$(thread_of 'CPU 0/KVM')/status")" \
        "$(awk '/Cpus_allowed_list/ {print $2}' /proc/1/status)"
}

@test "--vmm-pid and the peer of the socket have to agree" {
    create_full
    start_scripted "$GREETING" "$DONE" "$(answer "$(vcpu 0 %0)")"$'\n'
    run kc attach-vcpus "$ID" --qmp "$SOCKET" --vmm-pid "$SHIM"
    assert_one_error_line 5 "$SHIM is not the QMP socket's peer, which is process $VMM"
    run kc attach-vcpus "$ID" --qmp "$SOCKET" --vmm-pid 1
    assert_failure 5
    assert_equal "$(cat "/proc/$VMM/task"/*/cgroup)" "$FORMER"
}

@test "threads by their names: Cloud Hypervisor, Firecracker, QEMU; and none that only look like it" {
    local names
    create_full
    for names in "vcpu0:vcpu1" "fc_vcpu 0:fc_vcpu 1" "CPU 0/KVM:CPU 1/KVM" "CPU 0/TCG:CPU 1/TCG"; do
        exec {ready}< <(exec "$NAMED_THREADS" "${names%:*}" "${names#*:}" vcpu vcpux fc_vcpu "CPU 7" "CPU x/KVM" vcpu-1 3>&-)
        VMM=$!
        STARTED+=("$VMM")
        read -r -u "$ready" _
        run --separate-stderr kc attach-vcpus "$ID" --vmm-pid "$VMM"
        assert_success
        assert_json '.vcpus | map([.index, .tid])' "[[0,$(thread_of "${names%:*}")],[1,$(thread_of "${names#*:}")]]"
        end_vmm
    done
    exec {ready}< <(exec "$NAMED_THREADS" vcpu0 "CPU 0/KVM" 3>&-)
    VMM=$!
    STARTED+=("$VMM")
    read -r -u "$ready" _
    run kc attach-vcpus "$ID" --vmm-pid "$VMM"
    assert_failure 5
    assert_output --partial "vCPU 0 is named twice"
}

@test "QEMU serves one client a monitor: the message says so when another holds it" {
    create_full
    start_qemu
    wait_until test -S "$SOCKET"
    "${KATA_CGROUP%/*}/qmp-connect" "$SOCKET" negotiated - sleep 1000 3>&- > /dev/null 2>&1 &
    local holder=$!
    STARTED+=("$holder")
    wait_until grep -qx sleep "/proc/$holder/comm"
    run kc attach-vcpus "$ID" --qmp "$SOCKET" --timeout 1
    assert_one_error_line 1 "no QMP greeting; QEMU serves one client a monitor, is another connected?"
}

@test "--qmp-fd: the shim's own connection, negotiated or not; what is not ours is reported in full" {
    create_full
    start_qemu
    wait_until test -S "$SOCKET"
    run --separate-stderr "${KATA_CGROUP%/*}/qmp-connect" "$SOCKET" fresh - \
        "$KATA_CGROUP" --root "$ROOT" attach-vcpus "$ID" --qmp-fd 9 --vmm-pid "$VMM"
    assert_success
    assert_json '[.vmmPid, (.vcpus | length)]' "[$VMM,2]"
    # The answer to the shim's own request and the event that it causes arrive before ours.
    run --separate-stderr "${KATA_CGROUP%/*}/qmp-connect" "$SOCKET" negotiated '{"execute":"system_reset","id":"shim-1"}' \
        "$KATA_CGROUP" --root "$ROOT" attach-vcpus "$ID" --qmp-fd 9
    assert_success
    assert_json '[.vmmPid, (.vcpus | length)]' "[$VMM,2]"
    assert_regex "$stderr" 'not for kata-cgroup: \{.*"shim-1".*\}'
    run kc attach-vcpus "$ID" --qmp-fd 77
    assert_failure
    assert_equal "${#lines[@]}" 1
}

@test "a thread that is no longer the VMM's once it was placed: all of it is put back" {
    local former trace=$BATS_TEST_TMPDIR/trace look
    create_full
    start_vmm
    traced -o "$trace" -e trace=openat2 "$KATA_CGROUP_TRACED" --root "$ROOT" attach-vcpus "$ID" --vmm-pid "$VMM" > /dev/null
    # The only look at a thread that was found by its name is the one afterwards: which of the calls it is.
    look=$(grep -n "\"task/$(thread_of 'CPU 1/KVM')\"" "$trace" | cut -d: -f1)
    kc delete --force "$ID"
    create_full
    start_vmm
    former=$(cat "/proc/$VMM/task"/*/cgroup)
    run traced -o /dev/null -e trace=openat2 -e inject=openat2:error=ENOENT:when="$look" \
        "$KATA_CGROUP_TRACED" --root "$ROOT" attach-vcpus "$ID" --vmm-pid "$VMM"
    assert_one_error_line 1 "vCPU 1, thread $(thread_of 'CPU 1/KVM'), ended while it was placed"
    assert_equal "$(cat "/proc/$VMM/task"/*/cgroup)" "$former"
    assert_equal "$(kc inspect "$ID" | jq .vmm)" null
}
