package testhost

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
)

const bootDiskSize = 40 << 20 // bytes: FAT, of 16 heads and 63 sectors

const bootMenu = `DEFAULT linux
LABEL linux
  KERNEL vmlinuz
  INITRD initrd.gz
  APPEND ` + CommandLine + "\n"

// makeBootDisk writes a qcow2 disk that a PC's firmware boots: SYSLINUX on a FAT
// filesystem, with the guest's kernel and initial RAM disk. Nothing of it needs
// root.
func makeBootDisk(ctx context.Context, path, kernel, initrd string) error {
	dir, err := os.MkdirTemp("", "bootdisk-")
	if err != nil {
		return fmt.Errorf("make a directory for the guest's boot disk: %w", err)
	}
	defer os.RemoveAll(dir)
	menu := filepath.Join(dir, "syslinux.cfg")
	if err := os.WriteFile(menu, []byte(bootMenu), 0o644); err != nil {
		return fmt.Errorf("write the guest's boot menu: %w", err)
	}
	raw, err := makeRaw(dir, bootDiskSize)
	if err != nil {
		return err
	}
	for _, command := range [][]string{
		{"mformat", "-i", raw, "-v", "BOOT", "-T", fmt.Sprint(bootDiskSize / 512), "-h", "16", "-s", "63", "::"},
		{"mcopy", "-i", raw, kernel, initrd, menu, "::"},
		{"syslinux", "--install", raw},
	} {
		if _, err := run(ctx, dir, command...); err != nil {
			return err
		}
	}
	return toQcow2(ctx, raw, path)
}
