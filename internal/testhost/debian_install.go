package testhost

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

// debianPackages are installed with what they depend on, and with nothing that
// is only recommended. The kernel is not the one for clouds, which is smaller:
// that of Debian 12 has no driver of the VM generation id.
var debianPackages = []string{
	"linux-image-amd64", "initramfs-tools", "systemd-boot-efi",
	"systemd-sysv", "udev", "dbus", "systemd-resolved", "iproute2", "iputils-ping",
	"cloud-init", "cloud-guest-utils", "fdisk", "e2fsprogs", "sudo", "ca-certificates",
	"openssh-server", "qemu-guest-agent",
	"util-linux-extra", // hwclock, with which the agent sets the clock
}

// debianPaths are what packages bring and the guest does without, as dpkg's
// path options. Most of a kernel are drivers of hardware that no VM has. The
// initial RAM disk is ours.
var debianPaths = append([]string{
	"path-exclude=/usr/share/doc/*", "path-exclude=/usr/share/info/*", "path-exclude=/usr/share/man/*",
	"path-exclude=/usr/share/locale/*", "path-exclude=/usr/share/i18n/*",
	"path-exclude=/etc/kernel/postinst.d/initramfs-tools",
	"path-exclude=*/lib/modules/*/kernel/drivers/*", "path-exclude=*/lib/modules/*/kernel/sound/*",
	"path-exclude=*/lib/modules/*/kernel/arch/*", "path-exclude=*/lib/modules/*/kernel/net/wireless/*",
}, includeDrivers(
	"acpi/button", "ata/libata", "ata/ahci", "ata/libahci", "ata/ata_piix", "block/loop", "block/virtio_blk", "cdrom/",
	"char/hw_random/rng-core", "char/hw_random/virtio", "char/virtio_console", "firmware/qemu_fw_cfg",
	"input/evdev", "input/misc/pcspkr", "md/", "misc/pvpanic/", "net/bonding/", "net/dummy", "net/net_failover", "net/tun", "net/veth",
	"net/virtio_net", "net/vxlan/", "ptp/", "pps/", "scsi/scsi_common", "scsi/scsi_mod", "scsi/sd_mod", "scsi/sg", "scsi/sr_mod",
	"scsi/virtio_scsi", "virtio/", "virt/",
)...)

func includeDrivers(names ...string) []string {
	var options []string
	for _, name := range names {
		options = append(options, "path-include=*/lib/modules/*/kernel/drivers/"+name+"*")
	}
	return options
}

// debianKeyring is in debian-archive-keyring, on Ubuntu as well.
const debianKeyring = "/usr/share/keyrings/debian-archive-keyring.gpg"

// debianRelease is where the packages come from.
type debianRelease struct {
	codename string   // such as "bookworm"
	sources  []string // lines of a sources.list
}

// debianMirror is for machines that are not Debian.
var debianMirror = debianRelease{"stable", []string{
	debianSource("http://deb.debian.org/debian", "stable", "main"),
	debianSource("http://deb.debian.org/debian", "stable-updates", "main"),
	debianSource("http://deb.debian.org/debian-security", "stable-security", "main"),
}}

func debianSource(uri, suite, component string) string {
	return fmt.Sprintf("deb [signed-by=%s] %s %s %s", debianKeyring, uri, suite, component)
}

// findDebianRelease looks for Debian among the sources that this machine's apt
// has, whose mirrors are nearer than Debian's own. What a source is of is in its
// package lists, which may be missing; then lists of our own are fetched.
func findDebianRelease(ctx context.Context) (debianRelease, error) {
	release, err := apt{}.debianRelease(ctx)
	if err != nil || len(release.sources) > 0 {
		return release, err
	}
	tree, err := os.MkdirTemp("", "lists-")
	if err != nil {
		return debianRelease{}, fmt.Errorf("make a directory for package lists: %w", err)
	}
	defer os.RemoveAll(tree)
	own, err := updatedApt(ctx, tree)
	if err != nil {
		return debianRelease{}, err
	}
	release, err = own.debianRelease(ctx)
	if err != nil || len(release.sources) > 0 {
		return release, err
	}
	return debianMirror, nil
}

func (a apt) debianRelease(ctx context.Context) (debianRelease, error) {
	targets, err := a.run(ctx, "", "apt-get", "indextargets", "Created-By: Packages",
		"--format", "$(ORIGIN) $(CODENAME) $(REPO_URI) $(RELEASE) $(COMPONENT)")
	if err != nil {
		return debianRelease{}, err
	}
	return parseDebianRelease(targets), nil
}

// parseDebianRelease finds Debian's release and its updates among lines of five
// words. It has no sources when there is none: updates alone are not a release.
func parseDebianRelease(targets string) debianRelease {
	var found debianRelease
	for line := range strings.Lines(targets) {
		fields := strings.Fields(line)
		if len(fields) != 5 || fields[0] != "Debian" || strings.Contains(fields[1], "backports") {
			continue
		}
		source := debianSource(fields[2], fields[3], fields[4])
		if slices.Contains(found.sources, source) {
			continue // for another architecture
		}
		found.sources = append(found.sources, source)
		if !strings.Contains(fields[1], "-") {
			found.codename = fields[1]
		}
	}
	if found.codename == "" {
		return debianRelease{}
	}
	return found
}

// installDebian installs the packages and returns an archive of the system.
func installDebian(ctx context.Context, dir string, release debianRelease) (string, error) {
	system := filepath.Join(dir, "system.tar")
	argv := []string{
		"mmdebstrap", "--quiet", "--variant=minbase", "--architectures=amd64",
		"--include=" + strings.Join(debianPackages, ","),
		"--dpkgopt=force-unsafe-io",
		"--customize-hook=" + customizeDebian,
	}
	for _, option := range debianPaths {
		argv = append(argv, "--dpkgopt="+option)
	}
	argv = append(argv, release.codename, system)
	_, err := run(ctx, dir, append(argv, release.sources...)...)
	return system, err
}
