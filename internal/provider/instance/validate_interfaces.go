package instance

import (
	"fmt"
	"maps"
	"slices"

	"github.com/hashicorp/terraform-plugin-framework/diag"
	"github.com/hashicorp/terraform-plugin-framework/path"
	"github.com/hashicorp/terraform-plugin-framework/types"

	"github.com/seed-a7bafb14/terraform-provider-kvm/internal/host"
	"github.com/seed-a7bafb14/terraform-provider-kvm/internal/provider/hosts"
	"github.com/seed-a7bafb14/terraform-provider-kvm/internal/qemu"
)

// validateInterfaces wants of each network interface what its type needs, and
// nothing that it cannot have, and no MAC address twice.
func (m *model) validateInterfaces(diags *diag.Diagnostics) {
	interfaces, taken, passts := m.NetworkInterfaces.Elements(), map[string]bool{}, 0
	for _, key := range slices.Sorted(maps.Keys(interfaces)) {
		nic, ok := known(interfaces[key])
		if !ok {
			continue
		}
		at := path.Root("network_interfaces").AtMapKey(key)
		if mac := text(nic, "mac_address"); isSet(mac) {
			if taken[mac.ValueString()] {
				diags.AddAttributeError(at.AtName("mac_address"), "The MAC address is taken", "Another network interface of this instance has "+mac.ValueString()+".")
			}
			taken[mac.ValueString()] = true
		}
		switch kind := text(nic, "type"); {
		case kind.IsUnknown():
		case kind.ValueString() == bridgeNICType:
			m.validateBridge(nic, at, diags)
		default:
			if kind.ValueString() == qemu.PasstType {
				passts++
				validatePasst(nic, at, passts, diags)
			}
			for _, name := range []string{"bridge", "network"} {
				if isSet(text(nic, name)) {
					diags.AddAttributeError(at.AtName(name), "Not on a bridge", fmt.Sprintf(`A network interface has a %s if its type is "bridge".`, name))
				}
			}
		}
	}
}

// validatePasst wants a network interface of type passt, the nth of its instance,
// to be the only one, and not restricted.
func validatePasst(nic types.Object, at path.Path, nth int, diags *diag.Diagnostics) {
	if nth > 1 {
		diags.AddAttributeError(at.AtName("type"), "Two of type passt", "An instance has one network interface of type passt at most.")
	}
	if restrict, _ := nic.Attributes()["restrict"].(types.Bool); restrict.ValueBool() {
		diags.AddAttributeError(at.AtName("restrict"), "Not with passt", `passt cannot cut a guest off: leave out restrict, or choose type = "user".`)
	}
}

func (m *model) validateBridge(nic types.Object, at path.Path, diags *diag.Diagnostics) {
	bridge, network := text(nic, "bridge"), text(nic, "network")
	switch {
	case isSet(bridge) && isSet(network):
		diags.AddAttributeError(at.AtName("bridge"), "Two bridges", "A network has a bridge of its own: leave out bridge, or network.")
	case bridge.IsNull() && network.IsNull() && m.ForkOf.IsNull():
		diags.AddAttributeError(at.AtName("bridge"), "No bridge", `A network interface of type "bridge" needs a bridge, or a network.`)
	}
	if id, err := hosts.ParseID(network.ValueString(), host.Networks); err == nil && isSet(m.Host) && m.Host.ValueString() != id.Host {
		diags.AddAttributeError(at.AtName("network"), "Another host's network",
			fmt.Sprintf("%s is not on host %q, on which the instance is to be.", network.ValueString(), m.Host.ValueString()))
	}
	if restrict, _ := nic.Attributes()["restrict"].(types.Bool); restrict.ValueBool() {
		diags.AddAttributeError(at.AtName("restrict"), "Not on a user network", "What a guest on a bridge reaches is up to the bridge's network: leave out restrict.")
	}
	if forwards, _ := nic.Attributes()["forward"].(types.Map); len(forwards.Elements()) > 0 {
		diags.AddAttributeError(at.AtName("forward"), "Not on a user network", "A guest on a bridge has an address there, at which its ports are reached: leave out forward.")
	}
}
