package host_test

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/seed-a7bafb14/terraform-provider-kvm/internal/host"
	"github.com/seed-a7bafb14/terraform-provider-kvm/internal/lifecycle"
	"github.com/seed-a7bafb14/terraform-provider-kvm/internal/testhost"
)

func TestVolume_StaysWithItsInstanceInStandbyAndIsOfNoCopy(t *testing.T) {
	t.Parallel()
	l := another(t, testhost.Options{})
	ctx := context.Background()
	l.volume(host.VolumeSpec{Name: "stays", SizeGiB: 1})
	inst := l.fork("stays")
	must(t, l.give(inst, map[string]string{"data": "stays"}))
	l.writeTo(inst, "data", "before")
	for _, state := range []lifecycle.State{lifecycle.Running, lifecycle.Standby} {
		if state == lifecycle.Standby {
			must(t, l.Standby(ctx, inst))
			if now := l.find("stays"); now.State != state || now.Disks()["data"].Volume != "stays" {
				t.Errorf("%s, with %v", now.State, now.Disks())
			}
		}
		_, err := l.TakeSnapshot(ctx, host.SnapshotSpec{Name: "stays", Instance: "stays"})
		if !errors.Is(err, host.ErrInvalid) || !strings.Contains(err.Error(), "stays (disk data)") {
			t.Errorf("a snapshot of it %s: %v", state, err)
		}
		if _, err := l.Fork(ctx, host.ForkSpec{Name: "stays-fork", Source: host.Ref{Kind: host.Instances, Name: "stays"}}); !errors.Is(err, host.ErrInvalid) {
			t.Errorf("a fork of it %s: %v", state, err)
		}
	}
	must(t, l.Restore(ctx, inst))
	l.await(inst)
	if got := l.readFrom(inst, "data"); got != "before" {
		t.Errorf("after standby it reads %q", got)
	}
	l.writeTo(inst, "data", "after")
	must(t, l.Stop(ctx, inst, 20*time.Second))

	snap := l.take("stays", "stays")
	fork := l.stoppedForkOf("stays-fork", host.Ref{Kind: host.Snapshots, Name: "stays"})
	if len(fork.Disks()) != 0 || len(snap.Machine.Disks) != 0 {
		t.Errorf("the fork has %v, the snapshot %v", fork.Disks(), snap.Machine.Disks)
	}
	must(t, l.Rollback(ctx, l.find("stays"), snap))
	if at := l.findVolume("stays").Instance.Name; at != "" {
		t.Errorf("after a rollback it is attached to %q", at)
	}
	fork = l.find("stays-fork")
	must(t, l.give(fork, map[string]string{"data": "stays"}))
	must(t, l.Start(ctx, fork))
	l.await(fork)
	if got := l.readFrom(fork, "data"); got != "after" {
		t.Errorf("the fork reads %q", got)
	}
	must(t, l.Stop(ctx, fork, 20*time.Second))
	must(t, l.give(fork, map[string]string{}))
}
