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
