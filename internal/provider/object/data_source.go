package object

import (
	"context"

	"github.com/hashicorp/terraform-plugin-framework/datasource"

	"github.com/seed-a7bafb14/terraform-provider-kvm/internal/provider/hosts"
)

// A DataSource is embedded by each of the data sources.
type DataSource struct {
	Hosts *hosts.Registry // nil before the provider is configured, as while validating
	name  string
}

// Called is what the data source kvm_NAME embeds.
func Called(name string) DataSource { return DataSource{name: name} }

// Metadata names the data source.
func (d *DataSource) Metadata(_ context.Context, req datasource.MetadataRequest, resp *datasource.MetadataResponse) {
	resp.TypeName = req.ProviderTypeName + "_" + d.name
}

// Configure takes over the provider's hosts.
func (d *DataSource) Configure(_ context.Context, req datasource.ConfigureRequest, resp *datasource.ConfigureResponse) {
	d.Hosts = hosts.FromProvider(req.ProviderData, &resp.Diagnostics)
}
