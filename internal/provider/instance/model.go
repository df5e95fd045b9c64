package instance

import (
	"time"

	"github.com/hashicorp/terraform-plugin-framework-timeouts/resource/timeouts"
	"github.com/hashicorp/terraform-plugin-framework/attr"
	"github.com/hashicorp/terraform-plugin-framework/types"

	"github.com/seed-a7bafb14/terraform-provider-kvm/internal/host"
	"github.com/seed-a7bafb14/terraform-provider-kvm/internal/provider/field"
	"github.com/seed-a7bafb14/terraform-provider-kvm/internal/provider/hosts"
)

type model struct {
	ID                 types.String   `tfsdk:"id"`
	UID                types.String   `tfsdk:"uid"`
	Host               types.String   `tfsdk:"host"`
	Name               types.String   `tfsdk:"name"`
	Image              types.String   `tfsdk:"image"`
	ForkOf             types.String   `tfsdk:"fork_of"`
	Kernel             types.Object   `tfsdk:"kernel"`
	CloudInit          types.Object   `tfsdk:"cloud_init"`
	VCPUs              types.Int64    `tfsdk:"vcpus"`
	MemoryMiB          types.Int64    `tfsdk:"memory_mib"`
	DiskGiB            types.Int64    `tfsdk:"disk_gib"`
	State              types.String   `tfsdk:"state"`
	NetworkInterfaces  types.Map      `tfsdk:"network_interfaces"`
	Disks              types.Map      `tfsdk:"disks"`
	RestoreFrom        types.String   `tfsdk:"restore_from"`
	IPAddresses        types.Map      `tfsdk:"ip_addresses"`
	GuestAgent         types.Bool     `tfsdk:"guest_agent"`
	Identity           types.Object   `tfsdk:"identity"`
	OnFork             types.List     `tfsdk:"on_fork"`
	Ready              types.Object   `tfsdk:"ready"`
	StopTimeout        types.String   `tfsdk:"stop_timeout"`
	AllowRestart       types.Bool     `tfsdk:"allow_restart"`
	DeletionProtection types.Bool     `tfsdk:"deletion_protection"`
	Labels             types.Map      `tfsdk:"labels"`
	MachineType        types.String   `tfsdk:"machine_type"`
	CPUModel           types.String   `tfsdk:"cpu_model"`
	Firmware           types.String   `tfsdk:"firmware"`
	CreatedAt          types.String   `tfsdk:"created_at"`
	Timeouts           timeouts.Value `tfsdk:"timeouts"`
}

var kernelType = types.ObjectType{AttrTypes: map[string]attr.Type{
	"image":        types.StringType,
	"initrd":       types.StringType,
	"command_line": types.StringType,
}}

// id is where the instance is.
func (m *model) id() hosts.ID {
	return hosts.ID{Host: m.Host.ValueString(), Kind: host.Instances, Name: m.Name.ValueString()}
}

// fill takes over what is on the host. The settings stay what Terraform knows of
// them; of what is imported it knows none yet, not even the uid.
func (m *model) fill(name string, inst *host.Instance) {
	if m.UID.IsNull() {
		m.recall(inst.Settings)
	}
	m.ID = types.StringValue(hosts.ID{Host: name, Kind: host.Instances, Name: inst.Name}.String())
	m.UID = types.StringValue(inst.UID)
	m.Host = types.StringValue(name)
	m.Name = types.StringValue(inst.Name)
	m.fillOrigin(name, inst)
	m.setDigest(inst.SeedDigest)
	m.VCPUs = types.Int64Value(int64(inst.Machine.VCPUs))
	m.MemoryMiB = types.Int64Value(int64(inst.Machine.MemoryMiB))
	m.DiskGiB = types.Int64Null()
	if inst.DiskGiB != 0 {
		m.DiskGiB = types.Int64Value(int64(inst.DiskGiB))
	}
	m.State = types.StringValue(string(inst.State))
	m.NetworkInterfaces = interfacesValue(name, inst)
	m.GuestAgent = types.BoolValue(inst.Machine.Agent)
	m.Disks = disksValue(name, inst)
	m.DeletionProtection = types.BoolValue(inst.DeletionProtection)
	m.Labels = field.LabelsValue(inst.Labels)
	m.MachineType = types.StringValue(inst.Machine.Type)
	m.CPUModel = types.StringValue(inst.Machine.CPU)
	m.Firmware = types.StringValue(inst.Machine.FirmwareName())
	m.CreatedAt = types.StringValue(inst.CreatedAt.UTC().Format(time.RFC3339))
}

// fillOrigin tells what the instance was made from. A fork has its source's
// kernel and image, but they are not its origin.
func (m *model) fillOrigin(name string, inst *host.Instance) {
	m.Image, m.Kernel = types.StringNull(), types.ObjectNull(kernelType.AttrTypes)
	m.ForkOf = idValue(name, inst.ForkOf)
	if inst.ForkOf != (host.Ref{}) {
		return
	}
	m.Image = idValue(name, inst.Image)
	if inst.KernelImage == (host.Ref{}) {
		return
	}
	commandLine := types.StringNull()
	if kernel := inst.Machine.Kernel; kernel != nil && kernel.CommandLine != "" {
		commandLine = types.StringValue(kernel.CommandLine)
	}
	m.Kernel = types.ObjectValueMust(kernelType.AttrTypes, map[string]attr.Value{
		"image":        idValue(name, inst.KernelImage),
		"initrd":       idValue(name, inst.InitrdImage),
		"command_line": commandLine,
	})
}

// idValue is the id of an object on a host; null when there is none.
func idValue(name string, ref host.Ref) types.String {
	if ref == (host.Ref{}) {
		return types.StringNull()
	}
	return types.StringValue(hosts.ID{Host: name, Kind: ref.Kind, Name: ref.Name}.String())
}

// text is an attribute of an object; null when it is, or the object is.
func text(object types.Object, name string) types.String {
	if object.IsUnknown() {
		return types.StringUnknown()
	}
	value, ok := object.Attributes()[name].(types.String)
	if !ok {
		return types.StringNull()
	}
	return value
}
