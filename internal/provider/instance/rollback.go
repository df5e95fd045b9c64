package instance

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/hashicorp/terraform-plugin-framework/diag"
	"github.com/hashicorp/terraform-plugin-framework/path"
	"github.com/hashicorp/terraform-plugin-log/tflog"

	"github.com/seed-a7bafb14/terraform-provider-kvm/internal/host"
	"github.com/seed-a7bafb14/terraform-provider-kvm/internal/lifecycle"
	"github.com/seed-a7bafb14/terraform-provider-kvm/internal/provider/report"
)

var atRestoreFrom = path.Root("restore_from")

// refuseToRestore reports a snapshot to which an instance is to be restored that
// does not exist yet: there can be none of it.
func (m *model) refuseToRestore(diags *diag.Diagnostics) {
	if !m.RestoreFrom.IsNull() && !m.RestoreFrom.IsUnknown() {
		diags.AddAttributeError(atRestoreFrom, "Nothing to restore",
			"The instance is yet to be made, and only one that exists can be restored to a snapshot of it. Leave out restore_from; to start from a snapshot, use fork_of.")
	}
}

// planRollback warns of what a rollback costs, and refuses one that cannot be.
// What cannot be looked at now is checked again before the first side effect.
func (r *instanceResource) planRollback(ctx context.Context, before, plan *model, diags *diag.Diagnostics) {
	name, where := before.Name.ValueString(), "\n\nHost: "+before.Host.ValueString()
	refuse := func(at path.Path, text string) {
		diags.AddAttributeError(at, "Unable to restore instance "+name, text+where)
	}
	if plan.RestoreFrom.IsUnknown() {
		diags.AddAttributeWarning(atRestoreFrom, "The instance "+name+" may be restored to a snapshot",
			"The value of restore_from is not known yet. If it names another snapshot than the last time, what was written to disk and memory since that was taken is lost."+where)
		return
	}
	id := plan.restorePoint()
	state := lifecycle.State(before.State.ValueString())
	switch {
	case id.Host != before.Host.ValueString():
		refuse(atRestoreFrom, fmt.Sprintf("Snapshot %s is on another host, and an instance is restored to a snapshot of its own.", id))
		return
	case plan.forbidsToEnd(state):
		refuse(atRestoreFrom, fmt.Sprintf("It is %s, to restore it ends its process, and allow_restart is false.", state))
		return
	}
	snap, err := r.snapshot(ctx, id.Host, id.Name)
	switch {
	case errors.Is(err, host.ErrNotFound):
		refuse(atRestoreFrom, fmt.Sprintf("There is no snapshot %s. Take it first, in an apply of its own.", id.Name))
	case err != nil:
		diags.AddAttributeWarning(atRestoreFrom, "The instance "+name+" is restored to snapshot "+id.Name,
			"What was written to disk and memory since that was taken is lost. The snapshot could not be looked at: "+report.Sentence(err.Error())+where)
	default:
		if unfit := unfitness(before.UID.ValueString(), snap); unfit != "" {
			refuse(atRestoreFrom, unfit)
			return
		}
		if inst, err := r.get(ctx, before.id()); err == nil && (inst.Unreadable || inst.State == lifecycle.Unknown && inst.Problem == "") {
			refuse(atRestoreFrom, report.Sentence(refusal(inst).Error()))
			return
		}
		conflicts := plan.conflicts(snap)
		for _, c := range conflicts {
			refuse(c.at, c.text)
		}
		if len(conflicts) > 0 {
			return
		}
		diags.AddAttributeWarning(atRestoreFrom, "The instance "+name+" is restored to snapshot "+id.Name, loss(snap, state, plan.stateInWords())+where)
	}
}

func (r *instanceResource) snapshot(ctx context.Context, on, name string) (*host.Snapshot, error) {
	d, err := r.drive(on)
	if err != nil {
		return nil, err
	}
	return d.Snapshot(ctx, name)
}

// forbidsToEnd reports whether an instance in that state must not be ended.
func (m *model) forbidsToEnd(state lifecycle.State) bool {
	runs := state == lifecycle.Running || state == lifecycle.Paused
	return runs && !m.AllowRestart.IsUnknown() && !m.AllowRestart.ValueBool()
}

// loss says what a rollback does.
func loss(snap *host.Snapshot, state lifecycle.State, desired string) string {
	with, from, ends := "with its memory", "goes on from there", ""
	if snap.Kind == lifecycle.Stopped {
		with, from = "without memory", "boots from there when it runs next"
	}
	if state.HasProcess() {
		ends = " Its process is ended, its guest is not shut down."
	}
	return fmt.Sprintf("The snapshot was taken at %s, %s. All that was written to the instance's disk and memory since is lost.%s It %s, and is led to %s.",
		snap.CreatedAt.UTC().Format(time.RFC3339), with, ends, from, desired)
}

// unfitness says why an instance of that uid cannot be restored to a snapshot;
// "" when it can.
func unfitness(uid string, snap *host.Snapshot) string {
	switch {
	case snap.InstanceUID != uid:
		return fmt.Sprintf("Snapshot %s is of another instance (%s, uid %s), and an instance is restored to a snapshot of its own only. To start from another's, make a fork: fork_of.", snap.Name, snap.Instance.Name, snap.InstanceUID)
	case snap.Problem != "":
		return fmt.Sprintf("Snapshot %s is damaged: %s", snap.Name, report.Text(snap.Problem)+".")
	}
	return ""
}

// A conflict is where something else is asked for than a snapshot has.
type conflict struct {
	at   path.Path
	text string
}

// conflicts are those with a snapshot whose disk is larger, or whose memory goes
// on: its machine cannot be another one without a restart, which would lose what
// is restored.
func (m *model) conflicts(snap *host.Snapshot) []conflict {
	var found []conflict
	switch disk, gib := snap.Machine.Disk, number(m.DiskGiB, 0); {
	case gib == 0:
	case disk == nil:
		found = append(found, conflict{path.Root("disk_gib"), fmt.Sprintf("Snapshot %s has no disk. Leave disk_gib out.", snap.Name)})
	case int64(gib)<<30 < disk.SizeBytes:
		found = append(found, conflict{path.Root("disk_gib"), fmt.Sprintf("The disk of snapshot %s has %.1f GiB, %d GiB are asked for, and a disk never shrinks.", snap.Name, float64(disk.SizeBytes)/(1<<30), gib)})
	}
	if snap.Kind == lifecycle.Stopped {
		return found
	}
	compare := func(at path.Path, known bool, wanted, has any) {
		if known && wanted != has {
			found = append(found, conflict{at, fmt.Sprintf("Snapshot %s goes on with the machine that it has: %s = %#v, and %#v is asked for. Ask for what it has; it can be changed later.", snap.Name, at, has, wanted)})
		}
	}
	vcpus, memory := number(m.VCPUs, 0), number(m.MemoryMiB, 0)
	compare(path.Root("vcpus"), vcpus != 0, vcpus, snap.Machine.VCPUs)
	compare(path.Root("memory_mib"), memory != 0, memory, snap.Machine.MemoryMiB)
	machineType, cpu := m.MachineType.ValueString(), m.CPUModel.ValueString()
	compare(path.Root("machine_type"), machineType != "", machineType, snap.Machine.Type)
	compare(path.Root("cpu_model"), cpu != "", cpu, snap.Machine.CPU)
	for key, wanted := range m.restrict(snap.Machine) {
		compare(path.Root("network_interfaces").AtMapKey(key).AtName("restrict"), true, wanted, !wanted)
	}
	if !m.ForkOf.IsNull() { // which has its source's kernel
		return found
	}
	wanted, has := m.kernel(), snap.Kernel()
	for _, part := range []struct{ name, wanted, has string }{
		{"image", wanted.Image, has.Image}, {"initrd", wanted.Initrd, has.Initrd}, {"command_line", wanted.CommandLine, has.CommandLine},
	} {
		compare(path.Root("kernel").AtName(part.name), !text(m.Kernel, part.name).IsUnknown(), part.wanted, part.has)
	}
	return found
}

// rollBack restores an instance to the snapshot that m names, unless that was
// done before. It returns the instance as it is then.
func rollBack(ctx context.Context, d driver, inst *host.Instance, m *model, was announced) (*host.Instance, error) {
	if m.RestoreFrom.IsNull() {
		return inst, nil
	}
	for attempt := 1; ; attempt++ {
		if inst.RestoredFrom == m.restorePoint().Ref() {
			return inst, nil
		}
		if !was.rollback {
			return inst, errors.New("somebody else has restored it, or has had that forgotten, since the plan was made, which does not restore it. Run terraform plan again, which tells")
		}
		snap, err := d.Snapshot(ctx, m.restorePoint().Name)
		if err != nil {
			return inst, err
		}
		if err := m.mayRestore(inst, snap); err != nil {
			return inst, err
		}
		if err := checkAfter(ctx, d, inst, snap, m); err != nil {
			return inst, err
		}
		err = overdue(ctx, "rollback", inst.State, d.Rollback(ctx, inst, snap))
		tflog.Info(ctx, "instance: rollback", map[string]any{"instance": inst.Name, "uid": inst.UID, "snapshot": snap.Name, "snapshot_uid": snap.UID, "ok": err == nil})
		if err == nil {
			return inst, nil
		}
		if inst, err = again(ctx, d, inst, attempt, err); err != nil {
			return inst, err
		}
	}
}

// checkAfter finds what would be refused of the changes that follow a rollback.
func checkAfter(ctx context.Context, d driver, inst *host.Instance, snap *host.Snapshot, m *model) error {
	then := *inst
	then.State, then.Machine, then.KernelImage, then.InitrdImage = snap.Kind, snap.Machine, snap.KernelImage, snap.InitrdImage
	return d.Check(ctx, &then, m.change(&then))
}

// mayRestore checks what the plan checked, of what is there now.
func (m *model) mayRestore(inst *host.Instance, snap *host.Snapshot) error {
	if m.forbidsToEnd(inst.State) {
		return fmt.Errorf("to restore it ends its process, it is %s, and allow_restart is false", inst.State)
	}
	if unfit := unfitness(inst.UID, snap); unfit != "" {
		return errors.New(unfit)
	}
	for _, c := range m.conflicts(snap) {
		return errors.New(c.text)
	}
	return nil
}
