package instance

import (
	"context"

	"github.com/hashicorp/terraform-plugin-framework/path"
	"github.com/hashicorp/terraform-plugin-framework/resource"
	"github.com/hashicorp/terraform-plugin-framework/tfsdk"
	"github.com/hashicorp/terraform-plugin-framework/types"
	"github.com/hashicorp/terraform-plugin-go/tftypes"

	"github.com/seed-a7bafb14/terraform-provider-kvm/internal/host"
	"github.com/seed-a7bafb14/terraform-provider-kvm/internal/provider/effect"
)

// planDigest plans which seed there will be. In its digest the plan tells also of
// a change that is seen nowhere else: that somebody has put another seed there.
func planDigest(ctx context.Context, before, plan *model, rollsBack bool, config tfsdk.Config, resp *resource.ModifyPlanResponse) {
	if plan.cloudInit() == nil {
		return
	}
	var secret types.String
	resp.Diagnostics.Append(config.GetAttribute(ctx, atSecret, &secret)...)
	digest := plan.wantedDigest(secret)
	if before != nil {
		digest = before.digestAfter(digest, plan.cloudInit().OnChange, rollsBack)
	}
	resp.Diagnostics.Append(resp.Plan.SetAttribute(ctx, atDigest, digest)...)
	resp.Diagnostics.Append(resp.Plan.GetAttribute(ctx, atCloudInit, &plan.CloudInit)...)
}

// wantedDigest is that of the seed that m asks for.
func (m *model) wantedDigest(secret types.String) types.String {
	c := m.cloudInit()
	if m.Name.IsUnknown() || c.UserData.IsUnknown() || c.UserDataWOVersion.IsUnknown() || c.MetaData.IsUnknown() || c.NetworkConfig.IsUnknown() {
		return types.StringUnknown()
	}
	return types.StringValue(m.seedConfig(secret).Digest())
}

// digestAfter is the digest that there will be where another is wanted. One that
// is ignored leaves the seed that there is: the one of which m tells, or a source's
// or a snapshot's, if the instance is taken back to that.
func (m *model) digestAfter(wanted, onChange types.String, rollsBack bool) types.String {
	switch ignored := onChange.ValueString() == onChangeIgnore; {
	case ignored && (rollsBack || m.CloudInit.IsNull()), onChange.IsUnknown() && !wanted.Equal(m.digest()):
		return types.StringUnknown()
	case ignored:
		return m.digest()
	}
	return wanted
}

// leavesSeed reports whether the plan leaves a seed as it is, whatever it says of
// it: where its changes are ignored, as it was said before where nothing is said
// of it now, and where a fork does not say any more what is its source's again.
func (m *model) leavesSeed(plan *model) bool {
	if plan.CloudInit.IsNull() {
		return m.CloudInit.IsNull() || !plan.ForkOf.IsNull() || text(m.CloudInit, "on_change").ValueString() == onChangeIgnore
	}
	return text(plan.CloudInit, "on_change").ValueString() == onChangeIgnore
}

// seedEffect is what happens to the instance for the sake of its seed, on the way
// from m to plan.
func (m *model) seedEffect(plan *model) effect.Effect {
	chosen := text(plan.CloudInit, "on_change")
	if plan.CloudInit.IsNull() {
		chosen = text(m.CloudInit, "on_change")
	}
	switch {
	case m.leavesSeed(plan), m.digest().Equal(plan.digest()):
		return effect.Local
	case chosen.ValueString() == onChangeReplace:
		return effect.Replace
	}
	return effect.Restart
}

// seedChanges lists what differs between state and plan of what the seed is made
// from, if that has the effect; cloud_init itself where it is the seed that does.
func (m *model) seedChanges(e effect.Effect, plan *model, from, to tftypes.Value) path.Paths {
	if m.seedEffect(plan) != e {
		return nil
	}
	if changed := Effects.Changed(effect.ByChoice, from, to); len(changed) > 0 {
		return changed
	}
	return path.Paths{atCloudInit}
}

// plannedSeed is the seed that the instance is to have, by the plan; nil: the one
// it has. One that is taken back has the snapshot's, and may need another.
func (m *model) plannedSeed(plan *model, rollsBack bool, secret types.String) (*host.Seed, error) {
	switch {
	case m.leavesSeed(plan), !rollsBack && m.digest().Equal(plan.digest()):
		return nil, nil
	case plan.CloudInit.IsNull() && rollsBack:
		return nil, nil
	case plan.CloudInit.IsNull():
		return &host.Seed{}, nil
	}
	return plan.seed(secret)
}

// newSeed is the seed that the instance is to have and has not; nil: none.
func (a announced) newSeed(inst *host.Instance) *host.Seed {
	if a.seed == nil || a.seed.Digest == inst.SeedDigest {
		return nil
	}
	return a.seed
}
