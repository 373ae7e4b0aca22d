#!/usr/bin/env bash
# The suites with a binary that was built with the sanitizers (preset debug): on a machine with systemd those that show
# its driver's work, else all of them. A report is a failure, also where the test expected the command to fail.
#
# usage: run-sanitized.sh BINARY RESULT-DIRECTORY ENVIRONMENT [FILTER]
set -uo pipefail

binary=$1 results=$2 environment=$3 filter=${4:-}
reports=$(mktemp -d)
trap 'rm -rf "$reports"' EXIT
export ASAN_OPTIONS=log_path=$reports/asan:detect_stack_use_after_return=1 UBSAN_OPTIONS=log_path=$reports/ubsan:print_stacktrace=1

export KC_MODES=overhead
[ ! -d /run/systemd/system ] || export KC_DRIVERS=systemd KC_SUITES="matrix-stays systemd-failures v2-matrix-subtree"
"$(dirname "${BASH_SOURCE[0]}")/run-suites.sh" "$binary" "$results" "$environment" "$filter"
status=$?

if [ -z "$(ls -A "$reports")" ]; then
    echo "ok 1 no report of a sanitizer"
else
    echo "not ok 1 no report of a sanitizer"
    head -n 20 "$reports"/* | sed 's/^/# /'
    status=1
fi > "$results/$environment.reports.tap"
exit $status
