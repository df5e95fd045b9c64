// Package provider is the provider kvm: its configuration, and what it offers.
package provider

import (
	"context"

	"github.com/hashicorp/terraform-plugin-framework/datasource"
	"github.com/hashicorp/terraform-plugin-framework/provider"
	"github.com/hashicorp/terraform-plugin-framework/resource"

	"github.com/seed-a7bafb14/terraform-provider-kvm/internal/provider/console"
	"github.com/seed-a7bafb14/terraform-provider-kvm/internal/provider/hostinfo"
	"github.com/seed-a7bafb14/terraform-provider-kvm/internal/provider/hosts"
	"github.com/seed-a7bafb14/terraform-provider-kvm/internal/provider/image"
	"github.com/seed-a7bafb14/terraform-provider-kvm/internal/provider/instance"
	"github.com/seed-a7bafb14/terraform-provider-kvm/internal/provider/network"
	"github.com/seed-a7bafb14/terraform-provider-kvm/internal/provider/snapshot"
	"github.com/seed-a7bafb14/terraform-provider-kvm/internal/provider/volume"
)

// Address is where registries have the provider, and the source in required_providers.
const Address = "registry.terraform.io/seed-a7bafb14/kvm"

var (
	_ provider.Provider                   = (*kvmProvider)(nil)
	_ provider.ProviderWithValidateConfig = (*kvmProvider)(nil)
)

type kvmProvider struct {
	version string
	dial    hosts.Dial // nil: as package hosts does
}

// New returns a maker of the provider, for providerserver.
func New(version string) func() provider.Provider { return NewOver(version, nil) }

// NewOver is New for hosts that are reached in another way: the seam at which
// tests have connections break.
func NewOver(version string, dial hosts.Dial) func() provider.Provider {
	return func() provider.Provider { return &kvmProvider{version, dial} }
}

func (p *kvmProvider) Metadata(_ context.Context, _ provider.MetadataRequest, resp *provider.MetadataResponse) {
	resp.TypeName, resp.Version = "kvm", p.version
}

func (p *kvmProvider) Schema(_ context.Context, _ provider.SchemaRequest, resp *provider.SchemaResponse) {
	resp.Schema = providerSchema()
}

func (p *kvmProvider) Resources(context.Context) []func() resource.Resource {
	return []func() resource.Resource{image.NewResource, instance.NewResource, network.NewResource, snapshot.NewResource, volume.NewResource}
}

func (p *kvmProvider) DataSources(context.Context) []func() datasource.DataSource {
	return []func() datasource.DataSource{hostinfo.NewDataSource, console.NewDataSource, instance.NewDataSource, snapshot.NewDataSource, volume.NewDataSource}
}
