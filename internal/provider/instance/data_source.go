package instance

import (
	"context"

	"github.com/hashicorp/terraform-plugin-framework/datasource"
	"github.com/hashicorp/terraform-plugin-framework/datasource/schema"
	"github.com/hashicorp/terraform-plugin-framework/types"

	"github.com/seed-a7bafb14/terraform-provider-kvm/internal/host"
	"github.com/seed-a7bafb14/terraform-provider-kvm/internal/provider/field"
	"github.com/seed-a7bafb14/terraform-provider-kvm/internal/provider/hosts"
	"github.com/seed-a7bafb14/terraform-provider-kvm/internal/provider/object"
	"github.com/seed-a7bafb14/terraform-provider-kvm/internal/provider/report"
)

var _ datasource.DataSourceWithConfigure = (*instancesDataSource)(nil)

type instancesDataSource struct{ object.DataSource }

type listModel struct {
	Host      types.String `tfsdk:"host"`
	Labels    types.Map    `tfsdk:"labels"`
	Instances types.List   `tfsdk:"instances"`
}

// NewDataSource returns the data source kvm_instances.
func NewDataSource() datasource.DataSource { return &instancesDataSource{object.Called("instances")} }

func (d *instancesDataSource) Schema(_ context.Context, _ datasource.SchemaRequest, resp *datasource.SchemaResponse) {
	resp.Schema = schema.Schema{
		MarkdownDescription: "The instances on a host, whoever made them.",
		Attributes: map[string]schema.Attribute{
			"host":   field.ListedHost(),
			"labels": field.ListedLabels("instances"),
			"instances": schema.ListNestedAttribute{
				MarkdownDescription: "The instances, by name.",
				Computed:            true,
				NestedObject:        schema.NestedAttributeObject{Attributes: listedAttributes()},
			},
		},
	}
}

func (d *instancesDataSource) Read(ctx context.Context, req datasource.ReadRequest, resp *datasource.ReadResponse) {
	var m listModel
	resp.Diagnostics.Append(req.Config.Get(ctx, &m)...)
	if resp.Diagnostics.HasError() {
		return
	}
	instances, name, err := hosts.List(ctx, d.Hosts, m.Host.ValueString(), (*host.Host).Instances)
	if err != nil {
		report.Error(&resp.Diagnostics, "list", hosts.ID{Host: name, Kind: host.Instances}, err)
		return
	}
	m.Host = types.StringValue(name)
	m.Instances = listValue(name, instances, field.LabelsOf(m.Labels))
	resp.Diagnostics.Append(resp.State.Set(ctx, m)...)
}
