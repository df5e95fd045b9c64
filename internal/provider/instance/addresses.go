package instance

import (
	"context"
	"time"

	"github.com/hashicorp/terraform-plugin-framework/attr"
	"github.com/hashicorp/terraform-plugin-framework/diag"
	"github.com/hashicorp/terraform-plugin-framework/path"
	"github.com/hashicorp/terraform-plugin-framework/resource"
	"github.com/hashicorp/terraform-plugin-framework/resource/schema"
	"github.com/hashicorp/terraform-plugin-framework/types"

	"github.com/seed-a7bafb14/terraform-provider-kvm/internal/host"
	"github.com/seed-a7bafb14/terraform-provider-kvm/internal/lifecycle"
	"github.com/seed-a7bafb14/terraform-provider-kvm/internal/provider/effect"
	"github.com/seed-a7bafb14/terraform-provider-kvm/internal/provider/field"
)

func addressesAttribute() schema.MapAttribute {
	return schema.MapAttribute{
		MarkdownDescription: Effects.Describe("ip_addresses", "What the guest's agent says are its IP addresses, by the names of `network_interfaces`: those that are not link-local, IPv4 first. "+
			"A guest that does not answer at once keeps those that are known; null without `guest_agent`, and of one that does not run."),
		ElementType: types.ListType{ElemType: types.StringType},
		Computed:    true,
	}
}

var noAddresses = types.MapNull(types.ListType{ElemType: types.StringType})

// addressPatience is how long an apply waits for a guest that has just come to run,
// and whose agent answers, to have an address on each of its interfaces.
const addressPatience = 15 * time.Second

// addresses are a guest's, as its agent tells them now; known, where it does not.
func addresses(ctx context.Context, d driver, inst *host.Instance, known types.Map) types.Map {
	if !inst.Machine.Agent || inst.State != lifecycle.Running {
		return noAddresses
	}
	found, err := d.Addresses(ctx, inst)
	if err != nil {
		return known
	}
	return addressesValue(found)
}

// awaitAddresses are a guest's that has just come to run.
func awaitAddresses(ctx context.Context, d driver, inst *host.Instance) types.Map {
	if !inst.Machine.Agent || inst.State != lifecycle.Running {
		return noAddresses
	}
	for end := time.Now().Add(addressPatience); ; {
		found, err := d.Addresses(ctx, inst)
		switch {
		case err != nil:
			return noAddresses
		case isComplete(found) || time.Now().After(end) || ctx.Err() != nil:
			return addressesValue(found)
		}
		time.Sleep(500 * time.Millisecond)
	}
}

func isComplete(addresses map[string][]string) bool {
	for _, of := range addresses {
		if len(of) == 0 {
			return false
		}
	}
	return true
}

func addressesValue(found map[string][]string) types.Map {
	values := make(map[string]attr.Value, len(found))
	for nic, addresses := range found {
		values[nic] = field.TextsValue(addresses)
	}
	return types.MapValueMust(noAddresses.ElementType(context.Background()), values)
}

// asleep is where it is remembered that the guest has yet to be told what it has
// slept through, which no attribute shows.
const asleep = "asleep"

func rememberAsleep(ctx context.Context, private store, inst *host.Instance) diag.Diagnostics {
	var text []byte
	if inst.NeedsAwakening() {
		text = []byte("true")
	}
	return private.SetKey(ctx, asleep, text)
}

// planAddresses leaves the addresses unknown exactly where a guest with an agent may
// come to have others: when it is moved, restarted or taken back, or has yet to be
// awakened, for which alone there would be nothing to plan.
func planAddresses(ctx context.Context, req resource.ModifyPlanRequest, before, plan *model, resp *resource.ModifyPlanResponse) {
	sleeps, diags := req.Private.GetKey(ctx, asleep)
	resp.Diagnostics.Append(diags...)
	value := before.IPAddresses
	if !plan.GuestAgent.IsUnknown() && !plan.GuestAgent.ValueBool() {
		value = noAddresses
	} else if len(sleeps) > 0 || len(Effects.Changed(effect.Move, req.State.Raw, req.Plan.Raw))+len(Effects.Changed(effect.Restart, req.State.Raw, req.Plan.Raw))+
		len(Effects.Changed(effect.Rollback, req.State.Raw, req.Plan.Raw)) > 0 {
		value = types.MapUnknown(noAddresses.ElementType(ctx))
	}
	if !value.Equal(plan.IPAddresses) { // to set one takes as long as to read it all
		resp.Diagnostics.Append(resp.Plan.SetAttribute(ctx, path.Root("ip_addresses"), value)...)
	}
}
