#!/bin/sh
# Makes the installed system in $1 one that boots fast and has no identity yet.
set -eu
umask 022
cd "$1"

# What runs by itself would be in the way of what is measured, and the only
# terminal is the serial console.
chroot . systemctl --quiet mask \
	apt-daily.timer apt-daily-upgrade.timer dpkg-db-backup.timer e2scrub_all.timer fstrim.timer \
	e2scrub_reap.service systemd-pstore.service systemd-binfmt.service proc-sys-fs-binfmt_misc.automount \
	sys-kernel-config.mount sys-fs-fuse-connections.mount sys-kernel-debug.mount sys-kernel-tracing.mount \
	modprobe@.service getty@tty1.service \
	sleep.target suspend.target hibernate.target hybrid-sleep.target
chroot . systemctl --quiet enable systemd-networkd.service

# Each guest makes its own at its first boot: systemd and cloud-init do.
rm -f etc/ssh/ssh_host_* var/lib/dbus/machine-id var/lib/systemd/random-seed
: >etc/machine-id

echo debian >etc/hostname
printf '127.0.0.1\tlocalhost\n127.0.1.1\tdebian\n::1\tlocalhost ip6-localhost ip6-loopback\n' >etc/hosts
echo 'LABEL=debian / ext4 defaults 0 0' >etc/fstab

# Files lose their capabilities on the way to the disk: ping must do without.
echo 'net.ipv4.ping_group_range = 0 2147483647' >etc/sysctl.d/ping.conf

cat >etc/cloud/cloud.cfg.d/90_datasource.cfg <<'END'
# A NoCloud seed, or none: nothing else is looked for.
datasource_list: [NoCloud, None]
# What takes seconds under software emulation, and nobody here asks for: a key of
# RSA, debconf for a boot loader that is not there, and locales.
ssh_genkeytypes: [ed25519, ecdsa]
grub_dpkg: {enabled: false}
locale: false
ssh: {emit_keys_to_console: false}
system_info:
  network:
    renderers: [networkd]
END

cat >etc/systemd/network/99-dhcp.network <<'END'
# What no network_config names: everything, or what is plugged in later.
[Match]
Driver=virtio_net

[Network]
DHCP=yes
END

mkdir -p etc/systemd/system/systemd-networkd-wait-online.service.d
cat >etc/systemd/system/systemd-networkd-wait-online.service.d/any.conf <<'END'
# A NIC that gets no address must not hold up the others, nor the boot for long.
[Service]
ExecStart=
ExecStart=/lib/systemd/systemd-networkd-wait-online --any --timeout=20
END
