package field

import (
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
