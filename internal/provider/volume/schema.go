package volume

import (
	"context"
	"time"

	"github.com/hashicorp/terraform-plugin-framework-validators/int64validator"
	"github.com/hashicorp/terraform-plugin-framework/resource"
	"github.com/hashicorp/terraform-plugin-framework/resource/schema"
	"github.com/hashicorp/terraform-plugin-framework/resource/schema/booldefault"
	"github.com/hashicorp/terraform-plugin-framework/resource/schema/planmodifier"
	"github.com/hashicorp/terraform-plugin-framework/schema/validator"

	"github.com/seed-a7bafb14/terraform-provider-kvm/internal/host"
	"github.com/seed-a7bafb14/terraform-provider-kvm/internal/provider/field"
	"github.com/seed-a7bafb14/terraform-provider-kvm/internal/qemu"
)

// mostGiB is the size of the largest disk.
const mostGiB = qemu.MaxVirtualSize >> 30

var limits = field.Limits{Create: 10 * time.Minute, Update: 10 * time.Minute, Delete: 5 * time.Minute}

func (r *volumeResource) Schema(ctx context.Context, _ resource.SchemaRequest, resp *resource.SchemaResponse) {
	resp.Schema = schema.Schema{
		Version: 0, // raise it, with an upgrader, when what is stored changes its meaning: CONTRIBUTING.md
		MarkdownDescription: "A disk with a life of its own, empty or made from an image, which an instance has as one of its `disks`. " +
			"It is attached to one instance at most, and so never has two writers: to attach it to another one while the first has it is an error, once that was waited for 30 seconds. " +
			"It belongs to no snapshot and no fork. It takes up what was written to it. A volume that is attached cannot be deleted.",
		Attributes: map[string]schema.Attribute{
			"id":   field.ID(Effects, host.Volumes),
			"uid":  field.UID(Effects),
			"name": field.Name(Effects),
			"host": field.Host(Effects, "the host of the image, or the default host"),
			"image": schema.StringAttribute{
				MarkdownDescription: Effects.Describe("image", "Id of the `kvm_image` that the volume begins with, as a copy-on-write layer over it. Default: the volume begins empty. "+
					"An image that is made anew under the same name replaces no volume; to have that, use `replace_triggered_by`."),
				Optional:   true,
				Validators: []validator.String{field.IsID(host.Images)},
			},
			"size_gib": schema.Int64Attribute{
				MarkdownDescription: Effects.Describe("size_gib", "Size in GiB, at least that of the image. It grows while the volume is attached to an instance that runs, too, but not in standby; to make it smaller is an error in the plan. Default: the size of the image."),
				Optional:            true,
				Computed:            true,
				Validators:          []validator.Int64{int64validator.Between(1, mostGiB)},
				PlanModifiers:       []planmodifier.Int64{field.KeptSize{}},
			},
			"size_bytes": schema.Int64Attribute{
				MarkdownDescription: Effects.Describe("size_bytes", "Size in bytes of the disk that a guest sees."),
				Computed:            true,
			},
			"deletion_protection": schema.BoolAttribute{
				MarkdownDescription: Effects.Describe("deletion_protection", "Whether deleting or replacing the volume is an error. Default: `false`."),
				Optional:            true,
				Computed:            true,
				Default:             booldefault.StaticBool(false),
			},
			"labels":     field.Labels(Effects),
			"created_at": field.Fixed(Effects, "created_at", "When the volume was made, as in RFC 3339, UTC."),
			"timeouts":   field.Timeouts(ctx, Effects, limits),
		},
	}
}
