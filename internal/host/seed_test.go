package host_test

import (
	"bytes"
	"context"
	"errors"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/seed-a7bafb14/terraform-provider-kvm/internal/cloudinit"
	"github.com/seed-a7bafb14/terraform-provider-kvm/internal/host"
	"github.com/seed-a7bafb14/terraform-provider-kvm/internal/lifecycle"
	"github.com/seed-a7bafb14/terraform-provider-kvm/internal/testhost"
)

// seedOf is a seed whose user data is text.
func seedOf(t *testing.T, text string) *host.Seed {
	t.Helper()
	made, err := cloudinit.Config{Hostname: "seeded", UserData: text, NetworkConfig: "version: 2\n"}.Make()
	must(t, err)
	return &host.Seed{Digest: made.Digest, Image: made.Image}
}

// wantSeed wants an instance to have a seed on the host, and readable by its
// owner alone.
func (l *lab) wantSeed(name string, want *host.Seed) {
	l.t.Helper()
	inst := l.find(name)
	if inst.SeedDigest != want.Digest || inst.Problem != "" {
		l.t.Errorf("%s has the seed %s (%s); want %s", name, inst.SeedDigest, inst.Problem, want.Digest)
	}
	file := l.path("instances", name, "boot", "seed.iso")
	info, err := os.Stat(file)
	must(l.t, err)
	if content, err := os.ReadFile(file); err != nil || !bytes.Equal(content, want.Image) || info.Mode() != 0o600 {
		l.t.Errorf("%s has another seed of %d bytes, of mode %s: %v", name, len(content), info.Mode(), err)
	}
	if read, err := l.Seed(context.Background(), inst); err != nil || !bytes.Equal(read, want.Image) {
		l.t.Errorf("what is read of the seed of %s is another: %v", name, err)
	}
}

// mounted is what a guest finds in its seed: which files, and the user data.
func (l *lab) mounted(inst *host.Instance) string {
	l.t.Helper()
	return l.in(inst, "mkdir -p /seed && mount -t iso9660 -o ro /dev/vdb /seed && ls /seed && cat /seed/user-data && umount /seed")
}

const listed = "meta-data\nnetwork-config\nuser-data\n"

func TestSeed_IsWhatTheGuestReadsAndGoesWithItsInstance(t *testing.T) {
	t.Parallel()
	l := another(t, testhost.Options{})
	ctx := context.Background()
	one, other, third := seedOf(t, "#!/bin/sh\n# "+strings.Repeat("one ", 50000)), seedOf(t, "other"), seedOf(t, "third")
	spec := baseSpec("seeded")
	spec.Seed = one
	inst := l.boot(spec)
	defer func() { must(t, l.DeleteInstance(ctx, "seeded", inst.UID)) }()
	l.wantSeed("seeded", one)
	snap := l.take("seeded", "seeded") // before its guest has read any of it
	if got := l.mounted(inst); !strings.HasPrefix(got, listed+"#!/bin/sh\n# one one ") || len(got) != len(listed)+200012 {
		t.Errorf("the guest reads %d bytes: %.100q", len(got), got)
	}
	if device := l.in(inst, "cat /sys/block/vdb/ro; cat /sys/block/vdb/size"); device != "1\n1024\n" {
		t.Errorf("its device, read-only and of how many sectors, is %q", device)
	}

	// Of its source's, and of its own.
	heir := l.forkOf("seeded-heir", host.Ref{Kind: host.Snapshots, Name: "seeded"})
	l.wantSeed("seeded-heir", one)
	if got := l.mounted(heir); !strings.HasPrefix(got, listed+"#!/bin/sh\n# one") {
		t.Errorf("the heir reads %.100q", got)
	}
	own, err := l.Fork(ctx, host.ForkSpec{Name: "seeded-own", Source: host.Ref{Kind: host.Instances, Name: "seeded"}, Seed: other})
	must(t, err)
	defer func() { must(t, l.DeleteInstance(ctx, "seeded-own", own.UID)) }()
	l.wantSeed("seeded-own", other)
	must(t, l.Restore(ctx, own))
	must(t, l.Stop(ctx, own, 20*time.Second))
	must(t, l.Start(ctx, own))
	l.await(own)
	if got := l.mounted(own); got != listed+"other" {
		t.Errorf("the fork with a seed of its own reads %.100q", got)
	}

	// Replaced, while it has no process.
	inst = l.find("seeded") // its disk has new layers
	if err := l.Update(ctx, inst, host.Change{Seed: third}); !errors.Is(err, host.ErrInvalid) {
		t.Errorf("of a guest that runs: %v", err)
	}
	must(t, l.Stop(ctx, inst, 20*time.Second))
	must(t, l.Update(ctx, inst, host.Change{Seed: third}))
	l.wantSeed("seeded", third)
	must(t, l.Start(ctx, inst))
	l.await(inst)
	if got := l.mounted(inst); got != listed+"third" {
		t.Errorf("after the change it reads %.100q", got)
	}
	l.wantSeed("seeded-heir", one)

	// Back, and replaced in standby, when it is read at the next boot.
	must(t, l.Rollback(ctx, inst, snap))
	l.wantSeed("seeded", one)
	if err := l.Update(ctx, inst, host.Change{Seed: &host.Seed{}}); !errors.Is(err, host.ErrInvalid) {
		t.Errorf("taken away from a guest in standby: %v", err)
	}
	must(t, l.Update(ctx, inst, host.Change{Seed: other}))
	l.wantSeed("seeded", other)
	must(t, l.Restore(ctx, inst))
	l.await(inst)

	// Taken away, and missed.
	must(t, l.Stop(ctx, inst, 20*time.Second))
	must(t, l.Update(ctx, inst, host.Change{Seed: &host.Seed{}}))
	if now := l.find("seeded"); now.SeedDigest != "" || now.Machine.Seed != nil || now.Problem != "" {
		t.Errorf("without a seed it is %+v (%s)", now.Record, now.Problem)
	}
	if left, _ := os.ReadDir(l.path("instances/seeded/boot")); len(left) != 2 {
		t.Errorf("left in boot/: %v", left)
	}
	sown, err := l.Fork(ctx, host.ForkSpec{Name: "seeded-sown", Source: host.Ref{Kind: host.Instances, Name: "seeded"}, Seed: third})
	must(t, err)
	defer func() { must(t, l.DeleteInstance(ctx, "seeded-sown", sown.UID)) }()
	l.wantSeed("seeded-sown", third)
	must(t, l.Update(ctx, inst, host.Change{Seed: one}))
	l.wantSeed("seeded", one)
	must(t, os.Remove(l.path("instances/seeded/boot/seed.iso")))
	missed := l.find("seeded")
	if missed.State != lifecycle.Unknown || !strings.Contains(missed.Problem, "boot/seed.iso, is missing") || !strings.Contains(missed.Rescue, "truncate -s 524288 ") {
		t.Errorf("%s: %s: %s", missed.State, missed.Problem, missed.Rescue)
	}
	must(t, os.Truncate(l.path("snapshots/seeded/boot/seed.iso"), 512)) // the heir's, too
	if snap := l.snapshot("seeded"); !strings.Contains(snap.Problem, "its cloud-init seed has 512 bytes instead of 524288") {
		t.Errorf("the snapshot: %q", snap.Problem)
	}
	if heir := l.find("seeded-heir"); heir.State != lifecycle.Running || heir.Problem == "" {
		t.Errorf("the heir, which runs: %s, %q", heir.State, heir.Problem)
	}
}

func TestFork_OfMemoryGetsNoSeedThatItsMachineHasNot(t *testing.T) {
	l := shared(t)
	_, err := l.Fork(context.Background(), host.ForkSpec{Name: "unseeded", Source: common.golden, Seed: seedOf(t, "x")})
	if !errors.Is(err, host.ErrInvalid) || !strings.Contains(err.Error(), "without a cloud-init seed") {
		t.Error(err)
	}
}
