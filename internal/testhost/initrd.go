package testhost

import (
	"bytes"
	"compress/gzip"
	"context"
	"fmt"
	"os"
	"path/filepath"
)

// makeInitrd writes the guest's root filesystem, which stays in its memory.
func makeInitrd(ctx context.Context, path string, kernel kernel, busybox string) error {
	dir, err := os.MkdirTemp("", "initrd-")
	if err != nil {
		return fmt.Errorf("make a directory for the guest's init: %w", err)
	}
	defer os.RemoveAll(dir)
	init := filepath.Join(dir, "init")
	if err := buildInit(ctx, filepath.Join(dir, "source"), init); err != nil {
		return fmt.Errorf("build the guest's init: %w", err)
	}

	modules, err := filepath.Glob(filepath.Join(kernel.modules(), "*.ko"))
	if err != nil {
		return fmt.Errorf("list the guest's modules: %w", err)
	}
	files := map[string]string{"init": init, "bin/busybox": busybox}
	for _, module := range modules {
		files["modules/"+filepath.Base(module)] = module
	}
	return writeInitrd(path, []string{"bin", "dev", "disk", "modules", "proc", "sys", "tmp"}, files)
}

// writeInitrd writes an archive of directories and of files, by their names in it,
// with busybox as its shell.
func writeInitrd(path string, dirs []string, files map[string]string) error {
	var archive bytes.Buffer
	packer := gzip.NewWriter(&archive)
	cpio := &cpioWriter{out: packer}
	for _, dir := range dirs {
		cpio.directory(dir)
	}
	// The kernel opens the console for init, and Go the null device when it
	// did not, before anything mounts /dev.
	cpio.device("dev/console", 5, 1)
	cpio.device("dev/null", 1, 3)
	cpio.link("bin/sh", "busybox")
	for name, source := range files {
		content, err := os.ReadFile(source)
		if err != nil {
			return fmt.Errorf("read a file for the guest: %w", err)
		}
		cpio.file(name, content)
	}
	if err := cpio.close(); err != nil {
		return fmt.Errorf("write the guest's root filesystem: %w", err)
	}
	if err := packer.Close(); err != nil {
		return fmt.Errorf("compress the guest's root filesystem: %w", err)
	}
	if err := os.WriteFile(path, archive.Bytes(), 0o444); err != nil {
		return fmt.Errorf("write the guest's root filesystem: %w", err)
	}
	return nil
}

// buildInit compiles the embedded source as a module of its own in dir, so that
// the directory that this program is run from does not matter.
func buildInit(ctx context.Context, dir, program string) error {
	if err := os.CopyFS(dir, initSource); err != nil {
		return fmt.Errorf("copy its source: %w", err)
	}
	dir = filepath.Join(dir, "guestinit")
	if _, err := run(ctx, dir, "go", "mod", "init", "guestinit"); err != nil {
		return err
	}
	_, err := run(ctx, dir, "env", "CGO_ENABLED=0", "GOOS=linux", "GOARCH=amd64", "GOFLAGS=", "GOWORK=off",
		"go", "build", "-trimpath", "-ldflags=-s -w", "-o", program, ".")
	return err
}
