package host

import (
	"context"
	"errors"
	"time"

	"github.com/seed-a7bafb14/terraform-provider-kvm/internal/lifecycle"
	"github.com/seed-a7bafb14/terraform-provider-kvm/internal/qemu"
)

// handover is how long a volume is waited for that another instance has: an apply
// may take it from there at the same time.
const handover = 30 * time.Second

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
		err = h.attach(ctx, c, inst, volume.disk(key, 0), volume.raw, nil)
		if !errors.Is(err, errAttached) || time.Since(begun) > handover || ctx.Err() != nil {
			return err
		}
		h.Forget()
	}
}

// attachOwn makes a disk of an instance's own and gives it to it. One round trip,
// and with an image that of the listing.
func (h *Host) attachOwn(ctx context.Context, inst *Instance, key string, spec DiskSpec) error {
	c := h.call("attach disk "+key+" to", Instances, inst.Name)
	made, image, err := h.newDisk(ctx, c, "size_gib of its disk "+key, spec.Image, spec.SizeGiB)
	if err != nil {
		return err
	}
	disk := qemu.DataDisk{Key: key, Disk: made}
	if image != nil {
		disk.Image, disk.SizeGiB = image.Name, spec.SizeGiB
	}
	return h.attach(ctx, c, inst, disk, "", image)
}

// attach gives a disk to an instance, live if it runs; known is the metadata of
// the volume that it is, "" of a disk that is to be made, with or without an image.
func (h *Host) attach(ctx context.Context, c call, inst *Instance, disk qemu.DataDisk, known string, image *Image) error {
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
	args := []string{h.DataDir, c.object.String(), inst.UID, inst.raw, changed.raw, mode,
		volumeOf(disk), known, words(files(disk.Disk)), user.Name, open, give, qemu.DropDisk(disk), qemu.CloseDisk(disk)}
	if _, err = c.write(ctx, disksScript+attachScript, append(args, diskArgs(&disk.Disk, image)...)...); err != nil {
		return err
	}
	*inst = changed
	return nil
}

// giveBack gives a disk to a running guest again that somebody has taken from its
// QEMU. One round trip.
func (h *Host) giveBack(ctx context.Context, inst *Instance, key string) error {
	disk := diskOf(inst.Machine, key)
	c := h.call("give back disk "+key+" to", Instances, inst.Name)
	if _, err := inst.modeOfChange(c); err != nil {
		return err
	}
	user, err := h.user(ctx)
	if err != nil {
		return err
	}
	open, give := qemu.AddDisk(disk)
	if _, err := c.write(ctx, disksScript+giveBackScript, h.DataDir, c.object.String(), inst.UID, inst.raw, words(files(disk.Disk)), user.Name, open, give); err != nil {
		return err
	}
	inst.Unplugged = without(inst.Unplugged, []string{key})
	return nil
}

// volumeOf is the volume that a disk is; "" of none.
func volumeOf(disk qemu.DataDisk) string {
	if disk.Volume == "" {
		return ""
	}
	return Ref{Volumes, disk.Volume}.String()
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
	changed.Strays, changed.Unplugged = without(inst.Strays, []string{key}), without(inst.Unplugged, []string{key})
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
