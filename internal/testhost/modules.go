package testhost

import (
	"bytes"
	"context"
	"debug/elf"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
)

// guestModules are loaded in this order, each after those it depends on. A name
// with a question mark may be missing: distributions differ.
var guestModules = []string{
	"virtio_pci", "virtio_net", "virtio_blk", "virtio_scsi", "sd_mod",
	"crc32c_generic?", "ext4",
	"button", "evdev",
	"pvpanic_pci?", "vmgenid?", "af_packet?",
	"isofs", // for the seed of cloud-init
}

// moduleSet collects modules in the order in which they must be loaded. The
// packages have no modules.dep, which is made at installation; so dependencies
// are read from the modules themselves.
type moduleSet struct {
	files   map[string]string // by module name, as packaged
	builtin map[string]bool
	dir     string // where they are collected
	done    map[string]bool
}

// collectModules writes the modules of those names, and what they depend on, to dir.
func collectModules(ctx context.Context, tree, version, dir string, names []string) error {
	if err := os.Mkdir(dir, 0o755); err != nil {
		return fmt.Errorf("make a directory for the modules: %w", err)
	}
	set := moduleSet{
		files: map[string]string{}, builtin: map[string]bool{},
		dir: dir, done: map[string]bool{},
	}
	if err := set.index(tree, version); err != nil {
		return fmt.Errorf("list the kernel's modules: %w", err)
	}
	for _, name := range names {
		name, optional := strings.CutSuffix(name, "?")
		if err := set.add(ctx, name); err != nil && (!optional || !errors.Is(err, fs.ErrNotExist)) {
			return err
		}
	}
	return nil
}

// index finds the modules and what is built into the kernel instead. Debian 13
// has them below /usr.
func (s *moduleSet) index(tree, version string) error {
	root := filepath.Join(tree, "lib", "modules", version)
	if _, err := os.Stat(root); err != nil {
		root = filepath.Join(tree, "usr", "lib", "modules", version)
	}
	list, err := os.ReadFile(filepath.Join(root, "modules.builtin"))
	if err != nil {
		return err
	}
	for path := range strings.FieldsSeq(string(list)) {
		s.builtin[moduleName(path)] = true
	}
	return filepath.WalkDir(root, func(path string, _ fs.DirEntry, err error) error {
		if strings.Contains(filepath.Base(path), ".ko") {
			s.files[moduleName(path)] = path
		}
		return err
	})
}

// moduleName is how the kernel calls the module in a file.
func moduleName(path string) string {
	name, _, _ := strings.Cut(filepath.Base(path), ".ko")
	return strings.ReplaceAll(name, "-", "_")
}

// add collects a module after those that it depends on.
func (s *moduleSet) add(ctx context.Context, name string) error {
	if s.done[name] || s.builtin[name] {
		return nil
	}
	s.done[name] = true
	packaged, ok := s.files[name]
	if !ok {
		return fmt.Errorf("find the kernel module %s: %w", name, fs.ErrNotExist)
	}
	content, err := uncompressed(ctx, packaged)
	if err != nil {
		return err
	}
	dependencies, err := moduleDependencies(content)
	if err != nil {
		return fmt.Errorf("read the dependencies of the kernel module %s: %w", name, err)
	}
	for _, dependency := range dependencies {
		if err := s.add(ctx, dependency); err != nil {
			return err
		}
	}
	collected, err := os.ReadDir(s.dir)
	if err != nil {
		return fmt.Errorf("list the collected modules: %w", err)
	}
	path := filepath.Join(s.dir, fmt.Sprintf("%02d-%s.ko", len(collected), name))
	if err := os.WriteFile(path, content, 0o644); err != nil {
		return fmt.Errorf("write a kernel module: %w", err)
	}
	return nil
}

// uncompressed reads a module that may be compressed, as Debian 13's (xz) and
// Ubuntu's (zstd) are.
func uncompressed(ctx context.Context, path string) ([]byte, error) {
	var output string
	var err error
	switch filepath.Ext(path) {
	case ".xz":
		output, err = run(ctx, "", "xz", "-dc", path)
	case ".zst":
		output, err = run(ctx, "", "zstd", "-dc", path)
	default:
		return os.ReadFile(path)
	}
	return []byte(output), err
}

func moduleDependencies(module []byte) ([]string, error) {
	file, err := elf.NewFile(bytes.NewReader(module))
	if err != nil {
		return nil, err
	}
	section := file.Section(".modinfo")
	if section == nil {
		return nil, errors.New("no section .modinfo")
	}
	info, err := section.Data()
	if err != nil {
		return nil, err
	}
	for field := range strings.SplitSeq(string(info), "\x00") {
		if list, ok := strings.CutPrefix(field, "depends="); ok && list != "" {
			return strings.Split(strings.ReplaceAll(list, "-", "_"), ","), nil
		}
	}
	return nil, nil
}
