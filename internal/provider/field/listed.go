package field

import (
	"github.com/hashicorp/terraform-plugin-framework/attr"
	"github.com/hashicorp/terraform-plugin-framework/datasource/schema"
	"github.com/hashicorp/terraform-plugin-framework/types"
)

// ListedHost is the host that a data source asks.
func ListedHost() schema.StringAttribute {
	return schema.StringAttribute{
		MarkdownDescription: "Host to ask: a key of `hosts` in the provider's configuration. Default: the default host.",
		Optional:            true,
		Computed:            true,
	}
}

// ListedLabels is a data source's filter by labels.
func ListedLabels(objects string) schema.MapAttribute {
	return schema.MapAttribute{
		MarkdownDescription: "Only the " + objects + " that have all of these labels. Default: all.",
		ElementType:         types.StringType,
		Optional:            true,
	}
}

// ListedText is a text that a data source tells of each object.
func ListedText(description string) schema.Attribute {
	return schema.StringAttribute{MarkdownDescription: description, Computed: true}
}

// ListedNumber is a whole number that it tells.
func ListedNumber(description string) schema.Attribute {
	return schema.Int64Attribute{MarkdownDescription: description, Computed: true}
}

// ListedType is the type of an object of which a data source tells these
// attributes.
func ListedType(attributes map[string]schema.Attribute) types.ObjectType {
	of := map[string]attr.Type{}
	for name, attribute := range attributes {
		of[name] = attribute.GetType()
	}
	return types.ObjectType{AttrTypes: of}
}
