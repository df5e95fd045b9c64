package instance

import (
	"cmp"
	"fmt"
	"maps"
	"slices"

	"github.com/hashicorp/terraform-plugin-framework/diag"
	"github.com/hashicorp/terraform-plugin-framework/path"
)

// validateForwards refuses two forwards of one port of the host. A port belongs
// to one forward on all addresses.
func (m *model) validateForwards(diags *diag.Diagnostics) {
	taken := map[string]bool{}
	interfaces := interfaceSpecs(m.NetworkInterfaces)
	for _, nic := range slices.Sorted(maps.Keys(interfaces)) {
		forwards := interfaces[nic].Forwards
		for _, key := range slices.Sorted(maps.Keys(forwards)) {
			if forwards[key].HostPort == 0 { // to be chosen, or not known yet
				continue
			}
			listener := fmt.Sprintf("%s port %d", cmp.Or(forwards[key].Protocol, defaultProtocol), forwards[key].HostPort)
			if taken[listener] {
				diags.AddAttributeError(path.Root("network_interfaces").AtMapKey(nic).AtName("forward").AtMapKey(key).AtName("host_port"),
					"The host port is taken", "Another forward of this instance listens on "+listener+".")
			}
			taken[listener] = true
		}
	}
}
