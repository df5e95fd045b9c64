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

// A DiskSpec is a disk that an instance has beside the one it boots from.
type DiskSpec struct {
	Volume string // a volume's name
}

// Disks are those that the instance has, by key. A volume that is not there any
// more, or of whose name there is another now, is none.
func (i *Instance) Disks() map[string]DiskSpec {
	disks := map[string]DiskSpec{}
	for _, disk := range i.Machine.Disks {
		disks[disk.Key] = DiskSpec{Volume: disk.Volume}
		if slices.Contains(i.Strays, disk.Key) {
			disks[disk.Key] = DiskSpec{}
		}
	}
	return disks
}

// changeDisks attaches and detaches volumes until the instance has the wanted
// ones: first what goes, then what comes, so that two can change their places.
// One round trip each.
func (h *Host) changeDisks(ctx context.Context, inst *Instance, wanted map[string]DiskSpec) error {
	present := inst.Disks()
	for _, key := range slices.Sorted(maps.Keys(present)) {
		if disk, stays := wanted[key]; !stays || disk != present[key] {
			if err := h.detach(ctx, inst, key); err != nil {
				return err
			}
		}
	}
	for _, key := range slices.Sorted(maps.Keys(wanted)) {
		if present[key] != wanted[key] {
			if err := h.attach(ctx, inst, key, wanted[key].Volume); err != nil {
				return err
			}
		}
	}
	return nil
}

// checkDisks returns the error that changeDisks would give, as far as that can be
// told before.
func (h *Host) checkDisks(ctx context.Context, c call, inst *Instance, wanted map[string]DiskSpec) error {
	present := inst.Disks()
	for _, key := range slices.Sorted(maps.Keys(wanted)) {
		if present[key] == wanted[key] {
			continue
		}
		if !qemu.DiskKeyPattern.MatchString(key) {
			return c.invalid("%q cannot be the key of a disk", key)
		}
		volume, err := h.Volume(ctx, wanted[key].Volume)
		switch {
		case err != nil:
			return err
		case volume.Problem != "":
			return c.invalid("volume %s is damaged: %s", volume.Name, volume.Problem)
		}
	}
	return nil
}

// attach gives a volume to an instance, live if it runs. Two round trips at most,
// and more for as long as another instance has it.
func (h *Host) attach(ctx context.Context, inst *Instance, key, name string) error {
	c := h.call("attach volume "+name+" to", Instances, inst.Name)
	user, err := h.user(ctx)
	if err != nil {
		return err
	}
	for begun := time.Now(); ; time.Sleep(time.Second) {
		volume, err := h.Volume(ctx, name)
		switch {
		case err != nil:
			return err
		case volume.Problem != "":
			return c.invalid("volume %s is damaged: %s", name, volume.Problem)
		}
		changed, mode, err := inst.withVolume(c, key, volume)
		if err != nil {
			return err
		}
		disk := diskOf(changed.Machine, key)
		open, give := qemu.AddDisk(disk)
		_, err = c.write(ctx, disksScript+attachScript, h.DataDir, c.object.String(), inst.UID, inst.raw, changed.raw, mode,
			Ref{Volumes, name}.String(), volume.raw, words(files(disk.Disk)), user.Name,
			open, give, qemu.DropDisk(disk), qemu.CloseDisk(disk))
		if err == nil {
			*inst = *changed
			return nil
		}
		if !errors.Is(err, errAttached) || time.Since(begun) > handover || ctx.Err() != nil {
			return err
		}
		h.Forget()
	}
}

// withVolume is the instance with one disk more.
func (i *Instance) withVolume(c call, key string, volume *Volume) (changed *Instance, mode string, err error) {
	if mode, err = i.modeOfChange(c); err != nil {
		return nil, "", err
	}
	changed = new(Instance)
	*changed = *i
	m := &changed.Machine
	if !m.SCSI && mode == "running" {
		return nil, "", c.invalid("its machine has no controller for disks, since it was made by an older version or is a fork of one that was: " +
			"one can be added only while it is stopped. Set state = \"stopped\" and apply once")
	}
	m.SCSI = true
	*m = m.WithDisk(volume.disk(key, m.FreeTarget()))
	if err := m.Check(); err != nil {
		return nil, "", c.invalid("%v", err)
	}
	changed.raw = compact(changed.Record)
	return changed, mode, nil
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

// detach takes a disk from an instance, live if it runs. A guest that has it open
// is not robbed of it. One round trip.
func (h *Host) detach(ctx context.Context, inst *Instance, key string) error {
	disk := diskOf(inst.Machine, key)
	c := h.call("detach volume "+disk.Volume+" from", Instances, inst.Name)
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
		Ref{Volumes, disk.Volume}.String(), words(files(disk.Disk)),
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
	if len(m.Disks) == 0 {
		return m, nil
	}
	if inst.State != lifecycle.Stopped {
		var names []string
		for _, disk := range m.Disks {
			names = append(names, fmt.Sprintf("%s (disk %s)", disk.Volume, disk.Key))
		}
		return m, c.invalid("instance %s is %s and has volumes attached: %s. A volume belongs to no snapshot and no fork, and a copy with memory would miss it. Detach it first, or stop the instance",
			inst.Name, inst.State, strings.Join(names, ", "))
	}
	m.Disks = nil
	return m, nil
}
