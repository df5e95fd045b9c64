package host

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"reflect"
	"slices"

	"github.com/seed-a7bafb14/terraform-provider-kvm/internal/lifecycle"
	"github.com/seed-a7bafb14/terraform-provider-kvm/internal/qemu"
)

// A Change is what an instance is to have instead of what it has; nil: the same.
type Change struct {
	Labels             *map[string]string
	DeletionProtection *bool
	Settings           json.RawMessage
	VCPUs, MemoryMiB   *int                               // of a stopped instance
	CPU, MachineType   *string                            // of a stopped instance
	Kernel             *KernelSpec                        // of a stopped instance; without an image: none
	Agent              *bool                              // of a stopped instance
	Seed               *Seed                              // of a stopped instance, or of one in standby, which reads it when it boots; without a digest: none
	Restrict           map[string]bool                    // of a stopped instance, by interface; those that are missing stay
	Renewal            *Renewal                           // of a fork whose guest has not been told yet
	NICs               map[string]NICChange               // of a stopped instance, by interface
	ForgetRestored     bool                               // what it was rolled back to
	DiskGiB            *int                               // at least what it has; of a standby instance it is grown once it runs
	Disks              map[string]DiskSpec                // by key, all of them; of an instance that runs or is stopped
	Forwards           map[string]map[string]qemu.Forward // all of them, see StopsFor; host port 0: the present one, or one is chosen
}

// Update changes an instance: a running one live, where that is possible. One
// round trip, with forwards that of the listing, with the first CPU model or
// machine type that of QEMU's lists, and one for each disk that comes or goes.
func (h *Host) Update(ctx context.Context, inst *Instance, change Change) error {
	if disks := change.Disks; disks != nil {
		change.Disks = nil
		if !reflect.ValueOf(change).IsZero() {
			if err := h.Update(ctx, inst, change); err != nil {
				return err
			}
		}
		return h.changeDisks(ctx, inst, disks)
	}
	c := h.call("update", Instances, inst.Name)
	if inst.Unreadable { // to write it anew would make up what it is
		return c.invalid("it is damaged: %s", inst.Problem)
	}
	changed := *inst
	if err := changed.apply(c, change); err != nil {
		return err
	}
	if err := h.checkBoot(ctx, c, inst.Record, changed.Record); err != nil {
		return err
	}
	if change.NICs != nil {
		if err := h.checkMACs(ctx, c, &changed); err != nil {
			return err
		}
		if err := checkObject(changed.UID, changed.Machine, nil); err != nil {
			return c.invalid("%s", err)
		}
	}
	if inst.StopsFor(change.Forwards) {
		return c.invalid("it is %s, and passt takes other forwards only when it is started", inst.State)
	}
	if change.Forwards == nil {
		return h.commitUpdate(ctx, c, inst, &changed, change.Seed)
	}
	asked := map[string]InterfaceSpec{}
	for _, nic := range changed.Machine.NICs {
		asked[nic.Key] = InterfaceSpec{Type: nic.Type, Forwards: keepPorts(change.Forwards[nic.Key], inst.Forwards[nic.Key])}
	}
	changed.Lost = nil
	return h.withPorts(ctx, c, &changed, asked, nil, func(string) error {
		return h.commitUpdate(ctx, c, inst, &changed, change.Seed)
	})
}

// Check returns the error that Update would give, as far as that can be told
// before, and for whatever state the instance will be in: a size that its disk
// cannot have, an image that is not there or not intact, a CPU model or machine
// type that QEMU does not have. One round trip at most, which reads share, and one
// for the first model of a driver's life.
func (h *Host) Check(ctx context.Context, inst *Instance, change Change) error {
	c := h.call("update", Instances, inst.Name)
	changed := *inst
	changed.State = lifecycle.Stopped // in which everything can be changed
	if err := changed.apply(c, change); err != nil {
		return err
	}
	if err := h.checkDisks(ctx, c, inst, change.Disks); err != nil {
		return err
	}
	return h.checkBoot(ctx, c, inst.Record, changed.Record)
}

// apply makes the changes that need no host.
func (i *Instance) apply(c call, change Change) error {
	if change.VCPUs != nil || change.MemoryMiB != nil || change.CPU != nil || change.MachineType != nil ||
		change.Kernel != nil || change.Agent != nil || change.Restrict != nil || change.NICs != nil {
		if i.State != lifecycle.Stopped {
			return c.invalid("it is %s, and its machine can be changed only when it is stopped", i.State)
		}
	}
	if change.Seed != nil && i.State != lifecycle.Stopped {
		if i.State != lifecycle.Standby {
			return c.invalid("it is %s, and its cloud-init seed can be changed only while it has no process", i.State)
		}
		if err := change.Seed.fits(c, i.Machine); err != nil {
			return err
		}
	}
	m := &i.Machine
	if change.Labels != nil {
		i.Labels = *change.Labels
	}
	if change.DeletionProtection != nil {
		i.DeletionProtection = *change.DeletionProtection
	}
	if change.Settings != nil {
		i.Settings = change.Settings
	}
	if change.Renewal != nil && i.Renewal != nil {
		i.Renewal = change.Renewal
	}
	if change.ForgetRestored {
		i.RestoredFrom = Ref{}
	}
	if change.VCPUs != nil {
		m.VCPUs = *change.VCPUs
	}
	if change.MemoryMiB != nil {
		m.MemoryMiB = *change.MemoryMiB
	}
	if change.CPU != nil {
		m.CPU = *change.CPU
	}
	if change.MachineType != nil {
		m.Type = *change.MachineType
	}
	if change.Agent != nil {
		m.Agent = *change.Agent
	}
	if change.Restrict != nil {
		m.NICs = withRestrict(m.NICs, change.Restrict)
	}
	if change.NICs != nil {
		m.NICs = withNICs(m.NICs, change.NICs)
	}
	if change.Kernel != nil {
		i.setKernel(*change.Kernel)
	}
	if change.Seed != nil {
		i.setSeed(*change.Seed)
	}
	if change.DiskGiB != nil {
		return i.grow(c, *change.DiskGiB)
	}
	return nil
}

// grow sets the disk's size; 0 leaves it as it is and says that none was asked
// for.
func (i *Instance) grow(c call, gib int) error {
	i.DiskGiB = gib
	size := int64(gib) << 30
	switch disk := i.Machine.Disk; {
	case gib == 0:
	case disk == nil:
		return c.invalid("it has no disk to grow")
	case size < disk.SizeBytes:
		return c.invalid("a disk cannot shrink: it has %.1f GiB", float64(disk.SizeBytes)/(1<<30))
	case i.State == lifecycle.Standby: // its checkpoint is of the present size; it is grown once it runs
	default:
		i.Machine = withSize(i.Machine, size)
	}
	return nil
}

// withRestrict is nics of which some are restricted or are not any more.
func withRestrict(nics []qemu.NIC, restrict map[string]bool) []qemu.NIC {
	nics = slices.Clone(nics)
	for i, nic := range nics {
		if wanted, named := restrict[nic.Key]; named {
			nics[i].Restrict = wanted
		}
	}
	return nics
}

// keepPorts is the forwards with the host ports that those of the same key have,
// where none is given.
func keepPorts(asked, present map[string]qemu.Forward) map[string]qemu.Forward {
	kept := map[string]qemu.Forward{}
	for key, f := range asked {
		if f.HostPort == 0 {
			f.HostPort = present[key].HostPort
		}
		kept[key] = f
	}
	return kept
}

// StopsFor reports whether an instance can be given these forwards only while it
// has no process: passt takes them when it is started.
func (i *Instance) StopsFor(forwards map[string]map[string]qemu.Forward) bool {
	if forwards == nil || !i.State.HasProcess() {
		return false
	}
	present := i.Present()
	return slices.ContainsFunc(i.Machine.NICs, func(nic qemu.NIC) bool {
		return nic.Type == qemu.PasstType && !maps.Equal(keepPorts(forwards[nic.Key], present[nic.Key]), present[nic.Key])
	})
}

// commitUpdate carries a change out: on a running guest by QMP, then in its
// metadata. A seed that is nil stays.
func (h *Host) commitUpdate(ctx context.Context, c call, inst, changed *Instance, seed *Seed) error {
	changed.raw = compact(changed.Record)
	grown := changed.Machine.Disk != nil && changed.Machine.Disk.SizeBytes != inst.Machine.Disk.SizeBytes

	var top, size, grow string
	var lines []string
	if grown {
		top, size = changed.Machine.Disk.Layers[0].File, fmt.Sprint(changed.Machine.Disk.SizeBytes)
	}
	if inst.State.HasProcess() {
		lines = forwardChanges(inst, changed)
		if grown {
			grow = changed.Machine.Stacks()[0].Grow()
		}
	}
	claims, releases := portChanges(inst.Record, changed.Record)
	args := []string{h.DataDir, c.object.String(), inst.UID, inst.raw, changed.raw, top, size, claims, releases,
		otherImage(inst.KernelImage, changed.KernelImage), otherImage(inst.InitrdImage, changed.InitrdImage)}
	args = append(append(append(args, seed.args()...), grow), lines...)
	if _, err := c.write(ctx, updateScript, args...); err != nil {
		return err
	}
	*inst = *changed
	return nil
}

// forwardChanges are the QMP lines that lead from the forwards that there are to
// those that are to be, each with the line that undoes it. What the metadata has
// lost QEMU may still have, in whose place another is to be: its removal is asked
// for first, and may find nothing.
func forwardChanges(from, to *Instance) []string {
	var removed, added []string
	present := from.Present()
	for i, nic := range from.Machine.NICs {
		before, after := present[nic.Key], to.Forwards[nic.Key]
		for _, key := range slices.Sorted(maps.Keys(before)) {
			if after[key] != before[key] {
				removed = append(removed, qemu.RemoveForward(i, before[key]), qemu.AddForward(i, before[key]))
			}
		}
		for _, key := range slices.Sorted(maps.Keys(after)) {
			if after[key] != before[key] {
				added = append(added, qemu.RemoveForward(i, after[key]), "", qemu.AddForward(i, after[key]), qemu.RemoveForward(i, after[key]))
			}
		}
	}
	return append(removed, added...)
}

// portChanges are the host ports that are new and those that are given back.
func portChanges(from, to Record) (claims, releases string) {
	before, after := ports(from.Forwards), ports(to.Forwards)
	return words(without(after, before)), words(without(before, after))
}

// otherImage is what update.sh is to do with a boot file: nothing, give it
// another image's, or take it away.
func otherImage(from, to Ref) string {
	switch to {
	case from:
		return ""
	case Ref{}:
		return "-"
	}
	return to.String()
}
