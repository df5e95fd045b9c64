package snapshot

import (
	"cmp"
	"context"
	"fmt"

	"github.com/hashicorp/terraform-plugin-framework/datasource"
	"github.com/hashicorp/terraform-plugin-framework/datasource/schema"
	"github.com/hashicorp/terraform-plugin-framework/path"
	"github.com/hashicorp/terraform-plugin-framework/schema/validator"
	"github.com/hashicorp/terraform-plugin-framework/types"

	"github.com/seed-a7bafb14/terraform-provider-kvm/internal/host"
	"github.com/seed-a7bafb14/terraform-provider-kvm/internal/provider/field"
	"github.com/seed-a7bafb14/terraform-provider-kvm/internal/provider/hosts"
	"github.com/seed-a7bafb14/terraform-provider-kvm/internal/provider/object"
	"github.com/seed-a7bafb14/terraform-provider-kvm/internal/provider/report"
)

var (
	_ datasource.DataSourceWithConfigure      = (*snapshotsDataSource)(nil)
	_ datasource.DataSourceWithValidateConfig = (*snapshotsDataSource)(nil)
)

type snapshotsDataSource struct{ object.DataSource }

type listModel struct {
	Host      types.String `tfsdk:"host"`
	Instance  types.String `tfsdk:"instance"`
	Labels    types.Map    `tfsdk:"labels"`
	Snapshots types.List   `tfsdk:"snapshots"`
}

// NewDataSource returns the data source kvm_snapshots.
func NewDataSource() datasource.DataSource { return &snapshotsDataSource{object.Called("snapshots")} }

func (d *snapshotsDataSource) Schema(_ context.Context, _ datasource.SchemaRequest, resp *datasource.SchemaResponse) {
	resp.Schema = schema.Schema{
		MarkdownDescription: "The snapshots on a host, whoever took them.",
		Attributes: map[string]schema.Attribute{
			"host": field.ListedHost(),
			"instance": schema.StringAttribute{
				MarkdownDescription: "Only the snapshots of the instance of this id, on whose host they are. Default: all.",
				Optional:            true,
				Validators:          []validator.String{field.IsID(host.Instances)},
			},
			"labels": field.ListedLabels("snapshots"),
			"snapshots": schema.ListNestedAttribute{
				MarkdownDescription: "The snapshots, the newest first.",
				Computed:            true,
				NestedObject:        schema.NestedAttributeObject{Attributes: listedAttributes()},
			},
		},
	}
}

// ValidateConfig refuses to look on one host for the snapshots of another's
// instance. A value that is not known yet is never taken for a mistake.
func (d *snapshotsDataSource) ValidateConfig(ctx context.Context, req datasource.ValidateConfigRequest, resp *datasource.ValidateConfigResponse) {
	var m listModel
	resp.Diagnostics.Append(req.Config.Get(ctx, &m)...)
	if resp.Diagnostics.HasError() {
		return
	}
	if on, there := m.Host.ValueString(), m.instance().Host; on != "" && there != "" && there != on {
		resp.Diagnostics.AddAttributeError(path.Root("instance"), "Another host's instance",
			fmt.Sprintf("Snapshots are on the host of their instance: there are none of %s on host %q.", m.Instance.ValueString(), on))
	}
}

func (d *snapshotsDataSource) Read(ctx context.Context, req datasource.ReadRequest, resp *datasource.ReadResponse) {
	var m listModel
	resp.Diagnostics.Append(req.Config.Get(ctx, &m)...)
	if resp.Diagnostics.HasError() {
		return
	}
	snapshots, name, err := hosts.List(ctx, d.Hosts, cmp.Or(m.Host.ValueString(), m.instance().Host), (*host.Host).Snapshots)
	if err != nil {
		report.Error(&resp.Diagnostics, "list", hosts.ID{Host: name, Kind: host.Snapshots}, err)
		return
	}
	m.Host = types.StringValue(name)
	m.Snapshots = listValue(name, snapshots, m.wants)
	resp.Diagnostics.Append(resp.State.Set(ctx, m)...)
}

// instance is the one that is asked for; none when that is left out, or is not
// known yet.
func (m *listModel) instance() hosts.ID {
	id, _ := hosts.ParseID(m.Instance.ValueString(), host.Instances)
	return id
}

func (m *listModel) wants(snap *host.Snapshot) bool {
	ofInstance := m.Instance.IsNull() || m.instance().Ref() == snap.Instance
	return ofInstance && field.HasLabels(snap.Labels, field.LabelsOf(m.Labels))
}
