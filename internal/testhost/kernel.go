package testhost

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"
)

// kernelPackages are the distributions' packages that depend on a small kernel
// for virtual machines: Debian's and Ubuntu's.
var kernelPackages = []string{"linux-image-cloud-amd64", "linux-image-virtual"}

// kernelParts matches what they depend on and what has the files: the image
// and, on Ubuntu, the modules in a package of their own.
var kernelParts = regexp.MustCompile(`Depends: (linux-(?:image|modules)-[0-9]\S*)`)

// kernel is a directory of the cache: vmlinuz, and modules/ with the modules
// that the guest loads, uncompressed and named so that they sort in that order.
type kernel struct {
	dir     string
	version string
}

func (k kernel) image() string   { return filepath.Join(k.dir, "vmlinuz") }
func (k kernel) modules() string { return filepath.Join(k.dir, "modules") }

// fetchKernel gets the distribution's kernel without installing it. The first
// one that was got is kept: an update of the distribution is no reason to
// download again.
func fetchKernel(ctx context.Context) (kernel, error) {
	wanted := sha256.Sum256(fmt.Append(nil, kernelPackages, guestModules))
	dir, err := Cached(ctx, fmt.Sprintf("kernel-%x", wanted[:8]), func(dir string) error {
		tree := filepath.Join(dir, "tree")
		if err := unpackKernel(ctx, tree); err != nil {
			return err
		}
		if err := keepKernel(ctx, tree, dir); err != nil {
			return err
		}
		return os.RemoveAll(tree)
	})
	if err != nil {
		return kernel{}, fmt.Errorf("get a kernel: %w", err)
	}
	version, err := os.ReadFile(filepath.Join(dir, "version"))
	if err != nil {
		return kernel{}, fmt.Errorf("read the kernel's version: %w", err)
	}
	return kernel{dir: dir, version: string(version)}, nil
}

// unpackKernel downloads the packages of a kernel and unpacks them into tree.
// The machine's package lists may be missing or name packages that the mirror
// has dropped; then lists of our own are fetched, which any user may.
func unpackKernel(ctx context.Context, tree string) error {
	if err := os.Mkdir(tree, 0o755); err != nil {
		return fmt.Errorf("make a directory for the kernel: %w", err)
	}
	err := apt{}.unpackKernel(ctx, tree)
	if err == nil {
		return nil
	}
	own, updateErr := updatedApt(ctx, tree)
	if updateErr != nil {
		return errors.Join(err, updateErr)
	}
	return own.unpackKernel(ctx, tree)
}

// keepKernel moves what the guest needs from the unpacked packages to dir.
func keepKernel(ctx context.Context, tree, dir string) error {
	images, err := filepath.Glob(filepath.Join(tree, "boot", "vmlinuz-*"))
	if err != nil || len(images) != 1 {
		return fmt.Errorf("look for one kernel in the packages: found %d", len(images))
	}
	version := strings.TrimPrefix(filepath.Base(images[0]), "vmlinuz-")
	if err := os.WriteFile(filepath.Join(dir, "version"), []byte(version), 0o644); err != nil {
		return fmt.Errorf("write the kernel's version: %w", err)
	}
	k := kernel{dir: dir, version: version}
	if err := copyFile(images[0], k.image()); err != nil {
		return err
	}
	return collectModules(ctx, tree, version, k.modules(), guestModules)
}
