package instance

import (
	"slices"
	"strings"

	"github.com/hashicorp/terraform-plugin-framework/attr"
	"github.com/hashicorp/terraform-plugin-framework/datasource/schema"
	"github.com/hashicorp/terraform-plugin-framework/types"

	"github.com/seed-a7bafb14/terraform-provider-kvm/internal/host"
	"github.com/seed-a7bafb14/terraform-provider-kvm/internal/provider/field"
)

// listedAttributes are what is told of each instance, in the words of the
// resource.
func listedAttributes() map[string]schema.Attribute {
	return map[string]schema.Attribute{
		"id":           field.ListedText("Where the instance is: `HOST/instances/NAME`."),
		"uid":          field.ListedText("UUID that was made with the instance."),
		"name":         field.ListedText("Name of the instance."),
		"state":        field.ListedText("What it is: `running`, `standby`, `stopped`, `paused`, `panicked` or `unknown`."),
		"image":        field.ListedText("Id of the image that it was made from, if it was."),
		"fork_of":      field.ListedText("Id of what it was forked from, if it was."),
		"vcpus":        field.ListedNumber("Number of virtual CPUs."),
		"memory_mib":   field.ListedNumber("Memory in MiB."),
		"disk_gib":     field.ListedNumber("Size of the disk in GiB that was asked for, if one was."),
		"machine_type": field.ListedText("QEMU's machine type with its version."),
		"cpu_model":    field.ListedText("QEMU's model of the virtual CPUs."),
		"firmware":     field.ListedText("`bios` or `uefi`."),
		"labels":       schema.MapAttribute{MarkdownDescription: "Labels.", ElementType: types.StringType, Computed: true},
		"created_at":   field.ListedText("When the instance was made, as in RFC 3339, UTC."),
		"network_interfaces": schema.MapNestedAttribute{
			MarkdownDescription: "Network cards by name.",
			Computed:            true,
			NestedObject: schema.NestedAttributeObject{Attributes: map[string]schema.Attribute{
				"type":        field.ListedText("Kind of the network: `user`, `passt` or `bridge`."),
				"bridge":      field.ListedText("Bridge of the host that it is on, if it is named."),
				"network":     field.ListedText("Id of the network that it is on, if it is."),
				"mac_address": field.ListedText("MAC address."),
				"restrict":    schema.BoolAttribute{MarkdownDescription: "Whether the guest is cut off from all but the forwards.", Computed: true},
				"forward": schema.MapNestedAttribute{
					MarkdownDescription: "Ports of the guest that are reachable on the host, by name.",
					Computed:            true,
					NestedObject: schema.NestedAttributeObject{Attributes: map[string]schema.Attribute{
						"guest_port":   field.ListedNumber("Port in the guest."),
						"host_port":    field.ListedNumber("Port on the host."),
						"host_address": field.ListedText("Address on the host."),
						"protocol":     field.ListedText("`tcp` or `udp`."),
					}},
				},
			}},
		},
	}
}

var listedType = field.ListedType(listedAttributes())

// listValue is the instances that have the labels, by name.
func listValue(name string, instances []*host.Instance, labels map[string]string) types.List {
	values := []attr.Value{}
	byName := func(a, b *host.Instance) int { return strings.Compare(a.Name, b.Name) }
	for _, inst := range slices.SortedFunc(slices.Values(instances), byName) {
		if field.HasLabels(inst.Labels, labels) {
			values = append(values, listedValue(name, inst))
		}
	}
	return types.ListValueMust(listedType, values)
}

func listedValue(name string, inst *host.Instance) attr.Value {
	var m model
	m.fill(name, inst)
	return types.ObjectValueMust(listedType.AttrTypes, map[string]attr.Value{
		"id": m.ID, "uid": m.UID, "name": m.Name, "state": m.State,
		"image": m.Image, "fork_of": m.ForkOf,
		"vcpus": m.VCPUs, "memory_mib": m.MemoryMiB, "disk_gib": m.DiskGiB,
		"machine_type": m.MachineType, "cpu_model": m.CPUModel, "firmware": m.Firmware,
		"network_interfaces": m.NetworkInterfaces,
		"labels":             m.Labels,
		"created_at":         m.CreatedAt,
	})
}
