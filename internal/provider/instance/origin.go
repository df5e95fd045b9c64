package instance

import (
	"cmp"
	"context"
	"fmt"
	"maps"
	"slices"

	"github.com/hashicorp/terraform-plugin-framework/diag"
	"github.com/hashicorp/terraform-plugin-framework/path"
	"github.com/hashicorp/terraform-plugin-framework/types"

	"github.com/seed-a7bafb14/terraform-provider-kvm/internal/host"
	"github.com/seed-a7bafb14/terraform-provider-kvm/internal/lifecycle"
	"github.com/seed-a7bafb14/terraform-provider-kvm/internal/provider/hosts"
	"github.com/seed-a7bafb14/terraform-provider-kvm/internal/provider/report"
	"github.com/seed-a7bafb14/terraform-provider-kvm/internal/qemu"
)

// An origin is something that an instance is made from.
type origin struct {
	path path.Path
	id   types.String
}

// host is the host that it is on; "" while that is not known.
func (o origin) host() string {
	id, err := hosts.ParseID(o.id.ValueString(), host.Images, host.Snapshots, host.Instances, host.Volumes)
	if err != nil {
		return ""
	}
	return id.Host
}

// origins lists what is set of them, known or not.
func (m *model) origins() []origin {
	all := []origin{
		{path.Root("image"), m.Image},
		{path.Root("fork_of"), m.ForkOf},
		{path.Root("kernel").AtName("image"), text(m.Kernel, "image")},
		{path.Root("kernel").AtName("initrd"), text(m.Kernel, "initrd")},
	}
	all = append(append(all, m.diskOrigins("volume")...), m.diskOrigins("image")...)
	return slices.DeleteFunc(all, func(o origin) bool { return o.id.IsNull() })
}

// originHost is the host of what the instance is made from; unknown when none
// of it is known.
func (m *model) originHost() types.String {
	for _, o := range m.origins() {
		if name := o.host(); name != "" {
			return types.StringValue(name)
		}
	}
	return types.StringUnknown()
}

// A source is what the host's listing says of what is to be forked.
type source struct {
	machine *qemu.Machine
	memory  bool  // its forks go on from it
	problem error // why it cannot be forked
	rescue  string
	misses  string // why a fork would miss volumes of it
}

// checkSource finds in the plan, where the source of a fork is there already,
// that it is damaged or that the fork could not be what is asked for. A host that
// cannot be asked now is no reason to refuse a plan: the fork itself checks this
// before it begins.
func (r *instanceResource) checkSource(ctx context.Context, name string, config *model, diags *diag.Diagnostics) {
	ref := refOf(config.ForkOf)
	if ref.Name == "" {
		return
	}
	d, err := r.drive(name)
	if err != nil {
		return
	}
	found := sourceOf(ctx, d, ref)
	switch {
	case found == nil:
	case found.problem != nil:
		diags.AddAttributeError(path.Root("fork_of"), "The source of the fork cannot be forked",
			config.ForkOf.ValueString()+": "+report.Sentence(found.problem.Error())+"\n\nHost: "+name+"\n\n"+report.Sentence(found.rescue)+
				" If the source is to be made anew, apply that on its own first: terraform apply -replace=ADDRESS -target=ADDRESS")
	case found.misses != "":
		diags.AddAttributeError(path.Root("fork_of"), "The source of the fork cannot be forked", report.Sentence(found.misses)+
			"\n\nHost: "+name+"\n\nIf the source is to change, too, apply that first: terraform apply -target=ADDRESS")
	default:
		config.agree(found.machine, diags)
		if found.memory && found.machine.Seed == nil && config.cloudInit() != nil {
			diags.AddAttributeError(atCloudInit, "A fork takes its machine from its source", config.ForkOf.ValueString()+
				" has memory and no seed for cloud-init, and a guest that goes on from there cannot be given one. Leave cloud_init out, give the source one, or fork it while it is stopped.")
		}
	}
}

// sourceOf looks a source up in the listing that all reads share; nil when it
// is not there.
func sourceOf(ctx context.Context, d driver, ref host.Ref) *source {
	if ref.Kind == host.Snapshots {
		switch snap, _ := d.KnownSnapshot(ctx, ref.Name); {
		case snap == nil:
			return nil
		case snap.Problem != "":
			return &source{problem: fmt.Errorf("it is damaged: %s", snap.Problem), rescue: snap.Rescue}
		default:
			return &source{machine: &snap.Machine, memory: snap.Kind == lifecycle.Standby}
		}
	}
	switch inst, _ := d.KnownInstance(ctx, ref.Name); {
	case inst == nil:
		return nil
	case inst.Problem != "" || inst.State == lifecycle.Unknown:
		return &source{problem: refusal(inst), rescue: inst.Rescue}
	default:
		return &source{machine: &inst.Machine, memory: inst.State != lifecycle.Stopped, misses: inst.MissesVolumes()}
	}
}

// agree reports where a fork names what its source has otherwise. That is the
// source as it is now: what the same apply is yet to make of it cannot be seen.
func (m *model) agree(source *qemu.Machine, diags *diag.Diagnostics) {
	refuse := func(name, summary, format string, values ...any) {
		diags.AddAttributeError(path.Root(name), summary, m.ForkOf.ValueString()+" "+report.Text(fmt.Sprintf(format, values...))+
			" Leave "+name+" out, or, if the source is to change, too, apply that first: terraform apply -target=ADDRESS")
	}
	const itsSources = "A fork takes its machine from its source"
	for _, c := range []struct {
		name        string
		wanted, has int
	}{
		{"vcpus", number(m.VCPUs, 0), source.VCPUs},
		{"memory_mib", number(m.MemoryMiB, 0), source.MemoryMiB},
	} {
		if c.wanted != 0 && c.wanted != c.has {
			refuse(c.name, itsSources, "has %s = %d, and the fork names %d.", c.name, c.has, c.wanted)
		}
	}
	for _, c := range []struct{ name, wanted, has string }{
		{"machine_type", m.MachineType.ValueString(), source.Type},
		{"cpu_model", m.CPUModel.ValueString(), source.CPU},
		{"firmware", m.Firmware.ValueString(), source.FirmwareName()},
	} {
		if c.wanted != "" && c.wanted != c.has {
			refuse(c.name, itsSources, "has %s = %q, and the fork names %q.", c.name, c.has, c.wanted)
		}
	}
	if isSet(m.GuestAgent) && m.GuestAgent.ValueBool() != source.Agent {
		refuse("guest_agent", itsSources, "has guest_agent = %t, and the fork names %t.", source.Agent, m.GuestAgent.ValueBool())
	} else if name := m.nameOfRenewal(); name != "" && !source.Agent {
		diags.AddAttributeError(path.Root(name), "No guest agent", m.ForkOf.ValueString()+" has no guest_agent, by which the fork's guest would be told. Leave "+name+" out.")
	}
	if wanted := int64(number(m.DiskGiB, 0)) << 30; wanted > 0 && source.Disk == nil {
		refuse("disk_gib", itsSources, "has no disk.")
	} else if wanted > 0 && wanted < source.Disk.SizeBytes {
		refuse("disk_gib", "A disk never shrinks", "has a disk of %.1f GiB, and the fork's is to have %d GiB.", float64(source.Disk.SizeBytes)/(1<<30), number(m.DiskGiB, 0))
	}
	if m.NetworkInterfaces.IsNull() || m.NetworkInterfaces.IsUnknown() {
		return
	}
	var has []string
	for _, nic := range source.NICs {
		has = append(has, nic.Key)
	}
	slices.Sort(has)
	if wanted := slices.Sorted(maps.Keys(m.NetworkInterfaces.Elements())); !slices.Equal(wanted, has) {
		refuse("network_interfaces", itsSources, "has the network interfaces %v, and the fork names %v.", has, wanted)
	}
	specs := interfaceSpecs(m.NetworkInterfaces)
	for _, nic := range source.NICs {
		spec, named := specs[nic.Key]
		object, _ := known(m.NetworkInterfaces.Elements()[nic.Key])
		switch wanted := cmp.Or(spec.Type, defaultNICType); {
		case !named || text(object, "type").IsUnknown():
		case wanted != nic.Type:
			refuse("network_interfaces", itsSources, "has a network interface %s of type %s, and the fork names %s.", nic.Key, nic.Type, wanted)
		case nic.Type != bridgeNICType && spec.MAC != "" && spec.MAC != nic.MAC:
			refuse("network_interfaces", itsSources, "has %s as the mac_address of its network interface %s, and the fork names %s. It can have one of its own on a bridge only.", nic.MAC, nic.Key, spec.MAC)
		}
	}
	for key, wanted := range m.restrict(*source) {
		refuse("network_interfaces", itsSources, "has restrict = %t on its network interface %s, and the fork names %t.", !wanted, key, wanted)
	}
}
