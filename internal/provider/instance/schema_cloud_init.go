package instance

import (
	"fmt"

	"github.com/hashicorp/terraform-plugin-framework-validators/stringvalidator"
	"github.com/hashicorp/terraform-plugin-framework/resource/schema"
	"github.com/hashicorp/terraform-plugin-framework/resource/schema/stringdefault"
	"github.com/hashicorp/terraform-plugin-framework/schema/validator"

	"github.com/seed-a7bafb14/terraform-provider-kvm/internal/cloudinit"
)

func cloudInitAttribute() schema.SingleNestedAttribute {
	some := []validator.String{stringvalidator.LengthAtLeast(1)}
	return schema.SingleNestedAttribute{
		MarkdownDescription: Effects.Describe("cloud_init", "What cloud-init in the guest is told, by a small read-only disk (a [NoCloud](https://docs.cloud-init.io/en/latest/reference/datasources/nocloud.html) seed, `cidata`). "+
			fmt.Sprintf("All of it together has at most %d KiB. ", cloudinit.MaxBytes>>10)+
			"To add or remove `cloud_init` is a change like any other, for `on_change` to say. "+
			"Snapshots have the seed of their time, and an instance that is restored to one is given the seed that is declared, which it reads when it boots. "+
			"A fork that leaves it out has its source's, and keeps it. One with its own reads that when it boots: where it has its source's memory, cloud-init has run, so that nothing comes of it until a restart, and its source must have a `cloud_init`, too. Default: none."),
		Optional: true,
		Attributes: map[string]schema.Attribute{
			"user_data": schema.StringAttribute{
				MarkdownDescription: Effects.Describe("cloud_init.user_data", "User data: a `#cloud-config`, whose YAML is checked in the plan, a script, or whatever else cloud-init reads. "+
					"It is in the state, and shown in plans: what is secret belongs into `user_data_wo`, or into a sensitive variable at least."),
				Optional:   true,
				Validators: some,
			},
			"user_data_wo": schema.StringAttribute{
				MarkdownDescription: Effects.Describe("cloud_init.user_data_wo", "User data that is [write-only](https://developer.hashicorp.com/terraform/language/manage-sensitive-data/write-only): it is in no state and no plan, and on the host in the seed alone, which only the login can read, and the guest's root. "+
					"Needs `user_data_wo_version`, and Terraform 1.11. Conflicts with `user_data`. Another text is not noticed until the version is another one, or the seed changes otherwise."),
				Optional:   true,
				WriteOnly:  true,
				Sensitive:  true,
				Validators: some,
			},
			"user_data_wo_version": schema.Int64Attribute{
				MarkdownDescription: Effects.Describe("cloud_init.user_data_wo_version", "Version of `user_data_wo`: raise it when that changes."),
				Optional:            true,
			},
			"meta_data": schema.StringAttribute{
				MarkdownDescription: Effects.Describe("cloud_init.meta_data", "Metadata, a YAML mapping. What it leaves out it gets: `local-hostname`, the instance's name, and `instance-id`, which is another one if and only if something in `cloud_init` is. "+
					"An `instance-id` of its own is kept: then cloud-init does its work again only when you change that."),
				Optional:   true,
				Validators: some,
			},
			"network_config": schema.StringAttribute{
				MarkdownDescription: Effects.Describe("cloud_init.network_config", "Network configuration, a YAML mapping, version 1 or 2. Default: none, with which cloud-init uses DHCP on the first interface."),
				Optional:            true,
				Validators:          some,
			},
			"on_change": schema.StringAttribute{
				MarkdownDescription: Effects.Describe("cloud_init.on_change", "What a change of the seed does. `restart`: the seed is replaced while the guest is restarted; cloud-init then takes it for a new instance and does its work again, on the disk as it is. "+
					"`replace`: the instance is replaced, and starts with a new disk. "+
					"`ignore`: the seed on the host stays what it was; the change is noted in the state, and takes effect when another `on_change` is set. Default: `restart`."),
				Optional:   true,
				Computed:   true,
				Default:    stringdefault.StaticString(onChangeRestart),
				Validators: []validator.String{stringvalidator.OneOf(onChangeReplace, onChangeRestart, onChangeIgnore)},
			},
			"digest": schema.StringAttribute{
				MarkdownDescription: Effects.Describe("cloud_init.digest", "SHA-256, in hexadecimal, of what the seed on the host was made from: of `user_data_wo` the version counts, not the text. Null when there is no seed."),
				Computed:            true,
			},
		},
	}
}
