package snapshot

import (
	"context"

	"github.com/hashicorp/terraform-plugin-framework/diag"
	"github.com/hashicorp/terraform-plugin-framework/path"
	"github.com/hashicorp/terraform-plugin-framework/resource"
	"github.com/hashicorp/terraform-plugin-framework/types"

	"github.com/seed-a7bafb14/terraform-provider-kvm/internal/host"
	"github.com/seed-a7bafb14/terraform-provider-kvm/internal/provider/effect"
	"github.com/seed-a7bafb14/terraform-provider-kvm/internal/provider/field"
	"github.com/seed-a7bafb14/terraform-provider-kvm/internal/provider/report"
)

// ModifyPlan plans where the snapshot will be, and what replaces it, and refuses
// one that cannot be taken.
func (r *snapshotResource) ModifyPlan(ctx context.Context, req resource.ModifyPlanRequest, resp *resource.ModifyPlanResponse) {
	if req.Plan.Raw.IsNull() || r.Hosts == nil {
		return
	}
	if !req.State.Raw.IsNull() {
		resp.RequiresReplace = Effects.Changed(effect.Replace, req.State.Raw, req.Plan.Raw)
		return
	}
	var m model
	resp.Diagnostics.Append(req.Plan.Get(ctx, &m)...)
	if resp.Diagnostics.HasError() || m.Instance.IsUnknown() {
		return
	}
	field.PlanPlace(ctx, r.Hosts, host.Snapshots, types.StringValue(m.instance().Host), m.Name, path.Root("instance"), resp)
	if !resp.Diagnostics.HasError() {
		r.checkInstance(ctx, &m, &resp.Diagnostics)
	}
}

// checkInstance finds in the plan, where the instance is there already, that it
// has volumes and memory. That is the instance as it is now: what the same apply
// is yet to make of it cannot be seen. A host that cannot be asked now is no
// reason to refuse a plan: the snapshot itself checks this before it begins.
func (r *snapshotResource) checkInstance(ctx context.Context, m *model, diags *diag.Diagnostics) {
	id := m.instance()
	h, err := r.Hosts.Host(id.Host)
	if err != nil {
		return
	}
	instances, _ := h.Instances(ctx)
	for _, inst := range instances {
		if why := inst.MissesVolumes(); inst.Name == id.Name && why != "" {
			diags.AddAttributeError(path.Root("instance"), "Unable to take "+m.id().Object(),
				report.Sentence(why)+"\n\nHost: "+id.Host+"\n\nIf the instance is to change, too, apply that first: terraform apply -target=ADDRESS")
		}
	}
}
