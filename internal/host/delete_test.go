package host_test

import (
	"context"
	"errors"
	"os"
	"testing"

	"golang.org/x/sync/errgroup"

	"github.com/seed-a7bafb14/terraform-provider-kvm/internal/host"
	"github.com/seed-a7bafb14/terraform-provider-kvm/internal/testhost"
)

func TestDelete_InAnyOrder_ChangesNoFork(t *testing.T) {
	l := shared(t)
	ctx := context.Background()
	parent := l.fork("parent")
	snap, err := l.TakeSnapshot(ctx, host.SnapshotSpec{Name: "between", Instance: "parent"})
	must(t, err)
	child, err := l.Fork(ctx, host.ForkSpec{Name: "child", Source: host.Ref{Kind: host.Snapshots, Name: "between"}})
	must(t, err)
	defer func() { must(t, l.DeleteInstance(ctx, "child", child.UID)) }()

	must(t, l.DeleteSnapshot(ctx, "between", snap.UID))
	must(t, l.DeleteInstance(ctx, "parent", parent.UID))
	must(t, l.DeleteInstance(ctx, "parent", parent.UID)) // once more does nothing
	must(t, l.Restore(ctx, child))
	l.await(child)
	if l.token(child) != common.token {
		t.Error("the child lost its memory")
	}
}

// What is not there because its filesystem is not mounted has not been deleted.
func TestDelete_WhereNothingIsMountedIsRefused(t *testing.T) {
	l := newLab(t, testhost.Options{})
	ctx := context.Background()
	inst, err := l.Create(ctx, host.InstanceSpec{Name: "away", VCPUs: 1, MemoryMiB: 64})
	must(t, err)
	must(t, os.Rename(l.path(), l.path()+".disk"))
	must(t, os.Mkdir(l.path(), 0o700))
	for what, err := range map[string]error{
		"instance": l.DeleteInstance(ctx, "away", inst.UID),
		"snapshot": l.DeleteSnapshot(ctx, "away", inst.UID),
		"image":    l.DeleteImage(ctx, "away", inst.UID),
	} {
		if !errors.Is(err, host.ErrUnfit) {
			t.Errorf("%s: %v", what, err)
		}
	}
	must(t, os.Remove(l.path()))
	must(t, os.Rename(l.path()+".disk", l.path()))
	must(t, l.DeleteInstance(ctx, "away", inst.UID))
}

func TestDelete_ByManyAtOnceIsDoneOnce(t *testing.T) {
	l := shared(t)
	ctx := context.Background()
	inst, err := l.Create(ctx, host.InstanceSpec{Name: "twice", VCPUs: 1, MemoryMiB: 64})
	must(t, err)
	var all errgroup.Group
	for range 8 {
		all.Go(func() error { return l.DeleteInstance(ctx, "twice", inst.UID) })
	}
	must(t, all.Wait())
}
