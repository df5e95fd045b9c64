package host_test

import (
	"context"
	"errors"
	"os"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/seed-a7bafb14/terraform-provider-kvm/internal/host"
	"github.com/seed-a7bafb14/terraform-provider-kvm/internal/testhost"
)

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
	t.Parallel()
	l := another(t, testhost.Options{})
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

func TestDisksOfItsOwn_HaveShortChainsToo(t *testing.T) {
	l := shared(t)
	ctx := context.Background()
	inst := l.fork("own-chain")
	must(t, l.Update(ctx, inst, host.Change{Disks: own(map[string]int{"a": 1})}))
	host.BoundLayers(t, l.Host, 3)
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
