package testhost

import (
	"fmt"
	"syscall"
)

// mount makes the data directory a filesystem of its own, in memory.
func (h *Host) mount(mib int) error {
	if mib == 0 {
		return nil
	}
	if err := syscall.Mount("tmpfs", h.DataDir, "tmpfs", 0, fmt.Sprintf("size=%dm,mode=0700", mib)); err != nil {
		return fmt.Errorf("mount a filesystem at the data directory: %w", err)
	}
	h.mounted = true
	return nil
}

// Leave leaves so much of the data directory's filesystem: bytes, which pages
// round up, and files, of which each name of a file is one.
func (h *Host) Leave(bytes, files int64) error {
	var stat syscall.Statfs_t
	if err := syscall.Statfs(h.DataDir, &stat); err != nil {
		return fmt.Errorf("ask how full the data directory is: %w", err)
	}
	size := int64(stat.Blocks-stat.Bfree)*stat.Bsize + bytes
	options := fmt.Sprintf("size=%d,nr_inodes=%d", size, int64(stat.Files-stat.Ffree)+files)
	if err := syscall.Mount("tmpfs", h.DataDir, "tmpfs", syscall.MS_REMOUNT, options); err != nil {
		return fmt.Errorf("fill the data directory (%s): %w", options, err)
	}
	return nil
}

// unmount takes it away; whatever used it has been ended.
func (h *Host) unmount() error {
	if !h.mounted {
		return nil
	}
	if err := syscall.Unmount(h.DataDir, 0); err != nil {
		return fmt.Errorf("unmount the data directory: %w", err)
	}
	h.mounted = false
	return nil
}
