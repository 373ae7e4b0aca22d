#!/usr/bin/env bash
# The unit tests, and the host's bats suites in overhead mode, under valgrind: no invalid access, no leak of memory, no
# descriptor left open. Uses build/release.
#
# usage: memcheck.sh [--sample] RESULT-DIRECTORY [FILTER]
#   --sample   of the suites, those with each of the commands; hostile peers are left to the sanitizers, and so is
#              test-cgroup-path, which tries so many paths that it takes half of the unit tests' time
#
# Results are TAP files called valgrind.*.tap: what the tests say, and for each program and suite what valgrind says.
# System calls that valgrind does not know are tests/tools/unknown-syscalls.c's business.
set -uo pipefail

top=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
cd "$top" || exit 1
sample=false
if [ "${1:-}" = --sample ]; then
    sample=true
    export KC_SUITES="matrix-exec matrix-life"
    shift
fi
[ $# -gt 0 ] || { sed -n '2,9s/^# \{0,1\}//p' "${BASH_SOURCE[0]}" && exit 2; }
results=$1 filter=${2:-}
release=$top/build/release work=$top/build/memcheck
status=0

export MEMCHECK_LOGS=$work/logs MEMCHECK_BINARY=$release/kata-cgroup KATA_CGROUP_TRACED=$release/kata-cgroup
export UNKNOWN_SYSCALLS=$release/unknown-syscalls.so RAW_SYSCALL=$release/raw-syscall

# What is in a log but for the descriptors that were inherited.
findings() {
    awk '/FILE DESCRIPTORS: |^==[0-9]+== *$/ {next}
        /== Open / {held = $0; next}
        held && /<inherited from parent>/ {held = ""; next}
        held {print held; held = ""}
        {print}' "$@"
}

# say NUMBER NAME TEXT: a TAP line, "not ok" where there is text
say() {
    if [ -z "$3" ]; then
        echo "ok $1 $2"
    else
        echo "not ok $1 $2"
        echo "# ${3//$'\n'/$'\n'# }"
        status=1
    fi
}

units() {
    local program number=0 said
    for program in $(find "$release/tests/unit" -type f -name 'test-*' -perm -u+x | sort); do
        [ $sample = false ] || [ "${program##*/}" != test-cgroup-path ] || continue
        rm -f "$MEMCHECK_LOGS"/*
        number=$((number + 1))
        said=$(tests/tools/memcheck.sh "$program" 2>&1) && said=''
        say "$number" "${program##*/} under valgrind" "$said$(findings "$MEMCHECK_LOGS"/*)"
    done > "$results/valgrind.units.tap"
}

# The suites find the tools of the tests beside what they take for kata-cgroup.
suites() {
    local tool logs
    for tool in "$release"/*; do
        [ ! -f "$tool" ] || [ ! -x "$tool" ] || ln -sf "$tool" "$work/${tool##*/}"
    done
    ln -sf "$top/tests/tools/memcheck.sh" "$work/kata-cgroup"
    rm -f "$MEMCHECK_LOGS"/*
    KC_MODES=overhead tests/vm/run-suites.sh "$work/kata-cgroup" "$results" valgrind "$filter" || status=1
    logs=("$MEMCHECK_LOGS"/*)
    say 1 "valgrind has nothing to say of ${#logs[@]} runs of kata-cgroup" "$(findings "${logs[@]}")" > "$results/valgrind.runs.tap"
    [ -e "${logs[0]}" ] || say 1 "kata-cgroup was run" "no logs" > "$results/valgrind.runs.tap"
}

rm -rf "$work"
mkdir -p "$MEMCHECK_LOGS" "$results"
[ -n "$filter" ] || units
suites
exit $status
