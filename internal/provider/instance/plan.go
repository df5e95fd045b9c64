package instance

import (
	"context"
	"fmt"

	"github.com/hashicorp/terraform-plugin-framework/path"
	"github.com/hashicorp/terraform-plugin-framework/resource"
	"github.com/hashicorp/terraform-plugin-framework/types"

	"github.com/seed-a7bafb14/terraform-provider-kvm/internal/host"
	"github.com/seed-a7bafb14/terraform-provider-kvm/internal/lifecycle"
	"github.com/seed-a7bafb14/terraform-provider-kvm/internal/provider/effect"
	"github.com/seed-a7bafb14/terraform-provider-kvm/internal/provider/field"
)

// ModifyPlan makes the plan tell what will happen, and refuses what cannot.
func (r *instanceResource) ModifyPlan(ctx context.Context, req resource.ModifyPlanRequest, resp *resource.ModifyPlanResponse) {
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
	if resp.Diagnostics.HasError() || r.hosts == nil {
		return
	}
	if req.State.Raw.IsNull() {
		r.planCreate(ctx, &config, resp)
		return
	}
	if resp.RequiresReplace = Effects.Changed(effect.Replace, req.State.Raw, req.Plan.Raw); len(resp.RequiresReplace) > 0 {
		refuseDeletion(&resp.Diagnostics, &before)
		return
	}
	lost, diags := recallLost(ctx, req.Private)
	resp.Diagnostics.Append(diags...)
	if len(lost) > 0 {
		interfaces := withLost(plan.NetworkInterfaces, config.NetworkInterfaces, lost)
		resp.Diagnostics.Append(resp.Plan.SetAttribute(ctx, path.Root("network_interfaces"), interfaces)...)
	}
	restarts := Effects.Changed(effect.Restart, req.State.Raw, req.Plan.Raw)
	if len(Effects.Changed(effect.Rollback, req.State.Raw, req.Plan.Raw)) > 0 && !plan.RestoreFrom.IsNull() {
		r.planRollback(ctx, &before, &plan, &resp.Diagnostics)
		if !plan.RestoreFrom.IsUnknown() {
			restarts = nil // it is between two lives anyway
		}
	}
	planUpdate(restarts, &before, &plan, resp)
}

// planCreate plans where the instance will be: beside what it is made from.
func (r *instanceResource) planCreate(ctx context.Context, config *model, resp *resource.ModifyPlanResponse) {
	config.refuseToRestore(&resp.Diagnostics)
	wanted := config.Host
	if wanted.IsNull() {
		wanted = config.originHost()
	}
	if config.Host.IsNull() && wanted.IsUnknown() && len(r.hosts.Names()) == 1 {
		wanted = types.StringNull()
	}
	field.PlanPlace(ctx, r.hosts, host.Instances, wanted, config.Name, path.Root("host"), resp)
	if resp.Diagnostics.HasError() {
		return
	}
	var found types.String
	resp.Diagnostics.Append(resp.Plan.GetAttribute(ctx, path.Root("host"), &found)...)
	if !resp.Diagnostics.HasError() && !found.IsUnknown() {
		r.checkSource(ctx, found.ValueString(), config, &resp.Diagnostics)
	}
}

// planUpdate warns of a restart and refuses what an instance cannot become.
func planUpdate(restarts path.Paths, before, plan *model, resp *resource.ModifyPlanResponse) {
	for _, at := range restarts {
		switch {
		case before.State.ValueString() == string(lifecycle.Stopped):
		case !plan.AllowRestart.IsUnknown() && !plan.AllowRestart.ValueBool():
			resp.Diagnostics.AddAttributeError(at, "The change needs a restart",
				fmt.Sprintf("Changing %s restarts the instance %s, and allow_restart is false.", at, before.Name.ValueString()))
		default:
			resp.Diagnostics.AddAttributeWarning(at, "The instance "+before.Name.ValueString()+" restarts",
				fmt.Sprintf("To change %s the guest is shut down, within stop_timeout, and then led to the state %q again. What it holds in memory only is lost.", at, plan.State.ValueString()))
		}
	}
	if size, was := plan.DiskGiB.ValueInt64(), before.DiskGiB.ValueInt64(); size != 0 && size < was {
		resp.Diagnostics.AddAttributeError(path.Root("disk_gib"), "A disk never shrinks",
			fmt.Sprintf("The disk has %d GiB, and %d GiB are asked for. To have a smaller one, replace the instance.", was, size))
	}
}
