package instance

import (
	"fmt"
	"maps"
	"slices"

	"github.com/hashicorp/terraform-plugin-framework-validators/int64validator"
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
	"github.com/seed-a7bafb14/terraform-provider-kvm/internal/qemu"
)

var diskType = types.ObjectType{AttrTypes: map[string]attr.Type{"volume": types.StringType, "image": types.StringType, "size_gib": types.Int64Type}}

func disksAttribute() schema.MapNestedAttribute {
	return schema.MapNestedAttribute{
		MarkdownDescription: Effects.Describe("disks", "Disks beside the one that the guest boots from, by a name of your choice, 1 to 20 of `a-z`, `0-9`, `-` and `_`, which the guest sees as the disk's serial number: "+
			"with udev the disk `data` is `/dev/disk/by-id/scsi-0QEMU_QEMU_HARDDISK_data`. At most 64. Default: none; on a fork those of its source that are no volumes.") +
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
				Optional:   true,
				Validators: []validator.String{field.IsID(host.Volumes)},
			},
			"image": schema.StringAttribute{
				MarkdownDescription: Effects.Describe("disks.*.image", "Id of the `kvm_image` that a disk of the instance's own begins with, as a copy-on-write layer over it. Another one replaces the disk, and what is on it is lost. "+
					"An image that is made anew under the same name replaces no disk. Default: the disk begins empty."),
				Optional:   true,
				Validators: []validator.String{field.IsID(host.Images)},
			},
			"size_gib": schema.Int64Attribute{
				MarkdownDescription: Effects.Describe("disks.*.size_gib", "Size in GiB of a disk of the instance's own, instead of a `volume`: it is made empty, or from an `image`, is part of the instance's snapshots and forks, at the same instant as all of its disks, and is deleted with it, or when it is left out here. It grows while the instance runs; to make it smaller is an error in the plan. Default: the size of the `image`."),
				Optional:            true,
				Validators:          []validator.Int64{int64validator.Between(1, mostDiskGiB)},
			},
		}},
	}
}

// disksValue is what an instance has, never null. A volume that is not there any
// more is none, nor is a disk that somebody has taken from QEMU: all of it is null.
func disksValue(name string, inst *host.Instance) types.Map {
	disks := map[string]attr.Value{}
	for key, disk := range inst.Disks() {
		volume, image := types.StringNull(), types.StringNull()
		if disk.Volume != "" {
			volume = idValue(name, host.Ref{Kind: host.Volumes, Name: disk.Volume})
		}
		if disk.Image != "" {
			image = idValue(name, host.Ref{Kind: host.Images, Name: disk.Image})
		}
		size := types.Int64Null()
		if disk.SizeGiB != 0 {
			size = types.Int64Value(int64(disk.SizeGiB))
		}
		disks[key] = types.ObjectValueMust(diskType.AttrTypes, map[string]attr.Value{"volume": volume, "image": image, "size_gib": size})
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
			size, _ := object.Attributes()["size_gib"].(types.Int64)
			specs[key] = host.DiskSpec{Volume: refOf(text(object, "volume")).Name, Image: refOf(text(object, "image")).Name, SizeGiB: int(size.ValueInt64())}
		}
	}
	return specs
}

// disks is the whole set that is asked for, or, where that was left to the source of
// a fork, that it is to have; nil when it is there already.
func (m *model) disks(inst *host.Instance) map[string]host.DiskSpec {
	wanted := diskSpecs(m.Disks)
	if wanted == nil {
		wanted = inst.Recorded()
	}
	if maps.Equal(wanted, inst.Disks()) {
		return nil
	}
	return wanted
}

// lacksDisk reports whether one of the disks that were read is none, as disksValue
// tells it.
func lacksDisk(disks types.Map) bool {
	for _, disk := range diskSpecs(disks) {
		if disk == (host.DiskSpec{}) {
			return true
		}
	}
	return false
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

// diskOrigins are the volumes, or the images of disks, which are on the instance's
// host.
func (m *model) diskOrigins(attribute string) []origin {
	var all []origin
	for _, key := range slices.Sorted(maps.Keys(m.Disks.Elements())) {
		if object, ok := known(m.Disks.Elements()[key]); ok {
			all = append(all, origin{path.Root("disks").AtMapKey(key).AtName(attribute), text(object, attribute)})
		}
	}
	return all
}

// validateDisks refuses a volume that is to be two disks, and a disk that is not
// either a volume or of a size or an image.
func (m *model) validateDisks(diags *diag.Diagnostics) {
	for _, key := range slices.Sorted(maps.Keys(m.Disks.Elements())) {
		object, ok := known(m.Disks.Elements()[key])
		if !ok {
			continue
		}
		volume, image, size := object.Attributes()["volume"], object.Attributes()["image"], object.Attributes()["size_gib"]
		at := path.Root("disks").AtMapKey(key)
		switch {
		case isSet(volume) && isSet(image):
			diags.AddAttributeError(at.AtName("image"), "Two kinds of disk", "A volume has what it was made with, and a disk with image is no volume: leave out volume, or image. A kvm_volume can be made from an image.")
		case isSet(volume) && isSet(size):
			diags.AddAttributeError(at.AtName("size_gib"), "Two kinds of disk", "A volume has its own size, and a disk with size_gib is no volume: leave out volume, or size_gib.")
		case volume.IsNull() && image.IsNull() && size.IsNull():
			diags.AddAttributeError(at, "No disk", "A disk is a volume, or one of the instance's own: set volume, or size_gib, image, or both.")
		}
	}
	seen := map[string]path.Path{}
	for _, disk := range m.diskOrigins("volume") {
		id := disk.id.ValueString()
		if other, twice := seen[id]; twice && id != "" {
			diags.AddAttributeError(disk.path, "A volume twice", fmt.Sprintf("%s is %s already, and a volume has one writer: leave one of them out.", id, other))
		}
		seen[id] = disk.path
	}
}

// planDisks warns of disks of the instance's own that are deleted, and refuses one
// that is to be smaller.
func planDisks(before, plan *model, diags *diag.Diagnostics) {
	wanted := diskSpecs(plan.Disks)
	if wanted == nil {
		return
	}
	for key, has := range diskSpecs(before.Disks) {
		at := path.Root("disks").AtMapKey(key)
		disk, stays := wanted[key]
		switch {
		case !has.IsOwn(), plan.Disks.Elements()[key] != nil && !isDiskKnown(plan.Disks.Elements()[key]):
		case !stays || !disk.IsSame(has):
			diags.AddAttributeWarning(at, "Disk "+key+" of instance "+before.Name.ValueString()+" is deleted",
				"It is one of the instance's own, and goes with what is on it.\n\nHost: "+before.Host.ValueString())
		case disk.SizeGiB != 0 && disk.SizeGiB < has.SizeGiB:
			diags.AddAttributeError(at.AtName("size_gib"), "A disk never shrinks",
				fmt.Sprintf("The disk %s has %d GiB, and %d GiB are asked for. To have a smaller one, give it another name.", key, has.SizeGiB, disk.SizeGiB))
		}
	}
}

// isDiskKnown reports whether it can be told what a disk is to be.
func isDiskKnown(value attr.Value) bool {
	object, ok := known(value)
	return ok && !object.Attributes()["volume"].IsUnknown() && !object.Attributes()["image"].IsUnknown() && !object.Attributes()["size_gib"].IsUnknown()
}
