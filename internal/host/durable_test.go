package host_test

import (
	"context"
	"encoding/json"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/seed-a7bafb14/terraform-provider-kvm/internal/host"
	"github.com/seed-a7bafb14/terraform-provider-kvm/internal/qemu"
	"github.com/seed-a7bafb14/terraform-provider-kvm/internal/testhost"
)

// A tracedLab is a host of which every process is traced, with a model of its
// data directory that follows.
type tracedLab struct {
	*lab
	model  *stableModel
	reader *traceReader
}

func newTracedLab(t *testing.T, opts testhost.Options) *tracedLab {
	t.Helper()
	t.Parallel()
	command, name := underStrace(t)
	opts.Under = command
	l := &tracedLab{lab: newLab(t, opts)}
	l.model = newStableModel(l.testhost.DataDir)
	file, err := os.Open(name)
	must(t, err)
	t.Cleanup(func() { _ = file.Close() })
	l.reader = &traceReader{file: file, begun: map[int]traceCall{}, begins: l.model.begin}
	return l
}

// follow brings the model to the present.
func (l *tracedLab) follow() {
	l.t.Helper()
	must(l.t, l.reader.read(l.model.end))
}

// verb does something that must succeed, and returns what would be lost of it
// if the power was lost right after.
func (l *tracedLab) verb(do func(ctx context.Context) error) []string {
	l.t.Helper()
	must(l.t, do(context.Background()))
	l.follow()
	l.model.acknowledged()
	found := l.model.violations
	l.model.forget()
	return found
}

// wants does something of which nothing may be lost.
func (l *tracedLab) wants(what string, do func(ctx context.Context) error) {
	l.t.Helper()
	for _, violation := range l.verb(do) {
		l.t.Errorf("%s: %s", what, violation)
	}
}

// deletes what there is of a name, as the last of its verbs.
func (l *tracedLab) deletes(objects ...string) {
	l.t.Helper()
	for _, object := range objects {
		l.wants("delete "+object, func(ctx context.Context) error { return l.remove(ctx, object) })
	}
}

func (l *lab) remove(ctx context.Context, object string) error {
	kind, name, _ := strings.Cut(object, "/")
	switch host.Kind(kind) {
	case host.Instances:
		return l.DeleteInstance(ctx, name, l.find(name).UID)
	case host.Snapshots:
		return l.DeleteSnapshot(ctx, name, l.snapshot(name).UID)
	case host.Volumes:
		return l.DeleteVolume(ctx, name, l.findVolume(name).UID)
	case host.Networks:
		l.Forget()
		network, err := l.Network(ctx, name)
		if err != nil {
			return err
		}
		return l.DeleteNetwork(ctx, name, network.UID)
	default:
		l.Forget()
		image, err := l.Image(ctx, name)
		if err != nil {
			return err
		}
		return l.DeleteImage(ctx, name, image.UID)
	}
}

// TestVerbs_AreOnTheDiskWhenTheyAreAcknowledged traces all that runs on a host
// while every verb is done to objects in every state.
func TestVerbs_AreOnTheDiskWhenTheyAreAcknowledged(t *testing.T) {
	l := newTracedLab(t, testhost.Options{})
	guest, err := testhost.BuildGuest(t.Context())
	must(t, err)
	put := func(name, path string) {
		l.wants("image "+name, func(ctx context.Context) error {
			_, err := l.PutImage(ctx, host.ImageSpec{Name: name, Source: path}, opener(path))
			return err
		})
	}
	put("vmlinuz", guest.Kernel)
	put("initrd", guest.Initrd)
	put("disk", guest.Disk)
	put("again", guest.Disk) // by a link to what is there
	l.wants("label an image", func(ctx context.Context) error {
		l.Forget()
		image, err := l.Image(ctx, "again")
		must(t, err)
		return l.NoteImage(ctx, image, json.RawMessage(`{"a":"b"}`))
	})

	var base *host.Instance
	create := func(spec host.InstanceSpec) {
		l.wants("create "+spec.Name, func(ctx context.Context) (err error) {
			base, err = l.Create(ctx, spec)
			return err
		})
	}
	spec := func(name string) host.InstanceSpec {
		spec := baseSpec(name)
		spec.MemoryMiB, spec.Seed = 128, seedOf(t, name)
		return spec
	}
	diskless := spec("diskless")
	diskless.Image = ""
	create(diskless)
	own := spec("own")
	own.Kernel, own.DiskGiB = nil, 1
	create(own)
	create(spec("base"))
	fork := func(name, from string) {
		l.wants("fork "+from, func(ctx context.Context) error {
			kind, source, _ := strings.Cut(from, "/")
			_, err := l.Fork(ctx, host.ForkSpec{Name: name, Source: host.Ref{Kind: host.Kind(kind), Name: source}})
			return err
		})
	}
	snap := func(name string) {
		l.wants("snapshot "+name, func(ctx context.Context) error {
			_, err := l.TakeSnapshot(ctx, host.SnapshotSpec{Name: name, Instance: "base"})
			return err
		})
	}
	update := func(what string, change host.Change) {
		l.wants("update "+what, func(ctx context.Context) error { return l.Update(ctx, l.find("base"), change) })
	}
	rollback := func(name string) {
		l.wants("rollback to "+name, func(ctx context.Context) error { return l.Rollback(ctx, l.find("base"), l.snapshot(name)) })
	}
	restore := func() {
		l.wants("restore", func(ctx context.Context) error { return l.Restore(ctx, l.find("base")) })
	}
	start := func(what string) {
		l.wants("start "+what, func(ctx context.Context) error { return l.Start(ctx, l.find("base")) })
	}
	stop := func(seconds time.Duration) {
		l.wants("stop", func(ctx context.Context) error { return l.Stop(ctx, l.find("base"), seconds*time.Second) })
	}
	labels := map[string]string{"role": "base"}

	snap("stopped")
	fork("of-stopped", "instances/base")
	start("above a frozen layer")
	l.await(base)
	l.write(base, "before")
	snap("running")
	fork("of-running", "instances/base")
	fork("of-memory", "snapshots/running")
	fork("of-disk", "snapshots/stopped")
	forwards := map[string]map[string]qemu.Forward{"lan": {"http": base.Forwards["lan"]["http"]}}
	more := map[string]map[string]qemu.Forward{"lan": {"http": forwards["lan"]["http"], "more": {Protocol: "tcp", HostAddress: "127.0.0.1", GuestPort: 22}}}
	update("of labels, running", host.Change{Labels: &labels})
	update("of forwards, running", host.Change{Forwards: more})
	update("of forwards back", host.Change{Forwards: forwards})
	update("of the disk, running", host.Change{DiskGiB: new(1)})
	l.write(base, "later")
	l.wants("standby", func(ctx context.Context) error { return l.Standby(ctx, l.find("base")) })
	snap("standby")
	fork("of-standby", "instances/base")
	update("of labels, in standby", host.Change{Labels: &labels})
	restore()
	host.BoundLayers(t, l.Host, 2)
	l.wants("flatten", func(ctx context.Context) error {
		must(t, l.Standby(ctx, l.find("base")))
		return l.Restore(ctx, l.find("base"))
	})
	rollback("running") // from running
	rollback("stopped") // from standby
	update("of the disk, stopped", host.Change{DiskGiB: new(2)})
	update("of the kernel", host.Change{Kernel: &host.KernelSpec{Image: "vmlinuz", CommandLine: testhost.CommandLine}})
	update("of the kernel to none", host.Change{Kernel: &host.KernelSpec{}})
	update("of the kernel back", host.Change{Kernel: &host.KernelSpec{Image: "vmlinuz", Initrd: "initrd", CommandLine: testhost.CommandLine}})
	update("of the seed", host.Change{Seed: seedOf(t, "other")})
	update("of the seed to none", host.Change{Seed: &host.Seed{}})
	start("anew")
	l.await(base)
	l.write(base, "last")
	stop(20)
	start("its own layer")
	stop(0)
	l.wants("label a snapshot", func(ctx context.Context) error { return l.LabelSnapshot(ctx, l.snapshot("stopped"), labels, nil) })

	start("to be deleted")
	l.deletes("instances/base", "instances/diskless", "instances/own", "instances/of-stopped", "instances/of-running", "instances/of-standby", "instances/of-memory", "instances/of-disk",
		"snapshots/running", "snapshots/standby", "snapshots/stopped", "images/disk", "images/again", "images/vmlinuz", "images/initrd")
}

// The variables of firmware are the only boot file that is copied. A machine that
// does nothing but run OVMF has them.
func TestVerbs_OnUEFIAreOnTheDiskWhenTheyAreAcknowledged(t *testing.T) {
	l := newTracedLab(t, testhost.Options{})
	ref := func(object string) host.Ref {
		kind, name, _ := strings.Cut(object, "/")
		return host.Ref{Kind: host.Kind(kind), Name: name}
	}
	snap := func(name string) {
		l.wants("snapshot "+name, func(ctx context.Context) error {
			_, err := l.TakeSnapshot(ctx, host.SnapshotSpec{Name: name, Instance: "base"})
			return err
		})
	}
	fork := func(name, from string) {
		l.wants("fork "+from, func(ctx context.Context) error {
			_, err := l.Fork(ctx, host.ForkSpec{Name: name, Source: ref(from)})
			return err
		})
	}
	rollback := func(name string) {
		l.wants("rollback to "+name, func(ctx context.Context) error { return l.Rollback(ctx, l.find("base"), l.snapshot(name)) })
	}
	l.wants("create", func(ctx context.Context) error { _, err := l.Create(ctx, bareUEFI("base")); return err })
	snap("stopped")
	fork("of-stopped", "instances/base")
	l.wants("start", func(ctx context.Context) error { return l.Start(ctx, l.find("base")) })
	snap("running")
	fork("of-memory", "snapshots/running")
	l.wants("restore", func(ctx context.Context) error { return l.Restore(ctx, l.find("of-memory")) })
	l.wants("standby", func(ctx context.Context) error { return l.Standby(ctx, l.find("base")) })
	rollback("running")
	rollback("stopped")
	l.deletes("instances/base", "instances/of-stopped", "instances/of-memory", "snapshots/running", "snapshots/stopped")
}
