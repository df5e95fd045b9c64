package volume

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

var _ datasource.DataSourceWithConfigure = (*volumesDataSource)(nil)

type volumesDataSource struct{ object.DataSource }

type listModel struct {
	Host    types.String `tfsdk:"host"`
	Labels  types.Map    `tfsdk:"labels"`
	Volumes types.List   `tfsdk:"volumes"`
}

// NewDataSource returns the data source kvm_volumes.
func NewDataSource() datasource.DataSource { return &volumesDataSource{object.Called("volumes")} }

func (d *volumesDataSource) Schema(_ context.Context, _ datasource.SchemaRequest, resp *datasource.SchemaResponse) {
	resp.Schema = schema.Schema{
		MarkdownDescription: "The volumes on a host, whoever made them.",
		Attributes: map[string]schema.Attribute{
			"host":   field.ListedHost(),
			"labels": field.ListedLabels("volumes"),
			"volumes": schema.ListNestedAttribute{
				MarkdownDescription: "The volumes, by name.",
				Computed:            true,
				NestedObject:        schema.NestedAttributeObject{Attributes: listedAttributes()},
			},
		},
	}
}

func (d *volumesDataSource) Read(ctx context.Context, req datasource.ReadRequest, resp *datasource.ReadResponse) {
	var m listModel
	resp.Diagnostics.Append(req.Config.Get(ctx, &m)...)
	if resp.Diagnostics.HasError() {
		return
	}
	volumes, name, err := hosts.List(ctx, d.Hosts, m.Host.ValueString(), (*host.Host).Volumes)
	if err != nil {
		report.Error(&resp.Diagnostics, "list", hosts.ID{Host: name, Kind: host.Volumes}, err)
		return
	}
	m.Host = types.StringValue(name)
	m.Volumes = listValue(name, volumes, field.LabelsOf(m.Labels))
	resp.Diagnostics.Append(resp.State.Set(ctx, m)...)
}
