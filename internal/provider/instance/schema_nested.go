package instance

import (
	"errors"
	"net/netip"
	"regexp"

	"github.com/hashicorp/terraform-plugin-framework-validators/int64validator"
	"github.com/hashicorp/terraform-plugin-framework-validators/mapvalidator"
	"github.com/hashicorp/terraform-plugin-framework-validators/stringvalidator"
	"github.com/hashicorp/terraform-plugin-framework/resource/schema"
	"github.com/hashicorp/terraform-plugin-framework/resource/schema/int64planmodifier"
	"github.com/hashicorp/terraform-plugin-framework/resource/schema/planmodifier"
	"github.com/hashicorp/terraform-plugin-framework/resource/schema/stringdefault"
	"github.com/hashicorp/terraform-plugin-framework/resource/schema/stringplanmodifier"
	"github.com/hashicorp/terraform-plugin-framework/schema/validator"

	"github.com/seed-a7bafb14/terraform-provider-kvm/internal/host"
	"github.com/seed-a7bafb14/terraform-provider-kvm/internal/provider/field"
	"github.com/seed-a7bafb14/terraform-provider-kvm/internal/qemu"
)

var (
	key   = regexp.MustCompile(`^[a-z0-9][a-z0-9_-]{0,31}$`)
	keys  = mapvalidator.KeysAre(stringvalidator.RegexMatches(key, "must be 1 to 32 of a-z, 0-9, hyphen and underscore, with a letter or digit first"))
	ports = int64validator.Between(1, 65535)
)

func kernelAttribute() schema.SingleNestedAttribute {
	return schema.SingleNestedAttribute{
		MarkdownDescription: Effects.Describe("kernel", "A Linux kernel to boot directly, with or without an `image`. Conflicts with `fork_of`."),
		Optional:            true,
		Attributes: map[string]schema.Attribute{
			"image": schema.StringAttribute{
				MarkdownDescription: Effects.Describe("kernel.image", "Id of the `kvm_image` that is the kernel."),
				Required:            true,
				Validators:          []validator.String{field.IsID(host.Images)},
			},
			"initrd": schema.StringAttribute{
				MarkdownDescription: Effects.Describe("kernel.initrd", "Id of the `kvm_image` that is the initial RAM disk. Default: none."),
				Optional:            true,
				Validators:          []validator.String{field.IsID(host.Images)},
			},
			"command_line": schema.StringAttribute{
				MarkdownDescription: Effects.Describe("kernel.command_line", "The kernel's command line, such as `console=ttyS0 root=/dev/vda1`. Default: empty."),
				Optional:            true,
				Validators:          []validator.String{stringvalidator.LengthBetween(1, 2047)},
			},
		},
	}
}

func interfacesAttribute() schema.MapNestedAttribute {
	return schema.MapNestedAttribute{
		MarkdownDescription: Effects.Describe("network_interfaces", "Network cards by a name of your choice, 1 to 32 of `a-z`, `0-9`, `-` and `_`; at most 16. Default: none; on a fork those of its source, with which they must agree."),
		Optional:            true,
		Computed:            true,
		Validators:          []validator.Map{keys, mapvalidator.NoNullValues(), mapvalidator.SizeAtMost(qemu.MaxNICs)},
		PlanModifiers:       []planmodifier.Map{inheritedMap{interfaceType}},
		NestedObject: schema.NestedAttributeObject{Attributes: map[string]schema.Attribute{
			"type": schema.StringAttribute{
				MarkdownDescription: Effects.Describe("network_interfaces.*.type", "`user`: a network of the instance's own, in its QEMU process, from which it reaches what its host reaches, the host's own 127.0.0.1 among it (as 10.0.2.2), unless `restrict` is set. `passt`: the same network, IPv4 only, made by a process `passt` of the instance's own, with which the host's 127.0.0.1 is not at 10.0.2.2; one at most, without `restrict`, on a host that has the command `passt`, and QEMU 7.2 or later. Connections that were open when a checkpoint was taken are not there any more for who goes on from it. `bridge`: a card on a `bridge` of the host, or on that of a `network`. Default: `user`."),
				Optional:            true,
				Computed:            true,
				Default:             stringdefault.StaticString(defaultNICType),
				Validators:          []validator.String{stringvalidator.OneOf(defaultNICType, qemu.PasstType, bridgeNICType)},
			},
			"bridge":  bridgeAttribute(),
			"network": networkAttribute(),
			"mac_address": schema.StringAttribute{
				MarkdownDescription: Effects.Describe("network_interfaces.*.mac_address", "MAC address, such as `52:54:01:a0:b1:c2`. Default: one of a locally administered range, chosen once. A fork has that of its source; on a bridge it has one of its own, which no other instance of its host has."),
				Optional:            true,
				Computed:            true,
				Validators:          []validator.String{field.Valid("the MAC address of one card, in lower case", isMAC)},
				PlanModifiers:       []planmodifier.String{stringplanmodifier.UseNonNullStateForUnknown()},
			},
			"restrict": schema.BoolAttribute{
				MarkdownDescription: Effects.Describe("network_interfaces.*.restrict", "Whether the guest is cut off from everything but connections that come in by `forward`: from the host, its 127.0.0.1 and its services, and from what the host reaches. Default: `false`; on a fork that of its source, with which it must agree."),
				Optional:            true,
				Computed:            true,
				PlanModifiers:       []planmodifier.Bool{inheritedBool{}},
			},
			"forward": forwardAttribute(),
		}},
	}
}

func forwardAttribute() schema.MapNestedAttribute {
	return schema.MapNestedAttribute{
		MarkdownDescription: Effects.Describe("network_interfaces.*.forward", "Ports of the guest that are reachable on the host, by a name of your choice: exactly these. With type `passt` a change of them restarts an instance that runs. Default: none; on a fork those of its source, each with a new host port."),
		Optional:            true,
		Computed:            true,
		Validators:          []validator.Map{keys, mapvalidator.NoNullValues()},
		PlanModifiers:       []planmodifier.Map{inheritedMap{forwardType}},
		NestedObject: schema.NestedAttributeObject{Attributes: map[string]schema.Attribute{
			"guest_port": schema.Int64Attribute{
				MarkdownDescription: Effects.Describe("network_interfaces.*.forward.*.guest_port", "Port in the guest, 1 to 65535."),
				Required:            true,
				Validators:          []validator.Int64{ports},
			},
			"host_port": schema.Int64Attribute{
				MarkdownDescription: Effects.Describe("network_interfaces.*.forward.*.host_port", "Port on the host, 1 to 65535. Default: a free one, chosen once and kept."),
				Optional:            true,
				Computed:            true,
				Validators:          []validator.Int64{ports},
				PlanModifiers:       []planmodifier.Int64{int64planmodifier.UseNonNullStateForUnknown()},
			},
			"host_address": schema.StringAttribute{
				MarkdownDescription: Effects.Describe("network_interfaces.*.forward.*.host_address", "IPv4 address on the host to listen on; `0.0.0.0` for all. Default: `127.0.0.1`."),
				Optional:            true,
				Computed:            true,
				Default:             stringdefault.StaticString(defaultHostAddress),
				Validators:          []validator.String{field.Valid("an IPv4 address", isIPv4)},
			},
			"protocol": schema.StringAttribute{
				MarkdownDescription: Effects.Describe("network_interfaces.*.forward.*.protocol", "`tcp` or `udp`. Default: `tcp`."),
				Optional:            true,
				Computed:            true,
				Default:             stringdefault.StaticString(defaultProtocol),
				Validators:          []validator.String{stringvalidator.OneOf("tcp", "udp")},
			},
		}},
	}
}

func isIPv4(text string) error {
	address, err := netip.ParseAddr(text)
	if err == nil && !address.Is4() {
		err = errors.New("it is an IPv6 address")
	}
	return err
}
