#!/usr/bin/env bash
# The fuzzers of tests/fuzz: builds them (build/fuzz) and runs them, as many at once as there are CPUs.
#
# usage: fuzz.sh SECONDS [TARGET...]     each target for so long, from what former runs have found on
#        fuzz.sh --runs N [TARGET...]    each target N times, from the seeds alone and always the same; the result is TAP
#
# What is worth keeping goes to build/fuzz/corpus/TARGET, inputs that something was found with to
# build/fuzz/crashes; `build/fuzz/tests/fuzz/fuzz-TARGET FILE` runs one of them again. Status 1: something was found.
set -uo pipefail

cd "$(dirname "${BASH_SOURCE[0]}")/.." || exit 1
fuzz=build/fuzz seconds='' runs=''
case "${1:-}" in
--runs) runs=${2:-} && shift ;;
-h | --help) sed -n '2,8s/^# \{0,1\}//p' "${BASH_SOURCE[0]}" && exit 0 ;;
*) seconds=${1:-} ;;
esac
[[ $runs$seconds =~ ^[1-9][0-9]*$ ]] || { echo "usage: fuzz.sh SECONDS|--runs N [TARGET...]" >&2; exit 2; }
shift
targets=("$@")
[ $# -gt 0 ] || mapfile -t targets < <(find tests/fuzz -name 'fuzz-*.c' | sed 's/.*fuzz-//; s/\.c$//' | sort)
for target in "${targets[@]}"; do
    [ -e "tests/fuzz/fuzz-$target.c" ] || { echo "fuzz.sh: no target $target" >&2; exit 2; }
done

build() {
    scripts/install-deps.sh build fuzz && cmake --preset fuzz && cmake --build "$fuzz" -j "$(nproc)"
}

# The first directory gets what is new, the second is only read.
run() {
    local target=$1 own=$2 options=(-timeout=20 -rss_limit_mb=2048 -print_final_stats=1 "-artifact_prefix=$fuzz/crashes/$1-")
    mkdir -p "$own"
    [ ! -e "tests/fuzz/$target.dict" ] || options+=("-dict=tests/fuzz/$target.dict")
    if [ -n "$runs" ]; then options+=("-runs=$runs" -seed=1); else options+=("-max_total_time=$seconds"); fi
    ASAN_OPTIONS=detect_stack_use_after_return=1 UBSAN_OPTIONS=print_stacktrace=1 \
        "$fuzz/tests/fuzz/fuzz-$target" "${options[@]}" "$own" "tests/fuzz/corpus/$target" > "$fuzz/log/$target" 2>&1
    echo $? > "$fuzz/log/$target.status"
}

inputs_of() { sed -n 's/^stat::number_of_executed_units: *//p' "$fuzz/log/$1"; }

# The report without the fuzzer's own progress.
report_of() {
    grep -avE '^#[0-9]+[[:space:]]|^(INFO|stat::|Done |Dictionary)|NEW_FUNC| fuzzer::|^(MS: |0x|artifact_prefix|SUMMARY|NOTE|   *Combine)' "$fuzz/log/$1" | head -n 30 | sed 's/^/# /'
}

mkdir -p build
build > build/fuzz-build.log 2>&1 || { echo "not ok 1 the fuzz build"; tail -n 40 build/fuzz-build.log | sed "s/^/# /"; exit 1; }
mkdir -p "$fuzz/crashes" "$fuzz/log"
rm -f "$fuzz/log"/*
temporary=$(mktemp -d)
trap 'rm -rf "$temporary"' EXIT
running=0
for target in "${targets[@]}"; do
    [ "$running" -lt "$(nproc)" ] || { wait -n; running=$((running - 1)); }
    if [ -n "$runs" ]; then run "$target" "$temporary/$target" & else run "$target" "$fuzz/corpus/$target" & fi
    running=$((running + 1))
done
wait

[ -z "$runs" ] || echo "1..${#targets[@]}"
number=0 found=0 total=0
for target in "${targets[@]}"; do
    number=$((number + 1)) inputs=$(inputs_of "$target")
    total=$((total + ${inputs:-0}))
    if [ "$(cat "$fuzz/log/$target.status" 2> /dev/null)" = 0 ]; then
        echo "ok $number fuzz $target (${inputs:-0} runs)"
    else
        found=$((found + 1))
        echo "not ok $number fuzz $target (${inputs:-0} runs)"
        report_of "$target"
    fi
done
if [ -n "$runs" ]; then
    echo "# inputs $total"
else
    echo "$total inputs to ${#targets[@]} targets, $found with findings$([ "$found" = 0 ] || echo ": $fuzz/crashes")"
fi
[ "$found" = 0 ]
