#!/usr/bin/env bash
# The whole comparison with runc and crun: 200 documents for each driver, in each of the machines that have all
# controllers. scripts/test.sh runs a sample of it.
#
# usage: differential.sh [COUNT [SEED]]      (default: 200 documents, seed 1)
#
# Takes some 15 minutes for each driver and machine; two machines run side by side.
set -uo pipefail

count=${1:-200} seed=${2:-1}
top=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
cd "$top" || exit 1
scripts/install-deps.sh build test vm || exit 1
{ cmake --preset release && cmake --build build/release; } > /dev/null || exit 1
results=$(mktemp -d)
trap 'rm -rf "$results"' EXIT

compare() {
    local name=$1 job=$results/$1
    mkdir "$job"
    cp build/release/kata-cgroup build/release/random-resources "$job"
    cp -r tests/differential "$job"
    cat > "$job/run" << END
for driver in cgroupfs systemd; do
    echo "# $name \$driver"
    differential/run.sh /job/kata-cgroup /job/random-resources \$driver $count $seed < /dev/null
done
END
    scripts/vm/run.sh "${name%-*}" "${name#*-}" "$job" --timeout 14400 > "$results/$name.tap"
}

for name in bookworm trixie; do scripts/vm/build-image.sh "$name" > /dev/null || exit 1; done
compare bookworm-v2 &
compare bookworm-v1 &
wait
compare trixie-v2
cat "$results"/*.tap
passed=$(cat "$results"/*.tap | grep -c '^ok') failed=$(cat "$results"/*.tap | grep -c '^not ok')
echo "$passed passed, $failed failed"
[ "$failed" = 0 ] && [ "$passed" = $((count * 6)) ]
