package provider

import (
	"context"
	"fmt"
	"os"

	"github.com/hashicorp/terraform-plugin-framework/path"
	"github.com/hashicorp/terraform-plugin-framework/provider"

	"github.com/seed-a7bafb14/terraform-provider-kvm/internal/provider/hosts"
	"github.com/seed-a7bafb14/terraform-provider-kvm/internal/provider/report"
)

// ValidateConfig checks what no single argument can tell.
func (p *kvmProvider) ValidateConfig(ctx context.Context, req provider.ValidateConfigRequest, resp *provider.ValidateConfigResponse) {
	var m model
	resp.Diagnostics.Append(req.Config.Get(ctx, &m)...)
	name := m.DefaultHost.ValueString()
	if resp.Diagnostics.HasError() || name == "" || m.Hosts.IsUnknown() {
		return
	}
	if _, ok := m.Hosts.Elements()[name]; !ok && (!m.Hosts.IsNull() || name != environmentHost) {
		resp.Diagnostics.AddAttributeError(path.Root("default_host"), "Unknown host", fmt.Sprintf("There is no host %q in hosts.", name))
	}
}

// Configure remembers the hosts and connects to none: a plan may need none of
// them, and one whose address is not known yet must not be mistaken for another.
func (p *kvmProvider) Configure(ctx context.Context, req provider.ConfigureRequest, resp *provider.ConfigureResponse) {
	var m model
	resp.Diagnostics.Append(req.Config.Get(ctx, &m)...)
	if resp.Diagnostics.HasError() {
		return
	}
	registry, err := m.registry(ctx, os.Getenv)
	if err != nil {
		resp.Diagnostics.AddAttributeError(path.Root("hosts"), "Unable to configure the hosts", report.Sentence(err.Error()))
		return
	}
	if p.dial != nil {
		registry = registry.Over(p.dial)
	}
	resp.ResourceData, resp.DataSourceData = registry, registry
}

func (m *model) registry(ctx context.Context, getenv func(string) string) (*hosts.Registry, error) {
	if m.Hosts.IsUnknown() {
		return hosts.Unknown(), nil
	}
	find := m.entries
	if m.Hosts.IsNull() {
		find = func(context.Context) (map[string]hosts.Entry, error) { return fromEnvironment(getenv) }
	}
	entries, err := find(ctx)
	if err != nil {
		return nil, err
	}
	registry := hosts.New(entries, m.DefaultHost.ValueString())
	if m.DefaultHost.IsUnknown() {
		registry = registry.WithUnknownDefault()
	}
	return registry, nil
}
