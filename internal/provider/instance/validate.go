package instance

import (
	"context"
	"fmt"

	"github.com/hashicorp/terraform-plugin-framework/attr"
	"github.com/hashicorp/terraform-plugin-framework/diag"
	"github.com/hashicorp/terraform-plugin-framework/path"
	"github.com/hashicorp/terraform-plugin-framework/resource"
	"github.com/hashicorp/terraform-plugin-framework/types"

	"github.com/seed-a7bafb14/terraform-provider-kvm/internal/host"
)

// ValidateConfig checks what no single attribute can tell. A value that is not
// known yet is never taken for a mistake.
func (r *instanceResource) ValidateConfig(ctx context.Context, req resource.ValidateConfigRequest, resp *resource.ValidateConfigResponse) {
	var m model
	resp.Diagnostics.Append(req.Config.Get(ctx, &m)...)
	if resp.Diagnostics.HasError() {
		return
	}
	m.validateOrigin(&resp.Diagnostics)
	m.validatePlace(&resp.Diagnostics)
	m.validateCloudInit(&resp.Diagnostics)
	m.validateReady(&resp.Diagnostics)
	m.validateAgent(&resp.Diagnostics)
	m.validateForwards(&resp.Diagnostics)
	m.validateDisks(&resp.Diagnostics)
	m.validateInterfaces(&resp.Diagnostics)
}

// validateOrigin wants exactly one origin: image, fork_of or kernel, of which
// the kernel may go with an image.
func (m *model) validateOrigin(diags *diag.Diagnostics) {
	at := path.Root("fork_of")
	switch {
	case isSet(m.ForkOf) && isSet(m.Image):
		diags.AddAttributeError(at, "Two origins", "A fork takes its disk from its source: leave out image, or fork_of.")
	case isSet(m.ForkOf) && isSet(m.Kernel):
		diags.AddAttributeError(at, "Two origins", "A fork takes its kernel from its source: leave out kernel, or fork_of.")
	case m.ForkOf.IsNull() && m.Image.IsNull() && m.Kernel.IsNull():
		diags.AddAttributeError(path.Root("image"), "No origin", "An instance is made from an image, from a kernel, or from both, or it is a fork: set image, kernel or fork_of.")
	}
}

// isSet reports whether a value is known to be there: one that is unknown may
// turn out to be null.
func isSet(value attr.Value) bool { return !value.IsNull() && !value.IsUnknown() }

// validatePlace wants all that the instance is made from on one host, which is
// the instance's, and a fork to be of something else.
func (m *model) validatePlace(diags *diag.Diagnostics) {
	on := m.Host.ValueString()
	for _, origin := range m.origins() {
		switch there := origin.host(); {
		case there == "": // not known yet
		case on == "":
			on = there
		case there != on:
			diags.AddAttributeError(origin.path, "Made from another host's object",
				fmt.Sprintf("%s is not on host %q, on which the instance is to be.", origin.id.ValueString(), on))
		}
	}
	if source := refOf(m.ForkOf); source.Kind == host.Instances && source.Name == m.Name.ValueString() {
		diags.AddAttributeError(path.Root("fork_of"), "A fork of itself", "An instance cannot be forked from itself: name another source.")
	}
}

// validateReady wants of each check its own arguments, and a way to ask.
func (m *model) validateReady(diags *diag.Diagnostics) {
	check := text(m.Ready, "check")
	if m.Ready.IsNull() || check.IsUnknown() {
		return
	}
	at := path.Root("ready")
	port, _ := m.Ready.Attributes()["port"].(types.Int64)
	isConsole, isAgent := check.ValueString() == checkConsole, check.ValueString() == checkAgent
	switch {
	case !isConsole && !isAgent && check.ValueString() != checkHTTP && check.ValueString() != checkSSH: // refused already
	case isAgent && m.GuestAgent.IsNull() && m.ForkOf.IsNull(), isAgent && isSet(m.GuestAgent) && !m.GuestAgent.ValueBool():
		diags.AddAttributeError(at.AtName("check"), "No guest agent", "The check agent asks the guest agent: set guest_agent = true.")
	case isConsole && text(m.Ready, "pattern").IsNull():
		diags.AddAttributeError(at.AtName("pattern"), "No pattern", "The check console needs a pattern to look for.")
	case (isConsole || isAgent) && isSet(port):
		diags.AddAttributeError(at.AtName("port"), "No port needed", fmt.Sprintf("The check %s asks no port.", check.ValueString()))
	case !isConsole && isSet(text(m.Ready, "pattern")):
		diags.AddAttributeError(at.AtName("pattern"), "No pattern needed", "Only the check console looks for a pattern.")
	case isAgent:
	case !isConsole && port.IsNull():
		diags.AddAttributeError(at.AtName("port"), "No port", fmt.Sprintf("The check %s needs the port to ask in the guest.", check.ValueString()))
	case !isConsole && !port.IsUnknown() && !m.mayForward(port.ValueInt64()):
		diags.AddAttributeError(at.AtName("port"), "The port is not forwarded",
			fmt.Sprintf("The guest's port %d is asked through the host: add a forward with guest_port = %d and protocol tcp to one of network_interfaces.", port.ValueInt64(), port.ValueInt64()))
	}
	if path := text(m.Ready, "path"); check.ValueString() != checkHTTP && isSet(path) {
		diags.AddAttributeError(at.AtName("path"), "No path needed", "Only the check http asks for a path.")
	}
}

// mayForward reports whether the guest's tcp port is forwarded, or may be for
// all that is known.
func (m *model) mayForward(port int64) bool {
	mayInherit := !m.ForkOf.IsNull()
	if m.NetworkInterfaces.IsUnknown() || m.NetworkInterfaces.IsNull() && mayInherit {
		return true
	}
	for _, value := range m.NetworkInterfaces.Elements() {
		nic, ok := known(value)
		if !ok {
			return true
		}
		forwards, _ := nic.Attributes()["forward"].(types.Map)
		if forwards.IsUnknown() || forwards.IsNull() && mayInherit {
			return true
		}
		for _, value := range forwards.Elements() {
			forward, ok := known(value)
			if !ok {
				return true
			}
			guest, _ := forward.Attributes()["guest_port"].(types.Int64)
			protocol := text(forward, "protocol")
			if (guest.IsUnknown() || guest.ValueInt64() == port) && (protocol.IsNull() || protocol.IsUnknown() || protocol.ValueString() == "tcp") {
				return true
			}
		}
	}
	return false
}
