package instance

import (
	"context"

	"github.com/hashicorp/terraform-plugin-framework/attr"
	"github.com/hashicorp/terraform-plugin-framework/path"
	"github.com/hashicorp/terraform-plugin-framework/resource/schema/planmodifier"
	"github.com/hashicorp/terraform-plugin-framework/tfsdk"
	"github.com/hashicorp/terraform-plugin-framework/types"
)

// An inheritedNumber that is left out is its default, and on a fork what the
// source has: unknown until the fork is made, and then kept.
type inheritedNumber struct{ byDefault int64 }

func (m inheritedNumber) PlanModifyInt64(ctx context.Context, req planmodifier.Int64Request, resp *planmodifier.Int64Response) {
	switch {
	case !req.ConfigValue.IsNull():
	case !isFork(ctx, req.Config):
		resp.PlanValue = types.Int64Value(m.byDefault)
	case !req.StateValue.IsNull():
		resp.PlanValue = req.StateValue
	}
}

// An inheritedBool that is left out is false, and on a fork what the source has.
type inheritedBool struct{}

func (inheritedBool) PlanModifyBool(ctx context.Context, req planmodifier.BoolRequest, resp *planmodifier.BoolResponse) {
	switch {
	case !req.ConfigValue.IsNull():
	case !isFork(ctx, req.Config):
		resp.PlanValue = types.BoolValue(false)
	case !req.StateValue.IsNull():
		resp.PlanValue = req.StateValue
	}
}

// A keptText that is left out stays what it is. When the instance is made it is
// the default, if it is known, and on a fork what the source has.
type keptText struct{ byDefault string }

func (m keptText) PlanModifyString(ctx context.Context, req planmodifier.StringRequest, resp *planmodifier.StringResponse) {
	switch {
	case !req.ConfigValue.IsNull():
	case !req.StateValue.IsNull():
		resp.PlanValue = req.StateValue
	case m.byDefault != "" && !isFork(ctx, req.Config):
		resp.PlanValue = types.StringValue(m.byDefault)
	}
}

// An inheritedMap that is left out is empty, and on a fork what the source has.
type inheritedMap struct{ elements attr.Type }

func (m inheritedMap) PlanModifyMap(ctx context.Context, req planmodifier.MapRequest, resp *planmodifier.MapResponse) {
	switch {
	case !req.ConfigValue.IsNull():
	case !isFork(ctx, req.Config):
		resp.PlanValue = types.MapValueMust(m.elements, map[string]attr.Value{})
	case !req.StateValue.IsNull():
		resp.PlanValue = req.StateValue
	}
}

// An inheritedPlace that is left out is none, and on a fork what the source has,
// unless another attribute of the same object takes its place.
type inheritedPlace struct{ unless string }

func (m inheritedPlace) PlanModifyString(ctx context.Context, req planmodifier.StringRequest, resp *planmodifier.StringResponse) {
	if !req.ConfigValue.IsNull() {
		return
	}
	var other types.String
	req.Config.GetAttribute(ctx, req.Path.ParentPath().AtName(m.unless), &other)
	switch {
	case !other.IsNull(), !isFork(ctx, req.Config):
		resp.PlanValue = types.StringNull()
	case !req.State.Raw.IsNull():
		resp.PlanValue = req.StateValue
	}
}

// isFork takes an origin that is not known yet for one.
func isFork(ctx context.Context, config tfsdk.Config) bool {
	var source types.String
	config.GetAttribute(ctx, path.Root("fork_of"), &source)
	return !source.IsNull()
}

const inheritance = "What is left out is the default, and on a fork what its source has."

func (inheritedNumber) Description(context.Context) string         { return inheritance }
func (inheritedNumber) MarkdownDescription(context.Context) string { return inheritance }
func (inheritedBool) Description(context.Context) string           { return inheritance }
func (inheritedBool) MarkdownDescription(context.Context) string   { return inheritance }
func (inheritedMap) Description(context.Context) string            { return inheritance }
func (inheritedMap) MarkdownDescription(context.Context) string    { return inheritance }
func (inheritedPlace) Description(context.Context) string          { return inheritance }
func (inheritedPlace) MarkdownDescription(context.Context) string  { return inheritance }
func (keptText) Description(context.Context) string                { return inheritance }
func (keptText) MarkdownDescription(context.Context) string        { return inheritance }
