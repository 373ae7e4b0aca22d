# shellcheck shell=bash disable=SC2034
# A real guest: a kernel and one program, tests/tools/guest-init.c, that counts and says so each second. Sourced by
# tests/bats/guest.bats and scripts/demo-guest.sh.
#
# Emulated by TCG with a thread for each vCPU, which needs no KVM and has the same threads. The guest's line is the
# event that those who look at the host wait for.

GUEST_MEMORY_MB=256

# make_initramfs GUEST-INIT DIRECTORY: DIRECTORY/initramfs, with that program as /init
make_initramfs() {
    mkdir -p "$2/root"
    cp "$1" "$2/root/init"
    (cd "$2/root" && echo init | cpio --quiet -o -H newc) > "$2/initramfs"
}

# read_qemu: what QEMU is made of is in memory then, charged to the caller. Charged to the guest's group, it would be
# dropped and read again for long at a limit, before the kernel gives up and kills.
read_qemu() {
    local program
    program=$(command -v qemu-system-x86_64)
    ldd "$program" | sed -n 's/.*=> \(\/[^ ]*\) .*/\1/p' | xargs cat "$program" > /dev/null
}

# guest_command KERNEL INITRAMFS QMP-SOCKET: sets GUEST_COMMAND, a QEMU whose standard input and output are the guest's
# console.
guest_command() {
    # What protects real machines and looks for their devices is most of an emulated guest's time to boot.
    local line="console=ttyS0 quiet panic=-1 mitigations=off init_on_alloc=0 nokaslr norandmaps audit=0 nowatchdog"
    line+=" tsc=reliable clocksource=tsc rcupdate.rcu_expedited=1"
    # The emulator keeps what it has translated in memory; a small cache is enough for a guest that does one thing.
    GUEST_COMMAND=(qemu-system-x86_64 -machine "q35,hpet=off" -accel "tcg,thread=multi,tb-size=32" -cpu qemu64 -smp 2
        -m "$GUEST_MEMORY_MB" -nodefaults -display none -no-reboot -kernel "$1" -initrd "$2" -append "$line"
        -serial stdio -qmp "unix:$3,server=on,wait=off")
}

# start_guest COMMAND...: runs that, which becomes GUEST_COMMAND, with its console at GUEST_OUTPUT and GUEST_INPUT, and
# sets GUEST_PID.
start_guest() {
    local directory
    read_qemu
    directory=$(mktemp -d)
    mkfifo "$directory/input" "$directory/output"
    "$@" < "$directory/input" > "$directory/output" 2> /dev/null 3>&- &
    GUEST_PID=$!
    exec {GUEST_INPUT}> "$directory/input" {GUEST_OUTPUT}< "$directory/output"
    rm -rf "$directory"
}

# next_second: waits for the guest's next line; sets GUEST_UPTIME (in seconds, three decimals), GUEST_TOUCHED (MiB) and
# GUEST_COUNTS. False once the guest is gone; one that says nothing for five minutes is ended.
next_second() {
    local word line status
    while true; do
        read -r -t 300 -u "$GUEST_OUTPUT" line || { status=$?; break; }
        read -r word GUEST_UPTIME GUEST_TOUCHED line <<< "${line%$'\r'}"
        [ "$word" = guest ] || continue
        read -ra GUEST_COUNTS <<< "$line"
        return 0
    done
    [ "$status" -gt 128 ] || return 1
    echo "the guest has said nothing for 300 s" >&2
    kill -KILL "$GUEST_PID"
    return 1
}

# fresh_second: as next_second, but lines that have been waiting are passed over.
fresh_second() {
    while read -t 0 -u "$GUEST_OUTPUT"; do next_second || return 1; done
    next_second
}

# ask_for_memory MIB: has the guest write to so much more of its memory; GUEST_TOUCHED says later that it has.
ask_for_memory() { echo "touch $1" >&"$GUEST_INPUT"; }
