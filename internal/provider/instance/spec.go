package instance

import (
	"time"

	"github.com/hashicorp/terraform-plugin-framework/types"

	"github.com/seed-a7bafb14/terraform-provider-kvm/internal/host"
	"github.com/seed-a7bafb14/terraform-provider-kvm/internal/lifecycle"
	"github.com/seed-a7bafb14/terraform-provider-kvm/internal/provider/field"
	"github.com/seed-a7bafb14/terraform-provider-kvm/internal/provider/hosts"
)

// spec is the instance that is asked for, when it is not a fork. What is
// still unknown when it is made was left out.
func (m *model) spec() host.InstanceSpec {
	spec := host.InstanceSpec{
		Name:               m.Name.ValueString(),
		Image:              refOf(m.Image).Name,
		VCPUs:              number(m.VCPUs, defaultVCPUs),
		MemoryMiB:          number(m.MemoryMiB, defaultMemoryMiB),
		CPU:                m.CPUModel.ValueString(),
		MachineType:        m.MachineType.ValueString(),
		Firmware:           m.Firmware.ValueString(),
		DiskGiB:            number(m.DiskGiB, 0),
		Interfaces:         interfaceSpecs(m.NetworkInterfaces),
		Agent:              m.GuestAgent.ValueBool(),
		Labels:             field.LabelsOf(m.Labels),
		DeletionProtection: m.DeletionProtection.ValueBool(),
		Settings:           field.Note(m.settings()),
	}
	if kernel := m.kernel(); kernel.Image != "" {
		spec.Kernel = &kernel
	}
	return spec
}

// kernel is what is asked to boot from; it has no image when that is the disk.
func (m *model) kernel() host.KernelSpec {
	return host.KernelSpec{
		Image:       refOf(text(m.Kernel, "image")).Name,
		Initrd:      refOf(text(m.Kernel, "initrd")).Name,
		CommandLine: text(m.Kernel, "command_line").ValueString(),
	}
}

// forkSpec is the fork that is asked for.
func (m *model) forkSpec() host.ForkSpec {
	return host.ForkSpec{
		Name:               m.Name.ValueString(),
		Source:             refOf(m.ForkOf),
		DiskGiB:            number(m.DiskGiB, 0),
		Interfaces:         interfaceSpecs(m.NetworkInterfaces),
		VCPUs:              number(m.VCPUs, 0),
		MemoryMiB:          number(m.MemoryMiB, 0),
		Agent:              pointer(m.GuestAgent),
		Renewal:            m.renewal(),
		MustRenew:          m.asksToRenew(),
		CPU:                m.CPUModel.ValueString(),
		MachineType:        m.MachineType.ValueString(),
		Firmware:           m.Firmware.ValueString(),
		Labels:             field.LabelsOf(m.Labels),
		DeletionProtection: m.DeletionProtection.ValueBool(),
		Settings:           field.Note(m.settings()),
	}
}

// goal is where the instance should be led, and how.
func (m *model) goal() goal {
	return goal{
		state:       lifecycle.State(m.State.ValueString()),
		ready:       m.check(),
		stopTimeout: duration(m.StopTimeout, defaultStopTimeout),
	}
}

func (m *model) check() *host.Check {
	if m.Ready.IsNull() {
		return nil
	}
	port, _ := m.Ready.Attributes()["port"].(types.Int64)
	return &host.Check{
		Kind:    text(m.Ready, "check").ValueString(),
		Port:    int(port.ValueInt64()),
		Path:    text(m.Ready, "path").ValueString(),
		Pattern: text(m.Ready, "pattern").ValueString(),
		Timeout: duration(text(m.Ready, "timeout"), defaultReadyTimeout),
	}
}

// refOf is the object that an id names; none for what is left out. Ids were
// checked when the configuration was validated.
func refOf(id types.String) host.Ref {
	parsed, err := hosts.ParseID(id.ValueString(), host.Images, host.Snapshots, host.Instances, host.Volumes, host.Networks)
	if err != nil {
		return host.Ref{}
	}
	return parsed.Ref()
}

func number(value types.Int64, byDefault int) int {
	if value.IsNull() || value.IsUnknown() {
		return byDefault
	}
	return int(value.ValueInt64())
}

// duration reads what was checked when the configuration was validated.
func duration(value types.String, byDefault string) time.Duration {
	d, err := time.ParseDuration(value.ValueString())
	if err != nil {
		d, _ = time.ParseDuration(byDefault)
	}
	return d
}
