package instance

import (
	"context"
	"fmt"

	"github.com/hashicorp/terraform-plugin-framework/attr"
	"github.com/hashicorp/terraform-plugin-framework/diag"
	"github.com/hashicorp/terraform-plugin-framework/path"
	"github.com/hashicorp/terraform-plugin-framework/resource"
	"github.com/hashicorp/terraform-plugin-framework/tfsdk"
	"github.com/hashicorp/terraform-plugin-framework/types"

	"github.com/seed-a7bafb14/terraform-provider-kvm/internal/host"
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
	if resp.Diagnostics.HasError() || r.Hosts == nil {
		return
	}
	if req.State.Raw.IsNull() {
		planDigest(ctx, nil, &plan, false, req.Config, resp)
		r.planCreate(ctx, &config, resp)
		return
	}
	rollsBack := len(Effects.Changed(effect.Rollback, req.State.Raw, req.Plan.Raw)) > 0 && !plan.RestoreFrom.IsNull()
	planDigest(ctx, &before, &plan, rollsBack, req.Config, resp)
	if resp.Diagnostics.HasError() {
		return
	}
	resp.RequiresReplace = append(before.replacements(&plan, req.State.Raw, req.Plan.Raw), before.seedChanges(effect.Replace, &plan, req.State.Raw, req.Plan.Raw)...)
	if len(resp.RequiresReplace) > 0 {
		refuseDeletion(&resp.Diagnostics, &before)
		return
	}
	planAddresses(ctx, req, &before, &plan, resp)
	lost, diags := recallLost(ctx, req.Private)
	resp.Diagnostics.Append(diags...)
	if len(lost) > 0 {
		interfaces := withLost(plan.NetworkInterfaces, config.NetworkInterfaces, lost)
		resp.Diagnostics.Append(resp.Plan.SetAttribute(ctx, path.Root("network_interfaces"), interfaces)...)
	}
	if rollsBack {
		r.planRollback(ctx, &before, &plan, &resp.Diagnostics)
	}
	if !rollsBack || plan.RestoreFrom.IsUnknown() { // else it is between two lives anyway
		planRestart(ctx, req, &before, &plan, &resp.Diagnostics)
	}
	if config.Disks.IsNull() && lacksDisk(before.Disks) { // what it has instead only the apply knows
		plan.Disks = types.MapUnknown(diskType)
		resp.Diagnostics.Append(resp.Plan.SetAttribute(ctx, path.Root("disks"), plan.Disks)...)
	}
	planDisks(&before, &plan, &resp.Diagnostics)
	if !rollsBack || !before.DiskGiB.IsNull() { // else its size is the snapshot's
		r.planDisk(ctx, &before, &plan, &resp.Diagnostics)
	}
}

// planCreate plans where the instance will be: beside what it is made from.
func (r *instanceResource) planCreate(ctx context.Context, config *model, resp *resource.ModifyPlanResponse) {
	config.refuseToRestore(&resp.Diagnostics)
	wanted := config.Host
	if wanted.IsNull() {
		wanted = config.originHost()
	}
	if config.Host.IsNull() && wanted.IsUnknown() && len(r.Hosts.Names()) == 1 {
		wanted = types.StringNull()
	}
	field.PlanPlace(ctx, r.Hosts, host.Instances, wanted, config.Name, path.Root("host"), resp)
	if resp.Diagnostics.HasError() {
		return
	}
	var found types.String
	resp.Diagnostics.Append(resp.Plan.GetAttribute(ctx, path.Root("host"), &found)...)
	if !resp.Diagnostics.HasError() && !found.IsUnknown() {
		r.checkSource(ctx, found.ValueString(), config, &resp.Diagnostics)
	}
}

// planRestart warns of a restart, or refuses it. A value that is not known yet may
// turn out to be the one that is there; Terraform plans again when it is known.
func planRestart(ctx context.Context, req resource.ModifyPlanRequest, before, plan *model, diags *diag.Diagnostics) {
	name, refused := before.Name.ValueString(), !plan.AllowRestart.IsUnknown() && !plan.AllowRestart.ValueBool()
	shutdown := fmt.Sprintf("the guest is shut down, within stop_timeout, and then led to %s again. What it holds in memory only is lost.", plan.stateInWords())
	for _, at := range before.restarts(plan, req.State.Raw, req.Plan.Raw) {
		switch known := isKnown(ctx, req.Plan, at); {
		case known && refused:
			diags.AddAttributeError(at, "The change needs a restart", fmt.Sprintf("Changing %s restarts the instance %s, and allow_restart is false.", at, name))
		case known:
			diags.AddAttributeWarning(at, "The instance "+name+" restarts", fmt.Sprintf("To change %s %s", at, shutdown))
		case refused:
			diags.AddAttributeWarning(at, "The instance "+name+" may restart", fmt.Sprintf("The value of %s is not known yet. If it is another one, that needs a restart, and is refused before anything is done: allow_restart is false.", at))
		default:
			diags.AddAttributeWarning(at, "The instance "+name+" may restart", fmt.Sprintf("The value of %s is not known yet. If it is another one, %s", at, shutdown))
		}
	}
}

// stateInWords is the state that is asked for, as far as it is known.
func (m *model) stateInWords() string {
	if m.State.IsUnknown() {
		return "its state"
	}
	return fmt.Sprintf("the state %q", m.State.ValueString())
}

// isKnown reports whether a planned value is known, and all that it is in. Of
// cloud_init itself it is the digest that counts.
func isKnown(ctx context.Context, plan tfsdk.Plan, at path.Path) bool {
	if at.Equal(atCloudInit) {
		at = atDigest
	}
	for ; len(at.Steps()) > 0; at = at.ParentPath() {
		var value attr.Value
		if diags := plan.GetAttribute(ctx, at, &value); diags.HasError() || value.IsUnknown() {
			return false
		}
	}
	return true
}

// planDisk refuses a disk that is smaller than the one there is.
func (r *instanceResource) planDisk(ctx context.Context, before, plan *model, diags *diag.Diagnostics) {
	wanted := plan.DiskGiB.ValueInt64()
	if wanted == 0 || plan.DiskGiB.Equal(before.DiskGiB) {
		return
	}
	switch has, told := r.diskBytes(ctx, before); {
	case !told: // the apply finds out, before it does anything
	case has == 0:
		diags.AddAttributeError(path.Root("disk_gib"), "There is no disk to grow",
			"The instance was made without a disk. Leave disk_gib out; to have a disk, replace the instance.")
	case wanted<<30 < has:
		diags.AddAttributeError(path.Root("disk_gib"), "A disk never shrinks",
			fmt.Sprintf("The disk has %.1f GiB, and %d GiB are asked for. To have a smaller one, replace the instance.", float64(has)/(1<<30), wanted))
	}
}

// diskBytes is the size of an instance's disk, 0 of none: what was asked for, else
// what the host says, if it can tell now.
func (r *instanceResource) diskBytes(ctx context.Context, m *model) (bytes int64, told bool) {
	if gib := m.DiskGiB.ValueInt64(); gib != 0 {
		return gib << 30, true
	}
	inst, err := r.get(ctx, m.id())
	switch {
	case err != nil, inst.Unreadable, inst.UID != m.UID.ValueString():
		return 0, false
	case inst.Machine.Disk == nil:
		return 0, true
	}
	return inst.Machine.Disk.SizeBytes, true
}
