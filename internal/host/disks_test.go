package host_test

import (
	"context"
	"errors"
	"os"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/seed-a7bafb14/terraform-provider-kvm/internal/host"
	"github.com/seed-a7bafb14/terraform-provider-kvm/internal/lifecycle"
	"github.com/seed-a7bafb14/terraform-provider-kvm/internal/ssh"
	"github.com/seed-a7bafb14/terraform-provider-kvm/internal/testhost"
)

// volume makes a volume that lives as long as the test.
func (l *lab) volume(spec host.VolumeSpec) *host.Volume {
	l.t.Helper()
	volume, err := l.CreateVolume(context.Background(), spec)
	must(l.t, err)
	must(l.t, l.Keep(context.Background(), host.Ref{Kind: host.Volumes, Name: spec.Name}, volume.UID))
	l.t.Cleanup(func() { must(l.t, l.DeleteVolume(context.Background(), spec.Name, volume.UID)) })
	return l.findVolume(spec.Name)
}

func (l *lab) findVolume(name string) *host.Volume {
	l.t.Helper()
	l.Forget()
	volume, err := l.Volume(context.Background(), name)
	must(l.t, err)
	return volume
}

// give makes the volumes, by key, the disks of an instance.
func (l *lab) give(inst *host.Instance, volumes map[string]string) error {
	return l.Update(context.Background(), inst, host.Change{Disks: attached(volumes)})
}

// device is the disk of a key in a guest.
func (l *lab) device(inst *host.Instance, key string) string {
	l.t.Helper()
	const find = `for d in /sys/block/sd*; do tail -c +5 $d/device/vpd_pg80 | grep -q "^KEY$" && echo /dev/${d##*/}; done; :`
	for deadline := time.Now().Add(10 * time.Second); ; time.Sleep(100 * time.Millisecond) {
		if found := strings.TrimSpace(l.in(inst, strings.ReplaceAll(find, "KEY", key))); found != "" {
			return found
		}
		if time.Now().After(deadline) {
			l.t.Fatalf("%s has no disk %s: %s", inst.Name, key, l.in(inst, "ls /sys/block; dmesg | tail"))
		}
	}
}

func (l *lab) writeTo(inst *host.Instance, key, text string) {
	l.t.Helper()
	l.in(inst, "echo "+text+" | dd of="+l.device(inst, key)+" conv=fsync 2>/dev/null")
}

func (l *lab) readFrom(inst *host.Instance, key string) string {
	l.t.Helper()
	text, _, _ := strings.Cut(l.in(inst, "echo 3 >/proc/sys/vm/drop_caches; head -c 64 "+l.device(inst, key)), "\n")
	return strings.Trim(text, "\x00")
}

func TestVolume_GoesFromGuestToGuestWithWhatIsOnIt(t *testing.T) {
	l := shared(t)
	volume := l.volume(host.VolumeSpec{Name: "moves", SizeGiB: 1})
	a, b := l.fork("moves-a"), l.fork("moves-b")
	must(t, l.give(a, map[string]string{"data": "moves"}))
	l.writeTo(a, "data", "moved")
	if at := l.findVolume("moves").Instance.Name; at != "moves-a" {
		t.Errorf("it is attached to %q", at)
	}

	must(t, l.give(a, map[string]string{}))
	if left := l.in(a, "ls /sys/block"); strings.Contains(left, "sd") {
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

func TestDetach_DoesNotTakeADiskThatTheGuestHasOpen(t *testing.T) {
	l := shared(t)
	l.volume(host.VolumeSpec{Name: "open", SizeGiB: 1})
	inst := l.fork("open")
	must(t, l.give(inst, map[string]string{"data": "open"}))
	l.in(inst, "sleep 600 <"+l.device(inst, "data")+" >/dev/null 2>&1 & echo $! >/tmp/pid")
	if err := l.give(inst, map[string]string{}); !errors.Is(err, host.ErrInvalid) || !strings.Contains(err.Error(), "unmount it there") {
		t.Fatalf("%v", err)
	}
	l.writeTo(inst, "data", "still")
	if now := l.find("open"); now.Disks()["data"].Volume != "open" {
		t.Errorf("%+v", now.Disks())
	}
	l.in(inst, "kill $(cat /tmp/pid)")
	must(t, l.give(inst, map[string]string{}))
}

func TestVolume_NeverHasTwoWriters(t *testing.T) {
	l := shared(t)
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
	l := shared(t)
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

func TestVolume_StaysWithItsInstanceInStandbyAndIsOfNoCopy(t *testing.T) {
	l := shared(t)
	ctx := context.Background()
	l.volume(host.VolumeSpec{Name: "stays", SizeGiB: 1})
	inst := l.fork("stays")
	must(t, l.give(inst, map[string]string{"data": "stays"}))
	l.writeTo(inst, "data", "before")
	for _, state := range []lifecycle.State{lifecycle.Running, lifecycle.Standby} {
		if state == lifecycle.Standby {
			must(t, l.Standby(ctx, inst))
			if now := l.find("stays"); now.State != state || now.Disks()["data"].Volume != "stays" {
				t.Errorf("%s, with %v", now.State, now.Disks())
			}
		}
		_, err := l.TakeSnapshot(ctx, host.SnapshotSpec{Name: "stays", Instance: "stays"})
		if !errors.Is(err, host.ErrInvalid) || !strings.Contains(err.Error(), "stays (disk data)") {
			t.Errorf("a snapshot of it %s: %v", state, err)
		}
		if _, err := l.Fork(ctx, host.ForkSpec{Name: "stays-fork", Source: host.Ref{Kind: host.Instances, Name: "stays"}}); !errors.Is(err, host.ErrInvalid) {
			t.Errorf("a fork of it %s: %v", state, err)
		}
	}
	must(t, l.Restore(ctx, inst))
	l.await(inst)
	if got := l.readFrom(inst, "data"); got != "before" {
		t.Errorf("after standby it reads %q", got)
	}
	l.writeTo(inst, "data", "after")
	must(t, l.Stop(ctx, inst, 20*time.Second))

	snap := l.take("stays", "stays")
	fork := l.stoppedForkOf("stays-fork", host.Ref{Kind: host.Snapshots, Name: "stays"})
	if len(fork.Disks()) != 0 || len(snap.Machine.Disks) != 0 {
		t.Errorf("the fork has %v, the snapshot %v", fork.Disks(), snap.Machine.Disks)
	}
	must(t, l.Rollback(ctx, l.find("stays"), snap))
	if at := l.findVolume("stays").Instance.Name; at != "" {
		t.Errorf("after a rollback it is attached to %q", at)
	}
	fork = l.find("stays-fork")
	must(t, l.give(fork, map[string]string{"data": "stays"}))
	must(t, l.Start(ctx, fork))
	l.await(fork)
	if got := l.readFrom(fork, "data"); got != "after" {
		t.Errorf("the fork reads %q", got)
	}
	must(t, l.Stop(ctx, fork, 20*time.Second))
	must(t, l.give(fork, map[string]string{}))
}

// stoppedForkOf makes a fork that does not run.
func (l *lab) stoppedForkOf(name string, source host.Ref) *host.Instance {
	l.t.Helper()
	fork, err := l.Fork(context.Background(), host.ForkSpec{Name: name, Source: source})
	must(l.t, err)
	l.t.Cleanup(func() { must(l.t, l.DeleteInstance(context.Background(), name, fork.UID)) })
	return fork
}

// A script that is killed at any of its steps leaves a disk that is attached or
// one that is not, and whoever talks to QEMU next finds it so.
func TestDisks_OfWhichTheChangeIsKilledAreThereOrNot(t *testing.T) {
	base := shared(t)
	ctx := context.Background()
	base.volume(host.VolumeSpec{Name: "shot", SizeGiB: 1})
	base.volume(host.VolumeSpec{Name: "shot-other", SizeGiB: 1})
	base.fork("shot-disk")
	agree := func(err error) {
		if err != nil && !errors.Is(err, ssh.ErrLost) {
			t.Error(err)
		}
		// What talks to QEMU heals, also where it is about something else.
		must(t, base.give(base.find("shot-disk"), with(volumesOf(base.find("shot-disk")), "other", "shot-other")))
		inst := base.find("shot-disk")
		base.device(inst, "other")
		said := base.qmp("shot-disk", `{"execute":"query-block"}`)
		if _, has := inst.Disks()["data"]; has != strings.Contains(said, `"disk-data"`) {
			t.Errorf("its metadata has the disk: %t; QEMU says %s", has, said)
		} else if has {
			base.writeTo(inst, "data", "written")
		}
		without := volumesOf(inst)
		delete(without, "other")
		must(t, base.give(inst, without))
	}
	l, s := base.sabotaged(t, "attach volume shot to", shot)
	s.each(t, func() error {
		must(t, base.give(base.find("shot-disk"), map[string]string{}))
		return l.give(l.find("shot-disk"), map[string]string{"data": "shot"})
	}, agree)
	l, s = base.sabotaged(t, "detach disk data from", shot)
	s.each(t, func() error {
		must(t, base.give(base.find("shot-disk"), map[string]string{"data": "shot"}))
		return l.give(l.find("shot-disk"), map[string]string{})
	}, agree)
	must(t, base.give(base.find("shot-disk"), map[string]string{}))
	must(t, base.Stop(ctx, base.find("shot-disk"), 0))
}

// with is disks with one more.
func with(disks map[string]string, key, volume string) map[string]string {
	disks[key] = volume
	return disks
}

func attached(volumes map[string]string) map[string]host.DiskSpec {
	disks := map[string]host.DiskSpec{}
	for key, volume := range volumes {
		disks[key] = host.DiskSpec{Volume: volume}
	}
	return disks
}

func volumesOf(inst *host.Instance) map[string]string {
	volumes := map[string]string{}
	for key, disk := range inst.Disks() {
		volumes[key] = disk.Volume
	}
	return volumes
}

// own are disks of an instance's own, by key.
func own(disks map[string]int) map[string]host.DiskSpec {
	specs := map[string]host.DiskSpec{}
	for key, gib := range disks {
		specs[key] = host.DiskSpec{SizeGiB: gib}
	}
	return specs
}

// A guest writes the same number to its first disk and to two others, one after the
// other and without a pause; whatever is made of it has them at one instant.
func TestDisksOfItsOwn_AreOfTheSameInstantInEveryCopy(t *testing.T) {
	l := shared(t)
	ctx := context.Background()
	inst := l.fork("own")
	must(t, l.Update(ctx, inst, host.Change{Disks: own(map[string]int{"a": 1, "b": 1})}))
	a, b := l.device(inst, "a"), l.device(inst, "b")
	l.in(inst, "n=0; while :; do n=$((n+1)); for f in /disk/n "+a+" "+b+"; do printf '%08d' $n | dd of=$f conv=notrunc,fsync 2>/dev/null; done; done >/dev/null 2>&1 & echo $! >/tmp/pid; sleep 1")
	// The numbers that the disks have when nothing writes any more; each is that of
	// the one before it, or one less.
	numbers := func(inst *host.Instance) [3]int {
		l.in(inst, "kill $(cat /tmp/pid) 2>/dev/null; sleep 0.3; echo 3 >/proc/sys/vm/drop_caches")
		var n [3]int
		for i, file := range []string{"/disk/n", l.device(inst, "a"), l.device(inst, "b")} {
			var err error
			n[i], err = strconv.Atoi(strings.TrimSpace(l.in(inst, "head -c 8 "+file)))
			must(t, err)
		}
		if n[0] < 1 || n[0] < n[1] || n[1] < n[2] || n[0]-n[2] > 1 {
			t.Errorf("%s: the disks have %v", inst.Name, n)
		}
		return n
	}
	live := l.take("own-live", "own")
	if len(live.Machine.Disks) != 2 {
		t.Fatalf("the snapshot has %+v", live.Machine.Disks)
	}
	// From its disks alone, which a crash at that instant would have left.
	crashed := l.bootOf("own-crashed", "own-live")
	before := numbers(crashed)

	fork := l.forkOf("own-fork", host.Ref{Kind: host.Snapshots, Name: "own-live"})
	l.in(fork, "sleep 1")
	if after := numbers(fork); after[0] <= before[0] {
		t.Errorf("the fork goes on from %v to %v", before, after)
	}
	l.writeTo(fork, "a", "forked")

	inst = l.find("own")
	must(t, l.Standby(ctx, inst))
	must(t, l.Restore(ctx, inst))
	l.await(inst)
	last := numbers(inst)
	l.writeTo(inst, "a", "written")
	if got := l.readFrom(fork, "a"); got != "forked" {
		t.Errorf("the fork reads %q", got)
	}
	must(t, l.Rollback(ctx, l.find("own"), live))
	inst = l.find("own")
	must(t, l.Restore(ctx, inst))
	l.await(inst)
	if n := numbers(inst); n[0] < before[0] || n[0] > last[0]+100 {
		t.Errorf("after a rollback it has %v; it was taken at %v", n, before)
	}

	// They go and grow as disks of the instance.
	l.writeTo(inst, "b", "grown")
	must(t, l.Update(ctx, inst, host.Change{Disks: own(map[string]int{"b": 2})}))
	if size := strings.TrimSpace(l.in(inst, "cat /sys/block/$(basename "+l.device(inst, "b")+")/size")); size != "4194304" {
		t.Errorf("grown it has %s sectors", size)
	}
	if disks := l.find("own").Disks(); len(disks) != 1 || disks["b"].SizeGiB != 2 {
		t.Errorf("it has %v", disks)
	}
	if err := l.Update(ctx, inst, host.Change{Disks: own(map[string]int{"b": 1})}); !errors.Is(err, host.ErrInvalid) {
		t.Errorf("smaller: %v", err)
	}
	must(t, l.Stop(ctx, inst, 20*time.Second))
	must(t, l.Update(ctx, inst, host.Change{Disks: own(map[string]int{"b": 3, "c": 1})}))
	stopped := l.take("own-stopped", "own")
	cold := l.stoppedForkOf("own-cold", host.Ref{Kind: host.Snapshots, Name: stopped.Name})
	must(t, l.Update(ctx, cold, host.Change{Disks: own(map[string]int{"b": 4, "c": 1})})) // which it shares
	must(t, l.Start(ctx, cold))
	l.await(cold)
	if size := strings.TrimSpace(l.in(cold, "cat /sys/block/$(basename "+l.device(cold, "b")+")/size")); size != "8388608" {
		t.Errorf("grown while it shared the layer it has %s sectors", size)
	}
	if got := l.readFrom(cold, "b"); got != "grown" {
		t.Errorf("the fork of the stopped one reads %q", got)
	}
	l.wantLayersOf(l.find("own-cold"))
	l.wantLayersOf(l.find("own"))
}

// bootOf boots the disks of a snapshot with memory, without that.
func (l *lab) bootOf(name, snapshot string) *host.Instance {
	l.t.Helper()
	l.stoppedForkOf(name, host.Ref{Kind: host.Snapshots, Name: snapshot})
	must(l.t, os.RemoveAll(l.path("instances", name, "checkpoint")))
	inst := l.find(name)
	must(l.t, l.Start(context.Background(), inst))
	l.await(inst)
	return inst
}

// wantLayersOf fails if an instance lacks a layer, or has one of no disk.
func (l *lab) wantLayersOf(inst *host.Instance) {
	l.t.Helper()
	known := map[string]bool{}
	for _, stack := range inst.Machine.Stacks() {
		for _, layer := range stack.Layers {
			known[layer.File] = true
		}
	}
	files, err := os.ReadDir(l.path("instances", inst.Name, "disk"))
	must(l.t, err)
	for _, file := range files {
		if !known[file.Name()] {
			l.t.Errorf("%s is left", file.Name())
		}
	}
	if len(files) != len(known) || inst.Problem != "" {
		l.t.Errorf("%s has %d files of %d layers: %s", inst.Name, len(files), len(known), inst.Problem)
	}
}

func TestDisks_OfAGuestWhoseQEMUIsAnotherUser(t *testing.T) {
	if os.Geteuid() != 0 {
		t.Skip("only root can become another user")
	}
	t.Parallel()
	ctx := context.Background()
	l := newLabAs(t, testhost.Options{}, "nobody")
	defer func() { must(t, l.clean()) }()
	l.putImages()
	l.volume(host.VolumeSpec{Name: "data", Image: "disk", SizeGiB: 1})
	inst := l.boot(baseSpec("other"))
	must(t, l.Update(ctx, inst, host.Change{Disks: map[string]host.DiskSpec{"data": {Volume: "data"}, "own": {SizeGiB: 1}}}))
	l.writeTo(inst, "data", "volume")
	l.writeTo(inst, "own", "own")
	must(t, l.Standby(ctx, inst))
	must(t, l.Restore(ctx, inst))
	l.await(inst)
	must(t, l.Update(ctx, inst, host.Change{Disks: own(map[string]int{"own": 2})}))
	l.take("other", "other")
	inst = l.find("other")
	must(t, l.Stop(ctx, inst, 20*time.Second))
	must(t, l.give(inst, map[string]string{"data": "data"}))
	must(t, l.Start(ctx, inst))
	l.await(inst)
	if got := l.readFrom(inst, "data"); got != "volume" {
		t.Errorf("it reads %q", got)
	}
	must(t, l.give(inst, map[string]string{}))
}

func TestDisksOfItsOwn_HaveShortChainsToo(t *testing.T) {
	l := shared(t)
	ctx := context.Background()
	inst := l.fork("own-chain")
	must(t, l.Update(ctx, inst, host.Change{Disks: own(map[string]int{"a": 1})}))
	host.BoundLayers(t, 3)
	for range 4 {
		l.writeTo(inst, "a", "chained")
		must(t, l.Standby(ctx, inst))
		must(t, l.Restore(ctx, inst))
		l.await(inst)
	}
	inst = l.find("own-chain")
	for _, stack := range inst.Machine.Stacks() {
		if len(stack.Layers) > 3 {
			t.Errorf("disk %q has %d layers", stack.Key, len(stack.Layers))
		}
	}
	l.wantLayersOf(inst)
	if got := l.readFrom(inst, "a"); got != "chained" {
		t.Errorf("it reads %q", got)
	}
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
