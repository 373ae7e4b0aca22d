#!/usr/bin/env bash
# Which lines of lib/ and cmd/ the tests run: units, the host's suites, suites in virtual machines, and a sample of the points
# where a system call fails, together.
#
# usage: coverage.sh [--below PERCENT] [host|SUITE-MODE]...     (default: host and all six machines)
#   --below PERCENT  lists the files with less (default: 90), with the lines that nothing has run
#
# The machines write their counters (gcov's .gcda files) to a directory of their own, which comes back as text and is
# merged. A process that is killed leaves no counters. Takes about two hours with all machines.
set -uo pipefail

top=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
cd "$top" || exit 1
# shellcheck source=scripts/vm/job.bash
. scripts/vm/job.bash
below=90
[ "${1:-}" != --below ] || { below=$2 && shift 2; }
[ $# -gt 0 ] || set -- host bookworm-v2 bookworm-v1 bookworm-hybrid trixie-v2 trixie-v1 trixie-hybrid
scripts/install-deps.sh || exit 1
build=$top/build/coverage
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

rm -rf "$build"
cmake -G Ninja -B "$build" -DCMAKE_BUILD_TYPE=Debug -DCMAKE_C_FLAGS="--coverage -O0" > "$work/build.log" 2>&1 &&
    cmake --build "$build" >> "$work/build.log" 2>&1 || { tail -n 30 "$work/build.log" && exit 1; }

# Two that work on one host's cgroups at a time would find each other's.
host() {
    local lock
    exec {lock}> /run/kata-cgroup-test.lock
    flock "$lock"
    ctest --test-dir "$build" > /dev/null
    tests/vm/run-suites.sh "$build/kata-cgroup" "$work/host" host
    tests/reliability/run.sh "$build/kata-cgroup" fault cgroupfs overhead 40 | grep -v '^#'
}

# Its counters are merged into those that there are.
machine() {
    local job=$work/job
    rm -rf "$job" "$work/came" "$work/merged"
    mkdir -p "$job" "$work/came"
    fill_job "$job" "$build"
    cat > "$job/run" << END
export GCOV_PREFIX=/job/counters KC_HOST=$(host_cgroups)
tests/vm/run-suites.sh /job/kata-cgroup /job/results $1
tests/reliability/run.sh /job/kata-cgroup fault systemd sandbox-only 160 | grep -v '^#'
echo COUNTERS
tar -C /job/counters -cz . | base64
END
    scripts/vm/run.sh "${1%-*}" "${1#*-}" "$job" --timeout 7200 > "$work/output"
    sed '/^COUNTERS$/,$d' "$work/output"
    sed '1,/^COUNTERS$/d' "$work/output" | base64 -d | tar -C "$work/came" -xz || return 1
    gcov-tool merge "$work/came$build" "$build" -o "$work/merged" > /dev/null 2>&1 || return 1
    cp -r "$work/merged/." "$build"
}

for environment; do
    echo "# $environment"
    if [ "$environment" = host ]; then host; else machine "$environment"; fi || echo "# $environment has left no counters"
done

# gcov's JSON, a file a source and object: a line has been run if it has in any of them.
find "$build/lib" "$build/cmd" "$build/CMakeFiles" -name '*.gcda' 2> /dev/null | while read -r counters; do
    (cd "$work" && gcov --json-format --stdout "$counters" 2> /dev/null)
done | jq -rs --arg top "$top/" --argjson below "$below" '
    [.[].files[] | select(.file | startswith($top + "lib/") or startswith($top + "cmd/")) |
     {file: (.file | ltrimstr($top)), lines: [.lines[] | [.line_number, .count]]}] |
    group_by(.file) | map({file: .[0].file,
        lines: ([.[].lines[]] | group_by(.[0]) | map([.[0][0], ([.[][1]] | max)]))}) |
    map(. + {all: (.lines | length), run: ([.lines[] | select(.[1] > 0)] | length)}) as $files |
    ($files[] | select(.all > 0 and .run * 100 < .all * $below) |
        "\(.file): \(.run * 100 / .all | floor)% of \(.all) lines, not \([.lines[] | select(.[1] == 0) | .[0]] | map(tostring) | join(" "))"),
    "\([$files[].run] | add) of \([$files[].all] | add) lines, \(([$files[].run] | add) * 1000 / ([$files[].all] | add) | floor | . / 10)%"'
