package image

import (
	"context"
	"time"

	"github.com/hashicorp/terraform-plugin-framework-validators/stringvalidator"
	"github.com/hashicorp/terraform-plugin-framework/resource"
	"github.com/hashicorp/terraform-plugin-framework/resource/schema"
	"github.com/hashicorp/terraform-plugin-framework/resource/schema/planmodifier"
	"github.com/hashicorp/terraform-plugin-framework/schema/validator"

	"github.com/seed-a7bafb14/terraform-provider-kvm/internal/fetch"
	"github.com/seed-a7bafb14/terraform-provider-kvm/internal/host"
	"github.com/seed-a7bafb14/terraform-provider-kvm/internal/provider/field"
)

var limits = field.Limits{Create: time.Hour, Delete: 5 * time.Minute}

func (r *imageResource) Schema(ctx context.Context, _ resource.SchemaRequest, resp *resource.SchemaResponse) {
	resp.Schema = schema.Schema{
		Version: 0, // raise it, with an upgrader, when what is stored changes its meaning: CONTRIBUTING.md
		MarkdownDescription: "An immutable file on a host: a disk (qcow2 or raw) or a boot file (kernel, initrd). " +
			"It is streamed to the host, verified there and put into place at once; the same content is stored once per host. " +
			"Deleting an image never touches the instances that were made from it.",
		Attributes: map[string]schema.Attribute{
			"id":   field.ID(Effects, host.Images),
			"uid":  field.UID(Effects),
			"name": field.Name(Effects),
			"host": field.Host(Effects, "the default host"),
			"source": schema.StringAttribute{
				MarkdownDescription: Effects.Describe("source", "Where the file comes from: an `http://` or `https://` URL, or a path on the machine that runs Terraform. "+
					"A qcow2 file is refused if it has a backing file or an external data file, which could be any file of the host, is encrypted, is larger than 2 PiB for a guest, or is cut short or damaged (`qemu-img check`); so is a raw disk that begins like such a file. "+
					"Snapshots inside a qcow2 file stay in it and are not used. A file is at most 1 TiB and leaves a sixteenth of what is free in the data directory; nothing is unpacked. User, password and query of a URL, which may be secret, are in the state only; the host is not told them, and an image that is imported gets them by an apply that does no more. Only a change of this text is noticed: to load a file that has changed in its place, change `checksum`."),
				Required:   true,
				Validators: []validator.String{stringvalidator.LengthAtLeast(1), field.Valid("a URL or a path", fetch.CheckSource)},
			},
			"checksum": schema.StringAttribute{
				MarkdownDescription: Effects.Describe("checksum", "Checksum of the file, verified before the image is put into place: `sha256:` and 64 hexadecimal digits. Default: that of the file as it was read."),
				Optional:            true,
				Computed:            true,
				Validators: []validator.String{field.Valid("a checksum", func(text string) error {
					_, err := fetch.ParseChecksum(text)
					return err
				})},
				PlanModifiers: []planmodifier.String{sameChecksum{}},
			},
			"sha256":             field.Fixed(Effects, "sha256", "SHA-256 of the file, 64 hexadecimal digits."),
			"format":             field.Fixed(Effects, "format", "Format of the file, read on the host: `qcow2` or `raw`."),
			"size_bytes":         field.FixedNumber(Effects, "size_bytes", "Size of the file in bytes."),
			"virtual_size_bytes": field.FixedNumber(Effects, "virtual_size_bytes", "Size in bytes of the disk that a guest sees."),
			"timeouts":           field.Timeouts(ctx, Effects, limits),
		},
	}
}
