package testhost

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
)

// The disk has a FAT partition with the kernel and two boot loaders, SYSLINUX for
// BIOS and systemd-boot for UEFI, and the system's partition behind it, where it
// can grow.
const (
	debianDiskSize  = 4 << 30  // bytes
	debianBootStart = 1 << 20  // bytes
	debianRootStart = 65 << 20 // bytes
	debianRootEnd   = debianDiskSize - 1<<20
)

// debianCommandLine saves systemd to look for files that are older than what they
// were made from, and for partitions to mount, beside the kernel's own tests (see
// [CommandLine]). Messages stay on: they are what a console log is for.
const debianCommandLine = "console=ttyS0 cryptomgr.notests systemd.condition-needs-update=0 systemd.gpt_auto=0"

const debianBIOSMenu = `DEFAULT linux
LABEL linux
  KERNEL vmlinuz
  INITRD initrd.gz
  APPEND ` + debianCommandLine + "\n"

const debianUEFIMenu = `title Debian
linux /vmlinuz
initrd /initrd.gz
options ` + debianCommandLine + "\n"

// gptBootCode is SYSLINUX's for the first sector: it starts the partition that
// has the attribute LegacyBIOSBootable.
const gptBootCode = "/usr/lib/syslinux/mbr/gptmbr.bin"

// makeDebianDisk makes the disk from an archive of the system. Nothing of it
// needs root, nor mounts anything: fakeroot remembers the files' owners and
// devices for mke2fs.
func makeDebianDisk(ctx context.Context, dir, system, path string) error {
	raw, err := makeRaw(dir, debianDiskSize)
	if err != nil {
		return err
	}
	tree := filepath.Join(dir, "tree")
	if err := os.Mkdir(tree, 0o755); err != nil {
		return fmt.Errorf("make a directory for the system: %w", err)
	}
	if err := makeDebianRoot(ctx, dir, system, tree, raw); err != nil {
		return err
	}
	if err := partition(ctx, dir, raw); err != nil {
		return err
	}
	if err := makeDebianBoot(ctx, dir, tree, raw); err != nil {
		return err
	}
	return toQcow2(ctx, raw, path)
}

// makeDebianRoot unpacks the system into tree and makes the root filesystem of it.
func makeDebianRoot(ctx context.Context, dir, system, tree, raw string) error {
	mke2fs, err := systemProgram("mke2fs")
	if err != nil {
		return err
	}
	_, err = run(ctx, dir, "fakeroot", "sh", "-euc", `tar -xpf "$1" -C "$2"; shift 2; exec "$@"`, "sh", system, tree,
		mke2fs, "-q", "-F", "-t", "ext4", "-L", "debian", "-d", tree,
		"-E", fmt.Sprintf("offset=%d,lazy_itable_init=0,lazy_journal_init=0", debianRootStart), // see makeDisk
		raw, fmt.Sprintf("%dk", (debianRootEnd-debianRootStart)>>10))
	return err
}

func partition(ctx context.Context, dir, raw string) error {
	sfdisk, err := systemProgram("sfdisk")
	if err != nil {
		return err
	}
	table := fmt.Sprintf("label: gpt\nstart=%d, size=%d, type=U, attrs=LegacyBIOSBootable\nstart=%d, size=%d, type=L\n",
		debianBootStart/512, (debianRootStart-debianBootStart)/512,
		debianRootStart/512, (debianRootEnd-debianRootStart)/512)
	if _, err := run(ctx, dir, "sh", "-euc", `printf %s "$1" | "$2" --quiet "$3"`, "sh", table, sfdisk, raw); err != nil {
		return err
	}
	code, err := os.ReadFile(gptBootCode)
	if err != nil {
		return fmt.Errorf("read the boot code (package syslinux-common): %w", err)
	}
	disk, err := os.OpenFile(raw, os.O_WRONLY, 0)
	if err != nil {
		return fmt.Errorf("write the boot code: %w", err)
	}
	_, err = disk.Write(code)
	return errors.Join(err, disk.Close())
}

// makeDebianBoot fills the partition that firmware reads.
func makeDebianBoot(ctx context.Context, dir, tree, raw string) error {
	boot := filepath.Join(dir, "boot")
	kernel, err := debianKernel(tree)
	if err != nil {
		return err
	}
	for _, sub := range []string{"EFI/BOOT", "loader/entries"} {
		if err := os.MkdirAll(filepath.Join(boot, sub), 0o755); err != nil {
			return fmt.Errorf("make the boot partition's directories: %w", err)
		}
	}
	if err := errors.Join(
		copyFile(kernel, filepath.Join(boot, "vmlinuz")),
		copyFile(filepath.Join(tree, "usr/lib/systemd/boot/efi/systemd-bootx64.efi"), filepath.Join(boot, "EFI/BOOT/BOOTX64.EFI")),
		os.WriteFile(filepath.Join(boot, "syslinux.cfg"), []byte(debianBIOSMenu), 0o644),
		os.WriteFile(filepath.Join(boot, "loader/loader.conf"), []byte("timeout 0\n"), 0o644),
		os.WriteFile(filepath.Join(boot, "loader/entries/debian.conf"), []byte(debianUEFIMenu), 0o644),
		makeDebianInitrd(ctx, dir, tree, strings.TrimPrefix(filepath.Base(kernel), "vmlinuz-"), filepath.Join(boot, "initrd.gz")),
	); err != nil {
		return err
	}
	volume := fmt.Sprintf("%s@@%d", raw, debianBootStart)
	sectors := (debianRootStart - debianBootStart) / 512
	for _, command := range [][]string{
		{"mformat", "-i", volume, "-v", "BOOT", "-T", fmt.Sprint(sectors), "-h", "16", "-s", "63", "-H", fmt.Sprint(debianBootStart / 512), "::"},
		{"mcopy", "-s", "-i", volume, "vmlinuz", "initrd.gz", "syslinux.cfg", "EFI", "loader", "::"},
		{"syslinux", "--install", "--offset", fmt.Sprint(debianBootStart), raw},
	} {
		if _, err := run(ctx, boot, command...); err != nil {
			return err
		}
	}
	return nil
}

func debianKernel(tree string) (string, error) {
	kernels, err := filepath.Glob(filepath.Join(tree, "boot", "vmlinuz-*"))
	if err != nil || len(kernels) != 1 {
		return "", fmt.Errorf("look for one kernel in the installed system: found %v", kernels)
	}
	return kernels[0], nil
}
