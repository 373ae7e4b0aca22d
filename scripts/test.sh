#!/usr/bin/env bash
# Every test there is: units under the sanitizers, the command line on this host, and the matrix of virtual
# machines. Installs what is missing. Ends with "N passed, N failed" (", N skipped").
#
# usage: test.sh [--quick] [--only NAME]... [--filter REGEX]
#   --quick         no virtual machines
#   --only NAME     only these: lint, units, fuzz, host, sanitizers, valgrind, bookworm-v2, trixie-hybrid ...
#   --filter REGEX  only bats tests with such names
#
# What runs on this machine is one line of work, the virtual machines are others; two go on at a time.
#
# How long each stage and machine took is printed before the table. A whole run is meant to take less than 45 minutes on two cores,
# whatever is added: each behaviour runs in every (cgroup version, driver, mode) at least once, but not in all machines, and
# long sweeps run a fixed sample here and have scripts of their own (reliability.sh, memcheck.sh, fuzz.sh, differential.sh,
# analyse.sh).
#
# Results are collected as TAP files under build/test/, one a run, named ENVIRONMENT.DRIVER.MODE.SUITE.tap; the table
# at the end is made from them, so a run that delivered nothing is seen to be missing.
set -uo pipefail

top=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
cd "$top" || exit 1
results=$top/build/test
# shellcheck source=scripts/vm/job.bash
. scripts/vm/job.bash
quick=false filter='' only=()
while [ $# -gt 0 ]; do
    case "$1" in
    --quick) quick=true ;;
    --only | --filter)
        [ $# -ge 2 ] || { echo "test.sh: $1 needs a value" >&2; exit 2; }
        if [ "$1" = --only ]; then only+=("$2"); else filter=$2; fi
        shift
        ;;
    -h | --help) sed -n '2,11s/^# \{0,1\}//p' "${BASH_SOURCE[0]}" && exit 0 ;;
    *) echo "test.sh: unknown option $1" >&2 && exit 2 ;;
    esac
    shift
done

# In an order in which the two that everything() runs at a time end at about the same time.
environments=(trixie-v2 trixie-v1 bookworm-v2 bookworm-v1 trixie-hybrid bookworm-hybrid)
stages=(lint units fuzz host sanitizers valgrind)
for name in "${only[@]}"; do
    printf '%s\n' "${stages[@]}" "${environments[@]}" | grep -qxF -- "$name" ||
        { echo "test.sh: --only \"$name\" is not known; there are: ${stages[*]} ${environments[*]}" >&2; exit 2; }
done

wanted() {
    local name
    [ ${#only[@]} -gt 0 ] || { [ "$quick" = false ] || [[ $1 != *-* ]]; return; }
    for name in "${only[@]}"; do [ "$name" != "$1" ] || return 0; done
    return 1
}

# timed NAME COMMAND...: what it took goes to the table of durations
timed() {
    local name=$1 begin=$SECONDS status=0
    shift
    "$@" || status=$?
    echo "$name $((SECONDS - begin))" >> "$results/durations"
    return $status
}

say() { printf '\n== %s\n' "$*"; }

# check NAME COMMAND...: one test that is a command; its output is shown if it fails
check() {
    local name=$1 log=$results/check.log
    shift
    if "$@" > "$log" 2>&1; then
        echo "ok 1 $name" >> "$results/$stage.tap"
    else
        echo "not ok 1 $name" >> "$results/$stage.tap"
        sed 's/^/# /' "$log" >> "$results/$stage.tap"
    fi
}

build() {
    say "build"
    for preset in release debug; do
        cmake --preset "$preset" > "$results/build.log" 2>&1 &&
            cmake --build "build/$preset" >> "$results/build.log" 2>&1 ||
            { tail -n 40 "$results/build.log"; echo "1 failed: the $preset build" >&2; return 1; }
    done
    # Its tests say what did not compile.
    scripts/build-callers.sh > "$results/build.log" 2>&1 || tail -n 40 "$results/build.log"
}

clang_build() {
    cmake -G Ninja -B build/clang -DCMAKE_C_COMPILER=clang -DKATA_CGROUP_WERROR=ON -DBUILD_TESTING=OFF &&
        cmake --build build/clang
}

# Pages that are referred to need not be installed here. The header of each page has its section in 80 columns.
lint_manual() {
    local page status=0
    ! mandoc -Tlint -W style man/*.8 build/release/man/*.7 2> /dev/null | grep -v 'referenced manual not found' || status=1
    for page in man/*.8 build/release/man/*.7; do
        # man's own formatter, and mandoc.
        { ! command -v groff > /dev/null || groff -mandoc -Tascii -rLL=78n "$page" 2> /dev/null | col -bx | sed -n 1p
            mandoc -Tascii -O width=78 "$page" | col -bx | sed -n 1p; } |
            awk -v page="$page" 'length > 80 || !/^KATA-CGROUP[A-Z-]*\([78]\)/ {print page ": header: " $0; bad = 1} END {exit bad}' || status=1
    done
    return $status
}

analysis() {
    local tool
    for tool in gcc clang-tidy cppcheck; do check "static analysis ($tool)" scripts/analyse.sh --sample "$tool"; done
}

lint() {
    stage=lint
    say "lint"
    local scripts
    mapfile -t scripts < <(git ls-files 'tests/differential/*' 'tests/guest/*' 'tests/reliability/*' 'scripts/*.sh' 'doc/callers/*.sh' 'tests/tools/*.sh' 'tests/vm/*.sh' 'scripts/vm/*.sh' scripts/vm/job.bash scripts/vm/guest/job .ci/run 'completions/*.bash')
    check "shell scripts (shellcheck)" shellcheck -x -S warning "${scripts[@]}"
    check "manual pages (mandoc -Tlint)" lint_manual
    check "format (clang-format)" sh -c 'git ls-files "*.c" "*.h" | xargs clang-format --dry-run -Werror'
    check "no warning with clang" clang_build
    analysis
    check "no machine-specific text in the tree" scripts/check-tree.sh
    check "direction of the includes" scripts/check-includes.sh
    check "installed files" scripts/check-install.sh
    check "packages, source tarball and uninstall" scripts/check-package.sh
}

units() {
    say "units"
    local program
    for program in $(ctest --test-dir build/debug -N | sed -n 's/.*: //p' | grep '^test-'); do
        find build/debug/tests/unit -type f -name "$program" -exec env CMOCKA_MESSAGE_OUTPUT=TAP {} \; \
            > "$results/units.$program.tap" 2>&1
        grep -q '^ok\|^not ok' "$results/units.$program.tap" || echo "not ok 1 $program died" >> "$results/units.$program.tap"
        grep -q 'ERROR: \(Address\|Leak\)Sanitizer\|runtime error' "$results/units.$program.tap" &&
            echo "not ok 1 $program: sanitizer report" >> "$results/units.$program.tap"
    done
}

# Each with a fixed number of inputs; scripts/fuzz.sh SECONDS goes on for longer.
fuzz() {
    [ -z "$filter" ] || return 0
    say "fuzzers"
    scripts/fuzz.sh --runs 25000 < /dev/null > "$results/fuzz.tap" 2>&1
}

# Both modes, but overhead mode is left to sanitizers() where that runs.
host() {
    local modes="overhead sandbox-only"
    say "host"
    ! wanted sanitizers || modes=sandbox-only
    KC_MODES=$modes tests/vm/run-suites.sh "$top/build/release/kata-cgroup" "$results" host "$filter" < /dev/null
}

# The host's suites in overhead mode, with the sanitizers' build.
sanitizers() {
    say "host, with sanitizers"
    tests/vm/run-sanitized.sh "$top/build/debug/kata-cgroup" "$results" host-sanitized "$filter" < /dev/null
}

# A sample of the comparison with runc and crun, where all controllers are; scripts/differential.sh is the whole.
differential_sample() {
    local driver
    [ -z "$filter" ] || return 0
    case "$1" in
    bookworm-v1 | trixie-v2) ;;
    *) return 0 ;;
    esac
    for driver in cgroupfs systemd; do
        echo "tests/differential/run.sh /job/kata-cgroup /job/random-resources $driver 5 1 < /dev/null" \
            "> results/$1.$driver.sandbox-only.differential.tap 2>&1 || status=1"
    done
}

# A sample of the kill and fault points: scripts/reliability.sh is the whole. What the host cannot show (systemd, v2) is
# in the VMs, one for each version and driver: of the scenarios half are killed and half fail, the other way round on trixie.
reliability_sample() {
    local kind kinds driver mode
    local -A scenarios=([kill]="create lift devices reattach place overhead delete" [fault]="attach update unthrottle refused overhead clear"
        [signal]="create attach devices clear")
    [ -z "$filter" ] || return 0
    case "$1" in
    bookworm-v2) driver=systemd mode=overhead kinds=(kill signal) ;;
    bookworm-v1) driver=systemd mode=sandbox-only kinds=(kill fault) ;;
    trixie-v2) driver=cgroupfs mode=overhead kinds=(kill fault) ;;
    *) return 0 ;;
    esac
    case "$1" in
    trixie-v2) scenarios=([kill]="${scenarios[fault]}" [fault]="${scenarios[kill]}") ;;
    esac
    for kind in "${kinds[@]}"; do
        echo "tests/reliability/run.sh /job/kata-cgroup $kind $driver $mode 800 ${scenarios[$kind]} < /dev/null" \
            "> results/$1.$driver.$mode.$kind.tap 2>&1 || status=1"
    done
    echo "tests/reliability/many.sh /job/kata-cgroup $driver 12 16 < /dev/null > results/$1.$driver.$mode.many.tap 2>&1"
}

# Most of the host's suites; scripts/memcheck.sh has all.
memcheck() {
    say "units and host under valgrind"
    scripts/memcheck.sh --sample "$results" "$filter" < /dev/null
}

# systemd's side of the sanitizers' build.
sanitized_sample() {
    [ "$1" != trixie-v2 ] || echo "tests/vm/run-sanitized.sh /job/sanitized/kata-cgroup results $1-sanitized '$filter' < /dev/null || status=1"
}

host_reliability() {
    [ -z "$filter" ] || return 0
    say "host: kill, fault and signal points"
    tests/reliability/run.sh "$top/build/release/kata-cgroup" kill cgroupfs overhead 160 < /dev/null \
        > "$results/host.cgroupfs.overhead.kill.tap" 2>&1
    tests/reliability/run.sh "$top/build/release/kata-cgroup" fault cgroupfs sandbox-only 160 < /dev/null \
        > "$results/host.cgroupfs.sandbox-only.fault.tap" 2>&1
    tests/reliability/run.sh "$top/build/release/kata-cgroup" signal cgroupfs overhead 160 < /dev/null \
        > "$results/host.cgroupfs.overhead.signal.tap" 2>&1
    tests/reliability/many.sh "$top/build/release/kata-cgroup" cgroupfs < /dev/null > "$results/host.cgroupfs.overhead.many.tap" 2>&1
}

# What was printed in JSON here and in the machines, against doc/json. Without a filter, since every kind has to be there.
documents() {
    [ -z "$filter" ] && wanted host || return 0
    say "documents"
    # The distribution's Python, which has the module.
    /usr/bin/python3 tests/documents/validate.py "$results"/*.documents > "$results/documents.tap" 2> "$results/documents.log" ||
        grep -q '^not ok' "$results/documents.tap" ||
        { echo "not ok 1 documents were looked at"; sed 's/^/# /' "$results/documents.log"; } >> "$results/documents.tap"
}

# The job of a VM: binaries, suites, and the runner; its results come back between markers.
make_job() {
    local job=$1
    fill_job "$job" build/release
    mkdir "$job/sanitized"
    [ "$2" != bookworm-v2 ] || fill_packages "$job" build/release > "$results/packages.log" 2>&1 ||
        { echo "not ok 1 packages for $2"; sed 's/^/# /' "$results/packages.log"; } > "$results/$2.packages.tap"
    [ "$2" != trixie-v2 ] || cp build/debug/kata-cgroup "${job_tools[@]/#/build/debug/}" "$job/sanitized"
    cat > "$job/run" << END
export KC_HOST=$(host_cgroups)
tests/vm/run-suites.sh /job/kata-cgroup /job/results "\$(cat environment)" '$filter'
status=\$?
echo "\$SECONDS s: suites"
$(differential_sample "$2")
echo "\$SECONDS s: comparison with runc and crun"
$(reliability_sample "$2")
echo "\$SECONDS s: kill, fault and signal points"
$(sanitized_sample "$2")
echo "\$SECONDS s: suites with sanitizers"
for file in results/*.documents; do [ ! -e "\$file" ] || { echo "DOCUMENTS-FILE \${file##*/}"; gzip -c "\$file" | base64; }; done
for file in results/*.tap; do echo "TAP-FILE \${file##*/}"; cat "\$file"; done
exit \$status
END
}

vm() {
    local name=$1 job
    job=$(mktemp -d)
    make_job "$job" "$name"
    echo "$name" > "$job/environment"
    scripts/vm/run.sh "${name%-*}" "${name#*-}" "$job" --timeout 3000 > "$results/$name.output" 2> "$results/$name.log"
    awk -v dir="$results" '/^(TAP|DOCUMENTS)-FILE / {file = dir "/" $2; next} file {print > file}' "$results/$name.output"
    rm -rf "$job"
    if [ -e "$results/$name.documents" ]; then
        base64 -d "$results/$name.documents" | gzip -dc > "$results/$name.unpacked"
        mv "$results/$name.unpacked" "$results/$name.documents"
    fi
    ls "$results/$name".*.tap > /dev/null 2>&1 ||
        { echo "not ok 1 $name delivered no results"; sed 's/^/# /' "$results/$name.log" "$results/$name.output" | tail -n 40; } > "$results/$name.tap"
    echo "$name: done"
}

images() {
    local name
    for name in bookworm trixie; do
        case "$*" in *"$name"*) scripts/vm/build-image.sh "$name" > /dev/null || return 1 ;; esac
    done
}

here() {
    local lock
    # Two that work on one host's cgroups at a time would find each other's.
    exec {lock}> /run/kata-cgroup-test.lock
    flock "$lock"
    ! wanted lint || timed lint lint
    ! wanted units || timed units units
    ! wanted fuzz || timed fuzz fuzz
    ! wanted host || { timed host host; timed points host_reliability; }
    ! wanted sanitizers || timed sanitizers sanitizers
    ! wanted valgrind || timed valgrind memcheck
}

# Two at a time: what runs here, and one virtual machine after the other.
everything() {
    local name running=1 names=()
    for name in "${environments[@]}"; do ! wanted "$name" || names+=("$name"); done
    here &
    if [ ${#names[@]} -gt 0 ]; then
        images "${names[@]}" || { echo "not ok 1 the images were not built" > "$results/images.tap"; names=(); }
        say "virtual machines: ${names[*]}"
    fi
    for name in "${names[@]}"; do
        [ $running -lt 2 ] || { wait -n; running=$((running - 1)); }
        timed "$name" vm "$name" < /dev/null &
        running=$((running + 1))
    done
    wait
}

# Every one of the eight combinations has to have run somewhere.
check_matrix() {
    local version driver mode
    stage=matrix
    for version in v1 v2; do
        for driver in cgroupfs systemd; do
            for mode in overhead sandbox-only; do
                check "cgroup $version with $driver, $mode: was run" \
                    sh -c "grep -qh '^ok' $results/*-$version.$driver.$mode.*.tap"
            done
        done
    done
}

durations() {
    say "seconds"
    awk '{printf "%-16s %5d\n", $1, $2; sum += $2} END {printf "%-16s %5d\n", "sum", sum}' "$results/durations"
}

report() {
    say "results"
    awk '
        FNR == 1 {name = FILENAME; sub(/.*\//, "", name); sub(/\.tap$/, "", name); split(name, part, ".")
                  group = part[1] (part[3] ? " " part[2] " " part[3] : "")
                  if (!(group in seen)) {seen[group] = 1; order[++groups] = group}}
        /^ok .*# skip/ {skipped[group]++; skips++; reasons[++reason_count] = group ": " $0; next}
        /^ok / {passed[group]++; passes++; failing = 0; next}
        /^not ok / {failed[group]++; failures++; failing = 1; lines[++line_count] = group ": " $0; next}
        /^# points [0-9]+$/ {points[part[4]] += $3; next}
        /^# inputs [0-9]+$/ {inputs += $3; if (part[1] == "fuzz") fuzzed += $3; next}
        /^#|^\t/ {if (failing) lines[++line_count] = "    " $0}
        END {
            for (i = 1; i <= line_count; i++) print lines[i]
            printf "%-42s %7s %7s %7s\n", "environment, driver, mode", "passed", "failed", "skipped"
            for (i = 1; i <= groups; i++)
                printf "%-42s %7d %7d %7d\n", order[i], passed[order[i]], failed[order[i]], skipped[order[i]]
            if (points["kill"] + points["fault"])
                printf "killed at %d, failed at %d and sent a signal at %d system calls%s\n",
                       points["kill"], points["fault"], points["signal"], failures ? "" : ": none of them left anything"
            if (inputs) printf "hostile inputs: %d, %d of them from fuzzers%s\n", inputs, fuzzed,
                               failures ? "" : ": none of them left anything"
            for (i = 1; i <= reason_count; i++) print "skipped: " reasons[i]
            if (skips) printf "%d passed, %d failed, %d skipped\n", passes, failures, skips
            else printf "%d passed, %d failed\n", passes, failures
            exit failures > 0 || passes == 0
        }' "$results"/*.tap
}

scripts/install-deps.sh || exit 1
rm -rf "$results"
mkdir -p "$results"
timed build build || { echo "0 passed, 1 failed"; exit 1; }
everything
documents
[ "$quick" = true ] || [ ${#only[@]} -gt 0 ] || check_matrix
durations
report
