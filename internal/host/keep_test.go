package host_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/seed-a7bafb14/terraform-provider-kvm/internal/host"
	"github.com/seed-a7bafb14/terraform-provider-kvm/internal/testhost"
)

// makers are what makes something of each kind, called "unkept".
var makers = map[host.Kind]func(ctx context.Context, l *lab) (uid string, err error){
	host.Instances: func(ctx context.Context, l *lab) (string, error) {
		fork, err := l.Fork(ctx, host.ForkSpec{Name: "unkept", Source: common.golden})
		if err != nil {
			return "", err
		}
		return fork.UID, l.Restore(ctx, fork)
	},
	host.Snapshots: func(ctx context.Context, l *lab) (string, error) {
		snap, err := l.TakeSnapshot(ctx, host.SnapshotSpec{Name: "unkept", Instance: "unkept-source"})
		if err != nil {
			return "", err
		}
		return snap.UID, nil
	},
	host.Images: func(ctx context.Context, l *lab) (string, error) {
		path := l.t.TempDir() + "/image"
		must(l.t, os.WriteFile(path, []byte(strings.Repeat("x", 4096)), 0o600))
		image, err := l.PutImage(ctx, host.ImageSpec{Name: "unkept", Source: path}, opener(path))
		if err != nil {
			return "", err
		}
		return image.UID, nil
	},
}

func (l *lab) delete(ref host.Ref, uid string) error {
	switch ref.Kind {
	case host.Instances:
		return l.DeleteInstance(context.Background(), ref.Name, uid)
	case host.Snapshots:
		return l.DeleteSnapshot(context.Background(), ref.Name, uid)
	}
	return l.DeleteImage(context.Background(), ref.Name, uid)
}

// Whoever makes something and dies before they know of it leaves a name that is
// free, and no process.
func TestMake_TakesTheNameOfWhatNobodyKnowsOf(t *testing.T) {
	l := shared(t)
	must(t, l.Stop(context.Background(), l.fork("unkept-source"), 20*time.Second))
	for kind, make := range makers {
		ref := host.Ref{Kind: kind, Name: "unkept"}
		dying := connect(l.testhost)
		dying.t = t
		first, err := make(context.Background(), dying)
		must(t, err)
		pid := l.pidOf(ref)
		must(t, dying.Close())

		eventually(t, 10*time.Second, "no process for the connection", func() bool { return !l.isAlive(l.makerOf(ref)) })
		second, err := make(context.Background(), l)
		if err != nil || second == first {
			t.Errorf("%s: made %q, then %q, %v; want another", kind, first, second, err)
			continue
		}
		if pid != "" && l.isAlive(pid) {
			t.Errorf("%s: process %s of the first still runs", kind, pid)
		}
		must(t, l.Keep(context.Background(), ref, second))
		must(t, l.delete(ref, second))
	}
}

// Whoever is still there may yet come to know of it, and whoever knew of it does.
func TestMake_LeavesAloneWhatSomebodyKnowsOfOrMay(t *testing.T) {
	t.Parallel()
	l := another(t, testhost.Options{})
	must(t, l.Stop(context.Background(), l.fork("unkept-source"), 20*time.Second))
	for kind, make := range makers {
		ref := host.Ref{Kind: kind, Name: "unkept"}
		living, other := connect(l.testhost), l.impatient()
		living.t, other.t = t, t
		uid, err := make(context.Background(), living)
		must(t, err)
		ctx, cancel := context.WithTimeout(context.Background(), 2*time.Second)
		if _, err := make(ctx, other); !errors.Is(err, host.ErrBusy) || !strings.Contains(err.Error(), "for whose connection the host has process "+l.makerOf(ref)) {
			t.Errorf("%s, of which its maker may come to know: %v", kind, err)
		}
		cancel()
		must(t, living.Keep(context.Background(), ref, uid))
		must(t, living.Keep(context.Background(), ref, uid)) // once more, as after an answer that was lost
		must(t, living.Close())
		if _, err := make(context.Background(), l); !errors.Is(err, host.ErrExists) || !strings.Contains(err.Error(), uid) {
			t.Errorf("%s, of which its maker knows: %v; want it taken by %s", kind, err, uid)
		}
		must(t, l.delete(ref, uid))
	}
}

func TestMake_WaitsForWhoeverIsMakingIt(t *testing.T) {
	l := shared(t)
	ctx := context.Background()
	first, err := l.Fork(ctx, host.ForkSpec{Name: "waited", Source: common.golden})
	must(t, err)
	keep := time.AfterFunc(1500*time.Millisecond, func() { _ = l.Keep(ctx, host.Ref{Kind: host.Instances, Name: "waited"}, first.UID) })
	defer keep.Stop()
	other := l.impatient()
	begun := time.Now()
	if _, err := other.Fork(ctx, host.ForkSpec{Name: "waited", Source: common.golden}); !errors.Is(err, host.ErrExists) || time.Since(begun) < time.Second {
		t.Errorf("%v after %s; want the name taken when the other knew of it", err, time.Since(begun))
	}
	must(t, l.DeleteInstance(ctx, "waited", first.UID))
}

func TestKeep_OfWhatIsNotThereSaysSo(t *testing.T) {
	l := shared(t)
	ctx := context.Background()
	ref := host.Ref{Kind: host.Instances, Name: "never-kept"}
	if err := l.Keep(ctx, ref, "uid"); !errors.Is(err, host.ErrNotFound) {
		t.Errorf("of what is not there: %v", err)
	}
	fork, err := l.Fork(ctx, host.ForkSpec{Name: ref.Name, Source: common.golden})
	must(t, err)
	if err := l.Keep(ctx, ref, "another"); !errors.Is(err, host.ErrReplaced) {
		t.Errorf("of another: %v", err)
	}
	cancelled, cancel := context.WithCancel(ctx)
	cancel()
	if must(t, l.Keep(cancelled, ref, fork.UID)); l.find(ref.Name).Unkept {
		t.Error("it is not kept")
	}
	must(t, l.DeleteInstance(ctx, ref.Name, fork.UID))
}

// keepAll says that all that there is is known.
func (l *lab) keepAll() {
	l.t.Helper()
	ctx := context.Background()
	l.Forget()
	instances, err := l.Instances(ctx)
	must(l.t, err)
	snapshots, err := l.Snapshots(ctx)
	must(l.t, err)
	images, err := l.Images(ctx)
	must(l.t, err)
	for _, inst := range instances {
		must(l.t, l.Keep(ctx, host.Ref{Kind: host.Instances, Name: inst.Name}, inst.UID))
	}
	for _, snap := range snapshots {
		must(l.t, l.Keep(ctx, host.Ref{Kind: host.Snapshots, Name: snap.Name}, snap.UID))
	}
	for _, image := range images {
		must(l.t, l.Keep(ctx, host.Ref{Kind: host.Images, Name: image.Name}, image.UID))
	}
}

// makerOf is the process of the connection that made an object, as its files say.
func (l *lab) makerOf(ref host.Ref) string {
	l.t.Helper()
	text, err := os.ReadFile(l.path(ref.String(), "maker"))
	must(l.t, err)
	pid, _, _ := strings.Cut(string(text), " ")
	return pid
}

// pidOf is the process of an instance; "" if it has none.
func (l *lab) pidOf(ref host.Ref) string {
	text, _ := os.ReadFile(l.path(ref.String(), "run/control.pid")) // there is none in an image
	pid, _, _ := strings.Cut(string(text), " ")
	return pid
}

func (l *lab) isAlive(pid string) bool {
	stat, err := os.ReadFile(fmt.Sprintf("/proc/%s/stat", pid))
	return err == nil && !strings.Contains(string(stat), ") Z")
}

// A script that outlives its maker makes what nobody knows of after another has
// begun to make the same.
func TestMake_TakesTheNameOfWhatComesMeanwhile(t *testing.T) {
	l := shared(t)
	ctx := context.Background()
	must(t, l.Stop(ctx, l.fork("meanwhile"), 20*time.Second))
	spec := host.SnapshotSpec{Name: "meanwhile", Instance: "meanwhile"}
	lock, err := os.Open(l.path("instances/meanwhile/lock"))
	must(t, err)
	defer lock.Close()
	must(t, syscall.Flock(int(lock.Fd()), syscall.LOCK_EX))
	dying := connect(l.testhost)
	lost := make(chan error, 1)
	go func() {
		_, err := dying.TakeSnapshot(ctx, spec)
		lost <- err
	}()
	waiting := func(n int) func() bool { return func() bool { return testhost.WaitingFor(lock.Name()) == n } }
	eventually(t, 10*time.Second, "a script that waits", waiting(1))
	must(t, dying.Close())
	<-lost
	taken := make(chan error, 1)
	go func() {
		_, err := l.TakeSnapshot(ctx, spec)
		taken <- err
	}()
	eventually(t, 10*time.Second, "two scripts that wait", waiting(2))
	must(t, syscall.Flock(int(lock.Fd()), syscall.LOCK_UN))
	if err := <-taken; err != nil {
		t.Error(err)
	}
	snap, err := l.Snapshot(ctx, "meanwhile")
	must(t, err)
	must(t, l.DeleteSnapshot(ctx, "meanwhile", snap.UID))
}
