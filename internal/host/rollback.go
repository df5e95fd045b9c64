package host

import (
	"context"
	"maps"
	"slices"

	"github.com/seed-a7bafb14/terraform-provider-kvm/internal/lifecycle"
)

// Rollback makes an instance, in whatever state it is, what it was in a snapshot
// of it: in standby when that has memory, else stopped. Its process is ended,
// and what was written to its disk and memory since is lost; its name, labels,
// forwards and the like stay. One round trip. When it breaks the instance is as
// it was, or rolled back.
func (h *Host) Rollback(ctx context.Context, inst *Instance, snap *Snapshot) error {
	c := h.call("roll back", Instances, inst.Name)
	if err := snap.isOf(c, inst); err != nil {
		return err
	}
	record := inst.Record
	record.Machine, record.KernelImage, record.InitrdImage = snap.Machine, snap.KernelImage, snap.InitrdImage
	record.SeedDigest = snap.SeedDigest
	record.RestoredFrom = Ref{Snapshots, snap.Name}
	if disk, size := snap.Machine.Disk, int64(inst.DiskGiB)<<30; snap.Kind == lifecycle.Stopped && disk != nil && size > disk.SizeBytes {
		record.Machine = withSize(record.Machine, size) // its next layer will have it
	}
	becomes := compact(record)
	if _, err := c.write(ctx, rollbackScript, h.DataDir, c.object.String(), inst.UID, inst.raw, becomes,
		record.RestoredFrom.String(), snap.raw, words(layerFiles(snap.Machine)), words(bootFiles(snap.Machine)), words(snap.checkpointFiles())); err != nil {
		return err
	}
	*inst = Instance{Record: record, State: snap.Kind, raw: becomes, saved: snap.saved, frozen: true}
	return nil
}

// checkpointFiles are the names of what a snapshot with memory has for it.
func (s *Snapshot) checkpointFiles() []string {
	if s.Kind == lifecycle.Stopped {
		return nil
	}
	return []string{"memory", "device-state", "machine.json"}
}

// isOf returns an error unless inst can be rolled back to the snapshot.
func (s *Snapshot) isOf(c call, inst *Instance) error {
	switch {
	case s.InstanceUID != inst.UID:
		return c.invalid("snapshot %s is not of this instance", s.Name)
	case inst.Unreadable: // to write it anew would make up what it is
		return c.invalid("it is damaged: %s", inst.Problem)
	case s.Problem != "":
		return c.invalid("snapshot %s is damaged: %s", s.Name, s.Problem)
	case s.Machine.Accelerator != c.host.Accelerator && s.Kind == lifecycle.Standby:
		return c.invalid("the memory of snapshot %s was saved under %s, and this host is configured for %s", s.Name, s.Machine.Accelerator, c.host.Accelerator)
	case inst.State == lifecycle.Unknown && inst.Problem == "":
		return c.invalid("its process cannot be judged")
	}
	return nil
}

// finish finishes what scripts that were killed, or still run, have begun. What
// cannot be finished is shown by the next listing.
func (h *Host) finish(ctx context.Context, l *listing) {
	for _, name := range slices.Sorted(maps.Keys(l.instances)) {
		if l.instances[name].halfway {
			c := h.call("finish rolling back", Instances, name)
			_, _ = c.try(ctx, finishScript, h.dir(c.object))
		}
	}
}
