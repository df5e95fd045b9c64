package instance

import (
	"cmp"
	"fmt"
	"maps"
	"slices"

	"github.com/hashicorp/terraform-plugin-framework/attr"
	"github.com/hashicorp/terraform-plugin-framework/diag"
	"github.com/hashicorp/terraform-plugin-framework/path"
	"github.com/hashicorp/terraform-plugin-framework/types"
)

// validateForwards refuses two forwards of one port of the host. A port belongs
// to one forward on all addresses.
func (m *model) validateForwards(diags *diag.Diagnostics) {
	taken := map[string]bool{}
	interfaces := m.NetworkInterfaces.Elements()
	for _, nic := range slices.Sorted(maps.Keys(interfaces)) {
		object, _ := known(interfaces[nic])
		forwards, _ := object.Attributes()["forward"].(types.Map)
		for _, key := range slices.Sorted(maps.Keys(forwards.Elements())) {
			listener, ok := listenerOf(forwards.Elements()[key])
			if !ok {
				continue
			}
			if taken[listener] {
				diags.AddAttributeError(path.Root("network_interfaces").AtMapKey(nic).AtName("forward").AtMapKey(key).AtName("host_port"),
					"The host port is taken", "Another forward of this instance listens on "+listener+".")
			}
			taken[listener] = true
		}
	}
}

// listenerOf is what a forward occupies of the host, where that can be said: its
// port may be left to be chosen, or neither port nor protocol be known yet.
func listenerOf(value attr.Value) (string, bool) {
	forward, ok := known(value)
	port, _ := forward.Attributes()["host_port"].(types.Int64)
	protocol := text(forward, "protocol")
	if !ok || !isSet(port) || protocol.IsUnknown() {
		return "", false
	}
	return fmt.Sprintf("%s port %d", cmp.Or(protocol.ValueString(), defaultProtocol), port.ValueInt64()), true
}
