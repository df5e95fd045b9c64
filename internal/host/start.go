package host

import (
	"context"
	"errors"
	"strings"

	"github.com/google/uuid"

	"github.com/seed-a7bafb14/terraform-provider-kvm/internal/lifecycle"
	"github.com/seed-a7bafb14/terraform-provider-kvm/internal/qemu"
)

// Start boots a stopped instance. One round trip; one more when its layer turns
// out to have been frozen since it was read, and one when its chain of layers has
// become too long.
func (h *Host) Start(ctx context.Context, inst *Instance) error {
	err := h.launch(ctx, inst, qemu.Boot)
	if errors.Is(err, errFrozen) {
		inst.frozen = true
		err = h.launch(ctx, inst, qemu.Boot)
	}
	if err != nil {
		return err
	}
	return h.flatten(ctx, inst)
}

// Restore lets an instance in standby go on from its checkpoint, whatever its
// size. One round trip; one more when its disk is to be larger than the
// checkpoint's, and one when its chain of layers has become too long.
func (h *Host) Restore(ctx context.Context, inst *Instance) error {
	if err := h.launch(ctx, inst, qemu.Restored); err != nil {
		return err
	}
	if disk := inst.Machine.Disk; disk != nil && int64(inst.DiskGiB)<<30 > disk.SizeBytes {
		if err := h.Update(ctx, inst, Change{DiskGiB: &inst.DiskGiB}); err != nil {
			return err
		}
	}
	return h.flatten(ctx, inst)
}

// launch starts the instance's process, above new disk layers if the present
// ones are not to be written any more.
func (h *Host) launch(ctx context.Context, inst *Instance, role qemu.Role) error {
	verb, mode := "start", "boot"
	if role == qemu.Restored {
		verb, mode = "restore", "restore"
	}
	c := h.call(verb, Instances, inst.Name)
	if inst.Problem != "" {
		return c.invalid("it is damaged: %s", inst.Problem)
	}
	user, err := h.user(ctx)
	if err != nil {
		return err
	}
	record := inst.Record
	var becomes string
	var above, written []string
	for _, stack := range record.Machine.Stacks() {
		if role != qemu.Restored && !inst.frozen {
			written = append(written, stack.Layers[0].File)
			continue
		}
		top := stack.Above(newLayer())
		record.Machine = record.Machine.WithStack(top)
		above = append(above, layerWords(top.Disk))
	}
	machine, saved := record.Machine, record.Machine.NICs
	if role == qemu.Restored {
		saved = inst.saved
	}
	var replace []string
	machine.NICs, record.Machine.NICs, replace = replaced(record.Machine.NICs, saved)
	if len(above) > 0 || len(replace) > 0 {
		becomes = compact(record)
	}
	script, connected := startScript, links(inst.UID, record.Machine.NICs)
	if connected != "" {
		script = bridgeScript + startScript
	}
	process := qemu.Process{
		Role: role, Name: inst.Name, UID: inst.UID, Generation: uuid.NewString(), Forwards: inst.Forwards, User: user,
	}
	passt := machine.Passt(process)
	if passt != nil {
		script = passtScript + script
	}
	args := []string{h.dir(c.object), inst.UID, inst.raw, mode, becomes, words(above), words(written)}
	args = append(args, connected, strings.Join(replace, "\n"), user.Name, yes(inst.Machine.Agent), words(passt), h.QEMUBinary)
	args = append(args, qemu.Args(machine, process)...)
	out, err := c.write(ctx, script, args...)
	if err != nil {
		return err
	}
	h.noteLogin(out)
	if becomes != "" {
		inst.raw = becomes
	}
	inst.Record, inst.State, inst.frozen = record, lifecycle.Running, false
	inst.Asleep = role == qemu.Restored
	return nil
}

// Resume lets a guest go on that somebody has paused. One round trip.
func (h *Host) Resume(ctx context.Context, inst *Instance) error {
	c := h.call("resume", Instances, inst.Name)
	if _, err := c.write(ctx, captureScript+resumeScript, h.dir(c.object), inst.UID); err != nil {
		return err
	}
	inst.State = lifecycle.Running
	return nil
}
