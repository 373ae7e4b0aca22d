#!/usr/bin/env bats
# The examples of README.md (```sh) and of the manual's EXAMPLES (.Bd -literal) run as they stand in the text, each in a shell of
# its own, with the binary as kata-cgroup in the PATH and a real QEMU. Only --root is added, by a wrapper.
#
# In the manual, a comment before each example says where it runs and what it needs:
#   .\" example: [WORD...]
#     systemd, v2, v1     it runs only on such a host ("systemd" is a v2 host with systemd; "v1" has cpu on v1)
#     sandbox             there is a sandbox sb1 with limits, whose shim is the example's shell
#     vmm                 and QEMU is attached to it
#     stateless           its state is lost
#     leftover            there are empty groups of an unknown owner at kubepods/besteffort/pod4711
#     cloud-hypervisor, virtiofsd, vfio
#                         a stand-in for this VMM, this program or the device /dev/vfio/12
#     watch               the unit kata-cgroup-watch runs
#     node-exporter       it writes to /var/lib/prometheus/node-exporter, which is removed again
#
# An example with "$ " before its commands shows their output too. It is compared without white space, and any number stands for
# any other. KC_EXAMPLES=special leaves out examples that run on every host.

load helpers

TOP=$BATS_TEST_DIRNAME/../..
GROUP=kubepods/pod1/sb1

setup() {
    kc_setup
    work=$BATS_TEST_TMPDIR
    mkdir "$work/bin"
    printf '#!/bin/sh\nexec "%s" --root "%s" "$@"\n' "$(realpath "$KATA_CGROUP")" "$ROOT" > "$work/bin/kata-cgroup"
    printf '#!/bin/sh\nexec sleep 10000\n' > "$work/bin/virtiofsd"
    cp "$NAMED_THREADS" "$work/bin/cloud-hypervisor"
    chmod +x "$work"/bin/*
    # These names are in the text, and must not be anybody's here.
    [ ! -e /run/sb1 ] && [ ! -e /run/sb1.sock ] && [ ! -e /dev/vfio/12 ] || fail "/run/sb1 or /dev/vfio/12 exists"
    [ -z "$(find "${MOUNTS[@]}" -type d -name '*sb1*' -o -type d -name pod4711)" ] || fail "there is a sandbox sb1 or a pod4711 here"
    made=()
    for file in /var/lib/prometheus{,/node-exporter}; do [ -e "$file" ] || made+=("$file"); done
    KUBEPODS=$(find "${MOUNTS[@]}" -maxdepth 1 -name 'kubepods*')
}

teardown() {
    clear_up
    kc_teardown
}

# Everything that an example may have left.
clear_up() {
    local pid path=$GROUP
    if [ -e "$work/jobs" ]; then
        while read -r pid; do kill -KILL "$pid" 2> /dev/null || true; done < "$work/jobs"
        while read -r pid; do wait_until has_ended "$pid" || true; done < "$work/jobs"
    fi
    [ ! -d /run/systemd/system ] || path=kubepods-pod1.slice:cri-containerd:sb1
    [ ! -e "$ROOT/sb1" ] || "$work/bin/kata-cgroup" delete --force sb1 --cgroups-path "$path" 3>&- 2> /dev/null || true
    [ ! -d /run/systemd/system ] || systemctl stop kata-cgroup-watch 2> /dev/null || true
    remove_groups sb1
    remove_groups pod4711
    if [ -d /run/systemd/system ] && [ -z "$KUBEPODS" ]; then systemctl stop kubepods.slice 2> /dev/null || true; fi
    [ -n "$KUBEPODS" ] || remove_parents kubepods/pod1 kubepods/besteffort kubepods
    remove_parents kata_sandboxed_pod kata_overhead
    rm -rf /run/sb1 /run/sb1.sock /run/kata-cgroup.{prom,events} "$work/jobs" "$ROOT"
    rm -rf "${made[@]}"
    [ ! -e "$work/made-vfio" ] || { rm /dev/vfio/12 && rm "$work/made-vfio"; }
    rmdir /dev/vfio 2> /dev/null || true
}

# ---- what there is ----

# examples_of FILE: writes $work/NUMBER.example, of which the first line has the words; sets `count`. An example without its
# comment has the word "unmarked".
examples_of() {
    rm -f "$work"/*.example
    if [[ $1 == *.md ]]; then
        awk -v dir="$work" '/^```/ {file = ""} file {print > file}
            /^```sh$/ {file = dir "/" ++n ".example"; print "" > file}' "$1"
    else
        awk -v dir="$work" '/^\.Sh / {examples = $2 == "EXAMPLES"; words = "unmarked"}
            /^\.\\" example:/ {words = $0; sub(/^[^:]*:/, "", words)}
            /^\.Ed/ {file = ""; words = "unmarked"}
            file {gsub(/\\e/, "\\"); gsub(/\\&/, ""); gsub(/\\-/, "-"); print > file}
            examples && /^\.Bd -literal/ {file = dir "/" ++n ".example"; print words > file}' "$1"
    fi
    count=$(find "$work" -name '*.example' | wc -l)
}

# Whether an example with these words runs on this host.
runs_here() {
    local special=false word
    for word in $1; do
        case $word in
        systemd) special=true; [ -d /run/systemd/system ] && [ "$HOST_VERSION" = 2 ] || return 1 ;;
        v2) special=true; [ "$HOST_VERSION" = 2 ] || return 1 ;;
        v1) special=true; on_v1 cpu || return 1 ;;
        esac
    done
    [ "$special" = true ] || [ "${KC_EXAMPLES:-}" != special ]
}

# ---- running one ----

# What the shell of an example runs first.
preamble() {
    local word path=$GROUP
    echo 'set -e -m -o pipefail'
    echo "trap 'jobs -p > \"$work/jobs\"' EXIT"
    [[ " $1 " != *" systemd "* ]] || path=kubepods-pod1.slice:cri-containerd:sb1
    for word in $1; do
        case $word in
        sandbox)
            echo "kata-cgroup create sb1 --cgroups-path $path --pid \$\$ <<< '{\"cpu\":{\"shares\":2048,\"quota\":200000,\"period\":100000,\"cpus\":\"0-1\"}}'"
            ;;
        vmm)
            echo "qemu-system-x86_64 -smp 2 -display none -qmp unix:$SOCKET,server=on,wait=off &"
            echo "kata-cgroup attach-vcpus sb1 --qmp $SOCKET --expect 2 > /dev/null"
            ;;
        cloud-hypervisor) echo 'cloud-hypervisor vcpu0 vcpu1 &' ;;
        stateless) echo "rm -r '$ROOT/sb1'" ;;
        vfio) echo "mkdir -p /dev/vfio; touch $work/made-vfio; mknod /dev/vfio/12 c 511 12" ;;
        leftover) echo "mkdir -p ${MOUNTS[*]/%//kubepods/besteffort/pod4711}" ;;
        watch) echo 'systemd-run --quiet --unit=kata-cgroup-watch sleep 10000' ;;
        systemd | v1 | v2 | virtiofsd | node-exporter) ;;
        *) fail "unknown word $word" ;;
        esac
    done
}

is_complete() { [[ $1 != *\\ ]] && bash -n <<< "$1" 2> /dev/null; }

# The commands of an example with "$ ": each prints to NUMBER.printed; what is shown goes to NUMBER.shown.
split_shown() {
    local line command='' number=0
    while IFS= read -r line; do
        if [[ $line == '$ '* ]]; then
            number=$((number + 1)) command=${line#'$ '}
            : > "$work/$number.shown"
        elif ! is_complete "$command"; then
            command+=$'\n'$line
        else
            printf '%s\n' "$line" >> "$work/$number.shown"
            continue
        fi
        is_complete "$command" || continue
        printf '%s\n' "$command" > "$work/$number.command"
    done
    for ((line = 1; line <= number; line++)); do
        # A command that shows an error fails.
        grep -q '^kata-cgroup: error' "$work/$line.shown" && echo -n '! '
        echo "source $work/$line.command > $work/$line.printed 2>&1"
    done
}

# Without warnings, and without what bash says of a killed job.
bare() { sed -E '/^kata-cgroup: warning: /d; /: line [0-9]+: +[0-9]+ Killed /d' "$1" | tr -d '[:space:]' | sed -E 's/[0-9]+(\.[0-9]+)?/N/g'; }

# run_example FILE
run_example() {
    local words shown status=0
    read -r words < "$1" || true
    rm -f "$work"/*.shown "$work"/*.printed "$work"/*.command
    {
        preamble "$words"
        if grep -q '^\$ ' "$1"; then tail -n +2 "$1" | split_shown; else tail -n +2 "$1"; fi
    } > "$work/script"
    PATH=$work/bin:$PATH timeout 120 bash "$work/script" < /dev/null > "$work/log" 2>&1 3>&- || status=$?
    for shown in "$work"/*.shown; do
        [ -e "$shown" ] || continue
        [ "$(bare "$shown")" = "$(bare "${shown%.shown}.printed")" ] || status=different
    done
    [ $status = 0 ] || head -n 40 "$work/script" "$work/log" "$work"/*.shown "$work"/*.printed 2> /dev/null
    clear_up
    [ $status = 0 ] || fail "an example of ${source#"$TOP/"} failed: $status"
}

run_examples() {
    local source=$1 example words
    examples_of "$source"
    for example in "$work"/*.example; do
        [ -e "$example" ] || continue
        read -r words < "$example" || true
        ! runs_here "$words" || run_example "$example"
    done
}

# ---- the tests ----

@test "README and each page of the manual have examples, and each says where it runs" {
    local source page
    for source in "$TOP/README.md" "$TOP"/man/*.[78] "$TOP"/man/*.[78].in; do
        [ -e "$source" ] || continue
        examples_of "$source"
        [ "$count" -gt 0 ] || fail "${source#"$TOP/"} has no example"
        ! grep -l unmarked "$work"/*.example || fail "an example of ${source#"$TOP/"} does not say where it runs"
    done
}

@test "the examples of README run as they are written" {
    run_examples "$TOP/README.md"
}

@test "the examples of the manual run as they are written, and print what they show" {
    local page
    for page in "$TOP"/man/*.[78] "$TOP"/man/*.[78].in; do
        [ ! -e "$page" ] || run_examples "$page"
    done
}
