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

@test "the peer of a socket is a hint: the threads have to be those of --vmm-pid, whoever answers" {
    create_full
    start_scripted "$GREETING" "$DONE" "$(answer "$(vcpu 0 %0)")"$'\n' "$GREETING" "$DONE" "$(answer "$(vcpu 0 %0)")"$'\n'
    local peer=$VMM
    run kc attach-vcpus "$ID" --qmp "$SOCKET" --vmm-pid "$SHIM"
    assert_one_error_line 5 "QMP: thread $(thread_of 'CPU 0/KVM') of vCPU 0 is not a thread of the VMM, process $SHIM"
    refute_output --partial "name that with --vmm-pid"
    run kc attach-vcpus "$ID" --qmp "$SOCKET" --vmm-pid 1
    assert_one_error_line 5 "process 1"
    assert_equal "$(cat "/proc/$peer/task"/*/cgroup)" "$FORMER"
    assert_equal "$(kc inspect "$ID" | jq .vmm)" null
    end_vmm
    rm "$SOCKET"
    # One that only passes on what the VMM says.
    start_vmm
    local vmm=$VMM first second
    first=$(thread_of 'CPU 0/KVM') second=$(thread_of 'CPU 1/KVM')
    start_scripted "$GREETING" "$DONE" "$(answer "$(vcpu 0 "$first"),$(vcpu 1 "$second")")"$'\n'
    peer=$VMM VMM=$vmm
    run --separate-stderr kc attach-vcpus "$ID" --qmp "$SOCKET" --vmm-pid "$vmm"
    assert_success
    assert_json '[.vmmPid, (.vcpus | map(.tid))]' "[$vmm,[$first,$second]]"
    assert_equal "$(cat "/proc/$peer/task"/*/cgroup)" "$FORMER"
}

@test "a symlink in place of the socket: another sandbox's VMM is not taken, before and after exec of our own" {
    local other=$ID-b own=$SOCKET elsewhere=$BATS_TEST_TMPDIR/b.sock ready vmm before option
    create_full
    kc create "$other" --cgroups-path "$PARENT_DIR/$other" <<< '{"pids":{"limit":77}}'
    SOCKET=$elsewhere
    start_qemu
    kc attach-vcpus "$other" --qmp "$elsewhere" --expect 2 > /dev/null
    before=$(cat "/proc/$VMM/task"/*/cgroup)
    ln -s "$elsewhere" "$own"

    run kc attach-vcpus "$ID" --qmp "$own"
    assert_one_error_line 5 "process $VMM is in cgroup "
    assert_output --partial "of sandbox \"$other\""
    assert_equal "$(cat "/proc/$VMM/task"/*/cgroup)" "$before"

    exec {ready}< <(exec "$KATA_CGROUP" --root "$ROOT" exec "$ID" -- "$NAMED_THREADS" "CPU 0/KVM" "CPU 1/KVM" 3>&-)
    vmm=$!
    STARTED+=("$vmm")
    read -r -u "$ready" _
    exec {ready}<&-
    for option in "" "--vmm-pid $VMM"; do
        # shellcheck disable=SC2086  # words
        run kc attach-vcpus "$ID" --qmp "$own" $option
        assert_failure 5
        assert_equal "${#lines[@]}" 1
        assert_equal "$(cat "/proc/$VMM/task"/*/cgroup)" "$before"
    done
    assert_output --partial "sandbox \"$ID\" has a VMM already, process $vmm (named-threads), which lives"
    assert_equal "$(kc inspect "$ID" | jq .vmm.pid)" "$vmm"
    run kc delete "$ID" --timeout 0
    assert_failure 1
    assert_output --partial "$vmm (named-threads)"
    kc delete --force "$ID"
    kill -0 "$VMM"
    kc delete --force "$other"
    assert_nothing_left
}

# ---- connections that a shim made before QEMU ran ----

QEMU=(qemu-system-x86_64 -machine q35 -accel "tcg,thread=multi" -smp 2 -m 64 -S -nodefaults -display none -mon "chardev=q,mode=control")
LISTENING=(-chardev "socket,fd=8,server=on,wait=off,id=q")
PAIRED=(-chardev "socket,fd=8,id=q")

# by_shim COMMAND: what a shim runs, in bash, once it has started its VMM; with "attach", and $VMM_PID
by_shim() {
    echo "kc() { '$KATA_CGROUP' --root '$ROOT' \"\$@\"; }
        attach() { kc attach-vcpus '$ID' --qmp-fd 9 \"\$@\"; }
        $1"
}

# assert_taken: the last lines are attach's answer and the VMM's PID, which has two vCPUs
assert_taken() {
    assert_success
    output=${lines[-2]}
    assert_json '[.vmmPid, (.vcpus | map(.index))]' "[${lines[-1]},[0,1]]"
}

@test "--qmp-fd: connected before QEMU ran (fd= of a listening socket): taken with --vmm-pid, which is asked for without" {
    create_full
    run --separate-stderr "${KATA_CGROUP%/*}/qmp-shim" listen "${QEMU[@]}" "${LISTENING[@]}" then bash -c "$(by_shim '
        attach
        echo "status $? $(kc inspect '"$ID"' | jq -c .vmm)"
        attach --vmm-pid $VMM_PID && echo $VMM_PID')" 3>&-
    assert_line --index 0 "status 5 null"
    assert_regex "$stderr" "error: QMP: thread [0-9]+ of vCPU 0 is not a thread of the VMM, process [0-9]+; it is the peer of the socket: if it is not the VMM, name that with --vmm-pid"
    assert_taken
}

@test "--qmp-fd: connected before QEMU ran by exec: the VMM is known, and nobody has to name it" {
    create_full
    run --separate-stderr "${KATA_CGROUP%/*}/qmp-shim" listen \
        "$KATA_CGROUP" --root "$ROOT" exec "$ID" -- "${QEMU[@]}" "${LISTENING[@]}" then bash -c "$(by_shim '
        until [ "$(kc inspect '"$ID"' | jq .vmm.pid)" = $VMM_PID ]; do sleep 0.05; done
        attach && echo $VMM_PID')" 3>&-
    assert_taken
}

@test "--qmp-fd: a socketpair: taken with --vmm-pid, which is asked for without" {
    create_full
    run --separate-stderr "${KATA_CGROUP%/*}/qmp-shim" pair "${QEMU[@]}" "${PAIRED[@]}" then bash -c "$(by_shim '
        attach
        echo "status $? $(kc inspect '"$ID"' | jq -c .vmm)"
        attach --vmm-pid $VMM_PID && echo $VMM_PID')" 3>&-
    assert_line --index 0 "status 5 null"
    assert_regex "$stderr" "name that with --vmm-pid"
    assert_taken
}

@test "--qmp-fd: events behind the answer are the owner's: none is lost, and none begins in its middle" {
    create_full
    local tail
    # In the same write as the answer; half of it in there; and several.
    for tail in '{"event":"STOP"}' '{"event":"ST%|OP"}' '{"event":"STOP"}'$'\n''{"event":"RESU%|ME"}'; do
        start_scripted "$GREETING" "$DONE" "$(answer "$(vcpu 0 %0),$(vcpu 1 %1)")"$'\n'"$tail"$'\n'
        run --separate-stderr "${KATA_CGROUP%/*}/qmp-connect" "$SOCKET" fresh - bash -c "
            '$KATA_CGROUP' --root '$ROOT' attach-vcpus '$ID' --qmp-fd 9 --vmm-pid $VMM > /dev/null && timeout 5 grep -m 1 . <&9"
        assert_success
        assert_output '{"event":"STOP"}'
        refute [ -n "$stderr" ]
        end_vmm
        rm "$SOCKET"
    done
}

@test "--qmp-fd: a peer that floods is given up, and does not fill the log" {
    create_full
    start_scripted "$GREETING" "$DONE" '%*{"event":"NOISE"}'$'\n'
    run --separate-stderr "${KATA_CGROUP%/*}/qmp-connect" "$SOCKET" fresh - \
        "$KATA_CGROUP" --root "$ROOT" attach-vcpus "$ID" --qmp-fd 9 --vmm-pid "$VMM" --timeout 2
    assert_failure 1
    assert_regex "$stderr" "no answer to QMP query-cpus-fast"
    assert [ ${#stderr} -lt 100000 ]
    assert_equal "$(kc inspect "$ID" | jq .vmm)" null
}

@test "a VMM in a pid namespace of its own: the threads that it names are translated, and placed" {
    create_full
    unshare --pid --fork --kill-child qemu-system-x86_64 -machine q35 -accel tcg,thread=multi -smp 2 -m 64 -S -nodefaults \
        -display none -qmp "unix:$SOCKET,server=on,wait=off" 3>&- > /dev/null 2>&1 &
    local outer=$! tids tid
    STARTED+=("$outer")
    wait_until pgrep -P "$outer" qemu
    VMM=$(pgrep -P "$outer" qemu)
    STARTED+=("$VMM")
    wait_until test -S "$SOCKET"
    run --separate-stderr kc attach-vcpus "$ID" --qmp "$SOCKET" --vmm-pid "$VMM" --expect 2
    assert_success
    assert_json '[.vmmPid, (.vcpus | map(.index))]' "[$VMM,[0,1]]"
    tids=$(jq -r '.vcpus[].tid' <<< "$output")
    for tid in $tids; do assert [ -d "/proc/$VMM/task/$tid" ]; done
    if places_threads; then
        assert_equal "$(sort -n "$(group_dir sandbox pids)/tasks")" "$(sort -n <<< "$tids")"
    else
        assert_in_group "$VMM" sandbox
    fi
    # Nor does it have to be named.
    run --separate-stderr kc attach-vcpus "$ID" --qmp "$SOCKET"
    assert_success
    assert_equal "$(jq -r '.vcpus[].tid' <<< "$output")" "$tids"
    # What QEMU has answered to the caller has its numbers, too; --vcpu has the caller's.
    local answer=() pairs=() index=0
    for tid in $tids; do
        answer+=("{\"cpu-index\":$index,\"thread-id\":$(awk '/^NSpid:/ {print $NF}' "/proc/$VMM/task/$tid/status")}")
        pairs+=(--vcpu "$((index++)):$tid")
    done
    run --separate-stderr kc attach-vcpus "$ID" --vmm-pid "$VMM" --vcpus - <<< "[${answer[0]},${answer[1]}]"
    assert_success
    assert_equal "$(jq -r '.vcpus[].tid' <<< "$output")" "$tids"
    run --separate-stderr kc attach-vcpus "$ID" --vmm-pid "$VMM" "${pairs[@]}"
    assert_success
    assert_equal "$(jq -r '.vcpus[].tid' <<< "$output")" "$tids"
}

@test "threads by their names: Cloud Hypervisor, Firecracker, QEMU, Dragonball, OpenVMM; and none that only look like it" {
    local names
    create_full
    for names in "vcpu0:vcpu1" "fc_vcpu 0:fc_vcpu 1" "CPU 0/KVM:CPU 1/KVM" "CPU 0/TCG:CPU 1/TCG" \
        "db_vcpu0:db_vcpu1" "vp-0:vp-1"; do
        exec {ready}< <(exec "$NAMED_THREADS" "${names%:*}" "${names#*:}" vcpu vcpux fc_vcpu "CPU 7" "CPU x/KVM" vcpu-1 db_vcpu vp0 3>&-)
        VMM=$!
        STARTED+=("$VMM")
        read -r -u "$ready" _
        run --separate-stderr kc attach-vcpus "$ID" --vmm-pid "$VMM"
        assert_success
        assert_json '.vcpus | map([.index, .tid])' "[[0,$(thread_of "${names%:*}")],[1,$(thread_of "${names#*:}")]]"
        end_vmm
    done
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
    assert_one_error_line 1 "$SOCKET: connected, but no greeting: does another client hold this monitor? Pass the threads by --vcpus, or give QEMU a second -qmp"
}

@test "a QEMU under -preconfig is waited for with --expect; otherwise its error is the message" {
    local trace=$BATS_TEST_TMPDIR/trace attach
    create_full
    QEMU_OPTIONS=(-preconfig -qmp "unix:$SOCKET.shim,server=on,wait=off")
    start_qemu
    wait_until test -S "$SOCKET"
    run kc attach-vcpus "$ID" --qmp "$SOCKET"
    assert_one_error_line 1 "QMP query-cpus-fast: GenericError: "
    run kc attach-vcpus "$ID" --qmp "$SOCKET" --expect 2 --timeout 0
    assert_failure 1
    traced -o "$trace" -s 4096 -e trace=recvfrom "$KATA_CGROUP_TRACED" --root "$ROOT" attach-vcpus "$ID" --qmp "$SOCKET" \
        --expect 2 > "$BATS_TEST_TMPDIR/out" &
    attach=$!
    wait_until grep -q GenericError "$trace"
    "$QMP_COMMAND" "$SOCKET.shim" '{"execute":"x-exit-preconfig"}'
    wait "$attach"
    output=$(< "$BATS_TEST_TMPDIR/out")
    assert_json '.vcpus | map(.index)' '[0,1]'
}

@test "two threads with the name of one vCPU: waited for within the deadline, then an error that names both" {
    local trace=$BATS_TEST_TMPDIR/trace attach ready first second
    create_full
    # A new thread has its creator's name until it has given itself one.
    exec {ready}< <(exec "$NAMED_THREADS" "CPU 0/KVM" "CPU 0/KVM=CPU 1/KVM" 3>&-)
    VMM=$!
    STARTED+=("$VMM")
    read -r -u "$ready" _
    read -r first second < <(echo $(thread_of "CPU 0/KVM"))
    run kc attach-vcpus "$ID" --vmm-pid "$VMM" --timeout 0
    assert_one_error_line 5 "--vmm-pid: the threads $first and $second of process $VMM have both the name of vCPU 0"
    assert_equal "$(kc inspect "$ID" | jq .vmm)" null
    traced -o "$trace" -e trace=openat2 "$KATA_CGROUP_TRACED" --root "$ROOT" attach-vcpus "$ID" --vmm-pid "$VMM" \
        > "$BATS_TEST_TMPDIR/out" &
    attach=$!
    wait_until grep -q "task/$second/comm" "$trace"
    kill -USR2 "$VMM"
    wait "$attach"
    output=$(< "$BATS_TEST_TMPDIR/out")
    assert_json '.vcpus | map([.index, .tid])' "[[0,$first],[1,$second]]"
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
    # The last look at a thread is the one afterwards: which of the calls it is.
    look=$(grep -n "\"task/$(thread_of 'CPU 1/KVM')\"" "$trace" | tail -n 1 | cut -d: -f1)
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

@test "a thread that is no longer the VMM's once it was pinned: all of it is put back" {
    has cpuset || { # nothing to pin to
        create_full
        return
    }
    local former trace=$BATS_TEST_TMPDIR/trace thread look
    create_full
    start_vmm
    traced -o "$trace" -e trace=openat2,sched_setaffinity "$KATA_CGROUP_TRACED" --root "$ROOT" attach-vcpus "$ID" \
        --vmm-pid "$VMM" --pin > /dev/null
    thread=$(thread_of 'CPU 1/KVM')
    look=$(awk -v thread="$thread" '/^openat2/ {n++; if (pinned && $0 ~ "\"task/" thread "[/\"]") look = n}
        index($0, "sched_setaffinity(" thread ",") == 1 {pinned = 1} END {print look}' "$trace")
    [ -n "$look" ] || fail "after pinning nobody looks again: $(< "$trace")"
    kc delete --force "$ID"
    create_full
    start_vmm
    thread=$(thread_of 'CPU 1/KVM')
    former=$(cat "/proc/$VMM/task"/*/cgroup; grep -h Cpus_allowed_list "/proc/$VMM/task"/*/status)
    run traced -o /dev/null -e trace=openat2 -e inject=openat2:error=ENOENT:when="$look" \
        "$KATA_CGROUP_TRACED" --root "$ROOT" attach-vcpus "$ID" --vmm-pid "$VMM" --pin
    assert_one_error_line 1 "vCPU 1, thread $thread"
    assert_equal "$(cat "/proc/$VMM/task"/*/cgroup; grep -h Cpus_allowed_list "/proc/$VMM/task"/*/status)" "$former"
    assert_equal "$(kc inspect "$ID" | jq .vmm)" null
}
