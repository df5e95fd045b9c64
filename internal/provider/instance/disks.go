package instance

import (
	"fmt"
	"maps"
	"slices"

	"github.com/hashicorp/terraform-plugin-framework-validators/mapvalidator"
	"github.com/hashicorp/terraform-plugin-framework-validators/stringvalidator"
	"github.com/hashicorp/terraform-plugin-framework/attr"
	"github.com/hashicorp/terraform-plugin-framework/diag"
	"github.com/hashicorp/terraform-plugin-framework/path"
	"github.com/hashicorp/terraform-plugin-framework/resource/schema"
	"github.com/hashicorp/terraform-plugin-framework/resource/schema/planmodifier"
	"github.com/hashicorp/terraform-plugin-framework/schema/validator"
	"github.com/hashicorp/terraform-plugin-framework/types"

	"github.com/seed-a7bafb14/terraform-provider-kvm/internal/host"
	"github.com/seed-a7bafb14/terraform-provider-kvm/internal/lifecycle"
	"github.com/seed-a7bafb14/terraform-provider-kvm/internal/provider/field"
	"github.com/seed-a7bafb14/terraform-provider-kvm/internal/provider/hosts"
	"github.com/seed-a7bafb14/terraform-provider-kvm/internal/qemu"
)

var diskType = types.ObjectType{AttrTypes: map[string]attr.Type{"volume": types.StringType}}

func disksAttribute() schema.MapNestedAttribute {
	return schema.MapNestedAttribute{
		MarkdownDescription: Effects.Describe("disks", "Disks beside the one that the guest boots from, by a name of your choice, 1 to 20 of `a-z`, `0-9`, `-` and `_`, which the guest sees as the disk's serial number: "+
			"with udev the disk `data` is `/dev/disk/by-id/scsi-0QEMU_QEMU_HARDDISK_data`. At most 64. Default: none.") +
			" A disk that the guest has open, mounted for one, is not taken from it: unmount it first. The disks of an instance in standby are changed by letting it run for that.",
		Optional: true,
		Computed: true,
		Validators: []validator.Map{
			mapvalidator.KeysAre(stringvalidator.RegexMatches(qemu.DiskKeyPattern, "must be 1 to 20 of a-z, 0-9, hyphen and underscore, with a letter or digit first")),
			mapvalidator.NoNullValues(), mapvalidator.SizeAtMost(qemu.MaxDisks),
		},
		PlanModifiers: []planmodifier.Map{inheritedMap{diskType}},
		NestedObject: schema.NestedAttributeObject{Attributes: map[string]schema.Attribute{
			"volume": schema.StringAttribute{
				MarkdownDescription: Effects.Describe("disks.*.volume", "Id of the `kvm_volume` to attach. A volume is attached to one instance at most, and belongs to no snapshot and no fork: "+
					"of an instance that runs or is in standby with a volume no snapshot can be taken and no fork made, of one that is stopped they come without it."),
				Required:   true,
				Validators: []validator.String{field.IsID(host.Volumes)},
			},
		}},
	}
}

// disksValue is what an instance has, never null. A volume that is not there any
// more is none.
func disksValue(name string, inst *host.Instance) types.Map {
	disks := map[string]attr.Value{}
	for key, disk := range inst.Disks() {
		volume := types.StringNull()
		if disk.Volume != "" {
			volume = types.StringValue(hosts.ID{Host: name, Kind: host.Volumes, Name: disk.Volume}.String())
		}
		disks[key] = types.ObjectValueMust(diskType.AttrTypes, map[string]attr.Value{"volume": volume})
	}
	return types.MapValueMust(diskType, disks)
}

// diskSpecs is what is asked for: nil when that was left to the source of a fork.
func diskSpecs(disks types.Map) map[string]host.DiskSpec {
	if disks.IsNull() || disks.IsUnknown() {
		return nil
	}
	specs := make(map[string]host.DiskSpec, len(disks.Elements()))
	for key, value := range disks.Elements() {
		if object, ok := known(value); ok {
			specs[key] = host.DiskSpec{Volume: refOf(text(object, "volume")).Name}
		}
	}
	return specs
}

// disks is the whole set that is asked for; nil when it is there already.
func (m *model) disks(inst *host.Instance) map[string]host.DiskSpec {
	if wanted := diskSpecs(m.Disks); wanted != nil && !maps.Equal(wanted, inst.Disks()) {
		return wanted
	}
	return nil
}

// viaForDisks is the state in which disks can be changed, on the way from the one
// that is observed: what is saved or stands still goes on for it.
func (m *model) viaForDisks(change host.Change, observed lifecycle.State) lifecycle.State {
	switch {
	case change.Disks == nil, observed == lifecycle.Running, observed == lifecycle.Stopped:
		return observed
	case stopsAnyway(observed, m):
		return lifecycle.Stopped
	}
	return lifecycle.Running
}

// diskOrigins are the volumes, which are on the instance's host.
func (m *model) diskOrigins() []origin {
	var all []origin
	for _, key := range slices.Sorted(maps.Keys(m.Disks.Elements())) {
		if object, ok := known(m.Disks.Elements()[key]); ok {
			all = append(all, origin{path.Root("disks").AtMapKey(key).AtName("volume"), text(object, "volume")})
		}
	}
	return all
}

// validateDisks refuses a volume that is to be two disks.
func (m *model) validateDisks(diags *diag.Diagnostics) {
	seen := map[string]path.Path{}
	for _, disk := range m.diskOrigins() {
		id := disk.id.ValueString()
		if other, twice := seen[id]; twice && id != "" {
			diags.AddAttributeError(disk.path, "A volume twice", fmt.Sprintf("%s is %s already, and a volume has one writer: leave one of them out.", id, other))
		}
		seen[id] = disk.path
	}
}
