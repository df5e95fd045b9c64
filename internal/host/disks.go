package host

import (
	"context"
	"fmt"
	"maps"
	"slices"

	"github.com/seed-a7bafb14/terraform-provider-kvm/internal/qemu"
)

// A DiskSpec is a disk that an instance has beside the one it boots from: a
// volume, or one of its own, which is made empty, or from an image, and goes with
// the instance.
type DiskSpec struct {
	Volume  string // a volume's name; "": a disk of its own
	Image   string // an image's name, of a disk of its own; "": empty
	SizeGiB int    // of a disk of its own; 0: its image's virtual size
}

// IsOwn reports whether the disk is one of the instance's own.
func (d DiskSpec) IsOwn() bool { return d.Image != "" || d.SizeGiB > 0 }

// IsSame reports whether a disk is the other, of whatever size.
func (d DiskSpec) IsSame(other DiskSpec) bool {
	return d.Volume == other.Volume && d.Image == other.Image && d.IsOwn() == other.IsOwn()
}

// Disks are those that the instance has, by key. A volume that is not there any
// more, or of whose name there is another now, is none; nor is a disk that somebody
// has taken from its running QEMU.
func (i *Instance) Disks() map[string]DiskSpec {
	disks := i.Recorded()
	for _, key := range slices.Concat(i.Strays, i.Unplugged) {
		disks[key] = DiskSpec{}
	}
	return disks
}

// Recorded are the disks that the instance is to have by its metadata, by key,
// without the volumes that are not there any more.
func (i *Instance) Recorded() map[string]DiskSpec {
	disks := map[string]DiskSpec{}
	for _, disk := range i.Machine.Disks {
		switch {
		case slices.Contains(i.Strays, disk.Key):
		case disk.Image != "":
			disks[disk.Key] = DiskSpec{Image: disk.Image, SizeGiB: disk.SizeGiB}
		case disk.Volume == "":
			disks[disk.Key] = DiskSpec{SizeGiB: int(disk.SizeBytes >> 30)}
		default:
			disks[disk.Key] = DiskSpec{Volume: disk.Volume}
		}
	}
	return disks
}

// changeDisks attaches, detaches and grows disks until the instance has the
// wanted ones: first what somebody has taken from its QEMU, then what goes, then
// what comes, so that two can change their places. One round trip each.
func (h *Host) changeDisks(ctx context.Context, inst *Instance, wanted map[string]DiskSpec) error {
	if err := h.checkDisks(ctx, h.call("update", Instances, inst.Name), inst, wanted); err != nil {
		return err
	}
	present, recorded := inst.Disks(), inst.Recorded()
	for _, key := range slices.Clone(inst.Unplugged) {
		if disk, stays := wanted[key]; stays && disk.IsSame(recorded[key]) {
			if err := h.giveBack(ctx, inst, key); err != nil {
				return err
			}
			present[key] = recorded[key]
		}
	}
	for _, key := range slices.Sorted(maps.Keys(present)) {
		if disk, stays := wanted[key]; !stays || !disk.IsSame(present[key]) {
			if err := h.detach(ctx, inst, key); err != nil {
				return err
			}
			delete(present, key)
		}
	}
	for _, key := range slices.Sorted(maps.Keys(wanted)) {
		has, there := present[key]
		var err error
		switch disk := wanted[key]; {
		case !there && disk.Volume != "":
			err = h.attachVolume(ctx, inst, key, disk.Volume)
		case !there:
			err = h.attachOwn(ctx, inst, key, disk)
		case disk != has:
			err = h.growDisk(ctx, inst, key, disk.SizeGiB)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// checkDisks returns the error that changeDisks would give, as far as that can be
// told before.
func (h *Host) checkDisks(ctx context.Context, c call, inst *Instance, wanted map[string]DiskSpec) error {
	recorded := inst.Recorded()
	for _, key := range slices.Sorted(maps.Keys(wanted)) {
		disk, has := wanted[key], recorded[key]
		switch {
		case disk == has:
			continue
		case !qemu.DiskKeyPattern.MatchString(key):
			return c.invalid("%q cannot be the key of a disk", key)
		case disk.Volume == "" && !disk.IsOwn():
			return c.invalid("its disk %s has neither a volume nor a size", key)
		}
		var err error
		switch bytes := diskOf(inst.Machine, key).SizeBytes; {
		case disk.Volume != "":
			_, err = h.intactVolume(ctx, c, disk.Volume)
		case disk.IsSame(has) && disk.SizeGiB != 0 && int64(disk.SizeGiB)<<30 < bytes:
			err = c.invalid("a disk cannot shrink: its disk %s has %s", key, inGiB(bytes))
		case disk.Image != "" && !disk.IsSame(has):
			_, err = h.imageFor(ctx, c, "size_gib of its disk "+key, disk.Image, disk.SizeGiB)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// growDisk makes a disk of the instance's own larger, live if it runs; 0 leaves its
// size, and notes that none is asked for. One round trip.
func (h *Host) growDisk(ctx context.Context, inst *Instance, key string, gib int) error {
	c := h.call("grow disk "+key+" of", Instances, inst.Name)
	mode, err := inst.modeOfChange(c)
	if err != nil {
		return err
	}
	disk := diskOf(inst.Machine, key)
	if gib != 0 {
		disk.SizeBytes = int64(gib) << 30
	}
	if disk.Image != "" {
		disk.SizeGiB = gib
	}
	changed := *inst
	changed.Machine = inst.Machine.WithDisk(disk)
	changed.raw = compact(changed.Record)
	if _, err := c.write(ctx, disksScript+growDiskScript, h.DataDir, "", "", "", disk.Layers[0].File, fmt.Sprint(disk.SizeBytes),
		c.object.String(), inst.UID, inst.raw, changed.raw, mode, disk.Resize()); err != nil {
		return err
	}
	*inst = changed
	return nil
}

func diskOf(m qemu.Machine, key string) qemu.DataDisk {
	for _, disk := range m.Disks {
		if disk.Key == key {
			return disk
		}
	}
	return qemu.DataDisk{}
}

// files are the names of a disk's layers, the top first.
func files(disk qemu.Disk) []string {
	var files []string
	for _, layer := range disk.Layers {
		files = append(files, layer.File)
	}
	return files
}
