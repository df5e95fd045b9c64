package host_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"sync"
	"time"

	"github.com/seed-a7bafb14/terraform-provider-kvm/internal/host"
	"github.com/seed-a7bafb14/terraform-provider-kvm/internal/lifecycle"
	"github.com/seed-a7bafb14/terraform-provider-kvm/internal/ssh"
)

// An operation is a verb that is interrupted. prepare makes what it works on and
// returns the verb; an upload has happen called in its middle.
type operation struct {
	name, script string
	prepare      func(l *lab, happen func()) (verb func(*host.Host) error)
	done         func(l *lab) error // nil when it is done
}

var operations = []operation{
	{"create", "create", func(*lab, func()) func(*host.Host) error {
		return func(h *host.Host) error { _, err := h.Create(context.Background(), baseSpec("it")); return err }
	}, isNow(lifecycle.Stopped)},
	{"fork", "fork", func(*lab, func()) func(*host.Host) error {
		return func(h *host.Host) error {
			_, err := h.Fork(context.Background(), host.ForkSpec{Name: "it", Source: common.golden})
			return err
		}
	}, isNow(lifecycle.Standby)},
	{"start", "start", func(l *lab, _ func()) func(*host.Host) error {
		inst, err := l.Create(context.Background(), baseSpec("it"))
		must(l.t, err)
		return func(h *host.Host) error { return h.Start(context.Background(), inst) }
	}, isNow(lifecycle.Running)},
	{"restore", "restore", func(l *lab, _ func()) func(*host.Host) error {
		inst, err := l.Fork(context.Background(), host.ForkSpec{Name: "it", Source: common.golden})
		must(l.t, err)
		return func(h *host.Host) error { return h.Restore(context.Background(), inst) }
	}, isNow(lifecycle.Running)},
	{"stop", "stop", func(l *lab, _ func()) func(*host.Host) error {
		inst := l.running()
		return func(h *host.Host) error { return h.Stop(context.Background(), inst, 20*time.Second) }
	}, isNow(lifecycle.Stopped)},
	{"standby", "put into standby", func(l *lab, _ func()) func(*host.Host) error {
		inst := l.running()
		return func(h *host.Host) error { return h.Standby(context.Background(), inst) }
	}, isNow(lifecycle.Standby)},
	{"live snapshot", "take", func(l *lab, _ func()) func(*host.Host) error {
		l.running()
		return func(h *host.Host) error {
			_, err := h.TakeSnapshot(context.Background(), host.SnapshotSpec{Name: "live", Instance: "it"})
			return err
		}
	}, func(l *lab) error {
		l.Forget()
		snap, err := l.Snapshot(context.Background(), "live")
		if err == nil && snap.Problem != "" {
			err = errors.New(snap.Problem)
		}
		return errors.Join(err, isNow(lifecycle.Running)(l))
	}},
	{"delete", "delete", func(l *lab, _ func()) func(*host.Host) error {
		inst := l.running()
		return func(h *host.Host) error { return h.DeleteInstance(context.Background(), "it", inst.UID) }
	}, func(l *lab) error {
		l.Forget()
		if _, err := l.Instance(context.Background(), "it"); !errors.Is(err, host.ErrNotFound) {
			return fmt.Errorf("it is there (%v)", err)
		}
		return nil
	}},
	{"upload", "", func(l *lab, happen func()) func(*host.Host) error {
		half := sync.OnceFunc(happen)
		content := randomContent(2 << 20)
		return func(h *host.Host) error {
			_, err := h.PutImage(context.Background(), host.ImageSpec{Name: "it"}, func(context.Context) (host.ImageSource, error) {
				first, second := content.bytes[:1<<20], content.bytes[1<<20:]
				return &blobReader{Reader: io.MultiReader(bytes.NewReader(first), &calling{half}, bytes.NewReader(second)), blob: content}, nil
			})
			return err
		}
	}, func(l *lab) error {
		l.Forget()
		image, err := l.Image(context.Background(), "it")
		if err == nil && (image.Problem != "" || image.SHA256 != randomContent(2<<20).sum) {
			err = fmt.Errorf("the image is %+v", image)
		}
		return err
	}},
}

// calling is an empty reader that calls something when it is read.
type calling struct{ call func() }

func (c *calling) Read([]byte) (int, error) { c.call(); return 0, io.EOF }

func isNow(state lifecycle.State) func(*lab) error {
	return func(l *lab) error {
		l.Forget()
		inst, err := l.Instance(context.Background(), "it")
		if err == nil && (inst.State != state || inst.Problem != "") {
			err = fmt.Errorf("it is %s (%s); want %s", inst.State, inst.Problem, state)
		}
		return err
	}
}

// running makes a running fork of golden, which may be deleted at any time.
func (l *lab) running() *host.Instance {
	l.t.Helper()
	inst, err := l.Fork(context.Background(), host.ForkSpec{Name: "it", Source: common.golden})
	must(l.t, err)
	must(l.t, l.Restore(context.Background(), inst))
	l.await(inst)
	return inst
}

// wantDone fails the test unless an operation that was interrupted and ended with
// err is done, or its repetition does it, or finds it done.
func (o operation) wantDone(l *lab, err error, again func(*host.Host) error) {
	l.t.Helper()
	if err != nil && !errors.Is(err, ssh.ErrLost) {
		l.t.Errorf("%s ended with %v; want success or ErrLost", o.name, err)
	}
	if o.name != "upload" || err == nil { // what did not arrive nobody can finish
		eventually(l.t, 20*time.Second, o.name+" is done", func() bool { return o.done(l) == nil })
	}
	l.keepAll() // else a repetition waits for us to know of what was made
	switch err := again(l.Host); {
	case err == nil, errors.Is(err, host.ErrExists), errors.Is(err, host.ErrChanged):
	default:
		l.t.Errorf("%s, repeated: %v", o.name, err)
	}
	if err := o.done(l); err != nil {
		l.t.Errorf("after %s was repeated: %v", o.name, err)
	}
}
