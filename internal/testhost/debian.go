package testhost

import (
	"context"
	"crypto/sha256"
	_ "embed"
	"fmt"
	"os"
	"path/filepath"
)

// A Debian is a real guest: systemd, cloud-init, OpenSSH, the QEMU guest agent
// and Debian's kernel, as its packages have them. It takes the better part of a
// minute to boot under software emulation: boot it once, snapshot it, fork it.
//
// It reads a NoCloud seed, a volume labelled "cidata", and nothing else. The
// seed's ssh_authorized_keys may log in as [DebianUser]. Without a seed nobody
// can. It asks for an address by DHCP on every virtio NIC that the seed's
// network_config does not name, those that are plugged in later as well. The
// kernel and a login are on the serial console. The agent may be asked for
// everything. It has no identity: the machine id and the SSH host keys, ed25519
// and ecdsa, are made at the first boot.
type Debian struct {
	Image string // qcow2, 4 GiB; boots from virtio-blk, by BIOS and by UEFI; shared, so put an overlay on it
}

// DebianUser is the user that cloud-init makes, who may use sudo without a password.
const DebianUser = "debian"

// debianFormat is part of the cache key: raise it when the image is put together
// in another way from the same packages and files.
const debianFormat = "1"

// customizeDebian is run with the directory of the installed system.
//
//go:embed debian/customize.sh
var customizeDebian string

//go:embed debian/initrd.sh
var debianInit []byte

// BuildDebian returns the image, which it builds when this machine has none yet
// for these packages and files and the release that the machine's mirror is of;
// newer packages of the same release are no reason to build again. That takes
// one to two minutes and access to the mirror. It needs no root, but without it
// a range of subordinate user ids (subuid(5)). Several processes may build at
// once. It needs mmdebstrap, fakeroot, mke2fs, sfdisk, mtools, syslinux, a static
// busybox and qemu-img.
func BuildDebian(ctx context.Context) (Debian, error) {
	image, err := buildDebian(ctx)
	if err != nil {
		return Debian{}, fmt.Errorf("build the Debian guest: %w", err)
	}
	return Debian{Image: image}, nil
}

func buildDebian(ctx context.Context) (string, error) {
	release, err := findDebianRelease(ctx)
	if err != nil {
		return "", err
	}
	dir, err := Cached(ctx, "debian-"+debianKey(release), func(dir string) error {
		work := filepath.Join(dir, "work")
		if err := makeDebianImage(ctx, release, work, filepath.Join(dir, "image.qcow2")); err != nil {
			return err
		}
		return os.RemoveAll(work)
	})
	return filepath.Join(dir, "image.qcow2"), err
}

// debianKey is a hash of everything that the image is made of, but for the
// packages' versions.
func debianKey(release debianRelease) string {
	sum := sha256.Sum256(fmt.Append(nil, debianFormat, debianPackages, debianPaths,
		debianModules, debianCommandLine, customizeDebian, debianInit))
	return fmt.Sprintf("%s-%x", release.codename, sum[:8])
}

func makeDebianImage(ctx context.Context, release debianRelease, work, path string) error {
	if err := os.Mkdir(work, 0o755); err != nil {
		return fmt.Errorf("make a directory to work in: %w", err)
	}
	system, err := installDebian(ctx, work, release)
	if err != nil {
		return err
	}
	return makeDebianDisk(ctx, work, system, path)
}
