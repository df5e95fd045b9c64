package host_test

import (
	"context"
	"errors"
	"os"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/seed-a7bafb14/terraform-provider-kvm/internal/host"
	"github.com/seed-a7bafb14/terraform-provider-kvm/internal/testhost"
)

func TestVolume_GoesFromGuestToGuestWithWhatIsOnIt(t *testing.T) {
	t.Parallel()
	l := another(t, testhost.Options{})
	volume := l.volume(host.VolumeSpec{Name: "moves", SizeGiB: 1})
	a, b := l.fork("moves-a"), l.fork("moves-b")
	must(t, l.give(a, map[string]string{"data": "moves"}))
	l.writeTo(a, "data", "moved")
	if at := l.findVolume("moves").Instance.Name; at != "moves-a" {
		t.Errorf("it is attached to %q", at)
	}

	must(t, l.give(a, map[string]string{}))
	if left := l.in(a, "echo /sys/block/sd*"); left != "/sys/block/sd*\n" { // ls asks after each, and fails while one goes
		t.Errorf("the guest still has %s", left)
	}
	if _, err := os.Stat(l.path("instances", "moves-a", "disk", volume.Layers[0].File)); err == nil {
		t.Error("the instance still has a link to it")
	}
	must(t, l.give(b, map[string]string{"logs": "moves"}))
	if got := l.readFrom(b, "logs"); got != "moved" {
		t.Errorf("the other guest reads %q", got)
	}
	if now := l.find("moves-b"); now.Disks()["logs"].Volume != "moves" || now.Problem != "" {
		t.Errorf("%+v", now)
	}

	// It is there when the guest boots anew, too.
	ctx := context.Background()
	must(t, l.Stop(ctx, b, 20*time.Second))
	must(t, l.give(b, map[string]string{}))
	must(t, l.give(b, map[string]string{"cold": "moves"}))
	must(t, l.Start(ctx, b))
	l.await(b)
	if got := l.readFrom(b, "cold"); got != "moved" {
		t.Errorf("after a boot it reads %q", got)
	}
	must(t, l.give(b, map[string]string{}))
}

func TestVolume_NeverHasTwoWriters(t *testing.T) {
	t.Parallel()
	l := another(t, testhost.Options{})
	ctx := context.Background()
	volume := l.volume(host.VolumeSpec{Name: "single", SizeGiB: 1})
	guests := []*host.Instance{l.fork("single-a"), l.fork("single-b")}
	errs := make([]error, len(guests))
	var all sync.WaitGroup
	ctxSoon, cancel := context.WithTimeout(ctx, 8*time.Second)
	defer cancel()
	for i, inst := range guests {
		all.Go(func() {
			errs[i] = l.Update(ctxSoon, inst, host.Change{Disks: attached(map[string]string{"data": "single"})})
		})
	}
	all.Wait()
	winner, loser := 0, 1
	if errs[0] != nil {
		winner, loser = 1, 0
	}
	if errs[winner] != nil || errs[loser] == nil {
		t.Fatalf("%v", errs)
	}
	if disks := l.find(guests[loser].Name).Disks(); len(disks) != 0 {
		t.Errorf("the loser has %v", disks)
	}
	if now := l.findVolume("single"); now.Instance.Name != guests[winner].Name {
		t.Errorf("it is said to be attached to %v", now.Instance)
	}
	err := l.DeleteVolume(ctx, "single", volume.UID)
	if !errors.Is(err, host.ErrInvalid) || !strings.Contains(err.Error(), "attached to instance "+guests[winner].Name) {
		t.Errorf("to delete it: %v", err)
	}
	l.writeTo(guests[winner], "data", "mine")

	// QEMU's own lock holds where somebody has taken the link away.
	must(t, os.Remove(l.path("instances", guests[winner].Name, "disk", volume.Layers[0].File)))
	short, cancel := context.WithTimeout(ctx, 5*time.Second)
	defer cancel()
	if err := l.Update(short, l.find(guests[loser].Name), host.Change{Disks: attached(map[string]string{"data": "single"})}); err == nil || !strings.Contains(err.Error(), "lock") {
		t.Errorf("behind the back of the links: %v", err)
	}
	must(t, os.Link(l.path("volumes", "single", "disk", volume.Layers[0].File), l.path("instances", guests[winner].Name, "disk", volume.Layers[0].File)))
	must(t, l.give(l.find(guests[winner].Name), map[string]string{}))
}

func TestVolume_GrowsLiveAndStopped(t *testing.T) {
	t.Parallel()
	l := another(t, testhost.Options{})
	ctx := context.Background()
	l.volume(host.VolumeSpec{Name: "grows", SizeGiB: 1})
	inst := l.fork("grows")
	must(t, l.give(inst, map[string]string{"data": "grows"}))
	sectors := func() string {
		return strings.TrimSpace(l.in(inst, "cat /sys/block/$(basename "+l.device(inst, "data")+")/size"))
	}
	grow := func(gib int) error {
		return l.UpdateVolume(ctx, l.findVolume("grows"), host.VolumeChange{SizeGiB: &gib})
	}
	if got := sectors(); got != "2097152" {
		t.Fatalf("the guest sees %s sectors", got)
	}
	must(t, grow(2))
	for deadline := time.Now().Add(10 * time.Second); sectors() != "4194304" && time.Now().Before(deadline); {
		time.Sleep(100 * time.Millisecond)
	}
	if got := sectors(); got != "4194304" {
		t.Errorf("grown to 2 GiB it has %s sectors", got)
	}
	if err := grow(1); !errors.Is(err, host.ErrInvalid) {
		t.Errorf("smaller: %v", err)
	}
	inst = l.find("grows")
	must(t, l.Standby(ctx, inst))
	if err := grow(3); !errors.Is(err, host.ErrInvalid) || !strings.Contains(err.Error(), "standby") {
		t.Errorf("in standby: %v", err)
	}
	must(t, l.Restore(ctx, inst))
	must(t, l.Stop(ctx, inst, 20*time.Second))
	must(t, grow(3))
	inst = l.find("grows")
	must(t, l.Start(ctx, inst))
	l.await(inst)
	if got := sectors(); got != "6291456" {
		t.Errorf("grown to 3 GiB while stopped it has %s sectors", got)
	}
	must(t, l.give(inst, map[string]string{}))
	must(t, grow(4))
	if now := l.findVolume("grows"); now.SizeBytes != 4<<30 {
		t.Errorf("%+v", now)
	}
}

func TestVolume_OfAnImageAndOneBesideItHaveTheirOwnContents(t *testing.T) {
	l := shared(t)
	l.volume(host.VolumeSpec{Name: "of-image", Image: "disk"})
	l.volume(host.VolumeSpec{Name: "of-image-2", Image: "disk", SizeGiB: 1})
	if _, err := l.CreateVolume(context.Background(), host.VolumeSpec{Name: "nothing"}); !errors.Is(err, host.ErrInvalid) {
		t.Errorf("without size and image: %v", err)
	}
	inst := l.fork("of-image")
	must(t, l.give(inst, map[string]string{"a": "of-image", "b": "of-image-2"}))
	l.in(inst, "mkdir /a /b; mount "+l.device(inst, "a")+" /a && mount "+l.device(inst, "b")+" /b && echo a >/a/note && echo b >/b/note && sync")
	if got := l.in(inst, "cat /a/data /b/data /a/note /b/note; umount /a /b"); got != "testguest\ntestguest\na\nb\n" {
		t.Errorf("%q", got)
	}
	must(t, l.give(inst, map[string]string{}))
	// What the instance's first disk has of the same image it still has.
	if now := l.find("of-image"); now.Problem != "" {
		t.Error(now.Problem)
	}
	l.in(inst, "echo 3 >/proc/sys/vm/drop_caches; cat /disk/data")
}

func TestVolume_IsMadeInADataDirectoryThatHadNone(t *testing.T) {
	t.Parallel()
	l := newLab(t, testhost.Options{})
	l.volume(host.VolumeSpec{Name: "first", SizeGiB: 1})
	must(t, l.DeleteVolume(context.Background(), "first", l.findVolume("first").UID))
	must(t, os.Remove(l.path("volumes"))) // as an older version has left it
	l.Forget()
	if volumes, err := l.Volumes(context.Background()); err != nil || len(volumes) > 0 {
		t.Errorf("%v, %v", volumes, err)
	}
	l.volume(host.VolumeSpec{Name: "second", SizeGiB: 1})
	l.findVolume("second")
}
