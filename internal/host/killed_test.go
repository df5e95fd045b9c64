package host_test

import (
	"context"
	"errors"
	"os"
	"slices"
	"testing"
	"time"

	"github.com/seed-a7bafb14/terraform-provider-kvm/internal/host"
	"github.com/seed-a7bafb14/terraform-provider-kvm/internal/lifecycle"
	"github.com/seed-a7bafb14/terraform-provider-kvm/internal/qemu"
	"github.com/seed-a7bafb14/terraform-provider-kvm/internal/ssh"
	"github.com/seed-a7bafb14/terraform-provider-kvm/internal/testhost"
)

// wantTidy fails if an instance has a layer that is not of its disk.
func (l *lab) wantTidy(inst *host.Instance) {
	l.t.Helper()
	files, err := os.ReadDir(l.path("instances", inst.Name, "disk"))
	must(l.t, err)
	for _, file := range files {
		if !slices.ContainsFunc(inst.Machine.Disk.Layers, func(layer qemu.Layer) bool { return layer.File == file.Name() }) {
			l.t.Errorf("%s is left", file.Name())
		}
	}
}

// A script that is killed at any of its steps leaves an instance that is what it
// was, or what it was to be, within the time in which the dead man's switch acts.
func TestScripts_ThatAreKilledLoseNothing(t *testing.T) {
	t.Parallel()
	base := another(t, testhost.Options{})
	ctx := context.Background()
	base.write(base.fork("shot"), "before")
	stopped := base.fork("shot-stopped")
	must(t, base.Stop(ctx, stopped, 20*time.Second))
	running := func(l *lab) {
		eventually(t, 5*time.Second, "running without a receiver", func() bool {
			_, err := os.Stat(l.path("instances/shot/run/receiver.pid"))
			return errors.Is(err, os.ErrNotExist) && l.state("shot") == lifecycle.Running
		})
	}
	is := func(l *lab, name string, states ...lifecycle.State) *host.Instance {
		inst := l.find(name)
		if inst.Problem != "" || !slices.Contains(states, inst.State) {
			t.Errorf("%s is %s (%s); want it one of %v", name, inst.State, inst.Problem, states)
		}
		return inst
	}
	for _, c := range []struct {
		script string
		do     func(l *lab) error
		check  func(l *lab, err error)
	}{
		{"take", func(l *lab) error {
			_, err := l.TakeSnapshot(ctx, host.SnapshotSpec{Name: "shot", Instance: "shot"})
			return err
		}, func(l *lab, err error) {
			running(l)
			l.wantNotes(l.find("shot"), "before\n", "before\n")
			if snap, err := l.Snapshot(ctx, "shot"); err == nil {
				must(t, l.DeleteSnapshot(ctx, "shot", snap.UID))
			}
		}},
		{"put into standby", func(l *lab) error { return l.Standby(ctx, l.find("shot")) }, func(l *lab, err error) {
			eventually(t, 5*time.Second, "running or in standby", func() bool {
				l.Forget()
				inst, err := l.Instance(ctx, "shot")
				return err == nil && inst.Problem == "" && (inst.State == lifecycle.Running || inst.State == lifecycle.Standby)
			})
			if inst := l.find("shot"); inst.State == lifecycle.Standby {
				must(t, l.Restore(ctx, inst))
			}
			l.wantNotes(l.find("shot"), "before\n", "before\n")
		}},
		{"restore", func(l *lab) error {
			if inst := l.find("shot"); inst.State == lifecycle.Running {
				must(t, l.Standby(ctx, inst))
			}
			return l.Restore(ctx, l.find("shot"))
		}, func(l *lab, err error) {
			inst := is(l, "shot", lifecycle.Standby, lifecycle.Running)
			if inst.State == lifecycle.Running {
				l.await(inst)
				l.wantNotes(inst, "before\n", "before\n")
			}
			if err == nil {
				l.wantTidy(inst)
			}
		}},
		{"start", func(l *lab) error {
			if inst := l.find("shot-stopped"); inst.State == lifecycle.Running {
				must(t, l.Stop(ctx, inst, 0))
			}
			return l.Start(ctx, l.find("shot-stopped"))
		}, func(l *lab, err error) {
			if inst := is(l, "shot-stopped", lifecycle.Stopped, lifecycle.Running); err == nil {
				l.wantTidy(inst)
				must(t, l.Stop(ctx, inst, 0))
			}
		}},
		{"update", func(l *lab) error {
			labels := map[string]string{"at": time.Now().String()}
			return l.Update(ctx, l.find("shot-stopped"), host.Change{Labels: &labels, DiskGiB: new(1)})
		}, func(l *lab, err error) {
			if inst := is(l, "shot-stopped", lifecycle.Stopped); err == nil && (inst.DiskGiB != 1 || len(inst.Labels) == 0) {
				t.Errorf("it is %+v", inst.Record)
			}
		}},
		{"fork", func(l *lab) error {
			_, err := l.Fork(ctx, host.ForkSpec{Name: "shot-fork", Source: host.Ref{Kind: host.Instances, Name: "shot-stopped"}})
			return err
		}, func(l *lab, err error) {
			is(l, "shot-stopped", lifecycle.Stopped)
			if there := l.gone("shot-fork"); err == nil && !there {
				t.Error("there is no fork")
			}
		}},
		{"delete", func(l *lab) error {
			fork, err := l.Fork(ctx, host.ForkSpec{Name: "shot-fork", Source: host.Ref{Kind: host.Instances, Name: "shot-stopped"}})
			if errors.Is(err, host.ErrExists) {
				fork, err = l.find("shot-fork"), nil
			}
			must(t, err)
			must(t, l.Keep(ctx, host.Ref{Kind: host.Instances, Name: "shot-fork"}, fork.UID)) // else the next waits for us to know of it
			return l.DeleteInstance(ctx, "shot-fork", fork.UID)
		}, func(l *lab, err error) {
			l.Forget()
			inst, found := l.Instance(ctx, "shot-fork")
			if (found == nil) && (inst.Problem != "" || err == nil) {
				t.Errorf("there is %+v (%s)", inst.Record, inst.Problem)
			}
		}},
	} {
		l, s := base.sabotaged(t, c.script, shot)
		s.each(t, func() error { return c.do(l) }, func(err error) {
			if err != nil && !errors.Is(err, ssh.ErrLost) {
				t.Errorf("%s: %v", c.script, err)
			}
			c.check(l, err)
		})
	}
}

// Where the dead man's switch is killed, too, a guest may stand still until
// somebody does something with it; then all is as it should be.
func TestScripts_ThatAreKilledWithTheirSwitchLoseNothing(t *testing.T) {
	t.Parallel()
	base := another(t, testhost.Options{})
	ctx := context.Background()
	base.write(base.fork("helpless"), "before")
	goesOn := func() *host.Instance {
		inst := base.find("helpless")
		switch inst.State {
		case lifecycle.Paused:
			must(t, base.Resume(ctx, inst))
		case lifecycle.Standby:
			must(t, base.Restore(ctx, inst))
		}
		base.await(inst)
		base.wantNotes(inst, "before\n", "before\n")
		return inst
	}
	take := func(l *lab) error {
		_, err := l.TakeSnapshot(ctx, host.SnapshotSpec{Name: "helpless", Instance: "helpless"})
		return err
	}
	forget := func() {
		if snap, err := base.Snapshot(ctx, "helpless"); err == nil {
			must(t, base.DeleteSnapshot(ctx, "helpless", snap.UID))
		}
	}
	for script, do := range map[string]func(l *lab) error{
		"take":             take,
		"put into standby": func(l *lab) error { return l.Standby(ctx, l.find("helpless")) },
	} {
		l, s := base.sabotaged(t, script, killed)
		s.stride = 8 // each takes a while
		s.each(t, func() error { return do(l) }, func(err error) {
			if err != nil && !errors.Is(err, ssh.ErrLost) {
				t.Errorf("%s: %v", script, err)
			}
			forget()
			if err := take(base); err != nil && !errors.Is(err, host.ErrInvalid) { // as of one that is paused
				t.Errorf("%s: the next snapshot: %v", script, err)
			}
			goesOn()
			forget()
			must(t, base.Standby(ctx, base.find("helpless")))
			goesOn()
		})
	}
}
