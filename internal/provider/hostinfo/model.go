package hostinfo

import (
	"github.com/hashicorp/terraform-plugin-framework/types"

	"github.com/seed-a7bafb14/terraform-provider-kvm/internal/host"
)

type model struct {
	Host               types.String `tfsdk:"host"`
	QEMUVersion        types.String `tfsdk:"qemu_version"`
	MachineType        types.String `tfsdk:"machine_type"`
	Accelerator        types.String `tfsdk:"accelerator"`
	AcceleratorWorks   types.Bool   `tfsdk:"accelerator_works"`
	AcceleratorProblem types.String `tfsdk:"accelerator_problem"`
	CPUs               types.Int64  `tfsdk:"cpus"`
	MemoryTotalMiB     types.Int64  `tfsdk:"memory_total_mib"`
	MemoryAvailableMiB types.Int64  `tfsdk:"memory_available_mib"`
	DataDir            types.String `tfsdk:"data_dir"`
	Filesystem         types.String `tfsdk:"filesystem"`
	DataDirTotalBytes  types.Int64  `tfsdk:"data_dir_total_bytes"`
	DataDirFreeBytes   types.Int64  `tfsdk:"data_dir_free_bytes"`
	Kernel             types.String `tfsdk:"kernel"`
	Instances          types.Int64  `tfsdk:"instances"`
	RunningInstances   types.Int64  `tfsdk:"running_instances"`
	Snapshots          types.Int64  `tfsdk:"snapshots"`
	Images             types.Int64  `tfsdk:"images"`
}

func modelOf(name string, facts *host.Facts) model {
	number := func(n int) types.Int64 { return types.Int64Value(int64(n)) }
	return model{
		Host:               types.StringValue(name),
		QEMUVersion:        types.StringValue(facts.QEMUVersion),
		MachineType:        types.StringValue(facts.MachineType),
		Accelerator:        types.StringValue(facts.Accelerator),
		AcceleratorWorks:   types.BoolValue(facts.AcceleratorWorks),
		AcceleratorProblem: types.StringValue(facts.AcceleratorProblem),
		CPUs:               number(facts.CPUs),
		MemoryTotalMiB:     types.Int64Value(facts.MemoryTotalMiB),
		MemoryAvailableMiB: types.Int64Value(facts.MemoryAvailableMiB),
		DataDir:            types.StringValue(facts.DataDir),
		Filesystem:         types.StringValue(facts.Filesystem),
		DataDirTotalBytes:  types.Int64Value(facts.DataDirTotalBytes),
		DataDirFreeBytes:   types.Int64Value(facts.DataDirFreeBytes),
		Kernel:             types.StringValue(facts.Kernel),
		Instances:          number(facts.Instances),
		RunningInstances:   number(facts.Running),
		Snapshots:          number(facts.Snapshots),
		Images:             number(facts.Images),
	}
}
