// Package console is the data source kvm_console.
package console

import (
	"context"
	"strings"

	"github.com/hashicorp/terraform-plugin-framework-validators/int64validator"
	"github.com/hashicorp/terraform-plugin-framework/datasource"
	"github.com/hashicorp/terraform-plugin-framework/datasource/schema"
	"github.com/hashicorp/terraform-plugin-framework/schema/validator"
	"github.com/hashicorp/terraform-plugin-framework/types"

	"github.com/seed-a7bafb14/terraform-provider-kvm/internal/host"
	"github.com/seed-a7bafb14/terraform-provider-kvm/internal/provider/field"
	"github.com/seed-a7bafb14/terraform-provider-kvm/internal/provider/hosts"
	"github.com/seed-a7bafb14/terraform-provider-kvm/internal/provider/object"
	"github.com/seed-a7bafb14/terraform-provider-kvm/internal/provider/report"
)

var _ datasource.DataSourceWithConfigure = (*consoleDataSource)(nil)

const (
	defaultLines = 50
	mostLines    = 10000
)

type consoleDataSource struct{ object.DataSource }

type model struct {
	Instance types.String `tfsdk:"instance"`
	Lines    types.Int64  `tfsdk:"lines"`
	Output   types.String `tfsdk:"output"`
}

// NewDataSource returns the data source kvm_console.
func NewDataSource() datasource.DataSource { return &consoleDataSource{object.Called("console")} }

func (d *consoleDataSource) Schema(_ context.Context, _ datasource.SchemaRequest, resp *datasource.SchemaResponse) {
	resp.Schema = schema.Schema{
		MarkdownDescription: "The last lines of an instance's serial console: what its guest has said there since it last booted, or, of a fork, since it was forked. " +
			"It can be read whatever the instance's state is. The host keeps the last 1 MiB: the file grows while the guest speaks, and every `plan`, `apply` and read of the host cuts off what is more than that, once it is twice as much. " +
			"It is read by every plan, and an output that is made of it changes when the guest has said more.",
		Attributes: map[string]schema.Attribute{
			"instance": schema.StringAttribute{
				MarkdownDescription: "Id of the instance.",
				Required:            true,
				Validators:          []validator.String{field.IsID(host.Instances)},
			},
			"lines": schema.Int64Attribute{
				MarkdownDescription: "How many lines at most, 1 to 10000. Default: 50.",
				Optional:            true,
				Validators:          []validator.Int64{int64validator.Between(1, mostLines)},
			},
			"output": schema.StringAttribute{
				MarkdownDescription: "The lines, without colours, and with whatever else a terminal would obey written as `\\x1b`. Empty when the guest has said nothing.",
				Computed:            true,
			},
		},
	}
}

func (d *consoleDataSource) Read(ctx context.Context, req datasource.ReadRequest, resp *datasource.ReadResponse) {
	var m model
	resp.Diagnostics.Append(req.Config.Get(ctx, &m)...)
	if resp.Diagnostics.HasError() {
		return
	}
	id, _ := hosts.ParseID(m.Instance.ValueString(), host.Instances) // it was checked when the configuration was validated
	lines := defaultLines
	if !m.Lines.IsNull() {
		lines = int(m.Lines.ValueInt64())
	}
	said, err := d.read(ctx, id, lines)
	if err != nil {
		report.Error(&resp.Diagnostics, "read the console of", id, err)
		return
	}
	m.Output = types.StringValue(last(report.Text(said), lines))
	resp.Diagnostics.Append(resp.State.Set(ctx, m)...)
}

func (d *consoleDataSource) read(ctx context.Context, id hosts.ID, lines int) (string, error) {
	h, err := d.Hosts.Host(id.Host)
	if err != nil {
		return "", err
	}
	return h.Console(ctx, id.Name, lines)
}

// last is the last lines of text. What was one line on the host may be several: a
// carriage return begins one, too.
func last(text string, lines int) string {
	text = strings.TrimRight(text, "\n")
	for at := len(text); lines > 0; lines-- {
		if at = strings.LastIndexByte(text[:at], '\n'); at < 0 {
			return text
		}
		if lines == 1 {
			return text[at+1:]
		}
	}
	return text
}
