package instance

import (
	"regexp"

	"github.com/hashicorp/terraform-plugin-framework-validators/listvalidator"
	"github.com/hashicorp/terraform-plugin-framework-validators/stringvalidator"
	"github.com/hashicorp/terraform-plugin-framework/attr"
	"github.com/hashicorp/terraform-plugin-framework/diag"
	"github.com/hashicorp/terraform-plugin-framework/path"
	"github.com/hashicorp/terraform-plugin-framework/resource/schema"
	"github.com/hashicorp/terraform-plugin-framework/resource/schema/planmodifier"
	"github.com/hashicorp/terraform-plugin-framework/schema/validator"
	"github.com/hashicorp/terraform-plugin-framework/types"

	"github.com/seed-a7bafb14/terraform-provider-kvm/internal/host"
	"github.com/seed-a7bafb14/terraform-provider-kvm/internal/provider/field"
)

// hostname matches names of hosts (RFC 1123), of which Linux takes 64 characters.
var hostname = regexp.MustCompile(`^[A-Za-z0-9]([A-Za-z0-9-]*[A-Za-z0-9])?(\.[A-Za-z0-9]([A-Za-z0-9-]*[A-Za-z0-9])?)*$`)

func guestAgentAttribute() schema.BoolAttribute {
	return schema.BoolAttribute{
		MarkdownDescription: Effects.Describe("guest_agent", "Whether the guest runs `qemu-guest-agent`, and is to be spoken to by it: it is told the time whenever it goes on from a checkpoint, and a fork who it is (`identity`, `on_fork`); it is shut down by it; and `ready` can ask it. "+
			"An apply that has something to tell and gets no answer fails. Default: `false`; on a fork that of its source, with which it must agree."),
		Optional:      true,
		Computed:      true,
		PlanModifiers: []planmodifier.Bool{inheritedBool{}},
	}
}

func identityAttribute() schema.SingleNestedAttribute {
	return schema.SingleNestedAttribute{
		MarkdownDescription: Effects.Describe("identity", "What of a fork is made new when it runs for the first time, through `guest_agent`: without, its guest goes on as what it was forked from. Default: all of it, where the source has a guest agent."),
		Optional:            true,
		Attributes: map[string]schema.Attribute{
			"hostname": schema.StringAttribute{
				MarkdownDescription: Effects.Describe("identity.hostname", "Host name; `\"\"` for that of the source. Default: the name of the instance."),
				Optional:            true,
				Validators:          []validator.String{stringvalidator.Any(stringvalidator.OneOf(""), stringvalidator.All(stringvalidator.LengthAtMost(64), stringvalidator.RegexMatches(hostname, "must be a host name: a-z, A-Z, 0-9 and hyphen, in labels with dots between them")))},
			},
			"machine_id": schema.BoolAttribute{
				MarkdownDescription: Effects.Describe("identity.machine_id", "Whether `/etc/machine-id` is another one. Default: `true`."),
				Optional:            true,
			},
			"ssh_host_keys": schema.BoolAttribute{
				MarkdownDescription: Effects.Describe("identity.ssh_host_keys", "Whether the host keys in `/etc/ssh` are other ones, of the types that there are. Default: `true`."),
				Optional:            true,
			},
		},
	}
}

func onForkAttribute() schema.ListAttribute {
	return schema.ListAttribute{
		MarkdownDescription: Effects.Describe("on_fork", "Commands that the guest of a fork runs when it runs for the first time, as root, by `/bin/sh`, one after the other, through `guest_agent`, each within 5 minutes. When one fails, so does the apply, and shows the end of what it printed; when they are run again, it is all of them. "+
			"They are stored on the host and in the state: no place for secrets. Default: none."),
		ElementType: types.StringType,
		Optional:    true,
		Validators:  []validator.List{listvalidator.SizeAtLeast(1), listvalidator.NoNullValues(), listvalidator.ValueStringsAre(stringvalidator.LengthBetween(1, 65536))},
	}
}

// identityOfFork is the argument identity; what is nil is left to its default.
type identityOfFork struct {
	Hostname    *string `json:"hostname,omitempty"`
	MachineID   *bool   `json:"machine_id,omitempty"`
	SSHHostKeys *bool   `json:"ssh_host_keys,omitempty"`
}

var identityType = types.ObjectType{AttrTypes: map[string]attr.Type{
	"hostname":      types.StringType,
	"machine_id":    types.BoolType,
	"ssh_host_keys": types.BoolType,
}}

func (m *model) identity() *identityOfFork {
	if m.Identity.IsNull() || m.Identity.IsUnknown() {
		return nil
	}
	machineID, _ := m.Identity.Attributes()["machine_id"].(types.Bool)
	keys, _ := m.Identity.Attributes()["ssh_host_keys"].(types.Bool)
	return &identityOfFork{text(m.Identity, "hostname").ValueStringPointer(), machineID.ValueBoolPointer(), keys.ValueBoolPointer()}
}

func (i *identityOfFork) value() types.Object {
	if i == nil {
		return types.ObjectNull(identityType.AttrTypes)
	}
	return types.ObjectValueMust(identityType.AttrTypes, map[string]attr.Value{
		"hostname":      types.StringPointerValue(i.Hostname),
		"machine_id":    types.BoolPointerValue(i.MachineID),
		"ssh_host_keys": types.BoolPointerValue(i.SSHHostKeys),
	})
}

// renewal is what the guest of a fork is to be told, if it has an agent.
func (m *model) renewal() host.Renewal {
	renewal := host.Renewal{Hostname: m.Name.ValueString(), MachineID: true, SSHHostKeys: true, Commands: field.Texts(m.OnFork)}
	if asked := m.identity(); asked != nil {
		renewal.Hostname = or(asked.Hostname, renewal.Hostname)
		renewal.MachineID = or(asked.MachineID, renewal.MachineID)
		renewal.SSHHostKeys = or(asked.SSHHostKeys, renewal.SSHHostKeys)
	}
	return renewal
}

func or[T any](asked *T, byDefault T) T {
	if asked == nil {
		return byDefault
	}
	return *asked
}

// asksToRenew reports whether a guest without an agent would not do.
func (m *model) asksToRenew() bool { return m.nameOfRenewal() != "" }

// nameOfRenewal is the argument that needs an agent; "" when none does.
func (m *model) nameOfRenewal() string {
	asked := m.identity()
	switch {
	case isSet(m.OnFork):
		return "on_fork"
	case asked != nil && (or(asked.Hostname, "") != "" || or(asked.MachineID, false) || or(asked.SSHHostKeys, false)):
		return "identity"
	}
	return ""
}

// validateAgent wants a fork, and an agent, where a guest is to be told of it.
func (m *model) validateAgent(diags *diag.Diagnostics) {
	for name, value := range map[string]attr.Value{"identity": m.Identity, "on_fork": m.OnFork} {
		switch {
		case !isSet(value):
		case m.ForkOf.IsNull():
			diags.AddAttributeError(path.Root(name), "Not a fork", "Only the guest of a fork is told so: leave "+name+" out, or set fork_of.")
		case name == m.nameOfRenewal() && isSet(m.GuestAgent) && !m.GuestAgent.ValueBool():
			diags.AddAttributeError(path.Root(name), "No guest agent", "The guest is told by its agent: set guest_agent = true, on the source, too.")
		}
	}
}
