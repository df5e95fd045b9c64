package volume

import (
	"context"
	"fmt"

	"github.com/hashicorp/terraform-plugin-framework/diag"
	"github.com/hashicorp/terraform-plugin-framework/path"
	"github.com/hashicorp/terraform-plugin-framework/resource"
	"github.com/hashicorp/terraform-plugin-framework/types"

	"github.com/seed-a7bafb14/terraform-provider-kvm/internal/host"
	"github.com/seed-a7bafb14/terraform-provider-kvm/internal/provider/effect"
	"github.com/seed-a7bafb14/terraform-provider-kvm/internal/provider/field"
)

// ValidateConfig wants a size, or an image that has one, on the volume's host.
func (r *volumeResource) ValidateConfig(ctx context.Context, req resource.ValidateConfigRequest, resp *resource.ValidateConfigResponse) {
	var m model
	resp.Diagnostics.Append(req.Config.Get(ctx, &m)...)
	if resp.Diagnostics.HasError() {
		return
	}
	if m.Image.IsNull() && m.SizeGiB.IsNull() {
		resp.Diagnostics.AddAttributeError(path.Root("size_gib"), "No size", "A volume has the size of its image, or one that is named: set size_gib, image, or both.")
	}
	if on, there := m.Host.ValueString(), m.imageHost().ValueString(); on != "" && there != "" && on != there {
		resp.Diagnostics.AddAttributeError(path.Root("image"), "Made from another host's object", fmt.Sprintf("%s is not on host %q, on which the volume is to be.", m.Image.ValueString(), on))
	}
}

// ModifyPlan plans where the volume will be, how large, and what replaces it.
func (r *volumeResource) ModifyPlan(ctx context.Context, req resource.ModifyPlanRequest, resp *resource.ModifyPlanResponse) {
	var before, plan, config model
	if !req.State.Raw.IsNull() {
		resp.Diagnostics.Append(req.State.Get(ctx, &before)...)
	}
	if req.Plan.Raw.IsNull() {
		refuseDeletion(&resp.Diagnostics, &before)
		return
	}
	resp.Diagnostics.Append(req.Plan.Get(ctx, &plan)...)
	resp.Diagnostics.Append(req.Config.Get(ctx, &config)...)
	if resp.Diagnostics.HasError() || r.Hosts == nil {
		return
	}
	if req.State.Raw.IsNull() {
		wanted := config.Host
		if wanted.IsNull() {
			wanted = config.imageHost()
		}
		field.PlanPlace(ctx, r.Hosts, host.Volumes, wanted, config.Name, path.Root("host"), resp)
		resp.Diagnostics.Append(resp.Plan.SetAttribute(ctx, path.Root("size_bytes"), config.size(types.Int64Unknown()))...)
		return
	}
	if resp.RequiresReplace = Effects.Changed(effect.Replace, req.State.Raw, req.Plan.Raw); len(resp.RequiresReplace) > 0 {
		refuseDeletion(&resp.Diagnostics, &before)
		return
	}
	size := plan.size(before.SizeBytes)
	if !size.IsUnknown() && size.ValueInt64() < before.SizeBytes.ValueInt64() {
		resp.Diagnostics.AddAttributeError(path.Root("size_gib"), "A volume never shrinks",
			fmt.Sprintf("The volume has %.1f GiB, and %d GiB are asked for. To have a smaller one, replace the volume.", float64(before.SizeBytes.ValueInt64())/(1<<30), plan.SizeGiB.ValueInt64()))
		return
	}
	resp.Diagnostics.Append(resp.Plan.SetAttribute(ctx, path.Root("size_bytes"), size)...)
}

// size is the size in bytes that is asked for, or byDefault.
func (m *model) size(byDefault types.Int64) types.Int64 {
	switch {
	case m.SizeGiB.IsUnknown():
		return m.SizeGiB
	case m.SizeGiB.IsNull():
		return byDefault
	}
	return types.Int64Value(m.SizeGiB.ValueInt64() << 30)
}

// refuseDeletion reports a protected volume that is to be deleted.
func refuseDeletion(diags *diag.Diagnostics, m *model) bool {
	if m.DeletionProtection.ValueBool() {
		diags.AddAttributeError(path.Root("deletion_protection"), "Unable to delete "+m.id().Object(),
			"The volume is protected.\n\nHost: "+m.Host.ValueString()+"\n\nTo delete or replace it, set deletion_protection = false and apply that first.")
	}
	return m.DeletionProtection.ValueBool()
}
