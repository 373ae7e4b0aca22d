#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# A shim in shell. It manages one sandbox, from create to delete, by calls of kata-cgroup.
#
# usage: shim.sh ID BUNDLE [OPTION-OF-CREATE...]
#
# QEMU's monitor is its standard input and output, which are two FIFOs. The exit status is that of the call that failed.
set -uo pipefail

# The exit statuses of kata-cgroup(8) that this shim tells apart.
readonly FAILED=1 USAGE=2 NO_SANDBOX=3
# The VMM is not trusted: its answers are limited in size and time.
readonly ANSWER_MAX=1048576 ANSWER_SECONDS=25

[ $# -ge 2 ] || exit $USAGE
id=$1 bundle=$2
shift 2

# call COMMAND...: runs "kata-cgroup COMMAND ..." with the caller's standard input and output. Each message is one JSON
# object on a line: warnings are shown, and the error is stored in $error for report.
call() {
    local messages status
    { messages=$(kata-cgroup --log-format json "$@" 2>&1 >&3 3>&-); } 3>&1
    status=$?
    jq -r --arg command "$1" 'select(.code == null) | "shim: \(.level): \($command): \(.msg)"' <<< "$messages" >&2
    error=$(jq -r --arg command "$1" 'select(.code) |
        "\($command): \(.msg) [status \(.code)\(if .field then ", field " + .field else "" end)]"' <<< "$messages")
    return $status
}

# report STATUS: prints the error unless STATUS is 0
report() { [ "$1" -eq 0 ] || echo "shim: error: $error" >&2; }

# The child executes kata-cgroup, which enters the group and executes the VMM: all memory is charged to the group.
# Sets vmm, and the descriptors to_vmm and from_vmm.
start_vmm() {
    error="no FIFOs in $bundle"
    mkfifo "$bundle/to-vmm" "$bundle/from-vmm" || return $FAILED
    kata-cgroup exec "$id" -- qemu-system-x86_64 -machine q35 -accel tcg -smp 2 -m 64 -S -nodefaults -display none \
        -qmp stdio < "$bundle/to-vmm" > "$bundle/from-vmm" &
    vmm=$!
    exec {to_vmm}> "$bundle/to-vmm" {from_vmm}< "$bundle/from-vmm"
    rm "$bundle/to-vmm" "$bundle/from-vmm"
}

# ask COMMAND: sends a command, and sets answer to the line with its answer. The greeting and events come before it.
ask() {
    error="the VMM does not answer $1"
    printf '{"execute":"%s"}\n' "$1" >&"$to_vmm" || return $FAILED
    while IFS= read -r -t $ANSWER_SECONDS -n $ANSWER_MAX -u "$from_vmm" answer; do
        [[ $answer != '{"return"'* ]] || return 0
        [[ $answer != '{"error"'* ]] || break
    done
    return $FAILED
}

# From the VMM's start to its end.
run_pod() {
    ask qmp_capabilities && ask query-cpus-fast || return
    # Passed on unchanged: kata-cgroup checks it.
    call attach-vcpus "$id" --vmm-pid "$vmm" --vcpus - <<< "$answer" || return
    call update "$id" --container c1 <<< '{"cpu": {"cpus": "0"}}' || return
    echo ready
    read -r || true # the pod runs until a line arrives
    call update "$id" --container c1 --remove
}

# A create that fails has been rolled back, and an existing sandbox belongs to another shim: delete nothing.
call create "$id" --bundle "$bundle" --pid $$ "$@" < /dev/null || { status=$?; report $status; exit $status; }
trap '' PIPE # a VMM that has ended is an error, and must not end the shim
status=0
start_vmm && run_pod || status=$?
report $status
[ -z "${vmm:-}" ] || { kill -KILL "$vmm" && wait "$vmm"; } 2> /dev/null
trap '' TERM # under systemd, stopping the scope sends SIGTERM to the shim
deleted=0
call delete "$id" || deleted=$?
[ $deleted -ne $NO_SANDBOX ] || deleted=0 # a sandbox that no longer exists counts as deleted
report $deleted
[ $status -ne 0 ] || status=$deleted
exit $status
