package host

import (
	"context"
	"encoding/json"
	"strings"
	"time"

	"github.com/google/uuid"

	"github.com/seed-a7bafb14/terraform-provider-kvm/internal/lifecycle"
	"github.com/seed-a7bafb14/terraform-provider-kvm/internal/qemu"
)

// A SnapshotSpec is what a new snapshot is to be.
type SnapshotSpec struct {
	Name     string
	Instance string // an instance's name
	Labels   map[string]string
	Settings json.RawMessage
}

// TakeSnapshot takes a snapshot of an instance, which stays as it is: a running
// one goes on but for a pause of tens of milliseconds. Two round trips.
func (h *Host) TakeSnapshot(ctx context.Context, spec SnapshotSpec) (*Snapshot, error) {
	return ofPresent(h, func() (*Snapshot, error) { return h.takeSnapshot(ctx, spec) })
}

func (h *Host) takeSnapshot(ctx context.Context, spec SnapshotSpec) (*Snapshot, error) {
	c := h.call("take", Snapshots, spec.Name)
	if err := c.checkName(); err != nil {
		return nil, err
	}
	s, err := h.source(ctx, c, Ref{Instances, spec.Instance})
	if err != nil {
		return nil, err
	}
	snap := &Snapshot{
		Name: spec.Name, UID: uuid.NewString(), CreatedAt: time.Now().UTC().Truncate(time.Second),
		Instance: s.ref, InstanceUID: s.uid, Kind: lifecycle.Standby, Labels: spec.Labels, Settings: spec.Settings,
		Machine: s.machine, KernelImage: s.kernelImage, InitrdImage: s.initrdImage, SeedDigest: s.seedDigest, Forwards: s.forwards,
	}
	if !s.hasMemory() {
		snap.Kind = lifecycle.Stopped
	}
	snap.raw = compact(snap)
	out, err := c.write(ctx, captureScript+copyScript, h.copyArgs(c, s, snap.raw, "", nil)...)
	if err != nil {
		return made(snap, true, err)
	}
	snap.Pause = qemu.Pause(qemu.Messages(out))
	for line := range strings.Lines(out) {
		if _, f, ok := parseFile(line); ok {
			snap.SizeBytes += f.diskBytes
		}
	}
	return snap, nil
}

// LabelSnapshot replaces a snapshot's labels and settings. One round trip.
func (h *Host) LabelSnapshot(ctx context.Context, snap *Snapshot, labels map[string]string, settings json.RawMessage) error {
	c := h.call("label", Snapshots, snap.Name)
	if snap.Unreadable { // to write it anew would make up what it is
		return c.invalid("it is damaged: %s", snap.Problem)
	}
	changed := *snap
	changed.Labels, changed.Settings = labels, settings
	changed.raw = compact(changed)
	if _, err := c.write(ctx, labelScript, h.dir(c.object), metadata(Snapshots), snap.raw, changed.raw); err != nil {
		return err
	}
	*snap = changed
	return nil
}
