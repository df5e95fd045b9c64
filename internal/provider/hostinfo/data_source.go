// Package hostinfo is the data source kvm_host.
package hostinfo

import (
	"context"

	"github.com/hashicorp/terraform-plugin-framework/datasource"
	"github.com/hashicorp/terraform-plugin-framework/datasource/schema"

	"github.com/seed-a7bafb14/terraform-provider-kvm/internal/host"
	"github.com/seed-a7bafb14/terraform-provider-kvm/internal/provider/field"
	"github.com/seed-a7bafb14/terraform-provider-kvm/internal/provider/hosts"
	"github.com/seed-a7bafb14/terraform-provider-kvm/internal/provider/object"
	"github.com/seed-a7bafb14/terraform-provider-kvm/internal/provider/report"
)

var _ datasource.DataSourceWithConfigure = (*hostDataSource)(nil)

type hostDataSource struct{ object.DataSource }

// NewDataSource returns the data source kvm_host.
func NewDataSource() datasource.DataSource { return &hostDataSource{object.Called("host")} }

func (d *hostDataSource) Schema(_ context.Context, _ datasource.SchemaRequest, resp *datasource.SchemaResponse) {
	text := func(description string) schema.Attribute {
		return schema.StringAttribute{MarkdownDescription: description, Computed: true}
	}
	number := func(description string) schema.Attribute {
		return schema.Int64Attribute{MarkdownDescription: description, Computed: true}
	}
	resp.Schema = schema.Schema{
		MarkdownDescription: "What a host is and has. A host that is not fit to run instances is an error, which says what is missing and the command that mends it.",
		Attributes: map[string]schema.Attribute{
			"host":                 field.ListedHost(),
			"qemu_version":         text("Version of QEMU, such as `7.2.9`."),
			"machine_type":         text("Machine type of new instances, such as `pc-q35-7.2`."),
			"accelerator":          text("Accelerator of the provider's configuration: `kvm` or `tcg`."),
			"accelerator_works":    schema.BoolAttribute{MarkdownDescription: "Whether it works on the host.", Computed: true},
			"accelerator_problem":  text("Why it does not, and the command that mends it; empty when it does."),
			"cpus":                 number("Number of CPUs."),
			"memory_total_mib":     number("Memory in MiB."),
			"memory_available_mib": number("Memory in MiB that is free or can be freed."),
			"data_dir":             text("Directory that holds everything."),
			"filesystem":           text("Kind of the filesystem that it is on, such as `ext4`."),
			"data_dir_total_bytes": number("Size of that filesystem in bytes."),
			"data_dir_free_bytes":  number("Bytes that are free on it."),
			"kernel":               text("Release of the host's kernel, as `uname -r` prints it."),
			"instances":            number("Number of instances."),
			"running_instances":    number("Number of instances that run."),
			"snapshots":            number("Number of snapshots."),
			"images":               number("Number of images."),
		},
	}
}

func (d *hostDataSource) Read(ctx context.Context, req datasource.ReadRequest, resp *datasource.ReadResponse) {
	var m model
	resp.Diagnostics.Append(req.Config.Get(ctx, &m)...)
	if resp.Diagnostics.HasError() {
		return
	}
	name, facts, err := d.facts(ctx, m.Host.ValueString())
	if err != nil {
		report.Error(&resp.Diagnostics, "read", hosts.ID{Host: name, Kind: "hosts", Name: name}, err)
		return
	}
	resp.Diagnostics.Append(resp.State.Set(ctx, modelOf(name, facts))...)
}

func (d *hostDataSource) facts(ctx context.Context, wanted string) (string, *host.Facts, error) {
	h, name, err := d.Hosts.Find(wanted)
	if err != nil {
		return name, nil, err
	}
	facts, err := h.Facts(ctx)
	return name, facts, err
}
