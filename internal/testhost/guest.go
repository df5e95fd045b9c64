package testhost

import (
	"context"
	"crypto/sha256"
	"debug/elf"
	"embed"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"syscall"
	"time"
)

// A Guest is a tiny Linux that boots in two to three seconds under software
// emulation. Its files are shared by all who test on this machine: copy them or
// put an overlay on them, never write to them.
//
// It answers HTTP on port 80 (see [GuestClient]) and "SSH-2.0-testguest" on
// port 22, has the address that QEMU's user network expects (10.0.2.15), and on a
// bridge 10.77. and the last two bytes of its MAC address, mounts its first virtio
// disk at /disk, and powers off at the ACPI power button.
// Package guestinit lists the kernel command line words that change that.
type Guest struct {
	Kernel        string // vmlinuz
	Initrd        string // cpio archive, gzip
	Disk          string // qcow2, 64 MiB, ext4; the file data in it says "testguest"
	BootDisk      string // qcow2, 40 MiB: boots by itself, without the other three
	KernelVersion string // such as "6.1.0-56-cloud-amd64"
}

// CommandLine is the kernel command line that the guest is best booted with.
// Leaving out the kernel's self-tests of its ciphers saves 0.15 s of 2 s under
// software emulation; neither a processor model nor nokaslr, mitigations=off,
// tsc=reliable, no_timer_check or lpj= saves anything that can be measured.
const CommandLine = "console=ttyS0 quiet cryptomgr.notests"

// guestFormat is part of the cache key: raise it when the guest is put together
// in another way from the same files.
const guestFormat = "3"

//go:embed guestinit/*.go
var initSource embed.FS

// BuildGuest returns the guest, which it builds when this machine has none yet
// of the same ingredients. Several processes may build at once. It needs the Go
// tool, a static busybox, mke2fs, mtools, syslinux, qemu-img and, the first time, apt-get with
// access to the distribution's packages.
func BuildGuest(ctx context.Context) (Guest, error) {
	guest, err := buildGuest(ctx)
	if err != nil {
		return Guest{}, fmt.Errorf("build the test guest: %w", err)
	}
	return guest, nil
}

func buildGuest(ctx context.Context) (Guest, error) {
	busybox, err := findBusybox()
	if err != nil {
		return Guest{}, err
	}
	kernel, err := fetchKernel(ctx)
	if err != nil {
		return Guest{}, err
	}
	key, err := guestKey(kernel, busybox)
	if err != nil {
		return Guest{}, err
	}
	dir, err := Cached(ctx, "guest-"+key, func(dir string) error {
		if err := errors.Join(
			copyFile(kernel.image(), filepath.Join(dir, "vmlinuz")),
			makeInitrd(ctx, filepath.Join(dir, "initrd.gz"), kernel, busybox),
			makeDisk(ctx, filepath.Join(dir, "disk.qcow2")),
		); err != nil {
			return err
		}
		return makeBootDisk(ctx, filepath.Join(dir, "boot.qcow2"), filepath.Join(dir, "vmlinuz"), filepath.Join(dir, "initrd.gz"))
	})
	if err != nil {
		return Guest{}, err
	}
	return Guest{
		Kernel:        filepath.Join(dir, "vmlinuz"),
		Initrd:        filepath.Join(dir, "initrd.gz"),
		Disk:          filepath.Join(dir, "disk.qcow2"),
		BootDisk:      filepath.Join(dir, "boot.qcow2"),
		KernelVersion: kernel.version,
	}, nil
}

// guestKey is a hash of everything that the guest is made of.
func guestKey(kernel kernel, busybox string) (string, error) {
	sum := sha256.New()
	fmt.Fprintln(sum, guestFormat, runtime.Version(), filepath.Base(kernel.dir), kernel.version)
	sources, err := initSource.ReadDir("guestinit")
	if err != nil {
		return "", fmt.Errorf("read the source of the guest's init: %w", err)
	}
	for _, source := range sources {
		text, err := initSource.ReadFile("guestinit/" + source.Name())
		if err != nil {
			return "", fmt.Errorf("read the source of the guest's init: %w", err)
		}
		fmt.Fprintf(sum, "%s %x\n", source.Name(), sha256.Sum256(text))
	}
	program, err := os.ReadFile(busybox)
	if err != nil {
		return "", fmt.Errorf("read busybox: %w", err)
	}
	sum.Write(program)
	return fmt.Sprintf("%x", sum.Sum(nil))[:16], nil
}

// findBusybox finds a busybox that runs without any library.
func findBusybox() (string, error) {
	path, err := exec.LookPath("busybox")
	if err != nil {
		return "", fmt.Errorf("find busybox (package busybox-static): %w", err)
	}
	program, err := elf.Open(path)
	if err != nil {
		return "", fmt.Errorf("open busybox: %w", err)
	}
	defer program.Close()
	for _, part := range program.Progs {
		if part.Type == elf.PT_INTERP {
			return "", fmt.Errorf("%s needs libraries, the guest has none: install busybox-static", path)
		}
	}
	return path, nil
}

// run runs a program and returns what it printed. An error has the end of its
// standard error.
func run(ctx context.Context, dir string, argv ...string) (string, error) {
	cmd := exec.CommandContext(ctx, argv[0], argv[1:]...)
	cmd.Cancel = func() error { return cmd.Process.Signal(syscall.SIGTERM) } // mmdebstrap removes a system that it has begun
	cmd.WaitDelay = time.Minute
	cmd.Dir = dir
	cmd.Env = append(os.Environ(), "LC_ALL=C")
	output, err := cmd.Output()
	if exit, ok := errors.AsType[*exec.ExitError](err); ok {
		return "", fmt.Errorf("%s: %w: %s", strings.Join(argv, " "), err, strings.TrimSpace(string(exit.Stderr)))
	}
	if err != nil {
		return "", fmt.Errorf("%s: %w", strings.Join(argv, " "), err)
	}
	return string(output), nil
}
