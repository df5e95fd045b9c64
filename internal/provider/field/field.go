// Package field has the attributes, validators and conversions that the objects
// share.
package field

import (
	"maps"
	"slices"

	"github.com/hashicorp/terraform-plugin-framework-validators/mapvalidator"
	"github.com/hashicorp/terraform-plugin-framework-validators/stringvalidator"
	"github.com/hashicorp/terraform-plugin-framework/attr"
	"github.com/hashicorp/terraform-plugin-framework/resource/schema"
	"github.com/hashicorp/terraform-plugin-framework/resource/schema/int64planmodifier"
	"github.com/hashicorp/terraform-plugin-framework/resource/schema/mapdefault"
	"github.com/hashicorp/terraform-plugin-framework/resource/schema/planmodifier"
	"github.com/hashicorp/terraform-plugin-framework/resource/schema/stringplanmodifier"
	"github.com/hashicorp/terraform-plugin-framework/schema/validator"
	"github.com/hashicorp/terraform-plugin-framework/types"

	"github.com/seed-a7bafb14/terraform-provider-kvm/internal/host"
	"github.com/seed-a7bafb14/terraform-provider-kvm/internal/provider/effect"
)

// Name is an object's name, which is its identity on its host.
func Name(effects effect.Table) schema.StringAttribute {
	return schema.StringAttribute{
		MarkdownDescription: effects.Describe("name", "Name of the "+effects.Object+", unique on its host: 1 to 63 of `a-z`, `0-9` and `-`, no hyphen first or last."),
		Required:            true,
		Validators:          []validator.String{IsName()},
	}
}

// ID is an object's id.
func ID(effects effect.Table, kind host.Kind) schema.StringAttribute {
	return Fixed(effects, "id", "Where the "+effects.Object+" is: `HOST/"+string(kind)+"/NAME`.")
}

// UID tells an object from another one of the same name.
func UID(effects effect.Table) schema.StringAttribute {
	return Fixed(effects, "uid", "UUID that was made with the "+effects.Object+". It tells it from a later one of the same name.")
}

// Fixed is text that is known once the object is made and never changes.
func Fixed(effects effect.Table, path, description string) schema.StringAttribute {
	return schema.StringAttribute{
		MarkdownDescription: effects.Describe(path, description),
		Computed:            true,
		PlanModifiers:       []planmodifier.String{stringplanmodifier.UseStateForUnknown()},
	}
}

// FixedNumber is a number that is known once the object is made and never changes.
func FixedNumber(effects effect.Table, path, description string) schema.Int64Attribute {
	return schema.Int64Attribute{
		MarkdownDescription: effects.Describe(path, description),
		Computed:            true,
		PlanModifiers:       []planmodifier.Int64{int64planmodifier.UseStateForUnknown()},
	}
}

// Labels are a user's own notes on an object, kept on the host.
func Labels(effects effect.Table) schema.MapAttribute {
	return schema.MapAttribute{
		MarkdownDescription: effects.Describe("labels", "Labels to find the "+effects.Object+" by: keys of 1 to 63 characters, values of at most 255. Default: none."),
		ElementType:         types.StringType,
		Optional:            true,
		Computed:            true,
		Default:             mapdefault.StaticValue(LabelsValue(nil)),
		Validators: []validator.Map{
			mapvalidator.KeysAre(stringvalidator.LengthBetween(1, 63)),
			mapvalidator.ValueStringsAre(stringvalidator.LengthAtMost(255)),
			mapvalidator.NoNullValues(),
		},
	}
}

// LabelsValue is never null: no labels are an empty map.
func LabelsValue(labels map[string]string) types.Map {
	values := make(map[string]attr.Value, len(labels))
	for key, value := range labels {
		values[key] = types.StringValue(value)
	}
	return types.MapValueMust(types.StringType, values)
}

// LabelsOf is what a map of labels holds.
func LabelsOf(labels types.Map) map[string]string {
	found := make(map[string]string, len(labels.Elements()))
	for key, value := range labels.Elements() {
		found[key] = value.(types.String).ValueString()
	}
	return found
}

// HasLabels reports whether labels hold all that are wanted.
func HasLabels(labels, wanted map[string]string) bool {
	return !slices.ContainsFunc(slices.Collect(maps.Keys(wanted)), func(key string) bool {
		value, ok := labels[key]
		return !ok || value != wanted[key]
	})
}
