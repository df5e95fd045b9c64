package host_test

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/seed-a7bafb14/terraform-provider-kvm/internal/host"
	"github.com/seed-a7bafb14/terraform-provider-kvm/internal/lifecycle"
	"github.com/seed-a7bafb14/terraform-provider-kvm/internal/ssh"
	"github.com/seed-a7bafb14/terraform-provider-kvm/internal/testhost"
)

// What becomes of a script at its step n: it is killed, with all that it has
// started or alone, or the command of that step fails, or that and all that follow do, as
// on a disk that is full, or that and what follows does not get to the disk.
const (
	killed  = "[ $n -ne 1 ] || kill -9 0"
	shot    = "[ $n -ne 1 ] || { kill -9 $(cat ${0%/*}/shell); exit 1; }"
	failed  = "[ $n -ne 1 ] || { echo 'Input/output error' >&2; exit 1; }"
	failing = "[ $n -gt 1 ] || { echo 'No space left on device' >&2; exit 1; }"
	unsaved = "[ $n -gt 1 ] || [ ${0##*/} != sync ] || { echo 'Input/output error' >&2; exit 1; }"
)

// A saboteur runs a script where the test does, and has its step n go wrong: a
// command that is not built into the shell.
type saboteur struct {
	host.Transport
	script string   // the name of the scripts that it is after
	within []string // the command that runs one in the namespace of the host; none where that is the test's
	dir    string   // commands that stand before the real ones
	n      int      // from 1 on
	stride int      // how many steps may be left out between two, unless KVM_TEST_FAULTS is all
}

// sabotaged is l with scripts of that name sabotaged. more are commands that are
// steps, too.
func (l *lab) sabotaged(t *testing.T, script, what string, more ...string) (*lab, *saboteur) {
	t.Helper()
	s := &saboteur{Transport: l.trips, script: script, dir: t.TempDir()}
	for _, name := range append([]string{"mkdir", "ln", "sync", "mv", "truncate", "qemu-img"}, more...) {
		real, err := exec.LookPath(name)
		must(t, err)
		text := fmt.Sprintf(`#!/bin/sh
read -r n <%[1]s/n
echo $((n - 1)) >%[1]s/n
%[2]s
echo %[3]s "$@" >>%[1]s/steps
exec %[4]s "$@"
`, s.dir, what, name, real)
		must(t, os.WriteFile(filepath.Join(s.dir, name), []byte(text), 0o700))
	}
	other := *l
	other.Host = host.New(l.Config, s)
	return &other, s
}

func (s *saboteur) Run(ctx context.Context, script ssh.Script) (ssh.Result, error) {
	if script.Name != s.script {
		return s.Transport.Run(ctx, script)
	}
	if err := errors.Join(os.WriteFile(s.dir+"/n", fmt.Appendln(nil, s.n), 0o600), os.WriteFile(s.dir+"/steps", nil, 0o600)); err != nil {
		return ssh.Result{}, err
	}
	argv := slices.Concat(s.within, []string{"sh", "-c", "umask 077; echo $$ >" + s.dir + "/shell\n" + host.Prelude + "\n" + script.Text, "sh"}, script.Args)
	cmd := exec.Command(argv[0], argv[1:]...)
	cmd.Env = append(os.Environ(), "LC_ALL=C", "PATH="+s.dir+":"+os.Getenv("PATH"))
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	var stdout, stderr strings.Builder
	cmd.Stdout, cmd.Stderr = &stdout, &stderr
	err := cmd.Run()
	if cmd.ProcessState != nil && cmd.ProcessState.Exited() {
		return ssh.Result{Stdout: stdout.String(), Stderr: stderr.String(), Status: cmd.ProcessState.ExitCode()}, nil
	}
	return ssh.Result{}, fmt.Errorf("%w: %w", ssh.ErrLost, err)
}

// steps are the commands that the script has run.
func (s *saboteur) steps(t *testing.T) []string {
	t.Helper()
	text, err := os.ReadFile(s.dir + "/steps")
	must(t, err)
	return strings.Split(strings.TrimSpace(string(text)), "\n")
}

// each does something with each of its steps going wrong once, and at last with
// none, which must succeed. check looks at what is left each time.
func (s *saboteur) each(t *testing.T, do func() error, check func(err error)) {
	t.Helper()
	failures := 0
	stride := 1 + s.stride
	if os.Getenv("KVM_TEST_FAULTS") == "all" {
		stride = 1
	}
	for s.n = 1; ; s.n += 1 + rand.IntN(stride) {
		err := do()
		steps := s.steps(t)
		if check(err); t.Failed() {
			t.Fatalf("at step %d, after %q: %v", s.n, steps, err)
		}
		if len(steps) < s.n-1 || err == nil && len(steps) == s.n-1 {
			t.Logf("%d steps; of %d a failure fails the whole", s.n-1, failures)
			must(t, err)
			return
		}
		if err != nil {
			failures++
		}
	}
}

func TestSnapshot_OfWhichAStepFailsLosesNothing(t *testing.T) {
	t.Parallel()
	l, s := another(t, testhost.Options{}).sabotaged(t, "take", failed)
	ctx := context.Background()
	l.write(l.fork("unlucky"), "before")
	s.each(t, func() error {
		_, err := l.TakeSnapshot(ctx, host.SnapshotSpec{Name: "unlucky", Instance: "unlucky"})
		return err
	}, func(err error) {
		inst := l.find("unlucky")
		if inst.State != lifecycle.Running || inst.Problem != "" {
			t.Errorf("it is %s (%s)", inst.State, inst.Problem)
		}
		l.wantNotes(inst, "before\n", "before\n")
		if blocks := l.qmp("unlucky", `{"execute":"query-named-block-nodes"}`); !strings.Contains(blocks, "layer-"+strings.TrimSuffix(inst.Machine.Disk.Layers[0].File, ".qcow2")) {
			t.Errorf("its guest does not write to %s", inst.Machine.Disk.Layers[0].File)
		}
		for _, left := range []string{"checkpoint.tmp", "run/receiver.pid"} {
			if _, err := os.Stat(l.path("instances/unlucky", left)); err == nil {
				t.Errorf("%s is left", left)
			}
		}
		snap, there := l.Snapshot(ctx, "unlucky")
		if (err == nil) != (there == nil) {
			t.Errorf("there is a snapshot: %v", there)
		} else if there == nil {
			must(t, l.DeleteSnapshot(ctx, "unlucky", snap.UID))
		}
	})
}

func TestStandby_OfWhichAStepFailsLosesNothing(t *testing.T) {
	t.Parallel()
	l, s := another(t, testhost.Options{}).sabotaged(t, "put into standby", failed)
	ctx := context.Background()
	l.write(l.fork("unsaved"), "before")
	s.each(t, func() error { return l.Standby(ctx, l.find("unsaved")) }, func(err error) {
		inst := l.find("unsaved")
		if inst.Problem != "" || (err == nil) != (inst.State == lifecycle.Standby) || (err != nil) != (inst.State == lifecycle.Running) {
			t.Errorf("it is %s (%s)", inst.State, inst.Problem)
		}
		if inst.State == lifecycle.Standby {
			must(t, l.Restore(ctx, inst))
		}
		l.await(inst)
		l.wantNotes(inst, "before\n", "before\n")
	})
}

func TestRestore_OfWhichAStepFailsLosesNothing(t *testing.T) {
	l, s := shared(t).sabotaged(t, "restore", failed)
	ctx := context.Background()
	l.write(l.fork("unrestored"), "before")
	s.each(t, func() error {
		if inst := l.find("unrestored"); inst.State == lifecycle.Running {
			must(t, l.Standby(ctx, inst))
		}
		return l.Restore(ctx, l.find("unrestored"))
	}, func(err error) {
		inst := l.find("unrestored")
		if inst.Problem != "" || inst.State == lifecycle.Stopped {
			t.Errorf("it is %s (%s)", inst.State, inst.Problem)
		}
		if inst.State == lifecycle.Running {
			l.await(inst)
			l.wantNotes(inst, "before\n", "before\n")
		}
	})
}

func TestUpdate_OfWhichAStepFailsChangesNothing(t *testing.T) {
	l, s := shared(t).sabotaged(t, "update", failed)
	ctx := context.Background()
	must(t, l.Stop(ctx, l.fork("unchanged"), 20*time.Second))
	before := l.find("unchanged")
	s.each(t, func() error {
		return l.Update(ctx, l.find("unchanged"), host.Change{
			DiskGiB: new(1), Labels: &map[string]string{"a": "b"}, Kernel: &host.KernelSpec{Image: "vmlinuz"},
			Forwards: before.Forwards,
		})
	}, func(err error) {
		inst := l.find("unchanged")
		changed := inst.Labels["a"] == "b" && inst.DiskGiB == 1 && inst.Kernel() != before.Kernel()
		if files, _ := filepath.Glob(l.path("instances/unchanged/boot/*")); (len(files) == 2) != (err != nil) {
			t.Errorf("its boot files are %v", files)
		}
		if changed != (err == nil) || !changed && !reflect.DeepEqual(inst.Record, before.Record) || inst.Problem != "" {
			t.Errorf("it is %+v (%s)", inst.Record, inst.Problem)
		}
	})
}

// A script that could not do what it should, nor undo it, says so.
func TestScripts_OfWhichAllStepsFailDoNotSucceed(t *testing.T) {
	t.Parallel()
	base := another(t, testhost.Options{})
	ctx := context.Background()
	must(t, base.Stop(ctx, base.fork("full"), 20*time.Second))
	snap := base.take("full", "full")
	for script, verb := range map[string]struct {
		do   func(l *lab) error
		done func(l *lab) bool
	}{
		"update": {
			func(l *lab) error {
				return l.Update(ctx, l.find("full"), host.Change{Labels: &map[string]string{"n": fmt.Sprint(time.Now())}, Kernel: &host.KernelSpec{Image: "vmlinuz"}})
			},
			func(l *lab) bool { return l.find("full").Kernel() == host.KernelSpec{Image: "vmlinuz"} },
		},
		"roll back": {
			func(l *lab) error { return l.Rollback(ctx, l.find("full"), snap) },
			func(l *lab) bool { return l.find("full").RestoredFrom.Name == "full" },
		},
		"create": {
			func(l *lab) error {
				_, err := l.Create(ctx, host.InstanceSpec{Name: "full-made", Image: "disk", VCPUs: 1, MemoryMiB: 64})
				return err
			},
			func(l *lab) bool { return l.gone("full-made") },
		},
		"fork": {
			func(l *lab) error {
				_, err := l.Fork(ctx, host.ForkSpec{Name: "full-made", Source: host.Ref{Kind: host.Snapshots, Name: "full"}})
				return err
			},
			func(l *lab) bool { return l.gone("full-made") },
		},
	} {
		for _, what := range []string{failing, unsaved} {
			l, s := base.sabotaged(t, script, what)
			s.each(t, func() error { return verb.do(l) }, func(err error) {
				if done := verb.done(l); err == nil && !done {
					t.Errorf("%s: no error, and it is not done", script)
				}
			})
		}
	}
}

// gone deletes an instance, and reports whether it was there.
func (l *lab) gone(name string) bool {
	l.Forget()
	inst, err := l.Instance(context.Background(), name)
	if err != nil {
		return false
	}
	must(l.t, l.DeleteInstance(context.Background(), name, inst.UID))
	return true
}
