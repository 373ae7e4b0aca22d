#!/usr/bin/env bash
# Boots a test VM, has it run JOBDIR/run as root, prints what that prints, and exits with its status.
#
# usage: run.sh SUITE MODE JOBDIR [--timeout SECONDS]
#   SUITE  bookworm (systemd 252, Linux 6.1) or trixie (systemd 257, Linux 6.12)
#   MODE   v2, v1 or hybrid: how systemd mounts control groups
#
# The job goes in as a tar on a second disk and comes out of the second serial port. The image is not
# changed (snapshot=on). TCG on purpose: it runs wherever the tests do.
set -euo pipefail

usage() { sed -n '2,7s/^# \{0,1\}//p' "${BASH_SOURCE[0]}"; }
[ $# -ge 3 ] || { usage >&2; exit 2; }
suite=$1 mode=$2 job=$3 timeout=1500
[ "${4:-}" = --timeout ] && timeout=$5

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
image=$("$here/build-image.sh" "$suite")
work=$(mktemp -d)
qemu=

cleanup() {
    [ -z "$qemu" ] || kill -KILL "$qemu" 2>/dev/null || true
    rm -rf "$work"
}
trap cleanup EXIT

cmdline="root=/dev/vda rw console=ttyS0 quiet panic=-1 net.ifnames=0 swapaccount=1 hugepages=16 audit=0 selinux=0"
cmdline+=" systemd.log_level=err systemd.show_status=0 fsck.mode=skip mitigations=off"
# What protects a real host costs an emulated one half of its time (measured: fork and exec 2.6 times as fast
# without, making and removing cgroups 4 times).
cmdline+=" init_on_alloc=0 init_on_free=0 hardened_usercopy=off apparmor=0 nokaslr norandmaps"
cmdline+=" rcupdate.rcu_expedited=1 tsc=reliable clocksource=tsc nowatchdog"
case "$mode" in
v2) cmdline+=" systemd.unified_cgroup_hierarchy=1" ;;
v1) cmdline+=" systemd.unified_cgroup_hierarchy=0 systemd.legacy_systemd_cgroup_controller=1" ;;
hybrid) cmdline+=" systemd.unified_cgroup_hierarchy=0" ;;
*) usage >&2; exit 2 ;;
esac
[ "$mode" = v2 ] || cmdline+=" SYSTEMD_CGROUP_ENABLE_LEGACY_FORCE=1"

tar -C "$job" -cf "$work/job.tar" .
truncate -s %512 "$work/job.tar"
: > "$work/output"
# Also measured: wide vectors and a large state to save cost an emulator more than they bring, and both CPUs on one
# thread are a sixth faster than on two, where two machines share two cores.
cpu=max,invtsc=on,-avx,-avx2,-xsave,-smap,-smep,-la57
qemu-system-x86_64 -machine q35,hpet=off -accel tcg,thread=single -cpu "$cpu" -smp 2 -m 2560 -nodefaults -display none \
    -no-reboot -kernel "$image/vmlinuz" -initrd "$image/initrd.img" -append "$cmdline" \
    -drive "file=$image/root.img,if=virtio,format=raw,snapshot=on" \
    -drive "file=$work/job.tar,if=virtio,format=raw,readonly=on" \
    -serial "file:$work/console" -serial "file:$work/output" \
    < /dev/null > "$work/qemu.log" 2>&1 &
qemu=$!

# The end of the emulator is the event; the timeout only bounds it.
timeout "$timeout" tail --pid="$qemu" -f /dev/null || true
if kill -0 "$qemu" 2>/dev/null; then
    echo "run.sh: $suite-$mode did not end within $timeout s" >&2
fi
status=$(sed -n 's/^KATA-CGROUP-JOB-STATUS \([0-9]*\).*/\1/p' "$work/output" | tail -n 1)
grep -v '^KATA-CGROUP-JOB-STATUS' "$work/output" | tr -d '\r' || true
if [ -z "$status" ]; then
    echo "run.sh: $suite-$mode delivered no result; its console ends with:" >&2
    tail -n 30 "$work/console" "$work/qemu.log" >&2 || true
    exit 1
fi
exit "$status"
