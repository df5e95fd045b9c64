package host

import (
	"context"
	"errors"
	"io"
	"net"
	"strings"
	"testing"

	"github.com/seed-a7bafb14/terraform-provider-kvm/internal/ssh"
)

// A breaking transport answers what is read and loses its connection with the
// script of a name.
type breaking struct{ at string }

const seen = `[metadata]
images/disk/image.json:{"name":"disk","uid":"i","sha256":"5e884898da28047151d0e56f8dc6292773603d0d6aabbdd62a11ef721d1542d8","format":"raw","size_bytes":8,"virtual_size_bytes":8}
instances/a/instance.json:` + goodMetadata + `
[files]
1 8 8 images/disk/data
` + goodLayer + `[processes]
boot machine
[events]
[ports]
*
[end]
`

func (b breaking) Run(_ context.Context, s ssh.Script) (ssh.Result, error) {
	switch s.Name {
	case b.at:
		return ssh.Result{}, ssh.ErrLost
	case "read":
		return ssh.Result{Stdout: seen}, nil
	case "probe":
		return ssh.Result{Stdout: "version 7.2.0\nmachine pc-q35-7.2\n"}, nil
	}
	return ssh.Result{Status: 48, Stderr: "no"}, nil
}

func (b breaking) Stream(ctx context.Context, s ssh.Script, stdin io.Reader) (ssh.Result, error) {
	_, _ = io.Copy(io.Discard, stdin)
	return b.Run(ctx, s)
}

func (b breaking) DialTCP(context.Context, string) (net.Conn, error) { return nil, errors.New("no") }
func (b breaking) Close() error                                      { return nil }

type content struct{ io.Reader }

func (content) Close() error   { return nil }
func (content) Size() int64    { return 7 }
func (content) SHA256() string { return "" }

func TestLost_GivesWhatMayHaveBeenMadeWithItsUID(t *testing.T) {
	open := func(context.Context) (ImageSource, error) { return content{strings.NewReader("content")}, nil }
	for name, c := range map[string]struct {
		script string
		make   func(*Host) (uid string, err error)
	}{
		"an instance": {"create", func(h *Host) (string, error) {
			made, err := h.Create(t.Context(), InstanceSpec{Name: "new", VCPUs: 1, MemoryMiB: 1})
			return uidOf(made, func(i *Instance) string { return i.UID }), err
		}},
		"a fork": {"fork", func(h *Host) (string, error) {
			made, err := h.Fork(t.Context(), ForkSpec{Name: "new", Source: Ref{Instances, "a"}})
			return uidOf(made, func(i *Instance) string { return i.UID }), err
		}},
		"a snapshot": {"take", func(h *Host) (string, error) {
			made, err := h.TakeSnapshot(t.Context(), SnapshotSpec{Name: "new", Instance: "a"})
			return uidOf(made, func(s *Snapshot) string { return s.UID }), err
		}},
		"a streamed image": {"create", func(h *Host) (string, error) {
			made, err := h.PutImage(t.Context(), ImageSpec{Name: "new"}, open)
			return uidOf(made, func(i *Image) string { return i.UID }), err
		}},
		"a linked image": {"create", func(h *Host) (string, error) {
			made, err := h.PutImage(t.Context(), ImageSpec{Name: "new", SHA256: "5e884898da28047151d0e56f8dc6292773603d0d6aabbdd62a11ef721d1542d8"}, nil)
			return uidOf(made, func(i *Image) string { return i.UID }), err
		}},
	} {
		if uid, err := c.make(New(Config{Accelerator: "tcg"}, breaking{c.script})); uid == "" || !errors.Is(err, ssh.ErrLost) {
			t.Errorf("%s, lost: uid %q, %v; want one and ErrLost", name, uid, err)
		}
		if uid, err := c.make(New(Config{Accelerator: "tcg"}, breaking{"read"})); uid != "" || !errors.Is(err, ssh.ErrLost) {
			t.Errorf("%s, lost before it was begun: uid %q, %v; want none and ErrLost", name, uid, err)
		}
		if uid, err := c.make(New(Config{Accelerator: "tcg"}, breaking{})); uid != "" || !errors.Is(err, ErrFailed) {
			t.Errorf("%s, failed: uid %q, %v; want none and ErrFailed", name, uid, err)
		}
	}
}

func uidOf[T any](made *T, uid func(*T) string) string {
	if made == nil {
		return ""
	}
	return uid(made)
}
