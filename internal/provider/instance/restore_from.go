package instance

import (
	"context"

	"github.com/hashicorp/terraform-plugin-framework/path"
	"github.com/hashicorp/terraform-plugin-framework/resource/schema"
	"github.com/hashicorp/terraform-plugin-framework/resource/schema/planmodifier"
	"github.com/hashicorp/terraform-plugin-framework/schema/validator"
	"github.com/hashicorp/terraform-plugin-framework/types"

	"github.com/seed-a7bafb14/terraform-provider-kvm/internal/host"
	"github.com/seed-a7bafb14/terraform-provider-kvm/internal/provider/field"
	"github.com/seed-a7bafb14/terraform-provider-kvm/internal/provider/hosts"
)

func restoreFromAttribute() schema.StringAttribute {
	return schema.StringAttribute{
		MarkdownDescription: Effects.Describe("restore_from", "Name or id of a `kvm_snapshot` of this very instance, to which it is restored in place: its disk is the snapshot's again, and so are its memory, `vcpus`, `memory_mib`, `cpu_model` and `machine_type` if the snapshot has memory; name, labels, forwards and the like stay. "+
			"Write it out: the snapshot refers to the instance, so that a reference back would be a cycle. "+
			"It is done once, and remembered on the host: to apply again does nothing. It is done again when another snapshot is named and when this is set again after it was removed; to remove it does nothing to the guest. "+
			"Default: none. An instance that is yet to be made cannot have it; see `fork_of`."),
		Optional: true,
		Validators: []validator.String{field.Valid("the name of a snapshot, or its id such as lab/snapshots/before", func(text string) error {
			_, err := snapshotNamed(text, "")
			return err
		})},
		PlanModifiers: []planmodifier.String{sameSnapshot{}},
	}
}

// snapshotNamed is the snapshot that is named, on a host or by its id.
func snapshotNamed(text, on string) (hosts.ID, error) {
	if host.NamePattern.MatchString(text) {
		return hosts.ID{Host: on, Kind: host.Snapshots, Name: text}, nil
	}
	return hosts.ParseID(text, host.Snapshots)
}

// restorePoint is the snapshot to which the instance is to be restored. It was
// checked when the configuration was validated.
func (m *model) restorePoint() hosts.ID {
	id, _ := snapshotNamed(m.RestoreFrom.ValueString(), m.Host.ValueString())
	return id
}

// fillRestored takes over what the instance was last restored to. Its name stays
// as it was written, after an import it is an id.
func (m *model) fillRestored(inst *host.Instance) {
	if m.RestoreFrom.IsNull() || m.restorePoint().Ref() != inst.RestoredFrom {
		m.RestoreFrom = idValue(m.Host.ValueString(), inst.RestoredFrom)
	}
}

// sameSnapshot takes a name and an id of one snapshot for the same.
type sameSnapshot struct{}

func (sameSnapshot) PlanModifyString(ctx context.Context, req planmodifier.StringRequest, resp *planmodifier.StringResponse) {
	if req.ConfigValue.IsNull() || req.ConfigValue.IsUnknown() || req.StateValue.IsNull() {
		return
	}
	var on types.String
	resp.Diagnostics.Append(req.State.GetAttribute(ctx, path.Root("host"), &on)...)
	was, is := model{Host: on, RestoreFrom: req.StateValue}, model{Host: on, RestoreFrom: req.ConfigValue}
	if was.restorePoint() == is.restorePoint() {
		resp.PlanValue = req.StateValue
	}
}

func (sameSnapshot) Description(context.Context) string {
	return "A name and an id of one snapshot are the same."
}

func (s sameSnapshot) MarkdownDescription(ctx context.Context) string { return s.Description(ctx) }
