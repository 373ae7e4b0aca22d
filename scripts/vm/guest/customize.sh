#!/bin/sh
# Run by mmdebstrap on the new root: what a guest has to have besides its packages. Everything that only
# costs boot time under emulation is masked.
set -eu
root=$1
here=$(dirname "$0")

echo kata-cgroup-test > "$root/etc/hostname"
printf '/dev/vda / ext4 rw,noatime 0 0\n' > "$root/etc/fstab"
chroot "$root" passwd -d root > /dev/null
install -m 755 "$here/job" "$root/usr/local/sbin/kata-cgroup-job"
install -m 644 "$here/kata-cgroup-job.service" "$root/etc/systemd/system/kata-cgroup-job.service"
chroot "$root" systemctl enable --quiet kata-cgroup-job.service
chroot "$root" systemctl mask --quiet apt-daily.timer apt-daily-upgrade.timer dpkg-db-backup.timer \
    fstrim.timer e2scrub_all.timer systemd-tmpfiles-clean.timer getty@tty1.service getty.target \
    serial-getty@ttyS0.service systemd-networkd-wait-online.service systemd-timesyncd.service \
    systemd-firstboot.service e2scrub_reap.service systemd-update-utmp.service kmod-static-nodes.service \
    systemd-pcrlock.target \
    systemd-logind.service systemd-user-sessions.service systemd-udevd.service systemd-udevd-kernel.socket \
    systemd-udevd-control.socket systemd-udev-trigger.service systemd-binfmt.service systemd-journal-flush.service \
    systemd-modules-load.service systemd-random-seed.service systemd-sysctl.service systemd-sysusers.service \
    systemd-tmpfiles-setup.service systemd-tmpfiles-setup-dev.service systemd-tmpfiles-setup-dev-early.service

# Each daemon-reload runs all of them, some ten processes, for units that are not needed here: the root is mounted by the
# kernel.
rm -f "$root"/usr/lib/systemd/system-generators/* "$root"/lib/systemd/system-generators/*

# The initrd has to find one virtio disk with ext4 and nothing else.
printf 'virtio_pci\nvirtio_blk\next4\n' > "$root/etc/initramfs-tools/modules"
chroot "$root" update-initramfs -u > /dev/null
