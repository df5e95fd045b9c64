package host_test

import (
	"context"
	"errors"
	"maps"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/seed-a7bafb14/terraform-provider-kvm/internal/host"
	"github.com/seed-a7bafb14/terraform-provider-kvm/internal/lifecycle"
)

// rawImage puts an image on the host that begins with a line, and is deleted with
// the test unless that did.
func (l *lab) rawImage(name, line string) *host.Image {
	l.t.Helper()
	ctx := context.Background()
	file := filepath.Join(l.t.TempDir(), name)
	must(l.t, os.WriteFile(file, append([]byte(line+"\n"), make([]byte, 1<<20)...), 0o600))
	image, err := l.PutImage(ctx, host.ImageSpec{Name: name, Source: file}, opener(file))
	must(l.t, err)
	must(l.t, l.Keep(ctx, host.Ref{Kind: host.Images, Name: name}, image.UID))
	l.t.Cleanup(func() { must(l.t, l.DeleteImage(ctx, name, image.UID)) })
	return image
}

// An instance's own disk of an image shares its file, as the first disk does: what
// is made of the instance has it, and the image may go.
func TestDisksOfItsOwn_OfAnImageAreInEveryCopyAndOutliveIt(t *testing.T) {
	l := shared(t)
	ctx := context.Background()
	image := l.rawImage("site", "from the image")
	inst := l.fork("own-image")
	if err := l.Update(ctx, inst, host.Change{Disks: map[string]host.DiskSpec{"site": {Image: "no-such"}}}); !errors.Is(err, host.ErrNotFound) {
		t.Errorf("of an image that is not there: %v", err)
	}
	// The first disk is of the image "disk" already.
	disks := map[string]host.DiskSpec{"site": {Image: "site"}, "other": {Image: "site", SizeGiB: 1}, "boot": {Image: "disk"}}
	must(t, l.Update(ctx, inst, host.Change{Disks: disks}))
	inst = l.find("own-image")
	if got := inst.Disks(); !maps.Equal(got, disks) {
		t.Errorf("it has %v; want %v", got, disks)
	}
	l.wantLayersOf(inst)
	below := image.SHA256[:16] + ".raw"
	if !l.isSameFile(l.path("images", "site", "data"), l.path("instances", "own-image", "disk", below)) {
		t.Error("it has a copy of the image")
	}
	if got := l.readFrom(inst, "site"); got != "from the image" {
		t.Errorf("it reads %q", got)
	}
	l.writeTo(inst, "site", "its own")
	if got := l.readFrom(inst, "other"); got != "from the image" {
		t.Errorf("on the other disk it reads %q", got)
	}

	snap := l.take("own-image", "own-image")
	must(t, l.DeleteImage(ctx, "site", image.UID))
	fork := l.forkOf("own-image-fork", host.Ref{Kind: host.Snapshots, Name: "own-image"})
	if got := fork.Disks(); !maps.Equal(got, disks) {
		t.Errorf("the fork has %v; want %v", got, disks)
	}
	if got := l.readFrom(fork, "site") + ", " + l.readFrom(fork, "other"); got != "its own, from the image" {
		t.Errorf("the fork reads %q", got)
	}
	l.wantLayersOf(l.find("own-image-fork"))
	l.writeTo(inst, "other", "later")
	must(t, l.Rollback(ctx, l.find("own-image"), snap))
	inst = l.find("own-image")
	must(t, l.Restore(ctx, inst))
	l.await(inst)
	if got := l.readFrom(inst, "other"); got != "from the image" {
		t.Errorf("after a rollback it reads %q", got)
	}

	// It grows, and is then of no size that is asked for; one that is smaller is
	// refused, also where none was asked for.
	disks["site"] = host.DiskSpec{Image: "site", SizeGiB: 2}
	must(t, l.Update(ctx, inst, host.Change{Disks: disks}))
	disks["site"] = host.DiskSpec{Image: "site"}
	must(t, l.Update(ctx, l.find("own-image"), host.Change{Disks: disks}))
	inst = l.find("own-image")
	if got := inst.Disks(); !maps.Equal(got, disks) || !strings.Contains(string(l.metadataOf("own-image")), `"size_bytes":2147483648`) {
		t.Errorf("grown it has %v: %s", got, l.metadataOf("own-image"))
	}
	disks["site"] = host.DiskSpec{Image: "site", SizeGiB: 1}
	if err := l.Check(ctx, inst, host.Change{Disks: disks}); !errors.Is(err, host.ErrInvalid) || !strings.Contains(err.Error(), "cannot shrink") {
		t.Errorf("smaller: %v", err)
	}

	// What it shares with a disk that stays, stays.
	must(t, l.Update(ctx, inst, host.Change{Disks: map[string]host.DiskSpec{"other": {Image: "site", SizeGiB: 1}}}))
	inst = l.find("own-image")
	l.wantLayersOf(inst)
	if got := l.readFrom(inst, "other"); got != "from the image" {
		t.Errorf("without the disk beside it it reads %q", got)
	}
	// Missing, it is said to be.
	must(t, l.Stop(ctx, inst, 20*time.Second))
	must(t, os.Rename(l.path("instances", "own-image", "disk", below), l.path("below")))
	if now := l.find("own-image"); now.State != lifecycle.Unknown || !strings.Contains(now.Problem, below) {
		t.Errorf("without a layer it is %s: %s", now.State, now.Problem)
	}
	must(t, os.Rename(l.path("below"), l.path("instances", "own-image", "disk", below)))
}

func (l *lab) isSameFile(a, b string) bool {
	l.t.Helper()
	first, err := os.Stat(a)
	must(l.t, err)
	second, err := os.Stat(b)
	must(l.t, err)
	return os.SameFile(first, second)
}

func (l *lab) metadataOf(instance string) []byte {
	l.t.Helper()
	text, err := os.ReadFile(l.path("instances", instance, "instance.json"))
	must(l.t, err)
	return text
}
