package host_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/seed-a7bafb14/terraform-provider-kvm/internal/host"
	"github.com/seed-a7bafb14/terraform-provider-kvm/internal/lifecycle"
	"github.com/seed-a7bafb14/terraform-provider-kvm/internal/ssh"
	"github.com/seed-a7bafb14/terraform-provider-kvm/internal/testhost"
)

// take takes a snapshot that lives as long as the test.
func (l *lab) take(name, instance string) *host.Snapshot {
	l.t.Helper()
	snap, err := l.TakeSnapshot(context.Background(), host.SnapshotSpec{Name: name, Instance: instance})
	must(l.t, err)
	l.t.Cleanup(func() { must(l.t, l.DeleteSnapshot(context.Background(), name, snap.UID)) })
	return l.snapshot(name)
}

// snapshot and find read an object as it is now.
func (l *lab) snapshot(name string) *host.Snapshot {
	l.t.Helper()
	l.Forget()
	snap, err := l.Snapshot(context.Background(), name)
	must(l.t, err)
	return snap
}

func (l *lab) find(name string) *host.Instance {
	l.t.Helper()
	l.Forget()
	inst, err := l.Instance(context.Background(), name)
	must(l.t, err)
	return inst
}

// write writes a note to the disk, and one that is in the guest's memory only.
func (l *lab) write(inst *host.Instance, note string) {
	l.t.Helper()
	l.in(inst, "echo "+note+" >/disk/note && sync && echo "+note+" >/tmp/note")
}

// wantNotes wants both notes, and that of the disk from the disk itself.
func (l *lab) wantNotes(inst *host.Instance, disk, memory string) {
	l.t.Helper()
	got := l.in(inst, "cat /tmp/note 2>/dev/null; echo 3 >/proc/sys/vm/drop_caches; cat /disk/note")
	if want := memory + disk; got != want {
		l.t.Errorf("%s: the notes of memory and disk are %q; want %q", inst.Name, got, want)
	}
}

func (l *lab) sums(object string) string {
	l.t.Helper()
	out, err := exec.Command("sh", "-c", "cd "+l.path(object)+" && sha256sum disk/* checkpoint/* boot/*").Output()
	must(l.t, err)
	return string(out)
}

// panics has a guest's kernel panic, and waits until it has.
func (l *lab) panics(inst *host.Instance) {
	l.t.Helper()
	_, _ = guestOf(inst).Run(context.Background(), "(sleep 0.2; echo c >/proc/sysrq-trigger) >/dev/null 2>&1 &") // it may not get to answer
	eventually(l.t, time.Minute, "panicked", func() bool { return l.state(inst.Name) == lifecycle.Panicked })
}

func TestRollback_FromEveryStateIsToMemoryAndDiskOfTheSnapshot(t *testing.T) {
	t.Parallel()
	l := another(t, testhost.Options{})
	ctx := context.Background()
	inst := l.fork("rolled")
	labels := map[string]string{"role": "kept"}
	must(t, l.Update(ctx, inst, host.Change{Labels: &labels}))
	l.write(inst, "before")
	snap := l.take("rolled", "rolled")
	child := l.forkOf("rolled-child", host.Ref{Kind: host.Instances, Name: "rolled"})
	l.write(child, "childs")
	sums := l.sums("snapshots/rolled")

	for _, c := range []struct {
		state lifecycle.State
		move  func()
	}{
		{lifecycle.Running, func() {}},
		{lifecycle.Paused, func() { l.qmp("rolled", `{"execute":"stop"}`) }},
		{lifecycle.Standby, func() { must(t, l.Standby(ctx, inst)) }},
		{lifecycle.Stopped, func() { must(t, l.Stop(ctx, inst, 20*time.Second)) }},
		{lifecycle.Panicked, func() { l.panics(inst) }},
	} {
		l.write(inst, "after")
		c.move()
		before := l.find("rolled")
		if before.State != c.state {
			t.Fatalf("it is %s; want it %s", before.State, c.state)
		}
		must(t, l.Rollback(ctx, before, snap))
		inst = l.find("rolled")
		if inst.State != lifecycle.Standby || inst.Problem != "" || inst.RestoredFrom.Name != "rolled" {
			t.Fatalf("from %s: it is %s (%s), restored to %s", c.state, inst.State, inst.Problem, inst.RestoredFrom)
		}
		if inst.UID != before.UID || inst.Labels["role"] != "kept" || !inst.CreatedAt.Equal(before.CreatedAt) || guestOf(inst) != guestOf(before) {
			t.Errorf("from %s: %+v became %+v", c.state, before.Record, inst.Record)
		}
		if console, _ := os.ReadFile(l.path("instances/rolled/run/console.log")); len(console) > 0 {
			t.Errorf("from %s: it has the console of the life that is over:\n%s", c.state, console)
		}
		must(t, l.Restore(ctx, inst))
		l.await(inst)
		if l.token(inst) != common.token {
			t.Errorf("from %s: it does not have the snapshot's memory", c.state)
		}
		l.wantNotes(inst, "before\n", "before\n")
	}
	if again := l.sums("snapshots/rolled"); again != sums {
		t.Errorf("the snapshot was\n%sand is\n%s", sums, again)
	}
	l.wantNotes(child, "childs\n", "childs\n")
}

func TestRollback_ToASnapshotWithoutMemoryIsToItsDiskAndGrowsIt(t *testing.T) {
	t.Parallel()
	l := another(t, testhost.Options{})
	ctx := context.Background()
	inst := l.fork("cold")
	l.write(inst, "before")
	must(t, l.Stop(ctx, inst, 20*time.Second))
	snap := l.take("cold", "cold")
	size := 1
	must(t, l.Update(ctx, l.find("cold"), host.Change{DiskGiB: &size}))
	inst = l.find("cold")
	must(t, l.Start(ctx, inst))
	l.await(inst)
	l.write(inst, "after")
	must(t, l.Stop(ctx, inst, 20*time.Second))
	kernel := inst.Kernel()
	must(t, l.Update(ctx, inst, host.Change{Kernel: &host.KernelSpec{Image: kernel.Image}})) // it would not boot

	must(t, l.Rollback(ctx, inst, snap))
	inst = l.find("cold")
	if inst.State != lifecycle.Stopped || inst.Problem != "" || inst.Kernel() != kernel {
		t.Fatalf("it is %s (%s), with the kernel %+v", inst.State, inst.Problem, inst.Kernel())
	}
	must(t, l.Start(ctx, inst))
	l.await(inst)
	l.wantNotes(inst, "before\n", "")
	if sectors := l.in(inst, "cat /sys/block/vda/size"); sectors != fmt.Sprintln(1<<30/512) {
		t.Errorf("its disk has %s sectors; want 1 GiB", sectors)
	}
}

func TestRollback_MendsADamagedInstance(t *testing.T) {
	l := shared(t)
	ctx := context.Background()
	l.fork("mended")
	snap := l.take("mended", "mended")
	must(t, l.Standby(ctx, l.find("mended")))
	must(t, os.Remove(l.path("instances/mended/disk", l.find("mended").Machine.Disk.Layers[0].File)))
	must(t, os.Truncate(l.path("instances/mended/checkpoint/memory"), 4096))
	if inst := l.find("mended"); inst.State != lifecycle.Unknown {
		t.Fatalf("it is %s", inst.State)
	}
	must(t, l.Rollback(ctx, l.find("mended"), snap))
	inst := l.find("mended")
	must(t, l.Restore(ctx, inst))
	l.await(inst)
	if l.token(inst) != common.token {
		t.Error("it does not have the snapshot's memory")
	}
}

func TestRollback_IsRefusedWhereItCannotBe(t *testing.T) {
	l := shared(t)
	ctx := context.Background()
	inst := l.fork("refused")
	snap := l.take("refused", "refused")
	if err := l.Rollback(ctx, inst, l.snapshot("golden")); !errors.Is(err, host.ErrInvalid) {
		t.Errorf("to a snapshot of another: %v", err)
	}
	relabelled := *snap
	must(t, l.LabelSnapshot(ctx, &relabelled, map[string]string{"made": "other"}, nil))
	if err := l.Rollback(ctx, l.find("refused"), snap); !errors.Is(err, host.ErrChanged) {
		t.Errorf("to a snapshot that has changed: %v", err)
	}
	must(t, os.Truncate(l.path("snapshots/refused/checkpoint/memory"), 4096))
	if err := l.Rollback(ctx, l.find("refused"), l.snapshot("refused")); !errors.Is(err, host.ErrInvalid) {
		t.Errorf("to a damaged snapshot: %v", err)
	}
	must(t, os.Remove(l.path("snapshots/refused/checkpoint/device-state")))
	if err := l.Rollback(ctx, l.find("refused"), &relabelled); !errors.Is(err, host.ErrFailed) {
		t.Errorf("to a snapshot that lost a part meanwhile: %v", err)
	}
	l.await(inst)
	if left, _ := filepath.Glob(l.path("instances/.tmp-*-refused")); len(left) > 0 {
		t.Errorf("left: %v", left)
	}
}

// isRestored fails unless an instance has exactly the files of a snapshot of it.
func (l *lab) isRestored(inst *host.Instance, snap *host.Snapshot) error {
	l.t.Helper()
	for _, part := range []string{"disk", "boot", "checkpoint"} {
		at, from := l.path("instances", inst.Name, part), l.path("snapshots", snap.Name, part)
		files, err := os.ReadDir(at)
		must(l.t, err)
		want, err := os.ReadDir(from)
		must(l.t, err)
		if len(files) != len(want) {
			return fmt.Errorf("%d files in %s; want %d", len(files), part, len(want))
		}
		for _, file := range want {
			a, errA := os.Stat(filepath.Join(at, file.Name()))
			b, errB := os.Stat(filepath.Join(from, file.Name()))
			if errors.Join(errA, errB) != nil || !os.SameFile(a, b) {
				return fmt.Errorf("%s/%s is another", part, file.Name())
			}
		}
	}
	if inst.State != lifecycle.Standby || inst.Problem != "" || inst.RestoredFrom.Name != snap.Name || inst.Machine.Disk.Layers[0] != snap.Machine.Disk.Layers[0] {
		return fmt.Errorf("it is %s (%s), restored to %s", inst.State, inst.Problem, inst.RestoredFrom)
	}
	if _, err := os.Stat(l.path("instances", inst.Name, "rollback/instance.json")); err == nil {
		return errors.New("it is not finished")
	}
	return nil
}

func TestRollback_KilledAtAnyStepIsNotDoneOrDone(t *testing.T) {
	t.Parallel()
	l, k := another(t, testhost.Options{}).sabotaged(t, "roll back", killed, "rm", "sleep")
	ctx := context.Background()
	l.fork("killed")
	first := l.take("killed-first", "killed")
	second := l.take("killed-second", "killed")
	must(t, l.Rollback(ctx, l.find("killed"), first))
	must(t, l.isRestored(l.find("killed"), first))

	undone, done, total := 0, 0, 0
	for at, to := first, second; ; {
		k.n++
		err := l.Rollback(ctx, l.find("killed"), to)
		if err == nil {
			total = k.n - 1
			break
		}
		if !errors.Is(err, ssh.ErrLost) {
			t.Fatalf("step %d: %v", k.n, err)
		}
		now := l.find("killed")
		if now.RestoredFrom.Name == to.Name {
			at, to = to, at
			done++
		} else {
			undone++
		}
		if err := l.isRestored(now, at); err != nil {
			t.Fatalf("killed after %q: %v", k.steps(t), err)
		}
	}
	if _, err := os.Stat(l.path("instances/killed/rollback")); err == nil {
		t.Error("rollback/ is left")
	}
	t.Logf("%d steps: not done after %d, done after %d", total, undone, done)
	if undone < 5 || done < 5 {
		t.Errorf("killed at %d steps before and %d after the commit", undone, done)
	}
	if left, _ := filepath.Glob(l.path("instances/.tmp-*")); len(left) > 0 {
		l.fork("sweeper")
		if left, _ = filepath.Glob(l.path("instances/.tmp-*-killed")); len(left) > 0 {
			t.Errorf("left: %v", left)
		}
	}
}

func TestRollback_KilledBesideARunningGuestLetsItGoOnOrEndsIt(t *testing.T) {
	l, k := shared(t).sabotaged(t, "roll back", killed, "rm", "sleep")
	ctx := context.Background()
	inst := l.fork("beside")
	l.write(inst, "before")
	snap := l.take("beside", "beside")
	l.write(inst, "after")
	var commit int
	for k.n = 1; commit == 0; k.n++ { // each of these steps leaves it running
		if err := l.Rollback(ctx, l.find("beside"), snap); !errors.Is(err, ssh.ErrLost) {
			t.Fatal(err)
		}
		if _, err := os.Stat(l.path("instances/beside/rollback")); err == nil {
			commit = k.n
			break
		}
		if state := l.state("beside"); state != lifecycle.Running {
			t.Fatalf("killed at step %d it is %s", k.n, state)
		}
	}
	pid, err := os.ReadFile(l.path("instances/beside/run/control.pid"))
	must(t, err)
	if inst = l.find("beside"); inst.State != lifecycle.Standby {
		t.Fatalf("killed at step %d it is %s (%s)", commit, inst.State, inst.Problem)
	}
	if command, _ := os.ReadFile("/proc/" + strings.Fields(string(pid))[0] + "/cmdline"); len(command) > 0 { // a zombie has none
		t.Errorf("process %s still runs", pid)
	}
	must(t, l.Restore(ctx, inst))
	l.await(inst)
	l.wantNotes(inst, "before\n", "before\n")
}
