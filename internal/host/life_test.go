package host_test

import (
	"context"
	"errors"
	"os"
	"os/exec"
	"strings"
	"testing"
	"time"

	"github.com/seed-a7bafb14/terraform-provider-kvm/internal/host"
	"github.com/seed-a7bafb14/terraform-provider-kvm/internal/lifecycle"
)

// state is what an instance is found to be by a listing made now.
func (l *lab) state(name string) lifecycle.State {
	l.t.Helper()
	l.Forget()
	inst, err := l.Instance(context.Background(), name)
	must(l.t, err)
	if inst.Problem != "" {
		l.t.Fatalf("%s: %s", name, inst.Problem)
	}
	return inst.State
}

func TestStandby_KeepsMemoryAndCounter(t *testing.T) {
	l := shared(t)
	ctx := context.Background()
	fork := l.fork("standby")
	before, err := guestOf(fork).Counter(ctx)
	must(t, err)

	must(t, l.Standby(ctx, fork))
	if state := l.state("standby"); state != lifecycle.Standby {
		t.Fatalf("it is %s", state)
	}
	must(t, l.Restore(ctx, fork))
	l.await(fork)
	after, err := guestOf(fork).Counter(ctx)
	must(t, err)
	if token := l.token(fork); token != common.token || after < before {
		t.Errorf("token %s, counter %d; want %s and at least %d", token, after, common.token, before)
	}
	if state := l.state("standby"); state != lifecycle.Running {
		t.Errorf("it is %s", state)
	}
}

func TestStop_ShutsTheGuestDownCleanly(t *testing.T) {
	l := shared(t)
	ctx := context.Background()
	fork := l.fork("stop")
	l.in(fork, "echo unsynced >/disk/note") // in the guest's page cache only
	must(t, l.Stop(ctx, fork, 20*time.Second))
	l.Forget()
	found, err := l.Instance(ctx, "stop")
	must(t, err)
	if found.State != lifecycle.Stopped || found.Ended != "guest-shutdown" {
		t.Fatalf("it is %s, ended by %q", found.State, found.Ended)
	}
	must(t, l.Stop(ctx, found, time.Second)) // once more does nothing
	must(t, l.Start(ctx, found))
	l.await(found)
	if note := l.in(found, "cat /disk/note"); note != "unsynced\n" {
		t.Errorf("the note says %q", note)
	}
	if l.token(found) == common.token {
		t.Error("it has its old memory after a boot")
	}
}

func TestFork_OfARunningInstance_LosesNothing(t *testing.T) {
	l := shared(t)
	ctx := context.Background()
	source := l.fork("source")
	l.in(source, "echo before >/disk/note && sync")
	before, err := guestOf(source).Counter(ctx)
	must(t, err)

	copied, err := l.Fork(ctx, host.ForkSpec{Name: "copied", Source: host.Ref{Kind: host.Instances, Name: "source"}})
	must(t, err)
	defer func() { must(t, l.DeleteInstance(ctx, "copied", copied.UID)) }()
	l.in(source, "echo after >/disk/note && sync")
	if state := l.state("source"); state != lifecycle.Running {
		t.Fatalf("the source is %s", state)
	}
	must(t, l.Restore(ctx, copied))
	l.await(copied)
	if note := l.in(copied, "cat /disk/note"); note != "before\n" {
		t.Errorf("the fork's note says %q", note)
	}
	if note := l.in(source, "cat /disk/note"); note != "after\n" {
		t.Errorf("the source's note says %q", note)
	}
	if l.token(copied) != common.token {
		t.Error("the fork does not have its source's memory")
	}
	after, err := guestOf(source).Counter(ctx)
	must(t, err)
	if after < before {
		t.Errorf("the source's counter went from %d to %d", before, after)
	}
}

func TestSnapshot_OfARunningGuest_PausesItBriefly(t *testing.T) {
	l := shared(t)
	ctx := context.Background()
	fork := l.fork("live")
	snap, err := l.TakeSnapshot(ctx, host.SnapshotSpec{Name: "live", Instance: "live"})
	must(t, err)
	defer func() { must(t, l.DeleteSnapshot(ctx, "live", snap.UID)) }()
	t.Logf("pause %s", snap.Pause)
	if snap.Pause <= 0 || snap.Pause > 2*time.Second || snap.Kind != lifecycle.Standby {
		t.Errorf("pause %s, kind %s", snap.Pause, snap.Kind)
	}
	l.await(fork)
}

func TestFork_NeverWritesWhatItShares(t *testing.T) {
	l := shared(t)
	sums := func() string {
		out, err := exec.Command("sh", "-c", "cd "+l.path("snapshots/golden")+" && sha256sum disk/* checkpoint/* boot/*").Output()
		must(t, err)
		return string(out)
	}
	before := sums()
	fork := l.fork("writer")
	l.in(fork, "echo written >/disk/note && sync && dd if=/dev/zero of=/filler bs=1M count=32 2>/dev/null")
	must(t, l.Standby(context.Background(), fork))
	must(t, l.Restore(context.Background(), fork))
	if after := sums(); after != before {
		t.Errorf("the snapshot was\n%sand is\n%s", before, after)
	}
}

func TestFork_TakesThreeRoundTrips(t *testing.T) {
	l := shared(t)
	ctx := context.Background()
	l.Forget()
	var fork *host.Instance
	scripts := l.trips.during(func() {
		var err error
		fork, err = l.Fork(ctx, host.ForkSpec{Name: "counted", Source: common.golden})
		must(t, err)
		must(t, l.Restore(ctx, fork))
	})
	defer func() { must(t, l.DeleteInstance(ctx, "counted", fork.UID)) }()
	if got := strings.Join(scripts, " "); got != "read fork restore" {
		t.Errorf("a fork took %q", got)
	}
	l.Forget()
	scripts = l.trips.during(func() {
		for range 3 {
			_, err := l.Instances(ctx)
			must(t, err)
			_, err = l.Snapshot(ctx, "golden")
			must(t, err)
		}
	})
	if len(scripts) != 1 {
		t.Errorf("six reads took %d round trips", len(scripts))
	}
}

// What a driver writes itself does not change a snapshot.
func TestFork_OfASnapshotThatIsKnownTakesOneRoundTripLess(t *testing.T) {
	host.KeepListings(t, time.Hour)
	l := shared(t)
	ctx := context.Background()
	l.Forget()
	fork := func(name string) (*host.Instance, error) {
		return l.Fork(ctx, host.ForkSpec{Name: name, Source: common.golden})
	}
	first, err := fork("known-1")
	must(t, err)
	defer func() { must(t, l.DeleteInstance(ctx, first.Name, first.UID)) }()
	scripts := l.trips.during(func() {
		second, err := fork("known-2")
		must(t, err)
		must(t, l.DeleteInstance(ctx, second.Name, second.UID))
	})
	if got := strings.Join(scripts, " "); got != "fork delete" {
		t.Errorf("a second fork took %q", got)
	}
	if _, err := l.Instance(ctx, "known-1"); err != nil {
		t.Errorf("what was made since is not seen: %v", err)
	}

	// Somebody else puts another snapshot in its place.
	other := connect(l.testhost)
	defer other.Close()
	snap, err := l.TakeSnapshot(ctx, host.SnapshotSpec{Name: "replaced", Instance: "known-1"})
	must(t, err)
	defer func() { must(t, l.DeleteSnapshot(ctx, "replaced", l.snapshot("replaced").UID)) }()
	_, err = l.Snapshot(ctx, "replaced")
	must(t, err)
	must(t, other.DeleteSnapshot(ctx, "replaced", snap.UID))
	again, err := other.TakeSnapshot(ctx, host.SnapshotSpec{Name: "replaced", Instance: "known-1", Labels: map[string]string{"a": "b"}})
	must(t, err)
	third, err := l.Fork(ctx, host.ForkSpec{Name: "known-3", Source: host.Ref{Kind: host.Snapshots, Name: "replaced"}})
	must(t, err)
	defer func() { must(t, l.DeleteInstance(ctx, third.Name, third.UID)) }()
	if again.UID == snap.UID || third.State != lifecycle.Standby {
		t.Errorf("the fork of what was replaced is %s", third.State)
	}
}

func TestSandbox_IsOn(t *testing.T) {
	l := shared(t)
	l.fork("boxed")
	out, err := exec.Command("sh", "-c", "read -r pid _ <"+l.path("instances/boxed/run/control.pid")+" && grep Seccomp: /proc/$pid/status").Output()
	must(t, err)
	if string(out) != "Seccomp:\t2\n" {
		t.Errorf("QEMU runs with %q; want seccomp mode 2, a filter", out)
	}
}

func TestSnapshot_OfADisklessGuest_LetsItGoOn(t *testing.T) {
	l := shared(t)
	ctx := context.Background()
	spec := baseSpec("diskless")
	spec.Image = ""
	inst := l.boot(spec)
	defer func() { must(t, l.DeleteInstance(ctx, "diskless", inst.UID)) }()
	snap, err := l.TakeSnapshot(ctx, host.SnapshotSpec{Name: "diskless", Instance: "diskless"})
	must(t, err)
	defer func() { must(t, l.DeleteSnapshot(ctx, "diskless", snap.UID)) }()
	if state := l.state("diskless"); state != lifecycle.Running {
		t.Fatalf("it is %s", state)
	}
	fork, err := l.Fork(ctx, host.ForkSpec{Name: "diskless-fork", Source: host.Ref{Kind: host.Snapshots, Name: "diskless"}})
	must(t, err)
	defer func() { must(t, l.DeleteInstance(ctx, "diskless-fork", fork.UID)) }()
	must(t, l.Restore(ctx, fork))
	l.await(fork)
	if l.token(fork) != l.token(inst) {
		t.Error("the fork does not have its source's memory")
	}
}

func TestFork_OfAForkOfAFork(t *testing.T) {
	l := shared(t)
	ctx := context.Background()
	source := host.Ref{Kind: host.Snapshots, Name: "golden"}
	for _, name := range []string{"first", "second", "third"} {
		fork, err := l.Fork(ctx, host.ForkSpec{Name: name, Source: source})
		must(t, err)
		defer func() { must(t, l.DeleteInstance(ctx, fork.Name, fork.UID)) }()
		must(t, l.Restore(ctx, fork))
		l.await(fork)
		if note := l.in(fork, "cat /disk/note 2>/dev/null || :"); name != "first" && note != source.Name+"\n" {
			t.Errorf("%s: the note says %q; want %q", name, note, source.Name)
		}
		l.in(fork, "echo "+name+" >/disk/note")
		if l.token(fork) != common.token {
			t.Errorf("%s does not have the memory of its source", name)
		}
		source = host.Ref{Kind: host.Instances, Name: name}
	}
}

func TestSnapshot_OfAPausedGuestIsRefused(t *testing.T) {
	l := shared(t)
	l.fork("paused")
	l.qmp("paused", `{"execute":"stop"}`)
	if state := l.state("paused"); state != lifecycle.Paused {
		t.Fatalf("it is %s", state)
	}
	_, err := l.TakeSnapshot(context.Background(), host.SnapshotSpec{Name: "paused", Instance: "paused"})
	if !errors.Is(err, host.ErrInvalid) {
		t.Errorf("%v; want it refused", err)
	}
}

func TestPaused_GoesToStandbyAndOn(t *testing.T) {
	l := shared(t)
	ctx := context.Background()
	fork := l.fork("paused-standby")
	l.qmp("paused-standby", `{"execute":"stop"}`)
	fork.State = l.state("paused-standby")
	must(t, l.Standby(ctx, fork))
	must(t, l.Restore(ctx, fork))
	l.await(fork)
	l.qmp("paused-standby", `{"execute":"stop"}`)
	fork.State = l.state("paused-standby")
	must(t, l.Resume(ctx, fork))
	l.await(fork)
}

func TestRestore_ShortensAChainThatHasBecomeTooLong(t *testing.T) { shared(t).wantShortChain(t) }

func (l *lab) wantShortChain(t *testing.T) {
	ctx := context.Background()
	fork := l.fork("flattened")
	l.in(fork, "echo first >/disk/note && sync")
	must(t, l.Standby(ctx, fork))
	long := len(fork.Machine.Disk.Layers)
	host.BoundLayers(t, l.Host, long)
	must(t, l.Restore(ctx, fork))
	l.Forget()
	found, err := l.Instance(ctx, "flattened")
	must(t, err)
	if n := len(found.Machine.Disk.Layers); n != 2 || found.Problem != "" {
		t.Fatalf("%d layers, problem %q; want 2 of %d", n, found.Problem, long+1)
	}
	l.in(fork, "echo second >>/disk/note && sync")
	must(t, l.Stop(ctx, found, 20*time.Second))
	out, err := exec.Command("qemu-img", "info", "--backing-chain", l.path("instances/flattened/disk", found.Machine.Disk.Layers[0].File)).CombinedOutput()
	if n := strings.Count(string(out), "virtual size"); err != nil || n != 2 {
		t.Errorf("qemu-img finds %d layers, %v: %s", n, err, out)
	}
	files, err := os.ReadDir(l.path("instances/flattened/disk"))
	must(t, err)
	if len(files) != 2 {
		t.Errorf("%d files among the layers; want 2", len(files))
	}
	must(t, l.Start(ctx, found))
	l.await(found)
	if note := l.in(found, "cat /disk/note"); note != "first\nsecond\n" {
		t.Errorf("the note says %q", note)
	}
}

func TestFork_CanReboot(t *testing.T) {
	l := shared(t)
	fork := l.fork("rebooted")
	_, _ = guestOf(fork).Run(context.Background(), "(sleep 0.2; reboot -f) >/dev/null 2>&1 &")
	time.Sleep(time.Second)
	l.await(fork)
	if l.token(fork) == common.token {
		t.Error("it did not boot anew")
	}
}

// TestStandby_LosesNoStoreOfABusyGuest is of a fault that shows by chance, where
// the guest's processors and the copying of its memory compete for the host's.
func TestStandby_LosesNoStoreOfABusyGuest(t *testing.T) {
	l := shared(t)
	ctx := context.Background()
	fork := l.fork("busy")
	l.in(fork, "for i in 1 2 3; do (while :; do ls -lR / 2>/dev/null | md5sum >/busy.$i; done) >/dev/null 2>&1 & done")
	for range 4 {
		must(t, l.Standby(ctx, fork))
		must(t, l.Restore(ctx, fork))
		l.await(fork)
	}
	if l.token(fork) != common.token {
		t.Error("it has booted meanwhile")
	}
}

func TestStop_DropsACheckpointThatIsPast(t *testing.T) {
	l := shared(t)
	ctx := context.Background()
	fork := l.fork("past")
	must(t, os.Mkdir(l.path("instances/past/checkpoint"), 0o700)) // as a restore leaves it that was killed at its end
	must(t, os.WriteFile(l.path("instances/past/checkpoint/memory"), []byte("old"), 0o600))
	must(t, l.Stop(ctx, fork, 20*time.Second))
	if state := l.state("past"); state != lifecycle.Stopped {
		t.Errorf("it is %s", state)
	}
}
