package main

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"time"

	"github.com/seed-a7bafb14/terraform-provider-kvm/internal/fetch"
	"github.com/seed-a7bafb14/terraform-provider-kvm/internal/host"
	"github.com/seed-a7bafb14/terraform-provider-kvm/internal/qemu"
	"github.com/seed-a7bafb14/terraform-provider-kvm/internal/testbed"
	"github.com/seed-a7bafb14/terraform-provider-kvm/internal/testhost"
)

// answers is how long a guest may take to answer, slow as it may be.
const answers = 5 * time.Minute

// A lab is a host of one row's own, with the guest's files on it as images.
type lab struct {
	*bench
	*host.Host
	host *testhost.Host
}

// inLab has a row measured on a host of its own, of which nothing is left, whatever
// happens.
func (b *bench) inLab(ctx context.Context, opts testhost.Options, measure func(*lab) error) (err error) {
	th, err := testhost.Start(ctx, opts)
	if err != nil {
		return err
	}
	l := &lab{bench: b, Host: testbed.NewDriver(th, b.accelerator.Name), host: th}
	defer func() {
		tidy, cancel := context.WithTimeout(context.WithoutCancel(ctx), 2*time.Minute)
		defer cancel()
		err = errors.Join(err, l.clean(tidy), l.Close(), th.Close())
	}()
	for name, path := range map[string]string{"vmlinuz": b.guest.Kernel, "initrd": b.guest.Initrd, "disk": b.guest.Disk} {
		open := func(ctx context.Context) (host.ImageSource, error) { return fetch.Open(ctx, path) }
		if _, err := l.PutImage(ctx, host.ImageSpec{Name: name, Source: path}, open); err != nil {
			return err
		}
	}
	return measure(l)
}

// clean removes all that is on the host.
func (l *lab) clean(ctx context.Context) error {
	l.Forget()
	instances, err := l.Instances(ctx)
	errs := []error{err}
	for _, inst := range instances {
		errs = append(errs, l.DeleteInstance(ctx, inst.Name, inst.UID))
	}
	snapshots, err := l.Snapshots(ctx)
	errs = append(errs, err)
	for _, snap := range snapshots {
		errs = append(errs, l.DeleteSnapshot(ctx, snap.Name, snap.UID))
	}
	images, err := l.Images(ctx)
	errs = append(errs, err)
	for _, image := range images {
		errs = append(errs, l.DeleteImage(ctx, image.Name, image.UID))
	}
	return errors.Join(errs...)
}

// spec is the tiny guest with so much memory, its HTTP port forwarded.
func spec(name string, mib int) host.InstanceSpec {
	return host.InstanceSpec{
		Name: name, Image: "disk", VCPUs: 1, MemoryMiB: mib,
		Kernel: &host.KernelSpec{Image: "vmlinuz", Initrd: "initrd", CommandLine: testhost.CommandLine},
		Interfaces: map[string]host.InterfaceSpec{"lan": {Type: "user", Forwards: map[string]qemu.Forward{
			"http": {Protocol: "tcp", HostAddress: "127.0.0.1", GuestPort: 80},
		}}},
	}
}

// boot makes an instance and waits until it answers.
func (l *lab) boot(ctx context.Context, spec host.InstanceSpec) (*host.Instance, error) {
	inst, err := l.Create(ctx, spec)
	if err == nil {
		err = l.Start(ctx, inst)
	}
	if err == nil {
		err = l.await(ctx, inst)
	}
	return inst, err
}

// golden boots a guest, has it write to so many MiB of its memory, and takes a
// snapshot of it, which alone is left.
func (l *lab) golden(ctx context.Context, name string, spec host.InstanceSpec, touched int) (host.Ref, error) {
	ref := host.Ref{Kind: host.Snapshots, Name: name}
	base, err := l.boot(ctx, spec)
	if err != nil {
		return ref, err
	}
	if touched > 0 {
		if err := l.client(base).Fill(ctx, touched); err != nil {
			return ref, err
		}
	}
	if _, err := l.TakeSnapshot(ctx, host.SnapshotSpec{Name: name, Instance: base.Name}); err != nil {
		return ref, err
	}
	return ref, l.remove(ctx, base)
}

// fork makes a fork that runs.
func (l *lab) fork(ctx context.Context, name string, source host.Ref) (*host.Instance, error) {
	fork, err := l.Fork(ctx, host.ForkSpec{Name: name, Source: source})
	if err == nil {
		err = l.Restore(ctx, fork)
	}
	return fork, err
}

func (l *lab) remove(ctx context.Context, inst *host.Instance) error {
	return l.DeleteInstance(ctx, inst.Name, inst.UID)
}

// await waits until the guest answers HTTP.
func (l *lab) await(ctx context.Context, inst *host.Instance) error {
	return l.Ready(ctx, inst, host.Check{Kind: "http", Port: 80, Path: "/token", Timeout: answers})
}

// answer is await by short looks, for what is timed.
func (l *lab) answer(ctx context.Context, inst *host.Instance) error {
	ctx, cancel := context.WithTimeout(ctx, answers)
	defer cancel()
	return testhost.WaitHTTP(ctx, l.client(inst).URL+"/token")
}

// client is the way to a guest. What one is asked to do may take minutes.
func (l *lab) client(inst *host.Instance) testhost.GuestClient {
	return testhost.GuestClient{
		URL: fmt.Sprintf("http://127.0.0.1:%d", inst.Forwards["lan"]["http"].HostPort),

		Timeout: answers,
	}
}

// path is a file on the host; scratch one beside the data directory, on the same
// filesystem.
func (l *lab) path(elements ...string) string {
	return filepath.Join(append([]string{l.host.DataDir}, elements...)...)
}

func (l *lab) scratch(name string) string { return filepath.Join(filepath.Dir(l.host.DataDir), name) }

// milliseconds is what do takes.
func milliseconds(do func() error) (float64, error) {
	begun := time.Now()
	err := do()
	return since(begun), err
}

func since(begun time.Time) float64 { return float64(time.Since(begun).Microseconds()) / 1000 }
