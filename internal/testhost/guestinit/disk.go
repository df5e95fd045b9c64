//go:build linux

package main

import (
	"os"
	"syscall"
)

const (
	diskDevice = "/dev/vda"
	diskDir    = "/disk"
)

// mountDisk mounts the first virtio disk. A guest without one is as good.
func mountDisk() {
	if _, err := os.Stat(diskDevice); err != nil {
		return
	}
	report("mount "+diskDevice, syscall.Mount(diskDevice, diskDir, "ext4", 0, ""))
}

// unmountDisk leaves a clean filesystem even when a process still uses it.
func unmountDisk() {
	syscall.Sync()
	if syscall.Unmount(diskDir, 0) == syscall.EBUSY {
		report("remount the disk read-only", syscall.Mount("", diskDir, "", syscall.MS_REMOUNT|syscall.MS_RDONLY, ""))
	}
}
