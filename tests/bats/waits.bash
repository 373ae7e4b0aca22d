# shellcheck shell=bash disable=SC2034  # what is set here is used there
# For tests of waits: commands in the background, who waits for what, and a lock that somebody else has.

# in_background COMMAND...: one of kata-cgroup's; sets COMMAND_PID. env: a shell's background processes ignore SIGINT. SIGNALS:
# another option of env for them.
in_background() {
    env "${SIGNALS:---default-signal}" "$KATA_CGROUP" --root "$ROOT" "$@" <&0 3>&- > "$BATS_TEST_TMPDIR/said" 2>&1 &
    COMMAND_PID=$!
    STARTED+=("$COMMAND_PID")
}

# await_command: its status in $STATUS
await_command() {
    STATUS=0
    wait "$COMMAND_PID" || STATUS=$?
}

# Whether it sleeps in this system call.
is_in_syscall() { [[ $(< "/proc/$1/syscall") == "$2 "* ]]; } 2> /dev/null

is_waiting_for_lock() { grep -q -- "-> FLOCK .* $1 " /proc/locks; }

# strace_stopping PATH|"" SYSCALL INJECTION COMMAND...: in the background, stopped after the call; sets COMMAND_PID (strace's).
strace_stopping() {
    local path=() syscall=$2 injection=$3
    [ -z "$1" ] || path=(-P "$1")
    shift 3
    rm -f "$BATS_TEST_TMPDIR/trace"
    ASAN_OPTIONS=${ASAN_OPTIONS:-}:detect_leaks=0 strace -o "$BATS_TEST_TMPDIR/trace" "${path[@]}" -e "trace=$syscall" -e "inject=$syscall:signal=STOP$injection" \
        "$KATA_CGROUP_TRACED" --root "$ROOT" "$@" <&0 3>&- > "$BATS_TEST_TMPDIR/said" 2>&1 &
    COMMAND_PID=$!
    STARTED+=("$COMMAND_PID")
    wait_until grep -q "stopped by SIGSTOP" "$BATS_TEST_TMPDIR/trace"
    STOPPED=$(pgrep -P "$COMMAND_PID")
    STARTED+=("$STOPPED")
}

# hold_lock: as somebody who is no kata-cgroup
hold_lock() {
    mkdir -p "$ROOT/$ID"
    flock "$ROOT/$ID" sleep 10000 3>&- > /dev/null 2>&1 &
    LOCK=$!
    STARTED+=("$LOCK")
    wait_until grep -q "FLOCK .* WRITE $LOCK " /proc/locks
    STARTED+=("$(pgrep -P "$LOCK")")
}
release_lock() {
    pkill -P "$LOCK"
    wait "$LOCK" 2> /dev/null || true
}

# assert_ended_by NUMBER: the command in the background has ended by this signal
assert_ended_by() {
    await_command
    assert_equal "$STATUS" "$((128 + $1))"
}
