package image

import (
	"context"
	"slices"

	"github.com/hashicorp/terraform-plugin-framework/path"
	"github.com/hashicorp/terraform-plugin-framework/resource"

	"github.com/seed-a7bafb14/terraform-provider-kvm/internal/host"
	"github.com/seed-a7bafb14/terraform-provider-kvm/internal/provider/effect"
	"github.com/seed-a7bafb14/terraform-provider-kvm/internal/provider/field"
)

// ModifyPlan plans where the image will be, and what replaces it.
func (r *imageResource) ModifyPlan(ctx context.Context, req resource.ModifyPlanRequest, resp *resource.ModifyPlanResponse) {
	if req.Plan.Raw.IsNull() || r.Hosts == nil {
		return
	}
	var config model
	resp.Diagnostics.Append(req.Config.Get(ctx, &config)...)
	if resp.Diagnostics.HasError() {
		return
	}
	if !req.State.Raw.IsNull() {
		var state model
		resp.Diagnostics.Append(req.State.Get(ctx, &state)...)
		resp.RequiresReplace = Effects.Changed(effect.Replace, req.State.Raw, req.Plan.Raw)
		if config.isSourceOf(&state) { // the secrets are noted in the state
			resp.RequiresReplace = slices.DeleteFunc(resp.RequiresReplace, path.Root("source").Equal)
		}
		return
	}
	field.PlanPlace(ctx, r.Hosts, host.Images, config.Host, config.Name, path.Root("host"), resp)
}
