package network

import (
	"context"
	"time"

	"github.com/hashicorp/terraform-plugin-framework-validators/stringvalidator"
	"github.com/hashicorp/terraform-plugin-framework/resource"
	"github.com/hashicorp/terraform-plugin-framework/resource/schema"
	"github.com/hashicorp/terraform-plugin-framework/resource/schema/booldefault"
	"github.com/hashicorp/terraform-plugin-framework/resource/schema/planmodifier"
	"github.com/hashicorp/terraform-plugin-framework/resource/schema/stringdefault"
	"github.com/hashicorp/terraform-plugin-framework/resource/schema/stringplanmodifier"
	"github.com/hashicorp/terraform-plugin-framework/schema/validator"

	"github.com/seed-a7bafb14/terraform-provider-kvm/internal/host"
	"github.com/seed-a7bafb14/terraform-provider-kvm/internal/provider/field"
)

var limits = field.Limits{Create: 5 * time.Minute, Update: 5 * time.Minute, Delete: 5 * time.Minute}

// The states of a network. One that is down can only be found: it is not asked for.
const (
	up   = "up"
	down = "down"
)

func (r *networkResource) Schema(ctx context.Context, _ resource.SchemaRequest, resp *resource.SchemaResponse) {
	resp.Schema = schema.Schema{
		Version: 0, // raise it, with an upgrader, when what is stored changes its meaning: CONTRIBUTING.md
		MarkdownDescription: "A network for the instances of a host: a bridge, on which the host has the first address; DHCP and DNS by a dnsmasq of its own, which knows each instance by its name; and rules of nftables. " +
			"Its guests reach each other and, with `nat`, what the host reaches. They reach no other `kvm_network`, and of the host itself nothing but DHCP, DNS and ping at the gateway; the host reaches them, and nobody else begins to. " +
			"It is for IPv4; of guests' IPv6 nothing passes through the host.\n\n" +
			"It needs a login that is root, or that has the capabilities `CAP_NET_ADMIN` and `CAP_NET_BIND_SERVICE` (such as by `pam_cap`), which no guest's process has, and on the host the commands `ip`, `nft` and `dnsmasq` (Debian: `iproute2`, `nftables`, `dnsmasq-base`). With `nat` the host forwards packets (`net.ipv4.ip_forward`), also when the network is gone. Where another firewall of the host drops what it forwards, as Docker's does, that has to allow it.\n\n" +
			"A network is not there any more when the host was rebooted: the plan then tells that it is `down`, an apply brings it up, and until then no instance on it starts. Deleting it removes all that it has on the host, and is refused while guests are connected to it.",
		Attributes: map[string]schema.Attribute{
			"id":   field.ID(Effects, host.Networks),
			"uid":  field.UID(Effects),
			"name": field.Name(Effects),
			"host": field.Host(Effects, "the default host"),
			"cidr": schema.StringAttribute{
				MarkdownDescription: Effects.Describe("cidr", "Its private IPv4 addresses, such as `10.80.0.0/24`, of a length of 16 to 29. Guests get others when they ask anew, which they do within an hour. Default: a network of 10.64.0.0/10 that the host does not reach yet, chosen once."),
				Optional:            true,
				Computed:            true,
				Validators:          []validator.String{field.Valid("a network", host.CheckCIDR)},
				PlanModifiers:       []planmodifier.String{stringplanmodifier.UseStateForUnknown()},
			},
			"nat": schema.BoolAttribute{
				MarkdownDescription: Effects.Describe("nat", "Whether guests reach what the host reaches, by its address, and the DNS servers that it asks. Without, they reach each other and the host's address in the network, and the network's DNS knows its own names only. Default: `true`."),
				Optional:            true,
				Computed:            true,
				Default:             booldefault.StaticBool(true),
			},
			"dhcp_range": schema.SingleNestedAttribute{
				MarkdownDescription: Effects.Describe("dhcp_range", "The addresses that are given to guests. Default: all but the host's."),
				Optional:            true,
				Attributes: map[string]schema.Attribute{
					"first": schema.StringAttribute{MarkdownDescription: Effects.Describe("dhcp_range.first", "The first."), Required: true},
					"last":  schema.StringAttribute{MarkdownDescription: Effects.Describe("dhcp_range.last", "The last."), Required: true},
				},
			},
			"domain": schema.StringAttribute{
				MarkdownDescription: Effects.Describe("domain", "DNS domain of its guests: an instance `web` is found as `web` and `web.DOMAIN`, the host as `gateway`. Default: the network's name and `.internal`."),
				Optional:            true,
				Computed:            true,
				Validators:          []validator.String{field.Valid("a domain", host.CheckDomain)},
			},
			"state": schema.StringAttribute{
				MarkdownDescription: Effects.Describe("state", "`up`, which is the default and all that can be asked for. `down` is what is found when a part of it is missing, as after a reboot of the host."),
				Optional:            true,
				Computed:            true,
				Default:             stringdefault.StaticString(up),
				Validators:          []validator.String{stringvalidator.OneOf(up)},
			},
			"labels":     field.Labels(Effects),
			"gateway":    schema.StringAttribute{MarkdownDescription: Effects.Describe("gateway", "The host's address in it, the first: router and DNS server of its guests."), Computed: true},
			"bridge":     field.Fixed(Effects, "bridge", "Name of its bridge on the host, and of its table of rules (`nft list table inet BRIDGE`)."),
			"created_at": field.Fixed(Effects, "created_at", "When it was made, as in RFC 3339, UTC."),
			"timeouts":   field.Timeouts(ctx, Effects, limits),
		},
	}
}
