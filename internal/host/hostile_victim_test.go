package host_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/seed-a7bafb14/terraform-provider-kvm/internal/host"
	"github.com/seed-a7bafb14/terraform-provider-kvm/internal/qemu"
)

// tooLong is when an operation counts as hanging: all take less than a second.
const tooLong = 20 * time.Second

// A victim is a host with an object of each kind, at one of which somebody has
// put something.
type victim struct {
	*lab
	t        *testing.T
	instance *host.Instance
	snapshot *host.Snapshot
	image    *host.Image
	port     int // a host port of the instance; the next is free
}

// ports are host ports of victims, two for each: tests run at the same time.
var ports atomic.Int32

const imageText = "not a disk, but an image of a kernel nevertheless"

// newVictim makes the objects, and one that stands by.
func newVictim(t *testing.T, l *lab) *victim {
	t.Helper()
	v := &victim{lab: l, t: t, port: 21000 + 2*int(ports.Add(1))}
	var err error
	path := t.TempDir() + "/image"
	must(t, os.WriteFile(path, []byte(imageText), 0o600))
	v.image, err = l.PutImage(t.Context(), host.ImageSpec{Name: "image", Source: path}, opener(path))
	must(t, err)
	v.instance, err = l.Create(t.Context(), host.InstanceSpec{
		Name: "web", VCPUs: 1, MemoryMiB: 16, DiskGiB: 1,
		Interfaces: map[string]host.InterfaceSpec{"lan": {Type: "user", Forwards: map[string]qemu.Forward{"x": {Protocol: "tcp", HostAddress: "127.0.0.1", HostPort: v.port, GuestPort: 1}}}},
	})
	must(t, err)
	v.snapshot, err = l.TakeSnapshot(t.Context(), host.SnapshotSpec{Name: "snap", Instance: "web"})
	must(t, err)
	_, err = l.Create(t.Context(), host.InstanceSpec{Name: "bystander", VCPUs: 1, MemoryMiB: 16})
	must(t, err)
	return v
}

// do has the driver do something, which may fail, if it says clearly of what.
func (v *victim) do(what string, op func(ctx context.Context) error) error {
	v.t.Helper()
	v.Forget()
	ctx, cancel := context.WithTimeout(context.Background(), tooLong)
	defer cancel()
	done := make(chan error, 1)
	go func() { done <- op(ctx) }()
	select {
	case err := <-done:
		if errors.Is(err, context.DeadlineExceeded) || err != nil && strings.Contains(err.Error(), "script ended with status") {
			v.t.Errorf("%s: %v", what, err)
		}
		return err
	case <-time.After(tooLong + time.Second):
		v.t.Fatalf("%s: it hangs", what)
		return nil
	}
}

// all does whatever there is to be done with the objects. It returns what of it
// failed that does not fail where all is well.
func (v *victim) all() (failed []error) {
	v.t.Helper()
	web, snap, image := *v.instance, *v.snapshot, *v.image // as they were read before
	for what, op := range map[string]func(context.Context) error{
		"list instances": func(ctx context.Context) error { _, err := v.Instances(ctx); return err },
		"list snapshots": func(ctx context.Context) error { _, err := v.Snapshots(ctx); return err },
		"list images":    func(ctx context.Context) error { _, err := v.Images(ctx); return err },
	} {
		_ = v.do(what, op)
	}
	kernel := host.KernelSpec{Image: "image"}
	imageFile := v.t.TempDir() + "/image"
	must(v.t, os.WriteFile(imageFile, []byte(imageText), 0o600))
	for _, step := range []struct {
		what string
		op   func(context.Context) error
	}{
		{"update", func(ctx context.Context) error {
			return v.Update(ctx, &web, host.Change{Labels: &map[string]string{"a": fmt.Sprint(time.Now())}, Kernel: &kernel})
		}},
		{"update back", func(ctx context.Context) error { return v.Update(ctx, &web, host.Change{Kernel: &host.KernelSpec{}}) }},
		{"take", func(ctx context.Context) error {
			_, err := v.TakeSnapshot(ctx, host.SnapshotSpec{Name: "taken", Instance: "web"})
			return err
		}},
		{"fork", func(ctx context.Context) error {
			_, err := v.Fork(ctx, host.ForkSpec{Name: "fork", Source: host.Ref{Kind: host.Snapshots, Name: "snap"}})
			return err
		}},
		{"create", func(ctx context.Context) error {
			_, err := v.Create(ctx, host.InstanceSpec{Name: "other", VCPUs: 1, MemoryMiB: 16, Kernel: &kernel})
			return err
		}},
		{"claim", func(ctx context.Context) error {
			forwards := map[string]map[string]qemu.Forward{"lan": {"y": {Protocol: "tcp", HostAddress: "127.0.0.1", HostPort: v.port + 1, GuestPort: 1}}}
			return v.Update(ctx, &web, host.Change{Forwards: forwards})
		}},
		{"start", func(ctx context.Context) error { return v.Start(ctx, &web) }},
		{"resume", func(ctx context.Context) error { return v.Resume(ctx, &web) }},
		{"stop", func(ctx context.Context) error { return v.Stop(ctx, &web, 0) }},
		{"restore", func(ctx context.Context) error { return v.Restore(ctx, &web) }},
		{"stop again", func(ctx context.Context) error { return v.Stop(ctx, &web, 0) }},
		{"roll back", func(ctx context.Context) error { return v.Rollback(ctx, &web, &snap) }},
		{"label", func(ctx context.Context) error {
			return v.LabelSnapshot(ctx, &snap, map[string]string{"a": "b"}, nil)
		}},
		{"note", func(ctx context.Context) error { return v.NoteImage(ctx, &image, []byte(`{"a":1}`)) }},
		{"link an image", func(ctx context.Context) error {
			_, err := v.PutImage(ctx, host.ImageSpec{Name: "linked", Source: imageFile, SHA256: image.SHA256}, opener(imageFile))
			return err
		}},
		{"put an image", func(ctx context.Context) error {
			_, err := v.PutImage(ctx, host.ImageSpec{Name: "put", Source: imageFile}, opener(imageFile))
			return err
		}},
		{"delete the image", func(ctx context.Context) error { return v.DeleteImage(ctx, "image", image.UID) }},
		{"delete the snapshot", func(ctx context.Context) error { return v.DeleteSnapshot(ctx, "snap", snap.UID) }},
		{"delete the instance", func(ctx context.Context) error { return v.DeleteInstance(ctx, "web", web.UID) }},
	} {
		if err := v.do(step.what, step.op); err != nil && step.what != "resume" && step.what != "restore" {
			failed = append(failed, fmt.Errorf("%s: %w", step.what, err))
		}
	}
	return failed
}
