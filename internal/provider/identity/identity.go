// Package identity is what Terraform 1.12 and later know an object by: its host
// and its name.
package identity

import (
	"context"

	"github.com/hashicorp/terraform-plugin-framework/diag"
	"github.com/hashicorp/terraform-plugin-framework/path"
	"github.com/hashicorp/terraform-plugin-framework/resource"
	"github.com/hashicorp/terraform-plugin-framework/resource/identityschema"
	"github.com/hashicorp/terraform-plugin-framework/tfsdk"
	"github.com/hashicorp/terraform-plugin-framework/types"

	"github.com/seed-a7bafb14/terraform-provider-kvm/internal/host"
	"github.com/seed-a7bafb14/terraform-provider-kvm/internal/provider/hosts"
	"github.com/seed-a7bafb14/terraform-provider-kvm/internal/provider/report"
)

type model struct {
	Host types.String `tfsdk:"host"`
	Name types.String `tfsdk:"name"`
}

// Schema is the same for every object. The host may be left out on import when
// there is one host or a default.
func Schema() identityschema.Schema {
	return identityschema.Schema{Attributes: map[string]identityschema.Attribute{
		"host": identityschema.StringAttribute{OptionalForImport: true, Description: "Name of the host in the provider's configuration."},
		"name": identityschema.StringAttribute{RequiredForImport: true, Description: "Name of the object on its host."},
	}}
}

// Set writes an object's identity. It belongs in every response, so that a
// state written by an older version gets one, too.
func Set(ctx context.Context, identity *tfsdk.ResourceIdentity, id hosts.ID) diag.Diagnostics {
	if identity == nil { // a Terraform that does not know identities
		return nil
	}
	return identity.Set(ctx, model{types.StringValue(id.Host), types.StringValue(id.Name)})
}

// Import puts id, host and name of the object that a user named, by id, bare
// name or identity, into the state. Read does the rest.
func Import(ctx context.Context, registry *hosts.Registry, kind host.Kind, req resource.ImportStateRequest, resp *resource.ImportStateResponse) {
	id, err := locate(ctx, registry, kind, req, &resp.Diagnostics)
	if err != nil {
		resp.Diagnostics.AddError("Unable to import", report.Sentence(err.Error()))
	}
	if resp.Diagnostics.HasError() {
		return
	}
	for name, value := range map[string]string{"id": id.String(), "host": id.Host, "name": id.Name} {
		resp.Diagnostics.Append(resp.State.SetAttribute(ctx, path.Root(name), value)...)
	}
	resp.Diagnostics.Append(Set(ctx, resp.Identity, id)...)
}

func locate(ctx context.Context, registry *hosts.Registry, kind host.Kind, req resource.ImportStateRequest, diags *diag.Diagnostics) (hosts.ID, error) {
	text := req.ID
	if text == "" && req.Identity != nil {
		var given model
		diags.Append(req.Identity.Get(ctx, &given)...)
		text = given.Name.ValueString()
		if name := given.Host.ValueString(); name != "" {
			text = hosts.ID{Host: name, Kind: kind, Name: text}.String()
		}
	}
	id, err := registry.Locate(text, kind)
	if err == nil {
		_, err = registry.Resolve(id.Host)
	}
	return id, err
}
