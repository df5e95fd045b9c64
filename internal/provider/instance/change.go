package instance

import (
	"fmt"
	"maps"
	"reflect"

	"github.com/seed-a7bafb14/terraform-provider-kvm/internal/host"
	"github.com/seed-a7bafb14/terraform-provider-kvm/internal/lifecycle"
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
	change.DiskGiB = other(number(m.DiskGiB, 0), inst.DiskGiB)
	if kernel := m.kernel(); m.ForkOf.IsNull() && kernel != inst.Kernel() { // a fork has its source's
		change.Kernel = &kernel
	}
	change.Forwards = m.forwards(inst)
	return change
}

// other is wanted, unless nothing is or it is there already.
func other(wanted, present int) *int {
	if wanted == 0 || wanted == present {
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

// serves reports whether a forward that is there is the one that is wanted. Any
// host port is, where none is named.
func serves(wanted, present qemu.Forward) bool {
	if wanted.HostPort == 0 {
		wanted.HostPort = present.HostPort
	}
	return wanted == present
}

func isNothing(change host.Change) bool { return reflect.ValueOf(change).IsZero() }

// mayRestart returns an error where a guest may not be stopped for a change: that
// is the user's to allow and the plan's to say. One that is stopped anyway is not
// stopped for it.
func (m *model) mayRestart(state lifecycle.State, planned bool) error {
	switch {
	case state == lifecycle.Panicked, m.goal().state == lifecycle.Stopped:
		return nil
	case !m.AllowRestart.ValueBool():
		return fmt.Errorf("it is %s, the change needs a restart, and allow_restart is false", state)
	case !planned:
		return fmt.Errorf("it is %s, and a restart, which is needed, was not in the plan: its machine is not what it was when that was made. Run terraform plan again, which tells", state)
	}
	return nil
}

// via is the state in which a change can be made, on the way from the one that
// is observed: a machine is changed while there is none.
func via(change host.Change, observed lifecycle.State) lifecycle.State {
	if change.VCPUs != nil || change.MemoryMiB != nil || change.Kernel != nil {
		return lifecycle.Stopped
	}
	return observed
}
