package snapshot

import (
	"context"
	"time"

	"github.com/hashicorp/terraform-plugin-framework/resource"
	"github.com/hashicorp/terraform-plugin-framework/resource/schema"
	"github.com/hashicorp/terraform-plugin-framework/schema/validator"

	"github.com/seed-a7bafb14/terraform-provider-kvm/internal/host"
	"github.com/seed-a7bafb14/terraform-provider-kvm/internal/provider/field"
)

var limits = field.Limits{Create: 20 * time.Minute, Delete: 5 * time.Minute}

func (r *snapshotResource) Schema(ctx context.Context, _ resource.SchemaRequest, resp *resource.SchemaResponse) {
	resp.Schema = schema.Schema{
		Version: 0, // raise it, with an upgrader, when what is stored changes its meaning: CONTRIBUTING.md
		MarkdownDescription: "A named, immutable copy of an instance: its disk and, unless it was stopped, its memory. " +
			"A running instance goes on while it is taken, but for a pause of some tens of milliseconds. " +
			"Instances are forked from it by `fork_of`. It depends on nothing and nothing depends on it: instance and forks live on when it is deleted, and it when they are.",
		Attributes: map[string]schema.Attribute{
			"id":   field.ID(Effects, host.Snapshots),
			"uid":  field.UID(Effects),
			"name": field.Name(Effects),
			"host": field.Fixed(Effects, "host", "Host that the snapshot is on: that of the instance."),
			"instance": schema.StringAttribute{
				MarkdownDescription: Effects.Describe("instance", "Id of the `kvm_instance` to take it of, which may be running, standby or stopped. "+
					"An instance that is made anew under the same name replaces no snapshot; to have that, use `replace_triggered_by`."),
				Required:   true,
				Validators: []validator.String{field.IsID(host.Instances)},
			},
			"labels":     field.Labels(Effects),
			"kind":       field.Fixed(Effects, "kind", "`standby`: with memory; `stopped`: without, of an instance that was stopped."),
			"vcpus":      field.FixedNumber(Effects, "vcpus", "Number of virtual CPUs, which forks take over."),
			"memory_mib": field.FixedNumber(Effects, "memory_mib", "Memory in MiB, which forks take over."),
			"size_bytes": field.FixedNumber(Effects, "size_bytes", "Bytes on the host's disk when it was taken. What it shares with others counts in full."),
			"created_at": field.Fixed(Effects, "created_at", "When it was taken, as in RFC 3339, UTC."),
			"timeouts":   field.Timeouts(ctx, Effects, limits),
		},
	}
}
