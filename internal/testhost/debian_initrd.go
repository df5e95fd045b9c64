package testhost

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
)

// debianModules are what the kernel needs to mount the system's disk.
var debianModules = []string{"virtio_pci", "virtio_blk", "crc32c_generic?", "ext4"}

// makeDebianInitrd writes an initial RAM disk that does nothing but mount the
// system's disk. Debian's own looks for all kinds of disks first, for seconds.
func makeDebianInitrd(ctx context.Context, dir, tree, version, path string) error {
	busybox, err := findBusybox()
	if err != nil {
		return err
	}
	modules := filepath.Join(dir, "modules")
	if err := collectModules(ctx, tree, version, modules, debianModules); err != nil {
		return err
	}
	init := filepath.Join(dir, "init")
	if err := os.WriteFile(init, debianInit, 0o644); err != nil {
		return fmt.Errorf("write the init of the initial RAM disk: %w", err)
	}
	files := map[string]string{"bin/busybox": busybox, "init": init}
	collected, err := filepath.Glob(filepath.Join(modules, "*.ko"))
	if err != nil {
		return fmt.Errorf("list the modules of the initial RAM disk: %w", err)
	}
	for _, module := range collected {
		files["modules/"+filepath.Base(module)] = module
	}
	return writeInitrd(path, []string{"bin", "dev", "modules", "proc", "root"}, files)
}
