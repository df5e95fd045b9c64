// Package prototest asks a provider what Terraform would, in-process, for tests
// that need no Terraform.
package prototest

import (
	"context"
	"testing"

	"github.com/hashicorp/terraform-plugin-framework/provider"
	"github.com/hashicorp/terraform-plugin-framework/providerserver"
	"github.com/hashicorp/terraform-plugin-go/tfprotov6"
	"github.com/hashicorp/terraform-plugin-go/tftypes"
)

// Unknown stands for a value that is not known yet.
type Unknown struct{}

// Provider is a provider as Terraform sees it.
type Provider struct {
	server  tfprotov6.ProviderServer
	schemas *tfprotov6.GetProviderSchemaResponse
}

// New serves a provider.
func New(t *testing.T, p provider.Provider) *Provider {
	t.Helper()
	server := providerserver.NewProtocol6(p)()
	schemas, err := server.GetProviderSchema(context.Background(), &tfprotov6.GetProviderSchemaRequest{})
	if err != nil {
		t.Fatal(err)
	}
	for _, d := range schemas.Diagnostics {
		t.Fatalf("%s: %s", d.Summary, d.Detail)
	}
	return &Provider{server, schemas}
}

// Validate validates the provider's configuration.
func (p *Provider) Validate(t *testing.T, config map[string]any) []*tfprotov6.Diagnostic {
	t.Helper()
	resp, err := p.server.ValidateProviderConfig(context.Background(), &tfprotov6.ValidateProviderConfigRequest{Config: pack(t, p.schemas.Provider, config)})
	if err != nil {
		t.Fatal(err)
	}
	return resp.Diagnostics
}

// Configure configures the provider.
func (p *Provider) Configure(t *testing.T, config map[string]any) []*tfprotov6.Diagnostic {
	t.Helper()
	resp, err := p.server.ConfigureProvider(context.Background(), &tfprotov6.ConfigureProviderRequest{Config: pack(t, p.schemas.Provider, config)})
	if err != nil {
		t.Fatal(err)
	}
	return resp.Diagnostics
}

// ValidateResource validates a resource's configuration.
func (p *Provider) ValidateResource(t *testing.T, name string, config map[string]any) []*tfprotov6.Diagnostic {
	t.Helper()
	resp, err := p.server.ValidateResourceConfig(context.Background(), &tfprotov6.ValidateResourceConfigRequest{
		TypeName: name, Config: pack(t, p.schemas.ResourceSchemas[name], config),
		ClientCapabilities: &tfprotov6.ValidateResourceConfigClientCapabilities{WriteOnlyAttributesAllowed: true},
	})
	if err != nil {
		t.Fatal(err)
	}
	return resp.Diagnostics
}

// ValidateData validates a data source's configuration.
func (p *Provider) ValidateData(t *testing.T, name string, config map[string]any) []*tfprotov6.Diagnostic {
	t.Helper()
	resp, err := p.server.ValidateDataResourceConfig(context.Background(), &tfprotov6.ValidateDataResourceConfigRequest{
		TypeName: name, Config: pack(t, p.schemas.DataSourceSchemas[name], config),
	})
	if err != nil {
		t.Fatal(err)
	}
	return resp.Diagnostics
}

// PlanCreate plans a resource that is not there. The plan's top level is
// returned.
func (p *Provider) PlanCreate(t *testing.T, name string, config map[string]any) (map[string]tftypes.Value, []*tfprotov6.Diagnostic) {
	t.Helper()
	schema := p.schemas.ResourceSchemas[name]
	resp, err := p.server.PlanResourceChange(context.Background(), &tfprotov6.PlanResourceChangeRequest{
		TypeName: name, Config: pack(t, schema, config), ProposedNewState: pack(t, schema, config), PriorState: pack(t, schema, nil),
	})
	if err != nil {
		t.Fatal(err)
	}
	return unpack(t, schema, resp.PlannedState), resp.Diagnostics
}

// PlanUpdate plans to make of a resource what it is in another state, of which the
// configuration has all that can be configured. The plan's top level is returned,
// and what replaces the resource.
func (p *Provider) PlanUpdate(t *testing.T, name string, state, wanted map[string]any) (map[string]tftypes.Value, []*tftypes.AttributePath, []*tfprotov6.Diagnostic) {
	t.Helper()
	schema := p.schemas.ResourceSchemas[name]
	resp, err := p.server.PlanResourceChange(context.Background(), &tfprotov6.PlanResourceChangeRequest{
		TypeName: name, PriorState: pack(t, schema, state), ProposedNewState: pack(t, schema, wanted),
		Config: pack(t, schema, configurable(schema.Block.Attributes, wanted)),
	})
	if err != nil {
		t.Fatal(err)
	}
	return unpack(t, schema, resp.PlannedState), resp.RequiresReplace, resp.Diagnostics
}

// Read refreshes a resource of which the given attributes are known.
func (p *Provider) Read(t *testing.T, name string, state map[string]any) (map[string]tftypes.Value, []*tfprotov6.Diagnostic) {
	t.Helper()
	schema := p.schemas.ResourceSchemas[name]
	resp, err := p.server.ReadResource(context.Background(), &tfprotov6.ReadResourceRequest{TypeName: name, CurrentState: pack(t, schema, state)})
	if err != nil {
		t.Fatal(err)
	}
	return unpack(t, schema, resp.NewState), resp.Diagnostics
}

// Import imports a resource by id, or by identity where id is "".
func (p *Provider) Import(t *testing.T, name, id string, identity map[string]any) (map[string]tftypes.Value, []*tfprotov6.Diagnostic) {
	t.Helper()
	req := &tfprotov6.ImportResourceStateRequest{TypeName: name, ID: id}
	if id == "" {
		schemas, err := p.server.GetResourceIdentitySchemas(context.Background(), &tfprotov6.GetResourceIdentitySchemasRequest{})
		if err != nil {
			t.Fatal(err)
		}
		typ := schemas.IdentitySchemas[name].ValueType()
		data, err := tfprotov6.NewDynamicValue(typ, Value(typ, identity))
		if err != nil {
			t.Fatal(err)
		}
		req.Identity = &tfprotov6.ResourceIdentityData{IdentityData: &data}
	}
	resp, err := p.server.ImportResourceState(context.Background(), req)
	if err != nil {
		t.Fatal(err)
	}
	if len(resp.ImportedResources) == 0 {
		return nil, resp.Diagnostics
	}
	return unpack(t, p.schemas.ResourceSchemas[name], resp.ImportedResources[0].State), resp.Diagnostics
}

// Upgrade reads a state that a version of the resource's schema has written.
func (p *Provider) Upgrade(t *testing.T, name string, version int64, written []byte) (map[string]tftypes.Value, []*tfprotov6.Diagnostic) {
	t.Helper()
	resp, err := p.server.UpgradeResourceState(context.Background(), &tfprotov6.UpgradeResourceStateRequest{
		TypeName: name, Version: version, RawState: &tfprotov6.RawState{JSON: written},
	})
	if err != nil {
		t.Fatal(err)
	}
	if resp.UpgradedState == nil {
		return nil, resp.Diagnostics
	}
	return unpack(t, p.schemas.ResourceSchemas[name], resp.UpgradedState), resp.Diagnostics
}

// Schemas is everything that the provider declares.
func (p *Provider) Schemas() *tfprotov6.GetProviderSchemaResponse { return p.schemas }
