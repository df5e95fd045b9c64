// Command random is a Terraform provider with random_id alone, to compare plans
// with where the random provider of HashiCorp cannot be had: the same library, the
// same protocol, the same attributes, and nothing that a plan would wait for. Its
// schema is smaller, which is in its favour.
package main

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"log"

	"github.com/hashicorp/terraform-plugin-framework/datasource"
	"github.com/hashicorp/terraform-plugin-framework/provider"
	"github.com/hashicorp/terraform-plugin-framework/providerserver"
	"github.com/hashicorp/terraform-plugin-framework/resource"
	"github.com/hashicorp/terraform-plugin-framework/resource/schema"
	"github.com/hashicorp/terraform-plugin-framework/resource/schema/int64planmodifier"
	"github.com/hashicorp/terraform-plugin-framework/resource/schema/mapplanmodifier"
	"github.com/hashicorp/terraform-plugin-framework/resource/schema/planmodifier"
	"github.com/hashicorp/terraform-plugin-framework/resource/schema/stringplanmodifier"
	"github.com/hashicorp/terraform-plugin-framework/types"
)

func main() {
	err := providerserver.Serve(context.Background(), func() provider.Provider { return randomProvider{} }, providerserver.ServeOpts{
		Address: "registry.terraform.io/hashicorp/random", ProtocolVersion: 5,
	})
	if err != nil {
		log.Fatal(err)
	}
}

type randomProvider struct{}

func (randomProvider) Metadata(_ context.Context, _ provider.MetadataRequest, r *provider.MetadataResponse) {
	r.TypeName = "random"
}
func (randomProvider) Schema(context.Context, provider.SchemaRequest, *provider.SchemaResponse) {}
func (randomProvider) Configure(context.Context, provider.ConfigureRequest, *provider.ConfigureResponse) {
}
func (randomProvider) DataSources(context.Context) []func() datasource.DataSource { return nil }
func (randomProvider) Resources(context.Context) []func() resource.Resource {
	return []func() resource.Resource{func() resource.Resource { return id{} }}
}

type id struct{}

type idModel struct {
	Keepers    types.Map    `tfsdk:"keepers"`
	ByteLength types.Int64  `tfsdk:"byte_length"`
	Prefix     types.String `tfsdk:"prefix"`
	ID         types.String `tfsdk:"id"`
	B64URL     types.String `tfsdk:"b64_url"`
	B64Std     types.String `tfsdk:"b64_std"`
	Hex        types.String `tfsdk:"hex"`
	Dec        types.String `tfsdk:"dec"`
}

func (id) Metadata(_ context.Context, _ resource.MetadataRequest, r *resource.MetadataResponse) {
	r.TypeName = "random_id"
}

func (id) Schema(_ context.Context, _ resource.SchemaRequest, r *resource.SchemaResponse) {
	computed := schema.StringAttribute{Computed: true, PlanModifiers: []planmodifier.String{stringplanmodifier.UseStateForUnknown()}}
	r.Schema = schema.Schema{Attributes: map[string]schema.Attribute{
		"keepers":     schema.MapAttribute{ElementType: types.StringType, Optional: true, PlanModifiers: []planmodifier.Map{mapplanmodifier.RequiresReplace()}},
		"byte_length": schema.Int64Attribute{Required: true, PlanModifiers: []planmodifier.Int64{int64planmodifier.RequiresReplace()}},
		"prefix":      schema.StringAttribute{Optional: true, PlanModifiers: []planmodifier.String{stringplanmodifier.RequiresReplace()}},
		"id":          computed, "b64_url": computed, "b64_std": computed, "hex": computed, "dec": computed,
	}}
}

func (id) Create(ctx context.Context, request resource.CreateRequest, r *resource.CreateResponse) {
	var m idModel
	r.Diagnostics.Append(request.Plan.Get(ctx, &m)...)
	bytes := make([]byte, m.ByteLength.ValueInt64())
	if _, err := rand.Read(bytes); err != nil {
		r.Diagnostics.AddError("Unable to make an id", err.Error())
		return
	}
	value := types.StringValue(m.Prefix.ValueString() + hex.EncodeToString(bytes))
	m.ID, m.B64URL, m.B64Std, m.Hex, m.Dec = value, value, value, value, value
	r.Diagnostics.Append(r.State.Set(ctx, &m)...)
}

func (id) Read(context.Context, resource.ReadRequest, *resource.ReadResponse)       {}
func (id) Update(context.Context, resource.UpdateRequest, *resource.UpdateResponse) {}
func (id) Delete(context.Context, resource.DeleteRequest, *resource.DeleteResponse) {}
