package testhost

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
)

const diskSize = 64 << 20 // bytes

// makeDisk writes a qcow2 disk with an ext4 filesystem on the whole of it.
func makeDisk(ctx context.Context, path string) error {
	dir, err := os.MkdirTemp("", "disk-")
	if err != nil {
		return fmt.Errorf("make a directory for the guest's disk: %w", err)
	}
	defer os.RemoveAll(dir)
	content := filepath.Join(dir, "content")
	if err := os.Mkdir(content, 0o755); err != nil {
		return fmt.Errorf("make a directory for the guest's disk: %w", err)
	}
	if err := os.WriteFile(filepath.Join(content, "data"), []byte("testguest\n"), 0o644); err != nil {
		return fmt.Errorf("write a file for the guest's disk: %w", err)
	}
	raw, err := makeRaw(dir, diskSize)
	if err != nil {
		return err
	}
	mke2fs, err := systemProgram("mke2fs")
	if err != nil {
		return err
	}
	if _, err := run(ctx, dir, mke2fs, "-q", "-F", "-t", "ext4",
		"-E", "lazy_itable_init=0,lazy_journal_init=0", // or the guest writes in the background
		"-d", content, raw); err != nil {
		return err
	}
	return toQcow2(ctx, raw, path)
}

// makeRaw makes an empty disk.
func makeRaw(dir string, bytes int64) (string, error) {
	raw := filepath.Join(dir, "raw")
	if err := errors.Join(os.WriteFile(raw, nil, 0o644), os.Truncate(raw, bytes)); err != nil {
		return "", fmt.Errorf("make a disk of the guest: %w", err)
	}
	return raw, nil
}

func toQcow2(ctx context.Context, raw, path string) error {
	if _, err := run(ctx, filepath.Dir(raw), "qemu-img", "convert", "-f", "raw", "-O", "qcow2", raw, path); err != nil {
		return err
	}
	if err := os.Chmod(path, 0o444); err != nil {
		return fmt.Errorf("make a disk of the guest read-only: %w", err)
	}
	return nil
}

func copyFile(from, to string) error {
	source, err := os.Open(from)
	if err != nil {
		return fmt.Errorf("copy %s: %w", from, err)
	}
	defer source.Close()
	target, err := os.OpenFile(to, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o444)
	if err != nil {
		return fmt.Errorf("copy %s: %w", from, err)
	}
	if _, err := io.Copy(target, source); err != nil {
		target.Close()
		return fmt.Errorf("copy %s: %w", from, err)
	}
	return target.Close()
}
