# Helpers of the bats suites.
#
# The runner says what is tested:
#   KATA_CGROUP     the binary, or what runs it under valgrind
#   KATA_CGROUP_TRACED  the binary, for what strace does to its system calls
#   NAMED_THREADS   tests/tools/named-threads, a stand-in for a VMM
#   QMP_COMMAND     tests/tools/qmp-command, for what the tests themselves ask of QEMU
#   KC_DRIVER       cgroupfs or systemd
#   KC_MODE         overhead or sandbox-only
#   KC_DOCUMENTS    a directory where the JSON documents that are printed are kept, for tests/documents/validate.py; none: not
# What the host is (which controller is where, and of which version) is read from the kernel, so that the
# same tests run on v1, v2 and everything between. Every process that a test starts is in STARTED, and only
# these are ended.
#
# The virtual machines are emulated, where each process costs some 20 ms: what bash can do itself, it does.

: "${KATA_CGROUP:=$BATS_TEST_DIRNAME/../../build/release/kata-cgroup}"
: "${KATA_CGROUP_TRACED:=$KATA_CGROUP}"
: "${NAMED_THREADS:=${KATA_CGROUP%/*}/named-threads}"
: "${QMP_COMMAND:=${KATA_CGROUP%/*}/qmp-command}"
: "${KC_DRIVER:=cgroupfs}"
: "${KC_MODE:=overhead}"

# What bats_require_minimum_version and bats_load_library do, without its twenty processes a test.
BATS_GUARANTEED_MINIMUM_VERSION=1.5.0
for library in "${BATS_LIB_PATH:-/usr/lib/bats}"/bats-{support,assert}/src/*.bash; do source "$library"; done
source "$BATS_TEST_DIRNAME/../reliability/mounts.bash"

# ---- the host ----

# Reads what is mounted where. Sets
#   MOUNTS, VERSIONS         the first mount of each hierarchy and its version (1 or 2), by the same index
#   MOUNT_OF, VERSION_OF     the same by controller ("io" is also the name of v1's blkio); a controller that is
#                            mounted nowhere is not in them
#   HOST_VERSION             1 where cpu, memory or pids is on v1 (a hybrid host is v1), 2 otherwise
#   RESOURCES                a document with limits for all controllers of this host
read_host() {
    local line mount controllers controller
    MOUNTS=() VERSIONS=() HOST_VERSION=2
    declare -gA MOUNT_OF=() VERSION_OF=()
    while read -r line; do
        [[ $line == *" - cgroup"* ]] || continue
        mount=${line#* * * * } mount=${mount%% *}
        MOUNTS+=("$mount")
        if [[ $line == *" - cgroup2 "* ]]; then
            VERSIONS+=(2)
            read -r controllers < "$mount/cgroup.controllers" || true
        else
            VERSIONS+=(1)
            controllers=${line##* rw,} controllers=${controllers//,/ }
        fi
        for controller in $controllers; do
            [ "$controller" != blkio ] || controller=io
            MOUNT_OF[$controller]=$mount
            VERSION_OF[$controller]=${VERSIONS[-1]}
            [[ ${VERSIONS[-1]}$controller != 1@(cpu|memory|pids) ]] || HOST_VERSION=1
        done
    done < /proc/self/mountinfo
    # Keys sorted, as jq -S has them.
    RESOURCES='"period":100000,"quota":200000,"shares":2048}'
    ! has cpuset || RESOURCES='"cpus":"0-1","mems":"0",'$RESOURCES
    ! has memory || RESOURCES+=',"memory":{"limit":4294967296,"reservation":1073741824}'
    RESOURCES='{"cpu":{'$RESOURCES',"pids":{"limit":1000}}'
}

has() { [ -n "${MOUNT_OF[$1]:-}" ]; }
on_v1() { [ "${VERSION_OF[$1]:-}" = 1 ]; }

# group_dir sandbox|overhead CONTROLLER
group_dir() {
    if [ "$1" = sandbox ]; then
        echo "${MOUNT_OF[$2]}/$SANDBOX_DIR"
    else
        echo "${MOUNT_OF[$2]}/$OVERHEAD_DIR"
    fi
}

# ---- a test's own things ----

# bats looks at every command that a traced function runs, which is most of a test's time in an emulator;
# so what is not part of the test proper is not traced: "local -; set +T".
setup_file() {
    local - host
    set +T
    read_host
    mounts=("${MOUNTS[@]}")
    note_parents
    host=$(declare -p MOUNTS VERSIONS MOUNT_OF VERSION_OF HOST_VERSION RESOURCES mounts FORMER_PARENTS)
    echo "${host//declare -/declare -g -}" > "$BATS_FILE_TMPDIR/host"
}

kc_setup() {
    local -
    set +T
    STARTED=()
    # How many inputs were refused with status 5; test.sh adds them up.
    HOSTILE=0
    NUMBER=$BATS_TEST_NUMBER
    # Of one length, so that no ID is the beginning of another one.
    printf -v ID 'kc-test-%s-%07d' "$NUMBER" $$
    ROOT=$BATS_TEST_TMPDIR/root
    SOCKET=$BATS_TEST_TMPDIR/qmp.sock
    MODE_OPTION=()
    QEMU_OPTIONS=()
    # The sandbox's groups, for group_dir.
    BOTH=(sandbox overhead)
    [ "$KC_MODE" = overhead ] || { MODE_OPTION=(--sandbox-cgroup-only) BOTH=(sandbox); }
    if [ "$KC_DRIVER" = systemd ]; then
        CGROUPS_PATH=kctest-pod$NUMBER.slice:kc:$ID
        PARENT_DIR=kctest.slice/kctest-pod$NUMBER.slice
        UNIT=kc-$ID.scope
        SANDBOX_DIR=$PARENT_DIR/$UNIT
        OVERHEAD_UNIT=kata-cgroup-$ID.scope
        OVERHEAD_DIR=kata.slice/kata-overhead.slice/$OVERHEAD_UNIT
    else
        CGROUPS_PATH=kctest/pod$NUMBER/$ID
        PARENT_DIR=kctest/pod$NUMBER
        SANDBOX_DIR=$PARENT_DIR/$ID
        OVERHEAD_DIR=kata_overhead/$ID
    fi
    SHIM=
    VMM=
    source "$BATS_FILE_TMPDIR/host"
    # What bats itself does and skips, but without three calls for each command of its libraries.
    trap '[[ $BASH_SOURCE == "$BATS_ROOT/lib"* ]] || bats_debug_trap "$BASH_SOURCE"' DEBUG
}

# Only what is this test's own goes: others may have sandboxes on the same host. What a command has to leave alone is
# what the tests of it have made themselves, so this does not rely on delete.
kc_teardown() {
    local - pid states
    set +T
    [ "$HOSTILE" = 0 ] || echo "# inputs $HOSTILE" >&3
    for pid in "${STARTED[@]}"; do kill -KILL "$pid" 2> /dev/null || true; done
    for pid in "${STARTED[@]}"; do wait_until has_ended "$pid" || true; done
    states=("$ROOT"/*)
    if [ -e "${states[0]}" ]; then
        "$KATA_CGROUP" --root "$ROOT" delete --force "$ID" --cgroups-path "$CGROUPS_PATH" "${MODE_OPTION[@]}" \
            3>&- > /dev/null 2>&1 || true
    fi
    remove_groups "$ID"
    # delete rightly leaves the overhead parent, and what a test has made.
    remove_parents "kctest/pod$NUMBER" kctest kata_overhead
}

# Slices stay when their scopes go; systemd's own way with them is not what is tested.
teardown_file() {
    [ "$KC_DRIVER" = systemd ] || return 0
    source "$BATS_FILE_TMPDIR/host"
    stop_own_slices
}

kc() {
    [ -z "${KC_DOCUMENTS:-}" ] || { kc_keeping_documents "$@"; return; }
    "$KATA_CGROUP" --root "$ROOT" "$@" 3>&-
}

# The same, and keeps the documents that are printed: "KIND<tab>DOCUMENT".
kc_keeping_documents() {
    local - kind='' status=0 document
    local documents=() messages=() out=$BATS_TEST_TMPDIR/printed.$BASHPID err=/dev/stderr
    set +T
    case " $* " in
    " help "* | *" --help "* | *" -h "* | *" --version "* | *" -v "*) ;;
    *" prune "*) kind=prune ;;
    *" --dry-run "*) kind=plan ;;
    *" attach-vcpus "*) kind=attach-vcpus ;;
    *" inspect "*" --tree "*) ;;
    *" inspect "*) kind=inspect ;;
    *" features "*) kind=features ;;
    *" list --format json "*) kind=list ;;
    *" stats "*" --format json "*) kind=stats-line ;;
    esac
    [[ " $* " != *" --log-format json "* ]] || err=$BATS_TEST_TMPDIR/said.$BASHPID
    [ -n "$kind" ] || [ "$err" != /dev/stderr ] || { "$KATA_CGROUP" --root "$ROOT" "$@" 3>&-; return; }
    if [ "$err" = /dev/stderr ]; then
        "$KATA_CGROUP" --root "$ROOT" "$@" 3>&- > "$out" || status=$?
    else
        "$KATA_CGROUP" --root "$ROOT" "$@" 3>&- > "$out" 2> "$err" || status=$?
        mapfile -t messages < "$err"
    fi
    mapfile -t documents < "$out"
    for document in "${documents[@]}"; do
        [ -z "$kind" ] || [ $status -ne 0 ] || printf '%s\t%s\n' "$kind" "$document" >> "$KC_DOCUMENTS/$BASHPID"
        printf '%s\n' "$document"
    done
    for document in "${messages[@]}"; do
        printf 'log\t%s\n' "$document" >> "$KC_DOCUMENTS/$BASHPID"
        printf '%s\n' "$document" >&2
    done
    return $status
}

# traced STRACE-OPTION... COMMAND...: the leak sanitizer, where there is one, does not work under a tracer.
traced() { ASAN_OPTIONS=${ASAN_OPTIONS:-}:detect_leaks=0 strace "$@" 3>&-; }

# has_ended PID: also where nobody has asked for its status yet
has_ended() {
    local stat
    ! read -r stat 2> /dev/null < "/proc/$1/stat" || [[ ${stat##*) } == [ZX]* ]]
}

# A stand-in for shim or virtiofsd; sets $!.
start_process() {
    sleep 10000 3>&- > /dev/null 2>&1 &
    STARTED+=($!)
}

start_shim() {
    start_process
    SHIM=$!
}

# start_calling_shim COMMAND: a shim that runs the shell command once $BATS_TEST_TMPDIR/go is there; what it says is in .../said
# then, and its status in .../status. The shim stays, also through the SIGTERM that the stop of its scope brings, until
# .../end is there.
start_calling_shim() {
    local script=$BATS_TEST_TMPDIR/shim.sh
    cat > "$script" <<- END
		trap '' TERM
		until [ -e $BATS_TEST_TMPDIR/go ]; do sleep 0.05; done
		env --default-signal $1 > $BATS_TEST_TMPDIR/said 2>&1
		echo \$? > $BATS_TEST_TMPDIR/status
		until [ -e $BATS_TEST_TMPDIR/end ]; do sleep 0.05; done
	END
    bash "$script" 3>&- > /dev/null 2>&1 &
    SHIM=$!
    STARTED+=("$SHIM")
}

# wait_until COMMAND...: until it succeeds, 30 s at the most. For what has no event that bash could wait for.
wait_until() {
    local deadline=$((SECONDS + 30))
    until "$@"; do
        [ $SECONDS -lt $deadline ] || { echo "timed out: $*" >&2 && return 1; }
        sleep 0.05
    done
}

# start_qemu [SMP [COMMAND...]]: a QEMU with two vCPUs or so many ("1,maxcpus=4"), answering at $SOCKET, with
# QEMU_OPTIONS; by a command that becomes it.
start_qemu() {
    "${@:2}" qemu-system-x86_64 "${QEMU_OPTIONS[@]}" -machine q35 -accel tcg,thread=multi -smp "${1:-2}" -m 64 -S -nodefaults -display none \
        -qmp "unix:$SOCKET,server=on,wait=off" 3>&- > /dev/null 2>&1 &
    VMM=$!
    STARTED+=("$VMM")
}

# A VMM without QMP: fast, for tests that are not about QEMU. It says when its threads are there.
start_vmm() {
    local - ready said
    set +T
    exec {ready}< <(exec "$NAMED_THREADS" io "CPU 0/KVM" "CPU 1/KVM" worker 3>&- 2> /dev/null)
    VMM=$!
    STARTED+=("$VMM")
    read -r -u "$ready" said
    exec {ready}<&-
}

# start_in GROUP COMMAND...: a process that is in the group in every hierarchy before the command begins; waits for its first
# line
start_in() {
    local - dir=$SANDBOX_DIR ready
    set +T
    [ "$1" = sandbox ] || dir=$OVERHEAD_DIR
    exec {ready}< <(
        for mount in "${MOUNTS[@]}"; do echo "$BASHPID" > "$mount/$dir/cgroup.procs"; done
        exec "${@:2}" 3>&- 2> /dev/null
    )
    STARTED+=($!)
    read -r -u "$ready" _
    exec {ready}<&-
}

touch_memory() { start_in "$1" "${KATA_CGROUP%/*}/touch-memory" "${@:2}"; }

# thread_of NAME: the thread of the VMM that is called so
thread_of() {
    local - task comm
    set +T
    for task in /proc/"$VMM"/task/*; do
        read -r comm < "$task/comm"
        [ "$comm" != "$1" ] || echo "${task##*/}"
    done
}

# make_slow_slice SLICE: what starts in it waits until let_slow_slice_start; forget_slow_slice makes it as it was.
make_slow_slice() {
    local units=/run/systemd/system service=kc-slow-$NUMBER.service
    SLOW_SLICE=$1
    systemctl stop "$SLOW_SLICE" 2> /dev/null || true
    mkfifo "$BATS_TEST_TMPDIR/slow"
    printf '[Service]\nType=oneshot\nExecStart=/bin/sh -c "read go < %s"\n' "$BATS_TEST_TMPDIR/slow" > "$units/$service"
    mkdir "$units/$SLOW_SLICE.d"
    printf '[Unit]\nRequires=%s\nAfter=%s\n' "$service" "$service" > "$units/$SLOW_SLICE.d/slow.conf"
    systemctl daemon-reload
}

let_slow_slice_start() { echo > "$BATS_TEST_TMPDIR/slow"; }

forget_slow_slice() {
    local units=/run/systemd/system service=kc-slow-$NUMBER.service
    # The drop-in first: what a unit requires takes it along.
    rm -rf "$units/$service" "$units/$SLOW_SLICE.d"
    systemctl daemon-reload
    systemctl stop "$service" 2> /dev/null || true
    SLOW_SLICE=
}

create() {
    kc create "$ID" --cgroups-path "$CGROUPS_PATH" "${MODE_OPTION[@]}" "$@"
}

# create with all limits and one runtime process
create_full() {
    start_shim
    create --pid "$SHIM" <<< "$RESOURCES"
}

attach() { kc attach-vcpus "$ID" --vmm-pid "$VMM" > /dev/null; }

# A whole sandbox: also under systemd it has its group now, whatever the mode.
create_attached() {
    create_full
    start_vmm
    attach
}

# ---- what must hold ----

# assert_one_error_line STATUS TEXT: of the last `run`; a warning may be before it
assert_one_error_line() {
    [ "$1" != 5 ] || HOSTILE=$((HOSTILE + 1))
    assert_failure "$1"
    assert_equal "$(grep -vc '^kata-cgroup: warning: ' <<< "$output")" 1
    assert_line --partial "kata-cgroup: error: "
    assert_line --partial "$2"
}

# assert_file sandbox|overhead CONTROLLER V1-FILE V1-VALUE V2-FILE V2-VALUE
assert_file() {
    local dir=$SANDBOX_DIR file=$3 wanted=$4 value
    [ "$1" = sandbox ] || dir=$OVERHEAD_DIR
    on_v1 "$2" || { file=$5 wanted=$6; }
    value=$(< "${MOUNT_OF[$2]}/$dir/$file")
    assert_equal "$file=$value" "$file=$wanted"
}

# assert_properties UNIT NAME=VALUE...: in one question to systemd; nothing to ask under cgroupfs
assert_properties() {
    local - unit=$1 names='' wanted said
    set +T
    [ "$KC_DRIVER" = systemd ] || return 0
    shift
    for wanted in "$@"; do names+=${wanted%%=*},; done
    said=$(systemctl show "$unit" -p "${names%,}")
    for wanted in "$@"; do
        [[ $'\n'$said$'\n' == *$'\n'$wanted$'\n'* ]] || fail "$unit has not $wanted but: $said"
    done
}

# The limits of RESOURCES, in the kernel's files and in the unit.
assert_limits() {
    local properties=(TasksMax=1000 CPUQuotaPerSecUSec=2s)
    assert_file sandbox cpu cpu.shares 2048 cpu.weight 174
    assert_file sandbox pids pids.max 1000 pids.max 1000
    if on_v1 cpu; then
        assert_file sandbox cpu cpu.cfs_quota_us 200000 - -
        assert_file sandbox cpu cpu.cfs_period_us 100000 - -
        properties+=(CPUShares=2048)
    else
        assert_file sandbox cpu - - cpu.max "200000 100000"
        properties+=(CPUWeight=174)
    fi
    if has cpuset; then
        assert_file sandbox cpuset cpuset.cpus 0-1 cpuset.cpus 0-1
        assert_file sandbox cpuset cpuset.mems 0 cpuset.mems 0
        properties+=(AllowedCPUs=0-1)
    fi
    if has memory; then
        assert_file sandbox memory memory.limit_in_bytes 4294967296 memory.max 4294967296
        assert_file sandbox memory memory.soft_limit_in_bytes 1073741824 memory.low 1073741824
        on_v1 memory && properties+=(MemoryLimit=4294967296) || properties+=(MemoryMax=4294967296)
    fi
    assert_properties "$UNIT" "${properties[@]}"
}

# Where a process (or thread) is, in the hierarchy of a controller.
cgroup_of() {
    local - number controllers path name=$2
    set +T
    [ "$name" != io ] || name=blkio
    while IFS=: read -r number controllers path; do
        if on_v1 "$2"; then
            [[ ,$controllers, != *,$name,* ]] || echo "$path"
        elif [ "$number" = 0 ]; then
            echo "$path"
        fi
    done < "/proc/$1/cgroup"
}

# assert_in_group PID sandbox|overhead: in every hierarchy
assert_in_group() {
    local - wanted=/$SANDBOX_DIR controllers path
    set +T
    [ "$2" = sandbox ] || wanted=/$OVERHEAD_DIR
    while IFS=: read -r _ controllers path; do
        [ "$path" = "$wanted" ] || fail "process $1 is in $path of $controllers, not in $wanted"
    done < "/proc/$1/cgroup"
}

# Whether threads are placed singly here.
places_threads() { [ "$KC_DRIVER" = cgroupfs ] && [ "$KC_MODE" = overhead ] && [ "$HOST_VERSION" = 1 ]; }

# group_unit sandbox|overhead
group_unit() { [ "$1" = sandbox ] && echo "$UNIT" || echo "$OVERHEAD_UNIT"; }

# The group that runtime processes belong to.
runtime_group() { [ "$KC_MODE" = overhead ] && echo overhead || echo sandbox; }

# No directory of this sandbox in any hierarchy, no unit, no state.
assert_nothing_left() {
    local entry
    assert_equal "$(find "${MOUNTS[@]}" -type d -name "*$ID*" 2> /dev/null)" ""
    if [ "$KC_DRIVER" = systemd ]; then
        assert_equal "$(systemctl list-units --all --no-legend --plain "*$ID*")" ""
    fi
    for entry in "$ROOT"/* "$ROOT"/.[!.]*; do [ ! -e "$entry" ] || fail "$entry is left"; done
}

# assert_json FILTER VALUE: of $output
assert_json() { assert_equal "$(jq -c "$1" <<< "$output")" "$2"; }

# unmount_hierarchy MOUNT CONTROLLER: false where the kernel keeps it, which it does for good if a group of it is still being
# released at that moment; then it is mounted as before, for another try.
unmount_hierarchy() {
    umount "$1"
    ! grep -q ":$2:" /proc/self/cgroup || { mount -t cgroup -o "$2" cgroup "$1" && return 1; }
}

end_vmm() {
    kill -KILL "$VMM"
    wait "$VMM" 2> /dev/null || true
}
