package host

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/seed-a7bafb14/terraform-provider-kvm/internal/lifecycle"
	"github.com/seed-a7bafb14/terraform-provider-kvm/internal/qemu"
)

// handover is how long a volume is waited for that another instance has: an apply
// may take it from there at the same time.
const handover = 30 * time.Second

// A DiskSpec is a disk that an instance has beside the one it boots from: a
// volume, or one of its own, which is made empty and goes with the instance.
type DiskSpec struct {
	Volume  string // a volume's name; "": a disk of its own
	SizeGiB int    // of a disk of its own
}

// isSame reports whether a disk is the other, of whatever size.
func (d DiskSpec) isSame(other DiskSpec) bool {
	return d.Volume == other.Volume && (d.SizeGiB > 0) == (other.SizeGiB > 0)
}

// Disks are those that the instance has, by key. A volume that is not there any
// more, or of whose name there is another now, is none.
func (i *Instance) Disks() map[string]DiskSpec {
	disks := map[string]DiskSpec{}
	for _, disk := range i.Machine.Disks {
		switch {
		case slices.Contains(i.Strays, disk.Key):
			disks[disk.Key] = DiskSpec{}
		case disk.Volume == "":
			disks[disk.Key] = DiskSpec{SizeGiB: int(disk.SizeBytes >> 30)}
		default:
			disks[disk.Key] = DiskSpec{Volume: disk.Volume}
		}
	}
	return disks
}

// changeDisks attaches, detaches and grows disks until the instance has the
// wanted ones: first what goes, then what comes, so that two can change their
// places. One round trip each.
func (h *Host) changeDisks(ctx context.Context, inst *Instance, wanted map[string]DiskSpec) error {
	if err := h.checkDisks(ctx, h.call("update", Instances, inst.Name), inst, wanted); err != nil {
		return err
	}
	present := inst.Disks()
	for _, key := range slices.Sorted(maps.Keys(present)) {
		if disk, stays := wanted[key]; !stays || !disk.isSame(present[key]) {
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
			c := h.call("attach disk "+key+" to", Instances, inst.Name)
			err = h.attach(ctx, c, inst, qemu.DataDisk{Key: key, Disk: qemu.Disk{SizeBytes: int64(disk.SizeGiB) << 30, Layers: []qemu.Layer{newLayer()}}}, "")
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
	present := inst.Disks()
	for _, key := range slices.Sorted(maps.Keys(wanted)) {
		disk, has := wanted[key], present[key]
		switch {
		case disk == has:
			continue
		case !qemu.DiskKeyPattern.MatchString(key):
			return c.invalid("%q cannot be the key of a disk", key)
		case disk.Volume == "" && disk.SizeGiB < 1:
			return c.invalid("its disk %s has neither a volume nor a size", key)
		case disk.isSame(has) && disk.SizeGiB < has.SizeGiB:
			return c.invalid("a disk cannot shrink: its disk %s has %d GiB", key, has.SizeGiB)
		case disk.Volume == "":
			continue
		}
		if _, err := h.intactVolume(ctx, c, disk.Volume); err != nil {
			return err
		}
	}
	return nil
}

// intactVolume reads a volume that is to be attached, and refuses one that is
// damaged.
func (h *Host) intactVolume(ctx context.Context, c call, name string) (*Volume, error) {
	volume, err := h.Volume(ctx, name)
	if err == nil && volume.Problem != "" {
		err = c.invalid("volume %s is damaged: %s", name, volume.Problem)
	}
	return volume, err
}

// attachVolume gives a volume to an instance. One round trip for as long as
// another instance has it, and that of the listing.
func (h *Host) attachVolume(ctx context.Context, inst *Instance, key, name string) error {
	c := h.call("attach volume "+name+" to", Instances, inst.Name)
	for begun := time.Now(); ; time.Sleep(time.Second) {
		volume, err := h.intactVolume(ctx, c, name)
		if err != nil {
			return err
		}
		err = h.attach(ctx, c, inst, volume.disk(key, 0), volume.raw)
		if !errors.Is(err, errAttached) || time.Since(begun) > handover || ctx.Err() != nil {
			return err
		}
		h.Forget()
	}
}

// attach gives a disk to an instance, live if it runs; known is the metadata of
// the volume that it is, "" of a disk that is to be made.
func (h *Host) attach(ctx context.Context, c call, inst *Instance, disk qemu.DataDisk, known string) error {
	mode, err := inst.modeOfChange(c)
	if err != nil {
		return err
	}
	user, err := h.user(ctx)
	if err != nil {
		return err
	}
	changed := *inst
	m := &changed.Machine
	if !m.SCSI && mode == "running" {
		return c.invalid("its machine has no controller for disks, since it was made by an older version or is a fork of one that was: " +
			"one can be added only while it is stopped. Set state = \"stopped\" and apply once")
	}
	m.SCSI, disk.Target = true, m.FreeTarget()
	*m = m.WithDisk(disk)
	if err := m.Check(); err != nil {
		return c.invalid("%v", err)
	}
	changed.raw = compact(changed.Record)
	open, give := qemu.AddDisk(disk)
	if _, err = c.write(ctx, disksScript+attachScript, h.DataDir, c.object.String(), inst.UID, inst.raw, changed.raw, mode,
		volumeOf(disk), known, words(files(disk.Disk)), fmt.Sprint(disk.SizeBytes), user.Name,
		open, give, qemu.DropDisk(disk), qemu.CloseDisk(disk)); err != nil {
		return err
	}
	*inst = changed
	return nil
}

// volumeOf is the volume that a disk is; "" of none.
func volumeOf(disk qemu.DataDisk) string {
	if disk.Volume == "" {
		return ""
	}
	return Ref{Volumes, disk.Volume}.String()
}

// growDisk makes a disk of the instance's own larger, live if it runs. One round
// trip.
func (h *Host) growDisk(ctx context.Context, inst *Instance, key string, gib int) error {
	c := h.call("grow disk "+key+" of", Instances, inst.Name)
	mode, err := inst.modeOfChange(c)
	if err != nil {
		return err
	}
	disk := diskOf(inst.Machine, key)
	disk.SizeBytes = int64(gib) << 30
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

// modeOfChange is how the disks of an instance are changed in its state.
func (i *Instance) modeOfChange(c call) (string, error) {
	switch {
	case i.Problem != "":
		return "", c.invalid("it is damaged: %s", i.Problem)
	case i.State == lifecycle.Running:
		return "running", nil
	case i.State == lifecycle.Stopped:
		return "stopped", nil
	}
	return "", c.invalid("it is %s, and its disks can be changed only while it runs or is stopped", i.State)
}

// detach takes a disk from an instance, live if it runs: a volume stays, a disk of
// its own is deleted. A guest that has it open is not robbed of it. One round trip.
func (h *Host) detach(ctx context.Context, inst *Instance, key string) error {
	disk := diskOf(inst.Machine, key)
	c := h.call("detach disk "+key+" from", Instances, inst.Name)
	mode, err := inst.modeOfChange(c)
	if err != nil {
		return err
	}
	changed := *inst
	changed.Machine = inst.Machine.WithoutDisk(key)
	changed.Strays = slices.DeleteFunc(slices.Clone(inst.Strays), func(stray string) bool { return stray == key })
	changed.raw = compact(changed.Record)
	insert, shut := qemu.ReturnDisk(disk)
	if _, err := c.write(ctx, disksScript+detachScript, h.DataDir, c.object.String(), inst.UID, inst.raw, changed.raw, mode,
		volumeOf(disk), words(files(disk.Disk)),
		qemu.TakeDisk(disk), insert, shut, qemu.DropDisk(disk), qemu.CloseDisk(disk)); err != nil {
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

// withoutVolumes is the machine of a copy: a volume is one disk, and has one
// writer. What is copied with its memory knows the disks that it has, and cannot
// go on without them.
func (c call) withoutVolumes(inst *Instance) (qemu.Machine, error) {
	m := inst.Machine
	var names []string
	for _, disk := range m.Disks {
		if disk.Volume != "" {
			m = m.WithoutDisk(disk.Key)
			names = append(names, fmt.Sprintf("%s (disk %s)", disk.Volume, disk.Key))
		}
	}
	if len(names) > 0 && inst.State != lifecycle.Stopped {
		return m, c.invalid("instance %s is %s and has volumes attached: %s. A volume belongs to no snapshot and no fork, and a copy with memory would miss it. Detach it first, or stop the instance",
			inst.Name, inst.State, strings.Join(names, ", "))
	}
	return m, nil
}
