package instance

import (
	"errors"
	"net"
	"regexp"
	"strings"

	"github.com/hashicorp/terraform-plugin-framework-validators/stringvalidator"
	"github.com/hashicorp/terraform-plugin-framework/resource/schema"
	"github.com/hashicorp/terraform-plugin-framework/resource/schema/planmodifier"
	"github.com/hashicorp/terraform-plugin-framework/schema/validator"

	"github.com/seed-a7bafb14/terraform-provider-kvm/internal/host"
	"github.com/seed-a7bafb14/terraform-provider-kvm/internal/provider/field"
)

var bridgeName = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9._-]{0,14}$`)

func bridgeAttribute() schema.StringAttribute {
	return schema.StringAttribute{
		MarkdownDescription: Effects.Describe("network_interfaces.*.bridge", "Name of a bridge that the host has, such as `br0`, for `type = \"bridge\"` without a `network`. "+
			"Where the login is root, QEMU makes a tap on it, which is gone with the guest; else a free one is taken of those that the host's administrator has prepared for the login (`ip tuntap add dev NAME mode tap user LOGIN && ip link set dev NAME master br0 up`). "+
			"Default: none; on a fork that of its source."),
		Optional:      true,
		Computed:      true,
		Validators:    []validator.String{stringvalidator.RegexMatches(bridgeName, "must be the name of a network interface: at most 15 characters")},
		PlanModifiers: []planmodifier.String{inheritedPlace{unless: "network"}},
	}
}

func networkAttribute() schema.StringAttribute {
	return schema.StringAttribute{
		MarkdownDescription: Effects.Describe("network_interfaces.*.network", "Id of the `kvm_network` on whose bridge it is, for `type = \"bridge\"` without a `bridge`. Default: none; on a fork that of its source."),
		Optional:            true,
		Computed:            true,
		Validators:          []validator.String{field.IsID(host.Networks)},
		PlanModifiers:       []planmodifier.String{inheritedPlace{unless: "bridge"}},
	}
}

// isMAC wants what a card can have, as it is shown: not a group's address.
func isMAC(text string) error {
	mac, err := net.ParseMAC(text)
	switch {
	case err != nil || len(mac) != 6 || strings.Count(text, ":") != 5:
		return errors.New("it has six bytes in hexadecimal, with colons between them")
	case mac[0]&1 != 0:
		return errors.New("it is that of a group")
	case mac.String() != text:
		return errors.New("write " + mac.String())
	}
	return nil
}
