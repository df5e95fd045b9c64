package host_test

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"math/rand/v2"
	"slices"
	"time"

	"github.com/seed-a7bafb14/terraform-provider-kvm/internal/host"
	"github.com/seed-a7bafb14/terraform-provider-kvm/internal/lifecycle"
)

// A deed is one verb, and what must be true afterwards.
type deed struct {
	name string
	do   func() error
	done func() // fails the test; it may be nil
}

// verbs are all that a driver does with a host, once and in an order in which
// each finds what it needs. pause becomes the guest's in the live snapshot.
func (l *lab) verbs(pause *time.Duration) []deed {
	ctx := context.Background()
	var made, fork, copied *host.Instance
	var snap *host.Snapshot
	var image *host.Image
	is := func(name string, state lifecycle.State) func() {
		return func() {
			l.t.Helper()
			if is := l.state(name); is != state {
				l.t.Errorf("%s is %s; want %s", name, is, state)
			}
		}
	}
	notes := func(inst **host.Instance, want string) func() {
		return func() {
			l.t.Helper()
			l.await(*inst)
			if note := l.in(*inst, "cat /note"); note != want {
				l.t.Errorf("the memory of %s has %q; want %q", (*inst).Name, note, want)
			}
		}
	}
	content := randomContent(2 << 20)
	return []deed{
		{"facts", func() error {
			facts, err := l.Facts(ctx)
			if err == nil && !facts.AcceleratorWorks {
				err = fmt.Errorf("%s", facts.AcceleratorProblem)
			}
			return err
		}, nil},
		{"upload", func() (err error) {
			image, err = l.PutImage(ctx, host.ImageSpec{Name: "new"}, content.open)
			return err
		},
			func() {
				if image.SHA256 != content.sum || image.Format != "raw" {
					l.t.Errorf("the image is %+v; want sha256 %s", image, content.sum)
				}
			}},
		{"link", func() error {
			_, err := l.PutImage(ctx, host.ImageSpec{Name: "linked", SHA256: content.sum}, nil)
			return err
		}, nil},
		{"note", func() error { return l.NoteImage(ctx, image, json.RawMessage(`{"a":1}`)) }, nil},
		{"create", func() (err error) { made, err = l.Create(ctx, baseSpec("made")); return err }, is("made", lifecycle.Stopped)},
		{"start", func() error { return l.Start(ctx, made) }, is("made", lifecycle.Running)},
		{"stop at once", func() error { return l.Stop(ctx, made, 0) }, is("made", lifecycle.Stopped)},
		{"fork", func() (err error) {
			fork, err = l.Fork(ctx, host.ForkSpec{Name: "fork", Source: common.golden})
			return err
		},
			is("fork", lifecycle.Standby)},
		{"restore", func() error { return l.Restore(ctx, fork) }, func() { l.await(fork) }},
		{"ready", func() error { return l.Ready(ctx, fork, host.Check{Kind: "http", Port: 80, Timeout: time.Minute}) },
			func() { l.in(fork, "echo one >/note") }},
		{"snapshot", func() (err error) {
			snap, err = l.TakeSnapshot(ctx, host.SnapshotSpec{Name: "live", Instance: "fork"})
			if err == nil {
				*pause = snap.Pause
			}
			return err
		}, func() { notes(&fork, "one\n")(); l.in(fork, "echo two >/note") }},
		{"label", func() error { return l.LabelSnapshot(ctx, snap, map[string]string{"a": "b"}, nil) }, nil},
		{"fork of a running one", func() (err error) {
			copied, err = l.Fork(ctx, host.ForkSpec{Name: "copied", Source: host.Ref{Kind: host.Instances, Name: "fork"}})
			return err
		}, is("copied", lifecycle.Standby)},
		{"restore of the fork", func() error { return l.Restore(ctx, copied) }, notes(&copied, "two\n")},
		{"standby", func() error { fork = l.find("fork"); return l.Standby(ctx, fork) }, is("fork", lifecycle.Standby)},
		{"restore from standby", func() error { return l.Restore(ctx, fork) }, func() {
			notes(&fork, "two\n")()
			l.qmp("fork", `{"execute":"stop"}`)
			is("fork", lifecycle.Paused)()
		}},
		{"resume", func() error { return l.Resume(ctx, fork) }, notes(&fork, "two\n")},
		{"stop", func() error { return l.Stop(ctx, fork, 20*time.Second) }, func() {
			if fork = l.find("fork"); fork.State != lifecycle.Stopped || fork.Ended != "guest-shutdown" {
				l.t.Errorf("the fork is %s, ended by %q", fork.State, fork.Ended)
			}
		}},
		{"update", func() error {
			return l.Update(ctx, fork, host.Change{DiskGiB: new(1), Labels: &map[string]string{"a": "b"}})
		}, func() {
			if found := l.find("fork"); found.DiskGiB != 1 || found.Labels["a"] != "b" {
				l.t.Errorf("it is %+v", found.Record)
			}
		}},
		{"roll back", func() error { return l.Rollback(ctx, fork, snap) }, is("fork", lifecycle.Standby)},
		{"restore of the snapshot", func() error { return l.Restore(ctx, fork) }, notes(&fork, "one\n")},
		{"orphans", func() error {
			pids, err := l.Orphans(ctx, "fork", fork.UID)
			if err == nil && len(pids) > 0 {
				err = fmt.Errorf("%v are taken for orphans", pids)
			}
			return err
		}, nil},
		{"delete", func() error { return l.DeleteInstance(ctx, "fork", fork.UID) }, func() {
			if left := l.files("instances/fork*"); len(left) > 0 {
				l.t.Errorf("%v is left", left)
			}
		}},
		{"delete of a snapshot", func() error { return l.DeleteSnapshot(ctx, "live", snap.UID) }, nil},
		{"delete of an image", func() error { return l.DeleteImage(ctx, "new", image.UID) }, nil},
	}
}

// live does all verbs, or those that are named.
func (l *lab) live(names ...string) {
	l.t.Helper()
	for _, deed := range l.verbs(new(time.Duration)) {
		if len(names) > 0 && !slices.Contains(names, deed.name) {
			continue
		}
		if err := deed.do(); err != nil {
			l.t.Fatalf("%s: %v", deed.name, err)
		}
		if deed.done != nil {
			deed.done()
		}
		if l.t.Failed() {
			l.t.Fatalf("after %s", deed.name)
		}
	}
}

// briefly are verbs enough to show a way to a host that is in order.
var briefly = []string{"upload", "create", "fork", "restore", "ready", "snapshot", "stop", "delete"}

// A blob is what an image has, of no format and that no compression makes small.
type blob struct {
	bytes []byte
	sum   string
}

func randomContent(size int) blob {
	b := blob{bytes: make([]byte, size)}
	source := rand.NewChaCha8([32]byte{1})
	_, _ = source.Read(b.bytes)
	sum := sha256.Sum256(b.bytes)
	b.sum = hex.EncodeToString(sum[:])
	return b
}

func (b blob) open(context.Context) (host.ImageSource, error) {
	return &blobReader{Reader: bytes.NewReader(b.bytes), blob: b}, nil
}

type blobReader struct {
	io.Reader
	blob
}

func (r *blobReader) Close() error   { return nil }
func (r *blobReader) Size() int64    { return int64(len(r.bytes)) }
func (r *blobReader) SHA256() string { return r.sum }
