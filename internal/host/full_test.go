package host_test

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/seed-a7bafb14/terraform-provider-kvm/internal/host"
	"github.com/seed-a7bafb14/terraform-provider-kvm/internal/lifecycle"
	"github.com/seed-a7bafb14/terraform-provider-kvm/internal/qemu"
	"github.com/seed-a7bafb14/terraform-provider-kvm/internal/testhost"
)

// plenty is more than a test needs, of bytes or of files.
const plenty = 1 << 30

// newSmallLab is a host whose data directory is a filesystem of its own, that
// can be made full. It skips the test where none can be mounted.
func newSmallLab(t *testing.T) *lab {
	t.Helper()
	t.Parallel()
	th, err := testhost.Start(t.Context(), testhost.Options{FilesystemMiB: 1024})
	if errors.Is(err, syscall.EPERM) || errors.Is(err, syscall.EACCES) {
		t.Skipf("no filesystem can be mounted here: %v", err)
	}
	must(t, err)
	l := connect(th)
	l.t = t
	t.Cleanup(func() {
		if err := errors.Join(l.Close(), th.Close()); err != nil {
			t.Error(err)
		}
	})
	return l
}

// A troubled host has instances in every state and snapshots, to which things are
// done while the host is in trouble.
type troubled struct {
	*lab
	token  string
	frozen string
	n      int // of what was made, for names and values that differ

	complaint func(said string) string // what an error should say and does not
}

func newTroubled(t *testing.T, l *lab) *troubled {
	t.Helper()
	x := &troubled{lab: l, complaint: func(said string) string {
		// The last is what QEMU 7.2 makes of a vmstate that it cannot close.
		if !strings.Contains(said, "Input/output error") && !strings.Contains(said, "Could not") && !strings.Contains(said, `"error": "Operation not permitted"`) {
			return "what went wrong"
		}
		return ""
	}}
	l.putImages()
	spec := baseSpec("base")
	spec.MemoryMiB = 128
	base := l.boot(spec)
	x.token = l.token(base)
	l.write(base, "kept")
	snapshot := func(name, instance string) {
		_, err := l.TakeSnapshot(t.Context(), host.SnapshotSpec{Name: name, Instance: instance})
		must(t, err)
	}
	snapshot("golden", "base")
	for _, name := range []string{"idle", "cold"} {
		_, err := l.Fork(t.Context(), host.ForkSpec{Name: name, Source: host.Ref{Kind: host.Snapshots, Name: "golden"}})
		must(t, err)
	}
	must(t, l.Restore(t.Context(), l.find("cold")))
	must(t, l.Stop(t.Context(), l.find("cold"), 0))
	x.frozen = l.sums("snapshots/golden") + l.sums("instances/idle")
	return x
}

// A troubledVerb is something to be done in trouble. What it does can be undone.
type troubledVerb struct {
	name    string
	prepare func(ctx context.Context) error
	do      func(ctx context.Context) error
	undo    func(ctx context.Context) error
	always  bool // it needs no space
}

func (x *troubled) verbs() []troubledVerb {
	remove := func(object string) func(context.Context) error {
		return func(ctx context.Context) error { return x.remove(ctx, object) }
	}
	fork := func(kind host.Kind, name string) troubledVerb {
		return troubledVerb{name: "fork " + string(kind) + "/" + name, do: func(ctx context.Context) error {
			_, err := x.Fork(ctx, host.ForkSpec{Name: "made", Source: host.Ref{Kind: kind, Name: name}})
			return err
		}, undo: remove("instances/made")}
	}
	snapshot := func(name string) troubledVerb {
		return troubledVerb{name: "snapshot " + name, do: func(ctx context.Context) error {
			_, err := x.TakeSnapshot(ctx, host.SnapshotSpec{Name: "made", Instance: name})
			return err
		}, undo: remove("snapshots/made")}
	}
	update := func(what, name string, change func() host.Change) troubledVerb {
		return troubledVerb{name: "update " + name + " " + what, do: func(ctx context.Context) error {
			x.n++
			return x.Update(ctx, x.find(name), change())
		}}
	}
	labels := func() host.Change { return host.Change{Labels: &map[string]string{"n": fmt.Sprint(x.n)}} }
	grow := func() host.Change { return host.Change{DiskGiB: &x.n} }
	restore := func(name string) func(context.Context) error {
		return func(ctx context.Context) error { return x.Restore(ctx, x.find(name)) }
	}
	standby := func(name string) func(context.Context) error {
		return func(ctx context.Context) error { return x.Standby(ctx, x.find(name)) }
	}
	start := func(ctx context.Context) error { return x.Start(ctx, x.find("cold")) }
	stop := func(ctx context.Context) error { return x.Stop(ctx, x.find("cold"), 0) }
	made := fork(host.Snapshots, "golden")
	kernel := func(image string) host.Change {
		return host.Change{Kernel: &host.KernelSpec{Image: image, Initrd: "initrd", CommandLine: testhost.CommandLine}}
	}
	rekernel := update("kernel", "cold", func() host.Change { return kernel("initrd") })
	rekernel.undo = func(ctx context.Context) error { return x.Update(ctx, x.find("cold"), kernel("vmlinuz")) }
	return []troubledVerb{
		{name: "create", do: func(ctx context.Context) error {
			_, err := x.Create(ctx, baseSpec("made"))
			return err
		}, undo: made.undo},
		{name: "image", do: func(ctx context.Context) error {
			_, err := x.PutImage(ctx, host.ImageSpec{Name: "made", Source: "made"}, opener(x.noise()))
			return err
		}, undo: remove("images/made")},
		made, fork(host.Instances, "base"), fork(host.Instances, "idle"), fork(host.Instances, "cold"),
		snapshot("base"), snapshot("idle"), snapshot("cold"),
		{name: "standby", do: standby("base"), undo: restore("base")},
		{name: "restore", do: restore("idle"), undo: func(ctx context.Context) error {
			// What it was is what it is to be again, so that its memory can be compared.
			must(x.t, x.remove(ctx, "instances/idle"))
			_, err := x.Fork(ctx, host.ForkSpec{Name: "idle", Source: host.Ref{Kind: host.Snapshots, Name: "golden"}})
			return err
		}},
		{name: "start", do: start, undo: stop},
		{name: "stop", prepare: start, do: stop, always: true},
		update("labels", "base", labels), update("labels", "idle", labels), update("disk", "base", grow), update("disk", "cold", grow),
		update("forwards", "base", func() host.Change {
			forwards := map[string]qemu.Forward{"http": x.find("base").Forwards["lan"]["http"]}
			if x.n%2 == 0 {
				forwards["more"] = qemu.Forward{Protocol: "tcp", HostAddress: "127.0.0.1", GuestPort: 22}
			}
			return host.Change{Forwards: map[string]map[string]qemu.Forward{"lan": forwards}}
		}),
		{name: "resume", prepare: func(context.Context) error {
			x.qmp("base", `{"execute":"stop"}`)
			return nil
		}, do: func(ctx context.Context) error { return x.Resume(ctx, x.find("base")) }},
		rekernel,
		{name: "label", do: func(ctx context.Context) error {
			x.n++
			return x.LabelSnapshot(ctx, x.snapshot("golden"), map[string]string{"n": fmt.Sprint(x.n)}, nil)
		}},
		{name: "rollback", do: func(ctx context.Context) error { return x.Rollback(ctx, x.find("base"), x.snapshot("golden")) }, undo: restore("base")},
		{name: "delete an instance", prepare: made.do, do: made.undo, always: true},
		{name: "delete a snapshot", prepare: snapshot("cold").do, do: remove("snapshots/made"), always: true},
	}
}

// noise is a file of which no part is stored already.
func (x *troubled) noise() string {
	x.n++
	path := filepath.Join(x.t.TempDir(), "noise")
	must(x.t, os.WriteFile(path, []byte(strings.Repeat(fmt.Sprint(x.n, " "), 1<<18)), 0o600))
	return path
}

// sound fails the test unless the host is as it was, but for one verb done or
// not: guests run on, and nothing is left over.
func (x *troubled) sound(what string) {
	x.t.Helper()
	if inst := x.find("base"); inst.State == lifecycle.Running {
		ctx, cancel := context.WithTimeout(context.Background(), 30*time.Second) // it takes 10 ms, but others may test here
		defer cancel()
		if token, err := guestOf(inst).Token(ctx); err != nil || token != x.token {
			x.t.Errorf("%s: the guest says %q, %v; want %q", what, token, err, x.token)
		}
	}
	if left := x.leftovers(); len(left) > 0 {
		x.t.Errorf("%s: left are %v", what, left)
	}
	for _, name := range []string{"base", "idle", "cold"} {
		inst := x.find(name)
		if inst.Problem != "" {
			x.t.Errorf("%s: %s is %s: %s", what, name, inst.State, inst.Problem)
		}
		if _, err := os.Stat(x.path("instances", name, "run/receiver.pid")); err == nil {
			x.t.Errorf("%s: %s has a receiver", what, name)
		}
	}
}

// unchanged fails the test if anything that is frozen has changed.
func (x *troubled) unchanged(what string) {
	x.t.Helper()
	if sums := x.sums("snapshots/golden") + x.sums("instances/idle"); sums != x.frozen {
		x.t.Errorf("%s: what is frozen was\n%sand is\n%s", what, x.frozen, sums)
	}
}

// leftovers are files and directories under names that do not count.
func (l *lab) leftovers() (found []string) {
	_ = filepath.WalkDir(l.testhost.DataDir, func(path string, entry fs.DirEntry, err error) error {
		if base := filepath.Base(path); err == nil && (strings.HasPrefix(base, ".tmp-") || strings.HasSuffix(base, ".tmp") || strings.HasSuffix(base, ".was")) {
			found = append(found, strings.TrimPrefix(path, l.testhost.DataDir+"/"))
		}
		return nil
	})
	return found
}

// TestVerbs_OnAFullFilesystemFailAndLoseNothing leaves so much space that each
// step of each verb is the one for which there is none.
func TestVerbs_OnAFullFilesystemFailAndLoseNothing(t *testing.T) {
	l := newSmallLab(t)
	x := newTroubled(t, l)
	x.complaint = func(said string) string {
		if !strings.Contains(said, "No space left") && !strings.Contains(said, "does not fit") || !strings.Contains(said, "Free space in") {
			return "that there is no space, and what to do"
		}
		return ""
	}
	var leave [][2]int64
	for _, bytes := range []int64{0, 4 << 10, 8 << 10, 64 << 10, 256 << 10, 1 << 20, 16 << 20, 40 << 20} {
		leave = append(leave, [2]int64{bytes, plenty})
	}
	for files := range int64(16) {
		leave = append(leave, [2]int64{plenty, files})
	}
	failed, done := 0, 0
	for i, verb := range x.verbs() {
		for j, left := range leave {
			if !sampled(j-i, 24) {
				continue
			}
			what := fmt.Sprintf("%s, with %d bytes and %d files left", verb.name, left[0], left[1])
			if err := x.attempt(verb, what, func() error { return x.testhost.Leave(left[0], left[1]) }, func() error { return x.testhost.Leave(plenty, plenty) }); err != nil {
				failed++
			} else {
				done++
			}
		}
		x.unchanged(verb.name)
	}
	t.Logf("%d failed, %d were done", failed, done)
	must(t, l.clean())
}

// attempt does a verb in trouble and checks what becomes of it, then that it can
// be done when all is well, and undoes it.
func (x *troubled) attempt(verb troubledVerb, what string, trouble, peace func() error) error {
	x.t.Helper()
	ctx := context.Background()
	if verb.prepare != nil {
		must(x.t, verb.prepare(ctx))
	}
	must(x.t, trouble())
	err := verb.do(ctx)
	must(x.t, peace())
	if err != nil {
		if verb.always {
			x.t.Errorf("%s: %v", what, err)
		}
		if complaint := x.complaint(err.Error()); complaint != "" {
			x.t.Errorf("%s: %v\nwant it to say %s", what, err, complaint)
		}
		x.sound(what)
		if verb.name != "rollback" || x.find("base").State != lifecycle.Standby { // else it was finished
			if err := verb.do(ctx); err != nil {
				x.t.Errorf("%s: with space again: %v", what, err)
			}
		}
	}
	if verb.undo != nil {
		must(x.t, verb.undo(ctx))
	}
	x.sound(what + ", afterwards")
	return err
}
