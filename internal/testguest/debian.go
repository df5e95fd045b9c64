// Package testguest has guests for tests that are booted already: a snapshot of
// each is kept in the cache, and put among those of whatever host asks for it.
// Nothing that is made of it depends on where it came from.
package testguest

import (
	"context"
	"crypto/sha256"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"time"

	"github.com/seed-a7bafb14/terraform-provider-kvm/internal/cloudinit"
	"github.com/seed-a7bafb14/terraform-provider-kvm/internal/fetch"
	"github.com/seed-a7bafb14/terraform-provider-kvm/internal/host"
	"github.com/seed-a7bafb14/terraform-provider-kvm/internal/qemu"
	"github.com/seed-a7bafb14/terraform-provider-kvm/internal/ssh"
	"github.com/seed-a7bafb14/terraform-provider-kvm/internal/testhost"
)

// Debian is the name of the snapshot of a Debian that runs: 2 virtual CPUs, 768 MiB,
// an agent, an interface "lan" with its port 22 forwarded as "ssh". Cloud-init has
// given it the host name "golden" and the user [testhost.DebianUser].
const Debian = "debian"

// format is part of the cache key: raise it when the guest is booted otherwise.
const format = "1"

const (
	bootTimeout = 10 * time.Minute
	keyFile     = "id_ed25519"
	userData    = "#cloud-config\nssh_authorized_keys: [%q]\npackage_update: false\n"
)

// PutDebian puts the snapshot [Debian] among those of a host, of which it needs the
// data directory, and returns the file of the private key with which its user logs
// in. The first time on a machine that takes minutes: the image is built, and booted
// once.
func PutDebian(ctx context.Context, dataDir string) (privateKeyFile string, err error) {
	image, err := testhost.BuildDebian(ctx)
	if err != nil {
		return "", err
	}
	key, err := keyOf(ctx, image)
	if err != nil {
		return "", fmt.Errorf("boot the Debian guest: %w", err)
	}
	dir, err := testhost.Cached(ctx, "booted-"+key, func(dir string) error { return boot(ctx, image, dir) })
	if err != nil {
		return "", fmt.Errorf("boot the Debian guest: %w", err)
	}
	for _, part := range []string{"images", "instances", "snapshots", "ports"} { // as the first object of a host would
		if err := os.MkdirAll(filepath.Join(dataDir, part), 0o700); err != nil {
			return "", err
		}
	}
	return filepath.Join(dir, keyFile), link(filepath.Join(dir, Debian), filepath.Join(dataDir, "snapshots", Debian))
}

// keyOf is a hash of what the snapshot is made of: a memory image is of one
// machine, and of the QEMU that knows it.
func keyOf(ctx context.Context, image testhost.Debian) (string, error) {
	version, err := exec.CommandContext(ctx, host.DefaultQEMUBinary, "--version").Output()
	if err != nil {
		return "", err
	}
	machine := qemu.Args(qemu.Machine{Seed: &qemu.Seed{}, NICs: []qemu.NIC{{Type: "user"}}, Disk: &qemu.Disk{Layers: []qemu.Layer{{Format: "qcow2"}}}, Agent: true}, qemu.Process{})
	sum := sha256.Sum256(fmt.Append(nil, format, userData, image.Image, string(version), machine))
	return fmt.Sprintf("%x", sum[:8]), nil
}

// boot boots the image on a host of its own and leaves its snapshot in dir.
func boot(ctx context.Context, image testhost.Debian, dir string) (err error) {
	th, err := testhost.Start(ctx, testhost.Options{})
	if err != nil {
		return err
	}
	defer th.Close()
	h := host.New(host.Config{Name: "boot", DataDir: th.DataDir, Accelerator: "tcg", QEMUBinary: host.DefaultQEMUBinary}, ssh.New(ssh.Config{
		Address: th.Address, Port: th.Port, User: th.User, PrivateKeyFile: th.PrivateKeyFile, HostKey: th.HostKey, Prelude: host.Prelude,
	}))
	defer h.Close()
	open := func(ctx context.Context) (host.ImageSource, error) { return fetch.Open(ctx, image.Image) }
	if _, err := h.PutImage(ctx, host.ImageSpec{Name: "debian", Source: image.Image}, open); err != nil {
		return err
	}
	publicKey, err := testhost.MakeKey(filepath.Join(dir, keyFile))
	if err != nil {
		return err
	}
	seed, err := cloudinit.Config{Hostname: "golden", UserData: fmt.Sprintf(userData, publicKey)}.Make()
	if err != nil {
		return err
	}
	inst, err := h.Create(ctx, host.InstanceSpec{
		Name: "golden", Image: "debian", VCPUs: 2, MemoryMiB: 768, Agent: true, Seed: &host.Seed{Digest: seed.Digest, Image: seed.Image},
		Interfaces: map[string]host.InterfaceSpec{"lan": {Type: "user", Forwards: map[string]qemu.Forward{"ssh": {Protocol: "tcp", HostAddress: "127.0.0.1", GuestPort: 22}}}},
	})
	if err != nil {
		return err
	}
	defer func() { _ = h.DeleteInstance(context.WithoutCancel(ctx), inst.Name, inst.UID) }()
	if err := h.Start(ctx, inst); err != nil {
		return err
	}
	for _, check := range []string{"ssh", "agent"} { // the key is there before sshd is: cloud-init's stages go before network services
		if err := h.Ready(ctx, inst, host.Check{Kind: check, Port: 22, Timeout: bootTimeout}); err != nil {
			return err
		}
	}
	snap, err := h.TakeSnapshot(ctx, host.SnapshotSpec{Name: Debian, Instance: inst.Name})
	if err != nil {
		return err
	}
	if err := h.Keep(ctx, host.Ref{Kind: host.Snapshots, Name: Debian}, snap.UID); err != nil {
		return err
	}
	if err := link(filepath.Join(th.DataDir, "snapshots", Debian), filepath.Join(dir, Debian)); err != nil {
		return err
	}
	return h.DeleteSnapshot(ctx, Debian, snap.UID)
}

// link makes a copy of a snapshot whose files are links to those of the other, or
// copies, where that is on another filesystem. Its lock is its own.
func link(from, to string) error {
	if exec.Command("cp", "-al", from, to).Run() == nil {
		return os.RemoveAll(filepath.Join(to, "lock"))
	}
	if err := os.RemoveAll(to); err != nil {
		return err
	}
	out, err := exec.Command("cp", "-a", "--sparse=always", from, to).CombinedOutput()
	if err != nil {
		return fmt.Errorf("copy %s: %w: %s", from, err, out)
	}
	return nil
}
