#!/bin/sh
# The init of the initial RAM disk: loads the modules of the disk and mounts it.
# A bare kernel has no device nodes and no /proc; what follows needs both.
busybox mount -t devtmpfs dev /dev
busybox mount -t proc proc /proc
for module in /modules/*; do
	busybox insmod "$module"
done
until disk=$(busybox findfs LABEL=debian); do
	busybox sleep 0.02
done
busybox mount -t ext4 "$disk" /root
busybox mount --move /dev /root/dev
busybox umount /proc
exec busybox switch_root /root /sbin/init
