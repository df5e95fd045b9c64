package instance

import (
	"fmt"
	"maps"
	"reflect"
	"slices"

	"github.com/hashicorp/terraform-plugin-framework/path"
	"github.com/hashicorp/terraform-plugin-framework/types"
	"github.com/hashicorp/terraform-plugin-go/tftypes"

	"github.com/seed-a7bafb14/terraform-provider-kvm/internal/host"
	"github.com/seed-a7bafb14/terraform-provider-kvm/internal/lifecycle"
	"github.com/seed-a7bafb14/terraform-provider-kvm/internal/provider/effect"
	"github.com/seed-a7bafb14/terraform-provider-kvm/internal/provider/field"
	"github.com/seed-a7bafb14/terraform-provider-kvm/internal/qemu"
)

// change is what has to be changed of an instance to make it what is asked for.
// It starts from the instance as it is, not as Terraform remembers it, so that
// a change that was half done is finished and one that was done is not repeated.
func (m *model) change(inst *host.Instance) host.Change {
	var change host.Change
	if labels := field.LabelsOf(m.Labels); !maps.Equal(labels, inst.Labels) {
		change.Labels = &labels
	}
	if protect := m.DeletionProtection.ValueBool(); protect != inst.DeletionProtection {
		change.DeletionProtection = &protect
	}
	if settings := m.settings(); !field.IsNoted(inst.Settings, settings) {
		change.Settings = field.Note(settings)
	}
	change.ForgetRestored = m.RestoreFrom.IsNull() && inst.RestoredFrom != (host.Ref{})
	change.VCPUs = other(number(m.VCPUs, 0), inst.Machine.VCPUs)
	change.MemoryMiB = other(number(m.MemoryMiB, 0), inst.Machine.MemoryMiB)
	change.CPU = other(m.CPUModel.ValueString(), inst.Machine.CPU)
	change.MachineType = other(m.MachineType.ValueString(), inst.Machine.Type)
	change.DiskGiB = other(number(m.DiskGiB, 0), inst.DiskGiB)
	if kernel := m.kernel(); m.ForkOf.IsNull() && kernel != inst.Kernel() { // a fork has its source's
		change.Kernel = &kernel
	}
	if agent := pointer(m.GuestAgent); agent != nil && *agent != inst.Machine.Agent {
		change.Agent = agent
	}
	if renewal := m.renewal(); inst.Renewal != nil && !reflect.DeepEqual(renewal, *inst.Renewal) {
		change.Renewal = &renewal
	}
	change.Restrict = m.restrict(inst.Machine)
	change.NICs = m.nics(inst.Machine)
	change.Forwards = m.forwards(inst)
	change.Disks = m.disks(inst)
	return change
}

// other is wanted, unless nothing is or it is there already.
func other[T comparable](wanted, present T) *T {
	if none := *new(T); wanted == none || wanted == present {
		return nil
	}
	return &wanted
}

// forwards is the whole set that is asked for; nil when it is there already.
func (m *model) forwards(inst *host.Instance) map[string]map[string]qemu.Forward {
	wanted := map[string]map[string]qemu.Forward{}
	present, differ := inst.Present(), false
	for key, spec := range interfaceSpecs(m.NetworkInterfaces) {
		wanted[key] = spec.Forwards
		if spec.Forwards == nil { // left to the source of the fork
			wanted[key] = inst.Forwards[key]
		}
		differ = differ || !maps.EqualFunc(wanted[key], present[key], serves)
	}
	if !differ {
		return nil
	}
	return wanted
}

// restrict is what is to be restricted and is not, and the other way round; nil
// when nothing is.
func (m *model) restrict(machine qemu.Machine) map[string]bool {
	var differ map[string]bool
	specs := interfaceSpecs(m.NetworkInterfaces)
	for _, nic := range machine.NICs {
		if wanted := specs[nic.Key].Restrict; wanted != nil && *wanted != nic.Restrict {
			if differ == nil {
				differ = map[string]bool{}
			}
			differ[nic.Key] = *wanted
		}
	}
	return differ
}

// nics is what of network interfaces is to be another address or bridge; nil when
// nothing is.
func (m *model) nics(machine qemu.Machine) map[string]host.NICChange {
	var differ map[string]host.NICChange
	specs := interfaceSpecs(m.NetworkInterfaces)
	for _, nic := range machine.NICs {
		var change host.NICChange
		spec := specs[nic.Key]
		if spec.MAC != nic.MAC {
			change.MAC = spec.MAC
		}
		if spec.Bridge != nic.Bridge || spec.Network != nic.Network {
			change.Bridge, change.Network = spec.Bridge, spec.Network
		}
		if change != (host.NICChange{}) {
			if differ == nil {
				differ = map[string]host.NICChange{}
			}
			differ[nic.Key] = change
		}
	}
	return differ
}

// serves reports whether a forward that is there is the one that is wanted. Any
// host port is, where none is named.
func serves(wanted, present qemu.Forward) bool {
	if wanted.HostPort == 0 {
		wanted.HostPort = present.HostPort
	}
	return wanted == present
}

func isNothing(change host.Change) bool { return reflect.ValueOf(change).IsZero() }

// An announced says what the plan did that costs what a guest has in memory, or
// more: only that is done.
type announced struct {
	restart, rollback bool
	seed              *host.Seed // that the instance is to have; nil: the one it has
}

// planned is what a plan, m from the state and plan, announces; with a secret of
// its cloud_init.
func (m *model) planned(plan *model, from, to tftypes.Value, secret types.String) (was announced, err error) {
	was.restart = len(m.restarts(plan, from, to)) > 0
	was.rollback = len(Effects.Changed(effect.Rollback, from, to)) > 0
	was.seed, err = m.plannedSeed(plan, was.rollback, secret)
	return was, err
}

// replacements lists what differs between state and plan and replaces the
// instance. The state of an older version has no firmware, and the instance BIOS.
func (m *model) replacements(plan *model, from, to tftypes.Value) path.Paths {
	isOlder := m.Firmware.IsNull() && plan.Firmware.ValueString() != qemu.FirmwareUEFI
	return slices.DeleteFunc(Effects.Changed(effect.Replace, from, to), func(at path.Path) bool {
		return isOlder && at.Equal(path.Root("firmware"))
	})
}

// restarts lists what differs between state and plan and restarts the instance.
func (m *model) restarts(plan *model, from, to tftypes.Value) path.Paths {
	if m.State.ValueString() == string(lifecycle.Stopped) || stopsAnyway(lifecycle.State(m.State.ValueString()), plan) {
		return nil
	}
	return slices.Concat(Effects.Changed(effect.Restart, from, to), m.passtChanges(from, to), m.seedChanges(effect.Restart, plan, from, to))
}

// stopsAnyway reports whether an instance is to be stopped, whatever else is to
// change: it is not stopped for that.
func stopsAnyway(state lifecycle.State, wanted *model) bool {
	return state == lifecycle.Panicked || wanted.State.ValueString() == string(lifecycle.Stopped)
}

// mayRestart returns an error where a guest may not be stopped for a change: that
// is the user's to allow and the plan's to say.
func (m *model) mayRestart(state lifecycle.State, was announced) error {
	switch {
	case stopsAnyway(state, m):
		return nil
	case !m.AllowRestart.ValueBool():
		return fmt.Errorf("it is %s, the change needs a restart, and allow_restart is false", state)
	case !was.restart:
		return fmt.Errorf("it is %s, and a restart, which is needed, was not in the plan: it is not what it was when that was made. Run terraform plan again, which tells", state)
	}
	return nil
}

// withoutStop is what of an instance's change needs none.
func withoutStop(change host.Change, inst *host.Instance) host.Change {
	if inst.StopsFor(change.Forwards) {
		change.Forwards = nil
	}
	change.VCPUs, change.MemoryMiB, change.Kernel, change.Agent, change.Restrict, change.Seed = nil, nil, nil, nil, nil, nil
	change.CPU, change.MachineType, change.NICs = nil, nil, nil
	return change
}

// via is the state in which a change can be made, on the way from the one that
// is observed: a machine is changed while there is none. One that was taken back
// to its memory goes on with that, and reads another seed when it boots next.
func (a announced) via(change host.Change, inst *host.Instance) lifecycle.State {
	if a.rollback && inst.State == lifecycle.Standby {
		change.Seed = nil
	}
	if reflect.DeepEqual(change, withoutStop(change, inst)) {
		return inst.State
	}
	return lifecycle.Stopped
}
