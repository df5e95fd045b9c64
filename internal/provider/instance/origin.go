package instance

import (
	"context"
	"fmt"
	"maps"
	"slices"

	"github.com/hashicorp/terraform-plugin-framework/diag"
	"github.com/hashicorp/terraform-plugin-framework/path"
	"github.com/hashicorp/terraform-plugin-framework/types"

	"github.com/seed-a7bafb14/terraform-provider-kvm/internal/host"
	"github.com/seed-a7bafb14/terraform-provider-kvm/internal/provider/hosts"
	"github.com/seed-a7bafb14/terraform-provider-kvm/internal/qemu"
)

// An origin is something that an instance is made from.
type origin struct {
	path path.Path
	id   types.String
}

// host is the host that it is on; "" while that is not known.
func (o origin) host() string {
	id, err := hosts.ParseID(o.id.ValueString(), host.Images, host.Snapshots, host.Instances)
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

// checkSource finds in the plan, where the source of a fork is there already,
// that the fork could not be what is asked for. A host that cannot be asked now
// is no reason to refuse a plan: the fork itself checks this before it begins.
func (r *instanceResource) checkSource(ctx context.Context, name string, config *model, diags *diag.Diagnostics) {
	named := number(config.VCPUs, 0) != 0 || number(config.MemoryMiB, 0) != 0 || len(config.NetworkInterfaces.Elements()) > 0
	if source := refOf(config.ForkOf); source.Name != "" && named {
		if d, err := r.drive(name); err == nil {
			if machine := machineOf(ctx, d, source); machine != nil {
				config.agree(machine, diags)
			}
		}
	}
}

// machineOf looks the source up in the listing that all reads share; nil when
// it is not there.
func machineOf(ctx context.Context, d driver, source host.Ref) *qemu.Machine {
	if source.Kind == host.Snapshots {
		snapshots, _ := d.Snapshots(ctx)
		for _, snap := range snapshots {
			if snap.Name == source.Name {
				return &snap.Machine
			}
		}
		return nil
	}
	instances, _ := d.Instances(ctx)
	for _, inst := range instances {
		if inst.Name == source.Name {
			return &inst.Machine
		}
	}
	return nil
}

// agree reports where a fork names what its source has otherwise.
func (m *model) agree(source *qemu.Machine, diags *diag.Diagnostics) {
	for _, c := range []struct {
		name        string
		wanted, has int
	}{
		{"vcpus", number(m.VCPUs, 0), source.VCPUs},
		{"memory_mib", number(m.MemoryMiB, 0), source.MemoryMiB},
	} {
		if c.wanted != 0 && c.wanted != c.has {
			diags.AddAttributeError(path.Root(c.name), "A fork takes its machine from its source",
				fmt.Sprintf("%s has %s = %d, and the fork names %d. Leave it out.", m.ForkOf.ValueString(), c.name, c.has, c.wanted))
		}
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
		diags.AddAttributeError(path.Root("network_interfaces"), "A fork takes its machine from its source",
			fmt.Sprintf("%s has the network interfaces %v, and the fork names %v. Leave them out, or name the same.", m.ForkOf.ValueString(), has, wanted))
	}
}
