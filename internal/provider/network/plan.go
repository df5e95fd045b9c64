package network

import (
	"context"

	"github.com/hashicorp/terraform-plugin-framework/path"
	"github.com/hashicorp/terraform-plugin-framework/resource"
	"github.com/hashicorp/terraform-plugin-framework/types"

	"github.com/seed-a7bafb14/terraform-provider-kvm/internal/host"
	"github.com/seed-a7bafb14/terraform-provider-kvm/internal/provider/effect"
	"github.com/seed-a7bafb14/terraform-provider-kvm/internal/provider/field"
)

// ValidateConfig checks what no single attribute can tell. A value that is not
// known yet is never taken for a mistake.
func (r *networkResource) ValidateConfig(ctx context.Context, req resource.ValidateConfigRequest, resp *resource.ValidateConfigResponse) {
	var m model
	resp.Diagnostics.Append(req.Config.Get(ctx, &m)...)
	first, last := m.dhcpRange()
	switch {
	case resp.Diagnostics.HasError(), m.DHCPRange.IsNull(), m.DHCPRange.IsUnknown(), m.CIDR.IsUnknown(), first.IsUnknown(), last.IsUnknown():
	case m.CIDR.IsNull():
		resp.Diagnostics.AddAttributeError(path.Root("dhcp_range"), "No network", "Set cidr, too: the addresses must be of it.")
	default:
		if err := host.CheckRange(m.CIDR.ValueString(), first.ValueString(), last.ValueString()); err != nil {
			resp.Diagnostics.AddAttributeError(path.Root("dhcp_range"), "Not a range of addresses", err.Error()+".")
		}
	}
}

// ModifyPlan plans where the network will be, what replaces it, and what follows
// from its other arguments.
func (r *networkResource) ModifyPlan(ctx context.Context, req resource.ModifyPlanRequest, resp *resource.ModifyPlanResponse) {
	if req.Plan.Raw.IsNull() {
		return
	}
	var config, plan model
	resp.Diagnostics.Append(req.Config.Get(ctx, &config)...)
	resp.Diagnostics.Append(req.Plan.Get(ctx, &plan)...)
	if resp.Diagnostics.HasError() {
		return
	}
	if config.Domain.IsNull() && !plan.Name.IsUnknown() {
		resp.Diagnostics.Append(resp.Plan.SetAttribute(ctx, path.Root("domain"), plan.Name.ValueString()+".internal")...)
	}
	if !plan.CIDR.IsUnknown() {
		n := host.Network{CIDR: plan.CIDR.ValueString()}
		resp.Diagnostics.Append(resp.Plan.SetAttribute(ctx, path.Root("gateway"), types.StringValue(n.Gateway()))...)
	}
	if r.Hosts == nil {
		return
	}
	if !req.State.Raw.IsNull() {
		resp.RequiresReplace = Effects.Changed(effect.Replace, req.State.Raw, req.Plan.Raw)
		return
	}
	field.PlanPlace(ctx, r.Hosts, host.Networks, config.Host, config.Name, path.Root("host"), resp)
}
