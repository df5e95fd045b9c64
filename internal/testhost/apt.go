package testhost

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
)

// apt is apt-get and its companions with these options.
type apt struct{ options []string }

// updatedApt is an apt with fresh package lists that it keeps in a directory
// below tree.
func updatedApt(ctx context.Context, tree string) (apt, error) {
	lists := filepath.Join(tree, "lists")
	if err := os.MkdirAll(filepath.Join(lists, "partial"), 0o755); err != nil {
		return apt{}, fmt.Errorf("make a directory for package lists: %w", err)
	}
	own := apt{[]string{
		"-o", "Dir::State::Lists=" + lists,
		"-o", "Dir::Cache::pkgcache=", "-o", "Dir::Cache::srcpkgcache=",
		"-o", "APT::Sandbox::User=root", // the sandbox user cannot write to our directory
	}}
	_, err := own.run(ctx, tree, "apt-get", "update")
	return own, err
}

func (a apt) unpackKernel(ctx context.Context, tree string) error {
	packages, err := a.kernelPackages(ctx)
	if err != nil {
		return err
	}
	// As root, apt-get warns when its sandbox user cannot write to the directory.
	download := append([]string{"apt-get", "download", "-o", "APT::Sandbox::User=root"}, packages...)
	if _, err := a.run(ctx, tree, download...); err != nil {
		return err
	}
	files, err := filepath.Glob(filepath.Join(tree, "*.deb"))
	if err != nil || len(files) != len(packages) {
		return fmt.Errorf("look for the downloaded packages %v: found %v", packages, files)
	}
	for _, file := range files {
		if _, err := run(ctx, tree, "dpkg-deb", "-x", file, tree); err != nil {
			return err
		}
	}
	return nil
}

// kernelPackages names the packages that hold the kernel's files.
func (a apt) kernelPackages(ctx context.Context) ([]string, error) {
	var failures error
	for _, name := range kernelPackages {
		image, err := a.dependencies(ctx, name)
		if err != nil || len(image) == 0 {
			failures = errors.Join(failures, err)
			continue
		}
		modules, err := a.dependencies(ctx, image[0])
		return append(image[:1], modules...), err
	}
	return nil, fmt.Errorf("find a kernel package, one of %v: none is available: %w", kernelPackages, failures)
}

func (a apt) dependencies(ctx context.Context, name string) ([]string, error) {
	output, err := a.run(ctx, "", "apt-cache", "depends", name)
	if err != nil {
		return nil, err
	}
	var found []string
	for _, match := range kernelParts.FindAllStringSubmatch(output, -1) {
		found = append(found, match[1])
	}
	return found, nil
}

func (a apt) run(ctx context.Context, dir string, argv ...string) (string, error) {
	return run(ctx, dir, append(argv, a.options...)...)
}
