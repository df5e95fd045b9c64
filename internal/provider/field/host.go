package field

import (
	"context"
	"errors"

	"github.com/hashicorp/terraform-plugin-framework-validators/stringvalidator"
	"github.com/hashicorp/terraform-plugin-framework/path"
	"github.com/hashicorp/terraform-plugin-framework/resource"
	"github.com/hashicorp/terraform-plugin-framework/resource/schema"
	"github.com/hashicorp/terraform-plugin-framework/resource/schema/planmodifier"
	"github.com/hashicorp/terraform-plugin-framework/resource/schema/stringplanmodifier"
	"github.com/hashicorp/terraform-plugin-framework/schema/validator"
	"github.com/hashicorp/terraform-plugin-framework/types"

	"github.com/seed-a7bafb14/terraform-provider-kvm/internal/host"
	"github.com/seed-a7bafb14/terraform-provider-kvm/internal/provider/effect"
	"github.com/seed-a7bafb14/terraform-provider-kvm/internal/provider/hosts"
	"github.com/seed-a7bafb14/terraform-provider-kvm/internal/provider/report"
)

// Host is the host that an object is on. An object stays where it is when the
// default changes.
func Host(effects effect.Table, byDefault string) schema.StringAttribute {
	return schema.StringAttribute{
		MarkdownDescription: effects.Describe("host", "Host that the "+effects.Object+" is on: a key of `hosts` in the provider's configuration. Default: "+byDefault+"."),
		Optional:            true,
		Computed:            true,
		Validators:          []validator.String{stringvalidator.LengthAtLeast(1)},
		PlanModifiers:       []planmodifier.String{stringplanmodifier.UseStateForUnknown()},
	}
}

// PlanPlace plans host and id of an object that is to be made. Both follow from
// the configuration, so that what refers to the object can be planned, and what
// was made from it stays when the object is made anew. wanted is the host as
// configured, null for the default; at is blamed for one that is not configured.
func PlanPlace(ctx context.Context, registry *hosts.Registry, kind host.Kind, wanted, name types.String, at path.Path, resp *resource.ModifyPlanResponse) {
	if wanted.IsUnknown() {
		return
	}
	found, err := registry.Resolve(wanted.ValueString())
	switch {
	case errors.Is(err, hosts.ErrNotYet):
		return
	case err != nil:
		resp.Diagnostics.AddAttributeError(at, "Unknown host", report.Sentence(err.Error()))
		return
	}
	resp.Diagnostics.Append(resp.Plan.SetAttribute(ctx, path.Root("host"), found)...)
	if !name.IsUnknown() {
		id := hosts.ID{Host: found, Kind: kind, Name: name.ValueString()}
		resp.Diagnostics.Append(resp.Plan.SetAttribute(ctx, path.Root("id"), id.String())...)
	}
}
